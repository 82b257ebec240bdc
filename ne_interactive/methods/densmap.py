"""densMAP: UMAP that keeps local densities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ne_interactive.data.table import Table
from ne_interactive.engine.protocol import At
from ne_interactive.engine.state import State
from ne_interactive.forces.density import Kernel, density, lengths, log_radii, standardised
from ne_interactive.graph.affinity import Affinity, squared
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.neighbors import Neighbors, find_neighbors
from ne_interactive.methods.umap import UMAP, fit_curve
from ne_interactive.params.declare import declare
from ne_interactive.params.errors import ParameterError
from ne_interactive.params.param import param

WEIGHT = 2.0  # of the density term, once it acts
LIMIT = 16.0  # of each component of a point's density move at learning rate 1
TURNS = 2  # parts of that move, each from where the last one left the map: as one it overshoots


@declare
class DensMAP(UMAP):
    """Density-preserving UMAP (Narayan, Berger and Cho, doi:10.1038/s41587-020-00801-7).

    A point's local radius is the mean squared distance to its neighbours, in X and in the map. Towards the end of
    the run, points are moved such that the logarithms of both correlate as well: dense regions stay small, sparse
    ones become wide. New rows are placed by UMAP's own loss.

    `fit` also sets `log_radii_` and `embedded_log_radii_`, (n,) each: the log of the radius of every point in X and
    in the map, both over the affinities of their own neighbours.

    Examples:
        >>> import ne_interactive as ne
        >>> X = ne.datasets.digits().X
        >>> ne.DensMAP(n_neighbors=30, random_state=0).fit_transform(X).shape
        (1797, 2)
    """

    density_weight: float | str = param(
        "auto",
        "Weight of the correlation of local radii; 'auto' is 0 for the first 70 % of the run, then 2.",
        kind="number", bounds=(0, 1000), slider=(0, 10), group="forces", live=True, redo="nothing", auto=True,
    )  # fmt: skip
    density_shift: float = param(
        0.1, "Added to the variance of the map's log radii: how little they may vary and still count as correlated.",
        bounds=(0, 1000), slider=(0, 2), group="forces", live=True, redo="nothing",
    )  # fmt: skip

    @property
    def samples(self) -> bool:
        """Always, unless told otherwise: the density term is made of moves as well."""
        return self.negatives != "mean"

    def validate(self, n: int) -> None:
        """Check every parameter, and that P comes from neighbours.

        Raises:
            ParameterError: naming the parameter, its limits and what was given.
        """
        super().validate(n)
        if not self.samples:
            raise ParameterError("DensMAP.negatives must be 'sampled' or 'auto'; got 'mean'. UMAP has it.")
        if not self.k(n, {"n_neighbors": self.n_neighbors}):
            raise ParameterError(_NO_NEIGHBOURS)

    def fit(self, X: Any, y: Any = None) -> DensMAP:
        """As for every method; also sets `log_radii_` and `embedded_log_radii_`, (n,) float32 each."""
        super().fit(X)
        found, Z, knobs = self.map_.neighbors, self.map_.positions, self.map_.knobs
        source = self.affinity_of(len(Z), knobs)
        if found is None or not isinstance(source, Affinity):
            raise ParameterError(_NO_NEIGHBOURS)
        k = self.k(len(Z), knobs)
        sides = found.first(k), find_neighbors(Z.float(), k, seed=self.seed_)
        radii = (self._log_radii(side, source.graph(side))[0] for side in sides)
        self.log_radii_, self.embedded_log_radii_ = (values.float().cpu().numpy() for values in radii)
        return self

    def iterations(self, n: int) -> int:
        """200 more than UMAP, unless `max_iter` is given."""
        return super().iterations(n) + (200 if isinstance(self.max_iter, str) else 0)

    def earliest_rest(self, n: int) -> int:
        """A run is never at rest before the density term has begun to act."""
        waits = self.density_weight == "auto"
        return max(super().earliest_rest(n), 7 * self.iterations(n) // 10 + 1 if waits else 0)

    def joins(self) -> int:
        """A map made by another method is taken over shortly before the density term acts.

        Beyond 10,000 points or with `max_iter` given it acts at once, else after 210 iterations. At the full learning
        rate it would dissolve a map that is there, which then would take the rest of the run to come together again.
        """
        return 7 * self.iterations(10_001) // 10

    def scheduled(self, name: str, state: State, n: int, knobs: Mapping[str, Any]) -> Any:
        """As for UMAP; the density term waits for the last 30 % of the run."""
        if name != "density_weight":
            return super().scheduled(name, state, n, knobs)
        total = state.horizon or self.iterations(n)
        return WEIGHT if 10 * (state.elapsed + 1) > 7 * total else 0.0

    def extras(
        self, table: Table, neighbors: Neighbors | None, graph: Graph, knobs: Mapping[str, Any], seed: int
    ) -> dict[str, Tensor]:
        """Standardised log radii of X: `radii` (n,) float32; `edges` (), P's sum over its largest value.

        Raises:
            ParameterError: if P was not made from neighbours, whose distances are needed.
        """
        if neighbors is None:
            raise ParameterError(_NO_NEIGHBOURS)
        radii = standardised(*self._log_radii(neighbors, graph))
        kept = graph.values[graph.values >= self._least(graph, graph.n)].double()
        edges = kept.sum() / kept.max() if len(kept) else kept.sum()
        return {"radii": radii.float(), "edges": edges}

    def moves(self, at: At, lr: float, want_loss: bool) -> tuple[Tensor, float]:
        """UMAP's moves, then those of the density term, as strong as if its part of every edge fired with that edge.

        The loss is UMAP's less the weighted correlation, both as means over the pairs visited.
        """
        moves, loss = super().moves(at, lr, want_loss)
        weight = float(at.knobs["density_weight"])
        if weight == 0:
            return moves, loss
        radii, scale = at.problem.extras["radii"], weight * float(at.problem.extras["edges"]) / at.n
        kernel = self._kernel(at, LIMIT / scale if scale > 0 else 0.0)
        Z = at.state.positions
        found = []
        for _ in range(TURNS):
            rise, correlation = density(at.graph, radii, Z + moves, kernel)
            moves.add_(rise, alpha=lr * scale / TURNS)
            found.append(correlation)
        return moves, loss - weight * found[0] / (1 + int(at.knobs["n_negatives"]))

    def _kernel(self, at: At, limit: float) -> Kernel:
        a, b = fit_curve(float(at.knobs["min_dist"]), float(at.knobs["spread"]))
        return Kernel(
            a, b, float(at.knobs["density_shift"]), self._least(at.graph, at.n, at.problem.peak), limit
        )

    def _log_radii(self, neighbors: Neighbors, graph: Graph) -> tuple[Tensor, Tensor]:
        squares = squared(lengths(neighbors, graph).to(graph.values), neighbors.metric)
        return log_radii(graph, squares, self._least(graph, graph.n))

    def _least(self, graph: Graph, n: int, peak: float | None = None) -> float:
        """The smallest weight with which an edge fires during a full run; the others have no say in the radii."""
        if peak is None:
            peak = float(graph.values.max()) if graph.nnz else 1.0
        return peak / max(self.iterations(n), 10)


_NO_NEIGHBOURS = (
    "DensMAP.affinity_in must make P from neighbours, because the local radii are made of their distances; got an "
    "affinity of all pairs, or P itself. Leave it 'auto', name a sparse affinity such as 'fuzzy', or use UMAP."
)
