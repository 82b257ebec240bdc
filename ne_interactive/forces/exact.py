"""Repulsion between all pairs, exactly: for few points, and as the oracle of the mesh."""

from __future__ import annotations

import numpy as np
import torch
from numba import prange
from torch import Tensor

from ne_interactive.graph.parallel import parallel

TILE = 2**24  # pairs held at once by the torch version


def repulsion(Z: Tensor, dof: float) -> tuple[Tensor, float]:
    """Unnormalised repulsion of w = (1 + d^2/dof)^-dof over all pairs i != j.

    Args:
        Z: (n, c) positions.
        dof: tail weight; 1 is t-SNE's Cauchy kernel.

    Returns:
        forces (n, c): sum_j w_ij^(1 + 1/dof) (z_i - z_j);  the sum of w over all pairs i != j.
    """
    if Z.device.type != "cpu" or Z.dtype != torch.float32:
        return repulsion_torch(Z, dof)
    forces = torch.empty_like(Z)
    totals = torch.empty(len(Z), dtype=torch.float64)
    columns = Z.t().contiguous()  # one row a dimension, so that the inner loop is vectorised
    kernel = _cauchy2 if Z.shape[1] == 2 and dof == 1 else _student
    kernel(columns.numpy(), np.float32(dof), forces.numpy(), totals.numpy())
    return forces, float(totals.sum()) - len(Z)


def repulsion_torch(Z: Tensor, dof: float) -> tuple[Tensor, float]:
    """The reference for `repulsion`, on any device and in any precision; memory is bounded by a tile."""
    forces = torch.empty_like(Z)
    total = 0.0
    rows = max(1, TILE // max(len(Z), 1))
    for start in range(0, len(Z), rows):
        difference = Z[start : start + rows, None] - Z[None]
        stretched = 1 + difference.square().sum(2) / dof
        w = stretched**-dof
        total += float(w.double().sum())
        forces[start : start + rows] = ((w / stretched).unsqueeze(2) * difference).sum(1)
    return forces, total - len(Z)


@parallel
def _cauchy2(Z, dof, forces, totals):
    one = np.float32(1)
    xs, ys = Z[0], Z[1]
    n = len(xs)
    for i in prange(n):
        x, y = xs[i], ys[i]
        fx, fy, total = np.float32(0), np.float32(0), np.float32(0)
        for j in range(n):
            dx, dy = x - xs[j], y - ys[j]
            w = one / (one + dx * dx + dy * dy)
            total += w
            fx += w * w * dx
            fy += w * w * dy
        forces[i, 0], forces[i, 1], totals[i] = fx, fy, total


@parallel
def _student(Z, dof, forces, totals):
    one = np.float32(1)
    c, n = Z.shape
    for i in prange(n):
        total = np.float32(0)
        for k in range(c):
            forces[i, k] = 0
        for j in range(n):
            squared = np.float32(0)
            for k in range(c):
                difference = Z[k, i] - Z[k, j]
                squared += difference * difference
            stretched = one + squared / dof
            w = stretched**-dof
            total += w
            for k in range(c):
                forces[i, k] += w / stretched * (Z[k, i] - Z[k, j])
        totals[i] = total
