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

from ne_interactive.forces.vectors import alike4, four, only0, only1, only2, only3, store, total
from ne_interactive.graph.parallel import parallel, serial

ZERO, ONE, HALF, SIXTH = np.float32(0), np.float32(1), np.float32(0.5), np.float32(1 / 6)
TWICE, THRICE = np.uint64(2), np.uint64(3)
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


# The spline's weights of four nodes, and their slopes, as polynomials of the place between the middle two: what each
# power is multiplied by, lowest first.
WEIGHTS = (np.array([[1, 4, 1, 0], [-3, 0, 3, 0], [3, -6, 3, 0], [-1, 3, -3, 1]]) / 6).astype(np.float32)
SLOPES = WEIGHTS[1:] * np.array([[1], [2], [3]], np.float32)
WEIGHTS, SLOPES = WEIGHTS.ravel(), SLOPES.ravel()


@serial
def _four_weights(t):
    t = alike4(t)
    return four(WEIGHTS, 0) + t * (four(WEIGHTS, 4) + t * (four(WEIGHTS, 8) + t * four(WEIGHTS, 12)))


@serial
def _four_slopes(t):
    t = alike4(t)
    return four(SLOPES, 0) + t * (four(SLOPES, 4) + t * four(SLOPES, 8))


@serial
def _add(grid, m, more):
    store(grid, m, four(grid, m) + more)


@serial
def _rows(grid, m, width):
    return four(grid, m), four(grid, m + width), four(grid, m + TWICE * width), four(grid, m + THRICE * width)


@serial
def _combined(weights, rows):
    a, b, c, d = rows
    return only0(weights) * a + only1(weights) * b + only2(weights) * c + only3(weights) * d


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
            a, b = _four_weights(x - np.float32(ix)), _four_weights(y - np.float32(iy))
            if charges is not None:
                b = b * alike4(charges[i])
            m = np.uint64(ix - 1) * width + np.uint64(iy - 1)
            _add(grid, m, only0(a) * b)
            _add(grid, m + width, only1(a) * b)
            _add(grid, m + TWICE * width, only2(a) * b)
            _add(grid, m + THRICE * width, only3(a) * b)


@parallel
def _gather2(Z, origin, inverse, potential, forces, totals, values):
    n, threads, width = len(Z), len(totals), np.uint64(potential.shape[1])
    grid = potential.reshape(-1)
    for s in prange(threads):
        summed = 0.0
        for i in range(s * n // threads, (s + 1) * n // threads):
            x = (Z[i, 0] - origin[0]) * inverse
            y = (Z[i, 1] - origin[1]) * inverse
            ix, iy = _node(x, potential.shape[0]), _node(y, potential.shape[1])
            tx, ty = x - np.float32(ix), y - np.float32(iy)
            m = np.uint64(ix - 1) * width + np.uint64(iy - 1)
            rows = _rows(grid, m, width)
            along, b = _combined(_four_weights(tx), rows), _four_weights(ty)
            value = total(b * along)
            if forces is not None:
                forces[i, 0] = -HALF * inverse * total(b * _combined(_four_slopes(tx), rows))
                forces[i, 1] = -HALF * inverse * total(_four_slopes(ty) * along)
            if values is not None:
                values[i] = value
            summed += value
        totals[s] = summed


@parallel
def _spread3(Z, origin, inverse, charges, shares):
    n, threads, shape = len(Z), len(shares), shares.shape
    for s in prange(threads):
        grid = shares[s].reshape(-1)
        grid[:] = 0
        for i in range(s * n // threads, (s + 1) * n // threads):
            x = (Z[i, 0] - origin[0]) * inverse
            y = (Z[i, 1] - origin[1]) * inverse
            z = (Z[i, 2] - origin[2]) * inverse
            ix, iy, iz = _node(x, shape[1]), _node(y, shape[2]), _node(z, shape[3])
            c = _four_weights(z - np.float32(iz))
            if charges is not None:
                c = c * alike4(charges[i])
            b = _weights(y - np.float32(iy))
            plane = (np.uint64(ix - 1) * np.uint64(shape[2]) + np.uint64(iy - 1)) * np.uint64(shape[3])
            for a in _weights(x - np.float32(ix)):
                m = plane + np.uint64(iz - 1)
                for w in b:
                    _add(grid, m, alike4(a * w) * c)
                    m += np.uint64(shape[3])
                plane += np.uint64(shape[2]) * np.uint64(shape[3])


@parallel
def _gather3(Z, origin, inverse, potential, forces, totals, values):
    n, threads, shape = len(Z), len(totals), potential.shape
    grid = potential.reshape(-1)
    for s in prange(threads):
        summed = 0.0
        for i in range(s * n // threads, (s + 1) * n // threads):
            x = (Z[i, 0] - origin[0]) * inverse
            y = (Z[i, 1] - origin[1]) * inverse
            z = (Z[i, 2] - origin[2]) * inverse
            ix, iy, iz = _node(x, shape[0]), _node(y, shape[1]), _node(z, shape[2])
            tx, ty, tz = x - np.float32(ix), y - np.float32(iy), z - np.float32(iz)
            b, slopes = _four_weights(ty), _four_slopes(ty)
            along, along_x, along_y = alike4(ZERO), alike4(ZERO), alike4(ZERO)
            plane = (np.uint64(ix - 1) * np.uint64(shape[1]) + np.uint64(iy - 1)) * np.uint64(shape[2])
            for a, da in zip(_weights(tx), _slopes(tx)):  # noqa: B905 (numba knows no strict)
                rows = _rows(grid, plane + np.uint64(iz - 1), np.uint64(shape[2]))
                row = _combined(b, rows)
                along = along + alike4(a) * row
                along_x = along_x + alike4(da) * row
                along_y = along_y + alike4(a) * _combined(slopes, rows)
                plane += np.uint64(shape[1]) * np.uint64(shape[2])
            c = _four_weights(tz)
            value = total(c * along)
            if forces is not None:
                forces[i, 0] = -HALF * inverse * total(c * along_x)
                forces[i, 1] = -HALF * inverse * total(c * along_y)
                forces[i, 2] = -HALF * inverse * total(_four_slopes(tz) * along)
            if values is not None:
                values[i] = value
            summed += value
        totals[s] = summed


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
