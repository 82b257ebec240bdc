"""Points of the plane as complex numbers: compiled loops load one number for each, not two."""

from __future__ import annotations

import numpy as np

from ne_interactive.graph.parallel import serial

__all__ = ["apart", "planar"]


def planar(Z: np.ndarray) -> np.ndarray:
    """Positions (..., 2) float32 as (...) complex64 in the same memory; those of other dimensions as they are."""
    return Z.view(np.complex64)[..., 0] if Z.shape[-1] == 2 else Z


@serial
def apart(Z, i, j):
    """Squared distance of two points; positions are `planar` or (n, c)."""
    if Z.ndim == 1:
        side = Z[i] - Z[j]
        return side.real * side.real + side.imag * side.imag
    squared = np.float32(0)
    for k in range(Z.shape[1]):
        squared += (Z[i, k] - Z[j, k]) * (Z[i, k] - Z[j, k])
    return squared
