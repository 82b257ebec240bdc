"""UMAP's output kernel 1 / (1 + a d^(2b)): the strengths of its two forces, and tables of them.

McInnes, Healy and Melville, arXiv:1802.03426.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from torch import Tensor

from ne_interactive.graph.parallel import NEXT, serial

EPSILON = 1e-3  # keeps the repulsion of close pairs finite

# Tables are even in the exponent and linear in the mantissa of a squared distance, so that the bits of the float32 are
# the place in them; interpolated, strengths are within 0.002 % of the formula.
SHIFT = 15  # of a float32's bits to the entry: 256 entries for each doubling
REST = (1 << SHIFT) - 1
STEP = np.float32(2.0**-SHIFT)
FIRST, LAST = 107 << 8, 155 << 8  # 2^-20 and 2^28: beyond, strengths stay as at the ends
FARTHEST = 254 << 8  # 2^127, for a table that needs it
NEAREST = 2.0**-20


def pull(squared: Tensor, a: float, b: float) -> Tensor:
    """Strength of an edge at squared distances above 0: its force over the difference."""
    power = a * squared**b
    return 2 * b * power / (squared * (1 + power))


def push(squared: Tensor, a: float, b: float) -> Tensor:
    """Strength of a negative."""
    return 2 * b / ((EPSILON + squared) * (1 + a * squared**b))


def limited(squared: Tensor, a: float, b: float, limit: float) -> Tensor:
    """Strength of a negative whose force has a limit: within `radius` it bends from it to 0 where points coincide."""
    within = radius(a, b, limit)
    outside = squared.clamp_min(within**2)
    inside = limit / within * (2 - squared.sqrt() / within)
    return torch.where(squared < within**2, inside, 2 * b / (outside * (1 + a * outside**b)))


def potential(squared: Tensor, a: float, b: float, limit: float) -> Tensor:
    """Potential half of whose slope is the force of `limited`: beyond `radius` -2 log(1 - q), q the kernel."""
    within = radius(a, b, limit)
    outside = 2 * torch.log1p(1 / (a * squared.clamp_min(within**2) ** b))
    share = (squared.sqrt() / within).clamp(max=1)
    return outside + 2 * limit * within * (2 / 3 - share**2 + share**3 / 3)


@functools.lru_cache(maxsize=64)
def radius(a: float, b: float, limit: float) -> float:
    """The distance at which the force of a negative is `limit`; nearer, it would be more."""
    low, high = -20.0, 20.0  # of its logarithm
    for _ in range(80):
        middle = (low + high) / 2
        d = math.exp(middle)
        low, high = (middle, high) if 2 * b > limit * d * (1 + a * d ** (2 * b)) else (low, middle)
    return math.exp(low)


def nodes(last: int = LAST) -> np.ndarray:
    """The squared distances of the entries of a table, float64."""
    return (np.arange(FIRST, last + 1, dtype=np.int32) << SHIFT).view(np.float32).astype(np.float64)


@serial
def strength(table, squared):
    """What a table holds at a squared distance."""
    last = FIRST + len(table) - 1
    bits = min(max(np.float32(squared).view(np.int32), FIRST << SHIFT), (last << SHIFT) - 1)
    place = np.uint64((bits >> SHIFT) - FIRST)
    low = table[place]
    return low + np.float32(bits & REST) * STEP * (table[place + NEXT] - low)
