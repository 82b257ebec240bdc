"""One map laid over another, so that only what differs in shape is left to see."""

from typing import Any

import numpy as np

from ne_interactive.data.arrays import as_map
from ne_interactive.params.errors import DataError

__all__ = ["aligned"]


def aligned(Z: Any, to: Any, *, scale: bool = True, reflection: bool = True) -> np.ndarray:
    """Move, turn, mirror and stretch a map as a whole so that it comes as near as possible to another.

    The least squares solution of orthogonal Procrustes analysis (Schönemann 1966, doi:10.1007/BF02289451; Gower 1975,
    doi:10.1007/BF02291478). Z and ``to`` (n, c) are maps of the same points in the same order; without ``scale`` or
    ``reflection`` Z is not stretched or not mirrored. Returns (n, c) float32.

    Raises:
        DataError: the maps differ in shape.
    """
    moved, fixed = (as_map(part, name).cpu().double().numpy() for name, part in (("Z", Z), ("to", to)))
    if moved.shape != fixed.shape:
        raise DataError(f"The maps must have one shape (n, c); got {moved.shape} and {fixed.shape}.")
    centre = fixed.mean(0)
    moved, fixed = moved - moved.mean(0), fixed - centre
    left, strengths, right = np.linalg.svd(moved.T @ fixed)
    if not reflection and np.linalg.det(left @ right) < 0:
        left[:, -1] *= -1  # the axis that loses least by it
        strengths[-1] *= -1
    size = float((moved**2).sum())
    factor = float(strengths.sum()) / size if scale and size > 0 else 1.0
    return (factor * moved @ left @ right + centre).astype(np.float32)
