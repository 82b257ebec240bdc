"""Exact distances to candidate neighbours, nearest first: the compiled part of every neighbour search."""

import numba
import numpy as np
import torch

from ne_interactive.graph.metrics import Flat
from ne_interactive.graph.parallel import parallel, serial
from ne_interactive.graph.sorting import sort

__all__ = ["rank_group", "rerank", "unpack"]

FEW = 4
"""Where so many times as many keys as are kept are sorted, most need not be."""


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


@serial
def _bits(distance):
    return np.float32(distance).view(np.int32)


@serial
def _distance(key):
    return np.int32(key >> 32).view(np.float32)


@serial
def rank_group(values, weights, manhattan, rows, kept, number, times, pairs, packed):
    """Measure the candidates of queries that lie near each other: ``packed`` (group, most) keys that `unpack` reads.

    Every candidate's row is read once, and compared with all queries that have it while it is in the cache.
    ``kept`` (group, room) int32 are the candidates, ``number`` (group,) how many of them count and after this how many
    were measured; ``times`` (n,) int32 zeros and ``pairs`` (2, group * most) int32 are room to work in.
    """
    union, who = pairs[0], pairs[1]
    distinct, total = 0, np.int32(0)
    for t in range(len(rows)):
        for a in range(number[t]):
            j = kept[t, a]
            if times[j] == 0:
                union[distinct] = j
                distinct += 1
            times[j] += 1
    for c in range(distinct):
        j = union[c]
        times[j], total = total, total + times[j]
    for t in range(len(rows)):
        for a in range(number[t]):
            j = kept[t, a]
            who[times[j]] = t
            times[j] += 1
        number[t] = 0
    begin = 0
    for c in range(distinct):
        j = union[c]
        for place in range(begin, times[j]):
            t = who[place]
            i = rows[t]
            if i == j:
                continue
            distance = _absolute(values[i], values[j]) if manhattan else _squared(values[i], values[j])
            if len(weights):
                distance *= weights[i] * weights[j]
            packed[t, number[t]] = (np.int64(_bits(distance)) << 32) | j
            number[t] += 1
        begin = times[j]
        times[j] = 0


@serial
def unpack(packed, indices, distances):
    """Sort keys of distances and row numbers, ties by row number, and keep as many as there is room; their number.

    The bits of floats that are not negative are in the order of the floats. Places that are left get -1 and infinity.
    """
    kept = min(len(packed), len(indices))
    for a in range(kept, len(indices)):
        indices[a], distances[a] = -1, np.inf
    if FEW * kept < len(packed):
        filled = 0
        for key in packed:
            filled = _keep_nearest(_distance(key), key & 0xFFFFFFFF, kept, distances, indices, filled)
        return kept
    sort(packed)
    for a in range(kept):
        indices[a] = packed[a] & 0xFFFFFFFF
        distances[a] = _distance(packed[a])
    return kept


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
