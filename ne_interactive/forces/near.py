"""The near part of the Student kernel, pair by pair, where a mesh that resolves the kernel has too many nodes.

That is so in three dimensions, and in two where there is much room for few points. So the kernel w is split
(particle-particle particle-mesh; Hockney and Eastwood, Computer Simulation Using Particles, 1988). Within a reach the
mesh gets the first three terms of the kernel's Taylor series about the reach, a polynomial of d^2,

    f = (1 + reach^2/dof)^-dof (1 + dof u + dof (dof + 1) u^2 / 2),  u = (reach^2 - d^2) / (dof + reach^2),

and the rest, w - f, is summed here over the pairs within the reach; for dof = 1 it is w u^3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numba import prange
from torch import Tensor

from ne_interactive.graph.exponential import exp_minus, logarithm
from ne_interactive.graph.parallel import parallel, serial

# Candidates a point on average, beyond which they would take longer than a fine mesh; usual are 60 and 250.
CROWD = {2: 1000, 3: 5000}
SAMPLED = 64  # every so many-th point's candidates are counted
CELLS = 2**22
PARTS = (
    1,
    1,
    8,
)  # cells in a reach: along the last dimension they are taken in one run, the longer the quicker
SLICES = 64  # in which the points are taken, so that sums do not depend on the number of threads
TOGETHER, ALONG = 16, 8  # points, in so many more cells of a run, whose candidates are brought together once
ROOM, WIDE = 1024, 16  # for candidates side by side; filled up to what a vectorised loop takes in a turn
FAR = np.float32(1e15)  # where what fills up lies, without a charge


def far_kernel(squared: Tensor, dof: float, reach: float) -> Tensor:
    """What the mesh keeps of the kernel, f."""
    u = (reach**2 - squared) / (dof + reach**2)
    series = (1 + reach**2 / dof) ** -dof * (1 + dof * u * (1 + (dof + 1) / 2 * u))
    return torch.where(u > 0, series, (1 + squared / dof) ** -dof)


class Near:
    """The points sorted into cells, for sums over those within the reach of each other.

    In two dimensions the middle one of three coordinates is 0: cells of the last one are taken in one run there, too.

    Args:
        Z: (n, 2 or 3) float32 positions on the CPU.
        low: the least coordinates.
        extents: what is between them and the largest.
        reach: embedding units.
    """

    def __init__(self, Z: Tensor, low: Sequence[float], extents: Sequence[float], reach: float) -> None:
        self._flat = Z.shape[1] == 2
        if self._flat:
            Z = torch.stack([Z[:, 0], torch.zeros_like(Z[:, 0]), Z[:, 1]], 1)
            (a, b), (across, along) = low, extents
            low, extents = (a, 0.0, b), (across, 0.0, along)
        sides = [reach / parts for parts in PARTS]
        while math.prod(sizes := [int(e / side) + 1 for e, side in zip(extents, sides, strict=True)]) > CELLS:
            sides = [1.25 * side for side in sides]
        self.reach = reach
        self._low, self._sizes, self._sides = (
            np.array(low, np.float32),
            np.array(sizes),
            np.array(sides, np.float32),
        )
        n = len(Z)
        self._starts = np.zeros(math.prod(sizes) + 1, np.int32)
        self._order, self._columns = np.empty(n, np.int32), np.empty((3, n), np.float32)
        self._cells = np.empty(n, np.int32)
        _place(Z.numpy(), self._low, self._sides, self._sizes, self._cells)
        _sort(Z.numpy(), self._cells, self._starts, self._order, self._columns)

    def crowded(self) -> bool:
        """Whether the points have so many others about them that the pairs would take too long."""
        return _crowd(self._columns, *self._box(), SAMPLED) > CROWD[2 if self._flat else 3]

    def forces(self, dof: float) -> tuple[Tensor, float]:
        """The near part of the forces, (n, c), and of the kernel summed over all pairs i != j."""
        potential, field = self.field(None, dof, True)
        assert field is not None
        return field, float(potential.double().sum())

    def field(self, charges: Tensor | None, dof: float, want_field: bool) -> tuple[Tensor, Tensor | None]:
        """The near part of the potential (n,) and of the field (n, c) of charges (n,), 1 where not given."""
        n = len(self._order)
        sources = np.ones(n, np.float32) if charges is None else charges.numpy()[self._order]
        found = np.empty((n, 4), np.float32)
        _sum(self._columns, sources, self._order, self._cells, *self._box(), np.float32(dof), found)
        values = torch.from_numpy(found)
        field = values[:, 1::2] if self._flat else values[:, 1:]
        return values[:, 0].contiguous(), field.contiguous() if want_field else None

    def _box(self) -> tuple:
        return self._starts, self._sizes, self._low, self._sides, np.float32(self.reach)


@parallel
def _place(Z, low, sides, sizes, cells):
    for i in prange(len(Z)):
        number = 0
        for k in range(3):
            number = number * sizes[k] + _cell(Z[i, k], low[k], sides[k], sizes[k])
        cells[i] = number


@serial
def _sort(Z, cells, starts, order, columns):
    """Counting sort: points of a cell follow each other in the order of their index."""
    for cell in cells:
        starts[cell + 1] += 1
    for c in range(1, len(starts)):
        starts[c] += starts[c - 1]
    fill = starts[:-1].copy()
    for i in range(len(Z)):
        place = fill[cells[i]]
        fill[cells[i]] += 1
        order[place] = i
        for k in range(3):
            columns[k, place] = Z[i, k]


@serial
def _cell(x, low, side, size):
    return min(int((x - low) / side), size - 1)


@serial
def _span(least, most, low, side, size, reach):
    """First and last cell along one dimension within the reach of coordinates."""
    first, last = max(least - reach, low), max(most + reach, low)
    return _cell(first, low, side, size), _cell(last, low, side, size)


@serial
def _gap(least, most, low, side, cell):
    """From coordinates to the nearest side of a cell; a trifle less, for rounding."""
    below, above = low + side * np.float32(cell), low + side * np.float32(cell + 1)
    return max(max(below - most, least - above) - np.float32(1e-3) * side, np.float32(0))


@serial
def _ends(values, first, after):
    low = high = values[first]
    for i in range(first + 1, after):
        low, high = min(low, values[i]), max(high, values[i])
    return low, high


@parallel
def _crowd(columns, starts, sizes, low, sides, reach, every):
    """Points in the cells about a point, on average."""
    n = columns.shape[1]
    total, count = 0, (n + every - 1) // every
    for s in prange(count):
        i = s * every
        a0, a1 = _span(columns[0, i], columns[0, i], low[0], sides[0], sizes[0], reach)
        b0, b1 = _span(columns[1, i], columns[1, i], low[1], sides[1], sizes[1], reach)
        c0, c1 = _span(columns[2, i], columns[2, i], low[2], sides[2], sizes[2], reach)
        for a in range(a0, a1 + 1):
            for b in range(b0, b1 + 1):
                row = (a * sizes[1] + b) * sizes[2]
                total += starts[row + c1 + 1] - starts[row + c0]
    return total / count


@serial(divides=True)
def _cauchy(near, held, x, y, z, limit, inverse):
    """Potential and field of the candidates at (x, y, z), where dof is 1: a loop that is vectorised."""
    one, zero, three = np.float32(1), np.float32(0), np.float32(3)
    X, Y, W, Q = near[0], near[1], near[2], near[3]
    value, fx, fy, fz = zero, zero, zero, zero
    for t in range(held):
        dx, dy, dz = x - X[t], y - Y[t], z - W[t]
        squared = dx * dx + dy * dy + dz * dz
        u = max(limit - squared, zero) * inverse
        base = one / (one + squared)
        w = Q[t] * base * u * u
        value += w * u
        strength = w * (base * u + three * inverse)
        fx += strength * dx
        fy += strength * dy
        fz += strength * dz
    return value, fx, fy, fz


@serial(divides=True)
def _student(near, held, x, y, z, limit, inverse, dof, at_reach):
    """The same for any dof."""
    one, zero, two = np.float32(1), np.float32(0), np.float32(2)
    X, Y, W, Q = near[0], near[1], near[2], near[3]
    value, fx, fy, fz = zero, zero, zero, zero
    for t in range(held):
        dx, dy, dz = x - X[t], y - Y[t], z - W[t]
        squared = dx * dx + dy * dy + dz * dz
        charge = Q[t] if squared < limit else zero
        u = max(limit - squared, zero) * inverse
        stretched = one + squared / dof
        w = exp_minus(dof * logarithm(stretched))
        more = (dof + one) * u
        value += charge * (w - at_reach * (one + dof * u * (one + more / two)))
        strength = charge * (w / stretched - at_reach * dof * inverse * (one + more))
        fx += strength * dx
        fy += strength * dy
        fz += strength * dz
    return value, fx, fy, fz


@serial
def _feel(columns, first, after, near, held, limit, inverse, dof, at_reach, sums):
    """Add what these points feel of the candidates that were brought together."""
    filled = (held + WIDE - 1) // WIDE * WIDE
    near[:3, held:filled], near[3, held:filled] = FAR, 0
    for i in range(first, after):
        x, y, z = columns[0, i], columns[1, i], columns[2, i]
        if dof == np.float32(1):
            part = _cauchy(near, filled, x, y, z, limit, inverse)
        else:
            part = _student(near, filled, x, y, z, limit, inverse, dof, at_reach)
        for k in range(4):
            sums[i - first, k] += part[k]


@parallel
def _sum(columns, sources, order, cells, starts, sizes, low, sides, reach, dof, found):
    """Points of a run have nearly the same candidates: side by side and filled up, a loop without a rest."""
    one, zero = np.float32(1), np.float32(0)
    n = columns.shape[1]
    limit = reach * reach
    inverse = one / (dof + limit)
    at_reach = (one / (one + limit / dof)) ** dof
    u = limit * inverse
    own = one - at_reach * (one + dof * u * (one + (dof + one) * u / np.float32(2)))
    for s in prange(SLICES):
        near, sums = np.empty((4, ROOM), np.float32), np.empty((TOGETHER, 4), np.float32)
        first, end = s * n // SLICES, (s + 1) * n // SLICES
        while first < end:
            cell = cells[order[first]]
            last = min(cell + ALONG, cell - cell % sizes[2] + sizes[2] - 1)  # of the run
            after = min(first + TOGETHER, end, starts[last + 1])
            x0, x1 = _ends(columns[0], first, after)
            y0, y1 = _ends(columns[1], first, after)
            z0, z1 = _ends(columns[2], first, after)
            a0, a1 = _span(x0, x1, low[0], sides[0], sizes[0], reach)
            b0, b1 = _span(y0, y1, low[1], sides[1], sizes[1], reach)
            sums[:] = zero
            held = 0
            for a in range(a0, a1 + 1):
                across = _gap(x0, x1, low[0], sides[0], a) ** 2
                for b in range(b0, b1 + 1):
                    rest = limit - across - _gap(y0, y1, low[1], sides[1], b) ** 2
                    if rest < zero:
                        continue
                    c0, c1 = _span(z0, z1, low[2], sides[2], sizes[2], np.sqrt(rest))
                    row = (a * sizes[1] + b) * sizes[2]
                    t, stop = starts[row + c0], starts[row + c1 + 1]
                    while t < stop:
                        took = min(stop - t, ROOM - held)
                        for q in range(took):
                            for k in range(3):
                                near[k, held + q] = columns[k, t + q]
                            near[3, held + q] = sources[t + q]
                        t += took
                        held += took
                        if held == ROOM:
                            _feel(columns, first, after, near, held, limit, inverse, dof, at_reach, sums)
                            held = 0
            _feel(columns, first, after, near, held, limit, inverse, dof, at_reach, sums)
            for i in range(first, after):
                j = order[i]
                found[j, 0] = sums[i - first, 0] - own * sources[i]
                for k in range(1, 4):
                    found[j, k] = sums[i - first, k]
            first = after
