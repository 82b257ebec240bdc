"""How fine a mesh has to be: as a map grows and shrinks, some of its forces are held against exact ones.

No spacing suits all maps. The error comes from pairs a node or two apart; where points lie in small tight groups, as
with few neighbours each, and pushes of points further off cancel, it is twice that of other maps as wide.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ne_interactive.forces import exact, mesh
from ne_interactive.forces.box import Box
from ne_interactive.forces.scalars import Scalar

WORST = 0.017  # root mean square error of the forces, relative to theirs; it grows until the mesh is looked at again
AIM = 0.012  # of a mesh that is made finer, or less fine again
BETTER = 0.6  # times the error, of a mesh that is one step finer
FINEST = 8  # steps
GROWTH = 1.25  # of the mesh, after which it is looked at again
PAIRS, SAMPLE = 2**24, (64, 256)  # pairs that are summed for it, and points, at least and at most


def repulsion(
    Z: Tensor, dof: float, grid: tuple[int, ...], finer: int, box: Box | None = None
) -> tuple[Tensor, Scalar, tuple[int, ...], int]:
    """As `mesh.repulsion`, by a mesh that is fine enough.

    Args:
        Z: (n, c) positions, c in 1..3.
        dof: tail weight of the Student kernel.
        grid: sizes of the mesh in force, () at first.
        finer: steps by which it is finer than usual.
        box: where the positions lie, if the host knows it already.

    Returns:
        forces (n, c);  the sum of w over all pairs;  the grid used, and by how many steps the next is to be finer.
    """
    forces, total, laid = mesh.repulsion(Z, dof, grid, box, finer)
    if grid and _rung(laid) == _rung(grid):
        return forces, total, laid, finer
    error, worst = sampled_error(Z, dof, forces), WORST
    while worst < error < math.inf and finer < FINEST:
        finer, worst = _changed(finer, error), AIM
        forces, total, laid = mesh.repulsion(Z, dof, laid, box, finer)
        error = sampled_error(Z, dof, forces)
    return forces, total, laid, finer if error > AIM else _changed(finer, error)


def sampled_error(Z: Tensor, dof: float, forces: Tensor) -> float:
    """Root mean square error of forces (n, c) at some points, relative to exact ones; not finite where these are 0."""
    n, (least, most) = len(Z), SAMPLE
    count = min(n, max(least, min(most, PAIRS // n)))
    rows = torch.arange(count, device=Z.device) * n // count
    _, wanted = exact.sums(Z, None, "student", dof, rows=rows)
    assert wanted is not None
    return float((forces[rows] - wanted).norm() / wanted.norm())


def _rung(grid: tuple[int, ...]) -> int:
    return math.floor(math.log(max(grid), GROWTH))


def _changed(finer: int, error: float) -> int:
    """Steps by which a mesh is to be finer, where it was wrong by so much: as few as are expected to reach the aim."""
    if not 0 < error < math.inf:
        return finer
    return min(max(finer + math.ceil(math.log(error / AIM, 1 / BETTER)), 0), FINEST)
