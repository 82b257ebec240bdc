"""Searching inverted lists group by group: near queries go through the same lists while these are in the cache.

Every list is read once for all queries of a group that look through it, half the squared distances are products of
residuals, which vectorise, and the worst candidates are dropped by counting, not sorting. What is left is ordered by
exact distances in the full space at once.
"""

import itertools

import numba
import numpy as np
import torch
from torch import Tensor

from ne_interactive.graph.lists import LEAST_VISITED, Lists, in_order, nearest_centre, probe_lists, wide
from ne_interactive.graph.metrics import Flat
from ne_interactive.graph.parallel import parallel, serial
from ne_interactive.graph.products import TOGETHER, half_squares
from ne_interactive.graph.progress import report
from ne_interactive.graph.rerank import rank_group, unpack

__all__ = ["search_lists"]

BLOCK = 256
"""Points of a list that stay in the innermost cache while all queries that look through it meet them."""
STRIP = 32
"""Points whose distances are compared with the worst candidate at once."""
GROUP = 256
"""Most queries that go through the lists together."""
AROUND = 4
"""The lists a query looks through are chosen among so many times as many, those around its own list."""
SPARE = 32
"""Candidates beyond those asked for, of which the least distances cannot be told apart cheaply."""
ROOM = 4
"""Candidates kept beside each one wanted, before the worst are dropped."""
BINS = 256
PARTS = 16
"""How often a search tells how far it has come."""


