"""What the methods share that push every point away from a few random others instead of all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from ne_interactive.data.table import Table
from ne_interactive.engine.protocol import At, Placing
from ne_interactive.engine.state import State
from ne_interactive.forces.counter import key_of
from ne_interactive.forces.frozen import Kernel
from ne_interactive.forces.negative import Draws, left, negatives
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.methods.entropic import EntropicNeighborEmbedding
from ne_interactive.params.declare import declare
from ne_interactive.params.errors import ParameterError
from ne_interactive.params.param import param


@declare
class NegativeSamplingNeighborEmbedding(EntropicNeighborEmbedding, abstract=True):
    """Base of the methods whose repulsion is over random negatives.

    A subclass gives `attraction(Z, at)` and `repulsion(Z, at)`, which may use `negatives(at)` and
    `contrasts(Z, at)`; autograd does the rest. The negatives are a function of the seed and the iteration, so a run
    repeats exactly. P is entropic unless `affinity` says otherwise.

    Examples:
        >>> import torch
        >>> import ne_interactive as ne
        >>> from ne_interactive.methods.losses import edges
        >>> from ne_interactive.methods.sampling import NegativeSamplingNeighborEmbedding
        >>> from ne_interactive.params.declare import declare
        >>> @declare
        ... class _Springs(NegativeSamplingNeighborEmbedding):
        ...     def attraction(self, Z, at):
        ...         return (at.graph.values * edges(Z, at)).sum()
        ...     def repulsion(self, Z, at):
        ...         return torch.exp(-self.contrasts(Z, at)).sum() / at.n
        >>> _Springs(random_state=0, max_iter=20).fit_transform(ne.datasets.digits().X).shape
        (1797, 2)
    """

    takes_affinity_out: ClassVar[bool] = False

    n_negatives: int = param(
        5, "Random points that each point is compared with at every iteration; more of them, more repulsion.",
        bounds=(1, 65_536), closed="low", slider=(1, 100), scale="log", group="forces", live=True, redo="nothing",
    )  # fmt: skip
    discard_NNs: bool = param(False, "Never draw a point's own neighbours as its negatives.", group="forces")

    def validate(self, n: int) -> None:
        """Check every parameter, and with `discard_NNs` whether enough points are left to be drawn.

        Raises:
            ParameterError: naming the parameter, its limits and what was given.
        """
        super().validate(n)
        if self.discard_NNs:
            knobs = {"perplexity": self.perplexity, "n_negatives": self.n_negatives}
            self._check_left(n - 1 - min(self.k(n, knobs), n - 1), int(self.n_negatives))

    def check_together(self, knobs: Mapping[str, Any], graph: Graph | None = None) -> None:
        """With `discard_NNs`, whether enough points are left to draw negatives from."""
        if self.discard_NNs and graph is not None:
            self._check_left(left(graph), int(knobs["n_negatives"]))

    def extras(
        self, table: Table, neighbors: Neighbors | None, graph: Graph, knobs: Mapping[str, Any], seed: int
    ) -> dict[str, Tensor]:
        """Nothing is computed; with `discard_NNs` the graph is checked.

        Raises:
            ParameterError: if some point has so many neighbours that too few are left.
        """
        self.check_together(knobs, graph)
        return {}

    def _check_left(self, there: int, wanted: int) -> None:
        if there < max(wanted, 1):
            raise ParameterError(
                f"{type(self).__name__}.discard_NNs leaves {max(there, 0)} points to draw negatives from, fewer than "
                f"n_negatives ({wanted}). Lower the perplexity or n_negatives, or set discard_NNs=False."
            )

    def placed_by(self, n: int, knobs: Mapping[str, Any], pull: Kernel, push: Kernel) -> Placing:
        """How new points are placed by the losses of an edge and of a negative; the negatives are all points alike."""
        lam, rho = float(knobs["exaggeration"]), float(knobs["repulsion_strength"])
        share = rho * int(knobs["n_negatives"]) / n

        def loss(squares: Tensor, weights: Tensor, potential: Tensor) -> Tensor:
            return lam * (weights * pull(squares)).sum(1) + share * potential

        return Placing(push, loss)

    def operations(self, state: State) -> Any:
        """Nothing."""
        return ()

    def draws(self, at: At) -> Draws:
        """Which negatives this iteration has."""
        key = key_of(at.state.seed, at.state.iteration)
        return Draws(key, int(at.knobs["n_negatives"]), at.graph if self.discard_NNs else None)

    def negatives(self, at: At) -> Tensor:
        """The negatives of every point at this iteration, (n, n_negatives) int64.

        Uniform and independent over the points other than the point itself and, with `discard_NNs`, its neighbours.
        """
        return negatives(at.n, self.draws(at), at.state.positions.device)

    def contrasts(self, Z: Tensor, at: At) -> Tensor:
        """Squared distances to the negatives, (n, n_negatives), differentiable at both ends."""
        return (Z.unsqueeze(1) - Z[self.negatives(at)]).square().sum(2)
