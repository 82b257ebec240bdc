"""Sums over all pairs, exactly: for few points, and as the oracle of the mesh."""

from __future__ import annotations

import numpy as np
import torch
from numba import prange
from torch import Tensor

from ne_interactive.forces.compiled import compiled
from ne_interactive.forces.scalars import Scalar
from ne_interactive.graph.exponential import exp_minus, logarithm
from ne_interactive.graph.parallel import parallel, serial

TILE = 2**24  # pairs held at once by the torch version
BLOCK = 256  # points that a kernel's inner loops work on at once
CAUCHY, STUDENT, GAUSSIAN = 0, 1, 2


def repulsion(Z: Tensor, dof: float) -> tuple[Tensor, Scalar]:
    """Unnormalised repulsion of w = (1 + d^2/dof)^-dof over all pairs i != j.

    Args:
        Z: (n, c) positions.
        dof: tail weight; 1 is t-SNE's Cauchy kernel.

    Returns:
        forces (n, c): sum_j w_ij^(1 + 1/dof) (z_i - z_j);  the sum of w over all pairs i != j, which the torch
        version leaves on its device.
    """
    if not compiled(Z):
        return repulsion_torch(Z, dof)
    if Z.shape[1] not in (2, 3) or dof != 1:
        potential, field = sums(Z, None, "student", dof)
        assert field is not None
        return field, float(potential.double().sum())
    forces = torch.empty_like(Z)
    totals = torch.empty(len(Z), dtype=torch.float64)
    columns = Z.t().contiguous()  # one row a dimension, so that the inner loop is vectorised
    kernel = _cauchy2 if Z.shape[1] == 2 else _cauchy3
    kernel(columns.numpy(), forces.numpy(), totals.numpy())
    return forces, float(totals.sum()) - len(Z)


