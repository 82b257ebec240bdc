"""Affinities whose scale at each point is the distance to one of its neighbours."""

from dataclasses import dataclass

import numpy as np
import torch
from numba import prange

from ne_interactive.graph.affinity import Affinity, check_count, squared
from ne_interactive.graph.csr import Graph, counted, symmetrize
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.graph.parallel import parallel
from ne_interactive.params.errors import ParameterError

__all__ = ["MAGIC", "ScaledNearest", "SelfTuning"]

WIDER = 3
"""Neighbours weighed, for each neighbour up to the one that sets the scale."""
CANDIDATES = 50
TINY = 1e-10


def scales(distances_sq: torch.Tensor, K: int) -> torch.Tensor:
    """Give the squared distance (n, 1) float64 to the K-th neighbour; never 0.

    Where K duplicates make it 0 it is the least positive distance in the row, and in a row of duplicates alone the
    mean over all rows (1 if all points are one).
    """
    D = distances_sq.double()
    scale = D[:, K - 1 : K]
    nearest = torch.where(D > 0, D, torch.inf).amin(1, keepdim=True)
    scale = torch.where(scale > 0, scale, nearest)
    known = scale.isfinite()
    rest = scale[known].mean() if bool(known.any()) else torch.ones((), dtype=D.dtype, device=D.device)
    return torch.where(known, scale, rest)


class _Adaptive(Affinity):
    """Common to both: the neighbours wanted."""

    K: int

    def k(self, n: int) -> int:
        """Three times K, at most n - 1."""
        return min(WIDER * int(self.K), n - 1)

    def check(self, n: int, owner: str | None = None) -> None:
        """Raise ParameterError unless K lies in [1, n - 1]."""
        check_count(owner or type(self).__name__, "K", self.K, 1, n - 1, n)

    def _squares(self, neighbors: Neighbors) -> torch.Tensor:
        check_count(type(self).__name__, "K", self.K, 1, neighbors.k)
        return squared(neighbors.distances.double(), neighbors.metric)


@dataclass(frozen=True, kw_only=True)
class SelfTuning(_Adaptive):
    """Self-tuning affinity (Zelnik-Manor & Perona 2004, Self-tuning spectral clustering, NIPS 17).

    P_ij is proportional to exp(-d_ij^2 / (s_i s_j)), s_i the distance to the K-th neighbour, for pairs of which
    one is among the min(3 K, n - 1) nearest neighbours of the other. Symmetric, sum 1. Multiplying all distances by a
    number changes nothing. Where K duplicates make s_i zero, the least positive distance takes its place.

    ``K``: the neighbour that sets the scale, in [1, n - 1].
    """

    K: int = 7

    def graph(self, neighbors: Neighbors) -> Graph:
        """P of n points from at least K neighbours."""
        D = self._squares(neighbors)
        s = scales(D, self.K).sqrt()
        W = torch.exp(-D / (s * s[neighbors.indices].squeeze(-1)))
        return _normalized(_either(neighbors.indices, W))


@dataclass(frozen=True, kw_only=True)
class MAGIC(_Adaptive):
    """The adaptive kernel of MAGIC (van Dijk et al. 2018, doi:10.1016/j.cell.2018.05.061).

    A_ij = exp(-d_ij^2 / s_i^2) for the min(3 K, n - 1) nearest neighbours of i, s_i the distance to the K-th, 0 for
    others; the mean of A and A^T is divided by its row sums, which gives M, the walk of that paper without its steps
    in place. P = (M + M^T) / 2n: symmetric, sum 1. Multiplying all distances by a number changes nothing; duplicates
    are as in `SelfTuning`.

    ``K``: the neighbour that sets the scale, in [1, n - 1].
    """

    K: int = 7

    def graph(self, neighbors: Neighbors) -> Graph:
        """P of n points from at least K neighbours."""
        D = self._squares(neighbors)
        A = symmetrize(neighbors.indices, torch.exp(-D / scales(D, self.K)), "mean")
        rows = torch.repeat_interleave(torch.arange(A.n, device=A.values.device), A.indptr.diff())
        values = A.values.double()
        sums = torch.zeros(A.n, dtype=torch.float64, device=values.device).index_add_(0, rows, values)
        share = torch.where(sums > 0, 1 / sums, 0)
        return _normalized(Graph(A.indptr, A.indices, values * (share[rows] + share[A.indices.long()])))


