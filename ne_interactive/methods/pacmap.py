"""PaCMAP: three kinds of pairs, and weights that lead from the whole to the details."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from ne_interactive.data.table import Table
from ne_interactive.engine.protocol import At, Gradient, Placing
from ne_interactive.engine.state import State, parts_of
from ne_interactive.forces import ring
from ne_interactive.forces.ring import Ring
from ne_interactive.forces.saturating import Shape, saturating, total
from ne_interactive.forces.scalars import Scalar, add_times
from ne_interactive.graph.adaptive import ScaledNearest
from ne_interactive.graph.affinity import Affinity
from ne_interactive.graph.csr import Graph, counted
from ne_interactive.graph.midnear import mid_near
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.methods.base import NeighborEmbedding
from ne_interactive.params.declare import declare
from ne_interactive.params.param import again, param

NEAR, MID, FAR = 10.0, 10_000.0, 1.0  # D at which half of a pair's loss is reached
FIRST_MID, SECOND_MID = 1000.0, 3.0


@declare
class PACMAP(NeighborEmbedding):
    """Pairwise controlled manifold approximation (Wang, Huang, Rudin and Shaposhnik 2021, JMLR 22(201)).

    With D = 1 + d^2, minimises near_weight * sum D / (10 + D) over pairs of neighbours, plus mid_weight *
    sum D / (10000 + D) over mid-near pairs, plus sum 1 / (1 + D) over random further pairs. At first mid-near pairs
    lay out the whole, then neighbours gather, and at last the details form without mid-near pairs.

    Examples:
        >>> import ne_interactive as ne
        >>> X = ne.datasets.digits().X
        >>> ne.PACMAP(random_state=0).fit_transform(X).shape
        (1797, 2)
    """

    rule: ClassVar[str] = "adam"
    takes_affinity_out: ClassVar[bool] = False

    lr: float | str = again(
        NeighborEmbedding,
        "lr",
        help="Learning rate of Adam, embedding units an iteration; 'auto' is 1.",
        high=100,
        slider=(0.01, 10),
    )
    n_neighbors: int = param(
        10, "Neighbours that each point is paired with, nearest in locally scaled distance.",
        bounds=(1, "n - 2"), slider=(2, 60), scale="log", group="neighbours", live=True, redo="weights",
    )  # fmt: skip
    MN_ratio: float = param(
        0.5, "Mid-near pairs for each pair of neighbours.",
        bounds=(0, 100), slider=(0, 3), group="neighbours", live=True, redo="weights",
    )  # fmt: skip
    FP_ratio: float = param(
        2.0, "Further pairs for each pair of neighbours; more of them, more repulsion.",
        bounds=(0, 100), slider=(0, 8), group="forces", live=True, redo="weights",
    )  # fmt: skip
    near_weight: float | str = param(
        "auto", "Weight of pairs of neighbours; 'auto' is 2, 3 and 1 in the three phases.",
        kind="number", bounds=(0, 1e4), slider=(0, 10), group="forces", live=True, redo="nothing", auto=True,
    )  # fmt: skip
    mid_weight: float | str = param(
        "auto", "Weight of mid-near pairs; 'auto' falls from 1000 to 3 in the first phase, is 3 in the second, then 0.",
        kind="number", bounds=(0, 1e5), slider=(0.1, 1000), scale="log", group="forces",
        live=True, redo="nothing", auto=True,
    )  # fmt: skip
    iter_per_phase: int = param(
        100, "Iterations of each of the first two phases.", bounds=(0, None), slider=(0, 500), group="run"
    )

    def iterations(self, n: int) -> int:
        """Two phases and 250 more, unless `max_iter` is given."""
        return 2 * self.iter_per_phase + 250 if isinstance(self.max_iter, str) else int(self.max_iter)

    def earliest_rest(self, n: int) -> int:
        """Not before the third phase."""
        return 2 * self.iter_per_phase

    def joins(self) -> int:
        """A map made by another method is taken over in the third phase."""
        return 2 * self.iter_per_phase

    def start_scale(self) -> float:
        """A hundredth of the components of data whose units are about 1."""
        return 1e-2

    def affinity(self, knobs: Mapping[str, Any]) -> Affinity:
        """Neighbours in locally scaled distance, counted."""
        return ScaledNearest(n_neighbors=int(knobs["n_neighbors"]))

    def scheduled(self, name: str, state: State, n: int, knobs: Mapping[str, Any]) -> Any:
        """Weights by phase, and a learning rate for Adam's steps of one length."""
        length = self.iter_per_phase
        phase = 3 if state.elapsed >= 2 * length else 1 if state.elapsed < length else 2
        if name == "near_weight":
            return (2.0, 3.0, 1.0)[phase - 1]
        if name == "mid_weight":
            done = state.elapsed / length if phase == 1 else 1.0
            return 0.0 if phase == 3 else (1 - done) * FIRST_MID + done * SECOND_MID
        return super().scheduled(name, state, n, knobs)

    def _auto_lr(self, state: State, n: int, knobs: Mapping[str, Any]) -> float:
        return 0.1 if self._descends() else 1.0

    def extras(
        self, table: Table, neighbors: Neighbors | None, graph: Graph, knobs: Mapping[str, Any], seed: int
    ) -> dict[str, Tensor]:
        """Mid-near and further pairs, drawn once, and what the weights of P are multiplied by to count pairs."""
        k, n, device = int(knobs["n_neighbors"]), graph.n, graph.values.device
        mid, far = round(float(knobs["MN_ratio"]) * k), round(float(knobs["FP_ratio"]) * k)
        partners = mid_near(table, graph, mid, metric=knobs["metric"], seed=seed) if mid else _none(graph)
        pairs = ring.ring_of(n, far, seed).to(device)
        near = ring.shared(pairs, graph)
        there = n * len(pairs.offsets)
        if near.nnz // 2 == there:  # so few points that all are neighbours
            near = counted(_none(graph))
        scales = (
            2 * n * k / max(float(graph.values.double().sum()), 1e-300),
            n * far / max(there - near.nnz // 2, 1),
        )
        return {
            "scales": torch.tensor(scales, dtype=torch.float64, device=device),
            "order": pairs.order,
            "offsets": pairs.offsets,
            **parts_of("mid", counted(partners)),
            **parts_of("near", near),
        }

    # the maths

    def shape(self, at: At) -> Shape:
        """Of the loss of a pair of neighbours."""
        return Shape(NEAR)

    def pushed(self, Z: Tensor, at: At) -> Tensor:
        """sum 1 / (1 + D) over further pairs; neighbours among them do not count."""
        near = at.problem.pairs("near")
        return ring.pushed(ring_of(at), Z) - near.nnz / 2 + total(near, Z, Shape(FAR))

    def push(self, at: At, want_loss: bool) -> tuple[Tensor, Scalar]:
        """Its gradient and value."""
        Z, near = at.state.positions, at.problem.pairs("near")
        values, loss = ring.push(ring_of(at), Z, want_loss)
        if near.nnz:
            gradient, part = saturating(near, Z, Shape(FAR), want_loss)
            values, loss = values.add_(gradient), loss - near.nnz / 2 + part
        return values, loss

    def attraction(self, Z: Tensor, at: At) -> Tensor:
        """near_weight * sum D / (10 + D) + mid_weight * sum D / (10000 + D)."""
        near, mid = at.knobs["near_weight"] * self._scale(at, 0), at.knobs["mid_weight"]
        pairs = at.problem.pairs("mid")
        return near * total(at.graph, Z, self.shape(at)) + mid * total(pairs, Z, Shape(MID))

    def repulsion(self, Z: Tensor, at: At) -> Tensor:
        """sum 1 / (1 + D) over further pairs, as many as were asked for: where there are fewer, each weighs more."""
        return self._scale(at, 1) * self.pushed(Z, at)

    def gradient(self, at: At, want_loss: bool) -> Gradient:
        """The three kinds of pairs, each gathered by point."""
        Z, knobs = at.state.positions, at.knobs
        lam, rho = knobs["exaggeration"], knobs["repulsion_strength"] * self._scale(at, 1)
        values, loss = self.push(at, want_loss)
        values, loss = values.mul_(rho), rho * loss
        for graph, weight, shape in (
            (at.graph, lam * knobs["near_weight"] * self._scale(at, 0), self.shape(at)),
            (at.problem.pairs("mid"), lam * knobs["mid_weight"], Shape(MID)),
        ):
            if isinstance(weight, Tensor) or weight:
                gradient, part = saturating(graph, Z, shape, want_loss)
                add_times(values, gradient, weight)
                loss = loss + weight * part
        return Gradient(values, loss if want_loss else math.nan)

    def operations(self, state: State) -> Any:
        """Nothing."""
        return ()

    def _scale(self, at: At, which: int) -> Scalar:
        scale = at.problem.extras["scales"][which]
        return float(scale) if scale.device.type == "cpu" else scale

    def placing(self, n: int, knobs: Mapping[str, Any]) -> Placing:
        """Pulled by its scaled neighbours, pushed as by further pairs on average."""
        near = float(knobs["exaggeration"]) * float(knobs["near_weight"])
        far = round(float(knobs["FP_ratio"]) * int(knobs["n_neighbors"]))
        share = float(knobs["repulsion_strength"]) * far / n

        def loss(squares: Tensor, weights: Tensor, potential: Tensor) -> Tensor:
            return near * (weights * Shape(NEAR).loss(1 + squares)).sum(1) + share * potential

        return Placing(lambda squares: 1 / (2 + squares), loss)


def _none(graph: Graph) -> Tensor:
    return torch.empty((graph.n, 0), dtype=torch.int64, device=graph.values.device)


def ring_of(at: At) -> Ring:
    """The ring of the further pairs."""
    return Ring(at.problem.extras["order"], at.problem.extras["offsets"])
