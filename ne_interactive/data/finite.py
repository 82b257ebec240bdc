"""Every number must be finite: where one is not, the message says where and what to do."""

from typing import Any

import numpy as np
import torch

from ne_interactive.params.errors import DataError

__all__ = ["check_finite"]


def check_finite(values: torch.Tensor, raw: Any, names: tuple[str, ...] | None = None) -> None:
    """Raise DataError unless all ``values`` (n, d), the float32 image of ``raw``, are finite.

    The message names the first bad row and column and counts the bad entries; a finite number of ``raw`` beyond
    float32 is told from an infinite one.
    """
    # A sum over everything needs no temporary of n x d flags; it is finite in nearly every call.
    if bool(torch.isfinite(values.sum())):
        return
    bad = ~torch.isfinite(values)
    count = int(bad.sum())
    if count == 0:
        return
    row, column = (int(v) for v in bad.nonzero()[0])
    where = f"row {row}, column {column}" + (f" ({names[column]!r})" if names else "")
    given = float(np.float64(raw[row, column]))
    if np.isnan(given):
        what, advice = "NaN", "Drop those rows or impute the missing values first."
    elif np.isinf(given):
        what, advice = "infinity", "Drop or clip those values first."
    else:
        what, advice = f"{given:g}, beyond float32 (3.4e38; inf after conversion)", "Rescale the data first."
    raise DataError(
        f"X must be finite: no NaN, no infinity, nothing too large for float32; {count} "
        f"{'entry is' if count == 1 else 'entries are'} not, the first at {where}: {what}. {advice}"
    )
