"""SNE: Gaussian kernel in the embedding, normalised row by row."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ne_interactive.engine.protocol import At, Placing
from ne_interactive.engine.state import State
from ne_interactive.forces import attraction, softmax
from ne_interactive.forces.sinkhorn import is_speck
from ne_interactive.methods.base import Forces
from ne_interactive.methods.entropic import EntropicNeighborEmbedding
from ne_interactive.methods.losses import edges, pairs
from ne_interactive.methods.parameters import momentum
from ne_interactive.params.declare import declare


@declare
class SNE(EntropicNeighborEmbedding):
    """Stochastic neighbor embedding (Hinton and Roweis 2002, Advances in Neural Information Processing Systems 15).

    Minimises lambda * sum P_ij d_ij^2 + rho * (1/n) sum_i log sum_{j != i} exp(-d_ij^2): at lambda = rho = 1 the mean
    divergence of the neighbour probabilities p(j|i) of X from those of Z, but for a constant. As distances are
    symmetric, the mean P of both directions attracts as the directed probabilities do.

    Examples:
        >>> import ne_interactive as ne
        >>> X = ne.datasets.digits().X
        >>> ne.SNE(perplexity=30, random_state=0).fit_transform(X).shape
        (1797, 2)
    """

    momentum: float | str = momentum()

    def iterations(self, n: int) -> int:
        """500, unless `max_iter` is given."""
        return 500 if isinstance(self.max_iter, str) else int(self.max_iter)

    def attraction(self, Z: Tensor, at: At) -> Tensor:
        """sum P log n P + sum P d^2, over the edges."""
        return at.problem.constant + math.log(at.n) + (at.graph.values * edges(Z, at)).sum()

    def repulsion(self, Z: Tensor, at: At) -> Tensor:
        """The logarithm of each point's sum of kernels to all others, averaged over the points."""
        return torch.logsumexp(-pairs(Z), dim=1).mean()

    def placing(self, n: int, knobs: Mapping[str, Any]) -> Placing:
        """A new point's own divergence: sum p_j d_j^2 + log sum exp(-d^2) over all points."""
        lam, rho = float(knobs["exaggeration"]), float(knobs["repulsion_strength"])

        def loss(squares: Tensor, weights: Tensor, potential: Tensor) -> Tensor:
            return lam * (weights * squares).sum(1) + rho * torch.log(potential.clamp_min(1e-30))

        return Placing(lambda squares: torch.exp(-squares), loss)

    def _auto_lr(self, state: State, n: int, knobs: Mapping[str, Any]) -> float:
        return min(super()._auto_lr(state, n, knobs), steady_lr(n, knobs))

    def forces(self, at: At, want_loss: bool) -> Forces:
        """4 sum_j p_ij (z_i - z_j), and -2/n sum_j (q_{j|i} + q_{i|j}) (z_i - z_j)."""
        Z = at.state.positions
        pull, cross = attraction.gaussian(at.graph, Z, want_loss)
        logs, push, grid = softmax.sne(Z, at.state.grid) if not is_speck(Z) else _speck(Z)
        loss = math.nan
        if want_loss:
            lam, rho = at.knobs["exaggeration"], at.knobs["repulsion_strength"]
            loss = lam * (at.problem.constant + math.log(at.n) + cross) + rho * float(logs.double().mean())
        return Forces(pull.mul_(4), push.mul_(-2 / at.n), loss, grid)


def steady_lr(n: int, knobs: Mapping[str, Any]) -> float:
    """The largest learning rate at which the pull, which grows with distance here, does not overshoot."""
    return n / max(knobs["exaggeration"], knobs["repulsion_strength"], 1.0) / 4


def _speck(Z: Tensor) -> tuple[Tensor, Tensor, tuple[int, ...]]:
    """What `softmax.sne` gives, of points whose kernels are all 1."""
    others = max(len(Z) - 1, 1)
    logs = torch.full((len(Z),), math.log(others), dtype=Z.dtype, device=Z.device)
    return logs, (Z - Z.mean(0)) * (2 * len(Z) / others), ()
