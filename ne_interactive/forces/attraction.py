"""Attraction along the edges of a weighted neighbour graph, for the Student and the Gaussian kernel."""

from __future__ import annotations

import math

import numba
import numpy as np
import torch
from numba import prange
from torch import Tensor

from ne_interactive.graph.csr import Graph
from ne_interactive.graph.parallel import parallel

FEW_THREADS = 8  # up to which every thread can have sums of its own for all points


def student(graph: Graph, Z: Tensor, dof: float, want_loss: bool) -> tuple[Tensor, Tensor, float]:
    """Pull of every point towards its graph neighbours.

    Args:
        graph: P, symmetric, both directions stored.
        Z: (n, c) positions.
        dof: tail weight of w = (1 + d^2/dof)^-dof.
        want_loss: measure the loss as well (a logarithm for every edge).

    Returns:
        forces (n, c): sum_j p_ij w_ij^(1/dof) (z_i - z_j);  stiffness (n,): sum_j p_ij w_ij^(1/dof);  the loss
        -sum_ij p_ij log w_ij (nan if not wanted).
    """
    if Z.device.type != "cpu" or Z.dtype != torch.float32:
        return student_torch(graph, Z, dof, want_loss)
    forces, stiffness = torch.empty_like(Z), torch.empty(len(Z))
    if Z.shape[1] in (2, 3) and numba.get_num_threads() <= FEW_THREADS:
        loss = _once(graph, Z.numpy(), dof, forces.numpy(), stiffness.numpy(), want_loss)
    else:
        edges = graph.indptr.numpy(), graph.indices.numpy(), graph.values.numpy()
        losses = torch.empty(len(Z) if want_loss else 0, dtype=torch.float32)
        found = forces.numpy(), stiffness.numpy(), losses.numpy()
        _student(*edges, Z.numpy(), np.float32(1 / dof), *found)
        loss = float(losses.double().sum())
    return forces, stiffness, loss * dof if want_loss else math.nan


def _once(
    graph: Graph, Z: np.ndarray, dof: float, forces: np.ndarray, stiffness: np.ndarray, want_loss: bool
) -> float:
    """Every edge computed once for both its ends; each thread has a share of the edges and sums of its own."""
    threads, edges = numba.get_num_threads(), graph.edges
    listed = (part.numpy() for part in (edges.order, edges.indptr, edges.ends, graph.weights))
    placed, parts = np.empty_like(Z), np.empty((threads, len(Z), Z.shape[1] + 1), np.float32)
    losses, inverse = np.zeros(threads), np.float32(1 / dof)
    kernel = _student2 if Z.shape[1] == 2 else _student3
    kernel(*listed, edges.shares(threads), Z, inverse, placed, parts, forces, stiffness, losses, want_loss)
    return 2 * float(losses.sum())


def student_torch(graph: Graph, Z: Tensor, dof: float, want_loss: bool) -> tuple[Tensor, Tensor, float]:
    """The reference for `student`, on any device and in any precision."""
    rows = graph.rows
    columns = graph.indices.long()
    values = graph.values.to(Z.dtype)
    difference = Z[rows] - Z[columns]
    stretched = 1 + difference.square().sum(1) / dof
    held = values / stretched
    forces = torch.zeros_like(Z).index_add_(0, rows, held.unsqueeze(1) * difference)
    stiffness = torch.zeros_like(Z[:, 0]).index_add_(0, rows, held)
    return forces, stiffness, float((values * stretched.log()).sum()) * dof if want_loss else math.nan


@parallel
def _student2(
    order, indptr, ends, weights, borders, Z, inverse_dof, placed, parts, forces, stiffness, losses, want_loss
):
    one = np.float32(1)
    threads = len(parts)
    for p in prange(len(order)):
        placed[p, 0], placed[p, 1] = Z[order[p], 0], Z[order[p], 1]
    for t in prange(threads):
        part = parts[t]
        part[:] = 0
        total = 0.0
        for p in range(borders[t], borders[t + 1]):
            x, y = placed[p, 0], placed[p, 1]
            fx, fy, held, loss = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
            for e in range(indptr[p], indptr[p + 1]):
                q = ends[e]
                dx, dy = x - placed[q, 0], y - placed[q, 1]
                w = weights[e] / (one + (dx * dx + dy * dy) * inverse_dof)
                wx, wy = w * dx, w * dy
                fx += wx
                fy += wy
                held += w
                part[q, 0] -= wx
                part[q, 1] -= wy
                part[q, 2] += w
            part[p, 0] += fx
            part[p, 1] += fy
            part[p, 2] += held
            if want_loss:
                for e in range(indptr[p], indptr[p + 1]):
                    q = ends[e]
                    dx, dy = x - placed[q, 0], y - placed[q, 1]
                    loss += weights[e] * np.log(one + (dx * dx + dy * dy) * inverse_dof)
                total += loss
        losses[t] = total
    for p in prange(len(order)):
        fx, fy, held = np.float32(0), np.float32(0), np.float32(0)
        for t in range(threads):
            fx += parts[t, p, 0]
            fy += parts[t, p, 1]
            held += parts[t, p, 2]
        forces[order[p], 0], forces[order[p], 1], stiffness[order[p]] = fx, fy, held


