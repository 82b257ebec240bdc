"""One iteration, as a pure function of method, problem and state."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from ne_interactive.engine.protocol import Method
from ne_interactive.engine.rules import RULES
from ne_interactive.engine.state import Problem, Report, State
from ne_interactive.params.param import params_of


def in_force(method: Method, state: State, n: int) -> dict[str, Any]:
    """Every live parameter's value at the state's iteration: set by hand, constructed, or from its schedule."""
    knobs: dict[str, Any] = {}
    waiting = []
    for name, declared in params_of(method).items():
        if not declared.live:
            continue
        value = state.hand.get(name, getattr(method, name))
        if isinstance(value, str) and value == "auto":
            waiting.append(name)
        else:
            knobs[name] = value
    for name in sorted(waiting, key=_after_what_it_needs):
        knobs[name] = method.scheduled(name, state, n, knobs)
    return {name: knobs[name] for name in params_of(method) if name in knobs}


def following(method: Method, state: State) -> dict[str, bool]:
    """Whether each live parameter that has a schedule follows it."""
    return {
        name: state.hand.get(name, getattr(method, name)) == "auto"
        for name, declared in params_of(method).items()
        if declared.live and declared.auto
    }


def step(
    method: Method, problem: Problem, state: State, donate: bool = False, want_loss: bool = True
) -> tuple[State, Report]:
    """The next state, and a report.

    With `donate` the buffers of `state` are reused and the state given must not be used again; the result is the
    same bit for bit. A step whose gradient is not finite is refused: the positions stay as they were, the memory
    of the rule is cleared and the learning rate is halved.
    """
    knobs = in_force(method, state, problem.n)
    lr = knobs["lr"] * method.decay(state, problem.n) * state.lr_factor
    gradient, loss, grid = method.gradient(problem, state, knobs, lr, want_loss)
    if not math.isfinite(float(gradient.sum())):
        return _refuse(state), Report(loss, 0.0, refused=True)
    if not donate:
        state = state.copy()
    squared = RULES[method.rule](
        state.positions, state.velocity, state.gain, gradient, lr, knobs.get("momentum", 0.0)
    )
    moved = math.sqrt(squared / problem.n)
    quiet = state.quiet
    if (state.iteration + 1) % method.check_interval == 0:
        settled = state.iteration - state.origin >= method.earliest_rest(problem.n)
        quiet = quiet + 1 if settled and _at_rest(state, moved, method.tol) else 0
    moved_on = replace(state, iteration=state.iteration + 1, grid=grid, quiet=quiet, refused=0)
    return moved_on, Report(loss, moved, refused=False)


def _after_what_it_needs(name: str) -> int:
    return 1 if name == "lr" else 0  # lr follows exaggeration and repulsion strength


def _refuse(state: State) -> State:
    fresh = State.at(state.positions, state.seed)
    return replace(
        state,
        velocity=fresh.velocity,
        gain=fresh.gain,
        iteration=state.iteration + 1,
        lr_factor=state.lr_factor / 2,
        refused=state.refused + 1,
    )


def _at_rest(state: State, moved: float, tol: float) -> bool:
    """Whether a step is small against the extent of the map."""
    spread = float(state.positions.std(0).norm())
    return moved <= tol * spread
