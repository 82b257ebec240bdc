"""Attraction along the edges of a weighted neighbour graph, for the Student and the Gaussian kernel."""

from __future__ import annotations

import functools
import math

import numba
import numpy as np
import torch
from numba import prange
from torch import Tensor

from ne_interactive.forces.curve import FARTHEST, nodes, strength
from ne_interactive.forces.planar import planar
from ne_interactive.forces.scalars import Scalar
from ne_interactive.forces.vectors import WIDTH, alike, eight, gathered, squared, total
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.parallel import NEXT, parallel


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
    if Z.device.type != "cpu" or Z.dtype != torch.float32:
        return student_torch(graph, Z, dof, want_loss)
    forces, stiffness = torch.empty_like(Z), torch.empty(len(Z))
    if Z.shape[1] in (2, 3):
        loss = _placed(graph, Z.numpy(), dof, forces.numpy(), stiffness.numpy(), want_loss)
    else:
        losses = torch.empty(len(Z) if want_loss else 0, dtype=torch.float32)
        found = forces.numpy(), stiffness.numpy(), losses.numpy()
        _student(*graph.arrays(), Z.numpy(), np.float32(1 / dof), *found)
        loss = float(losses.double().sum())
    return forces, stiffness, loss * dof if want_loss else math.nan


def _placed(
    graph: Graph, Z: np.ndarray, dof: float, forces: np.ndarray, stiffness: np.ndarray, want_loss: bool
) -> float:
    """In the order of `Graph.edges`; each thread has a share of the edges."""
    losses, inverse = np.zeros(numba.get_num_threads()), np.float32(1 / dof)
    kernel = _student2 if Z.shape[1] == 2 else _student3
    kernel(*listed(graph, Z), inverse, planar(forces), stiffness, _logs(), losses, want_loss)
    return float(losses.sum())


def listed(graph: Graph, Z: np.ndarray) -> tuple[np.ndarray, ...]:
    """What loops along `Graph.edges` take of it, and of Z (n, c) float32.

    Order, indptr, ends and weights; the borders of the threads' shares; the positions at the places, `planar`.
    """
    edges, threads = graph.edges, numba.get_num_threads()
    return *edges.arrays(), graph.weights.numpy(), edges.shares(threads), edges.gathered(planar(Z))


@functools.cache
def _logs() -> np.ndarray:
    """log(1 + t) for `strength`, however far points are apart: the logarithm itself takes most of an iteration."""
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


@parallel
def _student2(
    order, indptr, ends, weights, borders, placed, inverse_dof, forces, stiffness, logs, losses, want_loss
):
    one, wide = np.float32(1), np.uint64(WIDTH)
    for t in prange(len(losses)):
        summed, ones, inverse = 0.0, alike(one), alike(inverse_dof)
        for p in range(borders[t], borders[t + 1]):
            x, y = placed[p].real, placed[p].imag
            here, pull, stiff = alike(placed[p]), alike(np.complex64(0)), alike(np.float32(0))
            e, end = indptr[p], indptr[p + NEXT]
            while e + wide <= end:
                difference = here - gathered(placed, ends, e)
                w = eight(weights, e) / (ones + squared(difference) * inverse)
                pull, stiff = pull + difference * w, stiff + w
                e += wide
            force, held, loss = total(pull), total(stiff), np.float32(0)
            fx, fy = force.real, force.imag
            while e < end:
                dx, dy = x - placed[ends[e]].real, y - placed[ends[e]].imag
                last = weights[e] / (one + (dx * dx + dy * dy) * inverse_dof)
                fx += last * dx
                fy += last * dy
                held += last
                e += NEXT
            forces[order[p]] = complex(fx, fy)
            stiffness[order[p]] = held
            if (
                want_loss
            ):  # in a loop of its own: forces are the same bit for bit whether it is measured or not
                for e in range(indptr[p], indptr[p + NEXT]):
                    other = placed[ends[e]]
                    dx, dy = x - other.real, y - other.imag
                    loss += weights[e] * strength(logs, (dx * dx + dy * dy) * inverse_dof)
                summed += loss
        losses[t] = summed


