"""Passes over all points of a map from some of them: who is near, who is nearer, and sums of the Student kernel.

Serial kernels that let the interpreter go: a thread that measures takes one core, and waits for no other thread.
"""

import numpy as np

from ne_interactive.graph.parallel import serial

__all__ = ["BLOCK", "look_around", "student_sum", "student_sums"]

BLOCK = 1024  # points at a time: their distances stay in the cache, and short sums in single precision lose no digits


@serial
def _squares(Z, i, begin, end, into):
    """Squared distances from point i to points begin to end, for positions Z (c, n)."""
    for t in range(end - begin):
        into[t] = np.float32(0)
    for a in range(Z.shape[0]):
        own = Z[a, i]
        column = Z[a, begin:end]
        for t in range(end - begin):
            step = own - column[t]
            into[t] += step * step


@serial(fastmath=False)
def look_around(Z, rows, true, shown, ranks):
    """Find, for each of m points, its k nearest in the map, and the places that its true neighbours have there.

    Z (c, n) float32, rows (m,), true (m, k). Writes shown (m, k), nearest first, ties by index, and ranks (m, k): one
    more than the points that are nearer than the true neighbour.
    """
    c, n = Z.shape
    k = true.shape[1]
    squares = np.empty(BLOCK, np.float32)
    best = np.empty(k, np.float32)
    far = np.empty(k, np.float32)
    for row in range(len(rows)):
        i = rows[row]
        best[:] = np.inf
        farthest = np.float32(0)
        for t in range(k):
            total = np.float32(0)
            for a in range(c):
                step = Z[a, i] - Z[a, true[row, t]]
                total += step * step
            far[t] = total
            farthest = max(farthest, total)
            ranks[row, t] = 1
        for begin in range(0, n, BLOCK):
            end = min(begin + BLOCK, n)
            _squares(Z, i, begin, end, squares)
            for t in range(end - begin):
                square = squares[t]
                if square >= farthest and square >= best[k - 1]:
                    continue
                j = begin + t
                if j == i:
                    continue
                for s in range(k):
                    if square < far[s] and j != true[row, s]:
                        ranks[row, s] += 1
                if square < best[k - 1]:
                    place = k - 1
                    while place > 0 and best[place - 1] > square:
                        best[place] = best[place - 1]
                        shown[row, place] = shown[row, place - 1]
                        place -= 1
                    best[place] = square
                    shown[row, place] = j


@serial
def student_sum(Z, i, scale):
    """Sum 1 / (1 + scale d^2) from point i to all others, for positions Z (c, n) float32."""
    one = np.float32(1)
    c, n = Z.shape
    xs, ys = Z[0], Z[c - 1]
    total = 0.0
    for begin in range(0, n, BLOCK):
        end = min(begin + BLOCK, n)
        part = np.float32(0)
        if c == 2:  # the usual case, whose loop the compiler then vectorises
            for j in range(begin, end):
                dx, dy = xs[i] - xs[j], ys[i] - ys[j]
                part += one / (one + scale * (dx * dx + dy * dy))
        else:
            for j in range(begin, end):
                square = np.float32(0)
                for a in range(c):
                    step = Z[a, i] - Z[a, j]
                    square += step * step
                part += one / (one + scale * square)
        total += part
    return total - 1.0


@serial
def student_sums(Z, rows, scale, totals):
    """The same for several points (m,), in one thread."""
    for t in range(len(rows)):
        totals[t] = student_sum(Z, rows[t], scale)
