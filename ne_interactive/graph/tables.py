"""What a run computes from its data, whatever kind of table these are."""

import torch
from torch import Tensor

from ne_interactive.data.precomputed import Precomputed
from ne_interactive.data.streamed import Streamed
from ne_interactive.data.table import Rows, Table
from ne_interactive.graph.csr import Graph, symmetrize
from ne_interactive.graph.distances import TILE, all_distances, check_k
from ne_interactive.graph.faiss_config import FaissConfig
from ne_interactive.graph.neighbors import Neighbors, find_neighbors, rough_neighbors
from ne_interactive.graph.passes import start_in_passes
from ne_interactive.graph.projection import pca_start
from ne_interactive.graph.spectral import spectral_start
from ne_interactive.graph.streamed import find_in_passes
from ne_interactive.params.errors import DataError

__all__ = ["distances_of", "neighbors_of", "pca_start_of", "rough_neighbors_of"]

START_NEIGHBORS = 15
"""Neighbours per point in the graph from which precomputed distances start."""
SLACK = 8


def neighbors_of(
    table: Table,
    k: int,
    *,
    metric: str = "euclidean",
    backend: str | FaissConfig | None = "auto",
    seed: int = 0,
) -> Neighbors:
    """Find the k nearest other points of every point of a table.

    Rows are searched by `find_neighbors`, a stream in passes by the same metrics and backends; precomputed distances
    and neighbours are read off (``metric`` is "precomputed" in the result).

    Raises:
        DataError: k is not in [1, n - 1], or more neighbours are wanted than are precomputed.
        ParameterError: Unknown metric or backend.
        MissingPackageError: The backend's package is not installed.
    """
    if isinstance(table, Rows):
        return find_neighbors(table.values, k, metric=metric, backend=backend, seed=seed)
    check_k(table.n, k)
    if isinstance(table, Precomputed):
        return _read_off(table, k)
    if isinstance(table, Streamed):
        return find_in_passes(table, k, metric=metric, backend=backend, seed=seed)
    raise _unknown(table)


def rough_neighbors_of(table: Table, k: int, *, metric: str = "euclidean", seed: int = 0) -> Neighbors | None:
    """Find k near other points of every row quickly, as `rough_neighbors` does; None of tables that are not rows."""
    return rough_neighbors(table.values, k, metric=metric, seed=seed) if isinstance(table, Rows) else None


def pca_start_of(table: Table, c: int, *, scale: float = 1e-4, seed: int = 0) -> Tensor:
    """Start a layout (n, c) of a table, its first column with standard deviation ``scale``.

    Rows and streams start from their principal components; precomputed distances, which have none, from the spectrum
    of their neighbour graph.
    """
    if isinstance(table, Rows):
        return pca_start(table.values, c, scale=scale, seed=seed)
    if isinstance(table, Streamed):
        return start_in_passes(table, c, scale=scale, seed=seed)
    if isinstance(table, Precomputed):
        return spectral_start(_graph(table), c, scale=scale, seed=seed).to(table.device)
    raise _unknown(table)


def distances_of(table: Table, metric: str) -> Tensor:
    """Give all distances (n, n) float32 of a table, in the metric's units.

    Raises:
        DataError: The table is a stream, or knows the distances of neighbours only.
        ParameterError: Unknown metric.
    """
    if isinstance(table, Rows):
        return all_distances(table.values, metric)
    if isinstance(table, Precomputed) and table.distances is not None:
        return table.distances
    what = "comes in batches" if isinstance(table, Streamed) else "holds distances of neighbours only"
    raise DataError(
        f"This method needs the distances of all pairs of points at once, and X {what}. "
        "Pass X in memory (an array of rows, or all distances), or choose an affinity of nearest neighbours."
    )


def _read_off(table: Precomputed, k: int) -> Neighbors:
    if table.known_indices is not None and table.known_distances is not None:
        if k > table.k:
            raise DataError(
                f"{k} neighbours of every point are needed, and {table.k} are precomputed (row {table.shortest} has no "
                "more). Precompute more, or lower perplexity or n_neighbors."
            )
        return Neighbors(table.known_indices[:, :k], table.known_distances[:, :k], "precomputed", True)
    D = table.distances
    assert D is not None
    n = table.n
    parts = [_nearest(D[low:high], low, k) for low, high in _blocks(n)]
    indices, distances = (torch.cat(part) for part in zip(*parts, strict=True))
    return Neighbors(indices, distances, "precomputed", True)


def _blocks(n: int) -> list[tuple[int, int]]:
    step = max(1, TILE // n)
    return [(low, min(n, low + step)) for low in range(0, n, step)]


def _nearest(block: Tensor, first: int, k: int) -> tuple[Tensor, Tensor]:
    """Give the k smallest entries of rows ``first`` and on, ascending, ties by index, the diagonal left out."""
    block = block.clone()
    own = torch.arange(len(block), device=block.device)
    block[own, own + first] = torch.inf
    m = min(k + SLACK, block.shape[1] - 1)
    least, places = block.topk(m, dim=1, largest=False)
    places = places.sort(dim=1).values
    distances, order = block.gather(1, places).sort(dim=1, stable=True)
    indices, distances = places.gather(1, order)[:, :k], distances[:, :k].contiguous()
    tied = least[:, -1] <= distances[:, -1]  # more may be as near as the last
    if m < block.shape[1] - 1 and bool(tied.any()):
        every, order = block[tied].sort(dim=1, stable=True)
        indices[tied], distances[tied] = order[:, :k], every[:, :k]
    return indices, distances


def _graph(table: Precomputed) -> Graph:
    """Weigh each point's neighbours by exp(-distance / the mean distance of its neighbours)."""
    found = _read_off(table, min(START_NEIGHBORS, table.k))
    size = found.distances.mean(1, keepdim=True)
    return symmetrize(found.indices, torch.exp(-found.distances / torch.where(size > 0, size, 1.0)))


def _unknown(table: Table) -> DataError:
    return DataError(
        f"A {type(table).__name__} table can neither be searched nor started from. Pass rows of numbers."
    )
