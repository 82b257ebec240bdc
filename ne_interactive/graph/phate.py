"""Diffusion over several steps of a neighbour kernel, and the distances between where the walks lead."""

import math
from dataclasses import dataclass

import torch

from ne_interactive.graph.adaptive import scales
from ne_interactive.graph.affinity import Affinity, check_count, check_real, squared

__all__ = ["PHATE"]

LEAST = 1e-7
"""Added to probabilities before their logarithm is taken."""


@dataclass(frozen=True, kw_only=True)
class PHATE(Affinity):
    """PHATE's diffusion (Moon et al. 2019, doi:10.1038/s41587-019-0336-3).

    K_ij = (exp(-(d_ij / e_i)^alpha) + exp(-(d_ij / e_j)^alpha)) / 2, where e_i is the distance to the k-th neighbour
    and K_ii = 1; M is K divided by its row sums, M^t the probabilities of ``t`` steps. P is the mean of M^t and its
    transpose, without the diagonal, divided by its sum: symmetric, sum 1, dense. Multiplying all distances by a number
    changes nothing. Where k duplicates make e_i zero, the least positive distance takes its place.

    `potential_distances` gives the distances between rows of -log(M^t + 1e-7), which that paper hands to metric
    multidimensional scaling. Time grows as n^3, memory as n^2 in float64.

    ``n_neighbors``: the neighbour that sets the scale, k in that paper, in [1, n - 1].
    ``t``: steps, at least 1. ``alpha``: decay of the kernel, positive.
    """

    n_neighbors: int = 5
    t: int = 5
    alpha: float = 10.0

    def k(self, n: int) -> None:
        """All pairs."""
        return None

    def check(self, n: int, owner: str | None = None) -> None:
        """Raise ParameterError unless n_neighbors lies in [1, n - 1], t is at least 1 and alpha is positive."""
        owner = owner or type(self).__name__
        check_count(owner, "n_neighbors", self.n_neighbors, 1, n - 1, n)
        check_count(owner, "t", self.t, 1, None)
        check_real(owner, "alpha", self.alpha, 0, math.inf)

    def diffusion(self, distances: torch.Tensor, metric: str = "euclidean") -> torch.Tensor:
        """Give M^t (n, n) float64 from all distances in the metric's own units; rows sum to 1."""
        n = distances.shape[0]
        self.check(n)
        D = squared(distances.detach().double(), metric)
        others = D.clone().fill_diagonal_(torch.inf).sort(dim=1).values[:, : n - 1]
        decay = torch.exp(-((D / scales(others, int(self.n_neighbors))).pow(self.alpha / 2)))
        K = (decay + decay.T) / 2
        return torch.linalg.matrix_power(K / K.sum(1, keepdim=True), int(self.t))

    def dense(self, distances: torch.Tensor, metric: str = "euclidean") -> torch.Tensor:
        """P of n points from all distances (n, n)."""
        M = self.diffusion(distances, metric).fill_diagonal_(0)
        return ((M + M.T) / (2 * M.sum())).to(torch.float32)

    def potential_distances(self, distances: torch.Tensor, metric: str = "euclidean") -> torch.Tensor:
        """Give the potential distances (n, n) float32 from all distances in the metric's own units."""
        potential = -torch.log(self.diffusion(distances, metric) + LEAST)
        mode = "donot_use_mm_for_euclid_dist"
        return torch.cdist(potential, potential, compute_mode=mode).to(torch.float32)
