"""Attraction along the edges of a weighted neighbour graph, for the Student and the Gaussian kernel."""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from torch import Tensor

from ne_interactive.forces.along import along
from ne_interactive.forces.compiled import compiled
from ne_interactive.forces.curve import FARTHEST, nodes
from ne_interactive.forces.scalars import Scalar
from ne_interactive.forces.strengths import Gaussian, Student
from ne_interactive.graph.csr import Graph


def student(graph: Graph, Z: Tensor, dof: float, want_loss: bool) -> tuple[Tensor, Tensor, Scalar]:
    """Pull of every point towards its graph neighbours.

    Args:
        graph: P, symmetric, both directions stored.
        Z: (n, c) positions.
        dof: tail weight of w = (1 + d^2/dof)^-dof.
        want_loss: measure the loss as well (a logarithm for every edge).

    Returns:
        forces (n, c): sum_j p_ij w_ij^(1/dof) (z_i - z_j);  stiffness (n,): sum_j p_ij w_ij^(1/dof);  the loss
        -sum_ij p_ij log w_ij (nan if not wanted), which the torch version leaves on its device.
    """
    if not compiled(Z):
        return student_torch(graph, Z, dof, want_loss)
    forces, stiffness, loss = along(graph, Z, Student(np.float32(1 / dof), _logs()), want_loss)
    return forces, stiffness, loss * dof


@functools.cache
def _logs() -> np.ndarray:
    """A table of log(1 + t), however far points are apart: the logarithm itself takes most of an iteration."""
    return np.log1p(nodes(FARTHEST)).astype(np.float32)


def student_torch(graph: Graph, Z: Tensor, dof: float, want_loss: bool) -> tuple[Tensor, Tensor, Scalar]:
    """The reference for `student`, on any device and in any precision."""
    rows = graph.rows
    columns = graph.indices.long()
    values = graph.values.to(Z.dtype)
    difference = Z[rows] - Z[columns]
    stretched = 1 + difference.square().sum(1) / dof
    held = values / stretched
    forces = torch.zeros_like(Z).index_add_(0, rows, held.unsqueeze(1) * difference)
    stiffness = torch.zeros_like(Z[:, 0]).index_add_(0, rows, held)
    return forces, stiffness, (values * stretched.log()).sum() * dof if want_loss else math.nan


def gaussian(graph: Graph, Z: Tensor, want_loss: bool) -> tuple[Tensor, Scalar]:
    """Pull of every point towards its graph neighbours for the kernel exp(-d^2).

    Args:
        graph: P, symmetric, both directions stored.
        Z: (n, c) positions.
        want_loss: measure the loss as well.

    Returns:
        forces (n, c): sum_j p_ij (z_i - z_j);  the loss sum_ij p_ij d_ij^2 (nan if not wanted), which the torch version
        leaves on its device.
    """
    if not compiled(Z):
        return gaussian_torch(graph, Z, want_loss)
    forces, _, loss = along(graph, Z, Gaussian(), want_loss)
    return forces, loss


def gaussian_torch(graph: Graph, Z: Tensor, want_loss: bool) -> tuple[Tensor, Scalar]:
    """The reference for `gaussian`, on any device and in any precision."""
    rows = graph.rows
    values = graph.values.to(Z.dtype)
    difference = Z[rows] - Z[graph.indices.long()]
    forces = torch.zeros_like(Z).index_add_(0, rows, values.unsqueeze(1) * difference)
    return forces, (values * difference.square().sum(1)).sum() if want_loss else math.nan
