"""What is shown of points that leave a run and come to it: columns are given for the first, new ones have no entry."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ne_interactive.params.errors import DataError
from ne_interactive.quality.labels import MAX_CATEGORIES, MISSING, Labels, as_column
from ne_interactive.quality.text import is_missing, plain_text

MIDDLE = 128  # size of a point that none was given for, of 255


def labels_of(labels: Labels, entries: np.ndarray) -> Labels:
    """The labels of the points whose entries these are (n,); of those that there was no label for, "missing"."""
    if labels.kind == "number":
        values = np.append(labels.values, np.nan)
        return replace(labels, values=values[np.minimum(entries, len(labels.values))])
    if labels.kind != "category":
        return labels
    names, n = labels.names, len(labels.ids)
    if (entries >= n).any() and MISSING not in names:
        names = [*names, MISSING]
    unknown = names.index(MISSING) if MISSING in names else 0
    return replace(labels, names=names, ids=np.append(labels.ids, unknown)[np.minimum(entries, n)])


def bytes_of(sizes: bytes, entries: np.ndarray) -> bytes:
    """One byte for each of the points whose entries these are; those that there was none for are of middle size."""
    known = np.append(np.frombuffer(sizes, np.uint8), np.uint8(MIDDLE))
    return known[np.minimum(entries, len(sizes))].tobytes() if sizes else b""


def moved(points: np.ndarray, before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Where points are, ascending, after a run of points with the numbers `before` has those of `now`."""
    kept = before[points]
    return np.flatnonzero(np.isin(now, kept))


def appended(labels: Labels, column: object, m: int, what: str) -> Labels:
    """The labels and those of m more points, which are read as these are; None: all of them are missing.

    Raises:
        DataError: not one for each, no numbers where these are, or too many categories.
    """
    values: Any = [None] * m if column is None else as_column(column, what)
    if len(values) != m:
        raise DataError(f"{what} must have one entry for each of the {m} new points; got {len(values)}.")
    if labels.kind == "number":
        try:
            numbers = np.array([np.nan if is_missing(value) else float(value) for value in values])
        except (TypeError, ValueError):
            raise DataError(f"{what} must hold numbers, as of the other points.") from None
        numbers = np.where(np.isinf(numbers), np.clip(numbers, *labels.scale()), numbers)
        return replace(labels, values=np.append(labels.values, numbers))
    texts = [MISSING if is_missing(value) else plain_text(value) for value in values]
    names = list(dict.fromkeys([*labels.names, *texts]))  # those that are there keep their colours
    if len(names) > MAX_CATEGORIES:
        raise DataError(f"{what} must make at most {MAX_CATEGORIES:,} categories; got {len(names):,}.")
    place = {name: at for at, name in enumerate(names)}
    ids = np.array([place[text] for text in texts], np.int64)
    return replace(labels, names=names, ids=np.append(labels.ids, ids))


class Parts:
    """A table or pictures of some entries, and what was given for more later; None where nothing was."""

    def __init__(self, n: int, first: Any) -> None:
        """Begin with `first`, for n entries."""
        self.parts: list[tuple[int, Any]] = [(0, first)]
        self._n = n

    def add(self, m: int, part: Any) -> None:
        """Take a part for m more entries."""
        self.parts.append((self._n, part))
        self._n += m

    def _ask(self, what: str, entry: int, nothing: Any) -> Any:
        if entry >= self._n:
            raise IndexError(f"there are {self._n} entries; got {entry}")
        start, part = self.parts[bisect_right(self.parts, entry, key=lambda one: one[0]) - 1]
        return nothing if part is None else getattr(part, what)(entry - start)

    def rows(self, entry: int) -> list[list[str]]:
        """As `HoverTable.rows`."""
        return self._ask("rows", entry, [])

    def picture(self, entry: int) -> Any:
        """As of the images."""
        return self._ask("picture", entry, None)

    def texts(self) -> Iterator[list[str]]:
        """As `HoverTable.texts`, each column as long as there are entries."""
        for start, part in self.parts:
            for column in part.texts() if part is not None else ():
                yield [""] * start + column + [""] * (self._n - start - len(column))


class Entries:
    """A table or images, asked by points of now, whose entries these are; beyond the last there is none."""

    def __init__(self, given: Any, entries: np.ndarray) -> None:
        """Ask `given`."""
        self._given, self._entries = given, entries

    def _ask(self, what: str, point: int, nothing: Any) -> Any:
        try:
            return getattr(self._given, what)(int(self._entries[point]))
        except IndexError:  # a new point
            return nothing

    def rows(self, point: int) -> list[list[str]]:
        """As `HoverTable.rows`; none for a new point."""
        return self._ask("rows", point, [])

    def picture(self, point: int) -> Any:
        """As of the images; None for a new point."""
        return self._ask("picture", point, None)
