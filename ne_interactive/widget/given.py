"""What a person gave for the points of a view, also for those that come later: labels, numbers, texts, pictures."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ne_interactive.params.errors import DataError
from ne_interactive.quality.hover import HoverTable
from ne_interactive.quality.labels import Labels, as_column
from ne_interactive.quality.pictures import read_pictures
from ne_interactive.widget.colors import Colors, Sizes
from ne_interactive.widget.errors import POINT_ERROR
from ne_interactive.widget.members import Parts, bytes_of, labels_of


class Given:
    """One entry for each point that something was given for; points that came without have none.

    An entry belongs to a row of a table, so that it is found again whatever was taken back in between.
    """

    def __init__(
        self, run: Any, labels: object, color: object, size: object, hover: object, images: object
    ) -> None:
        """Read all that is given for the points of now.

        Raises:
            DataError: it does not fit the n points.
        """
        n = run.n
        self.colors = Colors(labels, color, n, measured=(POINT_ERROR,))
        self.sizes = None if size is None else Sizes(size, n, self.colors)
        self.table = None if hover is None else Parts(n, HoverTable(hover, n))
        self.pictures = None if images is None else Parts(n, read_pictures(images, n))
        self._bytes = self.sizes.bytes if self.sizes else b""
        self._first: dict[tuple[int, str], int] = {}  # of the rows of a table, among all tables seen
        self._entries = np.empty(0, np.int64)  # of all rows of these, -1: none
        self.count = 0
        self._begin(run)

    def entries(self, run: Any) -> np.ndarray:
        """Which entry is each point's (n,); `count` for a point without one."""
        return self.entries_of(self.rows(run))

    def entries_of(self, rows: np.ndarray) -> np.ndarray:
        """The same of points by their `rows`, whether the run has them now or not."""
        found = self._entries[rows]
        return np.where(found < 0, self.count, found)

    def labels(self, entries: np.ndarray) -> Labels:
        """The labels of the points whose entries these are."""
        return labels_of(self.colors.labels, entries)

    def bytes(self, entries: np.ndarray) -> bytes:
        """The sizes of the points whose entries these are."""
        return bytes_of(self._bytes, entries)

    def read(self, m: int, **given: Any) -> dict[str, Any]:
        """Read what is given for m new points: of the kinds, and for columns, that there are already.

        Raises:
            DataError: it does not fit them, or is of a kind that was not given for the others.
        """
        told = {"size": self.sizes, "hover": self.table, "images": self.pictures}
        for name, there in told.items():
            if given[name] is not None and there is None:
                raise DataError(
                    f"{name} cannot be given for new points alone: the view has none for the others."
                )
        read: dict[str, Any] = {"colors": self.colors.read_more(m, given["labels"], given["color"])}
        if self.sizes is not None:
            read["size"] = self.sizes.more(given["size"], m)
        if given["hover"] is not None:
            read["hover"] = HoverTable(given["hover"], m)
            self._check_columns(read["hover"])
        if given["images"] is not None:
            read["images"] = read_pictures(given["images"], m)
        return read

    def _check_columns(self, table: HoverTable) -> None:
        assert self.table is not None
        ours, theirs = ([name for name, _ in one.columns] for one in (self.table.parts[0][1], table))
        if ours != theirs:
            raise DataError(f"hover must have the columns of the other points, {ours}; got {theirs}.")

    def take(self, run: Any, new: np.ndarray, read: Mapping[str, Any]) -> None:
        """Keep what was read for the points `new` of a run, its last."""
        rows = self.rows(run)[new]
        self._entries[rows] = self.count + np.arange(len(new))
        self._grow(len(new), read)

    def cover(self, run: Any, without: np.ndarray) -> None:
        """Have an entry for every point but some, empty where nothing was given."""
        bare = np.setdiff1d(np.flatnonzero(self.entries(run) == self.count), without)
        if len(bare):
            read = dict.fromkeys(("labels", "color", "size", "hover", "images"))
            self.take(run, bare, self.read(len(bare), **read))

    def column(self, run: Any, values: object) -> object:
        """A column of values for the points of now as one of entries.

        Raises:
            DataError: they are not one for each point.
        """
        if run.n == self.count and np.array_equal(self.entries(run), np.arange(run.n)):
            return values  # as they were given
        read = as_column(values, "values")
        if len(read) != run.n:
            raise DataError(f"values must have one entry for each of the {run.n} points; got {len(read)}.")
        self.cover(run, without=np.empty(0, np.int64))
        column = np.full(self.count, None, object)
        column[self.entries(run)] = read
        return column

    def _begin(self, run: Any) -> None:
        rows = self.rows(run)
        self._entries[rows] = np.arange(run.n)
        self.count = run.n

    def _grow(self, m: int, read: Mapping[str, Any]) -> None:
        self.colors.take_more(m, read["colors"])
        self._bytes += read.get("size", b"")
        self.count += m
        for parts, kind in ((self.table, "hover"), (self.pictures, "images")):
            if parts is not None:
                parts.add(m, read.get(kind))

    def rows(self, run: Any) -> np.ndarray:
        """Where each point's row is among those of all tables seen; other tables in the same place have other rows."""
        starts, firsts, start = [], [], 0
        for place, (rows, fingerprint) in enumerate(run.tables):
            key = (place, fingerprint)
            if key not in self._first:
                self._first[key] = len(self._entries)
                self._entries = np.append(self._entries, np.full(rows, -1))
            starts.append(start)
            firsts.append(self._first[key])
            start += rows
        ids = run.ids
        table = np.searchsorted(starts, ids, side="right") - 1
        return np.array(firsts)[table] + ids - np.array(starts)[table]
