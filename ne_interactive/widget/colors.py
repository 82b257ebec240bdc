"""What points can be coloured by, and how large they are: columns, read when they are first chosen."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from ne_interactive.params.errors import DataError, ParameterError
from ne_interactive.quality.hover import named_columns
from ne_interactive.quality.labels import Labels, as_column, read_labels
from ne_interactive.quality.text import plain_text
from ne_interactive.widget.members import MIDDLE, appended

PLAIN = "one colour"
LONGEST_NAME = 60


class Colors:
    """The columns that n points can be coloured by, in order, and which one they are coloured by now."""

    def __init__(self, labels: object, color: object, n: int, *, measured: Sequence[str] = ()) -> None:
        """Take `labels`, which comes first, and the columns of `color`: a table, a mapping or one column.

        What is `measured` of the map can be chosen, too, under these names.

        Raises:
            DataError: a column has not one value for each of the n points.
        """
        self.n = n
        self._measures = measured
        self._first = ""  # what `labels` are called
        self._columns: dict[str, Any] = {}
        self._read: dict[str, Labels] = {}
        if labels is not None:
            read = read_labels(labels, n)
            self._first = plain_text(read.name or "labels", LONGEST_NAME)
            self._keep(self._first, labels, read)
        for name, column in [] if color is None else named_columns(color, "color"):
            self._keep(name or "colour", column)
        self.current = next(iter(self._columns), PLAIN)
        self.labels = self._labels_of(self.current)

    @property
    def names(self) -> list[str]:
        """What can be chosen, what is measured and "one colour" last."""
        return [*self._columns, *filter(self._is_measured, self._measures), PLAIN]

    @property
    def some(self) -> bool:
        """Whether any column was given."""
        return bool(self._columns)

    @property
    def measured(self) -> str | None:
        """What is measured and points are coloured by, where that is so; `labels` then hold none."""
        return self.current if self._is_measured(self.current) else None

    def _is_measured(self, name: str) -> bool:
        return name in self._measures and name not in self._columns

    def categories(self) -> Iterator[Labels]:
        """Give the columns that are categories."""
        for name in list(self._columns):
            with suppress(DataError):  # too many different values: it cannot be chosen either
                labels = self._labels_of(name)
                if labels.kind == "category":
                    yield labels

    def choose(self, name: str, values: object = None) -> Labels:
        """Colour by a column that there is, or by `values` under this name; nothing changes where that fails.

        Raises:
            ParameterError: there is no such column.
            DataError: not one value for each point, or more than 65,535 categories.
        """
        if values is not None:
            read = read_labels(values, self.n, f"color column {plain_text(name, 40)!r}")
            self._keep(name, values, replace(read, name=name))
        self.labels = self._labels_of(name)
        self.current = name
        return self.labels

    def read_more(self, m: int, labels: object, color: object) -> dict[str, Labels]:
        """Read columns of m new points, behind those of the others; those that are not given are missing.

        Raises:
            DataError: they do not fit the points, or there is no such column for the others.
        """
        more: dict[str, object] = {}
        if labels is not None:
            more[self._first] = labels
        for name, column in [] if color is None else named_columns(color, "color"):
            more[plain_text(name or "colour", LONGEST_NAME)] = column
        unknown = [name for name in more if name not in self._columns]
        if unknown:
            known = ", ".join(map(repr, self._columns)) or "none"
            what = f"a color column {unknown[0]!r}" if unknown[0] else "labels"
            raise DataError(f"The view has not {what} for the other points; there are: {known}.")
        made = {}
        for name in self._columns:
            with suppress(DataError):  # too many different values: it cannot be chosen either
                made[name] = self._labels_of(name)
        return {name: appended(read, more.get(name), m, f"{name!r}") for name, read in made.items()}

    def take_more(self, m: int, read: dict[str, Labels]) -> None:
        """Keep what `read_more` gave."""
        self.n += m
        self._columns = {name: column for name, column in self._columns.items() if name in read}
        self._read = dict(read)
        self.labels = self._labels_of(self.current)

    def column(self, name: str) -> Any:
        """Give a column as it was given.

        Raises:
            ParameterError: there is no such column.
        """
        if name not in self._columns:
            known = ", ".join(map(repr, self._columns)) or "none"
            raise ParameterError(
                f"There is no column {plain_text(name, 40)!r} to colour by; there are: {known}."
            )
        return self._columns[name]

    def _keep(self, name: str, column: Any, read: Labels | None = None) -> None:
        """Take a column; one under the same name is replaced."""
        name = plain_text(name, LONGEST_NAME)
        if name == PLAIN:
            raise ParameterError(f"A column cannot be called {PLAIN!r}; give it another name.")
        if read is None:
            if not hasattr(
                getattr(column, "cat", column), "codes"
            ):  # the categories of pandas keep their order
                column = as_column(column, f"color column {name!r}")
            if len(column) != self.n:
                told = f"must have one entry for each of the {self.n} points; got {len(column)}"
                raise DataError(f"color column {name!r} {told}.")
            self._read.pop(name, None)
        else:
            self._read[name] = read
        self._columns[name] = column

    def _labels_of(self, name: str) -> Labels:
        if name == PLAIN or self._is_measured(name):
            return Labels()
        column = self.column(name)
        if name not in self._read:
            self._read[name] = replace(read_labels(column, self.n), name=name)
        return self._read[name]


class Sizes:
    """A size for each of n points: one byte, so that the area of a point grows with its number."""

    def __init__(self, size: Any, n: int, colors: Colors) -> None:
        """Take one number for each point, or the name of a column of `colors`; missing ones are smallest.

        Raises:
            ParameterError: there is no such column.
            DataError: not numbers, or not one for each point.
        """
        name = size if isinstance(size, str) else getattr(size, "name", None) or "size"
        column = as_column(colors.column(size) if isinstance(size, str) else size, "size")
        values = _numbers(column, n)
        finite = values[np.isfinite(values)]
        if finite.size == 0:
            raise DataError("size must hold numbers; all of them are missing.")
        self.name = plain_text(name, LONGEST_NAME)
        self.low, self.high = float(finite.min()), float(finite.max())
        self.bytes = self._of(values)

    def more(self, size: Any, m: int) -> bytes:
        """Give the bytes of m new points, on the scale of the others; None: all are of middle size.

        Raises:
            DataError: not numbers, or not one for each point.
        """
        if size is None:
            return bytes([MIDDLE]) * m
        return self._of(_numbers(as_column(size, "size"), m))

    def _of(self, values: np.ndarray) -> bytes:
        # Halved, so that the distance of two very large numbers stays finite.
        half, low, high = np.clip(values, self.low, self.high) / 2, self.low / 2, self.high / 2
        share = (half - low) / (high - low if high > low else 1.0)
        return np.rint(255 * np.sqrt(np.nan_to_num(share))).astype(np.uint8).tobytes()

    def describe(self) -> dict[str, Any]:
        """Say what the sizes mean."""
        return {"name": self.name, "low": self.low, "high": self.high}


def _numbers(column: np.ndarray, n: int) -> np.ndarray:
    if len(column) != n:
        raise DataError(f"size must have one entry for each of the {n} points; got {len(column)}.")
    try:
        return np.array([np.nan if v is None else v for v in column], np.float64)
    except (TypeError, ValueError):
        raise DataError("size must hold numbers; got something else.") from None
