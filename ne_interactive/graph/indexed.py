"""Likely nearest neighbours through inverted lists: what is searched for, where, and how widely."""

import torch
from torch import Tensor

from ne_interactive.data.seeds import generator
from ne_interactive.graph.distances import complete
from ne_interactive.graph.list_search import search_lists
from ne_interactive.graph.lists import Lists, inverted_lists, list_count
from ne_interactive.graph.metrics import Flat, flatten, in_units, single
from ne_interactive.graph.projection import axes, projected, searchable

__all__ = ["DIMENSIONS", "OTHER_ORDER", "SPARE", "candidate_count", "likely", "rough", "through_lists"]

DIMENSIONS = 50
"""Principal components searched in, beside the length of what they leave."""
FEWEST, MOST = 16, 48
"""Lists that a query looks through: as many as it takes to reach most neighbours of a sample."""
COVERED = 0.98
"""Share of these neighbours."""
SAMPLED, AMONG = 128, 100_000
"""Queries of the sample, and points among which their neighbours are searched."""
WIDER = 1.1
"""Candidates per neighbour kept."""
OTHER_ORDER = {"manhattan": 3.0, "hyperbolic": 6.0}
"""The same for metrics whose order is not the Euclidean one of the candidates."""
SPARE = 60
"""Candidates beyond these, in fewer dimensions: of few neighbours more are misplaced there."""
ROUGH_DIMENSIONS, ROUGH_PROBES, ROUGH_SAMPLED, ROUGH_VISITED = 20, 2, 10, 384
"""A fraction of the time, four in ten of the 14 nearest on images."""


def through_lists(
    values: Tensor, k: int, metric: str, *, new: Tensor | None = None, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Find k likely nearest rows of values (n, d) for every row of ``new`` (q, d), or for every row of values.

    Returns indices (q, k) int64 and distances (q, k) in the metric's units, ascending, on the CPU. A row for which the
    lists hold too few is searched exactly.
    """
    n = len(values)
    both = values if new is None else torch.cat([values, new])
    flat = flatten(single(both, metric).cpu(), metric)
    points, queries = flat.values[:n], flat.values[0 if new is None else n :]
    reduced = flat.d > DIMENSIONS
    if reduced:
        asked = None if new is None else queries
        points, queries = searchable(points, DIMENSIONS, asked, seed=seed)
    m = candidate_count(n, k, metric) if reduced or metric in OTHER_ORDER else k + 1
    lists = inverted_lists(points, list_count(n), seed=seed)
    probes = _probes(lists, points, queries, k, metric, seed)
    rows = None if new is None else torch.arange(n, len(both))
    indices, distances, found = search_lists(lists, min(n, m), probes, k, flat, queries=queries, rows=rows)
    distances = in_units(distances, metric)
    complete(indices, distances, found, both.cpu(), metric, rows=rows, among=None if new is None else n)
    return indices, distances


def likely(points: Tensor, k: int, metric: str, *, seed: int = 0) -> Tensor:
    """Give enough likely neighbours of every one of the points (n, s) float32, as ids (n, m), -1 where there are none.

    The points are what rows prepared for the metric have for coordinates among their principal components.
    """
    m = min(len(points) - 1, candidate_count(len(points), k, metric))
    lists = inverted_lists(points, list_count(len(points)), seed=seed)
    probes = _probes(lists, points, points, k, metric, seed)
    return search_lists(lists, m, probes, m, Flat(points), queries=points)[0]


def candidate_count(n: int, k: int, metric: str) -> int:
    """Tell how many candidates a row needs where these are in the order of a distance other than the metric's."""
    return min(n, int(max(WIDER, OTHER_ORDER.get(metric, 0.0)) * k) + SPARE)


def _probes(lists: Lists, points: Tensor, queries: Tensor, k: int, metric: str, seed: int) -> int:
    return probes_for(lists, points, queries, k, seed=seed) * (2 if metric in OTHER_ORDER else 1)


def probes_for(lists: Lists, points: Tensor, queries: Tensor, k: int, *, seed: int = 0) -> int:
    """Tell how many lists to look through for most of the k nearest points: `COVERED` of those of a sample.

    Data without structure need many: there a point's neighbours are spread over the lists around it.
    """
    draw, n = generator(seed, "probes"), len(points)
    some = queries[torch.randperm(len(queries), generator=draw)[:SAMPLED]]
    among = torch.randperm(n, generator=draw)[:AMONG]
    members = points[among]
    kept = min(
        len(among), max(1, round(k * len(among) / n)) + 1
    )  # a query that is a point is its own nearest
    near = torch.cdist(some, members, compute_mode="use_mm_for_euclid_dist").topk(kept, largest=False).indices
    own = torch.from_numpy(lists.own)[among[near]]
    far = torch.cdist(some - lists.mean, lists.centres)
    needed = (far.unsqueeze(1) < far.gather(1, own).unsqueeze(2)).sum(2)[:, 1:].flatten() + 1
    return int(needed.float().quantile(COVERED).clamp(FEWEST, MOST)) if len(needed) else FEWEST


def rough(values: Tensor, k: int, metric: str, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Find k near other rows of every row of values (n, d) quickly, by distances among few principal components."""
    flat = flatten(single(values, metric), metric)
    c = ROUGH_DIMENSIONS
    points = (
        projected(flat.values, *axes(flat.values, c, seed=seed, loose=True)) if flat.d > c else flat.values
    )
    lists = inverted_lists(points, list_count(len(points)), sampled=ROUGH_SAMPLED, seed=seed)
    few = Flat(points)
    indices, distances, found = search_lists(
        lists, k + 1, ROUGH_PROBES, k, few, queries=points, visited=ROUGH_VISITED
    )
    complete(indices, distances, found, points, "sqeuclidean")
    return indices, in_units(distances, metric)
