"""Points that a hand holds: they pull and push as ever, but stay where they were put."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ne_interactive.data.indices import point_indices
from ne_interactive.engine.rules import Rule
from ne_interactive.engine.state import State
from ne_interactive.forces.scalars import Scalar
from ne_interactive.params.errors import ParameterError

FARTHEST = (
    1e6  # coordinate to which a point may be moved, embedding units; squares beyond leave single precision
)


def held(state: State, rule: Rule, lr: Scalar, rows: Tensor, places: Tensor | None = None) -> State:
    """The state with the points of these rows pinned where they are, or at `places` (m, c); what moved them is gone."""
    if len(rows) == 0:
        return state
    state = state.copy()
    if places is not None:
        state.positions[rows] = places
    clear(rule, dict(state.slots), state.positions, rows, lr)
    pins = torch.unique(rows if state.pins is None else torch.cat([state.pins, rows]))
    return replace(state, pins=pins)


def released(state: State, rows: Tensor | None = None) -> State:
    """The state with these rows free again, all by default; with the last of them the map stays centred as it is."""
    if state.pins is None:
        return state
    left = state.pins[:0] if rows is None else state.pins[~torch.isin(state.pins, rows)]
    if len(left):
        return replace(state, pins=left)
    return replace(state, pins=None, centre=tuple(state.positions.double().mean(0).tolist()))


def move_others(
    rule: Rule,
    state: State,
    slots: dict[str, Tensor],
    gradient: Tensor,
    lr: Scalar,
    momentum: Scalar,
    stiffness: Tensor | None = None,
) -> Scalar:
    """`rule.move` for all but the pinned points of a state; whatever the rule, these stay to the last bit.

    The map is not centred meanwhile. The rule's memory of the pinned points is kept as at a start, so that nothing
    that piled up moves them once they are free.
    """
    Z, rows = state.positions, state.pins
    assert rows is not None
    places = Z[rows]
    gradient.index_fill_(0, rows, 0)
    squared = rule.move(Z, slots, gradient, lr, momentum, None, stiffness)
    Z[rows] = places
    clear(rule, slots, Z, rows, lr)
    return squared


def clear(rule: Rule, slots: dict[str, Tensor], Z: Tensor, rows: Tensor, lr: Scalar) -> None:
    """Set the rule's memory of some points to what it is at a start, in place."""
    if not slots:
        return
    for name, fresh in rule.fresh(Z[rows], lr).items():
        kept = slots.get(name)
        if kept is not None and fresh.ndim and len(fresh) == len(rows) and len(kept) == len(Z):
            kept[rows] = fresh.to(kept.dtype)


def points_of(indices: Any, n: int) -> np.ndarray:
    """Rows (m,) uint32, in the order given, of whole numbers below n or of a mask of n truth values.

    Raises:
        ParameterError: if they are not whole numbers, not in range, or not unique.
    """
    if indices is None:
        raise ParameterError(f"indices must be whole numbers from 0 to {n - 1}, or a mask; got None.")
    ascending = point_indices(indices, n)
    given = np.asarray(indices.detach().cpu() if isinstance(indices, Tensor) else indices).reshape(-1)
    if given.dtype == bool:
        return ascending.astype(np.uint32)
    if len(given) != len(ascending):
        values, counts = np.unique(given, return_counts=True)
        raise ParameterError(
            f"indices must be unique; got {values[counts > 1][0]} {counts.max()} times. Leave repeats out."
        )
    return given.astype(np.uint32)


def places_of(xy: Any, m: int, c: int) -> np.ndarray:
    """Places (m, c) float64 for m points.

    Raises:
        ParameterError: if the shape is another, or a coordinate is not finite or absurdly far.
    """
    given = np.asarray(xy.detach().cpu() if isinstance(xy, Tensor) else xy)
    if given.dtype.kind not in "iuf":
        raise ParameterError(f"xy must hold numbers; got an array of {given.dtype}.")
    if given.size == 0 and m == 0:
        return np.empty((0, c))
    if given.shape != (m, c):
        raise ParameterError(
            f"xy must have one row of {c} coordinates for each of the {m} points, the shape ({m}, {c}); "
            f"got {given.shape}."
        )
    given = given.astype(np.float64)
    if not np.isfinite(given).all() or np.abs(given).max(initial=0) > FARTHEST:
        row = int(np.flatnonzero(~(np.abs(given) <= FARTHEST).all(1))[0])
        raise ParameterError(
            f"xy must be finite and within {FARTHEST:g} of the origin along each axis; "
            f"row {row} is {given[row].tolist()}."
        )
    return given
