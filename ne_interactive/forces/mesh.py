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

from ne_interactive.forces.near import Near, far_kernel

SPACING = {1: 0.4, 2: 0.4, 3: 0.45}  # embedding units: below 2 % force error on finished maps
SPLIT = (
    1.0  # the same in three dimensions, at least, where the near part of the kernel is summed pair by pair
)
NODES_A_POINT = 35  # padded, where it is: with more points a finer mesh and fewer pairs take the same time
REACH_IN_NODES = 2.0  # of that part: 1.3 % force error on 70,000 images, 7.8 % at 0.75 without it
KEPT = {1: 0.6, 2: 0.6, 3: 0.85}  # a grid stays while so much of each of its sides is needed
PLAIN = 2**21  # padded nodes in three dimensions up to which the mesh has the whole kernel
COMPACT = 8.0  # a map no wider gets a finer one: where all points share a few cells, errors add up
FINER = 0.6
MARGIN = 6  # nodes that the spline's support adds to an extent
CAP = {1: 2**18, 2: 2**24, 3: 2**24}  # padded nodes in all; a wider map gets a coarser grid
SMALLEST = 32
EXACT_BELOW = 2500  # points; from there on the mesh is faster and accurate enough
MESH_DIMENSIONS = 3
GAUSSIAN_SPACING = {1: 0.28, 2: 0.28, 3: 0.4}
REACH = 4.5  # exp(-d^2) beyond it is below 2e-9


def repulsion(Z: Tensor, dof: float, grid: tuple[int, ...]) -> tuple[Tensor, float | Tensor, tuple[int, ...]]:
    """Unnormalised repulsion of the Student kernel w = (1 + d^2/dof)^-dof.

    Args:
        Z: (n, c) float32 positions, c in 1..3.
        dof: tail weight; 1 is t-SNE's Cauchy kernel.
        grid: padded grid sizes of the iteration before, () at first; kept while they fit, to spare plan changes.

    Returns:
        forces (n, c): sum_j w_ij^(1 + 1/dof) (z_i - z_j);  the sum of w over all pairs i != j, which the
        torch version leaves on its device;  the grid used.
    """
    backend = backend_of(Z)
    low, high = backend.box(Z)
    extents = [b - a for a, b in zip(low, high, strict=True)]
    near = near_part(Z, low, extents)
    reach = near.reach if near else 0.0
    spacing, grid = fit_grid(extents, grid, near)
    origin = [a - 2 * spacing for a in low]
    nodes = [size // 2 for size in grid]
    potential = convolve(backend.spread(Z, origin, spacing, nodes), grid, spacing, dof, reach=reach)
    forces, total = backend.gather(Z, origin, spacing, potential)
    total -= len(Z) * self_potential(grid, spacing, dof, reach)
    if near is not None:
        more, rest = near.forces(dof)
        forces, total = forces.add_(more), total + rest
    return forces, total, grid


def splits(Z: Tensor) -> bool:
    """Whether the kernel can be split for these positions: compiled, in three dimensions."""
    return Z.shape[1] == 3 and Z.device.type == "cpu" and Z.dtype == torch.float32


def near_part(Z: Tensor, low: Sequence[float], extents: Sequence[float]) -> Near | None:
    """The near part of the Student kernel, where a mesh fine enough for all of it would have too many nodes.

    None as well where the points lie so close that they have too many pairs, as in clusters pulled together: there
    a coarser mesh does, whose errors are small beside the forces of crowds.
    """
    if not splits(Z) or math.prod(finest(extents, SPACING[3], 2**62)[1]) <= PLAIN:
        return None
    spacing, _ = finest(extents, SPLIT, split_cap(len(Z)), 1.05)
    near = Near(Z, low, extents, REACH_IN_NODES * spacing)
    return None if near.crowded() else near


def split_cap(n: int) -> int:
    """Most padded nodes for n points where the kernel is split."""
    return min(CAP[3], max(PLAIN, NODES_A_POINT * n))


def fit_grid(
    extents: Sequence[float], grid: tuple[int, ...], near: Near | None = None
) -> tuple[float, tuple[int, ...]]:
    """Spacing and padded sizes for a map of these extents; the current sizes stay while they fit well."""
    c = len(extents)
    wanted = SPACING[c] * FINER if max(extents) < COMPACT else SPACING[c]
    spacing, needed = finest(extents, near.reach / REACH_IN_NODES if near else wanted, CAP[c])
    kept = KEPT[c]
    if len(grid) == c and all(kept * have <= need <= have for need, have in zip(needed, grid, strict=True)):
        return spacing, grid
    return spacing, good_sizes(needed)


def finest(
    extents: Sequence[float], spacing: float, cap: int, factor: float = 1.25
) -> tuple[float, list[int]]:
    """The spacing, or the next coarser one at which no more than `cap` padded nodes are needed, and the sizes."""
    while True:
        needed = [2 * (math.floor(extent / spacing) + MARGIN) for extent in extents]
        if math.prod(needed) <= cap:
            return spacing, needed
        spacing *= factor


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
    fits = len(grid) == c and all(
        KEPT[c] * have <= need <= have for need, have in zip(needed, grid, strict=True)
    )
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
    density: Tensor,
    grid: tuple[int, ...],
    spacing: float,
    dof: float,
    kernel: str = "student",
    reach: float = 0.0,
) -> Tensor:
    """The potential of a named kernel on the nodes, or where a reach is given of its far part."""
    return filtered(density, grid, spectrum(grid, spacing, dof, density.device, kernel, reach))


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
    grid: tuple[int, ...],
    spacing: float,
    dof: float,
    device: torch.device,
    kernel: str = "student",
    reach: float = 0.0,
) -> Tensor:
    """The transform of a named kernel, or of its far part, kept."""

    def values(squared: Tensor) -> Tensor:
        if reach > 0:
            return far_kernel(squared, dof, reach)
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
def self_potential(grid: tuple[int, ...], spacing: float, dof: float, reach: float = 0.0) -> float:
    """What the mesh makes a point feel of itself, averaged over where it lies in its cell (1 in theory, if whole)."""
    transform = spectrum(grid, spacing, dof, torch.device("cpu"), "student", reach)
    green = torch.fft.irfftn(transform.double(), s=grid)
    overlap = torch.tensor([2416.0, 1191.0, 120.0, 1.0], dtype=torch.float64) / 5040  # degree-7 B-spline
    around = torch.cat([overlap, overlap[1:].flip(0)])  # offsets 0 1 2 3 -3 -2 -1
    index = torch.tensor([0, 1, 2, 3, -3, -2, -1])
    for size in grid:  # contracts the leading dimension each time
        green = torch.einsum("k,k...->...", around, green[index % size])
    return float(green)


