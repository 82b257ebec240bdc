"""What the card under the pointer shows: its texts, looked up one point at a time."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from ne_interactive.params.errors import DataError
from ne_interactive.quality.labels import as_column
from ne_interactive.quality.text import is_missing, plain_text

MAX_COLUMNS = 20


class HoverTable:
    """Texts for each of n points, from a data frame, a mapping of columns, or one column."""

    def __init__(self, hover: object, n: int) -> None:
        """Take the columns; a data frame is copied, other columns are read when they are asked for.

        Raises:
            DataError: not a table or a column, or not one row for each of the n points.
        """
        self.columns: list[tuple[str, Callable[[int], object]]] = []
        named = _named_columns(hover)
        for name, column in named[:MAX_COLUMNS]:
            values = as_column(column, f"hover column {plain_text(name, 60)!r}" if name else "hover")
            if len(values) != n:
                where = f" column {plain_text(name, 60)!r}" if name else ""
                raise DataError(
                    f"hover{where} must have one entry for each of the {n} points; got {len(values)}."
                )
            self.columns.append((plain_text(name, 60), values.__getitem__))
        self.left_out = max(0, len(named) - MAX_COLUMNS)

    def rows(self, point: int) -> list[list[str]]:
        """Give [name, text] for each column of one point; texts are cut at 200 characters."""
        rows = [[name, _cell(get, point)] for name, get in self.columns]
        return [*rows, ["…", f"{self.left_out} more columns"]] if self.left_out else rows


def _named_columns(hover: Any) -> list[tuple[str, object]]:
    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if pandas is not None and isinstance(hover, pandas.DataFrame):
        return [(plain_text(name), hover.iloc[:, i].copy()) for i, name in enumerate(hover.columns)]
    if polars is not None and isinstance(hover, polars.DataFrame):
        return [(s.name, s) for s in hover.get_columns()]
    if isinstance(hover, Mapping):
        if not hover:
            raise DataError("hover is an empty mapping; give at least one column, or None.")
        return [(plain_text(name), column) for name, column in hover.items()]
    return [(plain_text(getattr(hover, "name", None) or ""), hover)]


def _cell(get: Callable[[int], object], point: int) -> str:
    value = get(point)
    return "" if is_missing(value) else plain_text(value)
