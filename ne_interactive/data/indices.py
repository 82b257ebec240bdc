"""Points named by a person or a program: checked, sorted, each once."""

from typing import Any

import numpy as np
import torch

from ne_interactive.params.errors import ParameterError


def point_indices(points: Any, n: int, what: str = "indices") -> np.ndarray:
    """Give the indices of some of `n` points: ascending int64, each once, not to be written to.

    Args:
        points: whole numbers from 0 to n - 1 in any order, or a mask of n booleans; None for no point.
        n: number of points.
        what: what they are called in an error.

    Raises:
        ParameterError: not whole numbers, one of them out of range, or a mask of another length.
    """
    if isinstance(points, torch.Tensor):
        points = points.detach().cpu().numpy()
    try:
        given = np.asarray(() if points is None else points)
    except ValueError:
        given = np.empty((0, 0))
    if given.ndim == 0 and given.dtype.kind in "iu":
        given = given.reshape(1)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iub"):
        got = f"{type(points).__name__} ({given.dtype}, shape {given.shape})"
        raise ParameterError(
            f"{what} must be a list of whole numbers, or one boolean for each point; got {got}."
        )
    if given.dtype.kind == "b":
        if len(given) != n:
            raise ParameterError(
                f"{what} as booleans must have one for each of the {n} points; got {len(given)}."
            )
        given = np.flatnonzero(given)
    wrong = given[(given < 0) | (given >= n)]
    if wrong.size:
        raise ParameterError(f"{what} must lie in 0 to {n - 1}; got {wrong[0]}.")
    ascending = bool(np.all(given[1:] > given[:-1]))
    indices = given.astype(np.int64) if ascending else np.unique(given).astype(np.int64)
    indices.setflags(write=False)
    return indices
