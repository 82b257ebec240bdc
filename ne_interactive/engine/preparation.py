"""What a run needs before its next iteration: a start, neighbours, and affinities, made at once or beside the loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, cast

import torch
from sklearn.base import clone

from ne_interactive.data.arrays import as_rows
from ne_interactive.data.seeds import draw_seed
from ne_interactive.data.table import Table
from ne_interactive.engine.optimizers import rule_of
from ne_interactive.engine.past import Past
from ne_interactive.engine.protocol import Method
from ne_interactive.engine.recorded import Recorder
from ne_interactive.engine.setup import check_start, device_of, problem_for, rough_problem_for, start_of
from ne_interactive.engine.state import Event, Problem, State
from ne_interactive.engine.step import in_force
from ne_interactive.engine.trace import Speed, Trace
from ne_interactive.engine.waiting import Prepared, Task, Waiting
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.graph.progress import report, reported
from ne_interactive.params.errors import NEError, ParameterError
from ne_interactive.params.param import plain_counts

BRIEF = 0.2  # seconds that a live run may stand still for new affinities
BRIEF_ENTRIES = 1_000_000  # neighbours in all whose affinities take less


class Preparation(Waiting):
    """What a run is made of and set to, and how problems are made for it: at once, or beside the loop."""

    def __init__(
        self, X: Any, method: Any, say: Callable[[str], None], rough: bool = False, fits: bool = True
    ) -> None:
        super().__init__()
        self.rows: Table = as_rows(X, device=device_of(method), metric=method.metric)
        self.method = cast(Method, clone(method))  # for the run alone
        if fits:  # X; another method may be one for the points that a kept run has come to
            check_fit(self.method, self.rows.n)
        self.seed = draw_seed(self.method.random_state)
        self.start: torch.Tensor | None = None
        self.state: State | None = None
        self.problem: Problem | None = None
        self.events: list[Event] = []
        self.trace = Trace()
        self.speed = Speed()
        self.recorder = Recorder()
        self.past = Past()
        self.first_method = self.method  # with which the run began
        self.widest = 0  # so many neighbours are searched at least, where any are
        self.searches: Any = None  # shared with other runs on the same table, until the first is made
        self.first_k = 0  # how many neighbours the run began with; 0 as long as nobody knows
        self.starter = self.method  # which made the start
        self.tables: list[Table] = [self.rows]  # X, and those added
        self.first_members: torch.Tensor | None = None  # with which the run began; None: the rows of X
        self.first_tables = 1  # there were then
        self.seconds = 0.0
        self.latest = 0.0  # seconds of the last iteration
        self.loss = float("nan")
        self._say = say
        self._setup = threading.RLock()
        self._stays_rough = rough  # until `refine`
        self.began_roughly = False
        self._took = float("inf")  # seconds of the last recalibration with known neighbours

    @property
    def works_beside(self) -> bool:
        """Whether neighbours or affinities are made beside the loop."""
        return self._beside.active and not self._beside.done

    def ensure_start(self) -> State:
        """The state, at the start if nothing has moved yet."""
        if self.state is not None:  # also while neighbours are searched, which takes long
            return self.state
        with self._setup:
            if self.state is None:
                self.start = start_of(self.method, self.rows, self.seed, self._first_graph)
                self.state = self._at_start({})
            return self.state

    def _first_graph(self) -> Graph:
        if self.problem is None:
            wanted = self.method.k(self.rows.n, self.params())  # also for what waits
            with self._doing("finding neighbours"):
                self.problem = self._new_problem(None, self._knobs(), wanted)
            first = self.past.first = self.problem.neighbors
            self.first_k = first.k if first else 0
        return self.problem.graph

    def _at_start(self, hand: Mapping[str, Any]) -> State:
        assert self.start is not None
        positions = self.start.clone()
        slots = rule_of(self.method).slots(positions)
        return State(positions, self.seed, slots, members=self.first_members, hand=dict(hand))

    def settle(self, wait: bool = True) -> None:
        """Everything slow that the next iteration needs: first neighbours, or a recalibration.

        Without `wait` a large run begins on rough neighbours, and what is slow goes on beside the loop: a later call
        takes it over.
        """
        if self.problem is not None and not self._pending and not self._beside.active:
            return
        with self._setup:
            self.ensure_start()
            if self._beside.done or (wait and self._beside.active):
                self._take_over()
            if self.problem is None and (self._stays_rough or not wait):
                self._begin_roughly()
            self._first_graph()
            changes = self._next_changes(wait)
            if changes is None:
                return
            try:
                if wait or self._brief(changes):
                    self._hand_over(self._recalibrated(changes, self._neighbors(), self._knobs(changes)))
                else:
                    self._recalibrate_beside(changes)
            except BaseException:  # interrupted: the run is left as it was
                self._finish(changes)
                raise

    def undisturbed(self) -> AbstractContextManager[Any]:
        """Within it no other thread makes anything ready; to be entered before the state is held, never after."""
        return self._setup

    def _begin_roughly(self) -> None:
        """Move on rough neighbours while the right ones are searched."""
        shared = self.searches.rough if self.searches else None
        self.problem = rough_problem_for(self.method, self.rows, self._knobs(), self.seed, shared)
        if self.problem is not None:
            self.began_roughly = True
            self.note("neighbours", {"rough": True, "digest": self.problem.graph.digest()})
            if self._stays_rough:
                return
            knobs = self._knobs()

            def search() -> Prepared:
                with self._doing("finding neighbours"):
                    return Prepared({}, self._new_problem(None, knobs))

            self._beside.begin(search)

    def stay_rough(self, rough: bool) -> None:
        """Whether rough neighbours stay in force until `refine`."""
        self._stays_rough = rough

    def refine(self) -> None:
        """Find the right neighbours instead of rough ones, for the next iteration."""
        with self._setup:
            self.settle()
            self._stays_rough = False
            if self.problem is not None and self.problem.rough and not self._ready:
                self._hand_over(Prepared({}, self._new_problem(None, self._knobs())))

    def _recalibrate_beside(self, changes: dict[str, Any]) -> None:
        known, knobs = self._neighbors(), self._knobs(changes)
        self._beside.begin(lambda: self._recalibrated(changes, known, knobs))

    def _take_over(self) -> None:
        """Wait for what goes on beside the loop, and have it ready for the next iteration."""
        try:
            prepared = self._beside.take()
        except BaseException:
            if not self._beside.active:  # it failed, as the first search may
                self.problem, self._working = None, {}
            raise
        self._hand_over(prepared)

    def _hand_over(self, prepared: Prepared) -> None:
        changes, problem, error = prepared
        names = set(changes)
        if error is not None:
            costly = self._costly(changes)
            self.note("refused", {"names": costly, "error": str(error)})
            self._say(str(error))
            changes = {name: value for name, value in changes.items() if name not in costly}
        with self._mailbox:
            self._ready.append(Prepared(changes, problem))
            self._finish(names)

    def _brief(self, changes: dict[str, Any]) -> bool:
        """Whether changes are made so quickly that the loop can wait."""
        if not self._costly(changes):
            return True
        k, known = self.method.k(self.rows.n, self.params()), self._neighbors()
        same = known is not None and known.metric == self.params()["metric"]
        enough = k == 0 or (known is not None and same and known.k >= k)
        return enough and (self.rows.n * k <= BRIEF_ENTRIES or self._took < BRIEF)

    def _neighbors(self) -> Neighbors | None:
        """The neighbours last found, rough ones apart."""
        for prepared in reversed(self._ready):
            if prepared.problem is not None:
                return prepared.problem.neighbors
        return self.problem.neighbors if self.problem and not self.problem.rough else None

    def _recalibrated(
        self, changes: dict[str, Any], known: Neighbors | None, knobs: Mapping[str, Any]
    ) -> Prepared:
        costly = self._costly(changes)
        if not costly:
            return Prepared(changes, None)
        began = time.perf_counter()
        try:
            with self._doing("recalibrating", costly):
                problem = self._new_problem(known, knobs)
        except NEError as error:
            return Prepared(changes, None, error)
        self._took = time.perf_counter() - began if problem.neighbors is known else self._took
        return Prepared(changes, problem)

    @contextmanager
    def _doing(self, what: str, names: Iterable[str] = ()) -> Iterator[None]:
        """Tell of the slow work in the block, for the parameters that it is done for, while it goes on."""
        with self.telling(names):
            report(what)
            yield

    @contextmanager
    def telling(self, names: Iterable[str] = ()) -> Iterator[None]:
        """Tell of whatever slow work in the block reports itself."""
        own: Task | None = None

        def told(text: str, share: float | None = None) -> None:
            nonlocal own
            before, own = self.task, Task(tuple(names), text, share)
            self.task = own
            if before is None or before.what != own.what:
                self._say(str(own))

        try:
            with reported(told):
                yield
        finally:
            if own is not None and self.task is own:
                self.task = None
                self._say("")

    def _new_problem(self, known: Neighbors | None, knobs: Mapping[str, Any], least: int = 0) -> Problem:
        search = self.searches.neighbors if self.searches else None
        least = max(least, self.widest)
        problem = problem_for(self.method, self.rows, knobs, self.seed, known, least, search)
        if (
            self.problem is not None and self.problem.graph.is_listed
        ):  # what runs on edges will ask for these at once
            problem.graph.list_beside_digest()
        self.searches = None
        return problem

    def prepared(self, method: Any) -> tuple[Method, Problem]:
        """A method checked for taking this run over, and its problem; nothing is changed yet.

        Raises:
            ParameterError: if it does not fit the data or the embedding.
        """
        made = cast(Method, clone(method))
        check_fit(made, self.rows.n)
        held = {"n_components": self.method.n_components, "metric": self.params()["metric"]}
        for name, ours in held.items():
            if ours != (theirs := getattr(made, name)):
                raise ParameterError(
                    f"{type(made).__name__}.{name} must be {ours!r}, as in the run that it takes over; got {theirs!r}. "
                    "Give it the same, or start a new run."
                )
        with self._setup:
            self.ensure_start()
            if self._beside.active:
                self._take_over()
            self._first_graph()
            state = State(torch.empty(0, 0), self.seed)
            knobs = in_force(made, state, self.rows.n)
            with self._doing(f"preparing {type(made).__name__}"):
                return made, problem_for(made, self.rows, knobs, self.seed, self._neighbors())

    def note(self, kind: str, detail: dict[str, Any]) -> None:
        """Record an event at the present iteration."""
        self.events.append(Event(self.iteration, kind, detail, self.seconds))


def check_fit(method: Method, n: int) -> None:
    """Check a method against n points, and give its whole numbers their plain type.

    Raises:
        ParameterError: if a parameter is outside its limits, or a start that is given has another shape.
        DataError: if that start is not finite.
    """
    plain_counts(method, n)
    method.validate(n)
    check_start(method, n)
