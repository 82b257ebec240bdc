"""The forces of row softmaxes of the Gaussian kernel, q_{j|i} = exp(-d_ij^2) / S_i: the repulsion of SNE.

Hinton and Roweis 2002, Advances in Neural Information Processing Systems 15. A point far from all others has a sum S_i
that underflows although its q_{j|i} are those of any other row: such rows are summed in the log domain, at double
precision, from the distance of their nearest neighbour on. All other rows come from two fields on a mesh.
"""

from __future__ import annotations

import numpy as np
import torch
from numba import prange
from torch import Tensor

from ne_interactive.forces import cells, exact
from ne_interactive.forces.compiled import compiled
from ne_interactive.forces.log_sums import log_sums
from ne_interactive.forces.weighted import FLOOR, Cloud, suits_exact
from ne_interactive.graph.exponential import exp_minus
from ne_interactive.graph.parallel import parallel

LONE = 0.03  # rows whose sum S is smaller are summed in the log domain


def sne(Z: Tensor, grid: tuple[int, ...] = ()) -> tuple[Tensor, Tensor, tuple[int, ...]]:
    """Row sums of the Gaussian kernel and the push of both of a point's softmaxes.

    Args:
        Z: (n, c) positions.
        grid: padded grid sizes of the iteration before, () at first.

    Returns:
        log S (n,): S_i = sum_{j != i} exp(-d_ij^2), finite from two points on;  push (n, c):
        sum_j (q_{j|i} + q_{i|j}) (z_i - z_j), the gradient of -1/2 sum_i log S_i;  the grid used.
    """
    Z = Z.contiguous()
    if len(Z) < 2 or suits_exact(Z):
        logs, push = sne_exact(Z)
        return logs, push, ()
    cloud = Cloud(Z, "gaussian", grid=grid)
    if cloud.coarse:
        return *_with_lone(Z, torch.ones(len(Z), dtype=torch.bool, device=Z.device), None, None), ()
    sums, own = cloud.on_mesh(None)
    lone = sums < max(LONE, FLOOR * float(sums.max()))
    inverse = torch.where(lone, 0.0, 1 / sums)
    push = cloud.on_mesh(inverse)[1]
    assert own is not None
    assert push is not None
    push += own * inverse.unsqueeze(1)
    return *_with_lone(Z, lone, sums, push), cloud.grid


def sne_exact(Z: Tensor) -> tuple[Tensor, Tensor]:
    """`sne` over all pairs, for any number of dimensions; other devices and float64 go through torch."""
    logs = log_sums(Z, None, "gaussian", 1.0)
    if len(Z) < 2:
        return logs.to(Z.dtype), torch.zeros_like(Z)
    if not compiled(Z):
        return sne_torch(Z)
    push = torch.empty_like(Z)
    _push(Z.double().t().contiguous().numpy(), logs.numpy(), push.numpy())
    return logs.to(Z.dtype), push


def sne_torch(Z: Tensor) -> tuple[Tensor, Tensor]:
    """The reference for `sne`, on any device and in any precision; memory is bounded by a tile."""
    logs, push = cells.lone_torch(Z, torch.ones(len(Z), dtype=torch.bool, device=Z.device))
    return logs.to(Z.dtype), push


def _with_lone(Z: Tensor, lone: Tensor, sums: Tensor | None, push: Tensor | None) -> tuple[Tensor, Tensor]:
    logs = torch.zeros_like(Z[:, 0]) if sums is None else torch.where(lone, 1.0, sums).log()
    push = torch.zeros_like(Z) if push is None else push
    if bool(lone.any()):
        found, more = cells.Cells(Z).lone(lone) if Z.device.type == "cpu" else cells.lone_torch(Z, lone)
        logs[lone] = found.to(Z.dtype)
        push = push + more
    return logs, push


@parallel
def _push(columns, logs, push):
    c, n = columns.shape
    for i in prange(n):
        squared, q = np.empty(exact.BLOCK), np.empty(exact.BLOCK, np.float32)
        force = np.zeros(c)
        own = logs[i]
        for start in range(0, n, exact.BLOCK):
            count = exact.distances_from(columns, i, columns, start, squared)
            theirs = logs[start : start + count]
            for b in range(count):  # no q exceeds 1, except of a point with itself, which has no force
                q[b] = exp_minus(np.float32(max(squared[b] + own, 0.0)))
                q[b] += exp_minus(np.float32(max(squared[b] + theirs[b], 0.0)))
            for k in range(c):
                x, others = columns[k, i], columns[k, start : start + count]
                part = np.float32(0)
                for b in range(count):
                    part += q[b] * np.float32(x - others[b])
                force[k] += part
        for k in range(c):
            push[i, k] = force[k]
