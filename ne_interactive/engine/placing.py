"""New rows in a finished map: the points that are there stand still, and each new one finds its own place among them.

A new point is pulled by its nearest neighbours and pushed by all points, as the method would, but by no other new
point: where one lands does not depend on which others come along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import scipy.sparse
import torch
from torch import Tensor

from ne_interactive.data.arrays import as_rows, as_table, like_input
from ne_interactive.data.precomputed import Precomputed
from ne_interactive.data.table import Table
from ne_interactive.engine.protocol import Method, PlacedLoss
from ne_interactive.forces.frozen import Frozen, box
from ne_interactive.graph.affinity import Affinity
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.graph.queries import neighbors_among
from ne_interactive.params.errors import DataError, ParameterError

ROUNDS = 60
FIRST_STEP, STEPS = 0.005, (1e-6, 0.05)  # of the map's extent
NEAREST = 3  # neighbours whose own places are tried as starts
BATCH = 4096  # new rows at once


@dataclass(frozen=True)
class Map:
    """A finished map, and what placing new rows in it needs.

    Attributes:
        method: that made it.
        table: the n rows that it shows.
        neighbors: theirs; None where the affinities did not come from neighbours.
        positions: (n, c).
        knobs: values in force.
        seed: of the run.
    """

    method: Method
    table: Table
    neighbors: Neighbors | None
    positions: Tensor
    knobs: Mapping[str, Any]
    seed: int

    def place(self, X: Any) -> Any:
        """Place new rows X (m, d), a stream of them, or with metric="precomputed" their distances (m, n) to the rows.

        Returns:
            (m, c) in the kind of container that X came in. A row that is at distance 0 from one of the map gets that
            one's place.

        Raises:
            DataError: X does not fit the rows of the map.
            ParameterError: The method, or the affinity asked for, cannot weigh new rows.
        """
        affinity, placing = self._affinity(), self.method.placing(self.table.n, self.knobs)
        table = self._read(X)
        if table.n == self.table.n and table.fingerprint() == self.table.fingerprint():
            return like_input(self.positions.to(table.device), table)
        potential = Frozen(self.positions, placing.kernel)
        parts = [
            self._placed(part, affinity, placing.loss, potential)
            for batch in table.batches()
            for part in batch.split(BATCH)
        ]
        return like_input(torch.cat(parts), table)

    def _read(self, X: Any) -> Table:
        own = type(self.method).__name__
        if isinstance(self.table, Precomputed):
            if scipy.sparse.issparse(X):  # what is not stored would be read as 0, which is the point itself
                raise DataError(
                    f"With metric='precomputed', transform() takes the distances to all {self.table.n} points of the "
                    "map; X is sparse. Pass complete distances, as an array."
                )
            table = as_table(X, device=self.table.device, min_rows=1)
            if table.d != self.table.n:
                raise DataError(
                    f"With metric='precomputed', transform() takes distances to the {self.table.n} points of the map, "
                    f"one column each; X has {table.d}."
                )
            return table
        table = as_rows(X, device=self.table.device, min_rows=1)
        if table.d != self.table.d:
            raise DataError(
                f"X has {table.d} features, but {own} is expecting {self.table.d} features as input, those of the rows "
                "that the map was made of."
            )
        return table

    def _affinity(self) -> Affinity:
        source = self.method.affinity_of(self.table.n, self.knobs)
        if not isinstance(source, Affinity) or source.k(self.table.n) is None:
            raise ParameterError(
                f"{type(self.method).__name__}.affinity_in has no weights for new rows, which transform() needs. "
                "Choose affinity_in='auto' or an affinity of nearest neighbours."
            )
        return source

    def _placed(self, new: Tensor, affinity: Affinity, loss: PlacedLoss, potential: Frozen) -> Tensor:
        """Places (m, c) of new rows (m, d)."""
        k = affinity.k(self.table.n) or 1
        metric, backend = self.knobs["metric"], self.method.backend
        found = neighbors_among(self.table, new, k, metric=metric, backend=backend, seed=self.seed)
        weights = affinity.rows(found, self.neighbors).double()
        there = self.positions.double()[found.indices]

        def own_loss(z: Tensor) -> Tensor:
            return loss((z.unsqueeze(1) - there).square().sum(2), weights, potential(z))

        mean = (weights.unsqueeze(2) * there).sum(1) / weights.sum(1, keepdim=True).clamp_min(1e-300)
        starts = [mean, *there[:, :NEAREST].unbind(1)]
        places = descend(own_loss, starts, *box(self.positions)).to(self.positions.dtype)
        same = found.distances[:, 0] == 0
        return torch.where(same.unsqueeze(1), self.positions[found.indices[:, 0]], places)


def descend(loss: Callable[[Tensor], Tensor], starts: list[Tensor], low: Tensor, high: Tensor) -> Tensor:
    """Each point's own least loss (m,) within a box, from the best of several starts (m, c).

    Resilient backpropagation (Riedmiller and Braun 1993, doi:10.1109/ICNN.1993.298623) has a step of its own for every
    coordinate, set by the signs of its slopes alone: no learning rate, and no point depends on another.
    """
    with torch.no_grad():
        found = torch.stack([loss(start) for start in starts])
    best = torch.stack(starts)[found.argmin(0), torch.arange(found.shape[1], device=found.device)]
    least = found.amin(0)
    z = best.clone().requires_grad_()
    extent = float((high - low).max())
    steps = (STEPS[0] * extent, STEPS[1] * extent)
    optimizer = torch.optim.Rprop([z], lr=FIRST_STEP * extent, step_sizes=steps)
    for _ in range(ROUNDS):
        optimizer.zero_grad()
        with torch.enable_grad():
            own = loss(z)
            own.sum().backward()
        better = (own.detach() < least).unsqueeze(1)
        best = torch.where(better, z.detach(), best)
        least = torch.minimum(least, own.detach())
        optimizer.step()
        with torch.no_grad():
            z.copy_(torch.minimum(torch.maximum(z, low), high))
    return best
