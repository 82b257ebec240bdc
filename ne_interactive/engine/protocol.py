"""What the engine asks of a method: the maths, as functions of their arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from ne_interactive.engine.state import Problem, State
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.neighbors import Neighbors


class Gradient(NamedTuple):
    """What a method computes at one iteration.

    Attributes:
        values: (n, c), the gradient of the objective; for the rule `moves` the move itself.
        loss: nan where it was not measured.
        grid: sizes of the mesh used, () if none.
    """

    values: Tensor
    loss: float
    grid: tuple[int, ...]


class Method(Protocol):
    """A neighbor-embedding method: a value whose fields are parameters and whose functions are its maths."""

    rule: str
    n_components: int
    init: Any
    init_scaling: Any
    metric: str
    backend: Any
    device: Any
    random_state: Any
    check_interval: int
    tol: float

    def validate(self, n: int) -> None:
        """Check every parameter against n points; raises ParameterError."""
        ...

    def k(self, n: int, knobs: Mapping[str, Any]) -> int:
        """Neighbours wanted per point."""
        ...

    def affinity(self, neighbors: Neighbors, knobs: Mapping[str, Any]) -> Graph:
        """P, from the neighbours."""
        ...

    def start_scale(self) -> float:
        """Standard deviation of the first axis of a computed start, embedding units."""
        ...

    def scheduled(self, name: str, state: State, n: int, knobs: Mapping[str, Any]) -> Any:
        """The value of an "auto" parameter now; knobs holds those resolved before it."""
        ...

    def gradient(
        self, problem: Problem, state: State, knobs: Mapping[str, Any], lr: float, want_loss: bool
    ) -> Gradient:
        """Gradient and loss of the objective at the state's positions; lr is the learning rate in force."""
        ...

    def decay(self, state: State, n: int) -> float:
        """The learning-rate schedule's factor now."""
        ...

    def iterations(self, n: int) -> int:
        """Length of a full run."""
        ...

    def earliest_rest(self, n: int) -> int:
        """Iterations since the origin before which a run is never at rest."""
        ...

    def check_together(self, knobs: Mapping[str, Any]) -> None:
        """Limits that parameters set each other; raises ParameterError."""
        ...

    def wake(self, state: State, n: int) -> int:
        """The origin of the schedules after a change: a schedule that has run out goes back some way."""
        ...
