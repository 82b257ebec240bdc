"""What a run remembers: its changes, exact states to go back to, and frames to look at, in bounded memory."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from ne_interactive.data.table import Rows
from ne_interactive.engine.protocol import Method
from ne_interactive.engine.state import Problem, State
from ne_interactive.graph.neighbors import Neighbors

BUDGET = 256.0  # MB
HOLDS = ("pin", "move", "release")  # changes of where points are and which of them stay there
GROUPS = ("add", "remove", "focus", "unfocus")  # changes of which points there are
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
    problem: Problem
    changes: int  # made before it
    events: int
    seconds: float
    loss: float

    def bytes(self) -> int:
        """Memory of the tensors that belong to it alone."""
        state = self.state
        tensors = [state.positions, *state.slots.values(), *state.memory.values()]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


class Past:
    """Changes, checkpoints and frames of one run.

    Args:
        budget: MB for checkpoints and frames, half for each; 0 keeps the changes only.
    """

    def __init__(self, budget: float = BUDGET) -> None:
        self.budget = float(budget)
        self.branches: list[
            tuple[int, int]
        ] = []  # where the run was branched off or taken back to, and from where
        self.changes: list[Change] = []
        self.checkpoints: list[Checkpoint] = []
        self.frames: dict[int, Tensor] = {}
        self.interval = FIRST_INTERVAL
        self.stride = 1

    def copy(self) -> Past:
        """An independent past with the same content; what it holds is never written to."""
        other = Past(self.budget)
        other.changes, other.checkpoints = list(self.changes), list(self.checkpoints)
        other.frames, other.branches = dict(self.frames), list(self.branches)
        other.interval, other.stride = self.interval, self.stride
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
        """Keep an exact state; beyond the budget, those that lie between doubled intervals are given up."""
        at = checkpoint.state.iteration
        if self.budget <= 0 or (self.checkpoints and self.checkpoints[-1].state.iteration == at):
            return
        self.checkpoints.append(checkpoint)
        self._forget_neighbors(checkpoint.problem)
        while self.bytes() > self.budget / 2 * 1e6 and len(self.checkpoints) > 2:
            self.interval *= 2
            last = len(self.checkpoints) - 1
            self.checkpoints = [
                one
                for place, one in enumerate(self.checkpoints)
                if one.state.iteration % self.interval == 0 or place == last
            ]

    def bytes(self) -> int:
        """Memory of the exact states: tensors of the last one's problem are the run's own and not counted."""
        if not self.checkpoints:
            return 0
        own = {tensor.data_ptr() for tensor in self.checkpoints[-1].problem.tensors()}
        graphs = [tensor for one in self.checkpoints for tensor in one.problem.tensors()]
        sizes = {one.data_ptr(): one.untyped_storage().nbytes() for one in graphs}
        held = sum(size for place, size in sizes.items() if place not in own)
        return held + sum(one.bytes() for one in self.checkpoints)

    def _forget_neighbors(self, present: Problem) -> None:
        """Keep at most a quarter of the budget of neighbours that are not in force; a search finds them again."""
        room = self.budget / 4 * 1e6
        for place in reversed(range(len(self.changes))):
            found = self.changes[place].neighbors
            if found is None or found is present.neighbors:
                continue
            room -= sum(part.untyped_storage().nbytes() for part in (found.indices, found.distances))
            if room < 0:
                self.changes[place] = replace(self.changes[place], neighbors=None)

    def show(self, iteration: int, positions: Tensor) -> None:
        """Keep a frame; beyond the budget every second one is given up."""
        size = positions.numel() * positions.element_size()
        if self.budget <= 0 or iteration % self.stride or size > self.budget / 2 * 1e6:
            return
        self.frames[iteration] = positions.detach().cpu().float().clone()
        while sum(4 * Z.numel() for Z in self.frames.values()) > self.budget / 2 * 1e6:
            self.stride *= 2
            self.frames = {at: Z for at, Z in self.frames.items() if at % self.stride == 0}

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
        self.frames = {iteration: Z for iteration, Z in self.frames.items() if iteration <= at}
        return since
