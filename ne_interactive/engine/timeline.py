"""Going back in a run, and branching off, exactly."""

from __future__ import annotations

import copy
import itertools
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace

from ne_interactive.engine.beside import Beside
from ne_interactive.engine.focusing import Focusing
from ne_interactive.engine.past import GROUPS, Change, Checkpoint
from ne_interactive.engine.preparation import Prepared
from ne_interactive.engine.protocol import Method
from ne_interactive.engine.setup import problem_for, rough_problem_for
from ne_interactive.engine.state import Event, Problem
from ne_interactive.engine.step import by_hand, in_force
from ne_interactive.engine.trace import Speed, Trace
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.graph.tables import neighbors_of


class Timeline(Focusing):
    """A run that can be taken back to any of its iterations, by replay from the nearest exact state."""

    def mark(self, name: str, iteration: int | None = None) -> None:
        """Give the present iteration a name, or an earlier one, from which everything goes on as it did."""
        at = self.iteration if iteration is None else iteration
        self.past.insert(Change(at, "mark", {"mark": name}))
        later = itertools.takewhile(lambda event: event.iteration > at, reversed(self.events))
        self.events.insert(
            len(self.events) - len(list(later)), Event(at, "mark", {"name": name}, self.seconds)
        )

    def marks(self) -> dict[str, int]:
        """The iterations that have names; of two of one name the later."""
        return {one.values["mark"]: one.iteration for one in self.past.changes if one.kind == "mark"}

    def rewind(self, iteration: int) -> None:
        """Back to the state at an iteration, before anything was changed there; what came later is forgotten.

        Names given to the iteration itself stay. Interrupted or failed, it leaves the run where it was.
        """
        self.commit()
        before = self.__dict__.copy()
        self.past, self.trace = self.past.copy(), copy.deepcopy(self.trace)  # which are written to on the way
        try:
            self._go_back(iteration)
        except BaseException:
            with self._mailbox:
                waiting = before["_working"] | before["_pending"]  # what was being made has been given up
                self.__dict__.update(before, _pending=waiting, _working={}, task=None)
            raise
        self.speed.clear()

    def _go_back(self, iteration: int) -> None:
        self.past.branch(iteration, self.iteration)
        self._forget_waiting()
        right = self._right_neighbors()
        checkpoint = self.past.before(iteration)
        since = self.past.cut(checkpoint)
        if checkpoint is None:
            self.begin_anew(self.began_roughly)
        else:
            self._restore(checkpoint)
        self.tables = self.tables[: self.first_tables + sum(one.kind == "add" for one in self.past.changes)]
        earlier = [one for one in since if one.iteration < iteration + (one.kind == "mark")]
        self.redo(earlier, iteration)
        assert self.problem is not None
        if self.problem.rough:
            known = right or self.past.first
            self._ready = [Prepared({}, self._new_problem(known, self.params()))]

    def redo(self, changes: Iterable[Change], until: int) -> list[str]:
        """Go on to an iteration, with these changes on the way; returns what differs from then."""
        differs: list[str] = []
        for change in changes:
            self._go_on(change.iteration)
            self._do(change, self._problem_of(change))
            if change.digest and self.problem is not None and self.problem.graph.digest() != change.digest:
                differs.append(f"the affinities after {change.kind} at iteration {change.iteration}")
        self._go_on(until)
        return differs

    def forked(self, say: Callable[[str], None]) -> Timeline:
        """An independent run at the same place, which shares what nothing writes to."""
        other = copy.copy(self)
        other._say = say
        other._setup, other._mailbox = threading.RLock(), threading.Lock()
        other._pending, other._working, other._ready, other._beside = {}, {}, [], Beside()
        other.task, other.searches = None, None
        other.state = self.ensure_start().copy()
        other.events, other.past = list(self.events), self.past.copy()
        other.past.branch(self.iteration, self.iteration)
        other.trace, other.speed = copy.deepcopy(self.trace), Speed()
        other.recorder = self.recorder.fresh()
        return other

    def joined_by(self) -> int:
        """How many points there were when the present method took the run over, or began it."""
        changes = self.past.changes
        switches = [place for place, one in enumerate(changes) if one.kind == "switch"]
        before = changes[: switches[-1]] if switches else []
        return len(self.groups()[sum(one.kind in GROUPS for one in before)][1])

    def _forget_waiting(self) -> None:
        with self._mailbox:
            self._pending, self._working, self._ready = {}, {}, []
            self._beside.forget()

    def _right_neighbors(self) -> Neighbors | None:
        """Neighbours that took the place of rough ones, where that happened."""
        found = [one.neighbors for one in self.past.changes if one.kind == "neighbours"]
        return found[0] if found else None

    def begin_anew(self, rough: bool) -> None:
        """Put the run at its start, with the method that it began with."""
        self.method = self.first_method
        self.ensure_start()
        self.follow(self._at_start({}))
        assert self.state is not None
        knobs = in_force(self.method, self.state, self.rows.n)
        problem = rough_problem_for(self.method, self.rows, knobs, self.seed) if rough else None
        if problem is None:
            known = self.past.first or self._searched(self.first_k, self.method, knobs["metric"])
            problem = problem_for(self.method, self.rows, knobs, self.seed, known, self.widest)
            first = self.past.first = problem.neighbors
            self.first_k = self.first_k or (first.k if first else 0)
        self.problem, self.began_roughly = problem, problem.rough
        restarts = [place for place, event in enumerate(self.events) if event.kind == "restart"]
        self.events = self.events[: restarts[-1] + 1] if restarts else []
        if self.problem.rough:
            self.note("neighbours", {"rough": True, "digest": self.problem.graph.digest()})
        self.trace, self.seconds, self.loss = Trace(), 0.0, float("nan")

    def _restore(self, checkpoint: Checkpoint) -> None:
        self.follow(checkpoint.state.copy())
        self.method, self.problem = checkpoint.method, checkpoint.problem or self._made_again(checkpoint)
        self.events = self.events[: checkpoint.events]
        self.seconds, self.loss = checkpoint.seconds, checkpoint.loss
        self.trace.cut(checkpoint.state.iteration)

    def _made_again(self, checkpoint: Checkpoint) -> Problem:
        """The problem that an exact state was kept without; the changes known are those before it."""
        knobs = in_force(checkpoint.method, checkpoint.state, self.rows.n)
        known = self._neighbors_of_then(knobs["metric"]) if checkpoint.k else None
        return problem_for(checkpoint.method, self.rows, knobs, self.seed, known)

    def _neighbors_of_then(self, metric: str) -> Neighbors | None:
        """The neighbours that the changes left in force, searched again where there was no room for them."""
        for place, change in reversed(list(enumerate(self.past.changes))):
            if change.k == 0:
                continue
            if change.neighbors is None:
                taken = [one.method for one in self.past.changes[: place + 1] if one.method is not None]
                found = self._searched(change.k, taken[-1] if taken else self.first_method, metric)
                change = self.past.changes[place] = replace(change, neighbors=found)
            return change.neighbors
        if self.past.first is None:
            self.past.first = self._searched(self.first_k, self.first_method, metric)
        return self.past.first

    def _go_on(self, iteration: int) -> None:
        while self.iteration < iteration:
            if self.past.wants(self.iteration):
                self.remember()
            self.advance(donate=True)

    def _problem_of(self, change: Change) -> Problem | None:
        """The problem that a change brought, made again if need be; None if it brought none."""
        if not change.digest or change.kind in GROUPS:  # which make it of what is known
            return None
        made = change.made()
        if made is not None:
            return made
        method = change.method or self.method
        state = self.ensure_start()
        hand = {} if change.method else by_hand(method, state.hand, change.values)
        knobs = in_force(method, replace(state, hand=hand), self.rows.n)
        known = change.neighbors
        if known is None and change.k:
            known = self._searched(change.k, method, knobs["metric"])
        elif known is None and self.problem is not None and not self.problem.rough:
            known = self.problem.neighbors
        return problem_for(method, self.rows, knobs, self.seed, known)

    def _searched(self, k: int, method: Method, metric: str) -> Neighbors | None:
        """The neighbours that a search for k gives; None where none are needed."""
        if k == 0:
            return None
        return neighbors_of(self.rows, k, metric=metric, backend=method.backend, seed=self.seed)

    def _do(self, change: Change, problem: Problem | None) -> None:
        match change.kind:
            case "max_iter":
                self.extend(change.values["max_iter"])
            case "mark":
                self.mark(change.values["mark"])
            case "switch":
                assert change.method is not None
                assert problem is not None
                self.replace_method(change.method, problem)
            case "remove":
                self.remove(change.values["indices"])
            case "add":
                assert change.table is not None
                self.add(change.table)
            case "focus":
                self.focus(change.values["indices"])
            case "unfocus":
                self.unfocus(change.values["refined"])
            case "pin" | "move" | "release":
                self.hold(change)
            case _:
                self.change(change.values, problem)
