"""Points of the plane as complex numbers: compiled loops load one number for each, not two."""

from __future__ import annotations

import numpy as np

__all__ = ["planar"]


def planar(Z: np.ndarray) -> np.ndarray:
    """Positions (..., 2) float32 as (...) complex64 in the same memory; those of other dimensions as they are."""
    return Z.view(np.complex64)[..., 0] if Z.shape[-1] == 2 else Z
