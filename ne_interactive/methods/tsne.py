"""t-SNE: Student kernel in the embedding, normalised over all pairs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ne_interactive.engine.protocol import Gradient
from ne_interactive.engine.state import Problem, State
from ne_interactive.forces import attraction, exact, mesh
from ne_interactive.graph.affinities import entropic
from ne_interactive.graph.csr import Graph, symmetrize
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.methods.base import NeighborEmbedding
from ne_interactive.params.declare import declare
from ne_interactive.params.param import again, param

EXACT_BELOW = 2500  # points; from there on the mesh is faster and accurate enough
MESH_DIMENSIONS = 3


@declare
class TSNE(NeighborEmbedding):
    """t-distributed stochastic neighbor embedding (van der Maaten and Hinton 2008, JMLR 9:2579-2605).

    Minimises the Kullback-Leibler divergence of the joint neighbour probabilities P of X from those of Z, with
    w = (1 + d^2/dof)^-dof (Kobak et al., doi:10.1007/978-3-030-46150-8_8).

    Examples:
        >>> import ne_interactive as ne
        >>> X, y = ne.datasets.digits().X, ne.datasets.digits().y
        >>> ne.TSNE(perplexity=30, random_state=0).fit_transform(X).shape
        (1797, 2)
    """

    perplexity: float = param(
        30.0, "Effective number of neighbours of each point.",
        bounds=(1, "n - 1"), closed="neither", slider=(2, 150), scale="log", group="neighbours",
        live=True, redo="weights",
    )  # fmt: skip
    early_exaggeration_coeff: float = again(NeighborEmbedding, "early_exaggeration_coeff", default=12.0)
    early_exaggeration_iter: int = again(NeighborEmbedding, "early_exaggeration_iter", default=250)
    momentum: float = param(
        0.8, "Share of the last step that is kept.", bounds=(0, 1), closed="low", slider=(0, 0.98),
        group="optimizer", live=True, redo="nothing",
    )  # fmt: skip
    dof: float = param(
        1.0, "Tail of the embedding's kernel: below 1 heavier, separating clusters; above 1 lighter.",
        bounds=(0.05, 100), slider=(0.2, 10), scale="log", group="forces", live=True, redo="kernel",
    )  # fmt: skip

    def iterations(self, n: int) -> int:
        """250 early and 500 more, unless `max_iter` is given."""
        return 750 if isinstance(self.max_iter, str) else int(self.max_iter)

    def k(self, n: int, knobs: Mapping[str, Any]) -> int:
        """Three times the perplexity, at most n - 1."""
        return min(math.ceil(3 * knobs["perplexity"]), n - 1)

    def affinity(self, neighbors: Neighbors, knobs: Mapping[str, Any]) -> Graph:
        """Conditional probabilities of the given perplexity, averaged over both directions."""
        distances = neighbors.distances
        squared = distances if neighbors.metric == "sqeuclidean" else distances.square()
        return symmetrize(neighbors.indices, entropic(squared, knobs["perplexity"]), how="mean")

    def gradient(
        self, problem: Problem, state: State, knobs: Mapping[str, Any], lr: float, want_loss: bool
    ) -> Gradient:
        """4 sum_j (lambda p_ij - rho q_ij) w_ij^(1/dof) (z_i - z_j), and the divergence at lambda = rho = 1."""
        Z, dof = state.positions, float(knobs["dof"])
        pull, cross = attraction.student(problem.graph, Z, dof, want_loss)
        if len(Z) < EXACT_BELOW or Z.shape[1] > MESH_DIMENSIONS:
            push, total = exact.repulsion(Z, dof)
            grid = ()
        else:
            push, total, grid = mesh.repulsion(Z, dof, state.grid)
        total = max(total, 1e-12)
        loss = problem.constant + cross + math.log(total) if want_loss else math.nan
        pull *= 4 * knobs["exaggeration"]
        return Gradient(pull.sub_(push, alpha=4 * knobs["repulsion_strength"] / total), loss, grid)
