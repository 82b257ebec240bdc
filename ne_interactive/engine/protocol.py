"""What the engine asks of a method: the maths, as functions of their arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from ne_interactive.data.table import Table
from ne_interactive.engine.state import Problem, State
from ne_interactive.forces.box import Box
from ne_interactive.forces.frozen import Kernel
from ne_interactive.forces.scalars import Scalar
from ne_interactive.graph.affinity import Affinity
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.neighbors import Neighbors


@dataclass(frozen=True)
class At:
    """Where a method's maths is evaluated: the problem, the state, and the values in force.

    Attributes:
        knobs: every live parameter's value now.
        lr: the learning rate in force, schedule included.
        box: where the positions lie, if the host knows it already.

    In an iteration that is recorded, what may change from one to the next is on the device: values in force that are no
    whole numbers, the rate, the state's iteration.
    """

    problem: Problem
    state: State
    knobs: Mapping[str, Any]
    lr: Scalar
    box: Box | None = None

    @property
    def n(self) -> int:
        """Number of points."""
        return self.problem.n

    @property
    def graph(self) -> Graph:
        """P."""
        return self.problem.graph


class Gradient(NamedTuple):
    """What a method computes at one iteration.

    Attributes:
        values: (n, c), the gradient of the objective, or what stands for it.
        loss: nan where it was not measured; where a device has summed it, its tensor.
        grid: sizes of the mesh used, () if none.
        memory: what the method keeps for the next iteration.
        stiffness: (n,), of the edges that hold each point, in units of the gradient over the positions, if the step of
            the method's own rule is to be limited by it.
        finer: steps by which the next mesh is to be finer than usual.
    """

    values: Tensor
    loss: Scalar
    grid: tuple[int, ...] = ()
    memory: Mapping[str, Tensor] = {}
    stiffness: Tensor | None = None
    finer: int = 0


PlacedLoss = Callable[[Tensor, Tensor, Tensor], Tensor]


class Placing(NamedTuple):
    """How a method places a new point among n that stand still.

    Attributes:
        kernel: of squared distances; its sum over all n points is the new point's potential.
        loss: each new point's own (m,), of squared distances to its neighbours (m, k), their weights (m, k) and its
            potential (m,).
    """

    kernel: Kernel
    loss: PlacedLoss


class Method(Protocol):
    """A neighbor-embedding method: a value whose fields are parameters and whose functions are its maths."""

    rule: str
    precision: torch.dtype
    n_components: int
    optimizer: Any
    optimizer_kwargs: Any
    scheduler_kwargs: Any
    init: Any
    init_scaling: Any
    metric: str
    backend: Any
    device: Any
    random_state: Any
    check_interval: int
    tol: float
    min_grad_norm: float

    def validate(self, n: int) -> None:
        """Check every parameter against n points; raises ParameterError."""
        ...

    def affinity_of(self, n: int, knobs: Mapping[str, Any]) -> Affinity | Graph:
        """How P is made from X; or P itself."""
        ...

    def k(self, n: int, knobs: Mapping[str, Any]) -> int:
        """Neighbours wanted per point; 0 where none are needed."""
        ...

    def extras(
        self, table: Table, neighbors: Neighbors | None, graph: Graph, knobs: Mapping[str, Any], seed: int
    ) -> dict[str, Tensor]:
        """What else has to be computed from X once: pairs, triplets, radii."""
        ...

    def start_scale(self) -> float:
        """Standard deviation of the first axis of a computed start, embedding units."""
        ...

    def widest(self) -> float:
        """Standard deviation of the first axis to which a wider map made by another method is shrunk."""
        ...

    def adopt(self, positions: Tensor) -> Tensor:
        """Positions of any origin as this method can continue from them."""
        ...

    def check_places(self, places: Tensor) -> None:
        """Whether a hand may put points at places (m, c); raises ParameterError."""
        ...

    def scheduled(self, name: str, state: State, n: int, knobs: Mapping[str, Any]) -> Any:
        """The value of an "auto" parameter now; knobs holds those resolved before it."""
        ...

    def gradient(self, at: At, want_loss: bool) -> Gradient:
        """Gradient and loss of the objective at the state's positions."""
        ...

    def schedule(self) -> Any:
        """The learning-rate schedule: a torch.optim.lr_scheduler by name or class, None for a constant rate."""
        ...

    def iterations(self, n: int) -> int:
        """Length of a full run."""
        ...

    def earliest_rest(self, n: int) -> int:
        """Iterations since the origin before which a run is never at rest."""
        ...

    def placing(self, n: int, knobs: Mapping[str, Any]) -> Placing:
        """How a new point finds its place among n that stand still; raises ParameterError where none does."""
        ...

    def check_together(self, knobs: Mapping[str, Any], graph: Graph | None = None) -> None:
        """Limits that parameters, and P where there is one, set each other; raises ParameterError."""
        ...

    def operations(self, state: State) -> Any:
        """What of the state decides which operations the maths is made of, beside shapes and the values in force."""
        ...

    def joins(self) -> int:
        """How far into its schedules the method begins when it takes over a map made by another."""
        ...
