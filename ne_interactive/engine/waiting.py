"""Changes on their way into a run: what was asked for, what is being made ready, and what the next iteration takes."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch

from ne_interactive.data.precomputed import Precomputed
from ne_interactive.data.table import Table
from ne_interactive.engine.beside import Beside
from ne_interactive.engine.protocol import Method
from ne_interactive.engine.state import FADE, Problem, State
from ne_interactive.engine.step import by_hand, in_force
from ne_interactive.params.errors import NEError, ParameterError
from ne_interactive.params.param import check_live, params_of


class Prepared(NamedTuple):
    """A problem made for changes; None where it was refused, or where they need none."""

    changes: dict[str, Any]
    problem: Problem | None
    error: NEError | None = None


@dataclass(frozen=True)
class Task:
    """Slow work under way.

    Attributes:
        names: of the parameters whose change asked for it.
        what: is being done.
        share: of that behind, in [0, 1]; None where nobody knows.
    """

    names: tuple[str, ...]
    what: str
    share: float | None = None

    def __str__(self) -> str:
        return " ".join([self.what, *([f"for {', '.join(self.names)}"] if self.names else [])])


class Waiting:
    """The mailbox of a run: it is written to from any thread, and emptied between two iterations."""

    rows: Table
    method: Method
    seed: int
    state: State | None
    problem: Problem | None

    def __init__(self) -> None:
        self._mailbox = threading.Lock()
        self._pending: dict[str, Any] = {}
        self._working: dict[str, Any] = {}  # changes whose recalibration is under way
        self._ready: list[Prepared] = []  # for the next iteration, in this order
        self._beside: Beside[Prepared] = Beside()
        self.task: Task | None = None

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

    def work(self) -> dict[str, tuple[str, float | None]]:
        """What is being done for a parameter that was changed, and the share of it that is behind, by name."""
        told: dict[str, tuple[str, float | None]] = {}
        if (state := self.state) is not None and state.fading:
            told["metric"] = ("fading in", 1 - state.fading / FADE)
        if (task := self.task) is not None:
            with self._mailbox:
                waiting = self._costly(self._pending)
            told |= dict.fromkeys(waiting, ("waiting", None))
            told |= dict.fromkeys(task.names, (task.what, task.share))
        return told

    # changing

    def check(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Give changes as they would be kept; nothing is changed."""
        checked = check_live(self.method, changes, self.rows.n)
        for name, value in checked.items():
            if value == "auto" and not params_of(self.method)[name].auto:
                raise ParameterError(f"{type(self.method).__name__}.{name} has no schedule to go back to.")
        self._check_metric(checked)
        after = replace(self.outlook(), hand=by_hand(self.method, self.hand(), checked))
        kept = not self._costly(checked)  # a new graph is checked once it is there
        graph = self.problem.graph if self.problem and kept else None
        self.method.check_together(in_force(self.method, after, self.rows.n), graph)
        return checked

    def ask(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Check changes and leave them for the next iteration; all or nothing."""
        checked = self.check(changes)
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

    def _costly(self, changes: Mapping[str, Any]) -> list[str]:
        """Those whose change asks for a new graph."""
        declared = params_of(self.method)
        return [name for name in changes if declared[name].redo in ("weights", "graph")]
