"""One iteration, as a pure function of method, problem and state."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from ne_interactive.engine.optimizers import rule_of
from ne_interactive.engine.pins import move_others
from ne_interactive.engine.protocol import At, Gradient, Method
from ne_interactive.engine.schedules import factor, falls, follow_loss
from ne_interactive.engine.state import Problem, Report, State
from ne_interactive.forces.scalars import Scalar
from ne_interactive.params.param import params_of

REHEAT = 0.25  # share of the learning rate with which a change wakes a run whose schedule has come down


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


def by_hand(method: Method, hand: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The values set by hand after changes: one that the method was made with, "auto" too, is not among them."""
    made = dict(hand) | dict(changes)
    return {name: value for name, value in made.items() if value != getattr(method, name)}


def following(method: Method, state: State) -> dict[str, bool]:
    """Whether each live parameter that has a schedule follows it."""
    return {
        name: state.hand.get(name, getattr(method, name)) == "auto"
        for name, declared in params_of(method).items()
        if declared.live and declared.auto
    }


def horizon(method: Method, state: State, n: int) -> int:
    """Length of a full run: as set by hand, or the method's own."""
    return state.horizon or method.iterations(n)


def woken(method: Method, state: State, n: int) -> State:
    """The state after a change: a schedule that has come down goes back to a quarter of its run.

    One that follows the loss rises as far, and forgets what the loss was.
    """
    origin, plateau = state.origin, state.plateau
    if falls(method):
        origin = max(origin, state.iteration - round((1 - REHEAT) * horizon(method, state, n)))
    if plateau:
        plateau = {"factor": max(plateau["factor"], REHEAT), "scheduler": {}}
    return replace(state, origin=origin, plateau=plateau)


def evaluated(method: Method, problem: Problem, state: State) -> At:
    """Where the method's maths is evaluated at this state."""
    knobs = in_force(method, state, problem.n)
    decay = factor(method, state.elapsed, horizon(method, state, problem.n), state.plateau)
    return At(problem.blended(state.fading), state, knobs, knobs["lr"] * decay * state.lr_factor)


def step(
    method: Method, problem: Problem, state: State, donate: bool = False, want_loss: bool = True
) -> tuple[State, Report]:
    """The next state, and a report.

    With `donate` the buffers of `state` are reused and the state given must not be used again; the result is the
    same bit for bit. A step whose gradient is not finite is refused: the positions stay as they were, the memory
    of the rule is cleared and the learning rate is halved.
    """
    at = evaluated(method, problem, state)
    gradient = method.gradient(at, want_loss)
    if not math.isfinite(float(gradient.values.sum())):
        return refused(method, state, float(gradient.loss))
    if not donate:
        state = state.copy()
    slots = dict(state.slots)
    squared = move(method, at, state, slots, gradient)
    return moved(method, problem, replace(state, slots=slots), gradient, float(gradient.loss), squared)


def move(method: Method, at: At, state: State, slots: dict[str, Tensor], gradient: Gradient) -> Scalar:
    """Move the positions and the rule's memory in place, pinned points excepted; the summed squared step."""
    rule, momentum = rule_of(method), at.knobs.get("momentum", 0.0)
    given = gradient.values, at.lr, momentum
    if state.pins is None:
        return rule.move(state.positions, slots, *given, state.centre, gradient.stiffness)
    return move_others(rule, state, slots, *given, gradient.stiffness)


def moved(
    method: Method, problem: Problem, state: State, gradient: Gradient, loss: float, squared: Scalar
) -> tuple[State, Report]:
    """The state after its positions and slots have been moved, and a report."""
    free = problem.n if state.pins is None else max(problem.n - len(state.pins), 1)
    quiet, checked = state.quiet, (state.iteration + 1) % method.check_interval == 0
    # what a device has summed is read only where it is looked at: the host would wait for it
    length = math.sqrt(float(squared) / free) if checked or isinstance(squared, float) else math.nan
    if checked:
        settled = state.elapsed >= method.earliest_rest(problem.n)
        extent = float(state.positions.std(0).norm())
        still = length <= method.tol * extent or _flat(method, gradient.values, extent)
        quiet = quiet + 1 if settled and still else 0
    after = replace(
        state, memory=gradient.memory, iteration=state.iteration + 1, grid=gradient.grid, finer=gradient.finer,
        plateau=follow_loss(method, loss, state.plateau), quiet=quiet, refused=0, fading=max(state.fading - 1, 0),
    )  # fmt: skip
    return after, Report(loss, length, refused=False)


def refused(method: Method, state: State, loss: float) -> tuple[State, Report]:
    """The state after a step that was not made, its gradient being not finite, and a report."""
    after = replace(
        state,
        slots=rule_of(method).slots(state.positions),
        iteration=state.iteration + 1,
        lr_factor=state.lr_factor / 2,
        refused=state.refused + 1,
    )
    return after, Report(loss, 0.0, refused=True)


def _after_what_it_needs(name: str) -> int:
    return 1 if name in ("lr", "momentum") else 0  # they follow exaggeration and repulsion strength


def _flat(method: Method, gradient: Any, extent: float) -> bool:
    """Whether the gradient's norm is below `min_grad_norm`.

    A map that has yet to unfold has small gradients because it is small: they are compared with its extent.
    """
    if method.min_grad_norm == 0:
        return False
    return extent > 0 and float(gradient.norm()) < method.min_grad_norm * min(1.0, extent)
