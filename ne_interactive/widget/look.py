"""What the points of a view look like, whichever of them there are now: colours, sizes, and what is known of each."""

from contextlib import suppress
from typing import Any

import numpy as np

from ne_interactive.params.errors import NEError
from ne_interactive.quality.labels import Labels
from ne_interactive.widget.errors import POINT_ERROR, PointErrors
from ne_interactive.widget.given import Given


class Look:
    """Follows which points a run has: `ids` are theirs, and `entries` say where each is in what was `given`."""

    def __init__(self, run: Any, given: Given) -> None:
        """Begin with the points that `run` has."""
        self.given = given
        self._errors = PointErrors()
        self.ids = run.ids
        self.entries = given.entries(run)

    def follow(self, run: Any) -> bool:
        """Take the points that a run has now; tells whether these are others than before."""
        before, self.ids = self.ids, run.ids
        known, self.entries = self.entries, self.given.entries(run)
        return not (np.array_equal(before, self.ids) and np.array_equal(known, self.entries))

    def labels(self) -> Labels:
        """The labels of the points that there are now."""
        if self.given.colors.measured:
            return self._errors.labels(len(self.ids))
        return self.given.labels(self.entries)

    def sizes(self) -> bytes:
        """Their sizes."""
        return self.given.bytes(self.entries)

    def renew_errors(self, run: Any) -> bool:
        """Measure the errors of now, where points are coloured by them; tells whether there is anything new."""
        with suppress(NEError):  # points are leaving, or nothing is known: the colours stay
            return self.given.colors.measured is not None and self._errors.measure(run)
        return False

    def choose(self, run: Any, name: str, values: object) -> None:
        """Colour by a column that there is, or by `values` of the points of now under this name.

        Raises:
            ParameterError: there is no such column.
            DataError: `values` are not one for each point, or too many different ones; or the neighbours are not known.
        """
        colors = self.given.colors
        if values is None and name == POINT_ERROR and name in colors.names:
            self._errors.measure(run)
        if values is not None:
            values = self.given.column(run, values)
            self.entries = self.given.entries(run)
        colors.choose(name, values)

    def add(self, run: Any, X: Any, **given: Any) -> np.ndarray:
        """Put new rows in a run, and keep what is given for them; the indices of the new points.

        Raises:
            DataError: X does not fit the run's rows, or what is given does not fit X or the view.
            ParameterError: the method does not place new rows. Nothing is changed then.
        """
        m = int(X.shape[0]) if hasattr(X, "shape") else len(X)
        self.given.cover(run, without=np.empty(0, np.int64))
        read = self.given.read(m, **given)  # refused before the run is changed
        new = run.add(X)
        self.given.take(run, new, read)
        self.entries = self.given.entries(run)
        return new
