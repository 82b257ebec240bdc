"""Spreading to and gathering from the mesh in torch: the reference, any device, 1 to 3 dimensions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

Origin = Sequence[float] | Tensor


def box(Z: Tensor) -> tuple[list[float], list[float]]:
    """The least and the largest coordinates of Z (n, c)."""
    low, high = torch.stack(torch.aminmax(Z, dim=0)).tolist()  # read at once
    return low, high


def origin(Z: Tensor, low: Sequence[float], spacing: float) -> Tensor:
    """Where the first node of a mesh for Z (n, c) lies, (c,), found on the device: the host need not send it."""
    return Z.amin(0) - 2 * spacing


def spread(
    Z: Tensor, origin: Origin, spacing: float, nodes: Sequence[int], charges: Tensor | None = None
) -> Tensor:
    """Density (nodes) of n charges, 1 if not given, at Z (n, c), by cubic B-spline weights."""
    density = torch.zeros(list(nodes), dtype=Z.dtype, device=Z.device)
    base, t = _cells(Z, origin, spacing)
    weights = _weights(t)
    flat = density.view(-1)
    for index, corner in _corners(base, nodes):
        weight = _product(weights, corner)
        flat.index_add_(0, index, weight if charges is None else weight * charges)
    return density


def gather(Z: Tensor, origin: Origin, spacing: float, potential: Tensor) -> tuple[Tensor, Tensor]:
    """Half the negative gradient of the potential at each point (n, c), and the potential summed over points.

    The sum stays on the device.
    """
    values, forces = sample(Z, origin, spacing, potential, True)
    assert forces is not None
    return forces, values.double().sum()


def sample(
    Z: Tensor, origin: Origin, spacing: float, potential: Tensor, want_field: bool
) -> tuple[Tensor, Tensor | None]:
    """The potential at each point (n,), and if wanted half its negative gradient (n, c)."""
    base, t = _cells(Z, origin, spacing)
    weights, slopes = _weights(t), _slopes(t)
    flat = potential.reshape(-1)
    forces = torch.zeros_like(Z)
    total = torch.zeros(len(Z), dtype=Z.dtype, device=Z.device)
    for index, corner in _corners(base, potential.shape):
        value = flat[index]
        total += value * _product(weights, corner)
        for dim in range(Z.shape[1] if want_field else 0):
            mixed = [slopes[d] if d == dim else weights[d] for d in range(Z.shape[1])]
            forces[:, dim] += value * _product(mixed, corner)
    return total, forces * (-0.5 / spacing) if want_field else None


def own(Z: Tensor, origin: Origin, spacing: float, near: Tensor) -> tuple[Tensor, Tensor]:
    """What a unit charge at each point adds to the point's own potential (n,) and field (n, c).

    Args:
        Z: (n, c) positions.
        origin: of the mesh.
        spacing: of its nodes.
        near: (4, ... 4) the mesh's answer to a unit charge on a node, 0 to 3 nodes away in every direction.
    """
    _, t = _cells(Z, origin, spacing)
    weights, slopes = _weights(t), _slopes(t)
    c = Z.shape[1]
    overlap = [_overlap(weights[dim], weights[dim]) for dim in range(c)]
    tilt = [_overlap(slopes[dim], weights[dim]) for dim in range(c)]
    field = [_contract([tilt[d] if d == dim else overlap[d] for d in range(c)], near) for dim in range(c)]
    return _contract(overlap, near), torch.stack(field, 1) * (-0.5 / spacing)


def _overlap(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    """Products of the weights of two nodes 0 to 3 apart, summed over such pairs (n, 4)."""
    columns = [sum(first[k] * second[k] for k in range(4))]
    for apart in (1, 2, 3):
        pairs = [(k, k + apart) for k in range(4 - apart)]
        columns.append(sum(first[k] * second[m] + first[m] * second[k] for k, m in pairs))
    return torch.stack([torch.as_tensor(column) for column in columns], 1)


def _contract(factors: Sequence[Tensor], near: Tensor) -> Tensor:
    """The table `near` weighted along each of its dimensions by a row of each factor (n,)."""
    value = factors[0] @ near.reshape(4, -1).to(factors[0])
    for factor in factors[1:]:
        value = (factor.unsqueeze(2) * value.reshape(len(factor), 4, -1)).sum(1)
    return value.reshape(len(factors[0]))


def _cells(Z: Tensor, origin: Origin, spacing: float) -> tuple[Tensor, Tensor]:
    if not isinstance(origin, Tensor):
        origin = torch.tensor(list(origin), dtype=Z.dtype, device=Z.device)
    scaled = (Z - origin) * (1 / spacing)
    base = scaled.floor()
    return base.long() - 1, scaled - base


def _weights(t: Tensor) -> list[tuple[Tensor, ...]]:
    u = 1 - t
    parts = (u**3 / 6, (3 * t**3 - 6 * t**2 + 4) / 6, (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6, t**3 / 6)
    return [tuple(part[:, d] for part in parts) for d in range(t.shape[1])]


def _slopes(t: Tensor) -> list[tuple[Tensor, ...]]:
    u = 1 - t
    parts = (-(u**2) / 2, (3 * t**2 - 4 * t) / 2, (-3 * t**2 + 2 * t + 1) / 2, t**2 / 2)
    return [tuple(part[:, d] for part in parts) for d in range(t.shape[1])]


def _corners(base: Tensor, nodes: Sequence[int]) -> Iterator[tuple[Tensor, tuple[int, ...]]]:
    for corner in itertools.product(range(4), repeat=base.shape[1]):
        index = torch.zeros_like(base[:, 0])
        for dim, step in enumerate(corner):
            index = index * nodes[dim] + base[:, dim] + step
        yield index, corner


def _product(weights: Sequence[tuple[Tensor, ...]], corner: tuple[int, ...]) -> Tensor:
    product = weights[0][corner[0]]
    for dim in range(1, len(corner)):
        product = product * weights[dim][corner[dim]]
    return product
