"""The affinities of t-SNE and of UMAP, on nearest neighbours."""

import math
from dataclasses import dataclass, replace

import torch

from ne_interactive.graph.affinities import entropic, fuzzy, without_tail
from ne_interactive.graph.affinity import Affinity, check_count, check_real, squared
from ne_interactive.graph.csr import Graph, symmetrize
from ne_interactive.graph.neighbors import Neighbors

__all__ = ["Entropic", "Fuzzy", "check_perplexity"]


def check_perplexity(owner: str, perplexity: float, n: int) -> float:
    """Give the perplexity as a float, or raise ParameterError unless it lies in (1, n - 1)."""
    return check_real(owner, "perplexity", perplexity, 1, n - 1, f" for {n} points (below n - 1)")


@dataclass(frozen=True, kw_only=True)
class Entropic(Affinity):
    """Gaussian probabilities with one perplexity for all rows (van der Maaten & Hinton 2008, equation 1; t-SNE).

    p(j|i) is proportional to exp(-beta_i d_ij^2) over the k = min(ceil(3 perplexity), n - 1) nearest neighbours of i,
    beta_i such that its entropy is log(perplexity). P = (p(j|i) + p(i|j)) / 2n: symmetric, sum 1. Multiplying all
    distances by a number changes nothing. Of points with ``perplexity`` or more neighbours at their least distance,
    these share the row evenly.

    ``perplexity``: effective number of neighbours, any real number in (1, n - 1).
    ``tail``: p(j|i) below this share of the largest of its row, in [0, 1), are left out of the graph, and the rest is
    scaled up to the sum 1. A few percent of it are half the edges or more, of little weight: on 70,000 images a
    tail of 0.05 leaves a quarter of them.
    """

    perplexity: float = 30.0
    tail: float = 0.0

    def k(self, n: int) -> int:
        """Three times the perplexity, at most n - 1."""
        return min(math.ceil(3 * self.perplexity), n - 1)

    def check(self, n: int, owner: str | None = None) -> None:
        """Raise ParameterError unless the perplexity lies in (1, n - 1) and the tail in [0, 1)."""
        owner = owner or type(self).__name__
        check_perplexity(owner, self.perplexity, n)
        if isinstance(self.tail, bool) or self.tail != 0:
            check_real(owner, "tail", self.tail, 0, 1)

    def graph(self, neighbors: Neighbors) -> Graph:
        """P of n points from their k neighbours; the perplexity must be below k."""
        P = self.rows(neighbors)
        if self.tail > 0:
            P = without_tail(P, self.tail)
        return symmetrize(neighbors.indices, P, how="mean")

    def on_fewer(self, k: int) -> "Entropic":
        """A perplexity of at most a third of k."""
        return replace(self, perplexity=min(self.perplexity, k / 3))

    def rows(self, found: Neighbors, known: Neighbors | None = None) -> torch.Tensor:
        """p(j|i) of every row, (m, k), sum 1; the tail included."""
        return entropic(squared(found.distances, found.metric), float(self.perplexity))


@dataclass(frozen=True, kw_only=True)
class Fuzzy(Affinity):
    """UMAP's fuzzy simplicial set (McInnes, Healy & Melville 2018, arXiv:1802.03426).

    w(j|i) = exp(-max(d_ij - rho_i, 0) / sigma_i), where rho_i is the distance to the nearest neighbour that is not a
    duplicate and sigma_i is such that the row sums to log2(n_neighbors); sigma_i is at least a thousandth of the mean
    distance. The union w + w^T - w w^T is symmetric, with entries in (0, 1]; it is not normalised. Distances are the
    metric's own, not squared.

    ``n_neighbors``: neighbours per point, the point itself counted, in [2, n]; k = n_neighbors - 1.
    """

    n_neighbors: int = 15

    def k(self, n: int) -> int:
        """One less than ``n_neighbors``, which counts the point itself."""
        return min(int(self.n_neighbors), n) - 1

    def check(self, n: int, owner: str | None = None) -> None:
        """Raise ParameterError unless ``n_neighbors`` lies in [2, n]."""
        check_count(owner or type(self).__name__, "n_neighbors", self.n_neighbors, 2, n, n)

    def graph(self, neighbors: Neighbors) -> Graph:
        """Memberships of n points from their k neighbours."""
        return symmetrize(neighbors.indices, self.rows(neighbors), how="union")

    def on_fewer(self, k: int) -> "Fuzzy":
        """At most k neighbours, and the point itself."""
        return replace(self, n_neighbors=min(self.n_neighbors, k + 1))

    def rows(self, found: Neighbors, known: Neighbors | None = None) -> torch.Tensor:
        """w(j|i) of every row, (m, k), sum log2(n_neighbors)."""
        return fuzzy(found.distances)
