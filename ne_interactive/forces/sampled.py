"""UMAP's stochastic forces: edges fire in proportion to their weight, each with a few random negatives.

McInnes, Healy and Melville, arXiv:1802.03426. A point follows its edges one after another, each with its negatives
from where the last one left it: summed from one position instead, they overshoot, which costs recall. All other points
stand still meanwhile, so that the result does not depend on the number of threads. Few points take their edges in
several sweeps, between which all are seen to have moved: that finds more neighbours, and costs little.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ne_interactive.forces import sampled_numba as kernels
from ne_interactive.forces.counter import draw_torch, key_of
from ne_interactive.graph.csr import Graph

EPSILON = 1e-3  # keeps the repulsion of close pairs finite
CLIP = 4.0  # limit of each component of each pair's move
SWEEPS = 6  # of an iteration: 1, 2, 3 and 6 find .484, .490, .493 and .496 of the digits' neighbours
SWEPT = 10_000  # points up to which there are so many, beyond one


@dataclass(frozen=True)
class Curve:
    """The output kernel 1 / (1 + a d^(2b)) and the weights of both forces."""

    a: float
    b: float
    attraction: float
    repulsion: float
    n_negatives: int

    def pull(self, squared: Tensor) -> Tensor:
        """Strength of an edge at squared distances above 0: its force over the difference."""
        power = self.a * squared**self.b
        return self.attraction * 2 * self.b * power / (squared * (1 + power))

    def push(self, squared: Tensor) -> Tensor:
        """Strength of a negative."""
        return self.repulsion * 2 * self.b / ((EPSILON + squared) * (1 + self.a * squared**self.b))


def sampled(
    graph: Graph, peak: float, Z: Tensor, curve: Curve, lr: float, seed: int, iteration: int, want_loss: bool
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
        want_loss: measure the loss as well.

    Returns:
        moves (n, c), to be added to Z (an edge moves both its ends, a negative only the row's own point);  the loss:
        mean cross-entropy over the pairs visited (nan if not wanted).
    """
    key = key_of(seed, iteration)
    if Z.device.type != "cpu" or Z.dtype != torch.float32:
        return sampled_torch(graph, peak, Z, curve, lr, key, iteration)
    kernel = kernels.moves2 if Z.shape[1] == 2 else kernels.moves
    edges = graph.indptr.numpy(), graph.indices.numpy(), graph.values.numpy(), 1 / peak
    numbers = tuple(np.float32(value) for value in (curve.a, curve.b, EPSILON, CLIP))
    forces = _tables(curve), numbers, curve.n_negatives, np.float32(lr), np.uint64(key), iteration
    losses = torch.zeros((len(Z) if want_loss else 0, 2), dtype=torch.float32)
    moved = torch.zeros_like(Z)
    for part in range(sweeps := _sweeps(Z)):
        seen = Z + moved if part else Z
        kernel(*edges, seen.numpy(), *forces, part, sweeps, moved.numpy(), losses.numpy())
    total, pairs = losses.double().sum(0).tolist()
    return moved, total / pairs if pairs else math.nan


def _sweeps(Z: Tensor) -> int:
    return SWEEPS if len(Z) <= SWEPT else 1


@functools.lru_cache(maxsize=16)
def _tables(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """Strengths of pull and push over the kernels' table of squared distances."""
    squared = torch.from_numpy(kernels.nodes())
    return curve.pull(squared).float().numpy(), curve.push(squared).float().numpy()


def sampled_torch(
    graph: Graph, peak: float, Z: Tensor, curve: Curve, lr: float, key: int, iteration: int
) -> tuple[Tensor, float]:
    """The reference for `sampled`, on any device and in any precision: the q-th active edge of all rows at once."""
    rate = graph.values.double() * (1 / peak)
    fires = torch.floor((iteration + 1) * rate) > torch.floor(iteration * rate)
    edges = torch.arange(graph.nnz, device=Z.device)
    seen, loss, pairs = Z, 0.0, 0
    for part in range(sweeps := _sweeps(Z)):
        moved, found, count = _sweep(graph, edges[fires & (edges % sweeps == part)], seen, curve, lr, key)
        seen, loss, pairs = moved, loss + found, pairs + count
    return seen - Z, loss / pairs if pairs else math.nan


def _sweep(
    graph: Graph, active: Tensor, Z: Tensor, curve: Curve, lr: float, key: int
) -> tuple[Tensor, float, int]:
    """New positions after the active edges' moves, the summed cross-entropy, and over how many pairs."""
    rows = graph.rows[active]
    rank = torch.arange(len(rows), device=rows.device) - torch.searchsorted(rows, rows)
    moved, loss, pairs = Z.clone(), 0.0, 0
    for q in range(int(rank.max()) + 1 if len(rank) else 0):
        edges, own = active[rank == q], rows[rank == q]
        numbers = torch.arange(curve.n_negatives, device=rows.device).expand(len(own), -1)
        others = draw_torch(key, edges.unsqueeze(1), numbers, len(Z))
        real = others != own.unsqueeze(1)
        at = moved[own]
        pull, pulled = _pull(at - Z[graph.indices[edges].long()], curve)
        push, pushed = _push(at.unsqueeze(1) - Z[others], real, curve)
        moved[own] += lr * (push - 2 * pull)
        loss += pulled + pushed
        pairs += len(own) + int(real.sum())
    return moved, loss, pairs


def _pull(difference: Tensor, curve: Curve) -> tuple[Tensor, float]:
    squared = difference.square().sum(1)
    strength = torch.where(squared > 0, curve.pull(squared), 0.0)
    loss = torch.log1p(curve.a * squared**curve.b).sum()
    return (strength.unsqueeze(1) * difference).clamp(-CLIP, CLIP), float(loss)


def _push(difference: Tensor, real: Tensor, curve: Curve) -> tuple[Tensor, float]:
    squared = difference.square().sum(2)
    push = (curve.push(squared).unsqueeze(2) * difference).clamp(-CLIP, CLIP)
    scaled = curve.a * squared**curve.b
    loss = torch.log((1 + scaled) / (scaled + EPSILON))[real].sum()
    return torch.where(real.unsqueeze(2), push, 0.0).sum(1), float(loss)
