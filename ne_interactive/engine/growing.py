"""Points leave a run and come to it from outside, at any time."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ne_interactive.data.arrays import as_rows
from ne_interactive.data.table import Rows
from ne_interactive.engine.pins import points_of
from ne_interactive.engine.steering import Steering
from ne_interactive.params.errors import DataError, ParameterError, StateError

FEWEST = 3  # points that a run is focused on


class Growing(Steering):
    """The part of a `Stepper` that changes which points it has."""

    @property
    def ids(self) -> np.ndarray:
        """What stays of each point: its number (n,) int64 among the rows of X and, behind them, all rows added."""
        with self._started():
            return self._core.members().cpu().numpy().copy()

    @property
    def tables(self) -> list[tuple[int, str]]:
        """How many rows X and each table added since has, and its fingerprint; "" of X, which stays the same."""
        with self._turnstile.visit():
            tables = self._core.tables
        return [(table.n, table.fingerprint() if place else "") for place, table in enumerate(tables)]

    def remove(self, indices: Any) -> None:
        """Take points out of the run; the others stay where they are and adapt from the next iteration on.

        Neighbours are those that a new search among the remaining would give, where they were exact; else the recall
        is not less than before. The run stands still meanwhile. `rewind` brings the points back.

        Raises:
            ParameterError: if these are no points of the run, or its parameters do not fit those that remain.
            StateError: while the run is focused.
            DataError: if X is not in memory as rows. Nothing is changed then.
        """
        self._check_whole("remove")
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
            StateError: while the run is focused.
        """
        self._check_whole("add")
        table = as_rows(X, device=self._core.rows.device, min_rows=1)
        if not isinstance(table, Rows) or table.d != self.d:
            got = f"{table.d} columns" if isinstance(table, Rows) else "a stream of batches"
            raise DataError(f"add() takes rows of {self.d} columns, as the run's own have; X has {got}.")
        self._regroup(lambda: self._core.add(table))
        return np.arange(self.n - table.n, self.n)

    @property
    def focused(self) -> bool:
        """Whether the run goes on with some of its points alone; see `focus`."""
        state = self._core.state
        return state is not None and state.whole is not None

    @property
    def n_all(self) -> int:
        """Number of points of the whole run, more than `n` while it is focused."""
        state = self._core.state
        return self.n if state is None or state.whole is None else len(state.whole.state.positions)

    def focus(self, indices: Any) -> Self:
        """Go on with some of the points alone, until `unfocus`; from where they are, in a map of their own.

        Their neighbours among themselves are found and their affinities made anew. A group that lies more tightly than
        the map as a whole is spread first, so that it has room to unfold; pins go along. In a run that is focused
        already the focus is narrowed. The run stands still meanwhile. Returns the run.

        Raises:
            ParameterError: if these are no points of the run, all of them, or fewer than its parameters fit.
            DataError: if X is not in memory as rows. Nothing is changed then.
        """
        points = np.sort(points_of(indices, self.n))
        if not FEWEST <= len(points) < self.n:
            raise ParameterError(
                f"focus() takes {FEWEST} to {self.n - 1} of the run's {self.n} points; got {len(points)}."
            )
        self._regroup(lambda: self._core.focus(points))
        return self

    def unfocus(self, *, refined: bool = False) -> Self:
        """Go on with all points, each where it was before `focus`, as if no time had passed; returns the run.

        Values set meanwhile stay in force, and so do pins. With `refined` the focused points keep what they came to:
        their arrangement takes the place of the former one, turned and sized as that was.

        Raises:
            StateError: if the run is not focused.
        """
        if not isinstance(refined, bool):
            raise ParameterError(f"refined must be true or false; got {refined!r}.")
        if not self.focused:
            raise StateError("The run is not focused; focus() takes the points that it is to go on with.")
        self._regroup(lambda: self._core.unfocus(refined))
        return self

    def _check_whole(self, kind: str) -> None:
        if self.focused:
            raise StateError(
                f"{kind}() changes all points, and the run is focused on {self.n} of them; call unfocus() first."
            )

    def _regroup(self, change: Any) -> None:
        self._raise_if_failed()
        self._core.settle()
        with self._still():
            self._core.commit()
            change()
        self._wake()
        self._tell("points")
        self._tell("pins")
