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

from ne_interactive.graph.parallel import NEXT, parallel, serial

ZERO, ONE, HALF, SIXTH = np.float32(0), np.float32(1), np.float32(0.5), np.float32(1 / 6)
SECOND, THIRD = NEXT + NEXT, NEXT + NEXT + NEXT
TWO, THREE, FOUR, SIX = np.float32(2), np.float32(3), np.float32(4), np.float32(6)


def spread(
    Z: Tensor, origin: Sequence[float], spacing: float, nodes: Sequence[int], charges: Tensor | None = None
) -> Tensor:
    """Density (nodes) of n charges, 1 if not given, at Z (n, c) float32, by cubic B-spline weights."""
    shares = torch.empty([numba.get_num_threads(), *nodes], dtype=torch.float32)
    kernel = _spread2 if Z.shape[1] == 2 else _spread3
    weights = None if charges is None else charges.numpy()
    kernel(Z.numpy(), np.array(origin, np.float32), np.float32(1 / spacing), weights, shares.numpy())
    if len(shares) > 1:
        _add_up(shares.view(len(shares), -1).numpy(), len(shares))
    return shares[0]


def box(Z: Tensor) -> tuple[list[float], list[float]]:
    """The least and the largest coordinates of Z (n, c)."""
    found = np.empty((numba.get_num_threads(), 2, Z.shape[1]), np.float32)
    _box(Z.numpy(), found)
    return found[:, 0].min(0).tolist(), found[:, 1].max(0).tolist()


def origin(Z: Tensor, low: Sequence[float], spacing: float) -> list[float]:
    """Where the first node of a mesh for Z (n, c) lies, whose least coordinates are known."""
    return [least - 2 * spacing for least in low]


def gather(Z: Tensor, origin: Sequence[float], spacing: float, potential: Tensor) -> tuple[Tensor, float]:
    """Half the negative gradient of the potential at each point (n, c), and the potential summed over points."""
    forces = torch.empty_like(Z)
    totals = np.empty(numba.get_num_threads())
    kernel = _gather2 if Z.shape[1] == 2 else _gather3
    start = np.array(origin, np.float32)
    kernel(Z.numpy(), start, np.float32(1 / spacing), potential.numpy(), forces.numpy(), totals, None)
    return forces, float(totals.sum())


def sample(
    Z: Tensor, origin: Sequence[float], spacing: float, potential: Tensor, want_field: bool
) -> tuple[Tensor, Tensor | None]:
    """The potential at each point (n,), and if wanted half its negative gradient (n, c)."""
    values, forces = torch.empty(len(Z)), torch.empty_like(Z) if want_field else None
    kernel = _gather2 if Z.shape[1] == 2 else _gather3
    kernel(
        Z.numpy(), np.array(origin, np.float32), np.float32(1 / spacing), potential.numpy(),
        None if forces is None else forces.numpy(), np.empty(numba.get_num_threads()), values.numpy(),
    )  # fmt: skip
    return values, forces


def own(Z: Tensor, origin: Sequence[float], spacing: float, near: Tensor) -> tuple[Tensor, Tensor]:
    """What a unit charge at each point adds to the point's own potential (n,) and field (n, c); see `mesh_torch`."""
    values, forces = torch.empty(len(Z)), torch.empty_like(Z)
    kernel = _own2 if Z.shape[1] == 2 else _own3
    start = np.array(origin, np.float32)
    kernel(Z.numpy(), start, np.float32(1 / spacing), near.numpy(), values.numpy(), forces.numpy())
    return values, forces


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


@serial
def _node(x, size):
    """The node of ``size`` along a side that comes before x, such that no other that a spline reaches is off the mesh.

    Where nodes lie closer than float32 tells places apart, and where a place is no number, x may be off it.
    """
    return min(max(int(x), 1), size - 3)


@parallel
def _box(Z, found):
    n, threads = len(Z), len(found)
    for s in prange(threads):
        start, end = s * n // threads, (s + 1) * n // threads
        for k in range(Z.shape[1]):
            low = high = Z[min(start, n - 1), k]
            for i in range(start, end):
                low, high = min(low, Z[i, k]), max(high, Z[i, k])
            found[s, 0, k], found[s, 1, k] = low, high


