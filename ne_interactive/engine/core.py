"""The run itself, without threads: data, method, problem, state, and the changes that wait for the next iteration."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import torch
from sklearn.base import clone

from ne_interactive.data.arrays import as_rows
from ne_interactive.data.seeds import draw_seed
from ne_interactive.data.table import Table
from ne_interactive.engine.optimizers import rule_of
from ne_interactive.engine.protocol import Method
from ne_interactive.engine.setup import check_start, problem_for, start_of
from ne_interactive.engine.state import Event, Problem, State
from ne_interactive.engine.step import awake, horizon, in_force, step
from ne_interactive.engine.trace import Speed, Trace
from ne_interactive.graph.csr import Graph
from ne_interactive.params.errors import DivergedError, NEError, ParameterError
from ne_interactive.params.param import check_live, params_of

LOSS_ALWAYS_BELOW = 5000  # points; beyond, measuring the loss would cost as much as an iteration
LOSS_EVERY = 25
MAX_REFUSED = 12
PATIENCE = 3


class Core:
    """One run: everything that a step reads and writes. `turn` and `settle` alone move it."""

    def __init__(self, X: Any, method: Any, say: Callable[[str], None]) -> None:
        self.rows: Table = as_rows(X, device=_device(method), metric=method.metric)
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
        self.seconds = 0.0
        self.loss = float("nan")
        self._say = say
        self._setup = threading.RLock()
        self._mailbox = threading.Lock()
        self._pending: dict[str, Any] = {}
        self._working: dict[str, Any] = {}  # changes whose recalibration is under way
        self._ready: tuple[dict[str, Any], Problem | None] | None = None

    # reading

    @property
    def iteration(self) -> int:
        """Steps taken since the start."""
        return 0 if self.state is None else self.state.iteration

    def hand(self) -> dict[str, Any]:
        """Values set by hand, those that wait included."""
        with self._mailbox:
            made = dict(self.state.hand) if self.state else {}
            ready = self._ready[0] if self._ready else {}
            return made | ready | self._working | self._pending

    def outlook(self) -> State:
        """The state in which parameters are resolved: as it is, with the waiting changes made."""
        empty = torch.empty(0, 0)
        state = self.state or State(empty, self.seed)
        return replace(state, hand=self.hand())

    def params(self) -> dict[str, Any]:
        """Live values in force."""
        return in_force(self.method, self.outlook(), self.rows.n)

    # changing

    def ask(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Check changes and leave them for the next iteration; all or nothing."""
        checked = check_live(self.method, changes, self.rows.n)
        for name, value in checked.items():
            if value == "auto" and not params_of(self.method)[name].auto:
                raise ParameterError(f"{type(self.method).__name__}.{name} has no schedule to go back to.")
        after = replace(self.outlook(), hand=self.hand() | checked)
        kept = not self._costly(checked)  # a new graph is checked once it is there
        graph = self.problem.graph if self.problem and kept else None
        self.method.check_together(in_force(self.method, after, self.rows.n), graph)
        with self._mailbox:
            self._pending.update(checked)
        return checked

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
            self.problem = self._new_problem(None)
            self._say("")
        return self.problem.graph

    def _at_start(self, hand: Mapping[str, Any]) -> State:
        assert self.start is not None
        positions = self.start.clone()
        return State(positions, self.seed, rule_of(self.method).slots(positions), hand=dict(hand))

    def settle(self) -> None:
        """Everything slow that the next iteration needs: first neighbours, or a recalibration."""
        if self.problem is not None and not self._pending and not self._working:
            return
        with self._setup:
            self.ensure_start()
            self._first_graph()
            with self._mailbox:
                if self._ready is not None or not self._pending:
                    return
                changes, self._pending = self._pending, {}
                self._working = changes
            try:
                problem = self._recalibrated(changes)
                with self._mailbox:
                    self._ready = (changes, problem)
            finally:  # interrupted: the run is left as it was
                self._working = {}

    def _recalibrated(self, changes: dict[str, Any]) -> Problem | None:
        costly = self._costly(changes)
        if not costly:
            return None
        self._say(f"recalibrating {', '.join(costly)}")
        try:
            return self._new_problem(self.problem)
        except NEError as error:
            with self._mailbox:
                for name in costly:
                    changes.pop(name)
            self.note("refused", {"names": costly, "error": str(error)})
            return None
        finally:
            self._say("")

    def _costly(self, changes: Mapping[str, Any]) -> list[str]:
        """Those whose change asks for a new graph."""
        declared = params_of(self.method)
        return [name for name in changes if declared[name].redo in ("weights", "graph")]

    def _new_problem(self, old: Problem | None) -> Problem:
        known = old.neighbors if old else None
        return problem_for(self.method, self.rows, self.params(), self.seed, known)

    def commit(self) -> dict[str, Any]:
        """Make the changes that are ready; returns them."""
        if self._ready is None:
            return {}
        state = self.ensure_start()
        with self._mailbox:
            changes, problem = self._ready
            self._ready = None
        before = in_force(self.method, state, self.rows.n)
        hand = dict(state.hand) | changes
        for name, value in changes.items():
            if value == "auto" and getattr(self.method, name) == "auto":
                del hand[name]
        origin = awake(self.method, state, self.rows.n)
        self.state = replace(state, hand=hand, quiet=0, origin=origin)
        detail: dict[str, Any] = {"changes": {name: [before[name], value] for name, value in changes.items()}}
        if problem is not None:
            self.problem = problem
            detail["digest"] = problem.graph.digest()
        if changes:
            self.note("tune", detail)
        return changes

    def max_iter(self) -> int:
        """Iteration at which a full run of the present method ends."""
        state = self.outlook()
        return state.joined + horizon(self.method, state, self.rows.n)

    def extend(self, iterations: int) -> None:
        """Have a full run end at another iteration; its schedules stretch with it."""
        state = self.ensure_start()
        self.note("max_iter", {"from": self.max_iter(), "to": iterations})
        self.state = replace(state, horizon=iterations - state.joined, quiet=0)

    def prepared(self, method: Any) -> tuple[Method, Problem]:
        """A method checked for taking this run over, and its problem; nothing is changed yet.

        Raises:
            ParameterError: if it does not fit the data or the embedding.
        """
        made = cast(Method, clone(method))
        made.validate(self.rows.n)
        for name in ("n_components", "metric"):
            ours, theirs = getattr(self.method, name), getattr(made, name)
            if ours != theirs:
                raise ParameterError(
                    f"{type(made).__name__}.{name} must be {ours!r}, as in the run that it takes over; got {theirs!r}. "
                    "Give it the same, or start a new run."
                )
        with self._setup:
            self.ensure_start()
            self._first_graph()
            state = State(torch.empty(0, 0), self.seed)
            knobs = in_force(made, state, self.rows.n)
            self._say(f"preparing {type(made).__name__}")
            try:
                known = self.problem.neighbors if self.problem else None
                return made, problem_for(made, self.rows, knobs, self.seed, known)
            finally:
                self._say("")

    def switch(self, method: Method, problem: Problem) -> None:
        """Go on with another method from the present positions; values set by hand end with the old one."""
        self.commit()
        state = self.ensure_start()
        with self._mailbox:
            self._pending = {}
        before = type(self.method).__name__
        scale = min(1.0, method.widest() / max(float(state.positions[:, 0].std()), 1e-30))
        positions = method.adopt(state.positions * scale).to(method.precision)
        self.method, self.problem = method, problem
        slots = rule_of(method).slots(positions)
        self.state = State(
            positions, self.seed, slots,
            iteration=state.iteration, origin=state.iteration - method.joins(), joined=state.iteration,
        )  # fmt: skip
        detail = {
            "from": before,
            "to": type(method).__name__,
            "scale": scale,
            "digest": problem.graph.digest(),
        }
        self.note("switch", detail)

    def note(self, kind: str, detail: dict[str, Any]) -> None:
        """Record an event at the present iteration."""
        self.events.append(Event(self.iteration, kind, detail, self.seconds))

    # moving

    def turn(self, donate: bool) -> None:
        """One iteration; `settle` must have been called."""
        began = time.perf_counter()
        self.commit()
        state, problem = self.state, self.problem
        assert state is not None
        assert problem is not None
        n = problem.n
        want_loss = n < LOSS_ALWAYS_BELOW or state.iteration % LOSS_EVERY == 0
        self.state, report = step(self.method, problem, state, donate=donate, want_loss=want_loss)
        self.seconds += time.perf_counter() - began
        if report.refused:
            self._refused()
        if report.loss == report.loss:
            self.loss = report.loss
            self.trace.add(state.iteration, report.loss)
        self.speed.mark(self.state.iteration)

    def _refused(self) -> None:
        assert self.state is not None
        self.note("refused step", {"lr_factor": self.state.lr_factor})
        self._say("a step was not finite: taken back, learning rate halved")
        if self.state.refused >= MAX_REFUSED:
            raise DivergedError(
                f"{MAX_REFUSED} steps in a row were not finite, the last at iteration {self.iteration}, although the "
                "learning rate was halved each time. Restart with a smaller lr or a start nearer to the origin."
            )

    def at_rest(self) -> bool:
        """Whether the map has stopped moving and no change waits."""
        quiet = self.state is not None and self.state.quiet >= PATIENCE
        return quiet and not self._pending and not self._working and self._ready is None

    def restart(self) -> None:
        """Back to the start; values set by hand stay."""
        self.ensure_start()
        assert self.state is not None
        self.state = replace(self._at_start(self.state.hand), horizon=self.state.horizon)
        self.note("restart", {})
        self.trace, self.seconds, self.loss = Trace(), 0.0, float("nan")
        self.speed.clear()


def _device(method: Any) -> torch.device | None:
    wanted = method.device
    if isinstance(wanted, str) and wanted == "auto":
        return None
    owner = type(method).__name__
    try:
        device = torch.device(wanted)
    except (RuntimeError, TypeError) as error:
        raise ParameterError(f"{owner}.device must be 'auto' or a torch device; got {wanted!r}.") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ParameterError(f"{owner}.device is {str(device)!r}, but torch sees no CUDA device. Use 'cpu'.")
    return device
