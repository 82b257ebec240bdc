"""Compiled CPU kernels of UMAP's sampled moves; powers, logarithms and divisions are read off tables (`curve`)."""

import numpy as np
from numba import prange

from ne_interactive.forces.counter import draw
from ne_interactive.forces.curve import strength
from ne_interactive.graph.parallel import parallel, serial

ALL = (1 << 31) - 1  # bits of a rate's fraction
SLICES = 64  # of the points, which threads take one after another; they change no result


@serial
def _clip(x, limit):
    return min(max(x, -limit), limit)


@serial
def _firing(values, first, end, step, scale, iteration, active):
    """The edges of a row that fire at this iteration, in order: how many; ``active`` keeps their places.

    An edge of rate q / 2^31 fires wherever q times the iteration passes a whole number. Nothing branches on it.
    """
    count = 0
    for e in range(first, end, step):
        q = np.int64(np.float64(values[e]) * scale + 0.5)
        active[count] = e
        count += (((iteration * q) & ALL) + q) >> 31
    return count


@serial
def _block(key, e, number, n, own, size):
    """The places of the negatives that an edge draws: from one on up to another, and behind the point's own the rest.

    Read in a row, they cost one miss of the cache.
    """
    start = own + 1 + draw(key, e, number, n - 1)
    start -= n if start >= n else 0
    own += 0 if own >= start else n
    middle = min(start + size, own)
    again = np.uint64(own + 1)
    return np.uint64(start), np.uint64(middle), again, again + np.uint64(start + size - middle)


@serial
def _longest(indptr, first, end):
    longest = np.int64(0)
    for i in range(first, end):
        longest = max(longest, indptr[i + 1] - indptr[i])
    return longest


@parallel
def gathered(Z, order, crowd):
    """Positions of the points (n, c) in another order, and of the first ones again behind them."""
    n = len(Z)
    for place in prange(len(crowd)):
        i = order[np.int64(place) % n]
        for k in range(Z.shape[1]):
            crowd[place, k] = Z[i, k]


@parallel
def moves2(
    indptr, indices, values, scale, Z, crowd, places, tables, limit, m, key, iteration, part, parts, lr, moved
):
    """`moves` in two dimensions, for fewer negatives than there are points."""
    pulls, pushes = tables
    two = np.float32(2)
    n = len(Z)
    slices = min(n, SLICES)
    for s in prange(slices):
        low, high = s * n // slices, (s + 1) * n // slices
        active = np.empty(_longest(indptr, low, high) + 1, np.uint64)
        for i in range(low, high):
            x, y = Z[i, 0], Z[i, 1]
            first = indptr[i] + (part - indptr[i]) % parts
            for h in range(_firing(values, first, indptr[i + 1], parts, scale, iteration, active)):
                e = active[h]
                j = indices[e]
                dx, dy = x - Z[j, 0], y - Z[j, 1]
                pull = strength(pulls, dx * dx + dy * dy)
                fx, fy = -two * _clip(pull * dx, limit), -two * _clip(pull * dy, limit)
                start, middle, again, end = _block(key, e, 0, n, places[i], m)
                for place in range(start, middle):
                    dx, dy = x - crowd[place, 0], y - crowd[place, 1]
                    push = strength(pushes, dx * dx + dy * dy)
                    fx += _clip(push * dx, limit)
                    fy += _clip(push * dy, limit)
                for place in range(again, end):
                    dx, dy = x - crowd[place, 0], y - crowd[place, 1]
                    push = strength(pushes, dx * dx + dy * dy)
                    fx += _clip(push * dx, limit)
                    fy += _clip(push * dy, limit)
                x += lr * fx
                y += lr * fy
            moved[i, 0] += x - Z[i, 0]
            moved[i, 1] += y - Z[i, 1]


@parallel
def moves(
    indptr, indices, values, scale, Z, crowd, places, tables, limit, m, key, iteration, part, parts, lr, moved
):
    """What the edges that fire and their negatives move each point by, in any number of dimensions.

    The moves are added to ``moved``; only every ``parts``-th edge is looked at, from ``part`` on. ``scale`` makes
    values rates of 2^31, ``crowd`` are the positions in the order that negatives are drawn from, its first ones again
    at its end, and ``places`` those of the points in it. ``tables`` are the strengths of pull and push, ``limit`` that
    of a component's move.
    """
    pulls, pushes = tables
    two = np.float32(2)
    n, c = Z.shape
    slices = min(n, SLICES)
    for s in prange(slices):
        low, high = s * n // slices, (s + 1) * n // slices
        active = np.empty(_longest(indptr, low, high) + 1, np.uint64)
        at, force = np.empty(c, np.float32), np.empty(c, np.float32)
        for i in range(low, high):
            for k in range(c):
                at[k] = Z[i, k]
            first = indptr[i] + (part - indptr[i]) % parts
            for h in range(_firing(values, first, indptr[i + 1], parts, scale, iteration, active)):
                e = active[h]
                j = indices[e]
                pull = strength(pulls, _squared(at, Z, j))
                for k in range(c):
                    force[k] = -two * _clip(pull * (at[k] - Z[j, k]), limit)
                number = 0
                while number < m:
                    start, middle, again, end = _block(key, e, number, n, places[i], min(m - number, n - 1))
                    _pushed(crowd, start, middle, at, pushes, limit, force)
                    _pushed(crowd, again, end, at, pushes, limit, force)
                    number += n - 1
                for k in range(c):
                    at[k] += lr * force[k]
            for k in range(c):
                moved[i, k] += at[k] - Z[i, k]


@serial
def _pushed(crowd, start, end, at, pushes, limit, force):
    for place in range(start, end):
        push = strength(pushes, _squared(at, crowd, place))
        for k in range(len(at)):
            force[k] += _clip(push * (at[k] - crowd[place, k]), limit)


@parallel
def cross_entropy(
    indptr, indices, values, scale, Z, crowd, places, tables, m, key, iteration, part, parts, losses
):
    """The loss of the edges that `moves` follows and of their negatives, where the points stand before it.

    (n, 2): each point's sum, and over how many pairs. ``tables`` are the losses of an edge and of a negative.
    """
    near, far = tables
    n = len(Z)
    slices = min(n, SLICES)
    for s in prange(slices):
        low, high = s * n // slices, (s + 1) * n // slices
        active = np.empty(_longest(indptr, low, high) + 1, np.uint64)
        for i in range(low, high):
            loss = np.float32(0)
            first = indptr[i] + (part - indptr[i]) % parts
            count = _firing(values, first, indptr[i + 1], parts, scale, iteration, active)
            for h in range(count):
                e = active[h]
                loss += strength(near, _apart(Z, i, Z, indices[e]))
                number = 0
                while number < m:
                    start, middle, again, end = _block(key, e, number, n, places[i], min(m - number, n - 1))
                    loss += _lost(far, Z, i, crowd, start, middle) + _lost(far, Z, i, crowd, again, end)
                    number += n - 1
            losses[i, 0] += loss
            losses[i, 1] += count * (1 + m)


@serial
def _lost(table, Z, i, crowd, start, end):
    loss = np.float32(0)
    for place in range(start, end):
        loss += strength(table, _apart(Z, i, crowd, place))
    return loss


@serial
def _apart(Z, i, others, j):
    squared = np.float32(0)
    for k in range(Z.shape[1]):
        squared += (Z[i, k] - others[j, k]) * (Z[i, k] - others[j, k])
    return squared


@serial
def _squared(at, Z, j):
    squared = np.float32(0)
    for k in range(len(at)):
        squared += (at[k] - Z[j, k]) * (at[k] - Z[j, k])
    return squared
