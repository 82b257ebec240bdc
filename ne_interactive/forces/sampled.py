"""UMAP's stochastic forces: edges fire in proportion to their weight, each with a few random negatives.

McInnes, Healy and Melville, arXiv:1802.03426. A point makes its moves one after another, each from where the last
one left it: summed from one position instead, they overshoot, which costs recall. All other points stand still
meanwhile, so that the result depends neither on the order of the rows nor on the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numba import prange
from torch import Tensor

from ne_interactive.forces.counter import draw, draw_torch, key_of
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.parallel import parallel, serial

EPSILON = 1e-3  # keeps the repulsion of close pairs finite
CLIP = 4.0  # limit of each component of each pair's move


@dataclass(frozen=True)
class Curve:
    """The output kernel 1 / (1 + a d^(2b)) and the weights of both forces."""

    a: float
    b: float
    attraction: float
    repulsion: float
    n_negatives: int


def sampled(
    graph: Graph, peak: float, Z: Tensor, curve: Curve, lr: float, seed: int, iteration: int
) -> tuple[Tensor, float]:
    """One round of sampled attraction and repulsion.

    Args:
        graph: symmetric fuzzy graph, both directions stored.
        peak: its largest value; an edge of that weight fires at every iteration.
        Z: (n, c) positions.
        curve: kernel and weights of the two forces.
        lr: learning rate of every single move.
        seed: of the run.
        iteration: counted from 0; decides with the seed which edges fire and which negatives they draw.

    Returns:
        moves (n, c), to be added to Z (an edge moves both its ends, a negative only the row's own point);  the loss:
        mean cross-entropy over the pairs visited.
    """
    key = key_of(seed, iteration)
    if Z.device.type != "cpu" or Z.dtype != torch.float32:
        return sampled_torch(graph, peak, Z, curve, lr, key, iteration)
    moved = Z.clone()
    losses = torch.empty(len(Z), 2, dtype=torch.float32)
    _sampled(
        graph.indptr.numpy(), graph.indices.numpy(), graph.values.numpy(), 1 / peak, Z.numpy(),
        np.float32(curve.a), np.float32(curve.b), np.float32(curve.attraction), np.float32(curve.repulsion),
        curve.n_negatives, np.float32(lr), np.uint64(key), iteration, moved.numpy(), losses.numpy(),
    )  # fmt: skip
    total, pairs = losses.double().sum(0).tolist()
    return moved.sub_(Z), total / pairs if pairs else float("nan")


def sampled_torch(
    graph: Graph, peak: float, Z: Tensor, curve: Curve, lr: float, key: int, iteration: int
) -> tuple[Tensor, float]:
    """The reference for `sampled`, on any device and in any precision: the q-th active edge of all rows at once."""
    rate = graph.values.double() * (1 / peak)
    active = torch.nonzero(torch.floor((iteration + 1) * rate) > torch.floor(iteration * rate)).squeeze(1)
    rows = torch.repeat_interleave(torch.diff(graph.indptr))[active]
    first = torch.searchsorted(rows, rows)
    rank = torch.arange(len(rows), device=rows.device) - first
    moved, loss, pairs = Z.clone(), 0.0, 0
    for q in range(int(rank.max()) + 1 if len(rank) else 0):
        edges, own = active[rank == q], rows[rank == q]
        loss += _pull(moved, Z, own, graph.indices[edges].long(), curve, lr)
        pairs += len(own)
        for number in range(curve.n_negatives):
            others = draw_torch(key, edges, torch.full_like(edges, number), len(Z))
            real = others != own
            loss += _push(moved, Z, own[real], others[real], curve, lr)
            pairs += int(real.sum())
    return moved - Z, loss / pairs if pairs else float("nan")


def _pull(moved: Tensor, Z: Tensor, own: Tensor, others: Tensor, curve: Curve, lr: float) -> float:
    difference = moved[own] - Z[others]
    squared = difference.square().sum(1)
    power = squared**curve.b
    strength = 2 * curve.a * curve.b * power / (squared * (1 + curve.a * power))
    strength = torch.where(squared > 0, curve.attraction * strength, 0.0)
    moved[own] -= 2 * lr * (strength.unsqueeze(1) * difference).clamp(-CLIP, CLIP)
    return float(torch.log1p(curve.a * power).sum())


def _push(moved: Tensor, Z: Tensor, own: Tensor, others: Tensor, curve: Curve, lr: float) -> float:
    difference = moved[own] - Z[others]
    squared = difference.square().sum(1)
    scaled = curve.a * squared**curve.b
    strength = curve.repulsion * 2 * curve.b / ((EPSILON + squared) * (1 + scaled))
    moved[own] += lr * (strength.unsqueeze(1) * difference).clamp(-CLIP, CLIP)
    return float(torch.log((1 + scaled) / (scaled + EPSILON)).sum())


@serial
def _clip(x):
    return min(max(x, np.float32(-CLIP)), np.float32(CLIP))


@serial
def _squared(moved, i, Z, j):
    squared = np.float32(0)
    for k in range(Z.shape[1]):
        squared += (moved[i, k] - Z[j, k]) * (moved[i, k] - Z[j, k])
    return squared


@parallel
def _sampled(
    indptr, indices, values, inverse_peak, Z, a, b, lam, rho, negatives, lr, key, iteration, moved, losses
):
    one, two, eps = np.float32(1), np.float32(2), np.float32(EPSILON)
    n, c = Z.shape
    for i in prange(n):
        loss = np.float32(0)
        pairs = 0
        for e in range(indptr[i], indptr[i + 1]):
            rate = np.float64(values[e]) * inverse_peak
            if np.floor((iteration + 1) * rate) <= np.floor(iteration * rate):
                continue
            j = np.int64(indices[e])
            squared = _squared(moved, i, Z, j)
            if squared > 0:
                power = squared**b
                pull = lam * two * a * b * power / (squared * (one + a * power))
                for k in range(c):
                    moved[i, k] -= two * lr * _clip(pull * (moved[i, k] - Z[j, k]))
                loss += np.log(one + a * power)
            pairs += 1
            for number in range(negatives):
                j = draw(key, e, number, n)
                if j == i:
                    continue
                squared = _squared(moved, i, Z, j)
                scaled = a * squared**b
                push = rho * two * b / ((eps + squared) * (one + scaled))
                for k in range(c):
                    moved[i, k] += lr * _clip(push * (moved[i, k] - Z[j, k]))
                loss += np.log((one + scaled) / (scaled + eps))
                pairs += 1
        losses[i, 0] = loss
        losses[i, 1] = pairs
