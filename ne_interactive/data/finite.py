"""Every number must be finite, and of a size whose squares are: where one is not, the message says where."""

import math
import warnings
from typing import Any

import numpy as np
import torch

from ne_interactive.params.errors import DataError

__all__ = ["check_finite", "check_size", "largest_finite", "warn_of_rounding", "warn_of_sameness"]

LARGEST = 1e15
"""Largest entry in absolute value; and data whose largest is below its inverse are refused too. Beyond these, squared
distances leave the range of float32: all points would be equally far, or all the same."""


def check_finite(
    values: torch.Tensor, raw: Any, names: tuple[str, ...] | None = None, name: str = "X"
) -> None:
    """Raise DataError unless all ``values`` (n, d), the float32 image of ``raw``, are finite.

    Data of extreme size are refused as well.
    The message calls them ``name``, names the first bad row and column and counts the bad entries; a finite number of
    ``raw`` beyond float32 is told from an infinite one.
    """
    size = largest_finite(values, raw, names, name=name)
    # of numbers too small for float32 only zeros are left
    check_size(size if size else float(abs(raw + 0.0).max()), name)


def largest_finite(
    values: torch.Tensor,
    raw: Any,
    names: tuple[str, ...] | None = None,
    *,
    name: str = "X",
    batch: int | None = None,
    row: int = 0,
) -> float:
    """Give the largest absolute entry of ``values``; raise DataError unless all are finite.

    ``batch`` is the number of the batch that they are, and ``row`` the number of its first row.
    """
    # Both ends in one pass, without a temporary of n x d flags; they are finite in nearly every call.
    low, high = (float(end) for end in values.aminmax())
    if math.isfinite(low) and math.isfinite(high):
        return max(-low, high)
    bad = ~torch.isfinite(values)
    count = int(bad.sum())
    i, j = (int(v) for v in bad.nonzero()[0])
    where = f"row {row + i}, column {j}" + (f" ({names[j]!r})" if names else "")
    given = float(raw[i, j])
    if math.isnan(given):
        what, advice = "NaN", "Drop those rows or impute the missing values first."
    elif math.isinf(given):
        what, advice = "infinity", "Drop or clip those values first."
    else:
        what, advice = f"{given:g}, beyond float32 (3.4e38; inf after conversion)", "Rescale the data first."
    raise DataError(
        f"{name} must be finite: no NaN, no infinity, nothing too large for float32; {count} "
        f"{'entry is' if count == 1 else 'entries are'} not{'' if batch is None else f' in batch {batch}'}, "
        f"the first at {where}: {what}. {advice}"
    )


def check_size(size: float, name: str = "X") -> None:
    """Raise DataError if the largest absolute entry is too large, or (unless 0) too small, to be squared in float32."""
    if size == 0 or 1 / LARGEST <= size <= LARGEST:
        return
    raise DataError(
        f"The largest entry of {name} must lie between {1 / LARGEST:g} and {LARGEST:g} in absolute value, so that "
        f"squared distances fit float32; got {size:g}. Rescale the data first, for example {name} / abs({name}).max()."
    )


NOTICED = 1 / 20
"""Of the way between neighbours: an error of rounding from which they are taken to be lost."""


def warn_of_rounding(
    values: torch.Tensor, raw: Any, names: tuple[str, ...] | None = None, name: str = "X"
) -> None:
    """Warn of columns of ``raw`` (n, d) whose differences are lost in ``values``, their float32 image.

    Such as seconds since 1970, where float32 has steps of 128, or a city's places in metres from the equator, with
    steps of half a metre. What counts is how far neighbours would lie apart if the rows filled a plane evenly.
    Only columns that hardly vary beside their size, in about a thousand of the rows, are looked at as a whole.
    """
    low, high = values[:: max(1, len(values) // 1000)].aminmax(dim=0)
    size = torch.maximum(-low, high)
    part = NOTICED / math.sqrt(len(values))  # of a column's range
    # Rounding changes a number by at most its 2**24th; the range of all rows may be twice that of some.
    close = ((high - low) * part <= size / 2**23) & (size > 0)
    lost = [j for j in close.nonzero()[:, 0].tolist() if _is_rounded(values[:, j], raw[:, j], part)]
    if lost:
        shown = ", ".join(repr(names[j]) if names else str(j) for j in lost[:5]) + (
            ", ..." if len(lost) > 5 else ""
        )
        warnings.warn(
            f"{len(lost)} of {values.shape[1]} columns of {name} differ by too little beside their size to be told "
            f"apart in float32: {shown}. Subtract their means first, for example {name} - {name}.mean(0).",
            stacklevel=2,
        )


def warn_of_sameness(values: torch.Tensor) -> None:
    """Warn where all rows of ``values`` (n, d) are equal."""
    some = values[:: max(1, len(values) // 1000)]
    if bool((some == values[0]).all()) and bool((values == values[0]).all()):
        warnings.warn(
            f"All {len(values):,} rows of X are equal: no row has nearer neighbours than others, and the map will show "
            "noise. Check how X was read.",
            stacklevel=2,
        )


def _is_rounded(values: torch.Tensor, raw: Any, part: float) -> bool:
    """Whether more than this part of a column's range is lost."""
    column = np.asarray(raw.cpu() if isinstance(raw, torch.Tensor) else raw, dtype=np.float64)
    return float(np.abs(column - values.cpu().numpy()).max()) > np.ptp(column) * part > 0
