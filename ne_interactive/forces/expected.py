"""UMAP's forces as its samples give them on average: every edge by its weight, every other point as a negative.

Damrich and Hamprecht, On UMAP's True Loss Function, arXiv:2103.14608. Samples are noise around these sums. Without it
a map comes to rest in fewer iterations and keeps more neighbours: the repulsion is one convolution (`mesh`), the
attraction one pass over the edges, which also tells how stiffly they hold each point.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ne_interactive.forces import curve, mesh
from ne_interactive.forces import expected_numba as kernels
from ne_interactive.forces.along import along
from ne_interactive.forces.box import Box
from ne_interactive.forces.compiled import compiled
from ne_interactive.forces.convolution import convolution
from ne_interactive.forces.filter import good_sizes
from ne_interactive.forces.scalars import Scalar
from ne_interactive.graph.csr import Graph

SPACING = {1: 0.55, 2: 0.55, 3: 0.65}  # of the mesh, in radii of the limit: below 2 % force error
LEAST_NODES = 40  # along the longer side of a map, however narrow it is
HALVINGS = 12  # of the spacing, at most, for narrow ones
# Of the push of one point: with 4 fewer neighbours are kept in two dimensions, with more the mesh is finer.
LIMIT = {1: 8.0, 2: 8.0, 3: 5.0}
CAP = {1: 2**18, 2: 2**22, 3: 2**23}  # padded nodes in all; a wider map gets a coarser grid
EXACT_BELOW = 1000  # points


class Repulsive(NamedTuple):
    """The potential of UMAP's repulsion, a function of squared distances."""

    a: float
    b: float
    limit: float

    def __call__(self, squared: Tensor) -> Tensor:
        """See `curve.potential`."""
        return curve.potential(squared, self.a, self.b, self.limit)


def attraction(graph: Graph, Z: Tensor, a: float, b: float, want_loss: bool) -> tuple[Tensor, Tensor, Scalar]:
    """Pull of every point's edges, each of which moves both its ends.

    Args:
        graph: memberships, symmetric, both directions stored.
        Z: (n, c) positions.
        a: of the kernel 1 / (1 + a d^(2b)).
        b: of it.
        want_loss: measure the loss as well.

    Returns:
        gradient (n, c): 2 sum_j w_ij pull(d_ij^2) (z_i - z_j);  stiffness (n,): 2 sum_j w_ij pull(d_ij^2);  the loss
        sum_ij w_ij log(1 + a d_ij^(2b)) (nan if not wanted), which the torch version leaves on its device.
    """
    if not compiled(Z):
        return attraction_torch(graph, Z, a, b, want_loss)
    return along(graph, Z, kernels.pulling(a, b), want_loss)


def attraction_torch(
    graph: Graph, Z: Tensor, a: float, b: float, want_loss: bool
) -> tuple[Tensor, Tensor, Scalar]:
    """The reference for `attraction`, on any device and in any precision."""
    rows, values = graph.rows, graph.values.to(Z.dtype)
    difference = Z[rows] - Z[graph.indices.long()]
    squared = difference.square().sum(1)
    held = 2 * values * curve.pull(squared.clamp_min(curve.NEAREST), a, b)
    gradient = torch.zeros_like(Z).index_add_(0, rows, held.unsqueeze(1) * difference)
    stiffness = torch.zeros_like(Z[:, 0]).index_add_(0, rows, held)
    loss = (values * torch.log1p(a * squared**b)).sum() if want_loss else math.nan
    return gradient, stiffness, loss


def repulsion(
    Z: Tensor, a: float, b: float, box: Box | None = None
) -> tuple[Tensor, Tensor, tuple[int, ...]]:
    """Push of all other points.

    Args:
        Z: (n, c) positions, c in 1..3.
        a: of the kernel 1 / (1 + a d^(2b)).
        b: of it.
        box: where the positions lie, if the host knows it already.

    Returns:
        forces (n, c): sum_j limited(d_ij^2) (z_i - z_j);  potential (n,): half the sum of `curve.potential` over all
        others, which is -log(1 - q) of the kernel where pairs are not close;  the grid used, () if none.
    """
    if len(Z) < EXACT_BELOW:
        return *exact(Z, a, b), ()
    backend, c = mesh.backend_of(Z), Z.shape[1]
    box = box or Box(*backend.box(Z))
    spacing, grid = box.choose(
        lambda extents, _: fit_grid(extents, SPACING[c] * curve.radius(a, b, LIMIT[c]))
    )
    origin = backend.origin(Z, box.low, spacing)
    convolved = convolution(grid, spacing, Repulsive(a, b, LIMIT[c]), 1.0, 0.0, Z.device)
    nodes = [size // 2 for size in grid]
    potential = convolved(backend.spread(Z, origin, spacing, nodes))
    values, forces = backend.sample(Z, origin, spacing, potential, True)
    assert forces is not None
    return forces, values.sub_(convolved.self_potential).div_(2), grid


def fit_grid(extents: Sequence[float], spacing: float) -> tuple[float, tuple[int, ...]]:
    """Spacing, as wanted where that can be, and padded sizes for a map of these extents."""
    spacing, needed = mesh.finest(extents, spacing_for(max(extents), spacing), CAP[len(extents)])
    return spacing, good_sizes(needed)


def spacing_for(extent: float, spacing: float) -> float:
    """A spacing halved until a map whose longer side is `extent` has nodes enough."""
    for _ in range(HALVINGS):
        if extent >= LEAST_NODES * spacing:
            break
        spacing /= 2
    return spacing


def exact(Z: Tensor, a: float, b: float) -> tuple[Tensor, Tensor]:
    """What `repulsion` approximates: forces (n, c) and potential (n,), summed over all pairs."""
    if not compiled(Z):
        return exact_torch(Z, a, b)
    forces, potential = torch.empty_like(Z), torch.empty(len(Z))
    kernels.repel(Z.numpy(), kernels.pushing(a, b, LIMIT[Z.shape[1]]), forces.numpy(), potential.numpy())
    return forces, potential


def exact_torch(Z: Tensor, a: float, b: float) -> tuple[Tensor, Tensor]:
    """The reference for `exact`, on any device and in any precision."""
    difference, limit = Z.unsqueeze(1) - Z, LIMIT[Z.shape[1]]
    squared = difference.square().sum(2).clamp_min(curve.NEAREST)
    forces = (curve.limited(squared, a, b, limit).unsqueeze(2) * difference).sum(1)
    pairs = curve.potential(squared, a, b, limit) / 2
    return forces, pairs.sum(1) - pairs.diagonal()
