"""Compiled CPU kernels of UMAP's sampled moves.

Powers and divisions are read off a table of each force's strength over squared distance. The table is even in the
exponent and linear in the mantissa, so that the bits of a float32 are the place in it; interpolated, it is within
0.002 % of the formula.
"""

import numpy as np
from numba import prange

from ne_interactive.forces.counter import draw
from ne_interactive.graph.parallel import parallel, serial

SHIFT = 15  # of a float32's bits to the entry: 256 entries for each doubling
REST = (1 << SHIFT) - 1
STEP = np.float32(2.0**-SHIFT)
FIRST, LAST = 107 << 8, 155 << 8  # 2^-20 and 2^28: beyond, strengths stay as at the ends


def nodes():
    """The squared distances of the entries, float64."""
    return (np.arange(FIRST, LAST + 1, dtype=np.int32) << SHIFT).view(np.float32).astype(np.float64)


@serial
def _strength(table, squared):
    bits = min(max(np.float32(squared).view(np.int32), FIRST << SHIFT), (LAST << SHIFT) - 1)
    place = (bits >> SHIFT) - FIRST
    low = table[place]
    return low + np.float32(bits & REST) * STEP * (table[place + 1] - low)


@serial
def _clip(x, limit):
    return min(max(x, -limit), limit)


@serial
def _pull_loss(squared, a, b):
    return np.log(np.float32(1) + a * squared**b)


@serial
def _push_loss(squared, a, b, eps):
    scaled = a * squared**b
    return np.log((np.float32(1) + scaled) / (scaled + eps))


@serial
def _fires(rate, iteration):
    return np.floor((iteration + 1) * rate) > np.floor(iteration * rate)


@parallel
def moves2(
    indptr,
    indices,
    values,
    inverse_peak,
    Z,
    tables,
    kernel,
    m,
    lr,
    key,
    iteration,
    part,
    parts,
    moved,
    losses,
):
    """`moves` in two dimensions."""
    (pulls, pushes), (a, b, eps, limit) = tables, kernel
    two, zero = np.float32(2), np.float32(0)
    n = len(Z)
    for i in prange(n):
        x, y = Z[i, 0], Z[i, 1]
        loss, pairs = zero, 0
        for e in range(indptr[i] + (part - indptr[i]) % parts, indptr[i + 1], parts):
            if not _fires(np.float64(values[e]) * inverse_peak, iteration):
                continue
            j = indices[e]
            dx, dy = x - Z[j, 0], y - Z[j, 1]
            squared = dx * dx + dy * dy
            pull = _strength(pulls, squared)
            fx, fy = -two * _clip(pull * dx, limit), -two * _clip(pull * dy, limit)
            if len(losses):
                loss += _pull_loss(squared, a, b)
                pairs += 1
            for number in range(m):
                j = draw(key, e, number, n)
                if j == i:
                    continue
                dx, dy = x - Z[j, 0], y - Z[j, 1]
                squared = dx * dx + dy * dy
                push = _strength(pushes, squared)
                fx += _clip(push * dx, limit)
                fy += _clip(push * dy, limit)
                if len(losses):
                    loss += _push_loss(squared, a, b, eps)
                    pairs += 1
            x += lr * fx
            y += lr * fy
        moved[i, 0] += x - Z[i, 0]
        moved[i, 1] += y - Z[i, 1]
        if len(losses):
            losses[i, 0] += loss
            losses[i, 1] += pairs


@parallel
def moves(
    indptr,
    indices,
    values,
    inverse_peak,
    Z,
    tables,
    kernel,
    m,
    lr,
    key,
    iteration,
    part,
    parts,
    moved,
    losses,
):
    """What the edges that fire and their negatives move each point by, in any number of dimensions.

    The moves are added to ``moved``; only every ``parts``-th edge is looked at, from ``part`` on. ``tables`` are the
    strengths of pull and push, ``kernel`` is (a, b, what keeps close pairs finite, limit of a component's move).
    """
    (pulls, pushes), (a, b, eps, limit) = tables, kernel
    two, zero = np.float32(2), np.float32(0)
    n, c = Z.shape
    for i in prange(n):
        loss, pairs = zero, 0
        at, force = np.empty(c, np.float32), np.empty(c, np.float32)
        for k in range(c):
            at[k] = Z[i, k]
        for e in range(indptr[i] + (part - indptr[i]) % parts, indptr[i + 1], parts):
            if not _fires(np.float64(values[e]) * inverse_peak, iteration):
                continue
            j = np.int64(indices[e])
            squared = _squared(at, Z, j)
            pull = _strength(pulls, squared)
            for k in range(c):
                force[k] = -two * _clip(pull * (at[k] - Z[j, k]), limit)
            if len(losses):
                loss += _pull_loss(squared, a, b)
                pairs += 1
            for number in range(m):
                j = draw(key, e, number, n)
                if j == i:
                    continue
                squared = _squared(at, Z, j)
                push = _strength(pushes, squared)
                for k in range(c):
                    force[k] += _clip(push * (at[k] - Z[j, k]), limit)
                if len(losses):
                    loss += _push_loss(squared, a, b, eps)
                    pairs += 1
            for k in range(c):
                at[k] += lr * force[k]
        for k in range(c):
            moved[i, k] += at[k] - Z[i, k]
        if len(losses):
            losses[i, 0] += loss
            losses[i, 1] += pairs


@serial
def _squared(at, Z, j):
    squared = np.float32(0)
    for k in range(len(at)):
        squared += (at[k] - Z[j, k]) * (at[k] - Z[j, k])
    return squared