def repulsion_torch(Z: Tensor, dof: float) -> tuple[Tensor, Tensor]:
    """The reference for `repulsion`, on any device and in any precision; memory is bounded by a tile."""
    forces = torch.empty_like(Z)
    total = torch.zeros((), dtype=torch.float64, device=Z.device)
    rows = max(1, TILE // max(len(Z), 1))
    for start in range(0, len(Z), rows):
        difference = Z[start : start + rows, None] - Z[None]
        stretched = 1 + difference.square().sum(2) / dof
        w = stretched**-dof
        total += w.double().sum()
        forces[start : start + rows] = ((w / stretched).unsqueeze(2) * difference).sum(1)
    return forces, total - len(Z)


@parallel
def _cauchy2(Z, forces, totals):
    one = np.float32(1)
    xs, ys = Z[0], Z[1]
    n = len(xs)
    for i in prange(n):
        x, y = xs[i], ys[i]
        fx, fy, total = np.float32(0), np.float32(0), np.float32(0)
        for j in range(n):
            dx, dy = x - xs[j], y - ys[j]
            w = one / (one + dx * dx + dy * dy)
            total += w
            fx += w * w * dx
            fy += w * w * dy
        forces[i, 0], forces[i, 1], totals[i] = fx, fy, total


@parallel
def _cauchy3(Z, forces, totals):
    one = np.float32(1)
    xs, ys, zs = Z[0], Z[1], Z[2]
    n = len(xs)
    for i in prange(n):
        x, y, z = xs[i], ys[i], zs[i]
        fx, fy, fz, total = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for j in range(n):
            dx, dy, dz = x - xs[j], y - ys[j], z - zs[j]
            w = one / (one + dx * dx + dy * dy + dz * dz)
            total += w
            fx += w * w * dx
            fy += w * w * dy
            fz += w * w * dz
        forces[i, 0], forces[i, 1], forces[i, 2], totals[i] = fx, fy, fz, total


def sums(
    Z: Tensor,
    charges: Tensor | None,
    kernel: str,
    dof: float,
    want_field: bool = True,
    rows: Tensor | None = None,
    sources: Tensor | None = None,
) -> tuple[Tensor, Tensor | None]:
    """Weighted sums of a kernel and of its slope over all other points.

    Args:
        Z: (n, c) positions.
        charges: (n,) weights q of any sign; None: all 1.
        kernel: "student", k = (1 + d^2/dof)^-dof, or "gaussian", k = exp(-d^2).
        dof: tail weight of the Student kernel.
        want_field: False leaves the field out.
        rows: (m,) the points to evaluate at; None: all.
        sources: (s,) ascending, the points summed over; None: all.

    Returns:
        potential (m,): sum_{j != i} q_j k(d_ij);  field (m, c): sum_j q_j k'(d_ij) (z_i - z_j) with
        k' = -dk/d(d^2), or None.
    """
    own = torch.arange(len(Z), device=Z.device) if rows is None else rows
    targets, others, q = (Z if rows is None else Z[rows]), Z, charges
    if sources is not None:
        place = torch.searchsorted(sources, own)
        found = sources[place.clamp(max=len(sources) - 1)] == own
        own = torch.where(found, place, -1)
        others, q = Z[sources], None if charges is None else charges[sources]
    if not compiled(Z):
        return sums_torch(targets, own, others, q, kernel, dof, want_field)
    potential = torch.empty(len(targets), dtype=torch.float32)
    field = torch.empty_like(targets, memory_format=torch.contiguous_format) if want_field else None
    _sums(
        targets.t().contiguous().numpy(), own.contiguous().numpy(), others.t().contiguous().numpy(),
        None if q is None else q.contiguous().numpy(), family_of(kernel, dof), np.float32(dof),
        potential.numpy(), None if field is None else field.numpy(),
    )  # fmt: skip
    return potential, field


def sums_torch(
    targets: Tensor,
    own: Tensor,
    others: Tensor,
    q: Tensor | None,
    kernel: str,
    dof: float,
    want_field: bool = True,
) -> tuple[Tensor, Tensor | None]:
    """The reference for `sums`, on any device and in any precision; memory is bounded by a tile.

    `targets` (m, c) are summed at, `others` (s, c) over; `own` (m,) says which of the others a target is itself.
    """
    q = torch.ones_like(others[:, 0]) if q is None else q.to(others.dtype)
    potential, field = torch.empty_like(targets[:, 0]), torch.empty_like(targets)
    number = torch.arange(len(others), device=others.device)
    step = max(1, TILE // max(len(others), 1))
    for start in range(0, len(targets), step):
        part = slice(start, start + step)
        difference = targets[part, None] - others[None]
        squared = difference.square().sum(2)
        if kernel == "gaussian":
            k = slope = torch.exp(-squared)
        else:
            k = (1 + squared / dof) ** -dof
            slope = k / (1 + squared / dof)
        potential[part] = (k * (number != own[part, None])) @ q
        if want_field:
            field[part] = ((slope * q).unsqueeze(2) * difference).sum(1)
    return potential, field if want_field else None


def family_of(kernel: str, dof: float) -> int:
    """The compiled code's number of a kernel."""
    return GAUSSIAN if kernel == "gaussian" else CAUCHY if dof == 1 else STUDENT


@serial
def distances_from(targets, i, sources, start, squared):
    """Squared distances of target i from the sources from `start` on, as many as `squared` holds; their count."""
    c, n = sources.shape
    count = min(len(squared), n - start)
    squared[:count] = 0
    for k in range(c):
        x = targets[k, i]
        others = sources[k, start : start + count]
        for b in range(count):
            difference = x - others[b]
            squared[b] += difference * difference
    return count


@serial(divides=True)
def _weigh(family, dof, count, w, v):
    """From squared distances in v: the kernel into w, its slope into v."""
    one = np.float32(1)
    if family == GAUSSIAN:
        for b in range(count):
            w[b] = exp_minus(v[b])
            v[b] = w[b]
    elif family == CAUCHY:
        for b in range(count):
            w[b] = one / (one + v[b])
            v[b] = w[b] * w[b]
    else:
        for b in range(count):
            stretched = one + v[b] / dof
            w[b] = exp_minus(dof * logarithm(stretched))
            v[b] = w[b] / stretched


@parallel
def _sums(targets, own, sources, charges, family, dof, potential, field):
    c, n = sources.shape
    for i in prange(len(own)):
        w, v = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
        total, force = 0.0, np.zeros(c)
        for start in range(0, n, BLOCK):
            count = distances_from(targets, i, sources, start, v)
            _weigh(family, dof, count, w, v)
            if charges is not None:
                q = charges[start : start + count]
                for b in range(count):
                    w[b] *= q[b]
                    v[b] *= q[b]
            if start <= own[i] < start + count:
                w[own[i] - start] = 0
            part = np.float32(0)
            for b in range(count):
                part += w[b]
            total += part
            if field is not None:
                for k in range(c):
                    x, others = targets[k, i], sources[k, start : start + count]
                    part = np.float32(0)
                    for b in range(count):
                        part += v[b] * (x - others[b])
                    force[k] += part
        potential[i] = total
        if field is not None:
            for k in range(c):
                field[i, k] = force[k]
