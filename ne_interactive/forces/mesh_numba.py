"""Spreading to and gathering from the mesh on the CPU, 2 and 3 dimensions; held to `mesh_torch` by tests.

Each thread spreads a fixed share of the points on a grid of its own and the grids are added in a fixed order, so the
result does not depend on timing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
import torch
from numba import prange
from torch import Tensor

from ne_interactive.graph.parallel import parallel, serial

ONE, HALF, SIXTH = np.float32(1), np.float32(0.5), np.float32(1 / 6)
TWO, THREE, FOUR, SIX = np.float32(2), np.float32(3), np.float32(4), np.float32(6)


def spread(Z: Tensor, origin: Sequence[float], spacing: float, nodes: Sequence[int]) -> Tensor:
    """Density (nodes) of n unit charges at Z (n, c) float32, by cubic B-spline weights."""
    shares = torch.empty([numba.get_num_threads(), *nodes], dtype=torch.float32)
    kernel = _spread2 if Z.shape[1] == 2 else _spread3
    kernel(Z.numpy(), np.array(origin, np.float32), np.float32(1 / spacing), shares.numpy())
    return shares[0] if len(shares) == 1 else shares.sum(0)


def gather(Z: Tensor, origin: Sequence[float], spacing: float, potential: Tensor) -> tuple[Tensor, float]:
    """Half the negative gradient of the potential at each point (n, c), and the potential summed over points."""
    forces = torch.empty_like(Z)
    totals = np.empty(numba.get_num_threads())
    kernel = _gather2 if Z.shape[1] == 2 else _gather3
    start = np.array(origin, np.float32)
    kernel(Z.numpy(), start, np.float32(1 / spacing), potential.numpy(), forces.numpy(), totals)
    return forces, float(totals.sum())


@serial
def _weights(t):
    u = ONE - t
    t2 = t * t
    t3 = t2 * t
    return (
        u * u * u * SIXTH,
        (THREE * t3 - SIX * t2 + FOUR) * SIXTH,
        (THREE * (t2 - t3 + t) + ONE) * SIXTH,
        t3 * SIXTH,
    )


@serial
def _slopes(t):
    u = ONE - t
    t2 = t * t
    return -HALF * u * u, HALF * (THREE * t2 - FOUR * t), HALF * (TWO * t + ONE - THREE * t2), HALF * t2


@parallel
def _spread2(Z, origin, inverse, shares):
    n, threads = len(Z), len(shares)
    for s in prange(threads):
        grid = shares[s]
        grid[:] = 0
        for i in range(s * n // threads, (s + 1) * n // threads):
            x = (Z[i, 0] - origin[0]) * inverse
            y = (Z[i, 1] - origin[1]) * inverse
            ix, iy = int(x), int(y)
            a = _weights(np.float32(x - ix))
            b0, b1, b2, b3 = _weights(np.float32(y - iy))
            for k in range(4):
                row = grid[ix - 1 + k]
                w = a[k]
                row[iy - 1] += w * b0
                row[iy] += w * b1
                row[iy + 1] += w * b2
                row[iy + 2] += w * b3


@parallel
def _gather2(Z, origin, inverse, potential, forces, totals):
    n, threads = len(Z), len(totals)
    for s in prange(threads):
        total = 0.0
        for i in range(s * n // threads, (s + 1) * n // threads):
            x = (Z[i, 0] - origin[0]) * inverse
            y = (Z[i, 1] - origin[1]) * inverse
            ix, iy = int(x), int(y)
            tx, ty = np.float32(x - ix), np.float32(y - iy)
            a, da = _weights(tx), _slopes(tx)
            b0, b1, b2, b3 = _weights(ty)
            d0, d1, d2, d3 = _slopes(ty)
            value = np.float32(0)
            gx = np.float32(0)
            gy = np.float32(0)
            for k in range(4):
                row = potential[ix - 1 + k]
                p0, p1, p2, p3 = row[iy - 1], row[iy], row[iy + 1], row[iy + 2]
                along = p0 * b0 + p1 * b1 + p2 * b2 + p3 * b3
                value += a[k] * along
                gx += da[k] * along
                gy += a[k] * (p0 * d0 + p1 * d1 + p2 * d2 + p3 * d3)
            forces[i, 0] = -HALF * gx * inverse
            forces[i, 1] = -HALF * gy * inverse
            total += value
        totals[s] = total


@parallel
def _spread3(Z, origin, inverse, shares):
    n, threads = len(Z), len(shares)
    for s in prange(threads):
        grid = shares[s]
        grid[:] = 0
        for i in range(s * n // threads, (s + 1) * n // threads):
            x = (Z[i, 0] - origin[0]) * inverse
            y = (Z[i, 1] - origin[1]) * inverse
            z = (Z[i, 2] - origin[2]) * inverse
            ix, iy, iz = int(x), int(y), int(z)
            a = _weights(np.float32(x - ix))
            b = _weights(np.float32(y - iy))
            c = _weights(np.float32(z - iz))
            for k in range(4):
                for m in range(4):
                    w = a[k] * b[m]
                    row = grid[ix - 1 + k, iy - 1 + m]
                    for q in range(4):
                        row[iz - 1 + q] += w * c[q]


@parallel
def _gather3(Z, origin, inverse, potential, forces, totals):
    n, threads = len(Z), len(totals)
    for s in prange(threads):
        total = 0.0
        for i in range(s * n // threads, (s + 1) * n // threads):
            x = (Z[i, 0] - origin[0]) * inverse
            y = (Z[i, 1] - origin[1]) * inverse
            z = (Z[i, 2] - origin[2]) * inverse
            ix, iy, iz = int(x), int(y), int(z)
            tx, ty, tz = np.float32(x - ix), np.float32(y - iy), np.float32(z - iz)
            a, da = _weights(tx), _slopes(tx)
            b, db = _weights(ty), _slopes(ty)
            c, dc = _weights(tz), _slopes(tz)
            value = np.float32(0)
            gx = np.float32(0)
            gy = np.float32(0)
            gz = np.float32(0)
            for k in range(4):
                for m in range(4):
                    row = potential[ix - 1 + k, iy - 1 + m]
                    along = np.float32(0)
                    slope = np.float32(0)
                    for q in range(4):
                        along += row[iz - 1 + q] * c[q]
                        slope += row[iz - 1 + q] * dc[q]
                    value += a[k] * b[m] * along
                    gx += da[k] * b[m] * along
                    gy += a[k] * db[m] * along
                    gz += a[k] * b[m] * slope
            forces[i, 0] = -HALF * gx * inverse
            forces[i, 1] = -HALF * gy * inverse
            forces[i, 2] = -HALF * gz * inverse
            total += value
        totals[s] = total
