"""Compiled CPU kernels of UMAP's expected forces; powers and logarithms are read off tables (`curve`)."""

from __future__ import annotations

import functools

import numpy as np
import torch
from numba import prange

from ne_interactive.forces import curve
from ne_interactive.forces.curve import strength
from ne_interactive.graph.parallel import parallel

TWO = np.float32(2)


@functools.lru_cache(maxsize=16)
def pulling(a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
    """Strength and loss of an edge over squared distances."""
    squared = torch.from_numpy(curve.nodes())
    return curve.pull(squared, a, b).float().numpy(), torch.log1p(a * squared**b).float().numpy()


@functools.lru_cache(maxsize=16)
def pushing(a: float, b: float, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Strength of a negative and half its potential over squared distances."""
    squared, kernel = torch.from_numpy(curve.nodes()), (a, b, limit)
    return curve.limited(squared, *kernel).float().numpy(), (
        curve.potential(squared, *kernel) / 2
    ).float().numpy()


@parallel
def attract2(order, indptr, ends, weights, borders, Z, tables, parts, gradient, stiffness, losses, want_loss):
    """Every edge computed once for both its ends, in two dimensions; each thread has sums of its own in ``parts``."""
    pulls, near = tables
    threads = len(parts)
    placed = np.empty((len(Z), 2), np.float32)
    for p in prange(len(order)):
        placed[p, 0], placed[p, 1] = Z[order[p], 0], Z[order[p], 1]
    for t in prange(threads):
        part = parts[t]
        part[:] = 0
        total = 0.0
        for p in range(borders[t], borders[t + 1]):
            x, y = placed[p, 0], placed[p, 1]
            fx, fy, held, loss = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
            for e in range(indptr[p], indptr[p + 1]):
                q = ends[e]
                dx, dy = x - placed[q, 0], y - placed[q, 1]
                squared = dx * dx + dy * dy
                w = weights[e] * strength(pulls, squared)
                fx += w * dx
                fy += w * dy
                held += w
                part[q, 0] -= w * dx
                part[q, 1] -= w * dy
                part[q, 2] += w
                if want_loss:
                    loss += weights[e] * strength(near, squared)
            part[p, 0] += fx
            part[p, 1] += fy
            part[p, 2] += held
            total += loss
        losses[t] = total
    for p in prange(len(order)):
        fx, fy, held = np.float32(0), np.float32(0), np.float32(0)
        for t in range(threads):
            fx += parts[t, p, 0]
            fy += parts[t, p, 1]
            held += parts[t, p, 2]
        gradient[order[p], 0], gradient[order[p], 1], stiffness[order[p]] = TWO * fx, TWO * fy, TWO * held


@parallel
def attract(indptr, indices, values, Z, tables, gradient, stiffness, losses, want_loss):
    """The same from both ends of every edge, in any number of dimensions."""
    pulls, near = tables
    c = Z.shape[1]
    for i in prange(len(Z)):
        held, loss = np.float32(0), np.float32(0)
        for k in range(c):
            gradient[i, k] = 0
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            squared = np.float32(0)
            for k in range(c):
                squared += (Z[i, k] - Z[j, k]) * (Z[i, k] - Z[j, k])
            w = TWO * values[e] * strength(pulls, squared)
            for k in range(c):
                gradient[i, k] += w * (Z[i, k] - Z[j, k])
            held += w
            if want_loss:
                loss += values[e] * strength(near, squared)
        stiffness[i], losses[i] = held, loss


@parallel
def repel(Z, tables, forces, potential):
    """Push and potential of all other points, pair by pair, in any number of dimensions."""
    pushes, far = tables
    n, c = Z.shape
    for i in prange(n):
        total = 0.0
        for k in range(c):
            forces[i, k] = 0
        for j in range(n):
            if j == i:
                continue
            squared = np.float32(0)
            for k in range(c):
                squared += (Z[i, k] - Z[j, k]) * (Z[i, k] - Z[j, k])
            push = strength(pushes, squared)
            for k in range(c):
                forces[i, k] += push * (Z[i, k] - Z[j, k])
            total += strength(far, squared)
        potential[i] = total
