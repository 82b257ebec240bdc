"""Repulsion of random pairs without random access: the points stand on a ring in random order.

The partners of a point are those some fixed numbers of places further round the ring, and so, seen from there, as many
places back. Every pair of points is equally likely to be one, every point is in as many as any other, and the pairs at
one offset are two contiguous stretches of memory.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numba import prange
from torch import Tensor

from ne_interactive.data.seeds import generator
from ne_interactive.forces.compiled import compiled
from ne_interactive.forces.scalars import Scalar
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.parallel import parallel

BLOCK = 1024  # places of the ring whose sums are in the cache at once
ENTRIES = 2**26  # numbers in one piece of the torch version


class Ring(NamedTuple):
    """Random pairs of n points.

    Attributes:
        order: (n,) int64, the point at each place.
        offsets: (m,) int64, different, in [1, (n - 1) / 2]: how many places further a partner stands.
    """

    order: Tensor
    offsets: Tensor

    def to(self, device: torch.device) -> Ring:
        """The ring on a device."""
        return Ring(self.order.to(device), self.offsets.to(device))

    @property
    def shifts(self) -> Tensor:
        """Places further at which the partners in both directions stand, (2m,)."""
        return torch.cat([self.offsets, len(self.order) - self.offsets])


def ring_of(n: int, m: int, seed: int) -> Ring:
    """m pairs a point, or as many as there are; of two rings of one seed the smaller is a part of the other."""
    draw = generator(seed, "ring")
    order = torch.randperm(n, generator=draw)
    return Ring(order, torch.randperm((n - 1) // 2, generator=draw)[:m] + 1)


def partners(ring: Ring) -> Tensor:
    """The partners of every point that stand further round the ring, (n, m) int64."""
    n = len(ring.order)
    places = torch.arange(n, device=ring.order.device).unsqueeze(1) + ring.offsets
    found = torch.empty_like(places)
    found[ring.order] = ring.order[places % n]
    return found


def shared(ring: Ring, graph: Graph) -> Graph:
    """The pairs that are edges of a graph too, each counted once."""
    n = graph.n
    place = torch.empty_like(ring.order)
    place[ring.order] = torch.arange(n, device=place.device)
    paired = torch.zeros(n, dtype=torch.bool, device=place.device)
    paired[ring.shifts] = True
    columns = graph.indices.long()
    both = paired[(place[columns] - place[graph.rows]) % n]
    counts = torch.bincount(graph.rows[both], minlength=n)
    indptr = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    return Graph(indptr, graph.indices[both], torch.ones_like(graph.values[both]))


def pushed(ring: Ring, Z: Tensor) -> Tensor:
    """The loss, the sum over pairs of 1 / (2 + d^2), differentiable at Z (n, c)."""
    W = Z[ring.order]
    places = torch.arange(len(W), device=W.device) + ring.offsets.unsqueeze(1)
    return (1 / (2 + (W - W[places % len(W)]).square().sum(2))).sum()


def push(ring: Ring, Z: Tensor, want_loss: bool) -> tuple[Tensor, Scalar]:
    """Gradient (n, c) of the loss at Z, and the loss, nan if not wanted; torch's stays on its device."""
    if not compiled(Z):
        return push_torch(ring, Z, want_loss)
    n, c = Z.shape
    gradient = torch.empty_like(Z)
    W = np.empty((c, 2 * n), np.float32)
    losses = np.zeros((n + BLOCK - 1) // BLOCK)
    kernel = _push2 if c == 2 else _push
    kernel(Z.numpy(), ring.order.numpy(), ring.shifts.numpy(), W, gradient.numpy(), losses)
    return gradient, float(losses.sum()) / 2 if want_loss else math.nan


def push_torch(ring: Ring, Z: Tensor, want_loss: bool) -> tuple[Tensor, Scalar]:
    """The reference for `push`, on any device and in any precision."""
    n = len(Z)
    W, G, total = Z[ring.order], torch.zeros_like(Z), 0.0 if want_loss else math.nan
    own = torch.arange(n, device=Z.device)
    for shifts in ring.shifts.split(max(1, ENTRIES // Z.numel())):
        difference = W - W[(own + shifts.unsqueeze(1)) % n]
        inverse = 1 / (2 + difference.square().sum(2, keepdim=True))
        G -= (2 * inverse.square() * difference).sum(0)
        total = total + inverse.double().sum() if want_loss else total
    gradient = torch.empty_like(Z)
    gradient[ring.order] = G
    return gradient, total / 2


# The loops over a block are written out: only where their arrays are known to be apart are they vectorised.


@parallel
def _push2(Z, order, shifts, W, gradient, losses):
    n, one, two = len(Z), np.float32(1), np.float32(2)
    X, Y = W[0], W[1]
    for r in prange(n):
        X[r], Y[r] = Z[order[r], 0], Z[order[r], 1]
        X[n + r], Y[n + r] = X[r], Y[r]  # twice round: no stretch wraps
    for block in prange(len(losses)):
        low, high = block * BLOCK, min(n, (block + 1) * BLOCK)
        gx, gy = np.zeros(high - low, np.float32), np.zeros(high - low, np.float32)
        x, y, total = X[low:high], Y[low:high], 0.0
        for shift in shifts:
            there_x, there_y = X[low + shift : high + shift], Y[low + shift : high + shift]
            loss = np.float32(0)
            for r in range(high - low):
                dx, dy = x[r] - there_x[r], y[r] - there_y[r]
                inverse = one / (two + dx * dx + dy * dy)
                loss += inverse
                slope = inverse * inverse
                gx[r] += slope * dx
                gy[r] += slope * dy
            total += loss
        losses[block] = total
        for r in range(high - low):
            i = order[low + r]
            gradient[i, 0], gradient[i, 1] = -two * gx[r], -two * gy[r]


@parallel
def _push(Z, order, shifts, W, gradient, losses):
    n, c = Z.shape
    one, two = np.float32(1), np.float32(2)
    for r in prange(n):
        for k in range(c):
            W[k, r] = Z[order[r], k]
            W[k, n + r] = W[k, r]
    for block in prange(len(losses)):
        low, high = block * BLOCK, min(n, (block + 1) * BLOCK)
        G, D = np.zeros((c, high - low), np.float32), np.empty(high - low, np.float32)
        total = 0.0
        for shift in shifts:
            D[:] = two
            for k in range(c):
                x, there = W[k][low:high], W[k][low + shift : high + shift]
                for r in range(high - low):
                    D[r] += (x[r] - there[r]) * (x[r] - there[r])
            loss = np.float32(0)
            for r in range(high - low):
                inverse = one / D[r]
                loss += inverse
                D[r] = inverse * inverse
            total += loss
            for k in range(c):
                x, there, g = W[k][low:high], W[k][low + shift : high + shift], G[k]
                for r in range(high - low):
                    g[r] += D[r] * (x[r] - there[r])
        losses[block] = total
        for r in range(high - low):
            for k in range(c):
                gradient[order[low + r], k] = -two * G[k, r]
