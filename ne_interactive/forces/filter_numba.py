"""The potential that a kernel makes of a density on a mesh of 2 or 3 dimensions, on the CPU; held to torch's by tests.

The density is transformed along its first dimension, two real lines as the parts of a complex one; what remains of a
kernel that is even is then a real factor of each term. So the other dimensions' transforms, the product and the
transforms back are done while their numbers are in a core's own cache.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numba import prange
from numpy.typing import NDArray
from torch import Tensor

from ne_interactive.forces.fourier_numba import plan, transform
from ne_interactive.forces.vectors import ROW, WIDTH, eight, load, store, turned
from ne_interactive.graph.parallel import parallel, serial

ZERO = np.float32(0)


def factors(kernel: Tensor, sizes: Sequence[int]) -> NDArray[np.float32]:
    """A kernel's transform (`filter.Filter`) as `filtered` reads it: for `WIDTH` lines side by side.

    Shape (blocks of terms of the first dimension, terms of the second, WIDTH), or with three dimensions
    (terms of the first, blocks of the second, terms of the third, WIDTH).
    """
    terms = kernel[: sizes[0] // 2 + 1] / (2 * math.prod(sizes))  # two lines, taken apart, are twice as large
    lines = len(sizes) - 2
    filled = torch.nn.functional.pad(terms, (0, 0, 0, -terms.shape[lines] % WIDTH))
    return filled.unflatten(lines, (-1, WIDTH)).transpose(-1, -2).contiguous().numpy()


def filtered(
    density: Tensor, sizes: Sequence[int], kernel: NDArray[np.float32], more: Tensor | None = None
) -> Tensor:
    """The potential on the nodes of a density, float32, by transforms of these sizes; added to `more`, if any."""
    nodes = density.shape
    lines = math.prod(nodes[1:])
    spectrum = np.empty((sizes[0] // 2 + 1, 2, lines + -lines % ROW), np.float32)
    potential = torch.empty(nodes) if more is None else more
    first, *others = [plan(size) for size in sizes]
    _forward(density.contiguous().view(nodes[0], lines).numpy(), sizes[0], *first, spectrum)
    if len(sizes) == 2:
        _lines(spectrum, nodes[1], sizes[1], *others[0], kernel)
    else:
        _planes(spectrum, nodes[1], nodes[2], sizes[1], sizes[2], *others[0], *others[1], kernel)
    _back(spectrum, sizes[0], *first, potential.view(nodes[0], lines).numpy(), more is not None)
    return potential


@parallel
def _forward(density, size, radices, turns, spectrum):
    rows, columns = density.shape
    given, found, width = density.reshape(-1), spectrum.reshape(-1), spectrum.shape[2]
    for block in prange((columns + ROW - 1) // ROW):
        column = block * ROW
        x, y = np.empty(size * ROW, np.float32), np.empty(size * ROW, np.float32)
        for j in range(rows):
            if column + ROW <= columns:
                store(x, j * ROW, load(given, j * columns + column))
            else:
                for k in range(ROW):
                    x[j * ROW + k] = density[j, column + k] if column + k < columns else ZERO
        x[rows * ROW :] = ZERO
        z = transform(x, y, size, radices, turns)
        for k in range(size // 2 + 1):
            term, mirrored = load(z, k * ROW), load(z, (size - k) % size * ROW)
            store(found, 2 * k * width + column, term + mirrored)
            store(found, (2 * k + 1) * width + column, turned(term - mirrored))


@parallel
def _back(spectrum, size, radices, turns, potential, adds):
    rows, columns = potential.shape
    given, found, width = spectrum.reshape(-1), potential.reshape(-1), spectrum.shape[2]
    for block in prange((columns + ROW - 1) // ROW):
        column = block * ROW
        x, y = np.empty(size * ROW, np.float32), np.empty(size * ROW, np.float32)
        for k in range(size // 2 + 1):
            real, imaginary = load(given, 2 * k * width + column), load(given, (2 * k + 1) * width + column)
            store(x, (size - k) % size * ROW, real + turned(imaginary))
            store(x, k * ROW, real - turned(imaginary))
        z = transform(x, y, size, radices, turns)
        for j in range(rows):
            row = (size - j) % size * ROW
            if column + ROW <= columns:
                place = j * columns + column
                store(found, place, load(found, place) + load(z, row) if adds else load(z, row))
            else:
                for k in range(columns - column):
                    before = potential[j, column + k] if adds else ZERO
                    potential[j, column + k] = before + z[row + k]


@serial
def _convolved(x, y, size, radices, turns, kernel):
    """Transform the lines in x, multiply each term by its own of the kernel (terms * WIDTH,), and transform again."""
    z = transform(x, y, size, radices, turns)
    for k in range(size):
        store(z, k * ROW, load(z, k * ROW) * eight(kernel, min(k, size - k) * WIDTH))
    return transform(z, y if len(radices) % 2 == 0 else x, size, radices, turns)


@parallel
def _lines(spectrum, count, size, radices, turns, kernel):
    rows = len(spectrum)
    for block in prange(len(kernel)):
        x, y = np.empty(size * ROW, np.float32), np.empty(size * ROW, np.float32)
        for k in range(ROW):
            _line_in(x, k, spectrum[min(block * WIDTH + k % WIDTH, rows - 1), k // WIDTH, :count])
        x[count * ROW :] = ZERO
        z = _convolved(x, y, size, radices, turns, kernel[block].reshape(-1))
        for k in range(ROW):
            if block * WIDTH + k % WIDTH < rows:
                _line_out(z, k, spectrum[block * WIDTH + k % WIDTH, k // WIDTH, :count], size)


@parallel
def _planes(spectrum, count1, count2, size1, size2, radices1, turns1, radices2, turns2, kernel):
    longest = max(size1, size2) * ROW
    for term in prange(len(spectrum)):
        x, y = np.empty(longest, np.float32), np.empty(longest, np.float32)
        plane = np.empty((2, size1, count2), np.float32)
        for column in range(0, count2, WIDTH):
            for part in range(2):
                _columns_in(x, part, _as_plane(spectrum[term, part], count1, count2), column)
            x[count1 * ROW : size1 * ROW] = ZERO
            z = transform(x, y, size1, radices1, turns1)
            for part in range(2):
                _columns_out(z, part, plane[part], column, size1, False)
        for block in range(kernel.shape[1]):
            for k in range(ROW):
                _line_in(x, k, plane[k // WIDTH, min(block * WIDTH + k % WIDTH, size1 - 1)])
            x[count2 * ROW : size2 * ROW] = ZERO
            z = _convolved(x, y, size2, radices2, turns2, kernel[term, block].reshape(-1))
            for k in range(ROW):
                if block * WIDTH + k % WIDTH < size1:
                    _line_out(z, k, plane[k // WIDTH, block * WIDTH + k % WIDTH], size2)
        for column in range(0, count2, WIDTH):
            for part in range(2):
                _columns_in(x, part, plane[part], column)
            z = transform(x, y, size1, radices1, turns1)
            for part in range(2):
                _columns_out(z, part, _as_plane(spectrum[term, part], count1, count2), column, size1, True)


@serial
def _as_plane(line, rows, columns):
    return line[: rows * columns].reshape(rows, columns)


@serial
def _line_in(x, k, line):
    for j in range(len(line)):
        x[j * ROW + k] = line[j]


@serial
def _line_out(z, k, line, size):
    line[0] = z[k]
    for j in range(1, len(line)):
        line[j] = z[(size - j) * ROW + k]


@serial
def _columns_in(x, part, lines, column):
    rows, columns = lines.shape
    for j in range(rows):
        for k in range(WIDTH):
            x[j * ROW + part * WIDTH + k] = lines[j, column + k] if column + k < columns else ZERO


@serial
def _columns_out(z, part, lines, column, size, reversed_):
    rows, columns = lines.shape
    for j in range(rows):
        row = (size - j) % size if reversed_ else j
        for k in range(min(WIDTH, columns - column)):
            lines[j, column + k] = z[row * ROW + part * WIDTH + k]
