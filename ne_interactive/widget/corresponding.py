"""Which maps are compared: their names, and whether they are of the same points, row by row."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ne_interactive.engine.stepper import Stepper
from ne_interactive.params.errors import DataError, ParameterError
from ne_interactive.quality.text import plain_text
from ne_interactive.widget.drawing import MAX_COMPONENTS
from ne_interactive.widget.standing import Standing

FEWEST, MOST = 2, 6
LONGEST_NAME = 60


def named(given: Any, what: str) -> dict[str, Any]:
    """Give a name to each: its own, or its method's; numbered where several have one."""
    if isinstance(given, Mapping):
        pairs = [(plain_text(name, LONGEST_NAME), one) for name, one in given.items()]
    elif isinstance(given, list | tuple):
        pairs = [(_name_of(one), one) for one in given]
    else:
        kind = type(given).__name__
        raise ParameterError(f"{what} must be a list of 2 to {MOST}, or a mapping from names; got {kind}.")
    if not FEWEST <= len(pairs) <= MOST:
        raise ParameterError(
            f"{FEWEST} to {MOST} maps can be compared; got {len(pairs)}. explore() shows a single run."
        )
    names = [name for name, _ in pairs]
    numbered: dict[str, Any] = {}
    for place, (name, one) in enumerate(pairs):
        times = names[:place].count(name)
        own = f"{name} {times + 1}" if names.count(name) > 1 else name
        while own in numbered or (own != name and own in names):
            own += "'"
        numbered[own] = one
    return numbered


def _name_of(one: Any) -> str:
    run = _run_of(one)
    method = one if run is None else run.method
    return type(method).__name__ if hasattr(method, "fit") else "array"


def corresponding(maps: Mapping[str, Any]) -> dict[str, Any]:
    """Give a run for each map, all of the same points."""
    runs: dict[str, Any] = {}
    for name, one in maps.items():
        run = _run_of(one) or Standing(one, name)
        if any(run is other for other in runs.values()):
            raise ParameterError(f"The run {name!r} is there twice; compare it with a fork() of it.")
        if not 1 <= run.c <= MAX_COMPONENTS:
            raise ParameterError(
                f"Maps of 1 to {MAX_COMPONENTS} dimensions are drawn; {name!r} has n_components={run.c}."
            )
        runs[name] = run
    first, reference = next(iter(runs.items()))
    for name, run in runs.items():
        if run.n != reference.n:
            raise DataError(
                f"All maps must be of the same points; {first!r} has {reference.n:,} and {name!r} {run.n:,}. "
                "Compare rows that all of them have."
            )
        if not (isinstance(run, Standing) or np.array_equal(run.ids, _ids(runs))):
            raise DataError(
                f"All maps must be of the same points, but points have left {name!r} or come to it: its rows are "
                "others now (see run.ids). Compare runs with the same ids."
            )
    return runs


def _run_of(one: Any) -> Stepper | None:
    """Give a run, or that of a live view; None for anything else."""
    found = one if isinstance(one, Stepper) else getattr(one, "run", None)
    return found if isinstance(found, Stepper) else None


def _ids(runs: Mapping[str, Any]) -> np.ndarray:
    return next(
        (run for run in runs.values() if not isinstance(run, Standing)), next(iter(runs.values()))
    ).ids