@parallel
def _student3(
    order, indptr, ends, weights, borders, Z, inverse_dof, placed, parts, forces, stiffness, losses, want_loss
):
    one = np.float32(1)
    threads = len(parts)
    for p in prange(len(order)):
        for k in range(3):
            placed[p, k] = Z[order[p], k]
    for t in prange(threads):
        part = parts[t]
        part[:] = 0
        total = 0.0
        for p in range(borders[t], borders[t + 1]):
            x, y, z = placed[p, 0], placed[p, 1], placed[p, 2]
            fx, fy, fz = np.float32(0), np.float32(0), np.float32(0)
            held, loss = np.float32(0), np.float32(0)
            for e in range(indptr[p], indptr[p + 1]):
                q = ends[e]
                dx, dy, dz = x - placed[q, 0], y - placed[q, 1], z - placed[q, 2]
                w = weights[e] / (one + (dx * dx + dy * dy + dz * dz) * inverse_dof)
                wx, wy, wz = w * dx, w * dy, w * dz
                fx += wx
                fy += wy
                fz += wz
                held += w
                part[q, 0] -= wx
                part[q, 1] -= wy
                part[q, 2] -= wz
                part[q, 3] += w
            part[p, 0] += fx
            part[p, 1] += fy
            part[p, 2] += fz
            part[p, 3] += held
            if want_loss:
                for e in range(indptr[p], indptr[p + 1]):
                    q = ends[e]
                    dx, dy, dz = x - placed[q, 0], y - placed[q, 1], z - placed[q, 2]
                    loss += weights[e] * np.log(one + (dx * dx + dy * dy + dz * dz) * inverse_dof)
                total += loss
        losses[t] = total
    for p in prange(len(order)):
        for k in range(3):
            total = np.float32(0)
            for t in range(threads):
                total += parts[t, p, k]
            forces[order[p], k] = total
        held = np.float32(0)
        for t in range(threads):
            held += parts[t, p, 3]
        stiffness[order[p]] = held


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


def gaussian(graph: Graph, Z: Tensor, want_loss: bool) -> tuple[Tensor, float]:
    """Pull of every point towards its graph neighbours for the kernel exp(-d^2).

    Args:
        graph: P, symmetric, both directions stored.
        Z: (n, c) positions.
        want_loss: measure the loss as well.

    Returns:
        forces (n, c): sum_j p_ij (z_i - z_j);  the loss sum_ij p_ij d_ij^2 (nan if not wanted).
    """
    if Z.device.type != "cpu" or Z.dtype != torch.float32:
        return gaussian_torch(graph, Z, want_loss)
    forces = torch.empty_like(Z)
    losses = torch.empty(len(Z) if want_loss else 0, dtype=torch.float32)
    edges = graph.indptr.numpy(), graph.indices.numpy(), graph.values.numpy()
    kernel = _gaussian2 if Z.shape[1] == 2 else _gaussian
    kernel(*edges, Z.numpy(), forces.numpy(), losses.numpy())
    return forces, float(losses.double().sum()) if want_loss else float("nan")


def gaussian_torch(graph: Graph, Z: Tensor, want_loss: bool) -> tuple[Tensor, float]:
    """The reference for `gaussian`, on any device and in any precision."""
    rows = graph.rows
    values = graph.values.to(Z.dtype)
    difference = Z[rows] - Z[graph.indices.long()]
    forces = torch.zeros_like(Z).index_add_(0, rows, values.unsqueeze(1) * difference)
    return forces, float((values * difference.square().sum(1)).sum()) if want_loss else float("nan")


@parallel
def _gaussian2(indptr, indices, values, Z, forces, losses):
    for i in prange(len(Z)):
        x, y = Z[i, 0], Z[i, 1]
        fx, fy, loss = np.float32(0), np.float32(0), np.float32(0)
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            dx, dy = x - Z[j, 0], y - Z[j, 1]
            fx += values[e] * dx
            fy += values[e] * dy
            loss += values[e] * (dx * dx + dy * dy)
        forces[i, 0], forces[i, 1] = fx, fy
        if len(losses):
            losses[i] = loss


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
        if len(losses):
            losses[i] = loss