@parallel
def _add_up(shares, threads):
    """All in the first, in their order."""
    count, size = shares.shape
    for s in prange(threads):
        total = shares[0, s * size // threads : (s + 1) * size // threads]
        for k in range(1, count):
            more = shares[k, s * size // threads : (s + 1) * size // threads]
            for i in range(len(total)):
                total[i] += more[i]


@parallel
def _spread2(Z, origin, inverse, charges, shares):
    n, threads, width = len(Z), len(shares), np.uint64(shares.shape[2])
    for s in prange(threads):
        grid = shares[s].reshape(-1)
        grid[:] = 0
        for i in range(s * n // threads, (s + 1) * n // threads):
            x = (Z[i, 0] - origin[0]) * inverse
            y = (Z[i, 1] - origin[1]) * inverse
            ix, iy = _node(x, shares.shape[1]), _node(y, shares.shape[2])
            b0, b1, b2, b3 = _weights(np.float32(y - iy))
            m = np.uint64(ix - 1) * width + np.uint64(iy - 1)
            for w in _weights(np.float32(x - ix)):
                if charges is not None:
                    w *= charges[i]
                grid[m] += w * b0
                grid[m + NEXT] += w * b1
                grid[m + SECOND] += w * b2
                grid[m + THIRD] += w * b3
                m += width


@parallel
def _gather2(Z, origin, inverse, potential, forces, totals, values):
    n, threads, width = len(Z), len(totals), np.uint64(potential.shape[1])
    grid = potential.reshape(-1)
    for s in prange(threads):
        total = 0.0
        for i in range(s * n // threads, (s + 1) * n // threads):
            x = (Z[i, 0] - origin[0]) * inverse
            y = (Z[i, 1] - origin[1]) * inverse
            ix, iy = _node(x, potential.shape[0]), _node(y, potential.shape[1])
            tx, ty = np.float32(x - ix), np.float32(y - iy)
            m = np.uint64(ix - 1) * width + np.uint64(iy - 1)
            v0, v1, v2, v3 = ZERO, ZERO, ZERO, ZERO
            x0, x1, x2, x3 = ZERO, ZERO, ZERO, ZERO
            for w, wx in zip(_weights(tx), _slopes(tx)):  # noqa: B905 (numba knows no strict)
                p0, p1, p2, p3 = grid[m], grid[m + NEXT], grid[m + SECOND], grid[m + THIRD]
                v0, v1, v2, v3 = v0 + w * p0, v1 + w * p1, v2 + w * p2, v3 + w * p3
                x0, x1, x2, x3 = x0 + wx * p0, x1 + wx * p1, x2 + wx * p2, x3 + wx * p3
                m += width
            b0, b1, b2, b3 = _weights(ty)
            d0, d1, d2, d3 = _slopes(ty)
            value = b0 * v0 + b1 * v1 + b2 * v2 + b3 * v3
            gx = b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3
            gy = d0 * v0 + d1 * v1 + d2 * v2 + d3 * v3
            if forces is not None:
                forces[i, 0] = -HALF * gx * inverse
                forces[i, 1] = -HALF * gy * inverse
            if values is not None:
                values[i] = value
            total += value
        totals[s] = total


@parallel
def _spread3(Z, origin, inverse, charges, shares):
    n, threads = len(Z), len(shares)
    for s in prange(threads):
        grid = shares[s]
        grid[:] = 0
        for i in range(s * n // threads, (s + 1) * n // threads):
            x = (Z[i, 0] - origin[0]) * inverse
            y = (Z[i, 1] - origin[1]) * inverse
            z = (Z[i, 2] - origin[2]) * inverse
            ix, iy, iz = _node(x, grid.shape[0]), _node(y, grid.shape[1]), _node(z, grid.shape[2])
            a = _weights(np.float32(x - ix))
            b = _weights(np.float32(y - iy))
            c = _weights(np.float32(z - iz))
            for k in range(4):
                for m in range(4):
                    w = a[k] * b[m]
                    if charges is not None:
                        w *= charges[i]
                    row = grid[ix - 1 + k, iy - 1 + m]
                    for q in range(4):
                        row[iz - 1 + q] += w * c[q]


@parallel
def _gather3(Z, origin, inverse, potential, forces, totals, values):
    n, threads, shape = len(Z), len(totals), potential.shape
    for s in prange(threads):
        total = 0.0
        for i in range(s * n // threads, (s + 1) * n // threads):
            x = (Z[i, 0] - origin[0]) * inverse
            y = (Z[i, 1] - origin[1]) * inverse
            z = (Z[i, 2] - origin[2]) * inverse
            ix, iy, iz = _node(x, shape[0]), _node(y, shape[1]), _node(z, shape[2])
            tx, ty, tz = np.float32(x - ix), np.float32(y - iy), np.float32(z - iz)
            a, da = _weights(tx), _slopes(tx)
            b, db = _weights(ty), _slopes(ty)
            v0, v1, v2, v3 = ZERO, ZERO, ZERO, ZERO
            x0, x1, x2, x3 = ZERO, ZERO, ZERO, ZERO
            y0, y1, y2, y3 = ZERO, ZERO, ZERO, ZERO
            for k in range(4):
                for m in range(4):
                    row = potential[ix - 1 + k, iy - 1 + m]
                    p0, p1, p2, p3 = row[iz - 1], row[iz], row[iz + 1], row[iz + 2]
                    w, wx, wy = a[k] * b[m], da[k] * b[m], a[k] * db[m]
                    v0, v1, v2, v3 = v0 + w * p0, v1 + w * p1, v2 + w * p2, v3 + w * p3
                    x0, x1, x2, x3 = x0 + wx * p0, x1 + wx * p1, x2 + wx * p2, x3 + wx * p3
                    y0, y1, y2, y3 = y0 + wy * p0, y1 + wy * p1, y2 + wy * p2, y3 + wy * p3
            c0, c1, c2, c3 = _weights(tz)
            d0, d1, d2, d3 = _slopes(tz)
            value = c0 * v0 + c1 * v1 + c2 * v2 + c3 * v3
            gx = c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3
            gy = c0 * y0 + c1 * y1 + c2 * y2 + c3 * y3
            gz = d0 * v0 + d1 * v1 + d2 * v2 + d3 * v3
            if forces is not None:
                forces[i, 0] = -HALF * gx * inverse
                forces[i, 1] = -HALF * gy * inverse
                forces[i, 2] = -HALF * gz * inverse
            if values is not None:
                values[i] = value
            total += value
        totals[s] = total


@serial
def _overlap(a, b):
    """Products of two sets of weights for nodes 0 to 3 apart."""
    return (
        a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3],
        a[0] * b[1] + a[1] * b[0] + a[1] * b[2] + a[2] * b[1] + a[2] * b[3] + a[3] * b[2],
        a[0] * b[2] + a[2] * b[0] + a[1] * b[3] + a[3] * b[1],
        a[0] * b[3] + a[3] * b[0],
    )


@serial
def _along(Z, i, k, origin, inverse):
    """Overlaps of a point's weights with each other, and of its slopes with its weights, along dimension k."""
    x = (Z[i, k] - origin[k]) * inverse
    t = np.float32(x - int(x))
    w = _weights(t)
    return _overlap(w, w), _overlap(_slopes(t), w)


@parallel
def _own2(Z, origin, inverse, near, values, forces):
    for i in prange(len(Z)):
        a, da = _along(Z, i, 0, origin, inverse)
        b, db = _along(Z, i, 1, origin, inverse)
        value, gx, gy = np.float32(0), np.float32(0), np.float32(0)
        for k in range(4):
            for m in range(4):
                value += near[k, m] * a[k] * b[m]
                gx += near[k, m] * da[k] * b[m]
                gy += near[k, m] * a[k] * db[m]
        values[i] = value
        forces[i, 0] = -HALF * gx * inverse
        forces[i, 1] = -HALF * gy * inverse


@parallel
def _own3(Z, origin, inverse, near, values, forces):
    for i in prange(len(Z)):
        a, da = _along(Z, i, 0, origin, inverse)
        b, db = _along(Z, i, 1, origin, inverse)
        c, dc = _along(Z, i, 2, origin, inverse)
        value, gx, gy, gz = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for k in range(4):
            for m in range(4):
                for q in range(4):
                    g = near[k, m, q]
                    value += g * a[k] * b[m] * c[q]
                    gx += g * da[k] * b[m] * c[q]
                    gy += g * a[k] * db[m] * c[q]
                    gz += g * a[k] * b[m] * dc[q]
        values[i] = value
        forces[i, 0] = -HALF * gx * inverse
        forces[i, 1] = -HALF * gy * inverse
        forces[i, 2] = -HALF * gz * inverse
