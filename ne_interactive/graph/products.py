"""Squared distances as products, in loops that the compiler turns into vector instructions."""

import numba
import numpy as np

from ne_interactive.graph.parallel import parallel, serial

__all__ = ["STEP", "TOGETHER", "half_squares", "nearest_of"]

STEP = 4
"""Coordinates that are taken at once: widths are padded to a multiple of it."""
BLOCK = 256
"""Points that stay in the innermost cache while the queries of a group meet them."""
TOGETHER = 4
"""Queries that `half_squares` takes at once."""
GROUP = 64
STRIP = 32
"""Points among which the nearest is looked for one by one, once it is known to be there."""


@serial
def half_squares(residuals, halves, begin, queries, first, bases, scores, size):
    """Half the squared distances of four queries from some points, into scores (4, >= size), less half their squares.

    ``residuals`` (width * l,) are the coordinates of l points, the first ones of all, the second ones, and so on, of
    which the ``size`` from ``begin`` on are meant, ``halves`` (l,) half their squared lengths; the queries (>= first +
    4, width) are those from ``first`` on, their width a multiple of `STEP`; ``bases`` (>= first + 4,) are added.
    """
    # What is read of a point serves four queries: two would wait for memory. Unsigned numbers: signed ones would be
    # tested for counting from the end.
    length, size, offset = np.uint64(len(halves)), np.uint64(size), np.uint64(begin)
    one, two, three, step = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(STEP)
    a, b, c, d = queries[first], queries[first + 1], queries[first + 2], queries[first + 3]
    s, t, u, v = scores[0], scores[1], scores[2], scores[3]
    p, q, r, o = bases[first], bases[first + 1], bases[first + 2], bases[first + 3]
    for j in range(size):
        half = halves[offset + j]
        s[j], t[j], u[j], v[j] = half + p, half + q, half + r, half + o
    for e in range(np.uint64(0), np.uint64(queries.shape[1]), step):
        a0, a1, a2, a3 = a[e], a[e + one], a[e + two], a[e + three]
        b0, b1, b2, b3 = b[e], b[e + one], b[e + two], b[e + three]
        c0, c1, c2, c3 = c[e], c[e + one], c[e + two], c[e + three]
        d0, d1, d2, d3 = d[e], d[e + one], d[e + two], d[e + three]
        x = e * length + offset
        y, z, w = x + length, x + two * length, x + three * length
        for j in range(size):
            x0, x1, x2, x3 = residuals[x + j], residuals[y + j], residuals[z + j], residuals[w + j]
            s[j] -= a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
            t[j] -= b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3
            u[j] -= c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3
            v[j] -= d0 * x0 + d1 * x1 + d2 * x2 + d3 * x3


@parallel
def nearest_of(residuals, halves, queries, found):
    """Which of l points is nearest to each query (q, width), any where rounding cannot tell: (q,) int64.

    ``residuals`` and ``halves`` are as `half_squares` has them.
    """
    q, count = len(queries), len(halves)
    for g in numba.prange((q + GROUP - 1) // GROUP):
        first, size = g * GROUP, min(GROUP, q - g * GROUP)
        some, bases = np.zeros((GROUP, queries.shape[1]), np.float32), np.zeros(GROUP, np.float32)
        some[:size] = queries[first : first + size]
        scores, least = np.empty((TOGETHER, BLOCK), np.float32), np.full(size, np.inf, np.float32)
        for a in range(0, count, BLOCK):
            length = min(BLOCK, count - a)
            for i in range(0, size, TOGETHER):
                half_squares(residuals, halves, a, some, i, bases, scores, length)
                for h in range(min(TOGETHER, size - i)):
                    place, low = _least(scores[h, :length])
                    if low < least[i + h]:
                        least[i + h], found[first + i + h] = low, a + place


@serial
def _least(scores):
    """Place and value of the least score."""
    low, begin = np.float32(np.inf), 0
    for a in range(0, len(scores), STRIP):
        some = scores[a : a + STRIP]
        least = some[0]
        for j in range(len(some)):
            least = min(least, some[j])
        if least < low:
            low, begin = least, a
    for j in range(begin, min(begin + STRIP, len(scores))):
        if scores[j] == low:
            return j, low
    return begin, low
