"""SNEkhorn and TSNEkhorn: P and Q both doubly stochastic."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from ne_interactive.data.table import Table
from ne_interactive.engine.protocol import At
from ne_interactive.engine.state import State
from ne_interactive.forces import attraction, sinkhorn
from ne_interactive.forces.scalars import Scalar
from ne_interactive.graph.affinity import Affinity
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.doubly import SymmetricEntropic
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.graph.sparse_affinities import Entropic
from ne_interactive.methods.base import Forces, NeighborEmbedding
from ne_interactive.methods.losses import edges, pairs
from ne_interactive.methods.parameters import momentum
from ne_interactive.methods.sne import steady_lr
from ne_interactive.params.declare import declare
from ne_interactive.params.errors import ParameterError
from ne_interactive.params.param import param

UNROLLED = 4000  # points up to which n x n matrices of all fixed-point iterations are kept for autograd


@declare
class SNEkhorn(NeighborEmbedding):
    """SNE with doubly stochastic affinities (Van Assel, Vayer, Flamary and Courty 2023, SNEkhorn, arXiv:2305.13797).

    Q_ij = exp(f_i + f_j) k(d_ij) for i != j, with the Gaussian kernel k = exp(-d^2) and duals f such that each row has
    the sum 1/n; P, symmetric and with the same row sums, gives all rows one entropy. So every point has the same share
    of the map, outliers and hubs too. Minimises lambda * (-sum P log k) + rho * (sum Q - 2 sum_i p_i f_i), p_i the row
    sums of P: at lambda = rho = 1 the divergence of P from Q. The duals are held while the positions move (at the fixed
    point the loss does not depend on them), and go on from step to step.

    Examples:
        >>> import ne_interactive as ne
        >>> X = ne.datasets.digits().X[:500]
        >>> ne.SNEkhorn(random_state=0).fit_transform(X).shape
        (500, 2)
    """

    kernel: ClassVar[str] = "gaussian"

    perplexity: float = param(
        30.0, "Effective number of neighbours of each point.",
        bounds=(1, "n - 1"), closed="neither", slider=(2, 150), scale="log", group="neighbours",
        live=True, redo="weights",
    )  # fmt: skip
    symmetric_affinity: bool = param(
        True, "P with equal row sums and entropies; off: conditional probabilities averaged, as in t-SNE.",
        group="neighbours",
    )  # fmt: skip
    momentum: float | str = momentum()
    sinkhorn_iter: int = param(
        5, "Fixed-point iterations of the duals before each step.",
        bounds=(1, 1000), slider=(1, 20), group="forces", live=True, redo="nothing",
    )  # fmt: skip
    unrolling: bool = param(
        False, "Differentiate through the fixed-point iterations, which is slow, and for few points.",
        group="forces",
    )  # fmt: skip

    def validate(self, n: int) -> None:
        """Check every parameter against n points.

        Raises:
            ParameterError: naming the parameter, its limits and what was given.
        """
        super().validate(n)
        if self.unrolling and n > UNROLLED:
            raise ParameterError(
                f"{type(self).__name__}.unrolling works on all pairs, for at most {UNROLLED} points; got {n}. "
                "Leave it out, or embed a sample."
            )

    def iterations(self, n: int) -> int:
        """500, unless `max_iter` is given."""
        return 500 if isinstance(self.max_iter, str) else int(self.max_iter)

    def affinity(self, knobs: Mapping[str, Any]) -> Affinity:
        """The symmetric entropic affinity of the given perplexity, or the one of t-SNE."""
        family = SymmetricEntropic if self.symmetric_affinity else Entropic
        return family(perplexity=knobs["perplexity"])

    def extras(
        self, table: Table, neighbors: Neighbors | None, graph: Graph, knobs: Mapping[str, Any], seed: int
    ) -> dict[str, Tensor]:
        """`mass` (n,) float64: the row sums of P."""
        sums = torch.zeros(graph.n, dtype=torch.float64, device=graph.values.device)
        return {"mass": sums.index_add_(0, graph.rows, graph.values.double())}

    def _auto_lr(self, state: State, n: int, knobs: Mapping[str, Any]) -> float:
        rate = super()._auto_lr(state, n, knobs)
        return min(rate, steady_lr(n, knobs)) if self.kernel == "gaussian" else rate

    # the kernel

    def log_kernel(self, squared: Tensor, at: At) -> Tensor:
        """Log k, of squared distances."""
        return -squared

    def pull(self, at: At, want_loss: bool) -> tuple[Tensor, Scalar]:
        """sum_j p_ij k'/k (z_i - z_j) (n, c), and -sum P log k."""
        return attraction.gaussian(at.graph, at.state.positions, want_loss)

    # the maths

    def attraction(self, Z: Tensor, at: At) -> Tensor:
        """sum P log P - sum P log k, over the edges."""
        return at.problem.constant - (at.graph.values * self.log_kernel(edges(Z, at), at)).sum()

    def repulsion(self, Z: Tensor, at: At) -> Tensor:
        """sum Q - 1 - 2 sum p f; with `unrolling`, -2 sum p f, with f a function of Z."""
        log_kernel = self.log_kernel(pairs(Z), at)
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.unrolling):
            duals = sinkhorn.duals_torch(log_kernel, *self._begin(at))
        normalizer = -2 * (at.problem.extras["mass"] * duals).sum()
        if self.unrolling:
            return normalizer
        return (log_kernel + duals[:, None] + duals).exp().sum() - 1 + normalizer

    def _begin(self, at: At) -> tuple[Tensor | None, int]:
        return at.state.memory.get("dual"), int(at.knobs["sinkhorn_iter"])

    def forces(self, at: At, want_loss: bool) -> Forces:
        """4 sum_j p_ij k'/k (z_i - z_j), and -4 sum_j q_ij k'/k (z_i - z_j)."""
        pull, cross = self.pull(at, want_loss)
        Z, mass = at.state.positions, at.problem.extras["mass"]
        if self.unrolling:
            push, repulsion, duals = self._unrolled(at)
            grid = ()
        else:
            plan = sinkhorn.plan(Z, self.kernel, at.knobs.get("dof", 1.0), *self._begin(at), at.state.grid)
            duals, grid, push = plan.duals, plan.grid, plan.field.mul_(-4)
            repulsion = plan.mass - 1 - 2 * float((mass * duals).sum())
        loss = math.nan
        if want_loss:
            lam, rho = at.knobs["exaggeration"], at.knobs["repulsion_strength"]
            loss = lam * (at.problem.constant + cross) + rho * repulsion
        return Forces(pull.mul_(4), push, loss, grid, {"dual": duals})

    def _unrolled(self, at: At) -> tuple[Tensor, float, Tensor]:
        """Gradient (n, c) and value of the repulsion, and the duals."""
        with torch.enable_grad():
            Z = at.state.positions.detach().requires_grad_()
            duals = sinkhorn.duals_torch(self.log_kernel(pairs(Z), at), *self._begin(at))
            repulsion = -2 * (at.problem.extras["mass"] * duals).sum()
            (push,) = torch.autograd.grad(repulsion, Z)
        return push, float(repulsion.detach()), duals.detach().double()


