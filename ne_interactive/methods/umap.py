"""UMAP: fuzzy neighbour graph, attraction along it, repulsion of random others or of what they are on average."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from ne_interactive.engine.protocol import At, Gradient, Placing
from ne_interactive.engine.rules import limited
from ne_interactive.engine.state import State
from ne_interactive.forces import expected
from ne_interactive.forces.mesh import MESH_DIMENSIONS
from ne_interactive.forces.sampled import Curve, sampled
from ne_interactive.forces.scalars import add_times
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

    The kernel of the embedding is 1 / (1 + a d^(2b)), with a and b fitted to `min_dist` and `spread`. By default edges
    and negatives act as they do on average (Damrich and Hamprecht, arXiv:2103.14608): points move smoothly, keep more
    of their neighbours, and come to rest in fewer iterations. A point's step is divided by how stiffly its edges hold
    it, so that it needs no small learning rate. With `negatives="sampled"` edges fire and draw negatives at random,
    as in umap-learn: every point is moved by its own while the others stand still.

    Examples:
        >>> import ne_interactive as ne
        >>> X = ne.datasets.digits().X
        >>> ne.UMAP(n_neighbors=15, random_state=0).fit_transform(X).shape
        (1797, 2)
    """

    rule: ClassVar[str] = "momentum"
    takes_affinity_out: ClassVar[bool] = False

    lr: float | str = again(
        NeighborEmbedding,
        "lr",
        help="Length of a step; 'auto' is 1. Where negatives are sampled, of every single move.",
        high=100,
        slider=(0.01, 10),
    )
    scheduler: Any = again(
        NeighborEmbedding, "scheduler", default="auto",
        help="Learning-rate schedule: a torch.optim.lr_scheduler by name or class, None for a constant rate; 'auto' is "
        "None, or 'LinearLR', down to 0, where negatives are sampled or a torch optimizer is used.",
    )  # fmt: skip
    n_neighbors: int = param(
        15, "Neighbours of each point, itself counted, as in umap-learn.",
        bounds=(2, "n"), slider=(2, 100), scale="log", group="neighbours", live=True, redo="weights",
    )  # fmt: skip
    min_dist: float = param(
        0.1, "Distance below which embedded points are not pulled any closer.",
        bounds=(0, 100), slider=(0, 2), group="forces", live=True, redo="kernel",
    )  # fmt: skip
    spread: float = param(
        1.0, "Scale of the embedding: the distance over which the kernel falls off; at least min_dist.",
        bounds=(0, 100), closed="high", slider=(0.2, 5), group="forces", live=True, redo="kernel",
    )  # fmt: skip
    n_negatives: int = param(
        5, "Points that each active edge pushes away; more of them, more repulsion.",
        bounds=(0, 1000), slider=(0, 30), group="forces", live=True, redo="nothing",
    )  # fmt: skip
    negatives: str = param(
        "auto", "How they push: 'mean', as all points do on average, up to 3 dimensions; 'sampled', as random ones; "
        "'auto', 'mean' where that can be.", choices=("auto", "mean", "sampled"), group="forces",
    )  # fmt: skip
    momentum: float | str = param(
        "auto", "Share of the last step that is kept; 'auto' is 0.8, and 0 where negatives are sampled.",
        kind="number", bounds=(0, 1), closed="low", slider=(0, 0.98), group="optimizer",
        live=True, redo="nothing", auto=True,
    )  # fmt: skip

    def validate(self, n: int) -> None:
        """Check every parameter, and min_dist against spread.

        Raises:
            ParameterError: naming the parameter, its limits and what was given.
        """
        super().validate(n)
        self.check_together({"min_dist": self.min_dist, "spread": self.spread})
        if self.negatives == "mean" and self.n_components > MESH_DIMENSIONS:
            raise ParameterError(
                f"{type(self).__name__}.negatives must be 'sampled' or 'auto' beyond {MESH_DIMENSIONS} dimensions; got "
                f"'mean' with n_components={self.n_components}."
            )

    @property
    def samples(self) -> bool:
        """Whether negatives are drawn at random."""
        return self.negatives == "sampled" or (
            self.negatives == "auto" and self.n_components > MESH_DIMENSIONS
        )

    def schedule(self) -> Any:
        """What is random, and optimizers whose steps do not shrink with the gradient, need smaller steps to rest."""
        if isinstance(self.scheduler, str) and self.scheduler == "auto":
            return "LinearLR" if self.samples or not self._own_rule() else None
        return self.scheduler

    def check_together(self, knobs: Mapping[str, Any], graph: Graph | None = None) -> None:
        """Limits that two parameters set each other."""
        if knobs["min_dist"] > knobs["spread"]:
            raise ParameterError(
                f"UMAP.min_dist must be at most spread ({knobs['spread']:g}); got {knobs['min_dist']:g}. "
                "Raise spread first."
            )

    def iterations(self, n: int) -> int:
        """200 up to 10,000 points, 100 beyond, or 500 and 200 of sampled moves, unless `max_iter` is given."""
        if isinstance(self.max_iter, str):
            few, many = (500, 200) if self.samples else (200, 100)
            return few if n <= 10_000 else many
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
        """As for every method, but the learning rate is 1, and sampled moves have no momentum."""
        if name == "momentum" and self.samples:
            return 0.0
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

    def operations(self, state: State) -> Any:
        """Nothing."""
        return ()

    def gradient(self, at: At, want_loss: bool) -> Gradient:
        """What moves the points, over the learning rate; the loss is the mean cross-entropy of edges and negatives."""
        if not self.samples:
            return self._expected(at, want_loss)
        lr = float(at.lr) if self._own_rule() else TRIAL
        moves, loss = self.moves(at, lr, want_loss)
        return Gradient(moves.div_(-lr) if lr > 0 else moves.zero_(), loss)

    def _expected(self, at: At, want_loss: bool) -> Gradient:
        """The mean of the moves of edges and negatives, backwards, and how stiffly its edges hold each point."""
        knobs, graph, Z = at.knobs, at.graph, at.state.positions
        a, b = fit_curve(float(knobs["min_dist"]), float(knobs["spread"]))
        m, peak = int(knobs["n_negatives"]), at.problem.peak
        pull, stiffness, near = expected.attraction(graph, Z, a, b, want_loss)
        weight = knobs["exaggeration"] / peak
        gradient, grid, far = pull.mul_(weight), (), 0.0
        if m:
            drawn = (graph.degrees * (m / peak / (at.n - 1))).to(Z.dtype)  # negatives of each point's edges
            push, potential, grid = expected.repulsion(Z, a, b, at.box)
            add_times(gradient, push.mul_(drawn.unsqueeze(1)), -knobs["repulsion_strength"])
            far = torch.dot(potential, drawn) if want_loss else 0.0
        stiffness.mul_(weight)
        if not self._own_rule():  # whatever optimizer takes its steps, none is too long
            gradient = limited(gradient, stiffness.clone(), at.lr)
        loss = (near / peak + far) / (graph.degrees.sum() * ((1 + m) / peak)) if want_loss else math.nan
        return Gradient(gradient, loss, grid, stiffness=stiffness)

    def moves(self, at: At, lr: float, want_loss: bool) -> tuple[Tensor, float]:
        """Moves (n, c) of the edges that fire at this iteration and of the negatives that they draw; their loss."""
        knobs, state = at.knobs, at.state
        a, b = fit_curve(float(knobs["min_dist"]), float(knobs["spread"]))
        weights = float(knobs["exaggeration"]), float(knobs["repulsion_strength"])
        curve = Curve(a, b, *weights, int(knobs["n_negatives"]))
        drawn = state.seed, state.elapsed
        return sampled(at.graph, at.problem.peak, state.positions, curve, lr, *drawn, want_loss)


@functools.lru_cache(maxsize=64)
def fit_curve(min_dist: float, spread: float) -> tuple[float, float]:
    """a and b of 1 / (1 + a d^(2b)) nearest to the offset exponential of `min_dist` and `spread`.

    It is fitted in units of the spread, where the search finds it from everywhere.
    """
    from scipy.optimize import curve_fit

    least = min_dist / spread
    d = np.linspace(0, 3, 300)
    wanted = np.where(d < least, 1.0, np.exp(-(d - least)))
    with np.errstate(divide="ignore"):  # the search may try a negative b on its way
        (a, b), _ = curve_fit(lambda x, a, b: 1 / (1 + a * x ** (2 * b)), d, wanted)
    return float(a / spread ** (2 * b)), float(b)
