"""Exact nearest neighbours in tiles, on any device, within bounded memory."""

import torch

from ne_interactive.graph.rerank import rerank
from ne_interactive.params.errors import DataError, ParameterError

__all__ = ["METRICS", "check_k", "flatten_metric", "in_units", "nearest"]

METRICS = ("euclidean", "sqeuclidean", "cosine", "manhattan")

TILE = 2**24
"""Entries of the largest temporary: 64 MiB of float32."""
SLACK = 8
"""Candidates beyond k, so that rounding in the quick distances does not decide who is kept."""


def nearest(
    values: torch.Tensor, k: int, metric: str = "euclidean", *, rows: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the k nearest other points of every point, or of some.

    Args:
        values: (n, d) float32.
        k: neighbours, at most n - 1. A point is never its own neighbour; its duplicates are, at distance 0.
        metric: "euclidean", "sqeuclidean", "cosine" (1 - cosine; zero rows are at 1 from all but each other) or
            "manhattan".
        rows: (q,) int64 row numbers; None is every point.

    Returns:
        indices (q, k) int64 and distances (q, k) float32, ascending; equal distances in order of index.

    Note:
        Quick distances by a matrix product pick k + 8 candidates, whose distances are then taken from differences.
        A row whose last candidate is not clearly beyond its k-th neighbour, as with many ties, is searched once more
        without the quick distances.
    """
    check_k(values.shape[0], k)
    manhattan, flat = metric == "manhattan", flatten_metric(values, metric)
    n, d = flat.shape
    queries = torch.arange(n, device=flat.device) if rows is None else rows.to(flat.device, torch.int64)
    centred = flat if manhattan else flat - flat.mean(0)
    norms = centred.square().sum(1)
    m = min(k + SLACK, n - 1)
    step = max(1, TILE // n)
    parts = []
    for block in queries.split(step):
        quick = _quick(centred, norms, block, manhattan)
        last, candidates = quick.topk(m, dim=1, largest=False)
        indices, distances = _exact(flat, block, candidates, k, manhattan)
        if m < n - 1:
            error = 0.0 if manhattan else _rounding(d) * (norms[block] + norms.max())
            unsure = last[:, -1] - error <= distances[:, -1]
            if bool(unsure.any()):
                indices[unsure], distances[unsure] = _stable(flat, block[unsure], k, manhattan)
        parts.append((indices, distances))
    indices, distances = (torch.cat(part) for part in zip(*parts, strict=True))
    return indices, in_units(distances, metric)


def check_k(n: int, k: int) -> None:
    """Raise DataError unless n points can have k neighbours each."""
    if not 1 <= k <= n - 1:
        raise DataError(
            f"The number of neighbours must lie in [1, {n - 1}] for {n} points (at most n - 1); got {k}. "
            "Ask for fewer neighbours or pass more rows."
        )


def flatten_metric(values: torch.Tensor, metric: str) -> torch.Tensor:
    """Give rows whose Euclidean (or Manhattan) order of distances is that of ``metric``.

    For the cosine these are rows of unit length; rows of zeros get a direction of their own.
    """
    if metric not in METRICS:
        raise ParameterError(f"metric must be one of {', '.join(METRICS)}; got {metric!r}.")
    if metric != "cosine":
        return values.contiguous()
    # Divided by the largest entry first: squares of very large or very small entries would leave float32.
    size = values.abs().amax(1, keepdim=True)
    scaled = values / torch.where(size > 0, size, 1.0)
    unit = scaled / scaled.norm(dim=1, keepdim=True).clamp_min(1e-30)
    zero = size == 0
    return torch.cat([unit, zero.to(unit.dtype)], 1) if bool(zero.any()) else unit


def in_units(distances: torch.Tensor, metric: str) -> torch.Tensor:
    """Turn squared Euclidean distances (Manhattan ones as they are) into the metric's own units."""
    if metric == "euclidean":
        return distances.sqrt()
    return distances / 2 if metric == "cosine" else distances


def _rounding(d: int) -> float:
    return 4 * torch.finfo(torch.float32).eps * max(1.0, d**0.5)


def _quick(values: torch.Tensor, norms: torch.Tensor, block: torch.Tensor, manhattan: bool) -> torch.Tensor:
    if manhattan:
        quick = torch.cdist(values[block], values, p=1)
    else:
        quick = torch.addmm(norms[None], values[block], values.T, alpha=-2).add_(norms[block][:, None])
    quick[torch.arange(len(block), device=block.device), block] = torch.inf
    return quick


def _exact(
    values: torch.Tensor, block: torch.Tensor, candidates: torch.Tensor, k: int, manhattan: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    if values.device.type == "cpu":
        indices, distances, _ = rerank(values, block, candidates, k, manhattan=manhattan)
        return indices, distances
    return _portable(values, block, candidates, k, manhattan)


def _portable(
    values: torch.Tensor, block: torch.Tensor, candidates: torch.Tensor, k: int, manhattan: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Do what ``rerank`` does, on any device."""
    candidates = candidates.sort(dim=1).values
    step = max(1, TILE // (candidates.shape[1] * values.shape[1]))
    parts = []
    for part, queries in zip(candidates.split(step), block.split(step), strict=True):
        difference = values[queries][:, None] - values[part]
        parts.append(difference.abs().sum(2) if manhattan else difference.square_().sum(2))
    distances, place = torch.cat(parts).sort(dim=1, stable=True)
    return candidates.gather(1, place[:, :k]), distances[:, :k].contiguous()


def _stable(
    values: torch.Tensor, block: torch.Tensor, k: int, manhattan: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    step = max(1, TILE // values.shape[0])
    parts = []
    for queries in block.split(step):
        mode = "donot_use_mm_for_euclid_dist"
        all_distances = torch.cdist(values[queries], values, p=1.0 if manhattan else 2.0, compute_mode=mode)
        all_distances[torch.arange(len(queries), device=queries.device), queries] = torch.inf
        distances, indices = all_distances.sort(dim=1, stable=True)
        parts.append((indices[:, :k], distances[:, :k]))
    indices, distances = (torch.cat(part) for part in zip(*parts, strict=True))
    return indices, distances if manhattan else distances.square()
