"""Sums of the Gaussian kernel over near points only, found by sorting the points into cells.

For maps too wide for a mesh, and for points so far from all others that their sums underflow.
"""

from __future__ import annotations

import math

import numba
import numpy as np
import torch
from numba import prange
from torch import Tensor

from ne_interactive.forces import exact
from ne_interactive.forces.log_sums import log_sums
from ne_interactive.graph.exponential import exp_minus
from ne_interactive.graph.parallel import parallel, serial

CROWD = 2.0  # points a cell, on average
REACH = 4.5  # exp(-d^2) beyond it is below 2e-9
SLACK = 25.0  # terms smaller than exp(-SLACK) times a sum's largest are left out


class Cells:
    """Points sorted by the cell they lie in: all points of a box are a few runs of the sorted order.

    Args:
        Z: (n, c) float32 positions on the CPU, c in 1..3.
    """

    def __init__(self, Z: Tensor) -> None:
        points = torch.zeros(len(Z), 3, dtype=torch.float64)
        points[:, : Z.shape[1]] = Z
        low, high = points.aminmax(dim=0)
        extents = high - low
        wide = extents[extents > 0]
        side = float((wide.prod() * (CROWD / len(Z))) ** (1 / len(wide))) if len(wide) else 1.0
        side = max(side, float(extents.max()) / (len(Z) / CROWD), 1e-30)
        while math.prod(sizes := [int(extent / side) + 1 for extent in extents.tolist()]) > len(Z):
            side *= 1.25
        cell = ((points - low) / side).long().minimum(torch.tensor(sizes) - 1)
        number = (cell[:, 0] * sizes[1] + cell[:, 1]) * sizes[2] + cell[:, 2]
        self.order = torch.argsort(number, stable=True)
        counts = torch.bincount(number, minlength=math.prod(sizes))
        self.starts = torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)]).numpy()
        self.columns = points[self.order].t().contiguous().numpy()
        self.low, self.side, self.sizes, self.c = low.numpy(), side, np.array(sizes), Z.shape[1]

    def sums(self, charges: Tensor | None) -> tuple[Tensor, Tensor]:
        """`exact.sums` of the Gaussian kernel, left out beyond its reach."""
        n = len(self.order)
        q = torch.ones(n) if charges is None else charges[self.order]
        found = np.empty((n, 4), np.float32)
        _near_sums(self.columns, self.starts, self.sizes, self.low, self.side, q.numpy(), found)
        values = torch.empty(n, 4)
        values[self.order] = torch.from_numpy(found)
        return values[:, 0], values[:, 1 : 1 + self.c]

    def lone(self, lone: Tensor) -> tuple[Tensor, Tensor]:
        """The part that the points `lone` (n,) bool play in the row softmax of the Gaussian kernel.

        Returns:
            log sums (m,) float64 of these rows;  push (n, c): sum_j q_{j|i} (z_i - z_j) on each of them, and
            q_{i|j} (z_i - z_j) from each of them j on all others i.
        """
        rows = torch.nonzero(lone[self.order]).squeeze(1)
        found = np.empty(len(rows))
        shares = np.zeros((numba.get_num_threads(), 3, len(self.order)), np.float32)
        _lone(self.columns, self.starts, self.sizes, self.low, self.side, rows.numpy(), found, shares)
        push = torch.empty(len(self.order), self.c)
        push[self.order] = torch.from_numpy(shares).sum(0)[: self.c].t()
        logs = torch.empty(len(self.order), dtype=torch.float64)
        logs[self.order[rows]] = torch.from_numpy(found)
        return logs[lone], push


