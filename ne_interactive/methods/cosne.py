"""CO-SNE: neighbours and hierarchy in the Poincare disk."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from ne_interactive.data.precomputed import Precomputed
from ne_interactive.data.table import Table
from ne_interactive.engine.protocol import At
from ne_interactive.engine.state import State
from ne_interactive.forces import hyperbolic
from ne_interactive.forces.scalars import log
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.methods.base import Forces, NeighborEmbedding
from ne_interactive.methods.entropic import EntropicNeighborEmbedding
from ne_interactive.params.declare import declare
from ne_interactive.params.errors import ParameterError
from ne_interactive.params.param import again, param

RADIUS = 3.0  # root mean square geodesic radius asked for by the norm term: 0.9 of the disk
ADOPTED = 0.7  # radius in the disk of the 95th percentile of a map that is taken over


@declare
class COSNE(EntropicNeighborEmbedding):
    """t-SNE in the Poincare ball of curvature -1 (Guo, Guo and Yu 2022, CO-SNE, arXiv:2111.15037).

    Minimises lambda * sum P log((d^2 + g^2) / g) + rho * (log sum g / (d^2 + g^2) + h * mean (s x^2 - r^2)^2), with
    geodesic distances d, radii r from the centre, g = `gamma` and h = `learning_rate_for_h_loss`. Rows x are centred,
    and s brings their squared norms to a mean of 9, whatever the units of X; rows in the metric "hyperbolic" lie in
    the ball already, and their geodesic radii are taken as they are. Distances alone (precomputed, for a few neighbours
    of each point) tell no norms: the last term is then left out. Positions have a norm below 1, in float64. All pairs
    are summed, so time grows with n^2.

    Examples:
        >>> import ne_interactive as ne
        >>> X = ne.datasets.digits().X[:500]
        >>> Z = ne.COSNE(max_iter=50, random_state=0).fit_transform(X)
        >>> bool((Z**2).sum(1).max() < 1)
        True
    """

    rule: ClassVar[str] = "riemannian"
    precision: ClassVar[torch.dtype] = torch.float64
    takes_affinity_out: ClassVar[bool] = False
    disk: ClassVar[bool] = True
    all_pairs: ClassVar[bool] = True

    lr: float | str = param(
        "auto", "Geodesic length of a step, about; 'auto' is 0.05.", kind="number", bounds=(0, 10), closed="high",
        slider=(1e-3, 1), scale="log", group="optimizer", live=True, redo="nothing", auto=True,
    )  # fmt: skip
    early_exaggeration_coeff: float = again(NeighborEmbedding, "early_exaggeration_coeff", default=1.0)
    early_exaggeration_iter: int = again(NeighborEmbedding, "early_exaggeration_iter", default=0)
    gamma: float = param(
        0.1, "Scale of the embedding's Cauchy kernel, a geodesic distance: smaller for tighter groups.",
        bounds=(1e-3, 100), slider=(0.02, 5), scale="log", group="forces", live=True, redo="nothing",
    )  # fmt: skip
    learning_rate_for_h_loss: float = param(
        1e-3, "Weight of the norm term, which puts rows of small norm near the centre.",
        bounds=(0, 1e4), slider=(1e-4, 1), scale="log", group="forces", live=True, redo="nothing",
    )  # fmt: skip

    def validate(self, n: int) -> None:
        """Check every parameter against n points; only the own rule stays in the ball.

        Raises:
            ParameterError: naming the parameter, its limits and what was given.
        """
        super().validate(n)
        if not (isinstance(self.optimizer, str) and self.optimizer == "auto"):
            raise ParameterError(
                f"COSNE.optimizer must be 'auto', Riemannian Adam, which keeps the points in the ball; "
                f"got {self.optimizer!r}. Leave it out."
            )
        if not isinstance(self.init, str) and isinstance(self.init_scaling, str):
            self._check_start()

    def _check_start(self) -> None:
        try:
            norms = np.linalg.norm(
                np.asarray(torch.as_tensor(self.init).detach().cpu(), dtype=float), axis=-1
            )
        except (TypeError, ValueError, RuntimeError):
            return  # no array of numbers: refused where starts are checked
        if norms.size and not norms.max() < 1:
            row = int(norms.argmax())
            raise ParameterError(
                f"COSNE.init must lie in the unit ball, norms below 1; row {row} has norm {norms.flat[row]:.6g}. "
                "Scale it, or give init_scaling."
            )

    def extras(
        self, table: Table, neighbors: Neighbors | None, graph: Graph, knobs: Mapping[str, Any], seed: int
    ) -> dict[str, Tensor]:
        """`radii` (n,): the squared geodesic radii that the norm term asks for; () where the norms are unknown."""
        return {"radii": wanted_radii(table, knobs["metric"])}

    def attraction(self, Z: Tensor, at: At) -> Tensor:
        """sum P log P + sum P log((d^2 + gamma^2) / gamma), over the edges."""
        gamma, graph = at.knobs["gamma"], at.graph
        squared = hyperbolic.squared_distance(hyperbolic.ratio(Z[graph.rows], Z[graph.indices.long()]))
        return at.problem.constant + (graph.values * ((squared + gamma * gamma) / gamma).log()).sum()

    def repulsion(self, Z: Tensor, at: At) -> Tensor:
        """Log sum gamma / (d^2 + gamma^2), over all pairs, and the norm term."""
        gamma = at.knobs["gamma"]
        return torch.log(gamma * hyperbolic.kernel_sum(Z, gamma)) + self._norms(Z, at)

    def _norms(self, Z: Tensor, at: At) -> Tensor:
        radii = at.problem.extras["radii"]
        if len(radii) != len(Z):
            return Z.new_zeros(())
        off = radii - hyperbolic.squared_radius(Z)
        return at.knobs["learning_rate_for_h_loss"] * off.square().mean()

    def forces(self, at: At, want_loss: bool) -> Forces:
        """Gradients in closed form, over the edges and over all pairs."""
        Z, gamma = hyperbolic.into_ball(at.state.positions), at.knobs["gamma"]
        pull, cross = hyperbolic.attraction(at.graph, Z, gamma, want_loss)
        push, total = hyperbolic.repulsion(Z, gamma)
        with torch.enable_grad():
            leaf = Z.detach().requires_grad_()
            norms = self._norms(leaf, at)
            bend = torch.autograd.grad(norms, leaf)[0] if norms.requires_grad else torch.zeros_like(Z)
        lam, rho = at.knobs["exaggeration"], at.knobs["repulsion_strength"]
        loss = math.nan
        if want_loss:
            mass = at.graph.values.double().sum()
            loss = lam * (at.problem.constant + cross - mass * log(gamma))
            loss += rho * (log(gamma * total) + norms.detach())
        return Forces(pull.mul_(2), push.mul_(-2 / total).add_(bend), loss)

    def operations(self, state: State) -> Any:
        """Nothing."""
        return ()

    def iterations(self, n: int) -> int:
        """500, unless `max_iter` is given."""
        return 500 if isinstance(self.max_iter, str) else int(self.max_iter)

    def start_scale(self) -> float:
        """Standard deviation of the first axis of a computed start, in the disk."""
        return 0.01

    def adopt(self, positions: Tensor) -> Tensor:
        """Positions in the ball: as they are where all lie there, else centred and scaled into it."""
        Z = positions.to(self.precision)
        if bool(Z.norm(dim=1).max() <= hyperbolic.RIM):
            return Z
        Z = Z - Z.mean(0)
        norm = Z.norm(dim=1, keepdim=True).clamp_min(1e-300)
        scaled = norm * (ADOPTED / torch.quantile(norm, 0.95).clamp_min(1e-300))
        beyond = ADOPTED + (1 - ADOPTED) * torch.tanh((scaled - ADOPTED) / (1 - ADOPTED))
        return hyperbolic.into_ball(Z * (torch.where(scaled > ADOPTED, beyond, scaled) / norm), 0.99)

    def check_places(self, places: Tensor) -> None:
        """Points are put inside the disk only.

        Raises:
            ParameterError: naming the first place outside.
        """
        norms = places.norm(dim=1)
        if bool((norms > hyperbolic.RIM).any()):
            row = int((norms > hyperbolic.RIM).int().argmax())
            raise ParameterError(
                f"xy must lie in the unit disk, norms at most {hyperbolic.RIM:.6g}; row {row} has norm "
                f"{float(norms[row]):.6g}. Put the point nearer to the centre."
            )

    def scheduled(self, name: str, state: State, n: int, knobs: Mapping[str, Any]) -> Any:
        """The value of an "auto" parameter at the state's iteration."""
        return 0.05 if name == "lr" else super().scheduled(name, state, n, knobs)


def wanted_radii(table: Table, metric: str) -> Tensor:
    """Squared geodesic radii (n,) float64 in proportion to the squared norms of the centred rows; () if unknown."""
    if isinstance(table, Precomputed):
        if table.distances is None:
            return torch.zeros(0, dtype=torch.float64, device=table.device)
        squared = table.distances.double().square()
        norms = squared.mean(1) - squared.mean() / 2  # from the centre of mass
    elif metric == "hyperbolic":
        return torch.cat([hyperbolic.squared_radius(batch.double()) for batch in table.batches()])
    else:
        mean = torch.stack([batch.double().sum(0) for batch in table.batches()]).sum(0) / table.n
        norms = torch.cat([(batch.double() - mean).square().sum(1) for batch in table.batches()])
    return norms.clamp_min(0) * (RADIUS**2 / norms.mean().clamp_min(1e-300))
