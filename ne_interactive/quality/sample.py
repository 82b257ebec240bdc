"""What is known once and for all of some points of X, so that any number of maps of it are measured quickly."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ne_interactive.data.arrays import as_map, as_table
from ne_interactive.data.memory import give_back
from ne_interactive.data.precomputed import Precomputed
from ne_interactive.data.table import Rows, Table
from ne_interactive.graph.affinities import entropic
from ne_interactive.graph.distances import nearest
from ne_interactive.graph.metrics import Flat, flatten, single
from ne_interactive.graph.tables import neighbors_of
from ne_interactive.params.errors import DataError
from ne_interactive.quality.draws import drawn, same_length, signs, triplets
from ne_interactive.quality.passes import look_around, student_sums
from ne_interactive.quality.scale import best_scale

__all__ = ["MEASURES", "Sample", "usual_size"]

MEASURES = ("recall", "trustworthiness", "continuity", "triplet_accuracy", "divergence")
PERPLEXITY = 30.0
COLUMNS = 4096
"""Points among which ranks in X are counted; of more, the ranks of strangers are estimated from so many."""
TRIPLETS = 10_000
TIED = 1e-5
"""Relative differences of distances in X below this are rounding."""
SEARCH_ROWS = 128
"""Rows on which the map's best scale is sought."""
WORK = 2e10
"""Multiplications that the neighbours of a sample may cost: half a second of two cores."""
VISITS = 1e8
"""Points of the map that one measurement may look at: a fifth of a second of one core."""


def usual_size(n: int, d: int) -> int:
    """How many points of n rows of d columns are measured: 1,000, fewer of large data, but at least 200."""
    return min(n, 1000, max(200, int(min(WORK / (n * d), VISITS / n))))