@declare
class TSNEkhorn(SNEkhorn):
    """t-SNE with doubly stochastic affinities (Van Assel, Vayer, Flamary and Courty 2023, arXiv:2305.13797).

    SNEkhorn with the Student kernel k = (1 + d^2/dof)^-dof.

    Examples:
        >>> import ne_interactive as ne
        >>> X = ne.datasets.digits().X[:500]
        >>> ne.TSNEkhorn(random_state=0).fit_transform(X).shape
        (500, 2)
    """

    kernel: ClassVar[str] = "student"

    dof: float = param(
        1.0, "Tail of the embedding's kernel: below 1 heavier, separating clusters; above 1 lighter.",
        bounds=(0.05, 100), slider=(0.2, 10), scale="log", group="forces", live=True, redo="kernel",
    )  # fmt: skip

    def log_kernel(self, squared: Tensor, at: At) -> Tensor:
        """Log k, of squared distances."""
        dof = at.knobs["dof"]
        return -dof * torch.log1p(squared / dof)

    def pull(self, at: At, want_loss: bool) -> tuple[Tensor, Scalar]:
        """sum_j p_ij k'/k (z_i - z_j) (n, c), and -sum P log k."""
        forces, _, loss = attraction.student(at.graph, at.state.positions, float(at.knobs["dof"]), want_loss)
        return forces, loss
