"""Inverted lists: points by nearest centre, laid out so that a search reads them in a stream.

The inverted file of Jegou, Douze and Schmid (2011, doi:10.1109/TPAMI.2010.57), without its codes.
"""

import math
from dataclasses import dataclass

import numba
import numpy as np
import torch
from torch import Tensor

from ne_interactive.data.seeds import generator
from ne_interactive.graph.parallel import parallel
from ne_interactive.graph.products import STEP, nearest_of

__all__ = [
    "LEAST_VISITED",
    "TRAIN_PER_LIST",
    "TRAIN_ROUNDS",
    "Lists",
    "in_order",
    "inverted_lists",
    "list_count",
    "nearest_centre",
    "probe_lists",
    "wide",
]

LANES = 8
"""A list is padded to a multiple of so many points, which one instruction serves."""
TRAIN_PER_LIST = 40
TRAIN_ROUNDS = 6
LEAST_VISITED = 1024
"""Points: the lists of few rows are short, and neighbours lie in many of them."""
LONGEST = 8
"""A list this many times as long as the mean one is cut: copies of one row would otherwise all meet each other."""
CHUNK = 2**16
"""Rows that are centred at once."""


@dataclass(frozen=True)
class Lists:
    """Points (n, s) by nearest centre.

    ``centres`` (l, s) float32, less ``mean`` (s,); ``own`` (n,) int64, each point's list; ``starts`` (l + 1,) int64,
    where each list's places begin; ``ids`` (places,) int32, its points, and -1 where it is padded; ``residuals``
    (width * places,) float32, what the points of a list differ by from its centre: their first coordinates, their
    second ones, and so on; ``halves`` (places,) float32, half their squared lengths, infinite where no point is.
    """

    mean: Tensor
    centres: Tensor
    own: np.ndarray
    starts: np.ndarray
    ids: np.ndarray
    residuals: np.ndarray
    halves: np.ndarray

    @property
    def width(self) -> int:
        """Coordinates of a residual: a multiple of `STEP`, the last ones 0."""
        return _width(self.centres.shape[1])


def list_count(n: int) -> int:
    """Tell how many lists serve n points: centres and members looked at are then few."""
    return min(n, max(1, int(1.5 * math.sqrt(n))))


def probe_lists(m: int, least: int, count: int, n: int, visited: int = LEAST_VISITED) -> int:
    """Tell how many of ``count`` lists of n points a query for m candidates looks through: ``least``, or enough."""
    return min(count, max(least, math.ceil(max(4 * m, visited) * count / n)))


def inverted_lists(points: Tensor, count: int, *, sampled: int = TRAIN_PER_LIST, seed: int = 0) -> Lists:
    """Cut points (n, s) float32 on the CPU into about ``count`` lists, whose centres come from a seeded sample.

    ``sampled``: points of it for each list.
    """
    mean = points.mean(0)
    centres = _centres(points, mean, count, sampled * count, seed)
    own, pieces = _cut(nearest_centre(points, mean, centres).numpy(), count)
    centres = centres.repeat_interleave(torch.from_numpy(pieces), 0)
    lengths = np.bincount(own, minlength=len(centres))
    starts = np.r_[0, np.cumsum(-(-lengths // LANES) * LANES)]
    width = _width(points.shape[1])
    residuals = np.zeros(width * starts[-1], np.float32)
    halves, ids = np.full(starts[-1], np.inf, np.float32), np.full(starts[-1], -1, np.int32)
    order, first = in_order(own), np.r_[0, np.cumsum(lengths)]
    _fill(points.numpy(), (centres + mean).numpy(), order, first, starts, ids, residuals, halves)
    return Lists(mean, centres, own, starts, ids, residuals, halves)


def nearest_centre(points: Tensor, mean: Tensor, centres: Tensor) -> Tensor:
    """Give the centre nearest to each point (n,) int64."""
    halves, turned = centres.square().sum(1) / 2, wide(centres).T.contiguous()
    found = torch.zeros(len(points), dtype=torch.int64)
    for first in range(0, len(points), CHUNK):
        some = slice(first, first + CHUNK)
        nearest_of(
            turned.view(-1).numpy(), halves.numpy(), wide(points[some] - mean).numpy(), found[some].numpy()
        )
    return found


def in_order(numbers: np.ndarray) -> np.ndarray:
    """Give the order that sorts small numbers (n,), equal ones as they stand."""
    narrow = numbers.astype(np.uint16) if not len(numbers) or numbers.max() < 2**16 else numbers
    return np.argsort(narrow, kind="stable")  # a radix sort for 16 bits


def _width(s: int) -> int:
    return -(-s // STEP) * STEP


def wide(points: Tensor) -> Tensor:
    """Points (n, s) with coordinates of 0 behind theirs, up to their width."""
    return torch.nn.functional.pad(points, (0, _width(points.shape[1]) - points.shape[1])).contiguous()


def _centres(points: Tensor, mean: Tensor, count: int, sampled: int, seed: int) -> Tensor:
    """Lloyd's algorithm on a sample: (count, s), less the mean."""
    chosen = torch.randperm(len(points), generator=generator(seed, "lists"))[:sampled]
    sample = points[chosen] - mean
    centres, zero = sample[:count].clone(), torch.zeros_like(mean)
    for _ in range(TRAIN_ROUNDS):
        nearest = nearest_centre(sample, zero, centres)
        sums = torch.zeros_like(centres).index_add_(0, nearest, sample)
        sizes = torch.bincount(nearest, minlength=count).unsqueeze(1)
        centres = torch.where(sizes > 0, sums / sizes.clamp_min(1), centres)
    return centres


def _cut(own: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut lists that are too long: each point's new list (n,), and into how many each old one was cut (count,)."""
    lengths = np.bincount(own, minlength=count)
    limit = max(LANES, LONGEST * len(own) // count)
    pieces = np.maximum(-(-lengths // limit), 1)
    first, begin = np.r_[0, np.cumsum(pieces)[:-1]], np.r_[0, np.cumsum(lengths)[:-1]]
    order = in_order(own)
    rank = np.empty(len(own), np.int64)
    rank[order] = np.arange(len(own)) - begin[own[order]]
    return first[own] + rank // limit, pieces


@parallel
def _fill(points, centres, order, first, starts, ids, residuals, halves):
    width = len(residuals) // max(len(ids), 1)
    for list_ in numba.prange(len(first) - 1):
        start, end = starts[list_], starts[list_ + 1]
        for a in range(first[list_ + 1] - first[list_]):
            i = order[first[list_] + a]
            total = np.float32(0)
            for d in range(points.shape[1]):
                residual = points[i, d] - centres[list_, d]
                residuals[width * start + d * (end - start) + a] = residual
                total += residual * residual
            ids[start + a] = i
            halves[start + a] = total / 2
