"""What a run remembers: its changes, exact states to go back to, and frames to look at, in bounded memory."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from ne_interactive.data.memory import apart, give_back
from ne_interactive.data.table import Rows
from ne_interactive.engine.protocol import Method
from ne_interactive.engine.state import Problem, State
from ne_interactive.graph.neighbors import Neighbors

BUDGET = 256.0  # MB
HOLDS = ("pin", "move", "release")  # changes of where points are and which of them stay there
GROUPS = ("add", "remove", "focus", "unfocus")  # changes of which points there are
NEIGHBORS = 0.75  # of the memory for exact states may be neighbours that are not in force
# What is kept in the heap between what an iteration needs for a moment leaves holes that do not fit the next: at 70,000
# points 700 MB in ten seconds. So frames have memory of their own; exact states and changes, which are fewer, do not.
GIVE_BACK = 1 / 4  # of the budget in frames, kept or not, and free memory goes back to the system
# Those of small data would fit by the hundred thousand, and going through them would take longer than an iteration.
MOST_STATES, MOST_FRAMES = 1000, 4000
FIRST_INTERVAL = 50  # iterations between exact states, until they would take too much memory


@dataclass(frozen=True)
class Change:
    """Something that was changed before an iteration, so that it can be done again.

    Attributes:
        iteration: of the run when it was done.
        kind: "tune", "neighbours" (the right ones instead of rough ones), "max_iter", "switch", "mark", or of HOLDS
            or GROUPS.
        values: new live values; of "max_iter" the iteration, of "mark" the name, under the kind's own name; of points
            that are held, removed or focused on "indices" (m,) uint32, and of "move" also "xy" (m, c). A "release"
            without is one of all. Of "unfocus" whether the places are "refined".
        digest: of P from then on; "" where it stayed.
        k: how many neighbours of each point were searched for it; 0 where those in force were enough, or none needed.
        neighbors: what that search found, while there is room for it; another finds the same.
        method: that took the run over.
        table: of new points.
        made: the problem of then, as long as something else needs it too.
    """

    iteration: int
    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""
    k: int = 0
    neighbors: Neighbors | None = None
    method: Method | None = None
    made: Callable[[], Problem | None] = lambda: None
    table: Rows | None = None

    def of(self, problem: Problem | None, before: Problem | None) -> Change:
        """The same with the problem that it brought, and the one that was in force."""
        if problem is None:
            return self
        found = problem.neighbors
        if found is None or (before is not None and found is before.neighbors):
            found = None
        digest, k = problem.graph.digest(), found.k if found else 0
        return replace(self, digest=digest, k=k, neighbors=found, made=weakref.ref(problem))


@dataclass(frozen=True)
class Checkpoint:
    """An exact state, before whatever was changed at its iteration."""

    state: State
    method: Method
    problem: Problem | None  # None: given up, to be made again from the neighbours of then
    k: int  # of them for each point, 0 where it needs none
    changes: int  # made before it
    events: int
    seconds: float
    loss: float

    @functools.cached_property
    def bytes(self) -> int:
        """Memory of its state, a copy that shares nothing."""
        held = [self.state.positions, *self.state.slots.values(), *self.state.memory.values()]
        return sum(tensor.untyped_storage().nbytes() for tensor in held)


class Past:
    """Changes, checkpoints and frames of one run.

    Args:
        budget: MB for checkpoints and frames, half for each, of both some thousands at most; 0 keeps the changes only.

    `first` are the neighbours that the run began with, while there is room for them. The problem in force is the run's
    own and not counted.
    """

    def __init__(self, budget: float = BUDGET) -> None:
        self.budget = float(budget)
        # where the run was branched off or taken back to, and from where
        self.branches: list[tuple[int, int]] = []
        self.changes: list[Change] = []
        self.checkpoints: list[Checkpoint] = []
        self.frames: dict[int, Tensor] = {}
        self.first: Neighbors | None = None
        self.interval = FIRST_INTERVAL
        self.stride = 1
        self._shown = 0  # bytes of the frames kept, counted where they come and go
        self._since = 0  # bytes of frames since free memory was given back, kept or not

    def copy(self) -> Past:
        """An independent past with the same content; what it holds is never written to."""
        other = Past(self.budget)
        other.changes, other.checkpoints = list(self.changes), list(self.checkpoints)
        other.frames, other._shown, other.branches = dict(self.frames), self._shown, list(self.branches)
        other.first, other.interval, other.stride = self.first, self.interval, self.stride
        return other

    def insert(self, change: Change) -> None:
        """Put a change that leaves the state alone behind all others up to its iteration, and its event likewise."""
        later = sum(one.iteration > change.iteration for one in self.changes)
        self.changes.insert(len(self.changes) - later, change)
        self.checkpoints = [
            replace(one, changes=one.changes + 1, events=one.events + 1)
            if one.state.iteration > change.iteration
            else one
            for one in self.checkpoints
        ]

    def wants(self, iteration: int) -> bool:
        """Whether a checkpoint is due."""
        return self.budget > 0 and iteration % self.interval == 0

    def keep(self, checkpoint: Checkpoint) -> None:
        """Keep an exact state, and within the budget."""
        at = checkpoint.state.iteration
        if self.budget <= 0 or (self.checkpoints and self.checkpoints[-1].state.iteration == at):
            return
        self.checkpoints.append(checkpoint)
        assert checkpoint.problem is not None
        self.fit(checkpoint.problem)

    def fit(self, present: Problem) -> None:
        """Give up what is beyond the budget beside the problem in force.

        Affinities of former settings go first, which are soon made again from neighbours; then neighbours not in force
        beyond a part of the budget, which a search finds again; then the states between doubled intervals.
        """
        limit = self.budget / 2 * 1e6
        if self.bytes(present) > limit:
            self._lighten(present)
        if self.bytes(present) > limit:
            self._forget_neighbors(present, NEIGHBORS * limit)
        while len(self.checkpoints) > 2 and (
            len(self.checkpoints) > MOST_STATES or self.bytes(present) > limit
        ):
            self.interval *= 2
            last = len(self.checkpoints) - 1
            self.checkpoints = [
                one
                for place, one in enumerate(self.checkpoints)
                if one.state.iteration % self.interval == 0 or place == last
            ]

    def bytes(self, present: Problem) -> int:
        """Memory of the exact states, and of neighbours and affinities that are not in force."""
        problems = {id(one.problem): one.problem for one in self.checkpoints if one.problem is not None}
        held = [tensor for problem in problems.values() for tensor in problem.tensors()]
        held += [tensor for found in self._known() for tensor in (found.indices, found.distances)]
        stores = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in held}
        own = {tensor.untyped_storage().data_ptr() for tensor in present.tensors()}
        beside = sum(size for place, size in stores.items() if place not in own)
        return beside + sum(one.bytes for one in self.checkpoints)

    def _known(self) -> list[Neighbors]:
        found = [self.first, *(change.neighbors for change in self.changes)]
        return [one for one in found if one is not None]

    def _lighten(self, present: Problem) -> None:
        """Have states of other problems go on without; those give way whose problem comes not of neighbours alone."""
        own = {id(tensor) for tensor in present.tensors()}
        kept = []
        for one in self.checkpoints:
            if one.problem is None or all(id(tensor) in own for tensor in one.problem.tensors()):
                kept.append(one)
            elif self._comes_again(one, one.problem):
                kept.append(replace(one, problem=None))
        self.checkpoints = kept

    def _comes_again(self, one: Checkpoint, problem: Problem) -> bool:
        regrouped = any(change.kind in GROUPS for change in self.changes[: one.changes])
        return not (problem.rough or problem.fading or regrouped)

    def _forget_neighbors(self, present: Problem, room: float) -> None:
        """Of neighbours that are not in force keep the latest, and as many as there is room for."""
        for place, change in reversed(list(enumerate(self.changes))):
            if change.neighbors is not None:
                room -= _beside(present, change.neighbors)
                if room < 0:
                    self.changes[place] = replace(change, neighbors=None)
        if self.first is not None and _beside(present, self.first) > room:
            self.first = None

    def show(self, iteration: int, positions: Tensor) -> None:
        """Keep a frame; of more than there is room for every second one is given up."""
        size = 4 * positions.numel()
        self._since += size
        if self.budget > 0 and self._since > max(GIVE_BACK * self.budget * 1e6, 25 * size):
            self._since = 0
            give_back()
        if self.budget <= 0 or iteration % self.stride or size > self.budget / 2 * 1e6:
            return
        former = self.frames.get(iteration)
        self.frames[iteration] = apart(positions)
        self._shown += size - (0 if former is None else 4 * former.numel())
        while self._shown > self.budget / 2 * 1e6 or len(self.frames) > MOST_FRAMES:
            self.stride *= 2
            self._leave_frames(lambda at: at % self.stride == 0)

    def _leave_frames(self, stays: Callable[[int], bool]) -> None:
        """Forget the frames of other iterations."""
        self.frames = {at: Z for at, Z in self.frames.items() if stays(at)}
        self._shown = sum(4 * Z.numel() for Z in self.frames.values())

    def branch(self, at: int, left: int) -> None:
        """Note that a branch begins at an iteration, left at another; those of what is forgotten are forgotten."""
        self.branches = [one for one in self.branches if one[0] <= at and one != (at, left)] + [(at, left)]

    def before(self, iteration: int) -> Checkpoint | None:
        """The latest checkpoint at or before an iteration."""
        kept = [one for one in self.checkpoints if one.state.iteration <= iteration]
        return kept[-1] if kept else None

    def cut(self, checkpoint: Checkpoint | None) -> list[Change]:
        """Forget what came after a checkpoint, None for the start; returns the changes made since."""
        made = checkpoint.changes if checkpoint else 0
        since, self.changes = self.changes[made:], self.changes[:made]
        at = checkpoint.state.iteration if checkpoint else -1
        self.checkpoints = [one for one in self.checkpoints if one.state.iteration <= at]
        self._leave_frames(lambda iteration: iteration <= at)
        return since


def _beside(present: Problem, found: Neighbors) -> int:
    """Memory of neighbours, 0 of those in force."""
    if found is present.neighbors:
        return 0
    return sum(part.untyped_storage().nbytes() for part in (found.indices, found.distances))
