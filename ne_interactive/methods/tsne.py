"""t-SNE: Student kernel in the embedding, normalised over all pairs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ne_interactive.engine.protocol import At, Placing
from ne_interactive.engine.state import State
from ne_interactive.forces import attraction, exact, exactness, mesh
from ne_interactive.forces.scalars import log
from ne_interactive.methods.base import Forces, NeighborEmbedding
from ne_interactive.methods.entropic import EntropicNeighborEmbedding
from ne_interactive.methods.losses import edges, pairs
from ne_interactive.params.declare import declare
from ne_interactive.params.param import again, param

# Others take 250 and 750. When the early phase ends matters little once it has formed clusters (Belkina et al.,
# doi:10.1038/s41467-019-13055-y); a shorter one keeps more of the distances between them.
EARLY, LATE = 100, 350
EARLY_MOMENTUM, MOMENTUM = 0.9, 0.995
LAST_MOMENTUM = 0.95  # of a run that goes on beyond its length, so that it comes to rest
RATE = 10.0  # of a point: so much that the stiffness of its edges decides how far it goes


@declare
class TSNE(EntropicNeighborEmbedding):
    """t-distributed stochastic neighbor embedding (van der Maaten and Hinton 2008, JMLR 9:2579-2605).

    Minimises the Kullback-Leibler divergence of the joint neighbour probabilities P of X from those of Z, with
    w = (1 + d^2/dof)^-dof (Kobak et al., doi:10.1007/978-3-030-46150-8_8).

    Examples:
        >>> import ne_interactive as ne
        >>> X, y = ne.datasets.digits().X, ne.datasets.digits().y
        >>> ne.TSNE(perplexity=30, random_state=0).fit_transform(X).shape
        (1797, 2)
    """

    early_exaggeration_coeff: float = again(NeighborEmbedding, "early_exaggeration_coeff", default=12.0)
    early_exaggeration_iter: int = again(NeighborEmbedding, "early_exaggeration_iter", default=EARLY)
    lr: float | str = again(
        NeighborEmbedding,
        "lr",
        help="Learning rate; 'auto' is 10 n, with steps limited by how stiffly a point's edges hold it; n / 4 over the "
        "larger weight while attraction, repulsion or momentum are set.",
        slider=(1, 1e7),
    )
    momentum: float | str = param(
        "auto", "Share of the last step that is kept; 'auto' is 0.9 in the early phase, then 0.995, beyond the run's "
        "length 0.95; 0.8 while attraction, repulsion or rate are set; for SGD 0.5 in the early phase.",
        kind="number", bounds=(0, 1), closed="low", slider=(0, 0.995), group="optimizer",
        live=True, redo="nothing", auto=True,
    )  # fmt: skip
    dof: float = param(
        1.0, "Tail of the embedding's kernel: below 1 heavier, separating clusters; above 1 lighter.",
        bounds=(0.05, 100), slider=(0.2, 10), scale="log", group="forces", live=True, redo="kernel",
    )  # fmt: skip

    def scheduled(self, name: str, state: State, n: int, knobs: Mapping[str, Any]) -> Any:
        """The value of an "auto" parameter at the state's iteration."""
        if self._glides(state) and name == "lr":
            return min(RATE * n, 1e7)
        if self._glides(state) and name == "momentum":
            if state.elapsed >= (state.horizon or self.iterations(n)):
                return LAST_MOMENTUM
            return EARLY_MOMENTUM if state.elapsed < self.early_exaggeration_iter else MOMENTUM
        return super().scheduled(name, state, n, knobs)

    def iterations(self, n: int) -> int:
        """The early phase and 350 more, unless `max_iter` is given."""
        if isinstance(self.max_iter, str):
            return int(self.early_exaggeration_iter) + LATE
        return int(self.max_iter)

    def attraction(self, Z: Tensor, at: At) -> Tensor:
        """sum P log P - sum P log w, over the edges."""
        dof = at.knobs["dof"]
        return at.problem.constant + dof * (at.graph.values * torch.log1p(edges(Z, at) / dof)).sum()

    def repulsion(self, Z: Tensor, at: At) -> Tensor:
        """Log sum w, over all pairs."""
        dof = at.knobs["dof"]
        return torch.log(((1 + pairs(Z) / dof) ** -dof).sum())

    def placing(self, n: int, knobs: Mapping[str, Any]) -> Placing:
        """A new point's own divergence: -sum p_j log w_j + log sum w over all points."""
        dof, lam, rho = (float(knobs[name]) for name in ("dof", "exaggeration", "repulsion_strength"))

        def loss(squares: Tensor, weights: Tensor, potential: Tensor) -> Tensor:
            return lam * dof * (weights * torch.log1p(squares / dof)).sum(1) + rho * torch.log(potential)

        return Placing(lambda squares: (1 + squares / dof) ** -dof, loss)

    def forces(self, at: At, want_loss: bool) -> Forces:
        """4 sum_j p_ij w_ij^(1/dof) (z_i - z_j), less the same of q_ij; the loss is the divergence."""
        Z, dof = at.state.positions, float(at.knobs["dof"])
        pull, stiffness, cross = attraction.student(at.graph, Z, dof, want_loss)
        if mesh.few(Z, dof):
            push, total = exact.repulsion(Z, dof)
            grid, finer = (), 0
        else:
            state = at.state
            push, total, grid, finer = exactness.repulsion(Z, dof, state.grid, state.finer, at.box)
        total = total.clamp_min(1e-12) if isinstance(total, Tensor) else max(total, 1e-12)
        loss = at.problem.constant + cross + log(total) if want_loss else math.nan
        held = stiffness.mul_(4) if self._glides(at.state) else None
        return Forces(pull.mul_(4), push.mul_(-4 / total), loss, grid, stiffness=held, finer=finer)

    def operations(self, state: State) -> Any:
        """Whether steps are limited by stiffness."""
        return self._glides(state)

    def _glides(self, state: State) -> bool:
        """Whether steps are limited by stiffness, and much of them is kept: that settles a map soonest.

        A hand on attraction or repulsion is followed by steps of little inertia, with gains; so are rates, momentum,
        optimizers and output affinities of one's own.
        """
        own = [state.hand.get(name, getattr(self, name)) for name in ("exaggeration", "lr", "momentum")]
        auto = all(
            isinstance(value, str) and value == "auto" for value in (*own, self.optimizer, self.affinity_out)
        )
        return auto and state.hand.get("repulsion_strength", self.repulsion_strength) == 1