def lone_torch(Z: Tensor, lone: Tensor) -> tuple[Tensor, Tensor]:
    """The reference for `Cells.lone`: sums over all points, on any device, for any number of dimensions."""
    rows = torch.nonzero(lone).squeeze(1)
    logs = log_sums(Z, None, "gaussian", 1.0, rows)
    wide = Z.double()
    push = torch.zeros_like(wide)
    step = max(1, exact.TILE // max(len(Z), 1))
    for start in range(0, len(rows), step):
        own = rows[start : start + step]
        difference = wide[None] - wide[own, None]  # (rows, n, c): z_i - z_j of the lone j
        q = torch.exp((-difference.square().sum(2) - logs[start : start + step, None]).clamp(max=0))
        moved = q.unsqueeze(2) * difference
        push += moved.sum(0)
        push.index_add_(0, own, -moved.sum(1))
    return logs, push.to(Z.dtype)


@serial
def _span(columns, i, low, side, sizes, radius, k):
    """First and last cell along dimension k of the box around point i."""
    x = columns[k, i] - low[k]
    last = sizes[k] - 1
    first = np.int64(max(min((x - radius) / side, np.float64(last)), 0.0))
    return first, np.int64(max(min((x + radius) / side, np.float64(last)), 0.0))


@serial
def _nearest(columns, starts, sizes, low, side, i, squared):
    """Squared distance from point i to its nearest other point."""
    radius = side
    while True:
        a0, a1 = _span(columns, i, low, side, sizes, radius, 0)
        b0, b1 = _span(columns, i, low, side, sizes, radius, 1)
        c0, c1 = _span(columns, i, low, side, sizes, radius, 2)
        best = 1e300
        for a in range(a0, a1 + 1):
            for b in range(b0, b1 + 1):
                row = (a * sizes[1] + b) * sizes[2]
                start, end = starts[row + c0], starts[row + c1 + 1]
                while start < end:
                    count = exact.distances_from(columns, i, columns[:, :end], start, squared)
                    if start <= i < start + count:
                        squared[i - start] = 1e300
                    for t in range(count):
                        best = min(best, squared[t])
                    start += count
        whole = a1 - a0 + 1 == sizes[0] and b1 - b0 + 1 == sizes[1] and c1 - c0 + 1 == sizes[2]
        if best <= radius * radius or whole:
            return best
        # a little more than the distance: a rounded root would never pass the test above
        radius = 2 * radius if best > 4 * radius * radius else np.sqrt(best) * 1.000001


@parallel
def _lone(columns, starts, sizes, low, side, rows, found, shares):
    m, threads = len(rows), len(shares)
    for s in prange(threads):
        squared, q = np.empty(exact.BLOCK), np.empty(exact.BLOCK, np.float32)
        push = shares[s]
        for r in range(s * m // threads, (s + 1) * m // threads):
            j = rows[r]
            best = _nearest(columns, starts, sizes, low, side, j, squared)
            radius = np.sqrt(best + SLACK)
            a0, a1 = _span(columns, j, low, side, sizes, radius, 0)
            b0, b1 = _span(columns, j, low, side, sizes, radius, 1)
            c0, c1 = _span(columns, j, low, side, sizes, radius, 2)
            total = -1.0  # the point itself, below counted as a term of 1
            for turn in range(2):
                log_total = np.log(max(total, 1.0))
                for a in range(a0, a1 + 1):
                    for b in range(b0, b1 + 1):
                        row = (a * sizes[1] + b) * sizes[2]
                        start, end = starts[row + c0], starts[row + c1 + 1]
                        while start < end:
                            count = exact.distances_from(columns, j, columns[:, :end], start, squared)
                            if start <= j < start + count:
                                squared[j - start] = best
                            for t in range(count):
                                q[t] = exp_minus(np.float32(squared[t] - best + turn * log_total))
                            if turn == 0:
                                part = np.float32(0)
                                for t in range(count):
                                    part += q[t]
                                total += part
                            else:
                                for k in range(3):
                                    x = columns[k, j]
                                    back = np.float32(0)
                                    for t in range(count):
                                        moved = q[t] * np.float32(columns[k, start + t] - x)
                                        push[k, start + t] += moved
                                        back += moved
                                    push[k, j] -= back
                            start += count
            found[r] = np.log(max(total, 1.0)) - best


@parallel
def _near_sums(columns, starts, sizes, low, side, charges, found):
    for i in prange(columns.shape[1]):
        squared, w = np.empty(exact.BLOCK), np.empty(exact.BLOCK, np.float32)
        a0, a1 = _span(columns, i, low, side, sizes, REACH, 0)
        b0, b1 = _span(columns, i, low, side, sizes, REACH, 1)
        c0, c1 = _span(columns, i, low, side, sizes, REACH, 2)
        total, force = 0.0, np.zeros(3)
        for a in range(a0, a1 + 1):
            for b in range(b0, b1 + 1):
                row = (a * sizes[1] + b) * sizes[2]
                start, end = starts[row + c0], starts[row + c1 + 1]
                while start < end:
                    count = exact.distances_from(columns, i, columns[:, :end], start, squared)
                    for t in range(count):
                        w[t] = exp_minus(np.float32(squared[t])) * charges[start + t]
                    if start <= i < start + count:
                        w[i - start] = 0
                    for t in range(count):
                        total += w[t]
                        for k in range(3):
                            force[k] += w[t] * (columns[k, i] - columns[k, start + t])
                    start += count
        found[i, 0] = total
        for k in range(3):
            found[i, k + 1] = force[k]
