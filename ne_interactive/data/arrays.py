"""Any table of numbers in, one float32 tensor through the package, the caller's kind of table out."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ne_interactive.data.finite import check_finite
from ne_interactive.params.errors import DataError

__all__ = ["Rows", "as_rows", "fingerprint", "like_input"]

MAX_DENSIFIED = 2**28
"""Entries (n x d) up to which a sparse matrix is made dense: 1 GiB of float32."""


@dataclass(frozen=True)
class Rows:
    """The data of one run.

    ``values`` is float32, (n, d), contiguous; ``kind`` is "numpy", "pandas", "polars" or "torch"; ``dtype`` is the
    caller's floating type (float32 for integers); ``index`` is a pandas index; ``names`` are the column names of a
    DataFrame; ``origin`` is the device that the caller's data were on.
    """

    values: torch.Tensor
    kind: str
    dtype: Any
    index: Any
    names: tuple[str, ...] | None
    origin: torch.device

    @property
    def n(self) -> int:
        """Number of points."""
        return self.values.shape[0]

    @property
    def d(self) -> int:
        """Number of input dimensions."""
        return self.values.shape[1]


class NotNumbersError(DataError, TypeError):
    """An entry of the data is no number at all."""


def as_rows(X: Any, *, device: torch.device | str | None = None, min_rows: int = 2) -> Rows:
    """Check data and bring them into one form.

    Args:
        X: (n, d) table of finite real numbers: NumPy array or memory map, nested list, pandas or polars DataFrame,
            torch tensor on any device, or SciPy sparse matrix. Contiguous writable float32 data are shared, not copied.
        device: where ``values`` shall lie; None leaves a tensor where it is and puts everything else on the CPU.
        min_rows: least number of points.

    Raises:
        DataError: Not two-dimensional, empty, too few rows, complex, text, NaN, infinite, or too large for float32.
    """
    kind, module = "numpy", type(X).__module__.partition(".")[0]
    index = names = None
    origin = torch.device("cpu")
    if isinstance(X, torch.Tensor):
        kind, origin = "torch", X.device
        raw: Any = X.detach()
        raw = raw.to_dense() if raw.layout != torch.strided else raw
    elif module == "pandas" and hasattr(X, "columns"):
        kind, index, names = "pandas", X.index, tuple(str(name) for name in X.columns)
        raw = _frame_numbers(X, [name for name, dtype in X.dtypes.items() if not _pandas_numeric(dtype)])
    elif module == "polars" and hasattr(X, "columns"):
        kind, names = "polars", tuple(X.columns)
        text = [
            name for name, dtype in X.schema.items() if not (dtype.is_numeric() or str(dtype) == "Boolean")
        ]
        raw = _frame_numbers(X, text)
    else:
        raw = _array_numbers(X)
    _check_shape(raw, min_rows)
    dtype = raw.dtype
    if not (dtype.is_floating_point if isinstance(raw, torch.Tensor) else dtype.kind == "f"):
        dtype = torch.float32 if isinstance(raw, torch.Tensor) else np.dtype(np.float32)
    values = _as_float32(raw)
    values = values.to(device if device is not None else origin).contiguous()
    check_finite(values, raw, names)
    return Rows(values, kind, dtype, index, names, origin)


def like_input(Z: torch.Tensor, rows: Rows) -> Any:
    """Give an embedding (n, c) back as the caller's kind of table.

    A DataFrame has the columns ne0, ne1, ... (and the caller's index in pandas); a tensor lies on the caller's
    device, without gradient; everything else is a NumPy array. The numbers are float32 in every case.
    """
    Z = Z.detach().to(torch.float32)
    if rows.kind == "torch":
        return Z.to(rows.origin)
    array = Z.cpu().numpy()
    columns = [f"ne{j}" for j in range(array.shape[1])]
    if rows.kind == "pandas":
        import pandas

        return pandas.DataFrame(array, columns=columns, index=rows.index)
    if rows.kind == "polars":
        import polars

        return polars.DataFrame({name: array[:, j] for j, name in enumerate(columns)})
    return array


def fingerprint(values: torch.Tensor) -> str:
    """Give the hex BLAKE2b digest of a tensor's shape and bytes: equal data, equal fingerprint."""
    array = np.ascontiguousarray(values.detach().cpu().numpy())
    digest = hashlib.blake2b(repr((array.shape, array.dtype.str)).encode(), digest_size=16)
    digest.update(array.data.cast("B"))
    return digest.hexdigest()


def _pandas_numeric(dtype: Any) -> bool:
    # A column of Python objects may hold numbers: it is tried entry by entry later.
    return getattr(dtype, "kind", "O") in "biufc" or (isinstance(dtype, np.dtype) and dtype.kind == "O")


def _frame_numbers(X: Any, text: list[Any]) -> np.ndarray:
    if text:
        shown = ", ".join(repr(name) for name in text[:5]) + (", ..." if len(text) > 5 else "")
        raise DataError(
            f"All columns must be numbers; {len(text)} of {X.shape[1]} are not: {shown}. "
            "Drop or encode them before embedding."
        )
    if type(X).__module__.startswith("pandas") and any(not isinstance(dtype, np.dtype) for dtype in X.dtypes):
        return X.to_numpy(dtype=np.float64, na_value=np.nan)
    return _array_numbers(X.to_numpy())


def _array_numbers(X: Any) -> np.ndarray:
    from scipy import sparse

    if sparse.issparse(X):
        entries = int(np.prod(X.shape, dtype=np.float64))
        if entries > MAX_DENSIFIED:
            raise DataError(
                f"Sparse data are made dense up to {MAX_DENSIFIED} entries; got shape={X.shape}, {entries} entries. "
                "Reduce the columns first, for example with sklearn.decomposition.TruncatedSVD."
            )
        X = X.toarray()
    try:
        array = np.asarray(X)
    except ValueError as error:  # rows of unequal length
        raise DataError(
            f"X must be a table with n rows and d columns; it could not be read as one: {error}"
        ) from None
    if array.dtype.kind == "c":
        raise DataError(
            f"Complex data not supported: X must hold real numbers; got {array.dtype}. Pass X.real."
        )
    if array.dtype.kind in "OUS":
        return _parsed(array)
    if array.dtype.kind not in "biuf":
        raise DataError(f"X must hold numbers; got dtype {array.dtype}. Convert it to floats first.")
    return array


def _parsed(array: np.ndarray) -> np.ndarray:
    try:
        return array.astype(np.float64)
    except TypeError as error:
        raise NotNumbersError(f"X must hold numbers only: {error}. Convert or drop such entries.") from None
    except ValueError as error:
        raise DataError(f"X must hold numbers only: {error}. Drop or encode text before embedding.") from None


def _check_shape(raw: Any, min_rows: int) -> None:
    shape = tuple(raw.shape)
    if isinstance(raw, torch.Tensor) and raw.is_complex():
        raise DataError(
            f"Complex data not supported: X must hold real numbers; got {raw.dtype}. Pass X.real."
        )
    if len(shape) != 2:
        raise DataError(
            f"Expected 2D array (n rows, d columns), got {len(shape)}D array instead (shape={shape}). "
            "Reshape your data: X.reshape(-1, 1) for a single feature, X.reshape(len(X), -1) for images."
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
    try:
        # torch converts with several threads; it reads neither foreign byte orders nor every integer type
        return torch.from_numpy(raw if raw.flags.writeable else raw.copy()).to(torch.float32)
    except (TypeError, ValueError):
        with np.errstate(over="ignore"):
            return torch.from_numpy(np.ascontiguousarray(raw, dtype=np.float32))
