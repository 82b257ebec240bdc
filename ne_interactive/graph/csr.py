"""The neighbour graph: a symmetric sparse matrix in compressed rows."""

import functools
import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np
import torch

from ne_interactive.graph.edges import Edges
from ne_interactive.graph.parallel import parallel, serial
from ne_interactive.graph.sorting import sort
from ne_interactive.params.errors import DataError, ParameterError

__all__ = ["Graph", "counted", "place_of", "symmetrize"]

SLICES = 64  # of the rows, each with room of its own to sort in
MOST_PARTS = 8  # into which rows are cut for threads that keep counts of all points


@dataclass(frozen=True)
class Graph:
    """A symmetric weighted graph of n points without loops.

    ``indptr`` (n + 1,) int64, ``indices`` (nnz,) int32 and ``values`` (nnz,) float32: the neighbours of point i are
    ``indices[indptr[i]:indptr[i + 1]]``, ascending. Every edge is stored in both directions.
    """

    indptr: torch.Tensor
    indices: torch.Tensor
    values: torch.Tensor

    @property
    def n(self) -> int:
        """Number of points."""
        return self.indptr.shape[0] - 1

    @property
    def nnz(self) -> int:
        """Stored entries: twice the number of edges."""
        return self.indices.shape[0]

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Indptr, indices and values for compiled loops, on the CPU; indices as unsigned numbers (see `parallel`)."""
        return self.indptr.numpy().view(np.uint64), self.indices.numpy().view(np.uint32), self.values.numpy()

    @functools.cached_property
    def rows(self) -> torch.Tensor:
        """Give the point that each stored entry starts from: (nnz,) int64."""
        return torch.repeat_interleave(
            torch.diff(self.indptr), output_size=self.nnz
        )  # else a device is asked

    @functools.cached_property
    def degrees(self) -> torch.Tensor:
        """Give the sum of every point's values, (n,) float64."""
        sums = torch.zeros(self.nnz + 1, dtype=torch.float64, device=self.values.device)
        torch.cumsum(self.values.double(), 0, out=sums[1:])
        return torch.diff(sums[self.indptr])

    @property
    def edges(self) -> Edges:
        """Give the edges in an order that caches like; on the CPU only."""
        if not self._listed:
            self._listed.append(Edges(self.indptr, self.indices))
        return self._listed[0]

    @property
    def is_listed(self) -> bool:
        """Whether the edges have been asked for."""
        return bool(self._listed)

    def list_beside_digest(self) -> None:
        """List the edges now, with their weights, and take the digest on another core meanwhile."""
        with ThreadPoolExecutor(1) as other:
            digest = other.submit(self.digest)
            _ = self.weights
            digest.result()

    @functools.cached_property
    def _listed(self) -> list[Edges]:
        """The edges once they have been asked for, by this graph or one of other weights."""
        return []

    @functools.cached_property
    def weights(self) -> torch.Tensor:
        """Give the values in the order of `edges`, (nnz + SPARE,) float32."""
        return self.edges.placed(self.values)

    def weighing(self, values: torch.Tensor) -> "Graph":
        """Give the graph with the same edges and other weights (nnz,), which share what lists their edges."""
        other = Graph(self.indptr, self.indices, values)
        other.__dict__["_listed"] = self._listed  # where cached properties keep what they have found
        return other

    def tensors(self) -> list[torch.Tensor]:
        """What it holds in memory, the listed edges included."""
        listed = [part for edges in self._listed for part in edges.tensors()]
        weights = [self.weights] if "weights" in self.__dict__ else []
        return [self.indptr, self.indices, self.values, *listed, *weights]

    def to(self, device: torch.device | str) -> "Graph":
        """Give the graph on a device."""
        return Graph(self.indptr.to(device), self.indices.to(device), self.values.to(device))

    def digest(self) -> str:
        """Give the first half of the hex SHA-256 digest of everything stored: equal graphs, equal digest."""
        return self._digest

    @functools.cached_property
    def _digest(self) -> str:
        digest = hashlib.sha256()  # processors have instructions for it: a third of the time of BLAKE2b
        for part in (self.indptr, self.indices, self.values):
            digest.update(np.ascontiguousarray(part.cpu().numpy()).data.cast("B"))
        return digest.hexdigest()[:32]


