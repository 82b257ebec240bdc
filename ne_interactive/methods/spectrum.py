"""The contrastive spectrum: from t-SNE to UMAP by one slider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ne_interactive.engine.protocol import At, Placing
from ne_interactive.forces.compiled import compiled
from ne_interactive.forces.scalars import Scalar
from ne_interactive.methods.base import Forces, NeighborEmbedding
from ne_interactive.methods.largevis import contrastive
from ne_interactive.methods.losses import edges
from ne_interactive.methods.parameters import BALANCE, momentum
from ne_interactive.methods.sampling import NegativeSamplingNeighborEmbedding
from ne_interactive.params.declare import declare
from ne_interactive.params.param import again, param

# t-SNE's sum of kernels over all pairs, over n: 100 for many points (as published), fewer for few; measured 7.4 at
# 1,797 points (digits), 11 at 3,000 and 21 at 10,000 (Fashion-MNIST), of which n / 250 is within a factor of 2
LARGE, SMALL = 100, 1 / 250
LARGEST_ODDS = 0.5  # of the t-SNE end: many negatives must not bring it to UMAP's, where the odds are 1


@declare
class ContrastiveSpectrum(NegativeSamplingNeighborEmbedding):
    """Neg-t-SNE with a chosen normaliser (Damrich, Boehm, Hamprecht and Kobak, arXiv:2206.01816).

    An edge is told from m random negatives by the odds q / o of its kernel q = 1 / (1 + d^2), where
    o = Z m / (n (n - 1)) and Z is the normaliser that the kernels are taken to have. Minimises
    -sum P log(q / (q + o)) over the edges, plus -log(o / (q + o)) summed over the negatives and averaged over the
    points. `spectrum` sets Z: at 0 it is t-SNE's, about min(100, n / 250) n; at 1 it is n (n - 1) / m, which makes
    o = 1 as in UMAP; in between, and a little beyond, Z moves geometrically. A larger Z draws clusters together and
    apart from each other; a smaller one spreads them out.

    Examples:
        >>> import ne_interactive as ne
        >>> X = ne.datasets.digits().X
        >>> ne.ContrastiveSpectrum(spectrum=0.5, random_state=0).fit_transform(X).shape
        (1797, 2)
    """

    exaggeration: float | str = again(NeighborEmbedding, "exaggeration", axis=())
    scheduler: Any = again(NeighborEmbedding, "scheduler", default="LinearLR")
    early_exaggeration_coeff: float = again(NeighborEmbedding, "early_exaggeration_coeff", default=12.0)
    early_exaggeration_iter: int = again(NeighborEmbedding, "early_exaggeration_iter", default=250)
    momentum: float | str = momentum()
    n_negatives: int = again(NegativeSamplingNeighborEmbedding, "n_negatives", default=50)
    spectrum: float = param(
        0.5, "Place between t-SNE (0) and UMAP (1): how large the normaliser is taken to be.",
        bounds=(-1, 2), slider=(-0.25, 1.5), group="forces", live=True, redo="nothing", axis=BALANCE,
    )  # fmt: skip

    def odds(self, at: At) -> Scalar:
        """The kernel's value o at which a pair is an edge as probably as a negative."""
        return odds_at(at.knobs["spectrum"], at.n, int(at.knobs["n_negatives"]))

    def attraction(self, Z: Tensor, at: At) -> Tensor:
        """sum P log(1 + o (1 + d^2)), over the edges."""
        return (at.graph.values * torch.log1p(self.odds(at) * (1 + edges(Z, at)))).sum()

    def repulsion(self, Z: Tensor, at: At) -> Tensor:
        """Log(1 + 1 / (o (1 + d^2))) over the negatives, averaged over the points."""
        return torch.log1p(1 / (self.odds(at) * (1 + self.contrasts(Z, at)))).sum() / at.n

    def placing(self, n: int, knobs: Mapping[str, Any]) -> Placing:
        """The losses of its edges, and of negatives as they are on average."""
        odds = odds_at(float(knobs["spectrum"]), n, int(knobs["n_negatives"]))
        return self.placed_by(
            n, knobs, lambda s: torch.log1p(odds * (1 + s)), lambda s: torch.log1p(1 / (odds * (1 + s)))
        )

    def forces(self, at: At, want_loss: bool) -> Forces | None:
        """Those of LargeVis, whose odds are 1, for any odds."""
        if not compiled(at.state.positions):
            return None
        return contrastive(at, self.draws(at), float(self.odds(at)), want_loss)


def odds_at(spectrum: Scalar, n: int, m: int) -> Scalar:
    """The odds o of n points with m negatives each: geometric between t-SNE's end and 1."""
    return min(m * min(LARGE / (n - 1), SMALL), LARGEST_ODDS) ** (1 - spectrum)
