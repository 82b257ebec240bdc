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

from ne_interactive.data.seeds import generator
from ne_interactive.forces import curve as curves
from ne_interactive.forces import sampled_numba as kernels
from ne_interactive.forces.compiled import compiled
from ne_interactive.forces.counter import draw_torch, key_of
from ne_interactive.forces.curve import EPSILON, nodes
from ne_interactive.graph.csr import Graph

CLIP = 4.0  # limit of each component of each pair's move
WHOLE = 2.0**31  # rate of an edge that fires at every iteration
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
        return self.attraction * curves.pull(squared, self.a, self.b)

    def push(self, squared: Tensor) -> Tensor:
        """Strength of a negative."""
        return self.repulsion * curves.push(squared, self.a, self.b)


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
        mean cross-entropy over the pairs visited, where they were before they moved (nan if not wanted).
    """
    key = key_of(seed, iteration)
    if not compiled(Z):
        return sampled_torch(graph, peak, Z, curve, lr, seed, iteration)
    kernel = kernels.moves2 if Z.shape[1] == 2 and curve.n_negatives < len(Z) else kernels.moves
    _, indices, values = graph.arrays()
    edges = graph.indptr.numpy(), indices, values, WHOLE / peak
    order, places = _crowd(len(Z), seed)
    crowd = np.empty((len(Z) + min(curve.n_negatives, len(Z) - 1), Z.shape[1]), np.float32)
    losses, moved = torch.zeros(len(Z), 2), torch.zeros_like(Z)
    for part in range(sweeps := _sweeps(Z)):
        seen = (Z + moved if part else Z).numpy()
        kernels.gathered(seen, order, crowd)
        drawn = curve.n_negatives, np.uint64(key), iteration, part, sweeps
        if want_loss:
            kernels.cross_entropy(
                *edges, seen, crowd, places, _losses(curve.a, curve.b), *drawn, losses.numpy()
            )
        limits = _tables(curve), np.float32(CLIP)
        kernel(*edges, seen, crowd, places, *limits, *drawn, np.float32(lr), moved.numpy())
    total, pairs = losses.double().sum(0).tolist()
    return moved, total / pairs if pairs else math.nan


def _sweeps(Z: Tensor) -> int:
    return SWEEPS if len(Z) <= SWEPT else 1


@functools.lru_cache(maxsize=16)
def _tables(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """Strengths of pull and push over the kernels' table of squared distances."""
    squared = torch.from_numpy(nodes())
    return curve.pull(squared).float().numpy(), curve.push(squared).float().numpy()


@functools.lru_cache(maxsize=16)
def _losses(a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
    """Losses of an edge and of a negative over the same squared distances."""
    scaled = a * torch.from_numpy(nodes()) ** b
    return torch.log1p(scaled).float().numpy(), torch.log((1 + scaled) / (scaled + EPSILON)).float().numpy()


def fire(values: Tensor, peak: float, iteration: int) -> Tensor:
    """Whether edges of these values fire: at that share of the iterations, (nnz,) bool."""
    rate = torch.floor(values.double() * (WHOLE / peak) + 0.5).long()
    return (iteration * rate) % int(WHOLE) + rate >= int(WHOLE)


def sampled_torch(
    graph: Graph, peak: float, Z: Tensor, curve: Curve, lr: float, seed: int, iteration: int
) -> tuple[Tensor, float]:
    """The reference for `sampled`, on any device and in any precision: the q-th active edge of all rows at once."""
    fires = fire(graph.values, peak, iteration)
    order, places = (torch.from_numpy(part).to(Z.device) for part in _crowd(len(Z), seed))
    drawn = key_of(seed, iteration), order, places
    edges = torch.arange(graph.nnz, device=Z.device)
    seen, loss, pairs = Z, 0.0, 0
    for part in range(sweeps := _sweeps(Z)):
        moved, found, count = _sweep(graph, edges[fires & (edges % sweeps == part)], seen, curve, lr, drawn)
        seen, loss, pairs = moved, loss + found, pairs + count
    return seen - Z, loss / pairs if pairs else math.nan


def _sweep(
    graph: Graph, active: Tensor, Z: Tensor, curve: Curve, lr: float, drawn: tuple[int, Tensor, Tensor]
) -> tuple[Tensor, float, int]:
    """New positions after the active edges' moves, the summed cross-entropy, and over how many pairs."""
    rows = graph.rows[active]
    rank = torch.arange(len(rows), device=rows.device) - torch.searchsorted(rows, rows)
    moved, loss, pairs = Z.clone(), 0.0, 0
    for q in range(int(rank.max()) + 1 if len(rank) else 0):
        edges, own = active[rank == q], rows[rank == q]
        others = _negatives(edges, own, curve.n_negatives, *drawn)
        at, ends = moved[own], Z[graph.indices[edges].long()]
        pull, push = _pull(at - ends, curve), _push(at.unsqueeze(1) - Z[others], curve)
        moved[own] += lr * (push - 2 * pull)
        loss += _loss(Z[own] - ends, Z[own].unsqueeze(1) - Z[others], curve)
        pairs += others.numel() + len(own)
    return moved, loss, pairs


def _negatives(edges: Tensor, own: Tensor, m: int, key: int, order: Tensor, places: Tensor) -> Tensor:
    """The negatives of edges (q,) that start from points `own` (q,): (q, m), a point of n at most once in n - 1."""
    n = len(order)
    numbers, own = torch.arange(m, device=edges.device), places[own].unsqueeze(1)
    begins = (numbers // (n - 1) * (n - 1)).expand(len(edges), -1)
    drawn = draw_torch(key, edges.unsqueeze(1), begins, n - 1)
    return order[(own + 1 + (drawn + numbers % (n - 1)) % (n - 1)) % n].long()


@functools.lru_cache(maxsize=4)
def _crowd(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The points in a random order, and each point's place in it: (n,) int64 both."""
    order = torch.randperm(n, generator=generator(seed, "negatives")).numpy()
    places = np.empty_like(order)
    places[order] = np.arange(n)
    return order, places


def _pull(difference: Tensor, curve: Curve) -> Tensor:
    squared = difference.square().sum(1)
    strength = torch.where(squared > 0, curve.pull(squared), 0.0)
    return (strength.unsqueeze(1) * difference).clamp(-CLIP, CLIP)


def _push(difference: Tensor, curve: Curve) -> Tensor:
    strength = curve.push(difference.square().sum(2))
    return (strength.unsqueeze(2) * difference).clamp(-CLIP, CLIP).sum(1)


def _loss(along: Tensor, away: Tensor, curve: Curve) -> float:
    """Cross-entropy of edges, (q, c) from end to end, and of their negatives, (q, m, c)."""
    scaled, others = (curve.a * part.square().sum(-1) ** curve.b for part in (along, away))
    return float(torch.log1p(scaled).sum() + torch.log((1 + others) / (others + EPSILON)).sum())
