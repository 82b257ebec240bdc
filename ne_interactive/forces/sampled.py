"""UMAP's stochastic forces: edges fire in proportion to their weight, each with a few random negatives.

McInnes, Healy and Melville, arXiv:1802.03426. A point follows its edges one after another, each with its negatives
from where the last one left it: summed from one position instead, they overshoot, which costs recall. All other points
stand still meanwhile, so that the result depends neither on the order of the rows nor on the number of threads.
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
    moved = torch.empty_like(Z)
    losses = torch.empty((len(Z) if want_loss else 0, 2), dtype=torch.float32)
    kernel = kernels.moves2 if Z.shape[1] == 2 else kernels.moves
    kernel(
        graph.indptr.numpy(), graph.indices.numpy(), graph.values.numpy(), 1 / peak, Z.numpy(), *_tables(curve),
        *(np.float32(value) for value in (curve.a, curve.b, EPSILON, CLIP)), curve.n_negatives, np.float32(lr),
        np.uint64(key), iteration, moved.numpy(), losses.numpy(),
    )  # fmt: skip
    total, pairs = losses.double().sum(0).tolist()
    return moved, total / pairs if pairs else math.nan


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
    active = torch.nonzero(torch.floor((iteration + 1) * rate) > torch.floor(iteration * rate)).squeeze(1)
    rows = torch.repeat_interleave(torch.diff(graph.indptr))[active]
    first = torch.searchsorted(rows, rows)
    rank = torch.arange(len(rows), device=rows.device) - first
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
    return moved - Z, loss / pairs if pairs else math.nan


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