class Sample:
    """Some points of X (n, d), their exact neighbours and distances: `measure` judges a map by them.

    Args:
        X: any table the package reads, of which rows or all distances are in memory.
        metric: of the distances in X.
        k: neighbours that recall, trustworthiness and continuity look at; fewer where k would not be below n / 2.
        size: points drawn; None: `usual_size`.
        seed: of the draw.

    Raises:
        DataError: fewer than 4 points, or data that are not in memory.
    """

    def __init__(
        self, X: Any, *, metric: str = "euclidean", k: int = 10, size: int | None = None, seed: int = 0
    ) -> None:
        table = X if isinstance(X, Table) else as_table(X)
        self.check(table)
        n = self.n = table.n
        self._far = _distances(table, metric)
        self.metric = metric
        self.k = max(1, min(k, (n - 1) // 2))
        self.rows = drawn(n, usual_size(n, table.d) if size is None else size, seed)
        known = min(max(self.k, math.ceil(3 * PERPLEXITY)), n - 1)
        indices = self._far.nearest(self.rows, known)
        self.true = indices[:, : self.k].contiguous().numpy()
        near = self._far.between(self.rows, indices)
        self._near = near.sort(1).values.contiguous()
        squares = near if not self._far.plain_is_root else near.square()
        self._known = indices
        self._P = entropic(squares, min(PERPLEXITY, max(1.0, known / 3))).double().cpu()
        self._columns = drawn(n, COLUMNS, seed + 1)
        apart = self._far.all_between(self.rows, self._columns)
        own = self.rows[:, None] == self._columns[None]
        self._apart = apart.masked_fill_(own, torch.inf).sort(1).values.contiguous()
        self._share = (n - 1) / (len(self._columns) - own.sum(1, keepdim=True)).double()
        self._triplets = triplets(n, TRIPLETS, seed)
        self._order = self._far.nearer(*self._triplets)
        give_back()

    @staticmethod
    def check(table: Table) -> None:
        """Raise DataError where a table cannot be measured."""
        if table.n < 4:
            raise DataError(f"Neighbours are compared among at least 4 points; got {table.n}.")
        given = isinstance(table, Precomputed)
        if not isinstance(table, Rows) and (not given or table.distances is None):
            what = "a list of neighbours" if given else "a stream"
            raise DataError(
                f"Quality is measured on rows, or on all distances, in memory; X is {what}. "
                "Measure the finished map with ne.metrics on rows that you load."
            )

    def measure(self, Z: Any) -> dict[str, float]:
        """Judge a map Z (n, c) by the `MEASURES`.

        The first four are those of ``ne.metrics`` with this sample; above 4,096 points, ranks in X beyond the 90
        nearest are estimated. ``divergence``, in nats, is the mean over the points of the Kullback-Leibler divergence
        between their neighbourhoods of perplexity 30 in X and those of the Student kernel in the map at its best scale
        (Hinton & Roweis 2002, Stochastic neighbor embedding, NIPS 15). nan: not defined on X.

        Raises:
            DataError: the map has another number of points.
        """
        positions = as_map(Z).cpu()
        same_length(self.n, len(positions))
        columns = np.ascontiguousarray(positions.numpy().T)
        shown, ranks = self._looked(columns)
        n, k, m = self.n, self.k, len(self.rows)
        worst = m * k * (2 * n - 3 * k - 1) / 2
        kept = (self.true[:, :, None] == shown[:, None, :]).any(2)
        values = (
            float(kept.mean()),
            1.0 - float((self._ranks_in_X(shown) - k).clamp_min(0).sum()) / worst,
            1.0 - float(np.maximum(ranks - k, 0).sum()) / worst,
            self._triplet_accuracy(positions),
            self._divergence(columns),
        )
        return dict(zip(MEASURES, values, strict=True))

    def errors(self, Z: Any) -> np.ndarray:
        """Give the share of its k true neighbours that each point of the sample lacks in the map, (m,)."""
        positions = as_map(Z).cpu()
        same_length(self.n, len(positions))
        shown, _ = self._looked(np.ascontiguousarray(positions.numpy().T))
        return 1.0 - (self.true[:, :, None] == shown[:, None, :]).any(2).mean(1)

    def _looked(self, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shown, ranks = np.zeros(self.true.shape, np.int64), np.zeros(self.true.shape, np.int64)
        look_around(columns, self.rows.numpy(), self.true, shown, ranks)
        return shown, ranks

    def _ranks_in_X(self, shown: np.ndarray) -> Tensor:
        """The places that points (m, k) have among the neighbours in X, from 1, as float64."""
        far = self._far.between(self.rows, torch.from_numpy(shown)) * (1 - TIED)
        near = torch.searchsorted(self._near, far).double()
        every = torch.searchsorted(self._apart, far) * self._share
        if self.n <= COLUMNS:
            return 1 + every
        return 1 + torch.where(near < self._near.shape[1], near, every.clamp_min(self._near.shape[1]))

    def _triplet_accuracy(self, positions: Tensor) -> float:
        differ = self._order != 0
        if not bool(differ.any()):
            return math.nan
        agree = (self._order * signs(positions, *self._triplets))[differ]
        return float((agree.double() + 1).mean() / 2)

    def _divergence(self, columns: np.ndarray) -> float:
        rows, P = self.rows.numpy(), self._P
        edges = np.zeros(tuple(P.shape))
        for column in columns:
            edges += (column[rows][:, None] - column[self._known.numpy()]).astype(np.float64) ** 2
        constant = float(torch.special.xlogy(P, P).sum(1).mean())
        weights = P.numpy()

        def at(log_scale: float, m: int) -> float:
            squared = min(max(math.exp(2 * log_scale), 1e-30), 1e30)
            totals = np.empty(m)
            student_sums(columns, rows[:m], np.float32(squared), totals)
            pull = (weights[:m] * np.log1p(edges[:m] * squared)).sum(1)
            return constant + float((pull + np.log(np.maximum(totals, 1e-300))).mean())

        spread = float(edges.mean())
        if not (0 < spread < math.inf):
            return at(0.0, len(rows))
        few = min(SEARCH_ROWS, len(rows))
        return at(best_scale(lambda scale: at(scale, few), spread, 0.03)[0], len(rows))


class _Between:
    """Distances of rows, whose order is the metric's."""

    plain_is_root = False

    def __init__(self, flat: Flat, values: Tensor, metric: str) -> None:
        self.flat, self.values, self.metric = flat, values, metric
        self.plain_is_root = flat.manhattan

    def nearest(self, rows: Tensor, k: int) -> Tensor:
        return nearest(self.values, k, self.metric, rows=rows)[0].cpu()

    def between(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Plain distances from m rows to columns (m, q), float32 on the CPU."""
        flat, parts = self.flat, []
        step = max(1, 2**22 // (columns.shape[1] * flat.d))
        for own, others in zip(rows.split(step), columns.split(step), strict=True):
            difference = flat.values[own][:, None] - flat.values[others]
            found = difference.abs().sum(2) if flat.manhattan else difference.square_().sum(2)
            if flat.weights is not None:
                found = found * (flat.weights[own][:, None] * flat.weights[others])
            parts.append(found.cpu())
        return torch.cat(parts)

    def all_between(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Plain distances from m rows to all of q columns, (m, q), by a product of matrices."""
        flat = self.flat
        own, others = flat.values[rows].double(), flat.values[columns].double()
        if flat.manhattan:
            return torch.cdist(own, others, p=1.0).float().cpu()
        centre = others.mean(0)
        found = torch.cdist(own - centre, others - centre, compute_mode="use_mm_for_euclid_dist").square_()
        if flat.weights is not None:
            found *= flat.weights[rows, None] * flat.weights[columns]
        return found.float().cpu()

    def nearer(self, i: Tensor, j: Tensor, k: Tensor) -> Tensor:
        if self.metric in ("euclidean", "sqeuclidean"):
            return signs(self.values, i, j, k).cpu()
        pairs = torch.stack([j, k], 1)
        found = torch.cat([self.between(a, b) for a, b in zip(i.split(4096), pairs.split(4096), strict=True)])
        return torch.sign(found[:, 0] - found[:, 1])


class _Given:
    """Distances that the caller has computed."""

    plain_is_root = True

    def __init__(self, table: Precomputed, distances: Tensor) -> None:
        self.table, self.distances = table, distances

    def nearest(self, rows: Tensor, k: int) -> Tensor:
        return neighbors_of(self.table, k, metric="precomputed").indices.cpu()[rows]

    def between(self, rows: Tensor, columns: Tensor) -> Tensor:
        return self.distances[rows[:, None], columns].cpu()

    def all_between(self, rows: Tensor, columns: Tensor) -> Tensor:
        return self.distances[rows][:, columns].cpu()

    def nearer(self, i: Tensor, j: Tensor, k: Tensor) -> Tensor:
        return torch.sign(self.distances[i, j] - self.distances[i, k]).cpu()


def _distances(table: Table, metric: str) -> _Between | _Given:
    if isinstance(table, Precomputed):
        assert table.distances is not None
        return _Given(table, table.distances)
    assert isinstance(table, Rows)
    return _Between(flatten(single(table.values, metric), metric), table.values, metric)
