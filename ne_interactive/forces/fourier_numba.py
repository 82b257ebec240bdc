"""Fourier transforms of many lines at once on the CPU, in single precision, compiled.

`WIDTH` lines lie side by side in one buffer, so every step is the same for all of them and nothing is shuffled. The
steps are Stockham's, whose results come in order, with 4, 5, 3 and 2 numbers at once (Van Loan, Computational
Frameworks for the Fast Fourier Transform, 1992). There is no inverse: a transform of a transform is the line itself,
reversed and `size` times as large.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

from ne_interactive.forces.vectors import ROW, load, store, turned
from ne_interactive.graph.parallel import serial

RADICES = (4, 5, 3, 2)
HALF = np.float32(0.5)
SIXTH_TURN = np.float32(math.sin(math.pi / 3))
C1, C2 = (np.float32(math.cos(k * 2 * math.pi / 5)) for k in (1, 2))
S1, S2 = (np.float32(math.sin(k * 2 * math.pi / 5)) for k in (1, 2))


@functools.cache
def plan(size: int) -> tuple[NDArray[np.int64], NDArray[np.complex64]]:
    """The steps of a transform, by their radices, and the twiddle factors of all, in the order of use.

    Raises:
        ValueError: the size has a prime factor above 5.
    """
    radices, left = [], size
    for radix in RADICES:
        while left % radix == 0:
            radices.append(radix)
            left //= radix
    if left != 1:
        raise ValueError(f"transforms need sizes with no prime factor but 2, 3 and 5, got {size}.")
    factors, left = [np.empty(0, np.complex64)], size
    for radix in radices:
        turns = np.outer(np.arange(left // radix), np.arange(1, radix)) / left
        factors.append(np.exp(-2j * np.pi * turns).astype(np.complex64).ravel())
        left //= radix
    return np.array(radices, np.int64), np.concatenate(factors)


@serial
def transform(x, y, size, radices, factors):
    """Transform the lines in x, with y to work in, (size * ROW,) or longer; returns the one that has them then."""
    at, length, stride = 0, size, 1
    for radix in radices:
        length //= radix
        if radix == 4:
            _four(x, y, length, stride, factors, at)
        elif radix == 5:
            _five(x, y, length, stride, factors, at)
        elif radix == 3:
            _three(x, y, length, stride, factors, at)
        else:
            _two(x, y, length, stride, factors, at)
        at += length * (radix - 1)
        stride *= radix
        x, y = y, x
    return x


@serial
def _two(x, y, length, stride, factors, at):
    far, next_ = stride * length * ROW, stride * ROW
    for p in range(length):
        w = factors[at + p]
        for q in range(stride):
            i, o = (q + stride * p) * ROW, (q + stride * 2 * p) * ROW
            a, b = load(x, i), load(x, i + far)
            store(y, o, a + b)
            store(y, o + next_, (a - b) * w)


@serial
def _three(x, y, length, stride, factors, at):
    far, next_ = stride * length * ROW, stride * ROW
    for p in range(length):
        w1, w2 = factors[at + 2 * p], factors[at + 2 * p + 1]
        for q in range(stride):
            i, o = (q + stride * p) * ROW, (q + stride * 3 * p) * ROW
            a, b, c = load(x, i), load(x, i + far), load(x, i + 2 * far)
            both, across = b + c, turned(b - c) * SIXTH_TURN
            rest = a - both * HALF
            store(y, o, a + both)
            store(y, o + next_, (rest + across) * w1)
            store(y, o + 2 * next_, (rest - across) * w2)


@serial
def _four(x, y, length, stride, factors, at):
    far, next_ = stride * length * ROW, stride * ROW
    for p in range(length):
        w1, w2, w3 = factors[at + 3 * p], factors[at + 3 * p + 1], factors[at + 3 * p + 2]
        for q in range(stride):
            i, o = (q + stride * p) * ROW, (q + stride * 4 * p) * ROW
            a, b, c, d = load(x, i), load(x, i + far), load(x, i + 2 * far), load(x, i + 3 * far)
            even, odd = a + c, b + d
            along, across = a - c, turned(b - d)
            store(y, o, even + odd)
            store(y, o + next_, (along + across) * w1)
            store(y, o + 2 * next_, (even - odd) * w2)
            store(y, o + 3 * next_, (along - across) * w3)


@serial
def _five(x, y, length, stride, factors, at):
    far, next_ = stride * length * ROW, stride * ROW
    for p in range(length):
        w1, w2 = factors[at + 4 * p], factors[at + 4 * p + 1]
        w3, w4 = factors[at + 4 * p + 2], factors[at + 4 * p + 3]
        for q in range(stride):
            i, o = (q + stride * p) * ROW, (q + stride * 5 * p) * ROW
            a, b, c = load(x, i), load(x, i + far), load(x, i + 2 * far)
            d, e = load(x, i + 3 * far), load(x, i + 4 * far)
            outer, inner = b + e, c + d
            turned_outer, turned_inner = turned(b - e), turned(c - d)
            near, far_ = a + outer * C1 + inner * C2, a + outer * C2 + inner * C1
            across, beyond = turned_outer * S1 + turned_inner * S2, turned_outer * S2 - turned_inner * S1
            store(y, o, a + outer + inner)
            store(y, o + next_, (near + across) * w1)
            store(y, o + 2 * next_, (far_ + beyond) * w2)
            store(y, o + 3 * next_, (far_ - beyond) * w3)
            store(y, o + 4 * next_, (near - across) * w4)
