"""Numbers that the host knows, or that a device keeps because they change without the host's doing."""

from __future__ import annotations

import math

import torch
from torch import Tensor

Scalar = float | Tensor


def log(value: Scalar) -> Scalar:
    """Natural logarithm."""
    return torch.log(value) if isinstance(value, Tensor) else math.log(value)


def largest(*values: Scalar, least: float) -> Scalar:
    """The largest of some values, of which all or none are a device's, and `least`."""
    tensors = [value for value in values if isinstance(value, Tensor)]
    if tensors:
        return torch.stack(tensors).max().clamp_min(least)
    return max(*values, least)  # pyright: ignore[reportArgumentType]


def add_times(values: Tensor, more: Tensor, factor: Scalar) -> Tensor:
    """Add `factor * more` to the values, in place."""
    if isinstance(factor, Tensor):
        return values.addcmul_(more, factor)
    return values.add_(more, alpha=factor)
