"""What a run needs before its next iteration: a start, neighbours, affinities, and the changes that wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, cast

import torch
from sklearn.base import clone

from ne_interactive.data.arrays import as_rows
from ne_interactive.data.precomputed import Precomputed
from ne_interactive.data.seeds import draw_seed
from ne_interactive.data.table import Table
from ne_interactive.engine.beside import Beside
from ne_interactive.engine.optimizers import rule_of
from ne_interactive.engine.past import Past
from ne_interactive.engine.protocol import Method
from ne_interactive.engine.setup import check_start, device_of, problem_for, rough_problem_for, start_of
from ne_interactive.engine.state import Event, Problem, State
from ne_interactive.engine.step import by_hand, in_force
from ne_interactive.engine.trace import Speed, Trace
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.params.errors import NEError, ParameterError
from ne_interactive.params.param import check_live, params_of

BRIEF = 0.2  # seconds that a live run may stand still for new affinities
BRIEF_ENTRIES = 1_000_000  # neighbours in all whose affinities take less


class Prepared(NamedTuple):
    """A problem made for changes; None where it was refused, or where they need none."""

    changes: dict[str, Any]
    problem: Problem | None
    error: NEError | None = None


class Preparation:
    """What a run is made of and set to, and how problems are made for it: at once, or beside the loop."""

    def __init__(self, X: Any, method: Any, say: Callable[[str], None], rough: bool = False) -> None:
        self.rows: Table = as_rows(X, device=device_of(method), metric=method.metric)
        self.method: Method = cast(Method, clone(method))
        self.method.validate(self.rows.n)
        check_start(self.method, self.rows.n)
        self.seed = draw_seed(self.method.random_state)
        self.start: torch.Tensor | None = None
        self.state: State | None = None
        self.problem: Problem | None = None
        self.events: list[Event] = []
        self.trace = Trace()
        self.speed = Speed()
        self.past = Past()
        self.first_method = self.method  # with which the run began
        self.first_neighbors: Neighbors | None = None
        self.first_k = 0  # how many they are; 0 as long as nobody knows
        self.starter = self.method  # which made the start
        self.seconds = 0.0
        self.latest = 0.0  # seconds of the last iteration
        self.loss = float("nan")
        self._say = say
        self._setup = threading.RLock()
        self._mailbox = threading.Lock()
        self._pending: dict[str, Any] = {}
        self._working: dict[str, Any] = {}  # changes whose recalibration is under way
        self._ready: list[Prepared] = []  # for the next iteration, in this order
        self._beside: Beside[Prepared] = Beside()
        self._stays_rough = rough  # until `refine`
        self.began_roughly = False
        self._took = float("inf")  # seconds of the last recalibration with known neighbours

    # reading

    @property
    def iteration(self) -> int:
        """Steps taken since the start."""
        return 0 if self.state is None else self.state.iteration

    def hand(self) -> dict[str, Any]:
        """Values set by hand, those that wait included."""
        with self._mailbox:
            return self._made(self._working | self._pending)

    def _made(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Values set by hand, with those that are ready and these changes, but nothing else that waits."""
        ready: dict[str, Any] = {}
        for prepared in self._ready:
            ready |= prepared.changes
        return by_hand(self.method, self.state.hand if self.state else {}, ready | changes)

    def outlook(self) -> State:
        """The state in which parameters are resolved: as it is, with the waiting changes made."""
        return replace(self.state or State(torch.empty(0, 0), self.seed), hand=self.hand())

    def params(self) -> dict[str, Any]:
        """Live values in force."""
        return in_force(self.method, self.outlook(), self.rows.n)

    def _knobs(self, changes: dict[str, Any] | None = None) -> dict[str, Any]:
        """Live values that a problem for these changes is made with; what was asked for since has its own."""
        state = self.state or State(torch.empty(0, 0), self.seed)
        return in_force(self.method, replace(state, hand=self._made(changes or {})), self.rows.n)

    @property
    def works_beside(self) -> bool:
        """Whether neighbours or affinities are made beside the loop."""
        return self._beside.active and not self._beside.done

    # changing

    def ask(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Check changes and leave them for the next iteration; all or nothing."""
        checked = check_live(self.method, changes, self.rows.n)
        for name, value in checked.items():
            if value == "auto" and not params_of(self.method)[name].auto:
                raise ParameterError(f"{type(self.method).__name__}.{name} has no schedule to go back to.")
        self._check_metric(checked)
        after = replace(self.outlook(), hand=by_hand(self.method, self.hand(), checked))
        kept = not self._costly(checked)  # a new graph is checked once it is there
        graph = self.problem.graph if self.problem and kept else None
        self.method.check_together(in_force(self.method, after, self.rows.n), graph)
        with self._mailbox:
            self._pending.update(checked)
        return checked

    def _check_metric(self, checked: Mapping[str, Any]) -> None:
        given, wanted = isinstance(self.rows, Precomputed), checked.get("metric")
        if wanted is not None and given != (wanted == "precomputed"):
            there, other = ("distances", "rows") if given else ("rows", "distances")
            raise ParameterError(
                f"{type(self.method).__name__}.metric cannot become {wanted!r}: X holds {there}. "
                f"Start a new run with an X of {other}."
            )

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
            self._say("finding neighbours")
            wanted = self.method.k(
                self.rows.n, self.params()
            )  # a search for what waits serves what is in force
            self.problem = self._new_problem(None, self._knobs(), wanted)
            self.first_neighbors = self.problem.neighbors
            self.first_k = self.first_neighbors.k if self.first_neighbors else 0
            self._say("")
        return self.problem.graph

    def _at_start(self, hand: Mapping[str, Any]) -> State:
        assert self.start is not None
        positions = self.start.clone()
        return State(positions, self.seed, rule_of(self.method).slots(positions), hand=dict(hand))

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

    def _begin_roughly(self) -> None:
        """Move on rough neighbours while the right ones are searched."""
        self.problem = rough_problem_for(self.method, self.rows, self._knobs(), self.seed)
        if self.problem is not None:
            self.began_roughly = True
            self.note("neighbours", {"rough": True, "digest": self.problem.graph.digest()})
            if self._stays_rough:
                return
            knobs = self._knobs()
            self._say("finding neighbours")
            self._beside.begin(lambda: Prepared({}, self._new_problem(None, knobs)))

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
        finally:
            if not self._beside.active:
                self._say("")
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

    def _finish(self, names: Iterable[str]) -> None:
        self._working = {name: value for name, value in self._working.items() if name not in names}

    def _next_changes(self, wait: bool) -> dict[str, Any] | None:
        """Take from the waiting changes those that can be made now.

        While the loop goes on, cheap ones never wait for costly ones, nor these for each other.
        """
        with self._mailbox:
            if not self._pending or (self._ready and not wait):
                return None
            costly = self._costly(self._pending)
            cheap = {name: value for name, value in self._pending.items() if name not in costly}
            if wait or not costly or (not self._beside.active and not cheap):
                cheap, self._pending = self._pending, {}
            else:
                self._pending = {name: self._pending[name] for name in costly}
            self._working = self._working | cheap
            return cheap or None

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
        self._say(f"recalibrating {', '.join(costly)}")
        began = time.perf_counter()
        try:
            problem = self._new_problem(known, knobs)
            self._took = time.perf_counter() - began if problem.neighbors is known else self._took
            return Prepared(changes, problem)
        except NEError as error:
            return Prepared(changes, None, error)
        finally:
            self._say("")

    def _costly(self, changes: Mapping[str, Any]) -> list[str]:
        """Those whose change asks for a new graph."""
        declared = params_of(self.method)
        return [name for name in changes if declared[name].redo in ("weights", "graph")]

    def _new_problem(self, known: Neighbors | None, knobs: Mapping[str, Any], least: int = 0) -> Problem:
        return problem_for(self.method, self.rows, knobs, self.seed, known, least)

    def prepared(self, method: Any) -> tuple[Method, Problem]:
        """A method checked for taking this run over, and its problem; nothing is changed yet.

        Raises:
            ParameterError: if it does not fit the data or the embedding.
        """
        made = cast(Method, clone(method))
        made.validate(self.rows.n)
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
            self._say(f"preparing {type(made).__name__}")
            try:
                return made, problem_for(made, self.rows, knobs, self.seed, self._neighbors())
            finally:
                self._say("")

    def note(self, kind: str, detail: dict[str, Any]) -> None:
        """Record an event at the present iteration."""
        self.events.append(Event(self.iteration, kind, detail, self.seconds))
