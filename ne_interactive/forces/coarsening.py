"""From a mesh to one of four times the spacing and back, exactly, for cubic B-splines.

A B-spline is a sum of B-splines of half its width (the two-scale relation; Chui, An Introduction to Wavelets, 1992).
So the charges of a fine mesh make the very density that spreading the points on the coarse mesh would make, and the
nodes of a coarse mesh the fine ones at which gathering gives the same. The compiled versions are held to torch's by
tests.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
import torch
from numba import prange
from torch import Tensor
from torch.nn.functional import pad

from ne_interactive.forces.compiled import compiled
from ne_interactive.graph.parallel import parallel

TIMES = 4  # as far apart: two halvings at once
AHEAD = 4  # fine nodes by which the coarse mesh begins before the fine one

_HALVED = np.array([1, 4, 6, 4, 1]) / 8
TAPS = np.convolve(_HALVED, np.kron(_HALVED, [1, 0])[:-1]).astype(np.float32)
MANY = len(TAPS)
_FILLED = np.pad(TAPS, (0, -MANY % TIMES))
FIRST = AHEAD + MANY // 2  # fine nodes from the first tap of a coarse node m to TIMES * m
BEHIND = (MANY - 1) // TIMES  # coarse nodes before the nearest that a fine node feels, at most


def counts(nodes: Sequence[int]) -> tuple[int, ...]:
    """Nodes of the coarse mesh: all whose splines touch the fine one's."""
    return tuple((count - 1 + FIRST) // TIMES + 1 for count in nodes)


def coarse(density: Tensor) -> Tensor:
    """The density of the same charges on the coarse mesh: `counts` of the nodes."""
    for dim, count in enumerate(counts(density.shape)):
        density = _along(density, dim, count, narrows=True)
    return density


def fine(potential: Tensor, nodes: Sequence[int]) -> Tensor:
    """The nodes of the fine mesh at which the potential is that of the coarse one everywhere."""
    for dim in range(potential.dim() - 1, -1, -1):
        potential = _along(potential, dim, nodes[dim], narrows=False)
    return potential


def _along(values: Tensor, dim: int, count: int, narrows: bool) -> Tensor:
    """One dimension made `count` nodes long."""
    if not compiled(values):
        return along_torch(values, dim, count, narrows)
    shape = list(values.shape)
    found = torch.empty([*shape[:dim], count, *shape[dim + 1 :]])
    if dim == len(shape) - 1:
        kernel = _narrow_last if narrows else _widen_last
        kernel(values.contiguous().view(-1, shape[dim]).numpy(), _FILLED, found.view(-1, count).numpy())
    else:
        kernel = _narrow if narrows else _widen
        lines = values.contiguous().view(math.prod(shape[:dim]), shape[dim], -1)
        kernel(lines.numpy(), TAPS, found.view(len(lines), count, -1).numpy())
    return found


def along_torch(values: Tensor, dim: int, count: int, narrows: bool) -> Tensor:
    """The reference for one dimension, on any device and in any precision."""
    values = values.movedim(dim, -1)
    return (_narrowed if narrows else _widened)(values, count).movedim(-1, dim).contiguous()


def _narrowed(values: Tensor, count: int) -> Tensor:
    """Coarse nodes along the last dimension: each the weighted sum of the fine ones that its taps touch."""
    after = TIMES * (count - 1) + MANY - FIRST - values.shape[-1]
    touched = pad(values, (FIRST, max(after, 0))).unfold(-1, MANY, TIMES)
    return touched[..., :count, :] @ _taps(values.device, values.dtype)[:MANY]


def _widened(values: Tensor, count: int) -> Tensor:
    """Fine nodes along the last dimension, by TIMES: the coarse ones before them, weighted by every fourth tap."""
    blocks, near = (FIRST + count - 1) // TIMES + 1, len(_FILLED) // TIMES
    felt = pad(values, (near - 1, max(blocks - values.shape[-1], 0))).unfold(-1, near, 1)[..., :blocks, :]
    found = felt @ _taps(values.device, values.dtype).view(near, TIMES).flip(0)
    return found.flatten(-2)[..., FIRST : FIRST + count]


@functools.lru_cache(maxsize=8)
def _taps(device: torch.device, dtype: torch.dtype) -> Tensor:
    """The taps, filled up with zeros to a multiple of TIMES."""
    return torch.from_numpy(_FILLED).to(device, dtype)


@parallel
def _narrow(lines, taps, found):
    outer, count, inner = found.shape
    n = lines.shape[1]
    for r in prange(outer * count):
        o, m = r // count, r % count
        row, begin = found[o, m], TIMES * m - FIRST
        row[:] = 0
        for j in range(max(-begin, 0), min(len(taps), n - begin)):
            for i in range(inner):
                row[i] += taps[j] * lines[o, begin + j, i]


@parallel
def _widen(lines, taps, found):
    outer, count, inner = found.shape
    for r in prange(outer * count):
        o, k = r // count, r % count
        row, begin = found[o, k], k + FIRST
        row[:] = 0
        for m in range((begin - len(taps)) // TIMES + 1, begin // TIMES + 1):
            for i in range(inner):
                row[i] += taps[begin - TIMES * m] * lines[o, m, i]


# The two along the last dimension, whose neighbours in memory are those that are summed: with zeros around a row no tap
# is a special case, and the loops over taps have no branch.


@parallel
def _narrow_last(rows, taps, found):
    count, step = found.shape[1], np.uint64(TIMES)
    for r in prange(len(rows)):
        row = np.zeros(FIRST + TIMES * count + MANY, np.float32)
        row[FIRST : FIRST + rows.shape[1]] = rows[r]
        for m in range(np.uint64(count)):
            total = np.float32(0)
            for j in range(np.uint64(MANY)):
                total += taps[j] * row[step * m + j]
            found[r, m] = total


@parallel
def _widen_last(rows, taps, found):
    count, n, step = rows.shape[1], found.shape[1], np.uint64(TIMES)
    for r in prange(len(rows)):
        row = np.zeros(count + 2 * BEHIND, np.float32)
        row[BEHIND : BEHIND + count] = rows[r]
        wide = np.empty(TIMES * (count + BEHIND), np.float32)
        for m in range(np.uint64(count + BEHIND)):
            for k in range(step):
                total = np.float32(0)
                for i in range(np.uint64(BEHIND + 1)):
                    total += taps[step * i + k] * row[m + np.uint64(BEHIND) - i]
                wide[step * m + k] = total
        found[r] = wide[FIRST : FIRST + n]
