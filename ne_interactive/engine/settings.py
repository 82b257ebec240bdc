"""What was set when: the method, and the values in force at any iteration of a run's past."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ne_interactive.engine.past import GROUPS, Change
from ne_interactive.engine.protocol import Method
from ne_interactive.engine.state import State, Whole
from ne_interactive.engine.step import by_hand, following, in_force, woken
from ne_interactive.params.param import describe


@dataclass(frozen=True)
class Settings:
    """A method and its live values: as in force, and whether they follow a schedule."""

    method: Method
    n: int
    params: Mapping[str, Any]
    following: Mapping[str, bool]

    def describe(self) -> list[dict[str, Any]]:
        """All parameters as plain data; live ones with their `value` and whether they are `following` a schedule."""
        described = describe(self.method, self.n)
        for entry in described:
            if entry["live"]:
                entry["value"] = self.params[entry["name"]]
                entry["following"] = self.following.get(entry["name"], False)
        return described


def settings_at(
    iterations: Iterable[int], first: Method, changes: Iterable[Change], state: State, sizes: Iterable[int]
) -> list[Settings]:
    """The settings at ascending iterations, a change made there included.

    Schedules depend on the iteration, on what is set by hand, and on when the method took over; so these are followed
    through the changes, and no step is repeated.

    Args:
        iterations: at which the settings are wanted.
        first: method with which the run began.
        changes: all of the run, in order.
        state: any of the run; of it only what has no past is read.
        sizes: number of points at the start, and after every change of which points there are.
    """
    coming, sizes = list(changes), iter(sizes)
    n = next(sizes)
    method, state = first, replace(state, iteration=0, origin=0, joined=0, horizon=0, hand={}, whole=None)
    settings = []
    for iteration in iterations:
        while coming and coming[0].iteration <= iteration:
            change = coming.pop(0)
            state = replace(state, iteration=change.iteration)
            n = next(sizes) if change.kind in GROUPS else n
            method, state = _changed(method, state, change, n)
        state = replace(state, iteration=iteration)
        settings.append(Settings(method, n, in_force(method, state, n), following(method, state)))
    return settings


def _changed(method: Method, state: State, change: Change, n: int) -> tuple[Method, State]:
    at = change.iteration
    match change.kind:
        case "switch":
            assert change.method is not None
            method = change.method
            return method, _taken_over(state, at, at - method.joins())
        case "max_iter":
            return method, replace(state, horizon=change.values["max_iter"] - state.joined)
        case "mark" | "pin":
            return method, state
        case "unfocus":
            assert state.whole is not None
            before = state.whole.state
            return method, replace(state, origin=before.origin + at - before.iteration, whole=None)
        case "focus":
            state = replace(state, whole=state.whole or Whole(state, None))
        case "tune":
            state = replace(state, hand=by_hand(method, state.hand, change.values))
    return method, woken(method, state, n)


def _taken_over(state: State, at: int, origin: int) -> State:
    """What another method goes on from; of a focused run also all its points."""
    whole = state.whole
    if whole is not None:
        whole = replace(whole, state=replace(whole.state, iteration=at, origin=origin))
    return replace(state, hand={}, origin=origin, joined=at, horizon=0, whole=whole)
