"""What points that stand still make others feel: the sum of a kernel over them, at any place."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ne_interactive.forces import mesh
from ne_interactive.forces.convolution import transform_of
from ne_interactive.forces.filter import Filter, good_sizes

EXACT_BELOW = 500  # points
EDGE = 0.1  # share of a map's extent that others may go beyond it
SPACING = {
    1: 0.125,
    2: 0.125,
    3: 0.375,
}  # embedding units: the mesh is filled once, and may be finer than a moving one
CAP = {1: 2**18, 2: 2**22, 3: 2**24}  # padded nodes
ENTRIES = 2**22  # of the largest temporary of sums over pairs

Kernel = Callable[[Tensor], Tensor]


class Frozen:
    """The potential sum_j k(|z - z_j|^2) of n points that do not move.

    Args:
        Z: (n, c) positions.
        kernel: a smooth function of squared distances, finite at 0; computed in float64.

    As the points stand still, their potential is put on a mesh once (`mesh`); few points, or more than three
    dimensions, are summed one by one each time.
    """

    def __init__(self, Z: Tensor, kernel: Kernel) -> None:
        self.Z, self.kernel = Z.detach(), kernel
        self.exact = len(Z) < EXACT_BELOW or Z.shape[1] > mesh.MESH_DIMENSIONS
        if not self.exact:
            self._fill()

    def __call__(self, z: Tensor) -> Tensor:
        """The potential (m,) float64 at z (m, c), differentiable; places beyond the map's edge are taken to it."""
        if self.exact:
            parts = z.split(max(1, ENTRIES // len(self.Z)))
            return torch.cat([_sums(part, self.Z.to(z.dtype), self.kernel) for part in parts])
        return _Sampled.apply(z, self)

    def _fill(self) -> None:
        low, high = box(self.Z)
        self._low, self._high = low, high
        self._spacing, needed = mesh.finest(
            (high - low).tolist(), SPACING[self.Z.shape[1]], CAP[self.Z.shape[1]]
        )
        grid = good_sizes(needed)
        self._origin = (low - 2 * self._spacing).tolist()
        place = self.Z.float().contiguous()
        backend = mesh.backend_of(place)
        density = backend.spread(place, self._origin, self._spacing, [size // 2 for size in grid])
        transform = transform_of(self.kernel, grid, self._spacing)
        self._nodes = Filter(transform, grid, density.device)(density)

    def sample(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """The potential on the mesh (m,) and its gradient (m, c), float64."""
        place = torch.minimum(torch.maximum(z, self._low), self._high).float().contiguous()
        backend = mesh.backend_of(place)
        values, field = backend.sample(place, self._origin, self._spacing, self._nodes, True)
        assert field is not None
        return values.double(), field.double() * -2


def box(Z: Tensor) -> tuple[Tensor, Tensor]:
    """Lowest and highest coordinates (c,) that points beside Z (n, c) may take, float64."""
    low, high = torch.aminmax(Z.double(), dim=0)
    room = EDGE * (high - low).max().clamp_min(math.ulp(1.0))
    return low - room, high + room


class _Sampled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, frozen: Frozen) -> Tensor:
        values, gradient = frozen.sample(z.detach())
        ctx.save_for_backward(gradient)
        return values

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return grads[0].unsqueeze(1) * gradient, None


def _sums(z: Tensor, Z: Tensor, kernel: Kernel) -> Tensor:
    return kernel((z[:, None] - Z[None]).square().sum(2)).sum(1)
