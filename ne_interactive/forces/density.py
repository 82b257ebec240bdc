"""densMAP's density term: how well the local radii of the map correlate with those of the data.

Narayan, Berger and Cho, doi:10.1038/s41587-020-00801-7. A point's radius is the mean squared distance to its graph
neighbours; in the map each neighbour counts as much as the kernel 1 / (1 + a d^(2b)) says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numba import prange
from torch import Tensor

from ne_interactive.forces.compiled import compiled
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.graph.parallel import parallel

EPSILON = 1e-8  # keeps the logarithm of the radius finite where all neighbours coincide
ROUNDING = 1e-5  # log radii that differ by less are equal: what is left is error of the distances


@dataclass(frozen=True)
class Kernel:
    """How the radii of the map are measured and compared.

    Attributes:
        a, b: of the output kernel 1 / (1 + a d^(2b)).
        shift: added to the variance of the log radii of the map.
        least: edges of a smaller weight do not count.
        limit: of each component of n times a point's gradient.
    """

    a: float
    b: float
    shift: float
    least: float
    limit: float = float("inf")


def lengths(neighbors: Neighbors, graph: Graph) -> Tensor:
    """Distances in X along the edges of a graph made of these neighbours: (nnz,) float32; 0 for any other edge."""
    n = graph.n
    found = neighbors.indices.long()
    rows = torch.arange(n, device=found.device).unsqueeze(1).expand_as(found)
    keys, order = (rows * n + found).flatten().sort()
    known = neighbors.distances.flatten()[order]
    own, other = graph.rows.to(found.device), graph.indices.long().to(found.device)
    longest = torch.zeros(graph.nnz, dtype=known.dtype, device=found.device)
    for wanted in (own * n + other, other * n + own):
        place = torch.searchsorted(keys, wanted).clamp_max(len(keys) - 1)
        longest = torch.maximum(longest, torch.where(keys[place] == wanted, known[place], 0.0))
    return longest


def log_radii(graph: Graph, squares: Tensor, least: float) -> tuple[Tensor, Tensor]:
    """Log of the mean squared length of each point's edges, weighted by P.

    Args:
        graph: P.
        squares: (nnz,) squared lengths in X.
        least: edges of a smaller weight do not count.

    Returns:
        log radii (n,) float64, finite where all neighbours coincide;  (n,) whether a point has edges.
    """
    weights = torch.where(graph.values >= least, graph.values, 0.0).double()
    rows = graph.rows
    zeros = torch.zeros(graph.n, dtype=torch.float64, device=weights.device)
    total = zeros.index_add(0, rows, weights)
    radii = zeros.index_add(0, rows, weights * squares.to(weights)) / total.clamp_min(1e-300)
    some = total > 0
    scale = radii[some].mean() if some.any() else zeros.new_ones(())
    return torch.log(radii + EPSILON * torch.where(scale > 0, scale, 1.0)), some


def standardised(values: Tensor, some: Tensor) -> Tensor:
    """Values less their mean, over their deviation, (n,); 0 outside of `some`, and everywhere where all are equal."""
    if not some.any():
        return torch.zeros_like(values)
    away = torch.where(some, values - values[some].mean(), 0.0)
    deviation = away[some].square().mean().sqrt()
    return away / deviation if deviation > ROUNDING else torch.zeros_like(values)


def correlation(graph: Graph, wanted: Tensor, Z: Tensor, kernel: Kernel) -> Tensor:
    """Correlation of the log radii of X and of Z, in a form that autograd differentiates: the reference.

    Args:
        graph: P.
        wanted: (n,) standardised log radii of X.
        Z: (n, c) positions.
        kernel: see `Kernel`.
    """
    kept = graph.values >= kernel.least
    rows, columns = graph.rows[kept], graph.indices.long()[kept]
    squares = (Z[rows] - Z[columns]).square().sum(1)
    phi = 1 / (1 + kernel.a * squares**kernel.b)
    zeros = torch.zeros(len(Z), dtype=Z.dtype, device=Z.device)
    total = zeros.index_add(0, rows, phi)
    some = total > 0
    radii = zeros.index_add(0, rows, phi * squares) / torch.where(some, total, 1.0)
    away, spread, _ = _compared(torch.log(radii + EPSILON), some, kernel.shift)
    return (away * wanted.to(Z)).sum() / len(Z) / spread


def _compared(logs: Tensor, some: Tensor, shift: float) -> tuple[Tensor, Tensor, Tensor]:
    """Log radii less their mean, 0 where there are no edges;  their shifted deviation;  how many there are."""
    count = some.sum().clamp_min(1)
    mean = torch.where(some, logs, 0.0).sum() / count
    away = torch.where(some, logs - mean, 0.0)
    return away, (away.square().sum() / len(logs) + shift).clamp_min(1e-12).sqrt(), count


def density(graph: Graph, wanted: Tensor, Z: Tensor, kernel: Kernel) -> tuple[Tensor, float]:
    """Gradient of the correlation of the log radii.

    Args:
        graph: P, symmetric, both directions stored.
        wanted: (n,) standardised log radii of X, 0 for points without edges.
        Z: (n, c) positions.
        kernel: see `Kernel`.

    Returns:
        n times the gradient of the correlation (n, c), within the limit;  the correlation.
    """
    if not compiled(Z):
        return density_torch(graph, wanted, Z, kernel)
    n = len(Z)
    edges = graph.arrays()
    shape = np.float32(kernel.a), np.float32(kernel.b), np.float32(kernel.least)
    sums = torch.empty(n, 2, dtype=torch.float32)
    _sums(*edges, Z.numpy(), *shape, sums.numpy())
    slopes, found = _slopes(sums.double(), wanted, kernel.shift)
    gradient = torch.empty_like(Z)
    _gather(*edges, Z.numpy(), *shape, slopes.float().numpy(), gradient.numpy())
    return gradient.clamp_(-kernel.limit, kernel.limit), found


def density_torch(graph: Graph, wanted: Tensor, Z: Tensor, kernel: Kernel) -> tuple[Tensor, float]:
    """The reference for `density`, on any device and in any precision."""
    a, b = kernel.a, kernel.b
    kept = graph.values >= kernel.least
    rows, columns = graph.rows[kept], graph.indices.long()[kept]
    difference = Z[rows] - Z[columns]
    squares = difference.square().sum(1)
    phi = 1 / (1 + a * squares**b)
    sums = torch.zeros(len(Z), 2, dtype=torch.float64, device=Z.device)
    sums.index_add_(0, rows, torch.stack([phi * squares, phi], 1).double())
    slopes, found = _slopes(sums, wanted, kernel.shift)
    both = (slopes[rows] + slopes[columns]).to(Z)
    steep = torch.where(squares > 0, a * b * squares ** (b - 1) * phi, 0.0)
    strength = 2 * phi * ((1 - b * (1 - phi)) * both[:, 0] + steep * both[:, 1])
    gradient = torch.zeros_like(Z).index_add_(0, rows, strength.unsqueeze(1) * difference)
    return gradient.clamp_(-kernel.limit, kernel.limit), found


def _slopes(sums: Tensor, wanted: Tensor, shift: float) -> tuple[Tensor, float]:
    """What turns the slopes of phi d^2 and of -phi along an edge into that of n times the correlation.

    Args:
        sums: (n, 2) float64, sum of phi d^2 and of phi over each point's edges.
        wanted: (n,) standardised log radii of X.
        shift: of the variance.

    Returns:
        (n, 2) float64;  the correlation.
    """
    n = len(sums)
    some = sums[:, 1] > 0
    total = torch.where(some, sums[:, 1], 1.0)
    radii = sums[:, 0] / total
    away, spread, _ = _compared(torch.log(radii + EPSILON), some, shift)
    target = wanted.to(away)
    found = (away * target).sum() / n / spread
    slope = torch.where(some, (target - found * away / spread) / spread, 0.0)
    slope = slope / (total * (radii + EPSILON))
    return torch.stack([slope, slope * radii], 1), float(found)


@parallel
def _sums(indptr, indices, values, Z, a, b, least, sums):
    one = np.float32(1)
    c = Z.shape[1]
    for i in prange(len(Z)):
        weighted, total = np.float32(0), np.float32(0)
        for e in range(indptr[i], indptr[i + 1]):
            if values[e] < least:
                continue
            j = indices[e]
            squared = np.float32(0)
            for k in range(c):
                squared += (Z[i, k] - Z[j, k]) * (Z[i, k] - Z[j, k])
            phi = one / (one + a * squared**b)
            weighted += phi * squared
            total += phi
        sums[i, 0] = weighted
        sums[i, 1] = total


@parallel
def _gather(indptr, indices, values, Z, a, b, least, slopes, gradient):
    one, two = np.float32(1), np.float32(2)
    c = Z.shape[1]
    for i in prange(len(Z)):
        for k in range(c):
            gradient[i, k] = 0
        for e in range(indptr[i], indptr[i + 1]):
            if values[e] < least:
                continue
            j = indices[e]
            squared = np.float32(0)
            for k in range(c):
                squared += (Z[i, k] - Z[j, k]) * (Z[i, k] - Z[j, k])
            if squared == 0:
                continue
            power = a * squared**b
            phi = one / (one + power)
            steep = b * power / squared * phi
            wide = (one - b * (one - phi)) * (slopes[i, 0] + slopes[j, 0])
            strength = two * phi * (wide + steep * (slopes[i, 1] + slopes[j, 1]))
            for k in range(c):
                gradient[i, k] += strength * (Z[i, k] - Z[j, k])
