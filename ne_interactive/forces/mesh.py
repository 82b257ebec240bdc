"""Smooth pair repulsion of n points on a particle mesh: O(n + grid log grid) instead of O(n^2).

For a radial potential w, every force is half the negative gradient of one convolved density,
F_i = -1/2 grad_i sum_j w(|z_i - z_j|), and the normaliser is that density summed over the points. So one charge is
spread on a grid with a cubic B-spline, convolved by FFT (zero-padded: no periodic images) and gathered with the
spline's derivative. The spectrum is divided by the spline's own transform (Hockney and Eastwood, Computer Simulation
Using Particles, 1988); the use for t-SNE follows Linderman et al., doi:10.1038/s41592-018-0308-4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ne_interactive.forces import exact
from ne_interactive.forces.box import Box
from ne_interactive.forces.compiled import compiled
from ne_interactive.forces.convolution import convolution, padded
from ne_interactive.forces.filter import good_sizes
from ne_interactive.forces.near import Near
from ne_interactive.forces.scalars import Scalar

SPACING = {1: 0.4, 2: 0.4, 3: 0.45}  # embedding units: below 2 % force error on finished maps
SPLIT = (
    1.0  # the same in three dimensions, at least, where the near part of the kernel is summed pair by pair
)
NODES_A_POINT = 30  # padded, where it is: with more points a finer mesh and fewer pairs take the same time
REACH_IN_NODES = 2.0  # of that part: 0.6 % force error on 70,000 images, 7.8 % at 0.75 without it
KEPT = {1: 0.6, 2: 0.6, 3: 0.85}  # a grid stays while so much of each of its sides is needed
PLAIN = 2**21  # padded nodes in three dimensions up to which the mesh has the whole kernel
LEAST = 2**17  # padded nodes at least, where the kernel is split
COMPACT = 8.0  # a map no wider gets a finer one: where all points share a few cells, errors add up
FINER = 0.6
FINER_STEP = 0.85  # 0.6 times the error
SPARSE, AS_FINE = 1.7, 0.85  # area per point beyond which a map gets one: there single pairs count for more
# There the near part is summed pair by pair if points are not crowded all the same, with a mesh of this spacing, in
# mean distances between points: no slower from there on, at an area of 3 half of the time, and smaller errors.
SPARSE_SPACING = 1.2
SPACING_STEP = 1.1  # by which that spacing changes at once: maps grow all the time, and each has its kernels
MARGIN = 6  # nodes that the spline's support adds to an extent
CAP = {1: 2**18, 2: 2**24, 3: 2**24}  # padded nodes in all; a wider map gets a coarser grid
LONE = 64  # points at most that a mesh of the wanted spacing would not reach: they are summed pair by pair
EXACT_BELOW = {1: 2500, 2: 2500, 3: 4000}  # points, where dof is 1; from there on the mesh is faster
OTHERS_BELOW = 1250  # with other tails: the powers of a pair take five times as long
MESH_DIMENSIONS = 3
GAUSSIAN_SPACING = {1: 0.28, 2: 0.28, 3: 0.4}
REACH = 4.5  # exp(-d^2) beyond it is below 2e-9


def repulsion(
    Z: Tensor, dof: float, grid: tuple[int, ...], box: Box | None = None, finer: int = 0
) -> tuple[Tensor, Scalar, tuple[int, ...]]:
    """Unnormalised repulsion of the Student kernel w = (1 + d^2/dof)^-dof.

    Args:
        Z: (n, c) float32 positions, c in 1..3.
        dof: tail weight; 1 is t-SNE's Cauchy kernel.
        grid: padded grid sizes of the iteration before, () at first; kept while they fit, to spare plan changes.
        box: where the positions lie, if the host knows it already.
        finer: steps by which the mesh is finer than usual (`exactness`).

    Returns:
        forces (n, c): sum_j w_ij^(1 + 1/dof) (z_i - z_j);  the sum of w over all pairs i != j, which the
        torch version leaves on its device;  the grid used.
    """
    backend = backend_of(Z)
    box = box or Box(*backend.box(Z))
    n, fine = len(Z), finest_of(Z)
    if not box.choose(lambda extents, _: reaches(extents, fine)):
        lone = out_of_reach(Z, box.extents)
        if lone is not None and 0 < int(lone.sum()) <= LONE:
            return _with_lone(Z, dof, grid, lone, finer)
    near = near_part(Z, box.low, box.extents)
    spacing, grid = box.choose(lambda extents, grid: fit_grid(extents, grid, near, n, finer), grid)
    origin = backend.origin(Z, box.low, spacing)
    nodes = [size // 2 for size in grid]
    convolved = convolution(grid, spacing, "student", dof, near.reach if near else 0.0, Z.device)
    potential = convolved(backend.spread(Z, origin, spacing, nodes))
    forces, total = backend.gather(Z, origin, spacing, potential)
    total -= len(Z) * convolved.self_potential
    if near is not None:
        more, rest = near.forces(dof)
        forces, total = forces.add_(more), total + rest
    return forces, total, grid


def _with_lone(
    Z: Tensor, dof: float, grid: tuple[int, ...], lone: Tensor, finer: int
) -> tuple[Tensor, Scalar, tuple[int, ...]]:
    """`repulsion` where a few points (n,) bool are so far off that a mesh for all would be too coarse for the rest."""
    rest, far = torch.nonzero(~lone).squeeze(1), torch.nonzero(lone).squeeze(1)
    among, total, grid = repulsion(Z[rest], dof, grid, finer=finer)
    felt, pushed = exact.sums(Z, None, "student", dof, rows=far)
    _, forces = exact.sums(Z, None, "student", dof, sources=far)
    own, _ = exact.sums(Z[far], None, "student", dof, want_field=False)
    assert forces is not None
    assert pushed is not None
    forces[rest] += among
    forces[far] = pushed
    # Of the pairs of a lone point and one of the rest both directions count, of two lone ones `felt` has both.
    return forces, total + float((2 * felt - own).double().sum()), grid


def few(Z: Tensor, dof: float) -> bool:
    """Whether all pairs of these points are summed sooner than the mesh is; and where there is none, in any case."""
    n, c = Z.shape
    return c > MESH_DIMENSIONS or n < (EXACT_BELOW[c] if dof == 1 else OTHERS_BELOW)


def reaches(extents: Sequence[float], spacing: float) -> bool:
    """Whether the largest mesh of this spacing has room for a map of these extents."""
    return finest(extents, spacing, CAP[len(extents)])[0] <= spacing


def finest_of(Z: Tensor) -> float:
    """The spacing that a map has, however wide it is, as long as the largest mesh has room for it."""
    return SPLIT if splits(Z) else SPACING[Z.shape[1]]


def out_of_reach(Z: Tensor, extents: Sequence[float]) -> Tensor | None:
    """Which points (n,) the largest fine mesh, laid around the median, leaves out; None where it has room for all."""
    c, spacing = Z.shape[1], finest_of(Z)
    if reaches(extents, spacing):
        return None
    half = spacing * (CAP[c] ** (1 / c) / 2 - 2 * MARGIN) / 2
    return ((Z - Z.median(0).values).abs() > half).any(1)


def splits(Z: Tensor) -> bool:
    """Whether the kernel can be split for these positions wherever they are: compiled, in three dimensions."""
    return Z.shape[1] == 3 and compiled(Z)


def near_part(Z: Tensor, low: Sequence[float], extents: Sequence[float]) -> Near | None:
    """The near part of the Student kernel, where a mesh fine enough for all of it would have too many nodes.

    That is so in three dimensions, and in two where points have much room.
    None as well where the points lie so close that they have too many pairs, as in clusters pulled together: there
    a coarser mesh of the whole kernel does, less exactly.
    """
    n, c = Z.shape
    if c == 2 and compiled(Z) and (area := math.prod(extents)) > SPARSE * n:
        wanted = SPARSE_SPACING * math.sqrt(area / n)
        spacing = SPACING_STEP ** round(math.log(wanted, SPACING_STEP))
    elif splits(Z) and math.prod(finest(extents, SPACING[3], 2**62)[1]) > min(PLAIN, split_cap(n)):
        spacing, _ = finest(extents, SPLIT, split_cap(n), 1.05)
    else:
        return None
    near = Near(Z, low, extents, REACH_IN_NODES * spacing)
    return None if near.crowded() else near


def split_cap(n: int) -> int:
    """Most padded nodes for n points where the kernel is split."""
    return min(CAP[3], max(LEAST, NODES_A_POINT * n))


def fit_grid(
    extents: Sequence[float],
    grid: tuple[int, ...],
    near: Near | None = None,
    n: int | None = None,
    finer: int = 0,
) -> tuple[float, tuple[int, ...]]:
    """Spacing and padded sizes for n points on a map of these extents; the current sizes stay while they fit well."""
    c = len(extents)
    wanted = SPACING[c] * FINER if max(extents) < COMPACT else SPACING[c]
    if n is not None and c == 2 and math.prod(extents) > SPARSE * n:
        wanted *= AS_FINE
    spacing, needed = finest(extents, near.reach / REACH_IN_NODES if near else wanted, CAP[c])
    if finer and near is None:
        finer_still = finest(extents, wanted * FINER_STEP**finer, CAP[c], 1 / FINER_STEP)
        spacing, needed = min((spacing, needed), finer_still)
    kept = KEPT[c]
    if len(grid) == c and all(kept * have <= need <= have for need, have in zip(needed, grid, strict=True)):
        return spacing, grid
    return spacing, padded(needed)


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


def backend_of(Z: Tensor) -> Any:
    """The module that spreads and gathers for these positions."""
    if compiled(Z) and Z.shape[1] in (2, 3):
        from ne_interactive.forces import mesh_numba as backend
    else:
        from ne_interactive.forces import mesh_torch as backend
    return backend
