"""Random partners from a point's surroundings in the map (LocalMAP, arXiv:2412.15426), and their repulsion."""

from __future__ import annotations

import math

import numpy as np
import torch
from numba import prange
from torch import Tensor

from ne_interactive.forces.compiled import compiled
from ne_interactive.forces.counter import draw, draw_torch
from ne_interactive.forces.planar import apart, planar
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.parallel import parallel, serial

TRIES = 100
SLICES = 8
BLOCK = 4  # draws at once


def nearby(
    Z: Tensor, partners: Tensor, graph: Graph, key: int, distance: float, share: float = 1.0
) -> Tensor:
    """Draw every point's partners anew from the points within a distance.

    Args:
        Z: (n, c) positions.
        partners: (n, m) int64, at most 300 a point; one is kept where none of 100 random points is near enough.
        graph: neighbours, which are not drawn.
        key: of the random draws.
        distance: embedding units.
        share: of the partners that are drawn from near; the others from anywhere.

    Returns:
        (n, m) int64.
    """
    n, m = partners.shape
    if n < 2 or m == 0:
        return partners
    if not compiled(Z):
        return nearby_torch(Z, partners, graph, key, distance, share)
    found = np.empty((n, m), np.int64)
    indptr, indices, _ = graph.arrays()
    local, reach = round(share * m), np.float32(distance) ** 2
    _nearby(planar(Z.numpy()), partners.numpy(), indptr, indices, np.uint64(key), reach, local, found)
    return torch.from_numpy(found)


def nearby_torch(
    Z: Tensor, partners: Tensor, graph: Graph, key: int, distance: float, share: float = 1.0
) -> Tensor:
    """The reference for `nearby`, on any device and in any precision."""
    n, m = partners.shape
    edges = graph.rows * n + graph.indices.long()  # ascending, as rows and columns are
    points = torch.arange(n, device=Z.device)[:, None].expand(n, m)
    slots = torch.arange(m, device=Z.device).expand(n, m)
    reach = torch.where(slots < round(share * m), distance**2, torch.inf)
    found, done = partners.clone(), torch.zeros_like(partners, dtype=torch.bool)
    for t in range(TRIES):
        drawn = draw_torch(key, points, slots * TRIES + t, n)
        pair = points * n + drawn
        place = torch.searchsorted(edges, pair).clamp(max=max(len(edges) - 1, 0))
        known = edges[place] == pair if len(edges) else torch.zeros_like(done)
        near = (Z[points] - Z[drawn]).square().sum(2) <= reach
        taken = near & ~known & (drawn != points) & ~done
        found[taken] = drawn[taken]
        done |= taken
    return found


def pushed(partners: Tensor, Z: Tensor) -> Tensor:
    """The loss, 1 / (2 + d^2) summed over points and partners (n, m), differentiable at Z (n, c)."""
    return (1 / (2 + (Z.unsqueeze(1) - Z[partners]).square().sum(2))).sum()


def push(partners: Tensor, Z: Tensor, want_loss: bool) -> tuple[Tensor, float]:
    """Gradient (n, c) of the loss at Z, at both ends of every pair, and the loss (nan if not wanted)."""
    if not compiled(Z):
        return push_torch(partners, Z, want_loss)
    gradient, losses = torch.empty_like(Z), np.empty(SLICES)
    drawn, parts = partners.numpy().view(np.uint64), np.empty((SLICES, *Z.shape), np.float32)
    kernel = _push2 if Z.shape[1] == 2 else _push
    kernel(planar(Z.numpy()), drawn, planar(parts), losses, planar(gradient.numpy()))
    return gradient, float(losses.sum()) if want_loss else math.nan


def push_torch(partners: Tensor, Z: Tensor, want_loss: bool) -> tuple[Tensor, float]:
    """The reference for `push`, on any device and in any precision."""
    difference = Z.unsqueeze(1) - Z[partners]
    inverse = 1 / (2 + difference.square().sum(2, keepdim=True))
    slopes = -2 * inverse.square() * difference
    gradient = slopes.sum(1).index_add_(0, partners.flatten(), slopes.flatten(0, 1), alpha=-1)
    return gradient, float(inverse.double().sum()) if want_loss else math.nan


@parallel
def _push2(Z, partners, parts, losses, gradient):
    """`_push` in two dimensions; positions, parts and gradient are `planar`."""
    n, slices = len(Z), len(parts)
    one, two = np.float32(1), np.float32(2)
    for s in prange(slices):
        part = parts[s]
        part[:] = 0
        total = 0.0
        for i in range(s * n // slices, (s + 1) * n // slices):
            x, y = Z[i].real, Z[i].imag
            gx, gy = np.float32(0), np.float32(0)
            for j in partners[i]:
                other = Z[j]
                dx, dy = x - other.real, y - other.imag
                inverse = one / (two + dx * dx + dy * dy)
                total += inverse
                slope = two * inverse * inverse
                gx += slope * dx
                gy += slope * dy
                part[j] += complex(slope * dx, slope * dy)
            part[i] -= complex(gx, gy)
        losses[s] = total
    for i in prange(n):
        added = np.complex64(0)
        for s in range(slices):
            added += parts[s, i]
        gradient[i] = added


@parallel
def _push(Z, partners, parts, losses, gradient):
    """Each slice of the points has sums of its own, added up in order: the same on any number of threads."""
    n, c = Z.shape
    slices = len(parts)
    one, two = np.float32(1), np.float32(2)
    for s in prange(slices):
        part = parts[s]
        part[:] = 0
        total = 0.0
        for i in range(s * n // slices, (s + 1) * n // slices):
            for j in partners[i]:
                D = two
                for k in range(c):
                    D += (Z[i, k] - Z[j, k]) * (Z[i, k] - Z[j, k])
                inverse = one / D
                total += inverse
                slope = two * inverse * inverse
                for k in range(c):
                    step = slope * (Z[i, k] - Z[j, k])
                    part[i, k] -= step
                    part[j, k] += step
        losses[s] = total
    for i in prange(n):
        for k in range(c):
            added = np.float32(0)
            for s in range(slices):
                added += parts[s, i, k]
            gradient[i, k] = added


@serial
def _among(indices, low, high, j):
    """Whether j is one of these indices: there are few, and what asks all of them does not branch."""
    found = False
    for e in range(low, high):
        found |= indices[e] == j
    return found


@parallel
def _nearby(Z, partners, indptr, indices, key, reach, local, found):
    n, m = partners.shape
    for i in prange(n):
        for slot in range(m):
            found[i, slot] = partners[i, slot]
            t = 0
            while t < TRIES:
                last, drawn = t + BLOCK - 1, i
                for b in range(BLOCK):  # of some draws the first that is near, found without a branch
                    later = t + BLOCK - 1 - b
                    j = draw(key, i, slot * TRIES + later, n)
                    near = ((apart(Z, i, j) <= reach) | (slot >= local)) & (later < TRIES)
                    last, drawn = (later, j) if near else (last, drawn)
                t = last + 1
                if drawn != i and not _among(indices, indptr[i], indptr[i + 1], drawn):
                    found[i, slot] = drawn
                    break
