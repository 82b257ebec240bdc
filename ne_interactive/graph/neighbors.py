"""The k nearest neighbours of every point: exact for small data, re-ranked candidates for large."""

from dataclasses import dataclass

import torch

from ne_interactive.graph import faiss_index, keops
from ne_interactive.graph.distances import check_k, complete, nearest
from ne_interactive.graph.faiss_config import FaissConfig
from ne_interactive.graph.indexed import OTHER_ORDER, SPARE, rough, through_lists
from ne_interactive.graph.metrics import check_metric, flatten, in_units, single
from ne_interactive.graph.projection import searchable
from ne_interactive.graph.rerank import rerank
from ne_interactive.params.errors import ParameterError

__all__ = ["Neighbors", "find_neighbors", "rough_neighbors"]

EXACT_ROWS = 5000
"""Below this many points, exact search is as quick as any index."""
WIDER = {"IVF": 1.1, "HNSW": 1.1, "IVFPQ": 4.0}
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
    values: torch.Tensor,
    k: int,
    *,
    metric: str = "euclidean",
    backend: str | FaissConfig | None = "auto",
    seed: int = 0,
) -> Neighbors:
    """Find the k nearest other points of every row of values (n, d).

    Args:
        values: (n, d) of any real dtype, computed in float32.
        k: neighbours.
        metric: "euclidean", "sqeuclidean", "cosine", "angular", "manhattan", "correlation" or "hyperbolic"; see
            ``graph.metrics.flatten`` for units and conventions.
        backend: None searches exactly in tiles, "keops" exactly by KeOps, on the device of ``values``. "auto" is exact
            below 5,000 points and on a GPU; beyond, candidates come from inverted lists on 50 principal components and
            what these leave, and are ordered by their exact distances in the full space. "faiss" is
            ``FaissConfig()``, the same by FAISS; another ``FaissConfig`` chooses the index, of which "Flat" is exact.
        seed: of what an index is trained on.

    Exact backends give the same neighbours; "Flat" searches in tiles for the hyperbolic metric, which FAISS does not
    know. Where the metric is "manhattan" or "hyperbolic" an approximate index takes its candidates by Euclidean
    distance, and therefore three or six per neighbour. In a ball of few dimensions nearly all neighbours are among
    them, of 20 dimensions about nine of ten: choose backend=None where that matters.

    Raises:
        DataError: k is not in [1, n - 1]; rows outside the unit ball for the hyperbolic metric.
        ParameterError: Unknown metric or backend; a GPU asked for that FAISS cannot use.
        MissingPackageError: The backend's package is not installed.
    """
    check_metric(metric)
    check_k(values.shape[0], k)
    if indexed(values, backend):
        indices, distances = through_lists(values, k, metric, seed=seed)
        return Neighbors(indices.to(values.device), distances.to(values.device), metric, False)
    config = faiss_config(backend)
    if config is not None and config.index_type != "Flat":
        return through_faiss(values, k, metric, config, seed=seed)
    search = keops.exhaustive if backend == "keops" else None
    if config is not None and metric != "hyperbolic":
        search = faiss_index.exhaustive(config)
    return Neighbors(*nearest(values, k, metric, search=search), metric, True)


def rough_neighbors(
    values: torch.Tensor, k: int, *, metric: str = "euclidean", seed: int = 0
) -> Neighbors | None:
    """Find k near other points of every row of values (n, d) quickly, to begin with.

    Many of them are not among the nearest, and their distances are those of 20 principal components.

    Returns:
        None on a GPU, and for metrics that order points otherwise than a Euclidean distance.
    """
    if metric in OTHER_ORDER or values.device.type != "cpu":
        return None
    return Neighbors(*rough(values, k, metric, seed=seed), metric, False)


def candidate_count(n: int, k: int, metric: str, config: FaissConfig, reduced: bool) -> int:
    """Tell how many candidates per point an index is asked for: spare ones where its order is not the metric's."""
    if config.index_type == "IVF" and not reduced and metric not in OTHER_ORDER:
        return min(n, k + 1)
    wider = config.oversampling or max(WIDER[config.index_type], OTHER_ORDER.get(metric, 1.0))
    return min(n, int(wider * k) + SPARE)


def probe_count(metric: str) -> int:
    """Tell how many lists of an index are searched at least."""
    return 24 if metric in OTHER_ORDER else 12


def indexed(values: torch.Tensor, backend: str | FaissConfig | None) -> bool:
    """Tell whether rows like these are searched through inverted lists."""
    return backend == "auto" and values.shape[0] >= EXACT_ROWS and values.device.type == "cpu"


def faiss_config(backend: str | FaissConfig | None) -> FaissConfig | None:
    """Give the FAISS index asked for, or None for exact search without FAISS."""
    if isinstance(backend, FaissConfig):
        return backend
    if backend not in (None, "auto", "faiss", "keops"):
        raise ParameterError(
            f'backend must be None, "auto", "keops", "faiss" or a FaissConfig; got {backend!r}.'
        )
    return FaissConfig() if backend == "faiss" else None


def through_faiss(
    values: torch.Tensor,
    k: int,
    metric: str,
    config: FaissConfig,
    *,
    new: torch.Tensor | None = None,
    seed: int = 0,
) -> Neighbors:
    """Find k likely nearest rows of values (n, d) for every row of ``new`` (q, d), or for every row of values.

    The index is not "Flat". A row for which it holds too few is searched exactly.
    """
    n = len(values)
    both = values if new is None else torch.cat([values, new])
    flat = flatten(single(both, metric).cpu(), metric)
    points, asked = flat.values[:n], None if new is None else flat.values[n:]
    reduce = config.dimensions is not None and flat.d > config.dimensions
    if reduce:
        points, asked = searchable(points, config.dimensions or flat.d, asked, seed=seed)
    m = candidate_count(n, k, metric, config, reduce)
    ids, order = faiss_index.candidates(
        points, m, config, queries=asked, probes=probe_count(metric), seed=seed
    )
    rows = torch.arange(n) if new is None else torch.arange(n, len(both))
    indices, distances, found = rerank(flat, rows, ids, k, order=order)
    distances = in_units(distances, metric)
    complete(indices, distances, found, both.cpu(), metric, rows=rows, among=None if new is None else n)
    return Neighbors(indices.to(values.device), distances.to(values.device), metric, False)
