"""Spreading to and gathering from the mesh in torch: the reference, any device, 1 to 3 dimensions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor


def spread(Z: Tensor, origin: Sequence[float], spacing: float, nodes: Sequence[int]) -> Tensor:
    """Density (nodes) of n unit charges at Z (n, c), by cubic B-spline weights."""
    density = torch.zeros(list(nodes), dtype=Z.dtype, device=Z.device)
    base, t = _cells(Z, origin, spacing)
    weights = _weights(t)
    flat = density.view(-1)
    for index, corner in _corners(base, nodes):
        flat.index_add_(0, index, _product(weights, corner))
    return density


def gather(Z: Tensor, origin: Sequence[float], spacing: float, potential: Tensor) -> tuple[Tensor, float]:
    """Half the negative gradient of the potential at each point (n, c), and the potential summed over points."""
    base, t = _cells(Z, origin, spacing)
    weights, slopes = _weights(t), _slopes(t)
    flat = potential.reshape(-1)
    forces = torch.zeros_like(Z)
    total = torch.zeros(len(Z), dtype=Z.dtype, device=Z.device)
    for index, corner in _corners(base, potential.shape):
        value = flat[index]
        total += value * _product(weights, corner)
        for dim in range(Z.shape[1]):
            mixed = [slopes[d] if d == dim else weights[d] for d in range(Z.shape[1])]
            forces[:, dim] += value * _product(mixed, corner)
    return forces * (-0.5 / spacing), float(total.double().sum())


def _cells(Z: Tensor, origin: Sequence[float], spacing: float) -> tuple[Tensor, Tensor]:
    scaled = (Z - torch.tensor(list(origin), dtype=Z.dtype, device=Z.device)) * (1 / spacing)
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
