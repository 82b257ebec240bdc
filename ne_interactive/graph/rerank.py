"""Exact distances to candidate neighbours, nearest first: the compiled part of every neighbour search."""

import numba
import numpy as np
import torch

from ne_interactive.graph.metrics import Flat
from ne_interactive.graph.parallel import parallel, serial

__all__ = ["rerank"]


@serial
def _squared(a, b):
    total = np.float32(0)
    for c in range(a.shape[0]):
        t = a[c] - b[c]
        total += t * t
    return total


@serial
def _absolute(a, b):
    total = np.float32(0)
    for c in range(a.shape[0]):
        total += abs(a[c] - b[c])
    return total


@serial
def _keep_nearest(distance, index, k, best_distance, best_index, filled):
    """Insert one candidate in a list sorted by (distance, index); return the list's new length."""
    if filled == k:
        last = best_distance[k - 1]
        if distance > last or (distance == last and index > best_index[k - 1]):
            return filled
        place = k - 1
    else:
        place = filled
        filled += 1
    while place > 0:
        before = best_distance[place - 1]
        if before < distance or (before == distance and best_index[place - 1] < index):
            break
        best_distance[place] = before
        best_index[place] = best_index[place - 1]
        place -= 1
    best_distance[place] = distance
    best_index[place] = index
    return filled


@parallel
def _rerank(values, weights, queries, candidates, k, manhattan, order, indices, distances, found):
    weighted = weights.shape[0] > 0
    for t in numba.prange(order.shape[0]):
        row = order[t]
        i = queries[row]
        filled = 0
        for a in range(candidates.shape[1]):
            j = candidates[row, a]
            if j < 0 or j == i:
                continue
            distance = _absolute(values[i], values[j]) if manhattan else _squared(values[i], values[j])
            if weighted:
                distance *= weights[i] * weights[j]
            filled = _keep_nearest(distance, j, k, distances[row], indices[row], filled)
        found[row] = filled


def rerank(
    flat: Flat,
    queries: torch.Tensor,
    candidates: torch.Tensor,
    k: int,
    *,
    order: np.ndarray | None = None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sort each query's candidates by exact distance, ties by index, and keep k.

    flat: n prepared rows in float32 on the CPU; queries (q,) row numbers; candidates (q, m) row numbers, distinct,
    where -1 and the query itself are passed over. ``order`` is the order in which rows are visited: near rows in turn
    share the cache. Returns indices (q, k) int64, plain distances (q, k) float32 and found (q,): how many places of a
    row are filled.
    """
    q = queries.shape[0]
    indices = np.full((q, k), -1, np.int64)
    distances = np.full((q, k), np.inf, np.float32)
    found = np.zeros(q, np.int64)
    order = np.arange(q) if order is None else order.astype(np.int64)
    values = flat.values.numpy()
    weights = np.empty(0, np.float32) if flat.weights is None else flat.weights.numpy()
    ids = np.ascontiguousarray(candidates.numpy())
    _rerank(values, weights, queries.numpy(), ids, k, flat.manhattan, order, indices, distances, found)
    return torch.from_numpy(indices), torch.from_numpy(distances), torch.from_numpy(found)
