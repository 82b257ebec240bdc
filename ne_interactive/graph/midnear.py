"""PaCMAP's mid-near pairs: neither close nor random (Wang, Huang, Rudin and Shaposhnik 2021, JMLR 22(201))."""

import numba
import numpy as np
import torch
from torch import Tensor

from ne_interactive.data.precomputed import Precomputed
from ne_interactive.data.seeds import generator
from ne_interactive.data.streamed import Streamed
from ne_interactive.data.table import Rows, Table
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.distances import TILE
from ne_interactive.graph.metrics import Flat, flatten, single
from ne_interactive.graph.parallel import parallel
from ne_interactive.graph.passes import project, survey
from ne_interactive.graph.rerank import _absolute, _squared
from ne_interactive.graph.spectral import spectral_start

__all__ = ["distinct", "mid_near"]

CANDIDATES = 6
LARGEST = np.float32(3e38)
COMPONENTS = 100
"""Principal components by which the rows of a stream are compared."""
COORDINATES = 10
"""The same where only neighbours are known: coordinates of the neighbour graph's spectrum."""


def mid_near(table: Table, graph: Graph, m: int, *, metric: str = "euclidean", seed: int = 0) -> Tensor:
    """Draw m mid-near partners of each of n points: (n, m) int64.

    Each is the second nearest of six other points drawn uniformly without repetition (of all others, where there are
    fewer). A stream is compared by its first hundred principal components. ``graph`` is that of the nearest
    neighbours; from its spectrum come distances where X holds those of neighbours only.
    """
    draw = generator(seed, "mid-near")
    candidates = distinct(table.n, m, min(CANDIDATES, table.n - 1), draw)
    if isinstance(table, Precomputed) and table.distances is not None:
        return _second(table.distances, candidates)
    flat = _prepared(table, graph, metric, seed)
    if flat.values.device.type != "cpu":
        return _second(flat, candidates)
    found = np.empty(candidates.shape[:2], np.int64)
    weights = np.ones(table.n, np.float32) if flat.weights is None else flat.weights.numpy()
    _nearest_but_one(flat.values.numpy(), weights, flat.manhattan, candidates.contiguous().numpy(), found)
    return torch.from_numpy(found)


def distinct(n: int, m: int, count: int, draw: torch.Generator) -> Tensor:
    """Draw m sets of ``count`` different points other than i for each of n points i: (n, m, count) int64, uniform."""
    chosen = torch.empty((n, m, 0), dtype=torch.int64)
    own = torch.arange(n).view(n, 1, 1)
    for t in range(count):
        x = torch.randint(n - 1 - t, (n, m, 1), generator=draw)
        taken = chosen.sort(2).values
        for s in range(t):  # a number is moved past those that are taken, the least first
            x = x + (x >= taken[:, :, s : s + 1])
        chosen = torch.cat([chosen, x], 2)
    return chosen + (chosen >= own)


def _prepared(table: Table, graph: Graph, metric: str, seed: int) -> Flat:
    """Give points whose plain distances have the order of the table's, as nearly as it can tell without all rows."""
    if isinstance(table, Rows):
        return flatten(single(table.values, metric), metric)
    if isinstance(table, Streamed):
        return Flat(project(table, COMPONENTS, survey(table, metric), metric=metric, seed=seed))
    return Flat(spectral_start(graph, min(COORDINATES, table.n - 1), scale=1.0, seed=seed).to(table.device))


def _second(points: Flat | Tensor, candidates: Tensor) -> Tensor:
    """Give the second nearest candidate, the first of equals, by torch; ``points`` may be all distances (n, n)."""
    values = points if isinstance(points, Tensor) else points.values
    n, m, count = candidates.shape
    width = 1 if isinstance(points, Tensor) else values.shape[1]
    found = []
    for rows in torch.arange(n).split(max(1, TILE // (count * max(m, 1) * width))):
        there, rows = candidates[rows].to(values.device), rows.to(values.device)[:, None, None]
        if isinstance(points, Tensor):
            distances = values[rows, there]
        else:
            difference = values[rows] - values[there]
            distances = difference.abs().sum(3) if points.manhattan else difference.square().sum(3)
            if points.weights is not None:
                distances = distances * points.weights[there]
        order = distances.sort(dim=2, stable=True).indices
        found.append(there.gather(2, order[:, :, min(1, count - 1)].unsqueeze(2)).squeeze(2))
    return torch.cat(found)


@parallel
def _nearest_but_one(values, weights, manhattan, candidates, found):
    """Do what `_second` does, without a copy of the candidates' rows."""
    n, m, count = candidates.shape
    for i in numba.prange(n):
        for slot in range(m):
            first, second = LARGEST, LARGEST
            nearest = place = candidates[i, slot, 0]
            for t in range(count):
                j = candidates[i, slot, t]
                distance = _absolute(values[i], values[j]) if manhattan else _squared(values[i], values[j])
                distance *= weights[j]
                if distance < first:
                    first, second, nearest, place = distance, first, j, nearest
                elif distance < second:
                    second, place = distance, j
            found[i, slot] = place
