"""What labels mean: a set of categories, or a scale of numbers."""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch

from ne_interactive.params.errors import DataError
from ne_interactive.quality.text import is_missing, plain_text

MAX_CATEGORIES = 65_535
MAX_INTEGER_CATEGORIES = 64
MISSING = "missing"


@dataclass(frozen=True)
class Labels:
    """One label for each of n points.

    `kind` is "none", "category" (then `ids` (n,) index `names`) or "number" (then `values` (n,) hold the
    numbers, NaN where missing, infinities clipped to the finite range; `limits` are those of the scale, None: of the
    values).
    """

    kind: str = "none"
    name: str = ""
    ids: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    names: list[str] = field(default_factory=list)
    values: np.ndarray = field(default_factory=lambda: np.empty(0, np.float64))
    limits: tuple[float, float] | None = None

    def scale(self) -> tuple[float, float]:
        """The lowest and the highest number of the scale; 0 and 1 where all are missing."""
        if self.limits:
            return self.limits
        known = self.values[~np.isnan(self.values)]
        return (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)


def read_labels(labels: object, n: int, what: str = "labels") -> Labels:
    """Decide what `labels` are, one for each of `n` points.

    Strings, booleans and integers with at most 64 different values are categories; other integers and floats
    are a scale. Categories are told apart by their text and sorted naturally ("2" before "10"); those of
    pandas keep their order. Missing categories (None, NaN) get the category "missing", which comes last. `what`
    they are is said in errors.

    Raises:
        DataError: not one label for each point, not one-dimensional, or more than 65,535 categories.
    """
    if labels is None:
        return Labels()
    name = plain_text(getattr(labels, "name", None) or "")
    categories = getattr(getattr(labels, "cat", labels), "categories", None)
    if categories is not None and hasattr(getattr(labels, "cat", labels), "codes"):
        cat: Any = getattr(labels, "cat", labels)
        codes = np.asarray(cat.codes)
        _check_length(len(codes), n, what)
        return _from_ids(codes, [plain_text(item) for item in categories], name)
    values = as_column(labels, what)
    _check_length(len(values), n, what)
    return _from_values(values, name)


def as_column(column: Any, what: str) -> np.ndarray:
    """Give a one-dimensional numpy array of a sequence, array, Series or tensor; Python objects stay objects.

    Raises:
        DataError: it is not a sequence, or has more than one dimension.
    """
    column = _native(column)
    if isinstance(column, np.ndarray):
        column = column[:, 0] if column.ndim == 2 and column.shape[1] == 1 else column
        if column.ndim != 1:
            shape = column.shape
            raise DataError(f"{what} must be one-dimensional, one value for each point; got shape {shape}.")
        return column
    if isinstance(column, str | bytes | Mapping) or not isinstance(column, Sequence):
        wanted = "a list, an array or a Series with one value for each point"
        raise DataError(f"{what} must be {wanted}; got {type(column).__name__}.")
    array = np.empty(len(column), dtype=object)
    for i, value in enumerate(column):
        if isinstance(value, list | tuple | np.ndarray):
            raise DataError(
                f"{what} must hold one value for each point; entry {i} is a {type(value).__name__}."
            )
        array[i] = value
    return array


def _native(column: Any) -> Any:
    """Give tensors and Series as numpy arrays, or as Python objects where numpy would lose what they hold."""
    polars = sys.modules.get("polars")
    if isinstance(column, torch.Tensor):
        column = column.detach().cpu()
        return (column.float() if column.dtype is torch.bfloat16 else column).numpy()
    if polars is not None and isinstance(column, polars.Series):
        whole = column.dtype.is_numeric() and not column.null_count()
        return column.to_numpy() if whole else column.to_list()
    if hasattr(column, "to_numpy") and getattr(column, "ndim", 1) == 1:
        # Dates, and the kinds of pandas that know NA, would become other values.
        simple = isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf"
        return column.to_numpy() if simple else column.to_numpy(dtype=object)
    return column


def _check_length(given: int, n: int, what: str) -> None:
    if given != n:
        raise DataError(f"{what} must have one entry for each of the {n} points; got {given}.")


def _from_values(values: np.ndarray, name: str) -> Labels:
    if values.dtype.kind == "f":
        return _from_numbers(values.astype(np.float64), name)
    if values.dtype.kind in "iu":
        distinct = np.unique(values)
        if len(distinct) > MAX_INTEGER_CATEGORIES:
            return _from_numbers(values.astype(np.float64), name)
        return _from_ids(np.searchsorted(distinct, values), [str(v) for v in distinct.tolist()], name)
    if values.dtype.kind == "b":
        return _from_ids(values.astype(np.int64), ["False", "True"], name)
    return _from_objects(values, name)


def _from_objects(values: np.ndarray, name: str) -> Labels:
    items = values.tolist() if values.dtype.kind in "OU" else list(values)
    missing = np.fromiter((is_missing(v) for v in items), bool, len(items))
    present = [v for v, gone in zip(items, missing, strict=True) if not gone]
    if present and not any(isinstance(v, bool | np.bool_) for v in present) and _all(present, Real):
        numbers = np.full(len(items), np.nan)
        numbers[~missing] = [_as_float(v) for v in present]
        if not _all(present, Integral) or len(set(present)) > MAX_INTEGER_CATEGORIES:
            return _from_numbers(numbers, name)
    texts = [plain_text(v) for v in present]
    whole = all(re.fullmatch("-?[0-9]{1,18}", text) for text in texts)
    names = sorted(set(texts), key=int if whole else _natural)
    place = {text: i for i, text in enumerate(names)}
    ids = np.full(len(items), -1, np.int64)
    ids[~missing] = [place[text] for text in texts]
    return _from_ids(ids, names, name)


def _all(values: Iterable[object], kind: type) -> bool:
    return all(isinstance(v, kind) for v in values)


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def _natural(text: str) -> tuple[list[tuple[int, int, str]], str]:
    parts = re.split(r"([0-9]+)", text.casefold())
    return [(0, int(p), "") if p.isdecimal() and p.isascii() else (1, 0, p) for p in parts if p], text


def _from_ids(ids: np.ndarray, names: list[str], name: str) -> Labels:
    """Drop categories that no point has, and give the points without one (-1) the category "missing"."""
    ids = ids.astype(np.int64)
    gone = ids < 0
    used = np.unique(ids[~gone])
    ids = np.where(gone, len(used), np.searchsorted(used, ids))
    names = [names[i] for i in used] + [MISSING] * bool(gone.any())
    if len(names) > MAX_CATEGORIES:
        raise DataError(
            f"labels may have at most {MAX_CATEGORIES:,} different values; got {len(names):,}. "
            "Give floats for a colour scale, or show the text with hover=."
        )
    return Labels("category", name, ids=ids, names=names)


def _from_numbers(values: np.ndarray, name: str) -> Labels:
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return _from_ids(np.full(len(values), -1), [], name)
    return Labels("number", name, values=np.clip(values, finite.min(), finite.max()))
