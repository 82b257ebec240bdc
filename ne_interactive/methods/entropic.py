"""What the methods share whose P has one perplexity for all points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ne_interactive.engine.state import State
from ne_interactive.graph.affinity import Affinity
from ne_interactive.graph.sparse_affinities import Entropic
from ne_interactive.methods.base import NeighborEmbedding
from ne_interactive.params.declare import declare
from ne_interactive.params.param import param

# Points from which on P is cut, and where: such that the divergence from the whole P does not suffer. Measured on
# Fashion-MNIST: 10,000 images 1.548 whole, 1.548 at 0.02, 1.560 at 0.05; 70,000 images 2.359, 2.350, 2.362.
TAILS = ((30_000, 0.05), (5_000, 0.02), (0, 0.0))


@declare
class EntropicNeighborEmbedding(NeighborEmbedding, abstract=True):
    """Base of the methods whose affinities are those of t-SNE."""

    perplexity: float = param(
        30.0, "Effective number of neighbours of each point.",
        bounds=(1, "n - 1"), closed="neither", slider=(2, 150), scale="log", group="neighbours",
        live=True, redo="weights",
    )  # fmt: skip
    affinity_tail: float | str = param(
        "auto", "Neighbours of less than this share of a point's largest affinity are left out: faster, and closer "
        "neighbours count for more. 'auto' is 0 below 5,000 points, 0.02 below 30,000, else 0.05.",
        kind="number", bounds=(0, 1), closed="low", slider=(1e-3, 0.5), scale="log", group="neighbours",
        live=True, redo="weights", auto=True,
    )  # fmt: skip

    def affinity(self, knobs: Mapping[str, Any]) -> Affinity:
        """Conditional probabilities of the given perplexity, averaged over both directions."""
        tail = knobs.get("affinity_tail", "auto")
        return Entropic(perplexity=knobs["perplexity"], tail=0.0 if isinstance(tail, str) else tail)

    def scheduled(self, name: str, state: State, n: int, knobs: Mapping[str, Any]) -> Any:
        """The value of an "auto" parameter at the state's iteration."""
        if name == "affinity_tail":
            return next(tail for least, tail in TAILS if n >= least)
        return super().scheduled(name, state, n, knobs)
