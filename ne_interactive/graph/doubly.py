"""Affinities whose rows, by symmetry also columns, all have the same sum."""

import math
import warnings
from dataclasses import dataclass

import numpy as np
import torch

from ne_interactive.graph.affinities import bandwidths
from ne_interactive.graph.affinity import Affinity, check_real, squared
from ne_interactive.graph.csr import Graph, symmetrize
from ne_interactive.graph.duals import Pairs, Solution, entropic_duals, quadratic_duals, sinkhorn_duals
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.graph.scaling import all_pairs, scaling_duals
from ne_interactive.graph.sparse_affinities import check_perplexity
from ne_interactive.params.errors import ParameterError

__all__ = ["DENSE_POINTS", "DoublyStochasticQuadratic", "Sinkhorn", "SymmetricEntropic"]

DENSE_POINTS = 5000
"""Up to this many points all pairs are weighed, beyond it only those of nearest neighbours."""
NEIGHBORS = 100
ROW_TOLERANCE = 1e-3


class _DoublyStochastic(Affinity):
    """Common to the three: the pairs that are weighed, and P from what is solved for them."""

    def k(self, n: int) -> int | None:
        """None (all pairs) up to 5,000 points, 100 beyond."""
        return None if n <= DENSE_POINTS else NEIGHBORS

    def _solve(self, pairs: Pairs) -> Solution:
        raise NotImplementedError

    def graph(self, neighbors: Neighbors) -> Graph:
        """P on the pairs of which one is among the neighbours of the other; rows sum to 1/n, all of it to 1."""
        n = neighbors.n
        self.check(n)
        support = symmetrize(neighbors.indices, torch.ones_like(neighbors.distances), "union")
        pairs = _costs_on(support, neighbors)
        P = _checked(self, self._solve(pairs)).P / n
        values = torch.from_numpy(P.astype(np.float32)).to(support.values.device)
        return Graph(support.indptr, support.indices, values)

    def dense(self, distances: torch.Tensor, metric: str = "euclidean") -> torch.Tensor:
        """P on all pairs of n points; rows sum to 1/n, all of it to 1, the diagonal is 0."""
        n = distances.shape[0]
        self.check(n)
        costs = squared(distances.detach().cpu().double(), metric).numpy()
        costs = (costs + costs.T) / 2
        solution = _checked(self, self._solve(all_pairs(costs)))
        P = np.zeros((n, n), np.float32)
        P[~np.eye(n, dtype=bool)] = solution.P / n
        return torch.from_numpy(P).to(distances.device)


@dataclass(frozen=True, kw_only=True)
class SymmetricEntropic(_DoublyStochastic):
    """The symmetric entropic affinity (Van Assel, Vayer, Flamary & Courty 2023, SNEkhorn, arXiv:2305.13797).

    n P_ij = exp((m_i + m_j - 2 d_ij^2) / (e_i + e_j)) for i != j, with row sums 1 and entropies log(perplexity): of
    all symmetric matrices with these row sums and at least these entropies, the one with the least cost
    sum(P_ij d_ij^2). A row that many others need (a hub at a low perplexity), or of a point with more duplicates than
    the perplexity, has a higher entropy: its e_i is at its lower limit, a hundredth of the median bandwidth.
    P sums to 1. Multiplying all distances by a number changes nothing.

    All pairs are weighed up to 5,000 points (a few matrices n x n of float64); beyond that only pairs of which one is
    among the max(100, 3 perplexity) nearest neighbours of the other, by the same definition. A solution whose row
    sums are not within 0.001 is warned of.

    ``perplexity``: effective number of neighbours, any real number in (1, n - 1).
    """

    perplexity: float = 30.0

    def k(self, n: int) -> int | None:
        """None (all pairs) up to 5,000 points, the larger of 100 and three times the perplexity beyond."""
        return None if n <= DENSE_POINTS else min(max(NEIGHBORS, math.ceil(3 * self.perplexity)), n - 1)

    def check(self, n: int, owner: str | None = None) -> None:
        """Raise ParameterError unless the perplexity lies in (1, n - 1)."""
        check_perplexity(owner or type(self).__name__, self.perplexity, n)

    def _solve(self, pairs: Pairs) -> Solution:
        """Start from the bandwidths of `Entropic`; a low perplexity is approached from higher ones."""
        n = pairs.n
        fewest = int(np.diff(pairs.indptr).min())
        if fewest <= self.perplexity:
            raise ParameterError(
                f"SymmetricEntropic.perplexity must be below the number of neighbours; got {self.perplexity:g} for "
                f"{fewest}. Lower it, or give more neighbours."
            )
        solution = self._from(pairs, min(30.0, (n - 1) / 3, (fewest + 1) / 2))
        for share in (0.5, 0.8):
            if solution.error <= ROW_TOLERANCE:
                break  # else there are outliers at several scales: start with bandwidths that reach across
            other = self._from(pairs, share * fewest)
            solution = other if other.error < solution.error else solution
        return solution

    def _from(self, pairs: Pairs, first: float) -> Solution:
        """Solve for falling perplexities, from the first (or from that asked for, if larger)."""
        targets = [max(self.perplexity, first)]
        while targets[-1] > self.perplexity:
            targets.append(max(self.perplexity, targets[-1] / 2))
        g = bandwidths(pairs.indptr, pairs.costs, targets[0])
        known = np.isfinite(g) & (g > 0)
        scale = float(np.median(g[known])) if known.any() else float(pairs.costs.max()) or 1.0
        scaled = Pairs(pairs.indptr, pairs.indices, pairs.costs / scale)
        g = np.where(known, g / scale, 1.0)
        solution = Solution(scaled.costs, np.zeros(pairs.n), g, math.inf, 0)
        for target in targets:
            solution = entropic_duals(scaled, solution.f, solution.g, math.log(target))
        return solution


