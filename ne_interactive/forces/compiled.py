"""Which tensors the package's compiled loops serve; torch's versions serve all others."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["compiled"]


def compiled(values: Tensor) -> bool:
    """Whether they are in single precision and on the CPU."""
    return values.device.type == "cpu" and values.dtype == torch.float32
