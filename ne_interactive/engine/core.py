"""The run itself, without threads: its state, and what changes it from one iteration to the next."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ne_interactive.engine.optimizers import rule_of
from ne_interactive.engine.past import HOLDS, Change, Checkpoint, Past
from ne_interactive.engine.pins import held, released
from ne_interactive.engine.preparation import Preparation
from ne_interactive.engine.protocol import Method
from ne_interactive.engine.state import FADE, Problem, State
from ne_interactive.engine.step import by_hand, horizon, in_force, woken
from ne_interactive.engine.trace import Trace
from ne_interactive.params.errors import DivergedError

LOSS_ALWAYS_BELOW = 5000  # points; beyond, measuring the loss would cost as much as an iteration
LOSS_EVERY = 25
MAX_REFUSED = 12
DRAG = 50  # iterations after which another move of the same points is a new drag
PATIENCE = 3


class Core(Preparation):
    """One run: everything that a step reads and writes. `turn` and `settle` alone move it."""

    # changing

    def commit(self) -> None:
        """Make the changes that are ready."""
        while self._ready:
            self.ensure_start()
            changes, problem, _ = self._ready[0]
            if changes or problem is not None:
                self.change(changes, problem)
            with self._mailbox:  # only now: until then its neighbours are found here, not yet in force
                self._ready.pop(0)

    def change(self, changes: Mapping[str, Any], problem: Problem | None) -> None:
        """Set live values and put a problem in force, and remember both."""
        self.remember()
        state = self.ensure_start()
        kind = "tune" if changes else "neighbours"
        self.past.changes.append(Change(self.iteration, kind, dict(changes)).of(problem, self.problem))
        before = in_force(self.method, state, self.rows.n)
        hand = by_hand(self.method, state.hand, changes)
        self.state = replace(woken(self.method, state, self.rows.n), hand=hand, quiet=0)
        detail: dict[str, Any] = {"changes": {name: [before[name], value] for name, value in changes.items()}}
        if problem is not None:
            fades = self.problem is not None and "metric" in changes and state.iteration > 0
            former = self.problem.blended(state.fading).graph if self.problem and fades else None
            self.problem = replace(problem, fading=former) if former else problem
            self.state = replace(self.state, fading=FADE if fades else 0)
            self.past.fit(self.problem)
            detail["digest"] = problem.graph.digest()
        self.note(kind, detail if changes else {"rough": False, "digest": detail["digest"]})

    def hold(self, change: Change) -> None:
        """Pin, move or release points, and remember it.

        A drag moves the same points at almost every iteration. So it keeps no exact state each time (what is kept in
        between is enough to repeat it), of the places of one iteration only the last, and is one event.
        """
        state = self.ensure_start()
        if self.past.wants(self.iteration):
            self.remember()
        indices, xy = change.values.get("indices"), change.values.get("xy")
        pins = torch.empty(0, dtype=torch.int64) if state.pins is None else state.pins
        rows = pins if indices is None else torch.from_numpy(indices.astype(np.int64)).to(pins.device)
        if change.kind == "release":
            rows = rows[torch.isin(rows, pins)]
        if not len(rows):
            return
        if change.kind == "release":
            after = released(state, rows)
        else:
            places = None if xy is None else torch.from_numpy(xy).to(state.positions)
            lr = in_force(self.method, state, self.rows.n)["lr"]
            after = held(state, rule_of(self.method), lr, rows, places)
        if change.kind != "pin":  # which disturbs nobody
            after = replace(woken(self.method, after, self.rows.n), quiet=0)
        self.state = after
        goes_on = self._goes_on(change)
        if goes_on and self.past.changes[-1].iteration == change.iteration:
            self.past.changes.pop()
        self.past.changes.append(change)
        if not goes_on:
            self.note(change.kind, {"points": len(rows), "first": rows[:3].tolist()})

    def _goes_on(self, change: Change) -> bool:
        """Whether a move continues a drag."""
        if change.kind != "move" or not self.past.changes:
            return False
        last = self.past.changes[-1]
        near = last.kind == "move" and change.iteration - last.iteration <= DRAG
        return near and np.array_equal(last.values["indices"], change.values["indices"])

    def remember(self) -> None:
        """Keep the present state, exactly, before anything is changed at this iteration."""
        here = itertools.takewhile(lambda one: one.iteration == self.iteration, reversed(self.past.changes))
        if any(one.kind in HOLDS for one in here):
            return  # the state is not any more what it was before; an earlier one serves
        if self.problem is not None and self.past.budget > 0:
            state = self.ensure_start().copy()
            found, made, told = self.problem.neighbors, len(self.past.changes), len(self.events)
            k = found.k if found else 0
            self.past.keep(
                Checkpoint(state, self.method, self.problem, k, made, told, self.seconds, self.loss)
            )

    def max_iter(self) -> int:
        """Iteration at which a full run of the present method ends."""
        state = self.outlook()
        return state.joined + horizon(self.method, state, self.rows.n)

    def extend(self, iterations: int) -> None:
        """Have a full run end at another iteration; its schedules stretch with it."""
        state = self.ensure_start()
        self.remember()
        self.past.changes.append(Change(self.iteration, "max_iter", {"max_iter": iterations}))
        self.note("max_iter", {"from": self.max_iter(), "to": iterations})
        self.state = replace(state, horizon=iterations - state.joined, quiet=0)

    def switch(self, method: Method, problem: Problem) -> None:
        """Go on with another method from the present positions; values set by hand end with the old one, pins stay."""
        self.commit()
        with self._mailbox:
            self._pending, self._working = {}, {}
            self._beside.forget()
        self.replace_method(method, problem)

    def replace_method(self, method: Method, problem: Problem) -> None:
        """`switch`, with nothing that waits."""
        self.remember()
        state = self.ensure_start()
        self.past.changes.append(Change(self.iteration, "switch", method=method).of(problem, self.problem))
        names = {"from": type(self.method).__name__, "to": type(method).__name__}
        self.method, self.problem = method, problem
        self.past.fit(problem)
        self.state, scale = _taken_over(method, state, state.iteration)
        detail = {**names, "scale": scale, "digest": problem.graph.digest()}
        self.note("switch", detail)

    def scale_at(self, iteration: int) -> float:
        """How far switches had shrunk the map by an iteration: before a switch there, unless it is the present one."""
        restarts = [place for place, event in enumerate(self.events) if event.kind == "restart"]
        begun = restarts[-1] if restarts else 0
        return math.prod(
            event.detail["scale"]
            for place, event in enumerate(self.events)
            if event.kind == "switch"
            and (place < begun or event.iteration < iteration or iteration == self.iteration)
        )

    # moving

    def turn(self, donate: bool) -> None:
        """One iteration; `settle` must have been called."""
        self.commit()
        if self.past.wants(self.iteration):
            self.remember()
        self.advance(donate)

    def advance(self, donate: bool) -> None:
        """One iteration, with nothing changed before."""
        began = time.perf_counter()
        state, problem = self.state, self.problem
        assert state is not None
        assert problem is not None
        n = problem.n
        want_loss = n < LOSS_ALWAYS_BELOW or state.iteration % LOSS_EVERY == 0
        self.state, report = self.recorder.step(
            self.method, problem, state, donate=donate, want_loss=want_loss
        )
        self.latest = time.perf_counter() - began
        self.seconds += self.latest
        if problem.fading is not None and self.state.fading == 0:
            self.problem = replace(problem, fading=None)
            self.past.fit(self.problem)  # exact states within the fade keep what it took
        if report.refused:
            self._refused()
        if report.loss == report.loss:
            self.loss = report.loss
            self.trace.add(state.iteration, report.loss)
        self.past.show(self.state.iteration, self.state.positions)
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
        return quiet and not self._pending and not self._beside.active and not self._ready

    def stir(self) -> None:
        """Have a map that had stopped moving be watched anew before it counts as at rest."""
        if self.state is not None:
            self.state = replace(self.state, quiet=0)

    def begin_with_members(self) -> None:
        """Have the present points be those of the start, and the present method the one that made it."""
        self.ensure_start()

    def restart(self) -> None:
        """Back to the start; values set by hand stay, pins do not."""
        self.begin_with_members()
        assert self.state is not None
        self.state = replace(self._at_start(self.state.hand), horizon=self.state.horizon)
        self.note("restart", {})
        self.past = Past(self.past.budget)
        self.first_method = self.method
        self.began_roughly = self.problem is not None and self.problem.rough
        if self.problem is not None and not self.problem.rough:
            first = self.past.first = self.problem.neighbors
            self.first_k = first.k if first else 0
        if hand := dict(self.state.hand):
            problem = self.problem if self._costly(hand) else None
            self.past.changes.append(Change(0, "tune", hand).of(problem, problem))
        if self.state.horizon:
            self.past.changes.append(Change(0, "max_iter", {"max_iter": self.state.horizon}))
        self.trace, self.seconds, self.loss = Trace(), 0.0, float("nan")
        self.speed.clear()


def _reach(positions: torch.Tensor) -> torch.Tensor:
    """Median distance from the mean."""
    return (positions - positions.mean(0)).norm(dim=1).median().clamp_min(1e-30)


def _taken_over(method: Method, state: State, iteration: int) -> tuple[State, float]:
    """A state as another method goes on from it, and the scale of its map; of a focused run also all its points."""
    scale = min(1.0, method.widest() / max(float(state.positions[:, 0].std()), 1e-30))
    shrunk = (state.positions * scale).to(method.precision)
    positions = method.adopt(shrunk)
    if not torch.equal(positions, shrunk):  # bent into a space of its own: most of it by this much
        scale *= float(_reach(positions) / _reach(shrunk))
    whole = state.whole
    if whole is not None:
        whole = replace(whole, state=_taken_over(method, whole.state, iteration)[0])
    made = State(
        positions, state.seed, rule_of(method).slots(positions),
        iteration=iteration, origin=iteration - method.joins(), joined=iteration,
        members=state.members, whole=whole, pins=state.pins,
        centre=tuple(positions.double().mean(0).tolist()) if state.centre else (),
    )  # fmt: skip
    return made, scale
