"""One graph fades into another: both over the edges of either, with weights in between."""

import numba
import numpy as np
import torch

from ne_interactive.graph.csr import Graph
from ne_interactive.graph.parallel import parallel

__all__ = ["Blend"]


class Blend:
    """The graphs between two of the same n points on the same device."""

    def __init__(self, before: Graph, after: Graph) -> None:
        old = [part.cpu().numpy() for part in (before.indptr, before.indices, before.values)]
        new = [part.cpu().numpy() for part in (after.indptr, after.indices, after.values)]
        counts = np.zeros(after.n + 1, np.int64)
        _count(old[0], old[1], new[0], new[1], counts)
        indptr = np.cumsum(counts)
        indices = np.empty(indptr[-1], np.int32)
        values = np.empty((2, indptr[-1]), np.float32)
        _union(*old, *new, indptr, indices, values)
        parts = (torch.from_numpy(part).to(after.values.device) for part in (indptr, indices, values))
        indptr, indices, (self._old, self._new) = parts
        self._union = Graph(indptr, indices, self._new)

    def tensors(self) -> list[torch.Tensor]:
        """What it holds in memory."""
        return [*self._union.tensors(), self._old]

    def at(self, share: float) -> Graph:
        """Give the graph of which a share in [0, 1] is still the one before."""
        return self._union.weighing(torch.lerp(self._new, self._old, share))


@parallel
def _count(old_indptr, old_indices, new_indptr, new_indices, counts):
    """Count the distinct neighbours of each point."""
    for i in numba.prange(len(counts) - 1):
        a, b, total = old_indptr[i], new_indptr[i], 0
        while a < old_indptr[i + 1] or b < new_indptr[i + 1]:
            first = a < old_indptr[i + 1] and (b == new_indptr[i + 1] or old_indices[a] <= new_indices[b])
            second = b < new_indptr[i + 1] and (a == old_indptr[i + 1] or new_indices[b] <= old_indices[a])
            a, b, total = a + first, b + second, total + 1
        counts[i + 1] = total


@parallel
def _union(old_indptr, old_indices, old_values, new_indptr, new_indices, new_values, indptr, indices, values):
    for i in numba.prange(len(indptr) - 1):
        a, b = old_indptr[i], new_indptr[i]
        for e in range(indptr[i], indptr[i + 1]):
            first = a < old_indptr[i + 1] and (b == new_indptr[i + 1] or old_indices[a] <= new_indices[b])
            second = b < new_indptr[i + 1] and (a == old_indptr[i + 1] or new_indices[b] <= old_indices[a])
            indices[e] = old_indices[a] if first else new_indices[b]
            values[0, e] = old_values[a] if first else np.float32(0)
            values[1, e] = new_values[b] if second else np.float32(0)
            a, b = a + first, b + second
