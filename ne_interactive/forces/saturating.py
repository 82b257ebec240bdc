"""Forces of PaCMAP's pairs: the loss D / (b + D), D = 1 + d^2, which saturates where a pair is far apart.

With b = 10 it pulls neighbours, with b = 10,000 mid-near pairs; further pairs are pushed by 1 / (1 + D), which is
1 - D / (1 + D). In LocalMAP (Wang, Sun, Huang and Rudin, arXiv:2412.15426) the slope of a pair is multiplied by
reach / sqrt(D), so that close neighbours hold firmly and far ones let go; `locality` goes from one to the other.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ne_interactive.forces.along import along
from ne_interactive.forces.compiled import compiled
from ne_interactive.forces.curve import nodes
from ne_interactive.forces.scalars import Scalar
from ne_interactive.forces.strengths import Saturating
from ne_interactive.graph.csr import Graph


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
        return (1 - self.locality) * plain + self.locality * self.reach * _local_loss(D, self.b)


def _local_loss(D: Tensor, b: float) -> Tensor:
    """What b / (sqrt(D) (b + D)^2) is the slope of."""
    whole, half = D.sqrt(), math.sqrt(b)
    return whole / (b + D) + torch.atan(whole / half) / half


@functools.lru_cache(maxsize=16)
def _local_losses(b: float) -> np.ndarray:
    """A table of them over squared distances."""
    return _local_loss(1 + torch.from_numpy(nodes()), b).float().numpy()


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
    if not compiled(Z):
        return saturating_torch(graph, Z, shape, want_loss)
    plain, local = np.float32(1 - shape.locality), np.float32(shape.locality * shape.reach)
    kernel = Saturating(np.float32(shape.b), plain, local, _local_losses(shape.b))
    gradient, _, loss = along(graph, Z, kernel, want_loss)
    return gradient, loss / 2


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
