"""The edges of a graph in an order that caches like."""

from __future__ import annotations

import numpy as np
import torch
from numba import prange
from torch import Tensor

from ne_interactive.graph.parallel import NEXT, parallel, serial

__all__ = ["SPARE", "Edges"]

SPARE = 8  # entries that may be read behind the last: whole vectors begin at any


class Edges:
    """The stored entries of a symmetric graph, its points renumbered so that neighbours have near numbers.

    Places are numbered breadth first from neighbour to neighbour (as Cuthill and McKee do,
    doi:10.1145/800195.805928): what an edge reads then mostly lies in the cache.

    Attributes:
        order: (n,) int64, the point at each place.
        indptr: (n + 1,) int64, where each place's entries begin.
        ends: (nnz + SPARE,) int32, the places that these lead to, in the order of the point's neighbours; then zeros.
    """

    def __init__(self, indptr: Tensor, indices: Tensor) -> None:
        self._begins = indptr.numpy().view(np.uint64)
        neighbors, place = indices.numpy().view(np.uint32), np.full(len(indptr) - 1, -1, np.int32)
        self.order = torch.empty(len(place), dtype=torch.int64)
        _walk(self._begins, neighbors, place, self.order.numpy().view(np.uint64))
        self.indptr = torch.zeros_like(indptr)
        torch.cumsum(torch.diff(indptr)[self.order], 0, out=self.indptr[1:])
        self.ends = indices.new_zeros(len(indices) + SPARE)
        _renumber(self._begins, neighbors, place, *self.arrays())
        self._shares: dict[int, np.ndarray] = {}

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Order, indptr and ends for compiled loops, as unsigned numbers (see `parallel`)."""
        return (
            self.order.numpy().view(np.uint64),
            self.indptr.numpy().view(np.uint64),
            self.ends.numpy().view(np.uint32),
        )

    def placed(self, values: Tensor) -> Tensor:
        """The graph's values (nnz,) float32 in the order of `ends`, and then zeros: (nnz + SPARE,)."""
        found = values.new_zeros(len(values) + SPARE)
        order, indptr, _ = self.arrays()
        _place(self._begins, values.numpy(), order, indptr, found.numpy())
        return found

    def gathered(self, Z: np.ndarray) -> np.ndarray:
        """Positions (n, ...) of the points, as they stand at the places."""
        found = np.empty_like(Z)
        _gather(self.order.numpy().view(np.uint64), Z, found)
        return found

    def shares(self, count: int) -> np.ndarray:
        """Cut the places into ranges with about as many entries each: (count + 1,) uint64 borders, 0 and n included."""
        if count not in self._shares:
            ends = self.indptr.numpy()[1:]
            wanted = np.arange(1, count) * len(self.ends) // count
            found = np.r_[0, np.searchsorted(ends, wanted, side="right"), len(ends)]
            self._shares[count] = found.astype(np.uint64)
        return self._shares[count]

    def tensors(self) -> list[Tensor]:
        """What it holds in memory."""
        return [self.order, self.indptr, self.ends]


@serial
def _walk(indptr, indices, place, order):
    found, seed = 0, 0
    for head in range(len(order)):
        if head == found:  # a part of the graph is done: on to the first point of another
            while place[seed] >= 0:
                seed += 1
            order[found], place[seed] = seed, found
            found += 1
        i = order[head]
        for e in range(indptr[i], indptr[i + NEXT]):
            j = indices[e]
            if place[j] < 0:
                order[found], place[j] = j, found
                found += 1


@parallel
def _renumber(begins, indices, place, order, indptr, ends):
    for p in prange(len(order)):
        start, begin = indptr[p], begins[order[p]]
        for e in range(indptr[p + 1] - start):
            ends[start + e] = place[indices[begin + e]]


@parallel
def _place(begins, values, order, indptr, placed):
    for p in prange(len(order)):
        start, begin = indptr[p], begins[order[p]]
        for e in range(indptr[p + 1] - start):
            placed[start + e] = values[begin + e]


@parallel
def _gather(order, Z, found):
    for p in prange(len(order)):
        found[p] = Z[order[p]]