def symmetrize(indices: torch.Tensor, values: torch.Tensor, how: str = "mean") -> Graph:
    """Make one undirected graph of every point's own weights.

    Args:
        indices: (n, k) neighbours. A point's own index, and entries of weight 0, are passed over.
        values: (n, k) weights P, each row's in the order of ``indices``.
        how: "mean" gives (P + P^T) / 2, scaled so that everything stored sums to 1 (t-SNE); "union" gives
            P + P^T - P * P^T entry by entry (UMAP).

    Raises:
        ParameterError: Another ``how``.
        DataError: Shapes differ, an index is outside [0, n), or there are 2**31 points or more.
    """
    if how not in ("mean", "union"):
        raise ParameterError(f'how must be "mean" or "union"; got {how!r}.')
    if indices.shape != values.shape or indices.ndim != 2:
        raise DataError(
            f"indices and values must have one shape (n, k); got {tuple(indices.shape)} and {tuple(values.shape)}."
        )
    n = indices.shape[0]
    if n >= 2**31:
        raise DataError(f"A graph has fewer than 2**31 points; got {n}.")
    out_columns, out_values, kept = _sorted_rows(indices.cpu().long(), values.detach().cpu().float())
    in_indptr, in_rows, in_values = _transposed(out_columns, out_values, kept)
    union = how == "union"
    counts = np.zeros(n + 1, np.int64)
    _count(out_columns, kept, in_indptr, in_rows, counts)
    indptr = np.cumsum(counts)
    merged, weights = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
    _merge(out_columns, out_values, kept, in_indptr, in_rows, in_values, union, indptr, merged, weights)
    if not union:
        total = weights.sum(dtype=np.float64)
        weights *= np.float32(1 / total if total > 0 else 0)
    return Graph(*(torch.from_numpy(part).to(indices.device) for part in (indptr, merged, weights)))


def counted(indices: torch.Tensor) -> Graph:
    """Count pairs: every point's partners (n, m) become a graph whose weights are how often each pair is named.

    A sum over the named pairs of a symmetric function is half the weighted sum over stored entries.
    """
    mean = symmetrize(indices, torch.ones(indices.shape, device=indices.device), "mean")
    counts = mean.values.double() * (2 * indices.numel())
    return Graph(mean.indptr, mean.indices, counts.round().float())


@serial
def place_of(indices, low, high, j):
    """Where among the ascending indices[low:high] the first stands that is not below j."""
    while low < high:
        middle = (low + high) // 2
        if indices[middle] < j:
            low = middle + 1
        else:
            high = middle
    return low


