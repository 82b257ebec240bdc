"""What all neighbor embeddings share: how the maths of a method is asked for, and the schedules.

All minimise `lambda * attraction + rho * repulsion`; lambda is the exaggeration, rho the repulsion strength.
A method gives both terms as losses (`attraction`, `repulsion`), which autograd differentiates, or one whole `loss`;
closed-form `forces` beside them make it fast.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from ne_interactive.data.table import Table
from ne_interactive.engine.optimizers import optimizer_class, rule_of
from ne_interactive.engine.protocol import At, Gradient, Placing
from ne_interactive.engine.schedules import check_schedule
from ne_interactive.engine.state import State
from ne_interactive.forces.scalars import Scalar, add_times, largest
from ne_interactive.graph.affinity import Affinity
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.families import as_affinity
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.methods.losses import Matching, differentiate
from ne_interactive.methods.parameters import Parameters, check_backend
from ne_interactive.params.declare import declare
from ne_interactive.params.errors import ParameterError
from ne_interactive.params.param import check_all, params_of

METHODS: dict[str, type[NeighborEmbedding]] = {}


class Forces(NamedTuple):
    """Closed-form gradients of both terms at lambda = rho = 1.

    Attributes:
        attraction, repulsion: (n, c) each, gradients of the losses of that name.
        loss: nan where it was not measured; where a device has summed it, its tensor.
        grid: sizes of the mesh used, () if none.
        memory: what the method keeps for the next iteration.
        stiffness: (n,), of the edges that hold each point, if that is to limit its step.
        finer: steps by which the next mesh is to be finer than usual.
    """

    attraction: Tensor
    repulsion: Tensor
    loss: Scalar
    grid: tuple[int, ...] = ()
    memory: Mapping[str, Tensor] = {}
    stiffness: Tensor | None = None
    finer: int = 0


@declare
class NeighborEmbedding(Parameters, ABC):
    """Base of all methods: a value whose fields are its parameters and whose functions are its maths.

    A subclass gives `affinity`, which makes P, and its maths in one of four ways: `attraction` and `repulsion` as
    losses; one whole `loss`; `forces`, their closed-form gradients; or `gradient`, everything at once.
    """

    rule: ClassVar[str] = "gains"
    precision: ClassVar[torch.dtype] = torch.float32
    takes_affinity_out: ClassVar[bool] = True
    all_pairs: ClassVar[bool] = False  # whether an iteration takes time in proportion to n^2

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        """Register a method by its lower-case name; a base of others says `abstract=True`."""
        super().__init_subclass__(**kwargs)
        if not (abstract or cls.__name__.startswith("_")):
            METHODS[cls.__name__.lower()] = cls

    @classmethod
    def places(cls) -> bool:
        """Whether new rows can be placed: whether the method says how (`placing`)."""
        return cls.placing is not NeighborEmbedding.placing

    # what the engine asks

    def validate(self, n: int) -> None:
        """Check every parameter against n points.

        Raises:
            ParameterError: naming the parameter, its limits and what was given.
        """
        if self.distributed is not False:
            raise ParameterError(
                f"{type(self).__name__}.distributed must be False: running on several processes is not available "
                f"yet; got {self.distributed!r}. Leave it out to run in this process."
            )
        check_all(self, n)
        check_backend(self.backend, type(self).__name__)
        rule_of(self)
        check_schedule(self, n)
        knobs = {name: getattr(self, name) for name in params_of(self)}
        source = self.affinity_of(n, knobs)
        if isinstance(source, Affinity):
            source.check(n, type(self).__name__)
        self._matching(n)

    @abstractmethod
    def affinity(self, knobs: Mapping[str, Any]) -> Affinity:
        """How P is made from X, with the values in force."""

    def affinity_of(self, n: int, knobs: Mapping[str, Any]) -> Affinity | Graph:
        """The affinity in force: `affinity_in`, or the method's own."""
        if isinstance(self.affinity_in, str) and self.affinity_in == "auto":
            return self.affinity(knobs)
        return as_affinity(self.affinity_in, n, f"{type(self).__name__}.affinity_in")

    def k(self, n: int, knobs: Mapping[str, Any]) -> int:
        """Neighbours wanted per point: what the affinity asks for."""
        source = self.affinity_of(n, knobs)
        return (source.k(n) or 0) if isinstance(source, Affinity) else 0

    def extras(
        self, table: Table, neighbors: Neighbors | None, graph: Graph, knobs: Mapping[str, Any], seed: int
    ) -> dict[str, Tensor]:
        """What else the method computes from X once: nothing by default."""
        return {}

    # the maths

    def attraction(self, Z: Tensor, at: At) -> Tensor:
        """The attractive loss at Z (n, c), a scalar that autograd can differentiate."""
        raise NotImplementedError(f"{type(self).__name__} must define attraction() or loss().")

    def repulsion(self, Z: Tensor, at: At) -> Tensor:
        """The repulsive loss at Z (n, c), a scalar that autograd can differentiate."""
        raise NotImplementedError(f"{type(self).__name__} must define repulsion() or loss().")

    def loss(self, Z: Tensor, at: At) -> Tensor:
        """The objective at Z (n, c): lambda * attraction + rho * repulsion."""
        attraction, repulsion = self.attraction(Z, at), self.repulsion(Z, at)
        return at.knobs["exaggeration"] * attraction + at.knobs["repulsion_strength"] * repulsion

    def forces(self, at: At, want_loss: bool) -> Forces | None:
        """Closed-form gradients of both terms; None leaves them to autograd."""
        return None

    def gradient(self, at: At, want_loss: bool) -> Gradient:
        """Gradient of the objective at the state's positions, and its loss."""
        matching = self._matching(at.n)
        if matching is not None:
            return differentiate(matching.loss, at, want_loss, self.compile)
        forces = self.forces(at, want_loss)
        if forces is None:
            return differentiate(self.loss, at, want_loss, self.compile)
        attraction, repulsion, loss, grid, memory, stiffness, finer = forces
        lam, rho = at.knobs["exaggeration"], at.knobs["repulsion_strength"]
        values = add_times(attraction.mul_(lam), repulsion, rho)
        if stiffness is not None:
            stiffness.mul_(largest(lam, rho, least=1.0))
        return Gradient(values, loss if want_loss else math.nan, grid, memory, stiffness, finer)

    def operations(self, state: State) -> Any:
        """What of the state decides which operations the maths is made of, beside shapes and the values in force.

        An iteration that a device repeats as it was recorded is recorded anew where this changes. By default that is
        everything set by hand; a method whose maths does not look at `state.hand` returns ().
        """
        return sorted(state.hand.items())

    def _matching(self, n: int) -> Matching | None:
        return Matching.of(self, n)

    def placing(self, n: int, knobs: Mapping[str, Any]) -> Placing:
        """How a new point finds its place among n that stand still, with the values in force.

        Raises:
            ParameterError: by default: the method does not place new rows.
        """
        raise ParameterError(
            f"{type(self).__name__} does not place new rows. Methods that do: {', '.join(_placing())}; or embed old "
            "and new rows together."
        )

    # schedules

    def schedule(self) -> Any:
        """The learning-rate schedule in force."""
        return self.scheduler

    def iterations(self, n: int) -> int:
        """Length of a full run on n points; 1,000 unless `max_iter` is given, more where the early phase is long."""
        if isinstance(self.max_iter, str):
            return max(1000, 2 * int(self.early_exaggeration_iter))
        return int(self.max_iter)

    def ends_early(self, n: int) -> bool:
        """Whether a full run on n points ends while P is still exaggerated."""
        exaggerates = self.exaggeration == "auto" and self.early_exaggeration_coeff > 1
        return exaggerates and self.iterations(n) <= self.early_exaggeration_iter

    def earliest_rest(self, n: int) -> int:
        """Iterations since the origin before which a run is never at rest: the early phase."""
        return int(self.early_exaggeration_iter)

    def joins(self) -> int:
        """A map made by another method is taken over where the early phase ends."""
        return int(self.early_exaggeration_iter)

    def check_together(self, knobs: Mapping[str, Any], graph: Graph | None = None) -> None:
        """Limits that parameters, and P where there is one, set each other: none by default."""

    def start_scale(self) -> float:
        """Standard deviation of the first axis of a computed start, embedding units."""
        return 1e-4

    def widest(self) -> float:
        """A map made by another method is taken over whatever its size."""
        return math.inf

    def adopt(self, positions: Tensor) -> Tensor:
        """Positions of any origin, as they are."""
        return positions

    def check_places(self, places: Tensor) -> None:
        """Where a hand may put points, (m, c) float64: everywhere, by default.

        Raises:
            ParameterError: where a method has no room.
        """

    def scheduled(self, name: str, state: State, n: int, knobs: Mapping[str, Any]) -> Any:
        """The value of an "auto" parameter at the state's iteration."""
        early = state.elapsed < self.early_exaggeration_iter
        if name == "exaggeration":
            return self.early_exaggeration_coeff if early else 1.0
        if name == "momentum":
            return 0.5 if early and self._descends() else 0.8
        if name == "lr":
            return self._auto_lr(state, n, knobs)
        raise ParameterError(f"{type(self).__name__}.{name} has no schedule; give it a value.")

    def _auto_lr(self, state: State, n: int, knobs: Mapping[str, Any]) -> float:
        """n / max(lambda, rho, 1) / 4 for gradients with the factor 4 (Belkina et al., doi:10.1038/s41467-019-13055-y).

        Coupled to both weights, so that no change of theirs tears the map; the floor of 50, which helps small data,
        holds only while both are as constructed. Optimizers that scale the gradient themselves get steps of 1.
        """
        if not (self._own_rule() or self._descends()):
            return 1.0
        rate = n / max(knobs["exaggeration"], knobs["repulsion_strength"], 1.0) / 4
        steered = "exaggeration" in state.hand or "repulsion_strength" in state.hand
        return rate if steered else max(rate, 50.0)

    def _own_rule(self) -> bool:
        return isinstance(self.optimizer, str) and self.optimizer == "auto"

    def _descends(self) -> bool:
        """Whether a torch optimizer was asked for that takes steps along the gradient as it is."""
        return (
            not self._own_rule() and optimizer_class(self.optimizer, type(self).__name__) is torch.optim.SGD
        )


def _placing() -> list[str]:
    return [method.__name__ for _, method in sorted(METHODS.items()) if method.places()]