@parallel
def _student3(
    order, indptr, ends, weights, borders, placed, inverse_dof, forces, stiffness, logs, losses, want_loss
):
    one = np.float32(1)
    for t in prange(len(losses)):
        total = 0.0
        for p in range(borders[t], borders[t + 1]):
            x, y, z = placed[p, 0], placed[p, 1], placed[p, 2]
            fx, fy, fz = np.float32(0), np.float32(0), np.float32(0)
            held, loss = np.float32(0), np.float32(0)
            for e in range(indptr[p], indptr[p + NEXT]):
                q = ends[e]
                dx, dy, dz = x - placed[q, 0], y - placed[q, 1], z - placed[q, 2]
                w = weights[e] / (one + (dx * dx + dy * dy + dz * dz) * inverse_dof)
                fx += w * dx
                fy += w * dy
                fz += w * dz
                held += w
            i = order[p]
            forces[i, 0], forces[i, 1], forces[i, 2], stiffness[i] = fx, fy, fz, held
            if want_loss:
                for e in range(indptr[p], indptr[p + NEXT]):
                    q = ends[e]
                    dx, dy, dz = x - placed[q, 0], y - placed[q, 1], z - placed[q, 2]
                    loss += weights[e] * strength(logs, (dx * dx + dy * dy + dz * dz) * inverse_dof)
                total += loss
        losses[t] = total


@parallel
def _student(indptr, indices, values, Z, inverse_dof, forces, stiffness, losses):
    one = np.float32(1)
    c = Z.shape[1]
    for i in prange(len(Z)):
        held, loss = np.float32(0), np.float32(0)
        for k in range(c):
            forces[i, k] = 0
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            squared = np.float32(0)
            for k in range(c):
                difference = Z[i, k] - Z[j, k]
                squared += difference * difference
            stretched = one + squared * inverse_dof
            w = values[e] / stretched
            for k in range(c):
                forces[i, k] += w * (Z[i, k] - Z[j, k])
            held += w
            if len(losses):
                loss += values[e] * np.log(stretched)
        stiffness[i] = held
        if len(losses):
            losses[i] = loss


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
    if Z.device.type != "cpu" or Z.dtype != torch.float32:
        return gaussian_torch(graph, Z, want_loss)
    forces = torch.empty_like(Z)
    if Z.shape[1] == 2:
        losses = np.zeros(numba.get_num_threads())
        _gaussian2(*listed(graph, Z.numpy()), planar(forces.numpy()), losses)
    else:
        losses = np.zeros(len(Z))
        _gaussian(*graph.arrays(), Z.numpy(), forces.numpy(), losses)
    return forces, float(losses.sum()) if want_loss else math.nan


def gaussian_torch(graph: Graph, Z: Tensor, want_loss: bool) -> tuple[Tensor, Scalar]:
    """The reference for `gaussian`, on any device and in any precision."""
    rows = graph.rows
    values = graph.values.to(Z.dtype)
    difference = Z[rows] - Z[graph.indices.long()]
    forces = torch.zeros_like(Z).index_add_(0, rows, values.unsqueeze(1) * difference)
    return forces, (values * difference.square().sum(1)).sum() if want_loss else math.nan


@parallel
def _gaussian2(order, indptr, ends, weights, borders, placed, forces, losses):
    for t in prange(len(losses)):
        total = 0.0
        for p in range(borders[t], borders[t + 1]):
            x, y = placed[p].real, placed[p].imag
            fx, fy, loss = np.float32(0), np.float32(0), np.float32(0)
            for e in range(indptr[p], indptr[p + NEXT]):
                other = placed[ends[e]]
                dx, dy, w = x - other.real, y - other.imag, weights[e]
                fx += w * dx
                fy += w * dy
                loss += w * (dx * dx + dy * dy)
            forces[order[p]] = complex(fx, fy)
            total += loss
        losses[t] = total


@parallel
def _gaussian(indptr, indices, values, Z, forces, losses):
    c = Z.shape[1]
    for i in prange(len(Z)):
        loss = np.float32(0)
        for k in range(c):
            forces[i, k] = 0
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            for k in range(c):
                difference = Z[i, k] - Z[j, k]
                forces[i, k] += values[e] * difference
                loss += values[e] * difference * difference
        losses[i] = loss
