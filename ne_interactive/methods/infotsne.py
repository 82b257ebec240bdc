"""InfoNC-t-SNE: every edge has to stand out from its point's random negatives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ne_interactive.engine.protocol import At, Placing
from ne_interactive.forces import negative
from ne_interactive.forces.compiled import compiled
from ne_interactive.methods.base import Forces, NeighborEmbedding
from ne_interactive.methods.losses import edges
from ne_interactive.methods.parameters import momentum
from ne_interactive.methods.sampling import NegativeSamplingNeighborEmbedding
from ne_interactive.params.declare import declare
from ne_interactive.params.param import again, param


@declare
class InfoTSNE(NegativeSamplingNeighborEmbedding):
    """t-SNE by noise-contrastive learning, InfoNC-t-SNE (Damrich, Boehm, Hamprecht and Kobak, arXiv:2206.01816).

    With the kernel q = (1 + d^2)^(-1 / temperature) and S_i its sum over the negatives of point i, minimises
    -sum_ij P_ij log(q_ij / (q_ij + S_i)). The more negatives, the nearer to t-SNE.

    Examples:
        >>> import ne_interactive as ne
        >>> X = ne.datasets.digits().X
        >>> ne.InfoTSNE(random_state=0).fit_transform(X).shape
        (1797, 2)
    """

    scheduler: Any = again(NeighborEmbedding, "scheduler", default="LinearLR")
    early_exaggeration_coeff: float = again(NeighborEmbedding, "early_exaggeration_coeff", default=12.0)
    early_exaggeration_iter: int = again(NeighborEmbedding, "early_exaggeration_iter", default=250)
    momentum: float | str = momentum()
    n_negatives: int = again(NegativeSamplingNeighborEmbedding, "n_negatives", default=100, slider=(1, 500))
    temperature: float = param(
        1.0, "Tail of the kernel: above 1 heavier, separating clusters; below 1 lighter.",
        bounds=(0.05, 20), slider=(0.2, 5), scale="log", group="forces", live=True, redo="nothing",
    )  # fmt: skip

    def attraction(self, Z: Tensor, at: At) -> Tensor:
        """-sum P log q, over the edges."""
        return (at.graph.values * torch.log1p(edges(Z, at))).sum() / at.knobs["temperature"]

    def repulsion(self, Z: Tensor, at: At) -> Tensor:
        """sum_ij P_ij log(q_ij + S_i), over the edges."""
        power = -1 / at.knobs["temperature"]
        kernel = (1 + edges(Z, at)) ** power
        noise = ((1 + self.contrasts(Z, at)) ** power).sum(1)
        return (at.graph.values * torch.log(kernel + noise[at.graph.rows])).sum()

    def placing(self, n: int, knobs: Mapping[str, Any]) -> Placing:
        """-sum p log(q / (q + S)), S being the sum over negatives as they are on average."""
        lam, rho = float(knobs["exaggeration"]), float(knobs["repulsion_strength"])
        power, share = -1 / float(knobs["temperature"]), int(knobs["n_negatives"]) / n

        def loss(squares: Tensor, weights: Tensor, potential: Tensor) -> Tensor:
            kernel = (1 + squares) ** power
            noise = share * potential.unsqueeze(1)
            return (weights * (rho * torch.log(kernel + noise) - lam * torch.log(kernel))).sum(1)

        return Placing(lambda squares: (1 + squares) ** power, loss)

    def forces(self, at: At, want_loss: bool) -> Forces | None:
        """Both gradients in one pass over the negatives and two over the edges."""
        Z = at.state.positions
        if not compiled(Z):
            return None
        temperature = float(at.knobs["temperature"])
        pull, push, attracted, repelled = negative.infonce(
            at.graph, Z, self.draws(at), temperature, want_loss
        )
        loss = at.knobs["exaggeration"] * attracted + at.knobs["repulsion_strength"] * repelled
        return Forces(pull, push, loss)
