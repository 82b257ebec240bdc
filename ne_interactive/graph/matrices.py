"""Matrices as graphs, and back."""

from typing import Any

import numpy as np
import torch
from scipy import sparse

from ne_interactive.graph.csr import Graph
from ne_interactive.params.errors import DataError, ParameterError

__all__ = ["dense_of_graph", "graph_of_dense", "graph_of_matrix", "is_matrix"]

BLOCK = 2**24
"""Entries of the largest temporary."""


def graph_of_dense(P: torch.Tensor, *, drop: float = 0.0) -> Graph:
    """Turn a dense matrix of weights into a graph on the same device, values unchanged.

    Args:
        P: (n, n) weights. One that is not symmetric is replaced by the mean of itself and its transpose.
        drop: entries up to this value are left out, as is the diagonal.

    Raises:
        DataError: P is not square.
    """
    if P.ndim != 2 or P.shape[0] != P.shape[1]:
        raise DataError(f"A matrix of weights must be square, (n, n); got shape {tuple(P.shape)}.")
    n = P.shape[0]
    P = P.detach()
    counts, columns, values = [], [], []
    for start in range(0, n, max(1, BLOCK // max(1, n))):
        stop = min(n, start + max(1, BLOCK // n))
        block = ((P[start:stop] + P[:, start:stop].T) / 2).to(torch.float32)
        kept = block > drop
        kept[torch.arange(stop - start), torch.arange(start, stop)] = False
        counts.append(kept.sum(1))
        columns.append(kept.nonzero()[:, 1].to(torch.int32))
        values.append(block[kept])
    indptr = torch.zeros(n + 1, dtype=torch.int64, device=P.device)
    if n == 0:
        return Graph(indptr, indptr[:0].to(torch.int32), indptr[:0].to(torch.float32))
    indptr[1:] = torch.cat(counts).cumsum(0)
    return Graph(indptr, torch.cat(columns), torch.cat(values))


def dense_of_graph(graph: Graph) -> torch.Tensor:
    """Give the (n, n) float32 matrix of a graph, on its device."""
    n = graph.n
    P = torch.zeros(n, n, dtype=torch.float32, device=graph.values.device)
    rows = torch.repeat_interleave(torch.arange(n, device=P.device), graph.indptr.diff())
    P[rows, graph.indices.long()] = graph.values
    return P


def is_matrix(A: Any) -> bool:
    """Whether A is a table with two dimensions: NumPy, torch, SciPy sparse, a DataFrame or a nested list."""
    if sparse.issparse(A) or isinstance(A, (np.ndarray, torch.Tensor)) or hasattr(A, "to_numpy"):
        return len(A.shape) == 2
    return isinstance(A, (list, tuple)) and len(A) > 0 and isinstance(A[0], (list, tuple, np.ndarray))


def graph_of_matrix(A: Any, n: int, owner: str = "affinity_in") -> Graph:
    """Turn a user's matrix of affinities into P: the mean of both directions, without the diagonal, with sum 1.

    Args:
        A: (n, n) weights >= 0: a NumPy array, a torch tensor (dense or sparse, any device), a DataFrame or a SciPy
            sparse matrix, which is never made dense. Entries stored twice are added up.
        n: number of points.
        owner: the parameter to name in an error.

    Returns:
        The graph, on the CPU, or on the device of a tensor.

    Raises:
        ParameterError: A is no matrix of real numbers.
        DataError: It is not (n, n), holds NaN, infinite or negative entries, or nothing beside its diagonal.
    """
    if not is_matrix(A):
        raise ParameterError(f"{owner} must be a matrix (n, n); got {type(A).__name__}.")
    device = A.device if isinstance(A, torch.Tensor) else torch.device("cpu")
    if tuple(A.shape if hasattr(A, "shape") else np.shape(A)) != (n, n):
        shape = tuple(A.shape if hasattr(A, "shape") else np.shape(A))
        raise DataError(f"{owner} must have one row and one column for each of the {n} points; got {shape}.")
    whole = _as_csr(A, owner)
    _check_weights(whole, owner)
    both = sparse.csr_array(whole + whole.T)
    rows = np.repeat(np.arange(n), np.diff(both.indptr))
    both.data[rows == both.indices] = 0
    both.eliminate_zeros()
    both.sort_indices()
    total = both.data.sum()
    if not total > 0:
        raise DataError(f"{owner} must hold a weight above 0 beside its diagonal; every one is 0.")
    parts = (
        both.indptr.astype(np.int64),
        both.indices.astype(np.int32),
        (both.data / total).astype(np.float32),
    )
    return Graph(*(torch.from_numpy(part).to(device) for part in parts))


def _as_csr(A: Any, owner: str) -> sparse.csr_array:
    """Give a float64 copy in compressed rows."""
    if isinstance(A, torch.Tensor):
        A = A.detach().cpu()
        if A.layout != torch.strided:
            A = A.to_sparse_coo().coalesce()
            A = sparse.coo_array((A.values().double().numpy(), A.indices().numpy()), shape=tuple(A.shape))
        else:
            A = (A.double() if not A.is_complex() else A).numpy()
    if not sparse.issparse(A):
        A = np.asarray(A.to_numpy() if hasattr(A, "to_numpy") else A)
    if A.dtype.kind not in "biuf":
        raise ParameterError(f"{owner} must hold real numbers; got {A.dtype}.")
    whole = sparse.csr_array(A, dtype=np.float64, copy=True)
    whole.sum_duplicates()
    return whole


def _check_weights(whole: sparse.csr_array, owner: str) -> None:
    if not np.isfinite(whole.data).all():
        raise DataError(
            f"{owner} must hold finite weights; {np.sum(~np.isfinite(whole.data))} are NaN or infinite."
        )
    if whole.data.size and whole.data.min() < 0:
        raise DataError(f"{owner} must hold weights >= 0; the least is {whole.data.min():g}.")
