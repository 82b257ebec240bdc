"""What every affinity is: a value that turns distances between rows of X into weights P."""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch

from ne_interactive.data.arrays import as_rows
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.matrices import dense_of_graph, graph_of_dense, graph_of_matrix
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.graph.tables import distances_of, neighbors_of
from ne_interactive.params.errors import ParameterError

__all__ = ["Affinity", "check_count", "check_real", "graph_of_dense", "graph_of_matrix", "squared"]


class Affinity(ABC):
    """Base of the affinities: frozen values whose fields are their parameters.

    A sparse family says how many neighbours it wants (`k`) and gives P as a `Graph`; a dense one (`k` is None) wants
    all pairs and gives P as an (n, n) tensor. The sum of P, and whether it is symmetric, is said by each.
    """

    symmetric: ClassVar[bool] = True
    """Whether what `dense` gives is symmetric; a `Graph` always is."""

    @abstractmethod
    def k(self, n: int) -> int | None:
        """Neighbours wanted for each of n points, or None for all pairs."""

    @abstractmethod
    def check(self, n: int, owner: str | None = None) -> None:
        """Check every parameter against n points; ``owner`` is the name to blame, the class by default.

        Raises:
            ParameterError: naming the parameter, its limits and what was given.
        """

    def graph(self, neighbors: Neighbors) -> Graph:
        """Weigh n points with the `k` nearest neighbours of each: P, symmetric, without loops.

        Raises:
            ParameterError: A parameter does not fit the number of points or of neighbours, or this family needs the
                distances of all pairs.
        """
        raise ParameterError(
            f"{type(self).__name__} is not defined on nearest neighbours: it weighs all pairs. "
            "Give `dense` the (n, n) distances, or choose another affinity."
        )

    def on_fewer(self, k: int) -> Affinity | None:
        """The same family for graphs of at most k neighbours a point: a rough P. None where there is none."""
        return None

    def rows(self, found: Neighbors, known: Neighbors | None) -> torch.Tensor:
        """Weigh the nearest points of new rows, each row by itself: (m, k), entries of no weight 0.

        ``found`` are the points (m, k) nearest to the new rows, ``known`` those nearest to the n points themselves.

        Raises:
            ParameterError: This family has no weights for new rows.
        """
        raise ParameterError(
            f"{type(self).__name__} has no weights for new rows, which transform() needs. "
            "Choose affinity_in='entropic', or embed old and new rows together."
        )

    def dense(self, distances: torch.Tensor, metric: str = "euclidean") -> torch.Tensor:
        """Weigh all pairs, from their (n, n) distances in the metric's own units: P (n, n) float32 on their device.

        Raises:
            ParameterError: A parameter does not fit the number of points.
        """
        n = distances.shape[0]
        self.check(n)
        k = self.k(n)
        return dense_of_graph(self.graph(_nearest(distances, metric, n - 1 if k is None else k)))

    def __call__(
        self,
        X: Any,
        *,
        metric: str = "euclidean",
        backend: Any = "auto",
        device: torch.device | str | None = None,
        seed: int = 0,
    ) -> Graph | torch.Tensor:
        """Weigh the rows of X (n, d): a `Graph` for the sparse families, an (n, n) float32 tensor for the dense ones.

        ``metric``, ``backend`` and ``seed`` are those of `find_neighbors`; with metric="precomputed", X holds
        distances. ``device`` is where to compute. A stream of batches goes with the sparse families only.

        Raises:
            DataError: X holds no table of finite numbers, or too few rows.
            ParameterError: A parameter does not fit the number of rows.
        """
        table = as_rows(X, device=device, metric=metric)
        self.check(table.n)
        k = self.k(table.n)
        if k is None:
            return self.dense(distances_of(table, metric), metric)
        return self.graph(neighbors_of(table, k, metric=metric, backend=backend, seed=seed))


def squared(distances: torch.Tensor, metric: str) -> torch.Tensor:
    """Give the squares of distances that are in the metric's own units ("sqeuclidean" ones are squares already)."""
    return distances if metric == "sqeuclidean" else distances.square()


def check_count(owner: str, name: str, value: Any, low: int, high: int | None, n: int | None = None) -> int:
    """Give an integer parameter, or raise ParameterError unless it lies in [low, high] (None: no upper limit)."""
    right = isinstance(value, Integral) and not isinstance(value, (bool, np.bool_))
    if not right or int(value) < low or (high is not None and int(value) > high):
        limits = f"at least {low}" if high is None else f"in [{low}, {high}]"
        given = f" for {n} points" if n is not None and high is not None else ""
        raise ParameterError(f"{owner}.{name} must be an integer {limits}{given}; got {value!r}.")
    return int(value)


def check_real(owner: str, name: str, value: Any, low: float, high: float, why: str = "") -> float:
    """Give a real parameter, or raise ParameterError unless it lies strictly between low and high."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real) or not low < float(value) < high:
        raise ParameterError(f"{owner}.{name} must lie in ({low:g}, {high:g}){why}; got {value!r}.")
    return float(value)


def _nearest(distances: torch.Tensor, metric: str, k: int) -> Neighbors:
    """Read the k nearest off all distances, ties by index."""
    whole = distances.clone().fill_diagonal_(torch.inf)
    found, indices = whole.sort(dim=1, stable=True)
    return Neighbors(indices[:, :k].contiguous(), found[:, :k].to(torch.float32).contiguous(), metric, True)
