"""Squared distances as products, in loops that the compiler turns into vector instructions."""

import numba
import numpy as np

from ne_interactive.graph.parallel import parallel, serial

__all__ = ["STEP", "half_squares", "nearest_of"]

STEP = 4
"""Coordinates that are taken at once: widths are padded to a multiple of it."""
BLOCK = 256
"""Points that stay in the innermost cache while the queries of a group meet them."""
GROUP = 64
STRIP = 32
"""Points among which the nearest is looked for one by one, once it is known to be there."""


@serial
def half_squares(residuals, halves, begin, u, v, base, far, s, t):
    """Half the squared distances of two queries from len(s) points, into s and t, less half the queries' own squares.

    ``residuals`` (width * l,) are the coordinates of l points, the first ones of all, the second ones, and so on, of
    which those from ``begin`` on are meant, ``halves`` (l,) half their squared lengths; u and v are the queries, their
    width a multiple of `STEP`; ``base`` and ``far`` are added.
    """
    # Unsigned numbers: signed ones would be tested for counting from the end.
    length, size, offset = np.uint64(len(halves)), np.uint64(len(s)), np.uint64(begin)
    one, two, three, step = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(STEP)
    for j in range(size):
        s[j] = halves[offset + j] + base
        t[j] = halves[offset + j] + far
    for d in range(np.uint64(0), np.uint64(len(u)), step):
        a0, a1, a2, a3 = u[d], u[d + one], u[d + two], u[d + three]
        b0, b1, b2, b3 = v[d], v[d + one], v[d + two], v[d + three]
        first = d * length + offset
        second, third, fourth = first + length, first + two * length, first + three * length
        for j in range(size):
            x0, x1, x2, x3 = (
                residuals[first + j],
                residuals[second + j],
                residuals[third + j],
                residuals[fourth + j],
            )
            s[j] -= a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
            t[j] -= b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3


@parallel
def nearest_of(residuals, halves, queries, found):
    """Which of l points is nearest to each query (q, width), any where rounding cannot tell: (q,) int64.

    ``residuals`` and ``halves`` are as `half_squares` has them.
    """
    q, count = len(queries), len(halves)
    zero = np.float32(0)
    for g in numba.prange((q + GROUP - 1) // GROUP):
        first, end = g * GROUP, min((g + 1) * GROUP, q)
        scores, least = np.empty((2, BLOCK), np.float32), np.full(GROUP + 1, np.inf, np.float32)
        for a in range(0, count, BLOCK):
            size = min(BLOCK, count - a)
            for i in range(first, end, 2):
                other = min(i + 1, end - 1)
                half_squares(
                    residuals,
                    halves,
                    a,
                    queries[i],
                    queries[other],
                    zero,
                    zero,
                    scores[0, :size],
                    scores[1, :size],
                )
                for h in range(2):
                    place, low = _least(scores[h, :size])
                    row = i + h
                    if low < least[row - first] and row < end:
                        least[row - first], found[row] = low, a + place


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
