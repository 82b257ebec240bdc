"""Exact nearest neighbours in tiles, on any device, within bounded memory."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ne_interactive.graph.metrics import METRICS, Flat, check_metric, flatten, in_units, single
from ne_interactive.graph.progress import report
from ne_interactive.graph.rerank import rerank
from ne_interactive.params.errors import DataError

__all__ = ["METRICS", "Search", "all_distances", "check_k", "complete", "nearest", "rounding", "tiles"]

TILE = 2**24
"""Entries of the largest temporary: 64 MiB of float32."""
SLACK = 8
"""Candidates beyond k, so that rounding in the quick distances does not decide who is kept."""
NEAR = 1e-8
"""Squared distances below this share of the rows' squared norms lose digits in a product of float64."""


@dataclass(frozen=True)
class Search:
    """Who finds candidates among prepared rows.

    ``find(queries (q,), m)`` gives candidates (q, >= m), where -1 and the query itself do not count, and (q,) plain
    distances, without the query's own weight, that no point left out is nearer than. ``rows`` queries at a time.
    """

    find: Callable[[torch.Tensor, int], tuple[torch.Tensor, torch.Tensor]]
    rows: int


def nearest(
    values: torch.Tensor,
    k: int,
    metric: str = "euclidean",
    *,
    rows: torch.Tensor | None = None,
    among: int | None = None,
    search: Callable[[Flat], Search] | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the k nearest other points of every point, or of some.

    Args:
        values: (n, d), computed in float32.
        k: neighbours, at most n - 1. A point is never its own neighbour; its duplicates are, at distance 0.
        metric: one of ``METRICS``; their units and conventions are those of ``flatten``.
        rows: (q,) int64 row numbers; None is every point.
        among: only the first ``among`` points are neighbours, and ``rows`` are some of those behind them.
        search: who finds candidates; None is ``tiles``.

    Returns:
        indices (q, k) int64 and distances (q, k) float32, ascending; equal distances in order of index.

    Note:
        Quick distances pick k + 8 candidates, whose distances are then taken from differences. A row whose last
        candidate is not clearly beyond its k-th neighbour, as with many ties, is searched once more without the
        quick distances.
    """
    n = values.shape[0]
    others = n - 1 if among is None else among
    check_k(others + 1, k)
    check_metric(metric)
    flat = flatten(single(values, metric), metric)
    queries = torch.arange(n, device=values.device) if rows is None else rows.to(values.device, torch.int64)
    m = min(k + SLACK, others)
    parts = []
    finder = search(flat) if search else tiles(flat, among)
    for place, block in enumerate(queries.split(finder.rows)):
        report("finding neighbours", place * finder.rows / max(len(queries), 1))
        candidates, beyond = finder.find(block, m)
        indices, distances = _exact(flat, block, candidates, k)
        if m < others:
            unsure = beyond * flat.weight(block) <= distances[:, -1]
            if bool(unsure.any()):
                indices[unsure], distances[unsure] = _stable(flat, block[unsure], k, among)
        parts.append((indices, distances))
    indices, distances = (torch.cat(part) for part in zip(*parts, strict=True))
    return indices, in_units(distances, metric)


def complete(
    indices: torch.Tensor,
    distances: torch.Tensor,
    found: torch.Tensor,
    values: torch.Tensor,
    metric: str,
    *,
    rows: torch.Tensor | None = None,
    among: int | None = None,
) -> None:
    """Search exactly, in place, where an index found fewer points than asked for.

    indices and distances (q, k) of ``rows``, or of all points; found (q,): how many places of each are filled. The
    rest is as for `nearest`.
    """
    k = indices.shape[1]
    short = (found < k).nonzero()[:, 0]
    if len(short):
        asked = short if rows is None else rows[short]
        indices[short], distances[short] = nearest(values, k, metric, rows=asked, among=among)


def check_k(n: int, k: int) -> None:
    """Raise DataError unless n points can have k neighbours each."""
    if not 1 <= k <= n - 1:
        raise DataError(
            f"The number of neighbours must lie in [1, {n - 1}] for {n} points (at most n - 1); got {k}. "
            "Ask for fewer neighbours or pass more rows."
        )


def all_distances(values: torch.Tensor, metric: str = "euclidean") -> torch.Tensor:
    """Give all distances (n, n) float32 of the rows of values (n, d), in the units of ``metric``.

    Symmetric, with zeros on the diagonal and between duplicates. Sums are taken in float64, tile by tile.
    """
    check_metric(metric)
    flat = flatten(values.double(), metric)
    n = values.shape[0]
    D = torch.empty((n, n), dtype=torch.float32, device=values.device)
    product = _products(flat)
    step = max(1, TILE // (2 * n))
    for low in range(0, n, step):
        high = min(n, low + step)
        tile = (
            torch.cdist(flat.values[low:high], flat.values[low:], p=1)
            if flat.manhattan
            else product(low, high)
        )
        tile = in_units(tile, metric).float()
        corner = tile[:, : high - low].triu(1)
        D[low:high, low:high] = corner + corner.T
        D[low:high, high:] = tile[:, high - low :]
        D[high:, low:high] = tile[:, high - low :].T
    return D


def _products(flat: Flat) -> Callable[[int, int], torch.Tensor]:
    """Give what computes the plain distances of rows low to high from row low on, by a product of matrices."""
    centred = flat.values - flat.values.mean(0)
    norms = centred.square().sum(1)

    def product(low: int, high: int) -> torch.Tensor:
        tile = torch.addmm(norms[None, low:], centred[low:high], centred[low:].T, alpha=-2)
        tile += norms[low:high, None]
        near = tile <= NEAR * (norms[low:high, None] + norms[None, low:])
        _near_from_differences(tile, near, flat.values[low:high], flat.values[low:])
        if flat.weights is not None:
            tile *= flat.weights[low:high, None] * flat.weights[None, low:]
        return tile

    return product


def _near_from_differences(tile: torch.Tensor, near: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> None:
    """Take the near ones of squared distances from differences: a product's rounding is too large for them."""
    for pairs in near.nonzero().split(max(1, TILE // (2 * a.shape[1]))):
        i, j = pairs.unbind(1)
        tile[i, j] = (a[i] - b[j]).square_().sum(1)


def rounding(d: int, dtype: torch.dtype = torch.float32) -> float:
    """Bound the relative error of a sum of d products, generously for what happens in practice."""
    return 4 * torch.finfo(dtype).eps * max(1.0, d**0.5)


def tiles(flat: Flat, among: int | None = None) -> Search:
    """Search candidates tile by tile: by matrix products, or by differences for Manhattan distances."""
    n = flat.values.shape[0] if among is None else among
    rows = max(1, TILE // n)
    if flat.manhattan:
        return Search(
            lambda block, m: _least(torch.cdist(flat.values[block], flat.values[:n], p=1), block, m), rows
        )
    # Weights of points near the rim of the ball would magnify the rounding of float32.
    values = flat.values if flat.weights is None else flat.values.double()
    centred = values - values[:n].mean(0)
    norms = centred.square().sum(1)
    largest, unit = norms.max(), rounding(flat.d, values.dtype)

    def find(block: torch.Tensor, m: int) -> tuple[torch.Tensor, torch.Tensor]:
        own = norms[block]
        quick = torch.addmm(norms[None, :n], centred[block], centred[:n].T, alpha=-2).add_(own[:, None])
        quick -= (unit * (own + largest))[:, None]
        if flat.weights is not None:
            quick *= flat.weights[:n]
        return _least(quick, block, m)

    return Search(find, rows)


def _least(quick: torch.Tensor, block: torch.Tensor, m: int) -> tuple[torch.Tensor, torch.Tensor]:
    _without_self(quick, block)
    beyond, candidates = quick.topk(m, dim=1, largest=False)
    return candidates, beyond[:, -1]


def _without_self(tile: torch.Tensor, block: torch.Tensor) -> None:
    """Set the distances of rows to themselves to infinity; rows behind the last column are none of the columns."""
    inside = (block < tile.shape[1]).nonzero()[:, 0]
    tile[inside, block[inside]] = torch.inf


def _exact(
    flat: Flat, block: torch.Tensor, candidates: torch.Tensor, k: int
) -> tuple[torch.Tensor, torch.Tensor]:
    if flat.values.device.type == "cpu":
        indices, distances, _ = rerank(flat, block, candidates, k)
        return indices, distances
    return _portable(flat, block, candidates, k)


def _portable(
    flat: Flat, block: torch.Tensor, candidates: torch.Tensor, k: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Do what ``rerank`` does, on any device."""
    candidates = candidates.sort(dim=1).values
    step = max(1, TILE // (candidates.shape[1] * flat.d))
    parts = []
    for part, queries in zip(candidates.split(step), block.split(step), strict=True):
        difference = flat.values[queries][:, None] - flat.values[part]
        found = difference.abs().sum(2) if flat.manhattan else difference.square_().sum(2)
        if flat.weights is not None:
            found = found * (flat.weights[queries][:, None] * flat.weights[part])
        parts.append(found.masked_fill_((part < 0) | (part == queries[:, None]), torch.inf))
    distances, place = torch.cat(parts).sort(dim=1, stable=True)
    return candidates.gather(1, place[:, :k]), distances[:, :k].contiguous()


def _stable(
    flat: Flat, block: torch.Tensor, k: int, among: int | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    others = flat.values[:among]
    step = max(1, TILE // len(others))
    parts = []
    for queries in block.split(step):
        mode = "donot_use_mm_for_euclid_dist"
        p = 1.0 if flat.manhattan else 2.0
        every = torch.cdist(flat.values[queries], others, p=p, compute_mode=mode)
        if not flat.manhattan:
            every.square_()
        if flat.weights is not None:
            every *= flat.weights[queries][:, None] * flat.weights[:among]
        _without_self(every, queries)
        distances, indices = every.sort(dim=1, stable=True)
        parts.append((indices[:, :k], distances[:, :k]))
    indices, distances = (torch.cat(part) for part in zip(*parts, strict=True))
    return indices, distances
