"""From rows to a start and a problem: the parts of a run that are computed once, or again after a change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ne_interactive.data.arrays import Rows
from ne_interactive.data.seeds import generator
from ne_interactive.engine.protocol import Method
from ne_interactive.engine.state import Problem
from ne_interactive.graph.neighbors import Neighbors, find_neighbors
from ne_interactive.graph.projection import pca_start
from ne_interactive.params.errors import DataError, ParameterError


def check_start(method: Method, n: int) -> Tensor | None:
    """The start given as an array, (n, c) float32; None where it is to be computed.

    Raises:
        ParameterError: for an unknown name or a wrong shape.
        DataError: for entries that are not finite.
    """
    init, c, owner = method.init, method.n_components, type(method).__name__
    if isinstance(init, str):
        if init not in ("pca", "random"):
            raise ParameterError(f"{owner}.init must be 'pca', 'random' or an array; got {init!r}.")
        return None
    try:
        array = np.asarray(init.detach().cpu() if isinstance(init, Tensor) else init, dtype=np.float32)
    except (TypeError, ValueError, AttributeError):
        kind = type(init).__name__
        raise ParameterError(
            f"{owner}.init must be 'pca', 'random' or an array of numbers; got a {kind}."
        ) from None
    if array.shape != (n, c):
        raise ParameterError(f"{owner}.init must have shape ({n}, {c}), one row a point; got {array.shape}.")
    if not np.isfinite(array).all():
        row = int(np.nonzero(~np.isfinite(array).all(1))[0][0])
        raise DataError(f"{owner}.init must be finite; row {row} is not.")
    return torch.from_numpy(array.copy())


def start_of(method: Method, rows: Rows, seed: int) -> Tensor:
    """Where the points start, (n, c) float32 on the rows' device."""
    given = check_start(method, rows.n)
    wanted = method.init_scaling
    if given is not None:
        deviation = float(given[:, 0].std())
        if not isinstance(wanted, str) and deviation > 0:
            given *= wanted / deviation
        return given.to(rows.values.device)
    scale = method.start_scale() if isinstance(wanted, str) else float(wanted)
    if method.init == "random":
        noise = torch.randn(rows.n, method.n_components, generator=generator(seed, "start"))
        return (noise * scale).to(rows.values.device)
    return pca_start(rows.values, method.n_components, scale=scale, seed=seed)


def neighbors_for(method: Method, rows: Rows, k: int, seed: int) -> Neighbors:
    """The k nearest neighbours of every row by the method's metric and backend."""
    return find_neighbors(rows.values, k, metric=method.metric, backend=method.backend, seed=seed)


def problem_for(
    method: Method, rows: Rows, knobs: Mapping[str, Any], seed: int, known: Neighbors | None = None
) -> Problem:
    """The problem of these parameters; neighbours already known are used while they are enough."""
    k = method.k(rows.n, knobs)
    if known is None:
        known = neighbors_for(method, rows, k, seed)
    elif known.k < k:  # a slider on its way up: the next stops shall not need a search each
        known = neighbors_for(method, rows, min(2 * k, rows.n - 1), seed)
    return Problem.of(known, method.affinity(known.first(k), knobs))
