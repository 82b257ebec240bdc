"""LargeVis: binary neighbour odds, learnt from edges and random negatives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ne_interactive.engine.protocol import At, Placing
from ne_interactive.forces import attraction, negative
from ne_interactive.forces.compiled import compiled
from ne_interactive.methods.base import Forces, NeighborEmbedding
from ne_interactive.methods.losses import edges
from ne_interactive.methods.parameters import momentum
from ne_interactive.methods.sampling import NegativeSamplingNeighborEmbedding
from ne_interactive.params.declare import declare
from ne_interactive.params.param import again


@declare
class LargeVis(NegativeSamplingNeighborEmbedding):
    """LargeVis (Tang, Liu, Zhang and Mei, arXiv:1602.00370).

    Whether two points are neighbours is a yes-or-no question with odds 1 / (1 + d^2), so that its probability is
    1 / (2 + d^2): minimises sum P log(2 + d^2) over the edges, plus log((2 + d^2) / (1 + d^2)) summed over the
    negatives and averaged over the points. The repulsion of coinciding points is thus finite.

    Examples:
        >>> import ne_interactive as ne
        >>> X = ne.datasets.digits().X
        >>> ne.LargeVis(random_state=0).fit_transform(X).shape
        (1797, 2)
    """

    scheduler: Any = again(NeighborEmbedding, "scheduler", default="LinearLR")
    momentum: float | str = momentum()

    def attraction(self, Z: Tensor, at: At) -> Tensor:
        """sum P log(2 + d^2), over the edges."""
        return (at.graph.values * torch.log(2 + edges(Z, at))).sum()

    def repulsion(self, Z: Tensor, at: At) -> Tensor:
        """Log((2 + d^2) / (1 + d^2)) over the negatives, averaged over the points."""
        return torch.log1p(1 / (1 + self.contrasts(Z, at))).sum() / at.n

    def placing(self, n: int, knobs: Mapping[str, Any]) -> Placing:
        """The losses of its edges, and of negatives as they are on average."""
        return self.placed_by(n, knobs, lambda s: torch.log(2 + s), lambda s: torch.log1p(1 / (1 + s)))

    def forces(self, at: At, want_loss: bool) -> Forces | None:
        """2 sum_j p_ij / (1 + d^2/2) (z_i - z_j), and the push of every negative at both its ends."""
        if not compiled(at.state.positions):
            return None
        return contrastive(at, self.draws(at), 1.0, want_loss)


def contrastive(at: At, draws: negative.Draws, odds: float, want_loss: bool) -> Forces:
    """Forces of the kernel q = 1 / (1 + odds (1 + d^2)): -sum P log q, and -log(1 - q) over the negatives, over n."""
    Z = at.state.positions
    width = (1 + odds) / odds
    pull, _, attracted = attraction.student(at.graph, Z, width, want_loss)
    push, repelled = negative.repulsion(Z, draws, odds, want_loss)
    mass = float(at.graph.values.double().sum()) if want_loss else 0.0
    log_peak = float(torch.log1p(torch.tensor(odds, dtype=torch.float64)))
    attracted = mass * log_peak + attracted / width
    weights = at.knobs["exaggeration"], at.knobs["repulsion_strength"]
    loss = weights[0] * attracted + weights[1] * repelled
    return Forces(pull.mul_(4 / width), push, loss)
