"""Points leave a run and come to it from outside, at any time."""

from __future__ import annotations

from typing import Any

import numpy as np

from ne_interactive.data.arrays import as_rows
from ne_interactive.data.table import Rows
from ne_interactive.engine.pins import points_of
from ne_interactive.engine.steering import Steering
from ne_interactive.params.errors import DataError, ParameterError


class Growing(Steering):
    """The part of a `Stepper` that changes which points it has."""

    @property
    def ids(self) -> np.ndarray:
        """What stays of each point: its number (n,) int64 among the rows of X and, behind them, all rows added."""
        with self._turnstile.visit():
            return self._core.members().cpu().numpy().copy()

    def remove(self, indices: Any) -> None:
        """Take points out of the run; the others stay where they are and adapt from the next iteration on.

        Neighbours are those that a new search among the remaining would give, where they were exact; else the recall
        is not less than before. The run stands still meanwhile. `rewind` brings the points back.

        Raises:
            ParameterError: if these are no points of the run, or its parameters do not fit those that remain.
            DataError: if X is not in memory as rows. Nothing is changed then.
        """
        points = np.sort(points_of(indices, self.n))
        if self.n - len(points) < 2:
            raise ParameterError(
                f"remove() must leave 2 points at least; {len(points)} of {self.n} were given."
            )
        if len(points):
            self._regroup(lambda: self._core.remove(points))

    def add(self, X: Any) -> np.ndarray:
        """Put new rows X (m, d) in the run: each at the place that `transform` finds, from where all adapt.

        Neighbours are those that a new search among all would give, where they were exact; else the recall is not less
        than before. The run stands still meanwhile.

        Returns:
            The indices (m,) of the new points.

        Raises:
            DataError: if X does not fit the run's rows, or these are not in memory.
            ParameterError: if the method does not place new rows. Nothing is changed then.
        """
        table = as_rows(X, device=self._core.rows.device, min_rows=1)
        if not isinstance(table, Rows) or table.d != self.d:
            got = f"{table.d} columns" if isinstance(table, Rows) else "a stream of batches"
            raise DataError(f"add() takes rows of {self.d} columns, as the run's own have; X has {got}.")
        self._regroup(lambda: self._core.add(table))
        return np.arange(self.n - table.n, self.n)

    def _regroup(self, change: Any) -> None:
        self._raise_if_failed()
        self._core.settle()
        with self._still():
            self._core.commit()
            change()
        self._wake()
        self._tell("points")
