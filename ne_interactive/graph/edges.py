"""Each edge of a graph once, in an order that caches like."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ne_interactive.graph.parallel import serial

__all__ = ["Edges"]


class Edges:
    """The edges of a symmetric graph, each once, its points renumbered so that neighbours have near numbers.

    Places are numbered breadth first from neighbour to neighbour (as Cuthill and McKee do,
    doi:10.1145/800195.805928): what an edge reads then mostly lies in the cache.

    Attributes:
        order: (n,) int64, the point at each place.
        indptr: (n + 1,) int64, where each place's edges to later places begin.
        ends: (m,) int32, the places that these lead to.
        source: (m,) int64, where among the graph's stored entries each edge is.
    """

    def __init__(self, indptr: Tensor, indices: Tensor) -> None:
        n, room = len(indptr) - 1, len(indices) + 1
        self.order = torch.empty(n, dtype=torch.int64)
        self.indptr = torch.zeros(n + 1, dtype=torch.int64)
        ends, source = torch.empty(room, dtype=torch.int32), torch.empty(room, dtype=torch.int64)
        made = self.order.numpy(), self.indptr.numpy(), ends.numpy(), source.numpy()
        _walk(indptr.numpy(), indices.numpy(), np.full(n, -1, np.int32), *made)
        m = int(self.indptr[-1])
        self.ends, self.source = ends[:m], source[:m]  # memory that was never written takes no room
        self._shares: dict[int, np.ndarray] = {}

    def shares(self, count: int) -> np.ndarray:
        """Cut the places into ranges with about as many edges each: (count + 1,) int64 borders, 0 and n among them."""
        if count not in self._shares:
            ends = self.indptr.numpy()[1:]
            wanted = np.arange(1, count) * self.ends.shape[0] // count
            self._shares[count] = np.r_[0, np.searchsorted(ends, wanted, side="right"), len(ends)]
        return self._shares[count]

    def tensors(self) -> list[Tensor]:
        """What it holds in memory."""
        return [self.order, self.indptr, self.ends, self.source]


@serial
def _walk(indptr, indices, place, order, begins, ends, source):
    found, seed, at = 0, 0, 0
    for head in range(len(order)):
        if head == found:  # a part of the graph is done: on to the first point of another
            while place[seed] >= 0:
                seed += 1
            order[found], place[seed] = seed, found
            found += 1
        i = order[head]
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            if place[j] < 0:
                order[found], place[j] = j, found
                found += 1
            ends[at], source[at] = place[j], e  # all around this point have places now
            at += place[j] > head
        begins[head + 1] = at