def search_lists(
    lists: Lists,
    m: int,
    probes: int,
    k: int,
    flat: Flat,
    *,
    queries: Tensor,
    rows: Tensor | None = None,
    visited: int = LEAST_VISITED,
) -> tuple[Tensor, Tensor, Tensor]:
    """Find every query's m likely nearest points in the lists, and of these the k nearest in the full space.

    Args:
        lists: points (n, s).
        m: candidates; up to `SPARE` more are taken where they are about as near as the last.
        probes: lists that each query looks through at least.
        k: neighbours; at most m.
        flat: rows in float32 on the CPU prepared for the metric, of which the first n are the points.
        queries: (q, s) as the lists see them; the points in their order where ``rows`` is None.
        rows: (q,) the queries' own rows in flat, which are no neighbours of theirs.
        visited: points that a query meets at least, on average.

    Returns:
        indices (q, k) int64, -1 where there are too few, plain distances (q, k) float32, ascending, ties by index, and
        found (q,): how many places of a row are filled.
    """
    n, count = len(lists.own), len(lists.centres)
    probes = probe_lists(m, probes, count, n, visited)
    own = lists.own if rows is None else nearest_centre(queries, lists.mean, lists.centres).numpy()
    rows = torch.arange(n) if rows is None else rows
    order = in_order(own)
    around = _around(lists.centres, min(count, AROUND * probes)).numpy()
    asked, centres = wide(queries - lists.mean).numpy(), wide(lists.centres).numpy()
    q = len(queries)
    indices, distances = np.empty((q, k), np.int64), np.empty((q, k), np.float32)
    found = np.zeros(q, np.int64)
    weights = np.empty(0, np.float32) if flat.weights is None else flat.weights.numpy()
    ranking = flat.values.numpy(), weights, flat.manhattan, rows.numpy(), indices, distances
    layout = lists.starts, lists.ids, lists.residuals, lists.halves
    threads = numba.get_num_threads()
    groups = _groups(own[order])
    step = max(1, -(-(len(groups) - 1) // PARTS))
    for first in range(0, len(groups) - 1, step):
        report("finding neighbours", first / (len(groups) - 1))
        part = groups[first : first + step + 1]
        _search(layout, centres, around, asked, own, order, part, threads, ranking, m, probes, k, found)
    return torch.from_numpy(indices), torch.from_numpy(distances), torch.from_numpy(found)


def _around(centres: Tensor, count: int) -> Tensor:
    """Each centre's nearest ones, itself first: (l, count) int64, ascending."""
    squares, parts = centres.square().sum(1), []
    for first in range(0, len(centres), 1024):
        some = centres[first : first + 1024]
        squared = squares - 2 * some @ centres.T
        own = torch.arange(len(some))
        squared[own, own + first] = -torch.inf
        parts.append(squared.topk(count, dim=1, largest=False).indices)
    return torch.cat(parts)


def _groups(lists: np.ndarray) -> np.ndarray:
    """Borders of groups of at most `GROUP` queries of one list, of which the sorted numbers are given."""
    borders = np.flatnonzero(np.diff(lists, prepend=-1, append=-1))
    cut = [np.arange(a, b, GROUP) for a, b in itertools.pairwise(borders)]
    return np.r_[np.concatenate(cut), len(lists)] if cut else np.zeros(1, np.int64)


@serial
def _taken(scores, ids, cut, keys, kept, n):
    """Append the points of a strip whose score is below the cut; their new number."""
    # Counted, which vectorises, as the least score would not. Unsigned: signed numbers could count from the end.
    size, below = np.uint64(len(scores)), np.int32(0)
    for j in range(size):
        below += np.int32(scores[j] < cut)
    if below == 0:
        return n
    place = np.uint64(n)
    for j in range(size):
        keys[place], kept[place] = scores[j], ids[j]
        place += np.uint64(scores[j] < cut)
    return n + below


@serial
def _kept(scores, ids, cut, keys, kept, n, m, counts):
    """Take from a block the points below the cut, and where there are too many drop the worst; number and cut."""
    for a in range(0, len(scores), STRIP):
        b = min(a + STRIP, len(scores))
        n = _taken(scores[a:b], ids[a:b], cut, keys, kept, n)
        if n > len(keys) - STRIP:
            n, cut = _least(keys, kept, n, m, m + STRIP, counts)
    return n, cut


@serial
def _least(keys, ids, n, m, most, counts):
    """Keep the m least of n keys, and up to ``most`` in all where they are not far above; their number and a cut."""
    if n <= m:
        return n, np.float32(np.inf)
    low, high = keys[0], keys[0]
    for a in range(n):
        low, high = min(low, keys[a]), max(high, keys[a])
    for _ in range(8):
        scale = np.float32(BINS) / (high - low) if high > low else np.float32(0)
        counts[:] = 0
        for a in range(n):
            if keys[a] <= high:
                counts[min(max(np.int64((keys[a] - low) * scale), 0), BINS - 1)] += 1
        total, b = 0, 0
        while total + counts[b] < m:
            total += counts[b]
            b += 1
        above = low + np.float32(b + 1) / scale if scale > 0 else high
        if total + counts[b] <= most or not above < high:
            high = min(above, high)
            break
        high = above
    kept = 0
    for a in range(n):
        key = keys[a]
        keys[kept], ids[kept] = key, ids[a]  # without a branch, which would be guessed wrong every other time
        kept += key <= high
    return min(kept, most), high


@parallel
def _search(layout, centres, around, asked, own, order, groups, threads, ranking, m, probes, k, found):
    starts, ids, residuals, halves = layout
    values, weights, manhattan, rows, indices, distances = ranking
    width, reach = centres.shape[1], around.shape[1]
    room, most = ROOM * m + 2 * STRIP, m + SPARE
    for s in numba.prange(threads):
        far, limit = np.empty((GROUP, reach), np.float32), np.empty(GROUP, np.float32)
        keys, kept = np.empty((GROUP, room), np.float32), np.empty((GROUP, room), np.int32)
        number, cut = np.zeros(GROUP, np.int64), np.empty(GROUP, np.float32)
        u, bases = np.zeros((GROUP + TOGETHER, width), np.float32), np.zeros(GROUP + TOGETHER, np.float32)
        scores = np.empty((TOGETHER, BLOCK), np.float32)
        counts, some = np.empty(BINS, np.int64), np.empty(GROUP, np.int64)
        times, pairs = np.zeros(len(values), np.int32), np.empty((2, GROUP * most), np.int32)
        packed = np.empty((GROUP, most), np.int64)
        for g in range(s * (len(groups) - 1) // threads, (s + 1) * (len(groups) - 1) // threads):
            members = order[groups[g] : groups[g + 1]]
            near = around[own[members[0]]]
            for t in range(len(members)):
                limit[t] = _nearest_lists(asked[members[t]], centres, near, probes, far[t])
            number[:], cut[:] = 0, np.inf
            for r in range(reach):
                wanting = 0
                for t in range(len(members)):
                    if far[t, r] <= limit[t]:
                        some[wanting] = t
                        wanting += 1
                list_ = near[r]
                start, end = starts[list_], starts[list_ + 1]
                points, lengths = residuals[width * start : width * end], halves[start:end]
                for w in range(wanting):
                    bases[w] = far[some[w], r]
                    for d in range(width):
                        u[w, d] = asked[members[some[w]], d] - centres[list_, d]
                for a in range(0, end - start, BLOCK):
                    size = min(BLOCK, end - start - a)
                    numbers = ids[start + a : start + a + size]
                    for w in range(0, wanting, TOGETHER):  # the last ones with rows that nobody asks for
                        half_squares(points, lengths, a, u, w, bases, scores, size)
                        for h in range(min(TOGETHER, wanting - w)):
                            t = some[w + h]
                            number[t], cut[t] = _kept(
                                scores[h, :size], numbers, cut[t], keys[t], kept[t], number[t], m, counts
                            )
            for t in range(len(members)):
                number[t], _ = _least(keys[t], kept[t], number[t], m, most, counts)
            own_rows = rows[members]
            rank_group(values, weights, manhattan, own_rows, kept, number, times, pairs, packed)
            for t in range(len(members)):
                found[members[t]] = unpack(packed[t, : number[t]], indices[members[t]], distances[members[t]])


@serial
def _nearest_lists(query, centres, near, probes, far):
    """Half the squared distances of a query from the centres of lists, and the one within which ``probes`` lie."""
    best = np.full(probes, np.inf, np.float32)
    for r in range(len(near)):
        total = np.float32(0)
        for d in range(len(query)):
            t = query[d] - centres[near[r], d]
            total += t * t
        total /= 2
        far[r] = total
        if total < best[probes - 1]:
            place = probes - 1
            while place > 0 and best[place - 1] > total:
                best[place] = best[place - 1]
                place -= 1
            best[place] = total
    return best[probes - 1]
