"""What the card under the pointer shows: texts and a grey image, looked up one point at a time."""

import math
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from ne_interactive.params.errors import DataError
from ne_interactive.quality.labels import as_column
from ne_interactive.quality.text import is_missing, plain_text

MAX_COLUMNS = 20
MAX_SIDE = 512


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


class HoverImages:
    """One grey image of h x w pixels for each of n points."""

    def __init__(self, images: Any, n: int) -> None:
        """Take images (n, h, w), or (n, h*w) if square; uint8 as they are, other numbers scaled to 0 … 255.

        Raises:
            DataError: another shape or kind, or more than 512 pixels a side.
        """
        if isinstance(images, torch.Tensor):
            images = images.detach().cpu().float().numpy()
        array = np.asarray(images)
        if array.dtype.kind not in "buif":
            raise DataError(f"images must hold numbers; got {array.dtype}.")
        if array.ndim not in (2, 3) or len(array) != n:
            raise DataError(f"images must have the shape ({n}, h, w) or ({n}, h*w); got {array.shape}.")
        if array.ndim == 2:
            side = math.isqrt(array.shape[1])
            if side * side != array.shape[1]:
                raise DataError(
                    f"images of {array.shape[1]} pixels are not square: reshape them to ({n}, height, width)."
                )
            array = array.reshape(n, side, side)
        self.height, self.width = array.shape[1:]
        if not (1 <= self.height <= MAX_SIDE and 1 <= self.width <= MAX_SIDE):
            raise DataError(
                f"images must have 1 to {MAX_SIDE} pixels a side; got {self.height} x {self.width}."
            )
        self._images = array
        self._low, self._high = (0.0, 255.0) if array.dtype == np.uint8 else _range(array)

    def pixels(self, point: int) -> bytes:
        """Give h*w bytes, row by row from the top, 255 being the highest value."""
        image = np.nan_to_num(self._images[point].astype(np.float64), posinf=self._high, neginf=self._low)
        share = (image - self._low) / (self._high - self._low)
        return np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8).tobytes()


def _range(array: np.ndarray) -> tuple[float, float]:
    """Let zero stay black where nothing is negative, whatever the brightest pixel."""
    low, high = float(array.min()), float(array.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        finite = array[np.isfinite(array)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    low = min(low, 0.0)
    return low, high if high > low else low + 1.0
