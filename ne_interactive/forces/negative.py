"""Random negatives, and the forces of contrastive losses over them.

The negatives of an iteration are a pure function of its key: every backend and number of threads draws the same. The
forces are exact gradients: a negative pushes the point that drew it and is itself pushed as hard the other way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ne_interactive.forces import negative_numba as kernels
from ne_interactive.forces.counter import draw_torch
from ne_interactive.forces.planar import planar
from ne_interactive.graph.csr import Graph

__all__ = ["Draws", "infonce", "left", "negatives", "negatives_torch", "repulsion"]

_EMPTY = np.empty(0, np.int64), np.empty(0, np.int32)


@dataclass(frozen=True)
class Draws:
    """Which negatives an iteration has.

    Attributes:
        key: of the seed and the iteration (`counter.key_of`).
        m: negatives of each point.
        forbidden: graph whose edges are never drawn; None forbids only the point itself.
    """

    key: int | Tensor  # which a device may have
    m: int
    forbidden: Graph | None = None

    def arguments(self) -> tuple:
        """What the compiled kernels take."""
        graph = self.forbidden
        rows = _EMPTY if graph is None else (graph.indptr.numpy(), graph.indices.numpy())
        return np.uint64(self.key), self.m, graph is not None, *rows


def negatives(n: int, draws: Draws, device: torch.device | str = "cpu") -> Tensor:
    """The negatives of n points, (n, m) int64: independent, uniform over the points that each row allows.

    Every row must allow at least one point; see `left`.
    """
    if torch.device(device).type != "cpu":
        return negatives_torch(n, draws, device)
    found = torch.empty(n, draws.m, dtype=torch.int64)
    kernels.draw_all(n, *draws.arguments(), found.numpy())
    return found


def negatives_torch(n: int, draws: Draws, device: torch.device | str = "cpu") -> Tensor:
    """The reference for `negatives`, on any device: the same integers.

    A draw counts the allowed points; with t excluded points before it, it stands for itself plus t. The t-th excluded
    point less t never falls along a row, so t is found by halving.
    """
    rows = torch.arange(n, device=device).unsqueeze(1)
    numbers = torch.arange(draws.m, device=device).unsqueeze(0)
    if draws.forbidden is None:
        chosen = draw_torch(draws.key, rows, numbers, n - 1)
        return chosen + (chosen >= rows)
    graph = draws.forbidden
    first, columns = graph.indptr[:-1].unsqueeze(1), graph.indices.long()
    count = torch.diff(graph.indptr).unsqueeze(1) + 1  # excluded: the neighbours and the point itself
    own = torch.zeros(n, dtype=torch.int64, device=device)
    own = own.index_add_(0, graph.rows, (columns < graph.rows).long()).unsqueeze(1)
    chosen = draw_torch(draws.key, rows, numbers, n - count)
    low, high = torch.zeros_like(chosen), count.expand_as(chosen).clone()
    for _ in range(int(count.max()).bit_length()):
        middle = torch.div(low + high, 2, rounding_mode="floor")
        place = (first + middle - (middle > own).long()).clamp_(0, max(len(columns) - 1, 0))
        neighbor = columns[place] if len(columns) else place
        excluded = torch.where(middle == own, rows, neighbor)
        passed = (excluded - middle <= chosen) & (low < high)
        low = torch.where(passed, middle + 1, low)
        high = torch.where(passed, high, middle)
    return chosen + low


def left(graph: Graph) -> int:
    """How many points the row with the most neighbours leaves to be drawn."""
    return graph.n - 1 - int(torch.diff(graph.indptr).max())


def repulsion(Z: Tensor, draws: Draws, odds: float, want_loss: bool) -> tuple[Tensor, float]:
    """Repulsion of negative sampling, u(d) = log(1 + 1 / (odds (1 + d^2))), summed over negatives, over n.

    Args:
        Z: (n, c) float32 positions on the CPU.
        draws: the negatives.
        odds: 1 is LargeVis's kernel; smaller holds farther and firmer.
        want_loss: measure the loss as well.

    Returns:
        its gradient (n, c);  the loss, nan if not wanted.
    """
    n, c = Z.shape
    forces = torch.empty_like(Z)
    parts = planar(np.empty((kernels.SLICES, n, c), np.float32))
    losses = np.zeros(kernels.SLICES if want_loss else 0)
    kernel = kernels.push2 if c == 2 else kernels.push
    kernel(planar(Z.numpy()), *draws.arguments(), np.float32(odds), parts, losses, planar(forces.numpy()))
    return forces, float(losses.sum()) / n if want_loss else float("nan")


def infonce(
    graph: Graph, Z: Tensor, draws: Draws, temperature: float, want_loss: bool
) -> tuple[Tensor, Tensor, float, float]:
    """Both terms of the InfoNCE loss with the kernel q = (1 + d^2)^(-1/temperature).

    Args:
        graph: P, symmetric, both directions stored.
        Z: (n, c) float32 positions on the CPU.
        draws: the negatives; S_i is the sum of q over those of point i.
        temperature: above 1 widens the kernel's tail.
        want_loss: measure the losses as well.

    Returns:
        gradients (n, c) of -sum P log q and of sum_ij P_ij log(q_ij + S_i);  the two losses, nan if not wanted.
    """
    n, c = Z.shape
    pull, push = torch.empty_like(Z), torch.empty_like(Z)
    sums = np.empty(n, np.float32)
    parts = planar(np.empty((kernels.SLICES, n, c), np.float32))
    losses = np.zeros((kernels.SLICES if want_loss else 0, 2))
    power = np.float32(1 / temperature)
    kernel = kernels.contrast2 if c == 2 else kernels.contrast
    places, gradients = planar(Z.numpy()), (planar(pull.numpy()), planar(push.numpy()))
    kernel(places, *graph.arrays(), *draws.arguments(), power, sums, parts, losses, *gradients)
    attraction, repelled = losses.sum(0).tolist() if want_loss else (float("nan"),) * 2
    return pull, push, attraction, repelled
