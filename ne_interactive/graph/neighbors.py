"""The k nearest neighbours of every point: exact for small data, re-ranked candidates for large."""

import warnings
from dataclasses import dataclass

import torch

from ne_interactive.graph import faiss_index
from ne_interactive.graph.distances import check_k, flatten_metric, in_units, nearest
from ne_interactive.graph.projection import pca
from ne_interactive.graph.rerank import rerank
from ne_interactive.params.errors import ParameterError

__all__ = ["Neighbors", "find_neighbors"]

EXACT_ROWS = 5000
"""Below this many points, exact search is as quick as any index."""
SEARCH_DIMENSIONS = 50
WIDER = 1.4
"""Candidates per neighbour kept."""


@dataclass(frozen=True)
class Neighbors:
    """Neighbours of n points.

    ``indices`` (n, k) int64 and ``distances`` (n, k) float32, ascending in the metric's own units (Euclidean distances
    are not squared); no point is its own neighbour. ``exact`` tells whether every true neighbour is certain to be
    there.
    """

    indices: torch.Tensor
    distances: torch.Tensor
    metric: str
    exact: bool

    @property
    def n(self) -> int:
        """Number of points."""
        return self.indices.shape[0]

    @property
    def k(self) -> int:
        """Neighbours per point."""
        return self.indices.shape[1]

    def first(self, k: int) -> "Neighbors":
        """Keep the k nearest, as views of the same memory."""
        check_k(self.k + 1, k)
        return Neighbors(self.indices[:, :k], self.distances[:, :k], self.metric, self.exact)


def find_neighbors(
    values: torch.Tensor, k: int, *, metric: str = "euclidean", backend: str | None = "auto", seed: int = 0
) -> Neighbors:
    """Find the k nearest other points of every row of values (n, d).

    ``backend`` None is exact search in tiles; "faiss" takes candidates from an inverted-file index on 50 principal
    components and orders them by their exact distances in the full space; "auto" is exact below 5,000 points and on
    a GPU, and FAISS otherwise, where it is installed. ``metric`` is "euclidean", "sqeuclidean", "cosine" or
    "manhattan"; candidates for the last are the Euclidean ones, three per neighbour.

    Raises:
        DataError: k is not in [1, n - 1].
        ParameterError: Unknown metric or backend.
        MissingPackageError: backend="faiss" without FAISS.
    """
    check_k(values.shape[0], k)
    if backend not in (None, "auto", "faiss"):
        raise ParameterError(f'backend must be None, "auto" or "faiss"; got {backend!r}.')
    if _wants_faiss(values, backend):
        return _through_faiss(values, k, metric, seed)
    return Neighbors(*nearest(values, k, metric), metric, True)


def _wants_faiss(values: torch.Tensor, backend: str | None) -> bool:
    if backend != "auto":
        return backend == "faiss"
    if values.shape[0] < EXACT_ROWS or values.device.type != "cpu":
        return False
    if not faiss_index.installed():
        warnings.warn(
            f"FAISS is not installed: exact neighbours of {values.shape[0]} points are searched in tiles, which may "
            "take minutes. Install faiss-cpu, or pass backend=None to choose this without a warning.",
            stacklevel=3,
        )
        return False
    return True


def _through_faiss(values: torch.Tensor, k: int, metric: str, seed: int) -> Neighbors:
    manhattan = metric == "manhattan"
    flat = flatten_metric(values, metric).cpu()
    n, d = flat.shape
    reduced = pca(flat, SEARCH_DIMENSIONS, seed=seed) if d > SEARCH_DIMENSIONS else flat
    m = min(n, int((3 if manhattan else WIDER) * k) + 6)
    ids, order = faiss_index.candidates(reduced, m, probes=24 if manhattan else 12, seed=seed)
    indices, distances, found = rerank(flat, torch.arange(n), ids, k, manhattan=manhattan, order=order)
    distances = in_units(distances, metric)
    short = (found < k).nonzero()[:, 0]
    if len(short):  # lists with fewer points than asked for: these rows are searched exactly
        indices[short], distances[short] = nearest(values.cpu(), k, metric, rows=short)
    return Neighbors(indices.to(values.device), distances.to(values.device), metric, False)
