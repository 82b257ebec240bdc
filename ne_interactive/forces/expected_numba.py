"""Compiled CPU kernels of UMAP's expected forces; powers and logarithms are read off tables (`curve`)."""

from __future__ import annotations

import functools

import numpy as np
import torch
from numba import prange

from ne_interactive.forces import curve
from ne_interactive.forces.curve import strength
from ne_interactive.graph.parallel import NEXT, parallel

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
def attract2(order, indptr, ends, weights, borders, placed, tables, gradient, stiffness, losses, want_loss):
    """In two dimensions, in the order of `Graph.edges`; positions and gradient are `planar`."""
    pulls, near = tables
    for t in prange(len(losses)):
        total = 0.0
        for p in range(borders[t], borders[t + 1]):
            x, y = placed[p].real, placed[p].imag
            fx, fy, held, loss = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
            for e in range(indptr[p], indptr[p + NEXT]):
                other = placed[ends[e]]
                dx, dy = x - other.real, y - other.imag
                w = weights[e] * strength(pulls, dx * dx + dy * dy)
                fx += w * dx
                fy += w * dy
                held += w
            if want_loss:  # in a loop of its own, as in `attraction`
                for e in range(indptr[p], indptr[p + NEXT]):
                    other = placed[ends[e]]
                    dx, dy = x - other.real, y - other.imag
                    loss += weights[e] * strength(near, dx * dx + dy * dy)
            gradient[order[p]] = complex(TWO * fx, TWO * fy)
            stiffness[order[p]] = TWO * held
            total += loss
        losses[t] = total


@parallel
def attract(indptr, indices, values, Z, tables, gradient, stiffness, losses, want_loss):
    """In any number of dimensions, in the order of the points."""
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
            for e in range(indptr[i], indptr[i + 1]):
                j = indices[e]
                squared = np.float32(0)
                for k in range(c):
                    squared += (Z[i, k] - Z[j, k]) * (Z[i, k] - Z[j, k])
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
