"""A radial kernel on a mesh: the potential of a density at the nodes, by FFT.

A transform over the whole map must be padded to twice its sides, or images of it would act. So where that costs most
the kernel is split in two: what varies within a few nodes is short, and needs little padding; the rest is smooth, and a
mesh four times as coarse holds it (the multilevel summation of Hardy et al., doi:10.1021/ct5009075).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ne_interactive.forces import coarsening
from ne_interactive.forces.filter import Filter, good_sizes
from ne_interactive.forces.near import far_kernel

SPLIT_ABOVE = {1: 2**30, 2: 2**18, 3: 2**19}  # padded nodes; below, two meshes take as long as one
# Nodes within which the short part of the kernel lies. With 2 coarse ones forces are wrong by 1.8 % instead of 1.4.
REACH = 3 * coarsening.TIMES
PADDING = REACH + 6  # nodes; the spline's own transform reaches beyond the kernel

Kernel = str | Callable[[Tensor], Tensor]


class Level(NamedTuple):
    """One mesh and its part of the kernel: between two reaches, embedding units; 0 is no limit.

    Attributes:
        sizes: nodes of its transforms.
        times: its spacing, in that of the points' mesh.
        spacing: between its nodes, embedding units.
        inner: what is nearer is not its own.
        outer: what is further is not.
    """

    sizes: tuple[int, ...]
    times: int
    spacing: float
    inner: float
    outer: float


def levels(
    grid: tuple[int, ...], spacing: float, kernel: Kernel = "student", reach: float = 0.0
) -> list[Level]:
    """The meshes for a padded grid; with a reach the kernel's part within it is left to others."""
    if kernel != "student" or not splits(grid):
        return [Level(grid, 1, spacing, reach, 0.0)]
    nodes = [size // 2 for size in grid]
    wide = good_sizes([2 * count for count in coarsening.counts(nodes)])
    between = REACH * spacing
    return [
        Level(good_sizes([count + PADDING for count in nodes]), 1, spacing, reach, between),
        Level(wide, coarsening.TIMES, coarsening.TIMES * spacing, between, 0.0),
    ]


def splits(grid: Sequence[int]) -> bool:
    """Whether a padded grid is so large that two meshes are quicker."""
    return math.prod(grid) > SPLIT_ABOVE[len(grid)]


def padded(needed: Sequence[int]) -> tuple[int, ...]:
    """Padded sizes at least as large whose transforms are quick."""
    if not splits(needed):
        return good_sizes(needed)
    short = good_sizes([need // 2 + PADDING for need in needed])
    return tuple(2 * (size - PADDING) for size in short)


class Convolution:
    """The potential that a kernel makes of a density on the nodes of a mesh.

    Args:
        grid: padded grid sizes; the nodes are half of them.
        spacing: of the nodes, embedding units.
        kernel: "student", (1 + d^2/dof)^-dof; "gaussian", exp(-d^2); or any other, a function of squared distances
            that can be compared, so that what it makes is kept.
        dof: tail weight of the Student kernel.
        reach: where not 0, the kernel's near part within it is left out (`near`).
        device: where densities are.
    """

    def __init__(
        self,
        grid: tuple[int, ...],
        spacing: float,
        kernel: Kernel,
        dof: float,
        reach: float,
        device: torch.device,
    ) -> None:
        self.levels = levels(grid, spacing, kernel, reach)
        self._kept = [
            transform_of(_part(kernel, dof, level), level.sizes, level.spacing, level.outer)
            for level in self.levels
        ]
        self._filters = [
            Filter(transform, level.sizes, device)
            for transform, level in zip(self._kept, self.levels, strict=True)
        ]

    def __call__(self, density: Tensor) -> Tensor:
        """The potential of a density (nodes), in its shape."""
        near, *wider = self._filters
        far = coarsening.fine(wider[0](coarsening.coarse(density)), density.shape) if wider else None
        return near(density, far)

    @functools.cached_property
    def self_potential(self) -> float:
        """What the mesh makes a point feel of itself, averaged over its place in the cell (1 in theory, if whole)."""
        total = 0.0
        for level, transform in zip(self.levels, self._kept, strict=True):
            left = transform[tuple(slice(size // 2 + 1) for size in level.sizes)].double()
            for size in reversed(level.sizes):
                left = left @ _felt(size)
            total += float(left)
        return total

    def own(self, backend: Any, Z: Tensor, origin: Sequence[float]) -> tuple[Tensor, Tensor]:
        """What a unit charge at each point of Z (n, c) adds to the point's own potential (n,) and field (n, c)."""
        values, field = torch.zeros_like(Z[:, 0]), torch.zeros_like(Z)
        for level, answer in zip(self.levels, self._answers, strict=True):
            ahead = 0.0 if level.times == 1 else coarsening.AHEAD * self.levels[0].spacing
            value, slope = backend.own(Z, [a - ahead for a in origin], level.spacing, answer.to(Z.device))
            values, field = values + value, field + slope
        return values, field

    @functools.cached_property
    def _answers(self) -> list[Tensor]:
        """Each mesh's answer to a unit charge on a node, 0 to 3 nodes away in every direction (4, ... 4) float32."""
        found = []
        for level, transform in zip(self.levels, self._kept, strict=True):
            answer = torch.fft.irfftn(transform.double(), s=level.sizes)
            found.append(answer[(slice(4),) * len(level.sizes)].float().contiguous())
        return found


@functools.lru_cache(maxsize=8)
def convolution(
    grid: tuple[int, ...], spacing: float, kernel: Kernel, dof: float, reach: float, device: torch.device
) -> Convolution:
    """The `Convolution`, kept."""
    return Convolution(grid, spacing, kernel, dof, reach, device)


def _part(kernel: Kernel, dof: float, level: Level) -> Callable[[Tensor], Tensor]:
    """A level's part of a kernel, of squared distances."""

    def beyond(squared: Tensor, reach: float) -> Tensor:
        if not isinstance(kernel, str):
            return kernel(squared)
        if reach > 0:
            return far_kernel(squared, dof, reach)
        return torch.exp(-squared) if kernel == "gaussian" else (1 + squared / dof) ** -dof

    if level.outer == 0:
        return lambda squared: beyond(squared, level.inner)
    return lambda squared: beyond(squared, level.inner) - beyond(squared, level.outer)


def transform_of(
    kernel: Callable[[Tensor], Tensor], grid: tuple[int, ...], spacing: float, reach: float = 0.0
) -> Tensor:
    """Real transform on the padded grid of a kernel of squared distances, divided by the squared spline transform.

    The kernel is 0 beyond a reach, embedding units; 0 is no limit.
    """
    c = len(grid)
    squared = torch.zeros((), dtype=torch.float64)
    for dim, size in enumerate(grid):
        count = min(size // 2, math.ceil(reach / spacing)) if reach else size // 2
        offsets = torch.arange(count + 1, dtype=torch.float64) * spacing
        squared = squared + offsets.reshape(_along(dim, c)) ** 2
    found = kernel(squared)
    for dim in range(c - 1, -1, -1):  # even along every dimension, so its transform is real, and even too
        found = torch.fft.rfft(_mirrored(found, dim, grid[dim]), dim=dim).real
        spline = (2 + torch.cos(_frequencies(grid[dim]))) / 3
        found = found / spline.square().reshape(_along(dim, c))
    found = found.float()
    for dim, size in enumerate(grid[:-1]):
        found = _mirrored(found, dim, size)
    return found


def _mirrored(values: Tensor, dim: int, size: int) -> Tensor:
    """Values at offsets 0, 1, ... along a dimension, then 0, then the mirror image of those: `size` in all."""
    count = values.shape[dim]
    behind = values.narrow(dim, 1, count - 1).flip(dim)
    if 2 * count - 1 > size:  # the last is its own image
        return torch.cat([values.narrow(dim, 0, count - 1), behind], dim)
    between = [size - 2 * count + 1 if other == dim else many for other, many in enumerate(values.shape)]
    return torch.cat([values, values.new_zeros(between), behind], dim)


def _frequencies(size: int) -> Tensor:
    """Of the terms of a real transform, radians a node: 0 to half a turn."""
    return 2 * math.pi * torch.fft.rfftfreq(size, dtype=torch.float64)


def _felt(size: int) -> Tensor:
    """How much a point feels of each of these terms of its own charge, on average over its place in the cell.

    It is spread and gathered with the spline; both together are one of degree 7, sampled at the nodes.
    """
    w = _frequencies(size)
    both = (2416 + 2 * (1191 * torch.cos(w) + 120 * torch.cos(2 * w) + torch.cos(3 * w))) / 5040
    both[1:-1] *= 2  # the others stand for a negative frequency, too
    return both / size


def _along(dim: int, c: int) -> list[int]:
    """The shape of what varies along one of c dimensions only."""
    return [-1 if other == dim else 1 for other in range(c)]
