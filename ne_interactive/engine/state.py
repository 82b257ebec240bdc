"""What a run is made of: the problem (computed from X, immutable) and the state (everything a repeat needs)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from ne_interactive.graph.csr import Graph
from ne_interactive.graph.neighbors import Neighbors


@dataclass(frozen=True)
class Problem:
    """Neighbours of the n points and the affinity graph P made of them."""

    neighbors: Neighbors
    graph: Graph
    peak: float  # largest affinity
    constant: float  # sum of P log P: what the loss needs to be a divergence

    @classmethod
    def of(cls, neighbors: Neighbors, graph: Graph) -> Problem:
        """The problem of a graph, with the figures derived from it."""
        values = graph.values.double()
        constant = float(torch.special.xlogy(values, values).sum())
        return cls(neighbors, graph, float(values.max()) if len(values) else 1.0, constant)

    @property
    def n(self) -> int:
        """Number of points."""
        return self.graph.n


@dataclass(frozen=True)
class State:
    """Positions, optimizer slots and every other value that decides what the next step does.

    Attributes:
        positions: (n, c) float32, the embedding Z.
        velocity: (n, c), the momentum rule's memory.
        gain: (n, c), the momentum rule's gains.
        seed: drawn once for the whole run.
        iteration: steps taken since the start.
        origin: iteration at which the method's schedules begin.
        grid: sizes of the repulsion mesh in force, () before the first step.
        hand: live values set by hand; they beat their schedules.
        lr_factor: halved whenever a step had to be refused.
        refused: refused steps in a row.
        quiet: convergence checks in a row that found the map at rest.
    """

    positions: Tensor
    velocity: Tensor
    gain: Tensor
    seed: int
    iteration: int = 0
    origin: int = 0
    grid: tuple[int, ...] = ()
    hand: Mapping[str, Any] = field(default_factory=dict)
    lr_factor: float = 1.0
    refused: int = 0
    quiet: int = 0

    @classmethod
    def at(cls, positions: Tensor, seed: int, hand: Mapping[str, Any] | None = None) -> State:
        """The state of a run that starts at these positions, at rest."""
        velocity = torch.zeros_like(positions)
        return cls(positions, velocity, torch.ones_like(positions), seed, hand=dict(hand or {}))

    def copy(self) -> State:
        """An independent state with the same values."""
        return replace(
            self,
            positions=self.positions.clone(),
            velocity=self.velocity.clone(),
            gain=self.gain.clone(),
        )


@dataclass(frozen=True)
class Report:
    """What one step tells a person; the next step does not need it."""

    loss: float  # nan where it was not measured
    moved: float  # root mean square step of the points, embedding units
    refused: bool


@dataclass(frozen=True)
class Event:
    """Something that happened to a run: a change, a replaced problem, a refused step."""

    iteration: int
    kind: str
    detail: dict[str, Any]
    seconds: float
