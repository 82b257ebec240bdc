"""Compiled CPU kernels of UMAP's expected forces; powers and logarithms are read off tables (`curve`)."""

from __future__ import annotations

import functools

import numpy as np
import torch
from numba import prange

from ne_interactive.forces import curve
from ne_interactive.forces.curve import strength
from ne_interactive.forces.strengths import Tabled
from ne_interactive.graph.parallel import parallel


@functools.lru_cache(maxsize=16)
def pulling(a: float, b: float) -> Tabled:
    """Strength and loss of an edge, which moves both its ends, over squared distances."""
    squared = torch.from_numpy(curve.nodes())
    pulls, losses = 2 * curve.pull(squared, a, b), torch.log1p(a * squared**b)
    return Tabled(pulls.float().numpy(), losses.float().numpy())


@functools.lru_cache(maxsize=16)
def pushing(a: float, b: float, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Strength of a negative and half its potential over squared distances."""
    squared, kernel = torch.from_numpy(curve.nodes()), (a, b, limit)
    return curve.limited(squared, *kernel).float().numpy(), (
        curve.potential(squared, *kernel) / 2
    ).float().numpy()


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
