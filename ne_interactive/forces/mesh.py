"""Smooth pair repulsion of n points on a particle mesh: O(n + grid log grid) instead of O(n^2).

For a radial potential w, every force is half the negative gradient of one convolved density,
F_i = -1/2 grad_i sum_j w(|z_i - z_j|), and the normaliser is that density summed over the points. So one charge is
spread on a grid with a cubic B-spline, convolved by FFT (zero-padded: no periodic images) and gathered with the
spline's derivative. The spectrum is divided by the spline's own transform (Hockney and Eastwood, Computer Simulation
Using Particles, 1988); the use for t-SNE follows Linderman et al., doi:10.1038/s41592-018-0308-4.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

SPACING = {1: 0.4, 2: 0.4, 3: 0.75}  # embedding units: below 2 % force error on finished maps
COMPACT = 8.0  # a map no wider gets a finer one: where all points share a few cells, errors add up
FINER = 0.6
MARGIN = 6  # nodes that the spline's support adds to an extent
CAP = {1: 2**18, 2: 2**24, 3: 2**24}  # padded nodes in all; a wider map gets a coarser grid
SMALLEST = 32
EXACT_BELOW = 2500  # points; from there on the mesh is faster and accurate enough
MESH_DIMENSIONS = 3
GAUSSIAN_SPACING = {1: 0.28, 2: 0.28, 3: 0.4}
REACH = 4.5  # exp(-d^2) beyond it is below 2e-9


def repulsion(Z: Tensor, dof: float, grid: tuple[int, ...]) -> tuple[Tensor, float, tuple[int, ...]]:
    """Unnormalised repulsion of the Student kernel w = (1 + d^2/dof)^-dof.

    Args:
        Z: (n, c) float32 positions, c in 1..3.
        dof: tail weight; 1 is t-SNE's Cauchy kernel.
        grid: padded grid sizes of the iteration before, () at first; kept while they fit, to spare plan changes.

    Returns:
        forces (n, c): sum_j w_ij^(1 + 1/dof) (z_i - z_j);  the sum of w over all pairs i != j;  the grid used.
    """
    backend = backend_of(Z)
    low, high = backend.box(Z)
    spacing, grid = fit_grid([b - a for a, b in zip(low, high, strict=True)], grid)
    origin = [a - 2 * spacing for a in low]
    nodes = [size // 2 for size in grid]
    potential = convolve(backend.spread(Z, origin, spacing, nodes), grid, spacing, dof)
    forces, total = backend.gather(Z, origin, spacing, potential)
    return forces, total - len(Z) * self_potential(grid, spacing, dof), grid


def fit_grid(extents: Sequence[float], grid: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
    """Spacing and padded sizes for a map of these extents; the current sizes stay while they fit well."""
    c = len(extents)
    wanted = SPACING[c] * FINER if max(extents) < COMPACT else SPACING[c]
    spacing, needed = finest(extents, wanted, CAP[c])
    if len(grid) == c and all(0.6 * have <= need <= have for need, have in zip(needed, grid, strict=True)):
        return spacing, grid
    return spacing, good_sizes(needed)


def finest(extents: Sequence[float], spacing: float, cap: int) -> tuple[float, list[int]]:
    """The spacing, or the next coarser one at which no more than `cap` padded nodes are needed, and the sizes."""
    while True:
        needed = [2 * (math.floor(extent / spacing) + MARGIN) for extent in extents]
        if math.prod(needed) <= cap:
            return spacing, needed
        spacing *= 1.25


def fit_short(
    extents: Sequence[float], grid: tuple[int, ...]
) -> tuple[float, tuple[int, ...], tuple[int, ...]]:
    """Spacing, padded sizes and nodes for the Gaussian kernel, which images further than its reach cannot touch."""
    c = len(extents)
    spacing = GAUSSIAN_SPACING[c]
    while True:
        pad = math.ceil(REACH / spacing)
        needed = [math.floor(extent / spacing) + MARGIN + pad for extent in extents]
        if math.prod(needed) <= CAP[c] // 4:
            break
        spacing *= 1.25
    fits = len(grid) == c and all(0.6 * have <= need <= have for need, have in zip(needed, grid, strict=True))
    grid = grid if fits else good_sizes(needed)
    return spacing, grid, tuple(size - pad for size in grid)


def without_gaps(Z: Tensor) -> Tensor:
    """Positions (n, c) with every empty stretch along an axis shortened to twice the Gaussian kernel's reach.

    Points on either side of it do not feel each other before or after, so all sums of the kernel stay the same.
    """
    columns = []
    for x in Z.double().unbind(1):
        ordered, order = x.sort()
        moved = torch.zeros_like(x)
        moved[1:] = torch.diff(ordered).clamp(max=2 * REACH).cumsum(0)
        columns.append(torch.empty_like(x).index_copy_(0, order, moved))
    return torch.stack(columns, 1).to(Z.dtype)


def convolve(
    density: Tensor, grid: tuple[int, ...], spacing: float, dof: float, kernel: str = "student"
) -> Tensor:
    """The potential of a named kernel on the nodes."""
    return filtered(density, grid, spectrum(grid, spacing, dof, density.device, kernel))


def filtered(density: Tensor, grid: tuple[int, ...], transform: Tensor) -> Tensor:
    """The potential on the nodes; rows known to be zero, or not needed, are left out of the transforms."""
    nodes = density.shape
    last = len(grid) - 1
    f = torch.fft.rfft(density, n=grid[last], dim=last)
    for dim in range(last - 1, -1, -1):
        f = torch.fft.fft(f, n=grid[dim], dim=dim)
    f *= transform
    for dim in range(last):
        f = torch.fft.ifft(f, dim=dim).narrow(dim, 0, nodes[dim])
    return torch.fft.irfft(f, n=grid[last], dim=last).narrow(last, 0, nodes[last]).contiguous()


@functools.lru_cache(maxsize=8)
def spectrum(
    grid: tuple[int, ...], spacing: float, dof: float, device: torch.device, kernel: str = "student"
) -> Tensor:
    """The transform of a named kernel, kept."""

    def values(squared: Tensor) -> Tensor:
        return torch.exp(-squared) if kernel == "gaussian" else (1 + squared / dof) ** -dof

    return transform_of(values, grid, spacing).to(device)


def transform_of(kernel: Callable[[Tensor], Tensor], grid: tuple[int, ...], spacing: float) -> Tensor:
    """Real transform on the padded grid of a kernel of squared distances, divided by the squared spline transform."""
    c = len(grid)
    squared = torch.zeros((), dtype=torch.float64)
    spline = torch.ones((), dtype=torch.float64)
    for dim, size in enumerate(grid):
        along = [1] * c
        along[dim] = -1
        offsets = (torch.fft.fftfreq(size, 1 / size, dtype=torch.float64) * spacing).reshape(along)
        squared = squared + offsets**2
        frequencies = torch.fft.rfftfreq if dim == c - 1 else torch.fft.fftfreq
        angle = 2 * math.pi * frequencies(size, dtype=torch.float64)
        spline = spline * ((2 + torch.cos(angle)) / 3).reshape(along)
    return (torch.fft.rfftn(kernel(squared)).real / spline**2).float()


@functools.lru_cache(maxsize=64)
def self_potential(grid: tuple[int, ...], spacing: float, dof: float) -> float:
    """What the mesh makes a point feel of itself, averaged over where it lies in its cell (exactly 1 in theory)."""
    device = torch.device("cpu")
    green = torch.fft.irfftn(spectrum(grid, spacing, dof, device).double(), s=grid)
    overlap = torch.tensor([2416.0, 1191.0, 120.0, 1.0], dtype=torch.float64) / 5040  # degree-7 B-spline
    reach = torch.cat([overlap, overlap[1:].flip(0)])  # offsets 0 1 2 3 -3 -2 -1
    index = torch.tensor([0, 1, 2, 3, -3, -2, -1])
    for size in grid:  # contracts the leading dimension each time
        green = torch.einsum("k,k...->...", reach, green[index % size])
    return float(green)


@functools.lru_cache(maxsize=16)
def near_potential(grid: tuple[int, ...], spacing: float, dof: float, kernel: str) -> Tensor:
    """The mesh's answer to a unit charge on a node, 0 to 3 nodes away in every direction (4, ... 4) float32."""
    transform = spectrum(grid, spacing, dof, torch.device("cpu"), kernel).double()
    return torch.fft.irfftn(transform, s=grid)[(slice(4),) * len(grid)].float().contiguous()


@functools.cache
def _good_sizes() -> list[int]:
    """Even lengths 2^a 3^b 5^c, which FFTs like."""
    sizes = {2**a * 3**b * 5**c for a in range(1, 20) for b in range(3) for c in range(3)}
    return sorted(size for size in sizes if size <= 2**19)


def good_sizes(needed: Sequence[int]) -> tuple[int, ...]:
    """Sizes at least as large that FFTs like."""
    return tuple(next(size for size in _good_sizes() if size >= max(need, SMALLEST)) for need in needed)


def backend_of(Z: Tensor):
    """The module that spreads and gathers for these positions."""
    if Z.device.type == "cpu" and Z.dtype == torch.float32 and Z.shape[1] in (2, 3):
        from ne_interactive.forces import mesh_numba as backend
    else:
        from ne_interactive.forces import mesh_torch as backend
    return backend
