"""What a run is made of: the problem (computed from X, immutable) and the state (everything a repeat needs)."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from ne_interactive.graph.blend import Blend
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.neighbors import Neighbors

FADE = 30  # iterations in which a former P fades out
PARTS = ("indptr", "indices", "values")  # of a graph


@dataclass(frozen=True)
class Problem:
    """What was computed from X for one method: neighbours of the n points, the affinity graph P, and the rest.

    Attributes:
        neighbors: None where the affinities did not come from neighbours.
        graph: P.
        extras: tensors that only this method needs (pairs, triplets, radii).
        peak: largest affinity.
        constant: sum of P log P, which the loss needs to be a divergence.
        fading: P as it was before the metric changed, while it fades out.
        rough: whether P was made of rough neighbours, to begin with.
    """

    neighbors: Neighbors | None
    graph: Graph
    extras: Mapping[str, Tensor]
    peak: float
    constant: float
    fading: Graph | None = None
    rough: bool = False

    @classmethod
    def of(
        cls,
        neighbors: Neighbors | None,
        graph: Graph,
        extras: Mapping[str, Tensor] | None = None,
        fading: Graph | None = None,
    ) -> Problem:
        """The problem of a graph, with the figures derived from it."""
        values = graph.values.double()
        constant = float(torch.special.xlogy(values, values).sum())
        peak = float(values.max()) if len(values) else 1.0
        return cls(neighbors, graph, dict(extras or {}), peak, constant, fading)

    @functools.cached_property
    def _blend(self) -> Blend:
        assert self.fading is not None
        return Blend(self.fading, self.graph)

    def blended(self, left: int) -> Problem:
        """The problem with that many iterations of fading left, of FADE."""
        if self.fading is None or left == 0:
            return self
        problem = Problem.of(self.neighbors, self._blend.at(left / (FADE + 1)), self.extras)
        problem.__dict__["_pairs"] = self._pairs  # where cached properties keep what they have found
        return problem

    def pairs(self, name: str) -> Graph:
        """The graph whose parts are among the extras under this name (`parts_of`)."""
        if name not in self._pairs:
            self._pairs[name] = Graph(*(self.extras[f"{name}.{part}"] for part in PARTS))
        return self._pairs[name]

    @functools.cached_property
    def _pairs(self) -> dict[str, Graph]:
        """Graphs that were asked for, with what they list of their edges."""
        return {}

    def tensors(self) -> list[Tensor]:
        """All that it holds, what a fading of the metric needs included."""
        graphs = [graph for graph in (self.graph, self.fading) if graph is not None]
        held = [part for graph in graphs for part in graph.tensors()]
        if self.neighbors is not None:
            held += [self.neighbors.indices, self.neighbors.distances]
        if "_blend" in self.__dict__:
            held += self._blend.tensors()
        held += [part for graph in self._pairs.values() for part in graph.tensors()]
        return [*held, *self.extras.values()]

    @property
    def n(self) -> int:
        """Number of points."""
        return self.graph.n


def parts_of(name: str, graph: Graph) -> dict[str, Tensor]:
    """A graph as extras of a problem, which gives it back by this name (`Problem.pairs`)."""
    return {f"{name}.{part}": getattr(graph, part) for part in PARTS}


@dataclass(frozen=True)
class State:
    """Positions, optimizer slots and every other value that decides what the next step does.

    Attributes:
        positions: (n, c), the embedding Z; float32 unless the method says otherwise.
        seed: drawn once for the whole run.
        slots: memory of the update rule (velocity and gains, or what a torch optimizer keeps).
        members: numbers of the points, (n,) int64, ascending: rows of X come first, then those added; None: X as it is.
        whole: all points, as they were when the run was focused on these; None where it is not.
        pins: rows of the points that do not move, (m,) int64, sorted; None where all do.
        centre: where a rule that centres the map keeps its mean; () is the origin.
        memory: what the method itself keeps from step to step (Sinkhorn duals).
        iteration: steps taken since the start.
        origin: iteration at which the method's schedules begin.
        joined: iteration at which the present method took the run over: 0 unless it was switched to.
        horizon: length of a full run where it was changed by hand; 0 leaves it to the method.
        grid: sizes of the repulsion mesh in force, () before the first step.
        finer: steps by which that mesh is finer than usual, since its forces were not exact enough.
        hand: live values set by hand; they beat their schedules.
        plateau: what a scheduler that follows the loss remembers.
        lr_factor: halved whenever a step had to be refused.
        refused: refused steps in a row.
        quiet: convergence checks in a row that found the map at rest.
        fading: iterations left in which the former P fades out.
    """

    positions: Tensor
    seed: int
    slots: Mapping[str, Tensor] = field(default_factory=dict)
    members: Tensor | None = None
    whole: Whole | None = None
    pins: Tensor | None = None
    centre: tuple[float, ...] = ()
    memory: Mapping[str, Tensor] = field(default_factory=dict)
    iteration: int = 0
    origin: int = 0
    joined: int = 0
    horizon: int = 0
    grid: tuple[int, ...] = ()
    finer: int = 0
    hand: Mapping[str, Any] = field(default_factory=dict)
    plateau: Mapping[str, Any] = field(default_factory=dict)
    lr_factor: float = 1.0
    refused: int = 0
    quiet: int = 0
    fading: int = 0

    @property
    def elapsed(self) -> int:
        """Iterations since the schedules began."""
        return self.iteration - self.origin

    def copy(self) -> State:
        """An independent state with the same values."""
        return replace(
            self, positions=self.positions.clone(), slots=_cloned(self.slots), memory=_cloned(self.memory)
        )


@dataclass(frozen=True)
class Whole:
    """What a run that is focused on some of its points goes back to; nothing of it is written to."""

    state: State
    neighbors: Neighbors | None  # rough ones are none


def _cloned(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in tensors.items()}


@dataclass(frozen=True)
class Report:
    """What one step tells a person; the next step does not need it."""

    loss: float  # nan where it was not measured
    moved: float  # root mean square step of the points that may move, embedding units; nan likewise
    refused: bool


@dataclass(frozen=True)
class Event:
    """Something that happened to a run: a change, a replaced problem, a refused step."""

    iteration: int
    kind: str
    detail: dict[str, Any]
    seconds: float
