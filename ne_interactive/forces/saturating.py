"""Forces of PaCMAP's pairs: the loss D / (b + D), D = 1 + d^2, which saturates where a pair is far apart.

With b = 10 it pulls neighbours, with b = 10,000 mid-near pairs; further pairs are pushed by 1 / (1 + D), which is
1 - D / (1 + D). In LocalMAP (Wang, Sun, Huang and Rudin, arXiv:2412.15426) the slope of a pair is multiplied by
reach / sqrt(D), so that close neighbours hold firmly and far ones let go; `locality` goes from one to the other.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numba import prange
from torch import Tensor

from ne_interactive.forces.planar import planar
from ne_interactive.forces.scalars import Scalar
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.parallel import parallel, serial


class Shape(NamedTuple):
    """Of the loss of a pair.

    Attributes:
        b: the D at which half of the loss is reached.
        locality: share of the slope that is multiplied by reach / sqrt(D); in [0, 1].
        reach: embedding units.
    """

    b: float
    locality: float = 0.0
    reach: float = 5.0

    def loss(self, D: Tensor) -> Tensor:
        """The loss of pairs at D = 1 + d^2, differentiable."""
        plain = D / (self.b + D)
        if self.locality == 0:
            return plain
        root, half = D.sqrt(), math.sqrt(self.b)
        local = self.reach * (root / (self.b + D) + torch.atan(root / half) / half)
        return (1 - self.locality) * plain + self.locality * local


def saturating(graph: Graph, Z: Tensor, shape: Shape, want_loss: bool) -> tuple[Tensor, Scalar]:
    """Gradient and loss of the pairs of a graph.

    Args:
        graph: how often each pair counts, both directions stored.
        Z: (n, c) positions.
        shape: of the loss.
        want_loss: measure the loss as well.

    Returns:
        the gradient (n, c): 2 sum_j count_ij slope(D_ij) (z_i - z_j);  the loss, half the sum over stored entries
        (nan if not wanted), which the torch version leaves on its device.
    """
    if Z.device.type != "cpu" or Z.dtype != torch.float32:
        return saturating_torch(graph, Z, shape, want_loss)
    gradient = torch.empty_like(Z)
    losses = torch.empty(len(Z) if want_loss else 0, dtype=torch.float32)
    kernel = _saturating2 if Z.shape[1] == 2 else _saturating
    places, slopes = planar(Z.numpy()), planar(gradient.numpy())
    kernel(*graph.arrays(), places, *(np.float32(value) for value in shape), slopes, losses.numpy())
    return gradient, float(losses.double().sum()) / 2 if want_loss else math.nan


def saturating_torch(graph: Graph, Z: Tensor, shape: Shape, want_loss: bool) -> tuple[Tensor, Scalar]:
    """The reference for `saturating`, on any device and in any precision."""
    difference = Z[graph.rows] - Z[graph.indices.long()]
    D = 1 + difference.square().sum(1)
    slope = shape.b / (shape.b + D).square()
    slope = slope * ((1 - shape.locality) + shape.locality * shape.reach / D.sqrt())
    values = graph.values.to(Z.dtype)
    gradient = torch.zeros_like(Z).index_add_(0, graph.rows, (2 * values * slope).unsqueeze(1) * difference)
    return gradient, total(graph, Z, shape) if want_loss else math.nan


def total(graph: Graph, Z: Tensor, shape: Shape) -> Tensor:
    """The loss summed over pairs, differentiable."""
    D = 1 + (Z[graph.rows] - Z[graph.indices.long()]).square().sum(1)
    return (graph.values.to(Z.dtype) * shape.loss(D)).sum() / 2


@serial
def _loss(D, b, locality, reach):
    plain = D / (b + D)
    if locality == 0:
        return plain
    root, half = np.sqrt(D), np.sqrt(b)
    return (np.float32(1) - locality) * plain + locality * reach * (
        root / (b + D) + np.arctan(root / half) / half
    )


@parallel
def _saturating2(indptr, indices, values, Z, b, locality, reach, gradient, losses):
    one, two = np.float32(1), np.float32(2)
    plain, local = two * b * (one - locality), two * b * locality * reach
    for i in prange(len(Z)):
        x, y = Z[i].real, Z[i].imag
        gx, gy = np.float32(0), np.float32(0)
        for e in range(indptr[i], indptr[i + 1]):
            other = Z[indices[e]]
            dx, dy = x - other.real, y - other.imag
            D = one + dx * dx + dy * dy
            slope = plain if local == 0 else plain + local / np.sqrt(D)
            slope *= values[e] / ((b + D) * (b + D))
            gx += slope * dx
            gy += slope * dy
        gradient[i] = complex(gx, gy)
        if len(losses):
            loss = np.float32(0)
            for e in range(indptr[i], indptr[i + 1]):
                other = Z[indices[e]]
                dx, dy = x - other.real, y - other.imag
                loss += values[e] * _loss(one + dx * dx + dy * dy, b, locality, reach)
            losses[i] = loss


@parallel
def _saturating(indptr, indices, values, Z, b, locality, reach, gradient, losses):
    one, two = np.float32(1), np.float32(2)
    plain, local = two * b * (one - locality), two * b * locality * reach
    c = Z.shape[1]
    for i in prange(len(Z)):
        loss = np.float32(0)
        for k in range(c):
            gradient[i, k] = 0
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            D = one
            for k in range(c):
                D += (Z[i, k] - Z[j, k]) * (Z[i, k] - Z[j, k])
            slope = plain if local == 0 else plain + local / np.sqrt(D)
            slope *= values[e] / ((b + D) * (b + D))
            for k in range(c):
                gradient[i, k] += slope * (Z[i, k] - Z[j, k])
            if len(losses):
                loss += values[e] * _loss(D, b, locality, reach)
        if len(losses):
            losses[i] = loss
