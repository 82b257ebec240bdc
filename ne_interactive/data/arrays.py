"""Any table of numbers in, one form of it through the package, the caller's kind of table out."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ne_interactive.data.finite import check_finite, warn_of_rounding, warn_of_sameness
from ne_interactive.data.precomputed import Precomputed, dense_distances, known_neighbors, sparse_distances
from ne_interactive.data.streamed import Streamed, is_stream, stream
from ne_interactive.data.table import Rows, Table, fingerprint, like_input
from ne_interactive.params.errors import DataError

__all__ = [
    "Precomputed",
    "Rows",
    "Streamed",
    "Table",
    "as_map",
    "as_rows",
    "as_table",
    "fingerprint",
    "like_input",
]

MAX_DENSIFIED = 2**28
"""Entries (n x d) up to which a sparse matrix is made dense: 1 GiB of float32."""
BLOCK_ENTRIES = 2**24
"""Entries that are converted at once where the array itself cannot be shared."""


class NotNumbersError(DataError, TypeError):
    """An entry of the data is no number at all."""


def as_rows(
    X: Any, *, device: torch.device | str | None = None, min_rows: int = 2, metric: str = "euclidean"
) -> Table:
    """Check data and bring them into one form.

    Args:
        X: (n, d) table of finite real numbers: NumPy array, nested list, pandas or polars DataFrame, torch tensor of
            any type on any device, SciPy sparse matrix, or an object with tables ``X`` and ``obs`` such as AnnData.
            Contiguous writable float32 data are shared, not copied; a read-only memory map is read once, in blocks.
            Or a torch DataLoader, or another object that gives batches (b, d) whenever it is iterated over: these are
            read in several passes and never held at once.
        device: where the numbers shall lie; None leaves a tensor where it is and puts everything else on the CPU.
        min_rows: least number of points.
        metric: "precomputed" reads X as distances: a matrix (n, n) of all, a SciPy sparse matrix whose rows hold those
            of each point's neighbours, or a pair (indices, distances) of neighbours, both (n, k).

    Returns:
        `Rows`, `Streamed` or `Precomputed`.

    Raises:
        DataError: Not two-dimensional, empty, too few rows, complex, text, NaN, infinite, or too large for float32.
    """
    if metric == "precomputed":
        return _precomputed(X, device, min_rows)
    if is_stream(X):
        return stream(X, device=device, min_rows=min_rows)
    return as_table(X, device=device, min_rows=min_rows)


def as_table(X: Any, *, device: torch.device | str | None = None, min_rows: int = 2) -> Rows:
    """Do what `as_rows` does for data that are in memory."""
    rows = _read(X, "X", device, min_rows)
    if min_rows > 1:  # to be embedded, not placed among others
        warn_of_sameness(rows.values)
    return rows


def as_map(Z: Any, name: str = "Z") -> torch.Tensor:
    """Check a map as data are, and give its positions (n, c) float32; what is wrong is said of ``name``."""
    return _read(Z, name).values


def _read(X: Any, name: str, device: torch.device | str | None = None, min_rows: int = 2) -> Rows:
    raw, kind, index, names, origin = _numbers(X, name)
    _check_shape(raw, min_rows, name)
    dtype = raw.dtype
    if not (dtype.is_floating_point if isinstance(raw, torch.Tensor) else dtype.kind == "f"):
        dtype = torch.float32 if isinstance(raw, torch.Tensor) else np.dtype(np.float32)
    values = _as_float32(raw)
    values = values.to(device if device is not None else origin).contiguous()
    check_finite(values, raw, names, name)
    if raw.dtype.itemsize > 2 and str(raw.dtype).removeprefix("torch.") != "float32":
        warn_of_rounding(values, raw, names, name)
    return Rows(values, kind, dtype, index, names, origin)


def _precomputed(X: Any, device: torch.device | str | None, min_rows: int) -> Precomputed:
    from scipy import sparse

    if sparse.issparse(X):
        return sparse_distances(X, torch.device(device or "cpu"), min_rows)
    if is_stream(X):
        raise DataError("metric='precomputed' wants distances in memory; got a stream of batches.")
    if isinstance(X, tuple | list) and len(X) == 2 and all(np.ndim(part) == 2 for part in X):
        return known_neighbors(X[0], as_table(X[1], device=device, min_rows=min_rows))
    return dense_distances(as_table(X, device=device, min_rows=min_rows))


def _numbers(X: Any, name: str) -> tuple[Any, str, Any, tuple[str, ...] | None, torch.device]:
    """Give the numbers of X as an array or tensor, and its kind, index, names and device."""
    cpu, module = torch.device("cpu"), type(X).__module__.partition(".")[0]
    if isinstance(X, torch.Tensor):
        raw = X.detach()
        if raw.layout != torch.strided:
            _check_densified(raw.shape)
            raw = raw.to_dense()
        return raw, "torch", None, None, X.device
    if module == "pandas" and hasattr(X, "columns"):
        text = [column for j, column in enumerate(X.columns) if not _pandas_numeric(X.iloc[:, j])]
        return _frame_numbers(X, text, name), "pandas", X.index, tuple(map(str, X.columns)), cpu
    if module == "polars" and hasattr(X, "collect"):
        X = X.collect()
    if module == "polars" and hasattr(X, "columns"):
        text = [
            column
            for column, dtype in X.schema.items()
            if not (dtype.is_numeric() or str(dtype) == "Boolean")
        ]
        return _frame_numbers(X, text, name), "polars", None, tuple(X.columns), cpu
    if hasattr(X, "X") and hasattr(X, "obs"):
        return _annotated_numbers(X, name)
    return _array_numbers(X, name), "numpy", None, None, cpu


def _annotated_numbers(X: Any, name: str) -> tuple[Any, str, Any, tuple[str, ...] | None, torch.device]:
    """Read the main matrix of an annotated data set, one row per observation."""
    if X.X is None:
        raise DataError(
            f"{type(X).__name__}.X is None: there are no numbers. Pass one of its layers or obsm tables."
        )
    matrix = X.X.to_memory() if hasattr(X.X, "to_memory") else X.X
    raw = _numbers(matrix, name)[0]
    names = getattr(X, "var_names", None)
    return (
        raw.cpu().numpy() if isinstance(raw, torch.Tensor) else raw,
        "numpy",
        getattr(X, "obs_names", None),
        None if names is None else tuple(str(name) for name in names),
        torch.device("cpu"),
    )


def _pandas_numeric(column: Any) -> bool:
    dtype = column.dtype
    if not (isinstance(dtype, np.dtype) and dtype.kind == "O"):
        return getattr(dtype, "kind", "O") in "biufc"
    try:  # a column of Python objects may hold numbers, or what is read as numbers
        column.to_numpy().astype(np.float64)
    except ValueError:
        return False
    except TypeError:  # an entry that is no number at all is named later
        pass
    return True


def _frame_numbers(X: Any, text: list[Any], name: str) -> np.ndarray:
    if text:
        shown = ", ".join(map(repr, text[:5])) + (", ..." if len(text) > 5 else "")
        raise DataError(
            f"All columns must be numbers; {len(text)} of {X.shape[1]} are not: {shown}. "
            "Drop or encode them before embedding."
        )
    if type(X).__module__.startswith("pandas") and any(not isinstance(dtype, np.dtype) for dtype in X.dtypes):
        return X.to_numpy(dtype=np.float64, na_value=np.nan)
    return _array_numbers(X.to_numpy(), name)


def _array_numbers(X: Any, name: str) -> np.ndarray:
    from scipy import sparse

    if sparse.issparse(X):
        _check_densified(X.shape)
        X = X.toarray()
    if np.ma.is_masked(X):
        raise DataError(
            f"{name} has masked entries. Impute them, for example with {name}.filled(0), or drop their rows first."
        )
    try:
        array = np.asarray(X)
    except ValueError as error:  # rows of unequal length
        raise DataError(
            f"{name} must be a table with n rows and d columns; it could not be read as one: {error}"
        ) from None
    if array.dtype.kind == "c":
        raise DataError(
            f"Complex data not supported: {name} must hold real numbers; got {array.dtype}. Pass {name}.real."
        )
    if array.dtype.kind in "OUS":
        return _parsed(array, name)
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} must hold numbers; got dtype {array.dtype}. Convert it to floats first.")
    return array


def _check_densified(shape: Sequence[int]) -> None:
    entries = math.prod(shape)
    if entries > MAX_DENSIFIED:
        raise DataError(
            f"Sparse data are made dense up to {MAX_DENSIFIED} entries; got shape={tuple(shape)}, {entries} entries. "
            "Reduce the columns first, for example with sklearn.decomposition.TruncatedSVD."
        )


def _parsed(array: np.ndarray, name: str) -> np.ndarray:
    try:
        return array.astype(np.float64)
    except TypeError as error:
        raise NotNumbersError(
            f"{name} must hold numbers only: {error}. Convert or drop such entries."
        ) from None
    except ValueError as error:
        raise DataError(
            f"{name} must hold numbers only: {error}. Drop or encode text before embedding."
        ) from None


def _check_shape(raw: Any, min_rows: int, name: str) -> None:
    shape = tuple(raw.shape)
    if isinstance(raw, torch.Tensor) and raw.is_complex():
        raise DataError(
            f"Complex data not supported: {name} must hold real numbers; got {raw.dtype}. Pass {name}.real."
        )
    if len(shape) != 2:
        raise DataError(
            f"Expected 2D array (n rows, d columns), got {len(shape)}D array instead (shape={shape}). "
            f"Reshape your data: {name}.reshape(-1, 1) for a single feature, {name}.reshape(len({name}), -1) for "
            "images."
        )
    if shape[0] < min_rows:
        raise DataError(
            f"Found array with {shape[0]} sample(s) (shape={shape}) while a minimum of {min_rows} is required. "
            "Pass more rows."
        )
    if shape[1] < 1:
        raise DataError(
            f"Found array with 0 feature(s) (shape={shape}) while a minimum of 1 is required. Pass at least one column."
        )


def _as_float32(raw: Any) -> torch.Tensor:
    if isinstance(raw, torch.Tensor):
        return raw.to(torch.float32)
    if raw.flags.writeable:
        try:
            # torch converts with several threads; it reads neither foreign byte orders nor every integer type
            return torch.from_numpy(raw).to(torch.float32)
        except (TypeError, ValueError):
            pass
    values = np.empty(raw.shape, np.float32)
    step = max(1, BLOCK_ENTRIES // raw.shape[1])
    with np.errstate(over="ignore"):
        for first in range(0, len(raw), step):
            values[first : first + step] = raw[first : first + step]
    return torch.from_numpy(values)
