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
from collections.abc import Sequence

import torch
from torch import Tensor

SPACING = {1: 0.5, 2: 0.5, 3: 0.75}  # embedding units: 1.4 % (2D), 1.8 % (3D) force error
COMPACT = 8.0  # a map no wider gets half the spacing: where all points share a few cells, errors add up
MARGIN = 6  # nodes that the spline's support adds to an extent
CAP = {1: 2**18, 2: 2**24, 3: 2**24}  # padded nodes in all; a wider map gets a coarser grid
SMALLEST = 32


def repulsion(Z: Tensor, dof: float, grid: tuple[int, ...]) -> tuple[Tensor, float, tuple[int, ...]]:
    """Unnormalised repulsion of the Student kernel w = (1 + d^2/dof)^-dof.

    Args:
        Z: (n, c) float32 positions, c in 1..3.
        dof: tail weight; 1 is t-SNE's Cauchy kernel.
        grid: padded grid sizes of the iteration before, () at first; kept while they fit, to spare plan changes.

    Returns:
        forces (n, c): sum_j w_ij^(1 + 1/dof) (z_i - z_j);  the sum of w over all pairs i != j;  the grid used.
    """
    low, high = torch.aminmax(Z, dim=0)
    low_list, high_list = low.tolist(), high.tolist()
    spacing, grid = fit_grid([b - a for a, b in zip(low_list, high_list, strict=True)], grid)
    origin = [a - 2 * spacing for a in low_list]
    nodes = [size // 2 for size in grid]
    spread, gather = _backend(Z)
    potential = convolve(spread(Z, origin, spacing, nodes), grid, spacing, dof)
    forces, total = gather(Z, origin, spacing, potential)
    return forces, total - len(Z) * self_potential(grid, spacing, dof), grid


def fit_grid(extents: Sequence[float], grid: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
    """Spacing and padded sizes for a map of these extents; the current sizes stay while they fit well."""
    c = len(extents)
    spacing = SPACING[c] / 2 if max(extents) < COMPACT else SPACING[c]
    while True:
        needed = [2 * (math.floor(extent / spacing) + MARGIN) for extent in extents]
        if math.prod(needed) <= CAP[c]:
            break
        spacing *= 1.25
    if len(grid) == c and all(0.6 * have <= need <= have for need, have in zip(needed, grid, strict=True)):
        return spacing, grid
    return spacing, tuple(_good_size(max(need, SMALLEST)) for need in needed)


def convolve(density: Tensor, grid: tuple[int, ...], spacing: float, dof: float) -> Tensor:
    """The potential on the nodes; rows known to be zero, or not needed, are left out of the transforms."""
    nodes = density.shape
    last = len(grid) - 1
    f = torch.fft.rfft(density, n=grid[last], dim=last)
    for dim in range(last - 1, -1, -1):
        f = torch.fft.fft(f, n=grid[dim], dim=dim)
    f *= spectrum(grid, spacing, dof, density.device)
    for dim in range(last):
        f = torch.fft.ifft(f, dim=dim).narrow(dim, 0, nodes[dim])
    return torch.fft.irfft(f, n=grid[last], dim=last).narrow(last, 0, nodes[last]).contiguous()


@functools.lru_cache(maxsize=8)
def spectrum(grid: tuple[int, ...], spacing: float, dof: float, device: torch.device) -> Tensor:
    """Real transform of the kernel on the padded grid, divided by the squared spline transform."""
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
    kernel = (1 + squared / dof) ** -dof
    return (torch.fft.rfftn(kernel).real / spline**2).float().to(device)


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


@functools.cache
def _good_sizes() -> list[int]:
    """Even lengths 2^a 3^b 5^c, which FFTs like."""
    sizes = {2**a * 3**b * 5**c for a in range(1, 20) for b in range(3) for c in range(3)}
    return sorted(size for size in sizes if size <= 2**19)


def _good_size(least: int) -> int:
    return next(size for size in _good_sizes() if size >= least)


def _backend(Z: Tensor):
    if Z.device.type == "cpu" and Z.dtype == torch.float32 and Z.shape[1] in (2, 3):
        from ne_interactive.forces import mesh_numba as backend
    else:
        from ne_interactive.forces import mesh_torch as backend
    return backend.spread, backend.gather
