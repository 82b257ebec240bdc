"""Symmetric Sinkhorn scaling of a kernel over all pairs: every point has the same share of Q.

Q_ij = g_i g_j k(d_ij) for i != j, with charges g > 0 such that each row sums to 1/n; log g are the duals. The plain
fixed point g <- 1 / (n sum_j g_j k_ij) oscillates; going a share of the way, in the logarithm, converges fast (Feydy et
al., arXiv:1810.08278, who go half of it). A point alone among far others would need a charge without bound; charges are
limited, which leaves such a point less than its share.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ne_interactive.forces.weighted import Cloud

SPECK = 1e-3  # extent below which exp(-d^2) is 1 to about 1e-6
SHARE = 2 / 3  # of the plain update: errors fall to 1/3 where a half would leave 1/2
FIRST = 20  # iterations more where no duals are known
REACH = 20.0  # duals are at most this above -log(n) / 2, the dual of a pair that has only each other, at one place


class Plan(NamedTuple):
    """Q, as what its forces need.

    Attributes:
        duals: (n,) float64, log g.
        mass: sum of Q over all pairs i != j; 1 where the scaling has converged.
        field: (n, c), sum_j g_i g_j k'(d_ij) (z_i - z_j), with k' = -dk/d(d^2).
        grid: sizes of the mesh used, () if none.
    """

    duals: Tensor
    mass: float
    field: Tensor
    grid: tuple[int, ...]


def plan(
    Z: Tensor, kernel: str, dof: float, known: Tensor | None, iterations: int, grid: tuple[int, ...] = ()
) -> Plan:
    """Scale the kernel over the points Z (n, c): on a mesh for many points in up to three dimensions, else exactly.

    Args:
        Z: (n, c) positions.
        kernel: "student", k = (1 + d^2/dof)^-dof, or "gaussian", k = exp(-d^2).
        dof: tail weight of the Student kernel.
        known: (n,) duals to begin with, those of the iteration before; None, or another length, begins afresh.
        iterations: of the fixed point, at least 1.
        grid: mesh sizes of the iteration before.
    """
    cloud = Speck(Z) if is_speck(Z) else Cloud(Z, kernel, dof, grid)
    duals = start(known, len(Z), Z.device)
    for _ in range(rounds(known, len(Z), iterations)):
        potential, _ = cloud.field(duals.exp().to(Z.dtype), want_field=False)
        duals = averaged(duals, potential.double().clamp_min(torch.finfo(Z.dtype).tiny).log())
    charges = duals.exp().to(Z.dtype)
    potential, field = cloud.field(charges)
    assert field is not None
    mass = float((charges.double() * potential).sum())
    return Plan(duals, mass, field.mul_(charges.unsqueeze(1)), cloud.grid)


class Speck:
    """Points so near each other that all kernels are 1: what a `Cloud` gives, free of the mesh's resolution."""

    grid: tuple[int, ...] = ()

    def __init__(self, Z: Tensor) -> None:
        self.Z = Z - Z.mean(0)

    def field(self, charges: Tensor, want_field: bool = True) -> tuple[Tensor, Tensor | None]:
        """sum_{j != i} q_j (n,), and sum_j q_j (z_i - z_j) (n, c)."""
        total = charges.double().sum()
        potential = (total - charges).to(self.Z.dtype)
        return potential, (self.Z * total).to(self.Z.dtype) - charges @ self.Z if want_field else None


def is_speck(Z: Tensor) -> bool:
    """Whether all kernels are 1 to single precision, as in a start of small scale."""
    return float((Z.amax(0) - Z.amin(0)).max()) < SPECK


def duals_torch(log_kernel: Tensor, known: Tensor | None, iterations: int) -> Tensor:
    """The reference for the duals of `plan`, which autograd can differentiate.

    Args:
        log_kernel: (n, n), log k of every pair, -inf on the diagonal.
        known: (n,) duals to begin with, or None.
        iterations: as for `plan`.

    Returns:
        (n,) duals, in the precision of the kernel.
    """
    n = len(log_kernel)
    duals = start(known, n, log_kernel.device).to(log_kernel.dtype)
    for _ in range(rounds(known, n, iterations)):
        duals = averaged(duals, torch.logsumexp(log_kernel + duals, dim=1))
    return duals


def averaged(duals: Tensor, log_potential: Tensor) -> Tensor:
    """One step towards the plain update."""
    n = len(duals)
    limit = REACH - math.log(n) / 2
    return torch.lerp(duals, -log_potential - math.log(n), SHARE).clamp_max(limit)


def start(known: Tensor | None, n: int, device: torch.device) -> Tensor:
    """The duals to begin with; without any known, those of points all at one place."""
    if known is not None and len(known) == n:
        return known.to(device, torch.float64)
    return torch.full((n,), -math.log(n * max(n - 1, 1)) / 2, dtype=torch.float64, device=device)


def rounds(known: Tensor | None, n: int, iterations: int) -> int:
    """More iterations where there is nothing to begin with."""
    return iterations if known is not None and len(known) == n else iterations + FIRST