def _sorted_rows(columns: torch.Tensor, P: torch.Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = len(columns)
    out_columns, out_values = np.empty(columns.shape, np.int32), np.empty(P.shape, np.float32)
    kept, ends = np.zeros(n, np.int64), np.zeros((min(n, SLICES), 2), np.int64)
    _sort_rows(*_rows(columns), *_rows(P), out_columns, out_values, kept, ends)
    low, high = (int(ends[:, 0].min()), int(ends[:, 1].max())) if n else (0, -1)
    if low < 0 or high >= n:
        raise DataError(f"Neighbour indices must lie in [0, {n}); got {low} to {high}.")
    return out_columns, out_values, kept


def _rows(table: torch.Tensor) -> tuple[np.ndarray, int]:
    """Rows (n, k), which may be the first entries of longer ones, as one stretch, and how far it is to the next."""
    table = table if table.stride(1) == 1 else table.contiguous()
    n, k = table.shape
    step = table.stride(0)
    return table.as_strided(((n - 1) * step + k if table.numel() else 0,), (1,)).numpy(), step


@parallel
def _sort_rows(columns, step, P, step_P, out_columns, out_values, kept, ends):
    """Sort each row by column, add up repeated columns, drop loops and zeros; the least and largest column."""
    n, k = out_columns.shape
    slices = len(ends)
    for s in numba.prange(slices):
        keys, low, high = np.empty(k, np.int64), np.int64(0), np.int64(0)
        for i in range(s * n // slices, (s + 1) * n // slices):
            row, weights = columns[i * step : i * step + k], P[i * step_P : i * step_P + k]
            count = 0
            for a in range(k):
                low, high = min(low, row[a]), max(high, row[a])
                if row[a] != i and weights[a] != 0:
                    keys[count] = (row[a] << 32) | a
                    count += 1
            sort(keys[:count])
            place = -1
            for key in keys[:count]:
                j, p = key >> 32, weights[key & 0xFFFFFFFF]
                if place >= 0 and out_columns[i, place] == j:
                    out_values[i, place] += p
                    continue
                place += 1
                out_columns[i, place] = j
                out_values[i, place] = p
            kept[i] = place + 1
        ends[s, 0], ends[s, 1] = low, high


def _transposed(out_columns: np.ndarray, out_values: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, ...]:
    """Gather for every point who points at it, ascending: a counting sort, each thread with rows of its own."""
    n, parts = len(kept), min(numba.get_num_threads(), MOST_PARTS)
    fill = np.zeros((parts, n), np.int64)
    _arrivals(out_columns, kept, fill)
    indptr = np.zeros(n + 1, np.int64)
    fill.sum(0).cumsum(out=indptr[1:])
    rows, values = np.empty(indptr[n], np.int32), np.empty(indptr[n], np.float32)
    _arrive(out_columns, out_values, kept, indptr, fill, rows, values)
    return indptr, rows, values


@parallel
def _arrivals(out_columns, kept, counts):
    n, parts = len(kept), len(counts)
    for s in numba.prange(parts):
        count = counts[s]
        for i in range(s * n // parts, (s + 1) * n // parts):
            for a in range(kept[i]):
                count[out_columns[i, a]] += 1


@parallel
def _arrive(out_columns, out_values, kept, indptr, fill, rows, values):
    n, parts = len(kept), len(fill)
    for j in numba.prange(n):  # from how many come to where they go: earlier rows' first
        place = indptr[j]
        for s in range(parts):
            count = fill[s, j]
            fill[s, j] = place
            place += count
    for s in numba.prange(parts):
        at = fill[s]
        for i in range(s * n // parts, (s + 1) * n // parts):
            for a in range(kept[i]):
                place = at[out_columns[i, a]]
                at[out_columns[i, a]] += 1
                rows[place], values[place] = i, out_values[i, a]


@parallel
def _count(out_columns, kept, in_indptr, in_rows, counts):
    """Count each row's distinct columns, those it points at and those that point at it."""
    for i in numba.prange(kept.shape[0]):
        a, b, end, total = 0, in_indptr[i], in_indptr[i + 1], 0
        while a < kept[i] or b < end:
            if b == end or (a < kept[i] and out_columns[i, a] < in_rows[b]):
                a += 1
            elif a == kept[i] or in_rows[b] < out_columns[i, a]:
                b += 1
            else:
                a += 1
                b += 1
            total += 1
        counts[i + 1] = total


@parallel
def _merge(out_columns, out_values, kept, in_indptr, in_rows, in_values, union, indptr, indices, weights):
    zero = np.float32(0)
    for i in numba.prange(kept.shape[0]):
        a, b, end, e = 0, in_indptr[i], in_indptr[i + 1], indptr[i]
        while a < kept[i] or b < end:
            p, q = zero, zero
            if b == end or (a < kept[i] and out_columns[i, a] <= in_rows[b]):
                indices[e] = out_columns[i, a]
                p = out_values[i, a]
                if b < end and in_rows[b] == out_columns[i, a]:
                    q = in_values[b]
                    b += 1
                a += 1
            else:
                indices[e] = in_rows[b]
                q = in_values[b]
                b += 1
            weights[e] = p + q - p * q if union else (p + q) / 2
            e += 1