@dataclass(frozen=True, kw_only=True)
class Sinkhorn(_DoublyStochastic):
    """A kernel scaled to be doubly stochastic (Sinkhorn & Knopp 1967, doi:10.2140/pjm.1967.21.343).

    n P_ij = exp(f_i + f_j) K_ij for i != j with rows summing to 1, where K = exp(-d^2 / eps) ("gaussian") or
    1 / (1 + d^2 / eps) ("student"). P is symmetric and sums to 1.

    ``eps`` is in the units of squared distances, so that the same formula serves an embedding: it is not invariant to
    scale; a small one asks for a nearly rigid matching of pairs. Pairs are those of `SymmetricEntropic`, 100
    neighbours beyond 5,000 points. A solution whose row sums are not within 0.001 is warned of.
    """

    eps: float = 1.0
    kernel: str = "gaussian"

    def log_kernel(self, distances_sq: torch.Tensor) -> torch.Tensor:
        """-d^2 / eps, or -log(1 + d^2 / eps), entry by entry."""
        scaled = distances_sq / self.eps
        return -torch.log1p(scaled) if self.kernel == "student" else -scaled

    def log_normalizer(self, log_kernel: torch.Tensor) -> torch.Tensor:
        """Give log n - f_i - f_j (n, n), so that log Q = log K minus it has row sums 1/n without its diagonal.

        The duals are solved to 1e-7 on the CPU; their derivative with respect to log K is exact, by the implicit
        function theorem (once: there are no second derivatives).
        """
        f = scaling_duals(log_kernel)
        return math.log(len(f)) - f[:, None] - f[None, :]

    def check(self, n: int, owner: str | None = None) -> None:
        """Raise ParameterError unless eps is positive, the kernel one of the two, and there are three points."""
        owner = owner or type(self).__name__
        _check_points(owner, n)
        check_real(owner, "eps", self.eps, 0, math.inf)
        if self.kernel not in ("gaussian", "student"):
            raise ParameterError(f'{owner}.kernel must be "gaussian" or "student"; got {self.kernel!r}.')

    def _solve(self, pairs: Pairs) -> Solution:
        costs = pairs.costs / self.eps
        if self.kernel == "student":
            costs = np.log1p(costs)
        return sinkhorn_duals(Pairs(pairs.indptr, pairs.indices, costs), 1.0)


@dataclass(frozen=True, kw_only=True)
class DoublyStochasticQuadratic(_DoublyStochastic):
    """Quadratically regularised transport of the points to themselves.

    Zhang, Mordant, Matsumoto & Schiebinger 2023, arXiv:2307.09816; Lorenz, Manns & Meyer 2021,
    doi:10.1007/s00245-019-09614-w.

    n P_ij = max(f_i + f_j - d_ij^2, 0) / eps for i != j with rows summing to 1: most entries are exactly 0, the more
    the smaller eps. P is symmetric and sums to 1.

    ``eps`` is in the units of squared distances (not invariant to scale). Pairs and warnings are those of `Sinkhorn`.
    """

    eps: float = 1.0

    def check(self, n: int, owner: str | None = None) -> None:
        """Raise ParameterError unless eps is positive and there are three points."""
        owner = owner or type(self).__name__
        _check_points(owner, n)
        check_real(owner, "eps", self.eps, 0, math.inf)

    def _solve(self, pairs: Pairs) -> Solution:
        return quadratic_duals(pairs, self.eps)


def _check_points(owner: str, n: int) -> None:
    if n < 3:
        raise ParameterError(f"{owner} needs at least 3 points; got {n}.")


def _costs_on(support: Graph, neighbors: Neighbors) -> Pairs:
    """Put the squared distances on a symmetrised support, whichever of the two rows they were found in."""
    n = support.n
    indptr, indices = support.indptr.cpu().numpy(), support.indices.cpu().numpy()
    found = squared(neighbors.distances.detach().cpu().double(), neighbors.metric).numpy().ravel()
    columns = neighbors.indices.cpu().numpy().ravel()
    rows = np.repeat(np.arange(n), neighbors.k)
    keys = np.repeat(np.arange(n), np.diff(indptr)) * n + indices
    costs = np.full(len(keys), -1.0)
    for given in (rows * n + columns, columns * n + rows):
        costs[np.searchsorted(keys, given)] = found
    return Pairs(indptr, indices, costs)


def _checked(affinity: Affinity, solution: Solution) -> Solution:
    if not solution.error <= ROW_TOLERANCE:
        warnings.warn(
            f"{affinity} has not converged: a row sum or an entropy is off by {solution.error:.2g} (relative). "
            "Larger values of its parameter are easier to reach.",
            stacklevel=4,
        )
    return solution
