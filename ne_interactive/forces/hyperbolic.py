"""Forces of points in the Poincare ball of curvature -1, with the Cauchy kernel of their geodesic distances.

Written with t = |x - y|^2 / ((1 - |x|^2) (1 - |y|^2)): the distance is d = arccosh(1 + 2 t) = 2 arcsinh(sqrt t)
(Nickel and Kiela 2017, arXiv:1705.08039): the latter form keeps its digits near 0 and near the rim. The kernel is
w = 1 / (d^2 + gamma^2). All in float64.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numba import prange
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ne_interactive.forces.scalars import Scalar
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.parallel import parallel, serial

RIM = 1 - 1e-5  # largest norm of a point: geodesic radius 12.2
BLOCK = 256  # points that a kernel's inner loops work on at once
TILE = 2**22  # pairs held at once by the torch versions
NEAR = 1e-6  # below this t the distance is taken from its series, whose derivative is finite at 0
TINY = 1e-200
LN2 = math.log(2)


def into_ball(Z: Tensor, rim: float = RIM) -> Tensor:
    """Positions (n, c) with those outside norm `rim` drawn back to it."""
    norm = Z.norm(dim=1, keepdim=True)
    return torch.where(norm > rim, Z * (rim / norm.clamp_min(TINY)), Z)


def ratio(x: Tensor, y: Tensor) -> Tensor:
    """t of points x and y (..., c), which broadcast; differentiable."""
    room = (1 - x.square().sum(-1)) * (1 - y.square().sum(-1))
    return (x - y).square().sum(-1) / room


def squared_distance(t: Tensor) -> Tensor:
    """Squared geodesic distance (2 arcsinh sqrt t)^2 of any shape, differentiable everywhere."""
    near = t < NEAR
    far = 4 * torch.where(near, 1.0, t).sqrt().asinh().square()
    return torch.where(near, 4 * t * (1 - t / 3), far)


def squared_radius(Z: Tensor) -> Tensor:
    """Squared geodesic distances (n,) of Z (n, c) from the centre; differentiable."""
    squared = Z.square().sum(1)
    return squared_distance(squared / (1 - squared))


def kernel_sum(Z: Tensor, gamma: Scalar) -> Tensor:
    """The sum of w over all pairs i != j of Z (n, c): a differentiable scalar, in tiles that are recomputed."""
    rows = max(1, TILE // max(len(Z), 1))

    def tile(start: int, Z: Tensor) -> Tensor:
        block = Z[start : start + rows]
        w = 1 / (squared_distance(ratio(block[:, None], Z[None])) + gamma * gamma)
        own = (
            torch.arange(len(Z), device=Z.device)
            == torch.arange(start, start + len(block), device=Z.device)[:, None]
        )
        return w.masked_fill(own, 0).sum()

    if len(Z) <= rows:
        return tile(0, Z)
    parts = [checkpoint(tile, start, Z, use_reentrant=False) for start in range(0, len(Z), rows)]
    return torch.stack([part for part in parts if isinstance(part, Tensor)]).sum()


def repulsion(Z: Tensor, gamma: Scalar) -> tuple[Tensor, Scalar]:
    """Unnormalised repulsion over all pairs i != j.

    Args:
        Z: (n, c) positions of norm at most `RIM`, float64.
        gamma: scale of the kernel, a geodesic distance.

    Returns:
        slopes (n, c): sum_j -dw_ij/dz_i, half the gradient of minus the sum of w;  the sum of w, which
        the torch version leaves on its device.
    """
    if Z.device.type != "cpu":
        return repulsion_torch(Z, gamma)
    slopes, totals = torch.empty_like(Z), Z.new_empty(len(Z))
    room = 1 / (1 - Z.square().sum(1))
    columns = Z.t().contiguous()  # one row a dimension, so that the inner loop is vectorised
    _repulsion(columns.numpy(), room.numpy(), gamma * gamma, slopes.numpy(), totals.numpy())
    return slopes, float(totals.sum())


def repulsion_torch(Z: Tensor, gamma: Scalar) -> tuple[Tensor, Tensor]:
    """The reference for `repulsion`, on any device; memory is bounded by a tile."""
    slopes = torch.empty_like(Z)
    room = 1 / (1 - Z.square().sum(1))
    total = torch.zeros((), dtype=Z.dtype, device=Z.device)
    rows = max(1, TILE // max(len(Z), 1))
    for start in range(0, len(Z), rows):
        block, own = Z[start : start + rows], room[start : start + rows, None]
        difference = block[:, None] - Z[None]
        t = difference.square().sum(2) * own * room
        w = 1 / (squared_distance(t) + gamma * gamma)
        w.diagonal(start).zero_()
        total += w.sum()
        weight = w.square() * _steepness(t)
        pull = ((weight * room).unsqueeze(2) * difference).sum(1)
        slopes[start : start + rows] = 2 * own * (pull + (weight * t).sum(1, keepdim=True) * block)
    return slopes, total


def attraction(graph: Graph, Z: Tensor, gamma: Scalar, want_loss: bool) -> tuple[Tensor, Scalar]:
    """Pull of every point towards its graph neighbours.

    Args:
        graph: P, symmetric, both directions stored.
        Z: (n, c) positions of norm at most `RIM`, float64.
        gamma: scale of the kernel, a geodesic distance.
        want_loss: measure the loss as well.

    Returns:
        slopes (n, c): sum_j p_ij d log(d_ij^2 + gamma^2) / dz_i, half the gradient;  -sum p_ij log w_ij (nan if not
        wanted), which the torch version leaves on its device.
    """
    if Z.device.type != "cpu":
        return attraction_torch(graph, Z, gamma, want_loss)
    slopes = torch.empty_like(Z)
    losses = Z.new_empty(len(Z) if want_loss else 0)
    room = 1 / (1 - Z.square().sum(1))
    _attraction(*graph.arrays(), Z.numpy(), room.numpy(), gamma * gamma, slopes.numpy(), losses.numpy())
    return slopes, float(losses.sum()) if want_loss else math.nan


def attraction_torch(graph: Graph, Z: Tensor, gamma: Scalar, want_loss: bool) -> tuple[Tensor, Scalar]:
    """The reference for `attraction`, on any device."""
    rows, columns, P = graph.rows, graph.indices.long(), graph.values.to(Z.dtype)
    room = 1 / (1 - Z.square().sum(1))
    difference = Z[rows] - Z[columns]
    t = difference.square().sum(1) * room[rows] * room[columns]
    stretched = squared_distance(t) + gamma * gamma
    weight = 2 * room[rows] * P * _steepness(t) / stretched
    terms = weight[:, None] * (room[columns, None] * difference + t[:, None] * Z[rows])
    loss = (P * stretched.log()).sum() if want_loss else math.nan
    return torch.zeros_like(Z).index_add_(0, rows, terms), loss


def _steepness(t: Tensor) -> Tensor:
    """Derivative of the squared distance by t."""
    near = t < NEAR
    safe = torch.where(near, 1.0, t)
    return torch.where(near, 4 * (1 - 2 * t / 3), 4 * safe.sqrt().asinh() / (safe * (1 + safe)).sqrt())


@serial(divides=True)
def log_from_one(u):
    """log(u) of u >= 1 in float64, to 1e-15: branch-free, so that loops over it are vectorised."""
    bits = np.float64(u).view(np.int64) + np.int64(0x00095F6200000000)  # the mantissa shall lie around 1
    power = np.float64(np.int32(bits >> np.int64(52)) - np.int32(1023))
    fraction = (bits & np.int64(0x000FFFFFFFFFFFFF)) + np.int64(0x3FE6A09E00000000)
    mantissa = np.int64(fraction).view(np.float64)
    s = (mantissa - 1.0) / (mantissa + 1.0)
    z = s * s
    p = 1 / 19.0
    p = p * z + 1 / 17.0
    p = p * z + 1 / 15.0
    p = p * z + 1 / 13.0
    p = p * z + 1 / 11.0
    p = p * z + 1 / 9.0
    p = p * z + 1 / 7.0
    p = p * z + 1 / 5.0
    p = p * z + 1 / 3.0
    return power * LN2 + 2 * s * (p * z + 1.0)


@parallel
def _repulsion(columns, room, gamma2, slopes, totals):
    c, n = columns.shape
    for i in prange(n):
        t, w = np.empty(BLOCK), np.empty(BLOCK)
        total, outward, force = 0.0, 0.0, np.zeros(c)
        for start in range(0, n, BLOCK):
            count = min(BLOCK, n - start)
            t[:count] = 0
            for k in range(c):
                x = columns[k, i]
                others = columns[k, start : start + count]
                for b in range(count):
                    difference = x - others[b]
                    t[b] += difference * difference
            near = room[start : start + count]
            for b in range(count):
                t[b] = max(
                    t[b] * near[b] * room[i], 1e-24
                )  # a pair in one place: its slope is 0 all the same
                stretched = np.sqrt(1 + t[b])
                root = np.sqrt(t[b])
                arc = log_from_one(root + stretched)
                w[b] = 1 / (4 * arc * arc + gamma2)
                t[b] = 4 * arc / (root * stretched)
            if start <= i < start + count:
                w[i - start] = 0
            part, out = 0.0, 0.0
            for b in range(count):
                part += w[b]
                t[b] *= w[b] * w[b] * near[b]
            total += part
            for k in range(c):
                x = columns[k, i]
                others = columns[k, start : start + count]
                pull = 0.0
                for b in range(count):
                    pull += t[b] * (x - others[b])
                force[k] += pull
            for k in range(c):
                x = columns[k, i]
                others = columns[k, start : start + count]
                for b in range(count):
                    difference = x - others[b]
                    out += t[b] * difference * difference
            outward += out
        totals[i] = total
        for k in range(c):
            slopes[i, k] = 2 * room[i] * (force[k] + outward * room[i] * columns[k, i])


@parallel
def _attraction(indptr, indices, values, Z, room, gamma2, slopes, losses):
    n, c = Z.shape
    for i in prange(n):
        loss, outward, force = 0.0, 0.0, np.zeros(c)
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            squared = 0.0
            for k in range(c):
                difference = Z[i, k] - Z[j, k]
                squared += difference * difference
            t = max(squared * room[i] * room[j], 1e-24)
            root, stretched = np.sqrt(t), np.sqrt(1 + t)
            arc = log_from_one(root + stretched)
            denominator = 4 * arc * arc + gamma2
            weight = values[e] * 4 * arc / (root * stretched * denominator)
            outward += weight * t
            for k in range(c):
                force[k] += weight * room[j] * (Z[i, k] - Z[j, k])
            if len(losses):
                loss += values[e] * np.log(denominator)
        if len(losses):
            losses[i] = loss
        for k in range(c):
            slopes[i, k] = 2 * room[i] * (force[k] + outward * Z[i, k])
