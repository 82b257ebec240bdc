"""Potentials and fields of charged points: weighted sums of a kernel over all other points.

Few points, or more than three dimensions, are summed pair by pair; otherwise the charges go onto a particle mesh
(`mesh`). What the mesh makes a point feel of itself is known in closed form from where the point lies in its cell, and
taken off. The mesh's error is absolute, of the size of the largest potential and of the charges nearby: charges far
above the usual, and points whose potential is small beside the largest, are therefore summed exactly.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ne_interactive.forces import exact, mesh
from ne_interactive.forces.cells import Cells
from ne_interactive.forces.convolution import convolution
from ne_interactive.forces.log_sums import log_sums
from ne_interactive.forces.near import Near
from ne_interactive.params.errors import ParameterError

KERNELS = ("student", "gaussian")
BACKENDS = ("exact", "mesh")
EXACT_BELOW = 2500  # points; from there on the mesh is faster and accurate enough
FLOOR = 1e-4  # of the largest potential: points below it are summed exactly
HEAVY = 1e3  # times the median: charges above it are summed exactly
FEW = 0.1  # of the points may lie outside the mesh, to be summed exactly; with more of them the mesh gets coarser
TINY = 1e-37  # least potential of charges that are not negative: positive, and its inverse finite


class Cloud:
    """Points that are asked for several fields at the same positions.

    Args:
        Z: (n, c) positions. They must not change while the cloud is in use.
        kernel: "student", k = (1 + d^2/dof)^-dof, or "gaussian", k = exp(-d^2).
        dof: tail weight of the Student kernel.
        grid: padded grid sizes of the iteration before, () at first; kept while they fit.
        backend: "exact", "mesh", or None for what suits n, c, and the precision (float64 is summed exactly).

    Attributes:
        grid: the padded grid sizes used, () without a mesh.
        coarse: whether the map is too wide for a mesh that resolves the Gaussian kernel.

    Raises:
        ParameterError: another kernel or backend, or a mesh for more than 3 dimensions.
    """

    def __init__(
        self,
        Z: Tensor,
        kernel: str,
        dof: float = 1.0,
        grid: tuple[int, ...] = (),
        *,
        backend: str | None = None,
    ) -> None:
        _check(kernel, backend, Z.shape[1])
        self.Z, self.kernel = Z.contiguous(), kernel
        self.dof = 1.0 if kernel == "gaussian" else float(dof)
        self.exact = len(Z) < 2 or (backend == "exact" if backend else suits_exact(Z))
        self.grid: tuple[int, ...] = ()
        self.coarse = False
        self._far: Tensor | None = None
        self._own: tuple[Tensor, Tensor] | None = None
        self._cells: Cells | None = None
        self._near: Near | None = None
        if not self.exact:
            self._place(grid)

    def field(self, charges: Tensor | None = None, want_field: bool = True) -> tuple[Tensor, Tensor | None]:
        """Potential and field of charges at the cloud's points.

        Args:
            charges: (n,) weights q; None: all 1. Where none is negative, potentials are accurate to their own size
                and at least 1e-37; otherwise to the size of the largest one, and on the mesh the field of the
                Student kernel, to which only close charges contribute then, is right to 5 % (2D) or 3 % (3D).
            want_field: False leaves the field out, which is faster.

        Returns:
            potential (n,): sum_{j != i} q_j k(d_ij);  field (n, c): sum_j q_j k'(d_ij) (z_i - z_j), k' = -dk/d(d^2).
        """
        charges = None if charges is None else charges.to(self.Z.dtype).contiguous()
        positive = charges is None or bool((charges >= 0).all())
        if self.exact or self.coarse:
            potential, field = self._directly(charges, want_field)
        else:
            potential, field = self._on_mesh_and_exactly(charges, want_field, positive)
        return potential.clamp_(min=TINY) if positive else potential, field

    def log_potential(self, logs: Tensor) -> Tensor:
        """log sum_{j != i} exp(logs_j) k(d_ij) (n,): finite where the potential itself would underflow.

        Args:
            logs: (n,) logarithms of the charges; any finite range.
        """
        top = logs.max()
        potential = self.field(torch.exp(logs - top), want_field=False)[0]
        found = potential.log().to(self.Z.dtype) + top
        lost = torch.nonzero(potential < 1e-30).squeeze(1)
        if len(lost):
            found[lost] = log_sums(self.Z, logs, self.kernel, self.dof, lost).to(found.dtype)
        return found

    def on_mesh(self, charges: Tensor | None, want_field: bool = True) -> tuple[Tensor, Tensor | None]:
        """`field` by the mesh alone: its error is of the size of the largest potential."""
        backend = mesh.backend_of(self.Z)
        reach = self._near.reach if self._near else 0.0
        convolved = convolution(self.grid, self.spacing, self.kernel, self.dof, reach, self.Z.device)
        on_nodes = convolved(backend.spread(self.placed, self.origin, self.spacing, self.nodes, charges))
        potential, field = backend.sample(self.placed, self.origin, self.spacing, on_nodes, want_field)
        if self._own is None:
            self._own = convolved.own(backend, self.placed, self.origin)
        own, own_field = self._own
        potential -= own if charges is None else own * charges
        if field is not None:
            field -= own_field if charges is None else own_field * charges.unsqueeze(1)
        if self._near is not None:
            more, pull = self._near.field(charges, self.dof, want_field)
            potential += more
            field = None if field is None or pull is None else field.add_(pull)
        return potential, field

    def _on_mesh_and_exactly(
        self, charges: Tensor | None, want_field: bool, positive: bool
    ) -> tuple[Tensor, Tensor | None]:
        apart = _heavy(charges)
        if self._far is not None:
            apart = self._far | apart if apart is not None else self._far
        usual = charges
        if apart is not None:
            usual = (torch.ones_like(self.Z[:, 0]) if charges is None else charges).masked_fill(apart, 0.0)
        potential, field = self.on_mesh(usual, want_field)
        doubtful = (
            potential < FLOOR * potential.max() if positive else torch.zeros_like(potential, dtype=torch.bool)
        )
        if self._far is not None:
            doubtful |= self._far
        self._replace(potential, field, usual, torch.nonzero(doubtful).squeeze(1))
        if apart is not None:
            sources = torch.nonzero(apart).squeeze(1)
            more, pull = exact.sums(self.Z, charges, self.kernel, self.dof, want_field, None, sources)
            potential += more
            field = None if field is None or pull is None else field + pull
        return potential, field

    def _directly(self, charges: Tensor | None, want_field: bool) -> tuple[Tensor, Tensor | None]:
        if self.exact or self.Z.device.type != "cpu":
            return exact.sums(self.Z, charges, self.kernel, self.dof, want_field)
        self._cells = self._cells or Cells(self.Z)
        potential, field = self._cells.sums(charges)
        return potential, field if want_field else None

    def _replace(self, potential: Tensor, field: Tensor | None, charges: Tensor | None, rows: Tensor) -> None:
        if len(rows):
            potential[rows], part = exact.sums(
                self.Z, charges, self.kernel, self.dof, field is not None, rows
            )
            if field is not None and part is not None:
                field[rows] = part

    def _place(self, grid: tuple[int, ...]) -> None:
        self.placed = self.Z
        low, extents = _bounds(self.Z)
        if self.kernel == "gaussian":
            self.spacing, self.grid, self.nodes = mesh.fit_short(extents, grid)
            if self.spacing > mesh.GAUSSIAN_SPACING[self.Z.shape[1]]:
                self.placed = mesh.without_gaps(self.Z)
                low, extents = _bounds(self.placed)
                self.spacing, self.grid, self.nodes = mesh.fit_short(extents, grid)
                self.coarse = self.spacing > mesh.GAUSSIAN_SPACING[self.Z.shape[1]]
        else:
            far = mesh.out_of_reach(self.Z, extents)
            if far is not None and int(far.sum()) <= FEW * len(self.Z):
                self._far = far
                self.placed = torch.where(far.unsqueeze(1), self.Z.median(0).values, self.Z)
                low, extents = _bounds(self.placed)
            self._near = mesh.near_part(self.placed, low, extents)
            self.spacing, self.grid = mesh.fit_grid(extents, grid, self._near)
            self.nodes = tuple(size // 2 for size in self.grid)
        self.origin = [a - 2 * self.spacing for a in low]


def field(
    Z: Tensor,
    charges: Tensor | None,
    kernel: str,
    dof: float,
    grid: tuple[int, ...],
    *,
    backend: str | None = None,
) -> tuple[Tensor, Tensor, tuple[int, ...]]:
    """Potential (n,), field (n, c) and the grid used: a `Cloud` asked once."""
    cloud = Cloud(Z, kernel, dof, grid, backend=backend)
    potential, forces = cloud.field(charges)
    assert forces is not None
    return potential, forces, cloud.grid


def suits_exact(Z: Tensor) -> bool:
    """Whether sums over these points are taken pair by pair rather than on a mesh."""
    return len(Z) < EXACT_BELOW or Z.shape[1] > mesh.MESH_DIMENSIONS or Z.dtype != torch.float32


def _heavy(charges: Tensor | None) -> Tensor | None:
    """Which charges (n,) exceed the usual by far; None where none does."""
    if charges is None:
        return None
    sizes = charges.abs()
    heavy = sizes > HEAVY * sizes[sizes > 0].median() if bool(sizes.any()) else sizes > 0
    return heavy if bool(heavy.any()) else None


def _bounds(Z: Tensor) -> tuple[list[float], list[float]]:
    low, high = torch.aminmax(Z, dim=0)
    return low.tolist(), (high - low).tolist()


def _check(kernel: str, backend: str | None, c: int) -> None:
    if kernel not in KERNELS:
        raise ParameterError(f'kernel must be "student" or "gaussian", but {kernel!r} was given')
    if backend is not None and backend not in BACKENDS:
        raise ParameterError(f'backend must be None, "exact" or "mesh", but {backend!r} was given')
    if backend == "mesh" and c > mesh.MESH_DIMENSIONS:
        raise ParameterError(
            f'backend="mesh" needs at most {mesh.MESH_DIMENSIONS} dimensions, but Z has {c}; use backend="exact"'
        )
