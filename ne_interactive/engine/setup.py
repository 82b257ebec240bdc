"""From a table to a start and a problem: the parts of a run that are computed once, or again after a change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ne_interactive.data.memory import give_back
from ne_interactive.data.seeds import generator
from ne_interactive.data.table import Table
from ne_interactive.engine.protocol import Method
from ne_interactive.engine.state import Problem
from ne_interactive.graph.affinity import Affinity
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.matrices import graph_of_dense
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.graph.progress import report
from ne_interactive.graph.spectral import spectral_start
from ne_interactive.graph.tables import distances_of, neighbors_of, pca_start_of, rough_neighbors_of
from ne_interactive.params.errors import DataError, ParameterError

STARTS = ("pca", "spectral", "random", "hyperbolic")
POINT = 1e-12  # embedding units: a given start no wider has all points at one place, where no force acts
JITTER = 1e-4
ROUGH_FROM = 20_000  # points; the neighbours of fewer are found in half a second
ROUGH_NEIGHBORS = 15


def device_of(method: Any) -> torch.device | None:
    """The device asked for; None: where X is.

    Raises:
        ParameterError: if torch knows no such device, or sees none.
    """
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


def check_start(method: Method, n: int) -> Tensor | None:
    """The start given as an array, (n, c) float32; None where it is to be computed.

    Raises:
        ParameterError: for an unknown name or a wrong shape.
        DataError: for entries that are not finite.
    """
    init, c, owner = method.init, method.n_components, type(method).__name__
    if isinstance(init, str):
        if init not in STARTS:
            raise ParameterError(
                f"{owner}.init must be one of {', '.join(map(repr, STARTS))} or an array; got {init!r}."
            )
        return None
    try:
        array = np.asarray(init.detach().cpu() if isinstance(init, Tensor) else init, dtype=np.float32)
    except (TypeError, ValueError, AttributeError):
        kind = type(init).__name__
        raise ParameterError(
            f"{owner}.init must be one of {', '.join(map(repr, STARTS))} or an array of numbers; got a {kind}."
        ) from None
    if array.shape != (n, c):
        raise ParameterError(f"{owner}.init must have shape ({n}, {c}), one row a point; got {array.shape}.")
    if not np.isfinite(array).all():
        row = int(np.nonzero(~np.isfinite(array).all(1))[0][0])
        raise DataError(f"{owner}.init must be finite; row {row} is not.")
    return torch.from_numpy(array.copy())


def start_of(method: Method, table: Table, seed: int, graph: Callable[[], Graph]) -> Tensor:
    """Where the points start, (n, c) in the method's precision, on the table's device.

    `graph` gives P where a start is made of it, which is the only one that has to wait for the neighbours.
    """
    given = check_start(method, table.n)
    wanted = method.init_scaling
    if given is not None:
        deviation = float(given[:, 0].std())
        if not isinstance(wanted, str) and deviation > 0:
            given *= wanted / deviation
        if float(given.std(0).max()) <= POINT:
            given += JITTER * torch.randn(given.shape, generator=generator(seed, "start"))
        return given.to(table.device, method.precision)
    scale = method.start_scale() if isinstance(wanted, str) else float(wanted)
    c = method.n_components
    if method.init in ("random", "hyperbolic"):
        start = torch.randn(table.n, c, generator=generator(seed, "start")) * scale
        if (
            method.init == "hyperbolic"
        ):  # a normal draw in the tangent space at the centre of the Poincare ball
            length = start.norm(dim=1, keepdim=True).clamp_min(1e-12)
            start *= torch.tanh(length) / length
    elif method.init == "spectral":
        start = spectral_start(graph(), c, scale=scale, seed=seed)
    else:
        start = pca_start_of(table, c, scale=scale, seed=seed)
    return method.adopt(start.to(table.device, method.precision))


def problem_for(
    method: Method,
    table: Table,
    knobs: Mapping[str, Any],
    seed: int,
    known: Neighbors | None = None,
    least: int = 0,
    search: Callable[..., Neighbors] | None = None,
) -> Problem:
    """The problem of these parameters; neighbours already known are used while they are enough.

    A first search is for `least` neighbours or more, where any are needed. `search` stands in for `neighbors_of`.
    """
    n = table.n
    source, metric = method.affinity_of(n, knobs), knobs["metric"]
    k = method.k(n, knobs)
    if known is not None and known.metric != metric:
        known = None
    searched = k > 0 and (known is None or known.k < k)
    if searched:
        # a slider on its way up: the next stops shall not need a search each
        wanted = max(k, min(least, table.most_neighbors)) if known is None else min(2 * k, n - 1)
        search = search or neighbors_of
        known = search(table, wanted, metric=metric, backend=method.backend, seed=seed)
    report("recalibrating")
    if isinstance(source, Graph):
        graph = source
    elif (own := source.k(n)) is None:
        graph = graph_of_dense(source.dense(distances_of(table, metric), metric))
    else:
        assert known is not None
        graph = source.graph(known.first(own))
    graph = graph.to(table.device)
    made = Problem.of(known, graph, method.extras(table, known, graph, knobs, seed))
    if searched:
        give_back()
    return made


def rough_problem_for(
    method: Method,
    table: Table,
    knobs: Mapping[str, Any],
    seed: int,
    search: Callable[..., Neighbors | None] | None = None,
) -> Problem | None:
    """A problem of few, roughly found neighbours, on which a run can move until the right ones are there.

    None where these are there soon, or where the method or its affinity asks for more than a graph of few neighbours.
    `search` stands in for `rough_neighbors_of`.
    """
    n = table.n
    source = method.affinity_of(n, knobs)
    if n < ROUGH_FROM or not isinstance(source, Affinity) or source.k(n) != method.k(n, knobs):
        return None
    few = source.on_fewer(ROUGH_NEIGHBORS)
    k = few.k(n) if few else None
    search = search or rough_neighbors_of
    known = search(table, k, metric=knobs["metric"], seed=seed) if k else None
    if few is None or known is None:
        return None
    graph = few.graph(known).to(table.device)
    return replace(Problem.of(known, graph, method.extras(table, known, graph, knobs, seed)), rough=True)