@dataclass(frozen=True, kw_only=True)
class ScaledNearest(Affinity):
    """PaCMAP's pairs (Wang, Huang, Rudin & Shaposhnik 2021, JMLR 22(201)): unweighted neighbours in scaled distance.

    Of the min(n_neighbors + 50, n - 1) nearest neighbours of i the ``n_neighbors`` with the least d_ij^2 / (s_i s_j)
    are kept, s_i being the mean distance to the 4th, 5th and 6th neighbour (as many as there are). Multiplying all
    distances by a number changes nothing.

    ``n_neighbors``: pairs per point, in [1, n - 2].
    """

    n_neighbors: int = 10

    def k(self, n: int) -> int:
        """Candidates per point: 50 more than the neighbours kept, at most n - 1."""
        return min(int(self.n_neighbors) + CANDIDATES, n - 1)

    def check(self, n: int, owner: str | None = None) -> None:
        """Raise ParameterError unless ``n_neighbors`` lies in [1, n - 2]."""
        check_count(owner or type(self).__name__, "n_neighbors", self.n_neighbors, 1, n - 2, n)

    def pairs(self, neighbors: Neighbors) -> torch.Tensor:
        """Keep ``n_neighbors`` of each point's candidates: (n, n_neighbors) int64, nearest in scaled distance first.

        Row i holds the partners of i; j may be a partner of i without i being one of j. Ties go to the candidate that
        is nearer in plain distance.
        """
        kept = int(self.n_neighbors)
        if kept > neighbors.k:
            raise ParameterError(
                f"ScaledNearest.n_neighbors must be at most the number of candidates; got {kept} for {neighbors.k}."
            )
        D = squared(neighbors.distances.double(), neighbors.metric)
        s = _sizes(D)
        if D.device.type == "cpu":
            pairs = torch.empty((neighbors.n, kept), dtype=torch.int64)
            _least_scaled(D.numpy(), s.numpy(), neighbors.indices.numpy(), pairs.numpy())
            return pairs
        # multiplied in two steps: the product of two small scales would leave the range of numbers
        scaled = D / s[:, None] / s[neighbors.indices]
        order = scaled.sort(dim=1, stable=True).indices[:, :kept]
        return neighbors.indices.gather(1, order)

    def graph(self, neighbors: Neighbors) -> Graph:
        """Count the pairs: w_ij = 1 if one of i and j is the other's partner, 2 if both; the sum is 2 n n_neighbors."""
        return counted(self.pairs(neighbors))

    def rows(self, found: Neighbors, known: Neighbors | None) -> torch.Tensor:
        """1 for the partners of each new row, 0 for its other candidates, (m, k)."""
        if known is None:
            return super().rows(found, known)
        s = _sizes(squared(known.distances.double(), known.metric))
        # a new row's own size is the same for all its candidates
        scaled = squared(found.distances.double(), found.metric) / s[found.indices]
        order = scaled.sort(dim=1, stable=True).indices[:, : int(self.n_neighbors)]
        return torch.zeros_like(found.distances).scatter_(1, order, 1.0)


@parallel
def _least_scaled(D, s, indices, pairs):
    """Each row's candidates of the least D / (s_i s_j), in that order; ties to the one that stands first."""
    n, kept = pairs.shape
    for i in prange(n):
        best = np.empty(kept)
        filled = 0
        for a in range(indices.shape[1]):
            scaled = D[i, a] / s[i] / s[indices[i, a]]
            if filled == kept and scaled >= best[kept - 1]:
                continue
            place = min(filled, kept - 1)
            filled = min(filled + 1, kept)
            while place > 0 and best[place - 1] > scaled:
                best[place], pairs[i, place] = best[place - 1], pairs[i, place - 1]
                place -= 1
            best[place], pairs[i, place] = scaled, indices[i, a]


def _sizes(D: torch.Tensor) -> torch.Tensor:
    """Mean distance (n,) to the 4th, 5th and 6th neighbour, from squared ones; never 0."""
    some = D[:, 3:6] if D.shape[1] > 3 else D[:, -1:]
    s = some.sqrt().mean(1)
    return s.clamp_min(TINY * float(s.max()) or 1.0)


def _either(indices: torch.Tensor, W: torch.Tensor) -> Graph:
    """Merge weights that agree wherever both directions are stored."""
    mean, found = symmetrize(indices, W, "mean"), symmetrize(indices, torch.ones_like(W), "mean")
    if mean.nnz != found.nnz:  # weights that underflow are dropped from one and not from the other
        return _either(indices, W.clamp_min(1e-30))
    # found is proportional to 1 where one direction is stored and to 2 where both are
    return Graph(mean.indptr, mean.indices, mean.values.double() / found.values.double())


def _normalized(graph: Graph) -> Graph:
    total = graph.values.sum(dtype=torch.float64)
    return Graph(graph.indptr, graph.indices, (graph.values / total).to(torch.float32))