@functools.lru_cache(maxsize=16)
def near_potential(
    grid: tuple[int, ...], spacing: float, dof: float, kernel: str, reach: float = 0.0
) -> Tensor:
    """The mesh's answer to a unit charge on a node, 0 to 3 nodes away in every direction (4, ... 4) float32."""
    transform = spectrum(grid, spacing, dof, torch.device("cpu"), kernel, reach).double()
    return torch.fft.irfftn(transform, s=grid)[(slice(4),) * len(grid)].float().contiguous()


@functools.cache
def _good_sizes(threes: int) -> list[int]:
    """Even lengths 2^a 3^b 5^c, which FFTs like; the more threes, the closer they lie."""
    sizes = {2**a * 3**b * 5**c for a in range(1, 20) for b in range(threes + 1) for c in range(3)}
    return sorted(size for size in sizes if size <= 2**19)


def good_sizes(needed: Sequence[int]) -> tuple[int, ...]:
    """Sizes at least as large that FFTs like."""
    good = _good_sizes(4 if len(needed) == 3 else 2)
    return tuple(next(size for size in good if size >= max(need, SMALLEST)) for need in needed)


def backend_of(Z: Tensor):
    """The module that spreads and gathers for these positions."""
    if Z.device.type == "cpu" and Z.dtype == torch.float32 and Z.shape[1] in (2, 3):
        from ne_interactive.forces import mesh_numba as backend
    else:
        from ne_interactive.forces import mesh_torch as backend
    return backend
