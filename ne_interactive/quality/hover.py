"""What the card under the pointer shows: its texts, looked up one point at a time."""

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from ne_interactive.params.errors import DataError
from ne_interactive.quality.labels import as_column
from ne_interactive.quality.text import is_missing, plain_text

MAX_COLUMNS = 20


class Told(Protocol):
    """What is told of each point."""

    def rows(self, point: int, /) -> list[list[str]]:
        """Give [name, text] for each column of one point."""
        ...


class HoverTable:
    """Texts for each of n points, from a data frame, a mapping of columns, or one column."""

    def __init__(self, hover: object, n: int) -> None:
        """Take the columns; a data frame is copied, other columns are read when they are asked for.

        Raises:
            DataError: not a table or a column, or not one row for each of the n points.
        """
        self.columns: list[tuple[str, Callable[[int], object]]] = []
        self._searched: list[Callable[[int], object]] = []
        self._n = n
        named = named_columns(hover, "hover")
        for name, column in named[:MAX_COLUMNS]:
            values = as_column(column, f"hover column {plain_text(name, 60)!r}" if name else "hover")
            if len(values) != n:
                where = f" column {plain_text(name, 60)!r}" if name else ""
                raise DataError(
                    f"hover{where} must have one entry for each of the {n} points; got {len(values)}."
                )
            self.columns.append((plain_text(name, 60), values.__getitem__))
            if values.dtype.kind in "US" or any(isinstance(value, str) for value in values):
                self._searched.append(values.__getitem__)
        self.left_out = max(0, len(named) - MAX_COLUMNS)

    def rows(self, point: int) -> list[list[str]]:
        """Give [name, text] for each column of one point; texts are cut at 200 characters."""
        rows = [[name, _cell(get, point)] for name, get in self.columns]
        return [*rows, ["…", f"{self.left_out} more columns"]] if self.left_out else rows

    def texts(self) -> Iterator[list[str]]:
        """Give the columns that hold text, as `rows` shows them; those without any are left out."""
        for get in self._searched:
            yield [_cell(get, point) for point in range(self._n)]


def named_columns(table: Any, what: str) -> list[tuple[str, object]]:
    """Give name and column of a data frame (copied), a mapping, or one column; `what` names it in an error.

    Raises:
        DataError: an empty mapping.
    """
    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if pandas is not None and isinstance(table, pandas.DataFrame):
        return [(plain_text(name), table.iloc[:, i].copy()) for i, name in enumerate(table.columns)]
    if polars is not None and isinstance(table, polars.DataFrame):
        return [(s.name, s) for s in table.get_columns()]
    if isinstance(table, Mapping):
        if not table:
            raise DataError(f"{what} is an empty mapping; give at least one column, or None.")
        return [(plain_text(name), column) for name, column in table.items()]
    return [(plain_text(getattr(table, "name", None) or ""), table)]


def _cell(get: Callable[[int], object], point: int) -> str:
    value = get(point)
    return "" if is_missing(value) else plain_text(value)
