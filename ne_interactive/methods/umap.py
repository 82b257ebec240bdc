"""UMAP: fuzzy neighbour graph, sampled attraction and repulsion."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from ne_interactive.engine.protocol import At, Gradient, Placing
from ne_interactive.engine.state import State
from ne_interactive.forces.sampled import Curve, sampled
from ne_interactive.graph.affinity import Affinity
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.sparse_affinities import Fuzzy
from ne_interactive.methods.base import NeighborEmbedding
from ne_interactive.params.declare import declare
from ne_interactive.params.errors import ParameterError
from ne_interactive.params.param import again, param

SOFT = 0.1  # keeps the push of a negative on a new point finite where the two meet
TRIAL = 1e-2  # learning rate of the small moves from which a torch optimizer gets its gradient


@declare
class UMAP(NeighborEmbedding):
    """Uniform manifold approximation and projection (McInnes, Healy and Melville, arXiv:1802.03426).

    The kernel of the embedding is 1 / (1 + a d^(2b)), with a and b fitted to `min_dist` and `spread`. At each
    iteration every point is moved by its own edges and negatives while the others stand still, so that a run repeats
    exactly on any number of threads.

    Examples:
        >>> import ne_interactive as ne
        >>> X = ne.datasets.digits().X
        >>> ne.UMAP(n_neighbors=15, random_state=0).fit_transform(X).shape
        (1797, 2)
    """

    rule: ClassVar[str] = "moves"
    takes_affinity_out: ClassVar[bool] = False

    lr: float | str = again(
        NeighborEmbedding,
        "lr",
        help="Length of every single move; 'auto' is 1. Either falls linearly to 0 over the run.",
        high=100,
        slider=(0.01, 10),
    )
    scheduler: Any = again(NeighborEmbedding, "scheduler", default="LinearLR")
    n_neighbors: int = param(
        15, "Neighbours of each point, itself counted, as in umap-learn.",
        bounds=(2, "n"), slider=(2, 100), scale="log", group="neighbours", live=True, redo="weights",
    )  # fmt: skip
    min_dist: float = param(
        0.1, "Distance below which embedded points are not pulled any closer.",
        bounds=(0, 100), slider=(0, 2), group="forces", live=True, redo="nothing",
    )  # fmt: skip
    spread: float = param(
        1.0, "Scale of the embedding: the distance over which the kernel falls off; at least min_dist.",
        bounds=(0, 100), closed="high", slider=(0.2, 5), group="forces", live=True, redo="nothing",
    )  # fmt: skip
    n_negatives: int = param(
        5, "Random points that each active edge pushes away; more of them, more repulsion.",
        bounds=(0, 1000), slider=(0, 30), group="forces", live=True, redo="nothing",
    )  # fmt: skip

    def validate(self, n: int) -> None:
        """Check every parameter, and min_dist against spread.

        Raises:
            ParameterError: naming the parameter, its limits and what was given.
        """
        super().validate(n)
        self.check_together({"min_dist": self.min_dist, "spread": self.spread})

    def check_together(self, knobs: Mapping[str, Any], graph: Graph | None = None) -> None:
        """Limits that two parameters set each other."""
        if knobs["min_dist"] > knobs["spread"]:
            raise ParameterError(
                f"UMAP.min_dist must be at most spread ({knobs['spread']:g}); got {knobs['min_dist']:g}. "
                "Raise spread first."
            )

    def iterations(self, n: int) -> int:
        """500 up to 10,000 points, 200 beyond, unless `max_iter` is given."""
        if isinstance(self.max_iter, str):
            return 500 if n <= 10_000 else 200
        return int(self.max_iter)

    def affinity(self, knobs: Mapping[str, Any]) -> Affinity:
        """Fuzzy union of the memberships of both directions."""
        return Fuzzy(n_neighbors=int(knobs["n_neighbors"]))

    def start_scale(self) -> float:
        """A start about 10 units wide: sampled forces would take long to unfold a smaller one."""
        return 5.0

    def widest(self) -> float:
        """A wider map would leave every cluster a dot: the kernel's width is that of `spread`, whatever n is."""
        return self.start_scale()

    def joins(self) -> int:
        """A map made by another method is taken over with the full learning rate."""
        return 0

    def scheduled(self, name: str, state: State, n: int, knobs: Mapping[str, Any]) -> Any:
        """As for every method, but the learning rate is 1, falling over the run."""
        return 1.0 if name == "lr" else super().scheduled(name, state, n, knobs)

    def placing(self, n: int, knobs: Mapping[str, Any]) -> Placing:
        """The cross-entropy of its edges, and of the negatives that these draw, as they are on average."""
        a, b = fit_curve(float(knobs["min_dist"]), float(knobs["spread"]))
        lam, rho = float(knobs["exaggeration"]), float(knobs["repulsion_strength"])
        share = rho * int(knobs["n_negatives"]) / n

        def loss(squares: Tensor, weights: Tensor, potential: Tensor) -> Tensor:
            pull = (weights * torch.log1p(a * squares.clamp_min(1e-12) ** b)).sum(1)
            return lam * pull + share * weights.sum(1) * potential

        def push(squares: Tensor) -> Tensor:
            return torch.log1p(1 / (SOFT + a * squares.clamp_min(1e-12) ** b))

        return Placing(push, loss)

    def gradient(self, at: At, want_loss: bool) -> Gradient:
        """Moves of the edges that fire at this iteration and of their negatives; the loss is their cross-entropy."""
        knobs, state = at.knobs, at.state
        a, b = fit_curve(float(knobs["min_dist"]), float(knobs["spread"]))
        weights = float(knobs["exaggeration"]), float(knobs["repulsion_strength"])
        curve = Curve(a, b, *weights, int(knobs["n_negatives"]))
        own = self.optimizer == "auto"
        lr = at.lr if own else TRIAL
        graph, peak = at.graph, at.problem.peak
        move, loss = sampled(graph, peak, state.positions, curve, lr, state.seed, state.elapsed, want_loss)
        return Gradient(move if own else move.div_(-TRIAL), loss)


@functools.lru_cache(maxsize=64)
def fit_curve(min_dist: float, spread: float) -> tuple[float, float]:
    """a and b of 1 / (1 + a d^(2b)) nearest to the offset exponential of `min_dist` and `spread`."""
    from scipy.optimize import curve_fit

    d = np.linspace(0, 3 * spread, 300)
    wanted = np.where(d < min_dist, 1.0, np.exp(-(d - min_dist) / spread))
    with np.errstate(divide="ignore"):  # the search may try a negative b on its way
        (a, b), _ = curve_fit(lambda x, a, b: 1 / (1 + a * x ** (2 * b)), d, wanted)
    return float(a), float(b)
