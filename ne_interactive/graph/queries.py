"""The nearest points of a table to rows that are not in it."""

import torch
from torch import Tensor

from ne_interactive.data.precomputed import Precomputed
from ne_interactive.data.table import Rows, Table
from ne_interactive.graph.distances import check_k, nearest
from ne_interactive.graph.faiss_config import FaissConfig
from ne_interactive.graph.indexed import through_lists
from ne_interactive.graph.neighbors import Neighbors, faiss_config, indexed, through_faiss
from ne_interactive.params.errors import DataError

__all__ = ["neighbors_among"]


def neighbors_among(
    table: Table,
    new: Tensor,
    k: int,
    *,
    metric: str = "euclidean",
    backend: str | FaissConfig | None = "auto",
    seed: int = 0,
) -> Neighbors:
    """Find the k points of a table that are nearest to each new row.

    Args:
        table: n points, in memory or in batches; of precomputed distances the new rows hold more.
        new: (m, d) float32; with metric="precomputed" (m, n), the distances of the new rows to the points.
        k: neighbours, at most n.
        metric: as for `find_neighbors`.
        backend: an index where the table lies in memory and `find_neighbors` would use one; exact search otherwise.
        seed: of what an index is trained on.

    Returns:
        indices (m, k) of points and their distances: those of one new row do not depend on the others.

    Raises:
        DataError: k is not in [1, n], or a distance is negative.
    """
    check_k(table.n + 1, k)
    if isinstance(table, Precomputed):
        return _read_off(new, k)
    if isinstance(table, Rows) and indexed(table.values, backend):
        indices, distances = through_lists(table.values, k, metric, new=new, seed=seed)
        return Neighbors(indices.to(new.device), distances.to(new.device), metric, False)
    config = faiss_config(backend)
    if isinstance(table, Rows) and config is not None and config.index_type != "Flat":
        return through_faiss(table.values, k, metric, config, new=new, seed=seed)
    return _in_blocks(table, new, k, metric)


def _read_off(D: Tensor, k: int) -> Neighbors:
    if bool((D < 0).any()):
        i, j = divmod(int(D.argmin()), D.shape[1])
        raise DataError(
            f"Distances to the points must not be negative; entry ({i}, {j}) is {float(D[i, j]):g}."
        )
    distances, indices = D.sort(dim=1, stable=True)
    return Neighbors(indices[:, :k].contiguous(), distances[:, :k].contiguous(), "precomputed", True)


def _in_blocks(table: Table, new: Tensor, k: int, metric: str) -> Neighbors:
    """Meet the table block by block, and keep the nearest so far; ties by index."""
    indices = torch.empty((len(new), 0), dtype=torch.int64, device=new.device)
    distances = torch.empty((len(new), 0), device=new.device)
    first = 0
    for block in table.batches():
        rows = torch.arange(len(block), len(block) + len(new), device=new.device)
        some = min(k, len(block))
        found, far = nearest(torch.cat([block, new]), some, metric, rows=rows, among=len(block))
        # Blocks come in the order of their rows: a stable sort leaves equal distances in the order of index.
        distances, order = torch.cat([distances, far], 1).sort(dim=1, stable=True)
        indices = torch.cat([indices, found + first], 1).gather(1, order)
        distances, indices = distances[:, :k], indices[:, :k]
        first += len(block)
    return Neighbors(indices.contiguous(), distances.contiguous(), metric, True)
