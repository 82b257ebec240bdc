"""A density on a mesh convolved with a kernel, by FFT: on the CPU by the package's own transforms, else by torch's."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ne_interactive.forces import filter_numba
from ne_interactive.forces.compiled import compiled

SMALLEST = 32


class Filter:
    """What a kernel makes of densities.

    Args:
        transform: the kernel's real transform on a padded grid, (sizes), of the last dimension the first half.
        sizes: of that grid, as `good_sizes` has them.
        device: where densities are.
    """

    def __init__(self, transform: Tensor, sizes: tuple[int, ...], device: torch.device) -> None:
        self._transform, self._sizes = transform.to(device), sizes

    def __call__(self, density: Tensor, more: Tensor | None = None) -> Tensor:
        """The potential on a density's nodes, for all of which there must be padding; added to `more`, if given."""
        if not compiled(density) or density.dim() == 1:
            found = filtered(density, self._sizes, self._as_spectra)
            return found if more is None else found.add_(more)
        return filter_numba.filtered(density, self._sizes, self._factors, more)

    @functools.cached_property
    def _factors(self) -> NDArray[np.float32]:
        return filter_numba.factors(self._transform, self._sizes)

    @functools.cached_property
    def _as_spectra(self) -> Tensor:
        """The transform as spectra lie in memory, so that their product is quick."""
        c = len(self._sizes)
        order = _order(c)
        return self._transform.permute(order).contiguous().permute([order.index(dim) for dim in range(c)])


def filtered(density: Tensor, sizes: Sequence[int], transform: Tensor) -> Tensor:
    """The potential, by torch; rows known to be zero, or not needed, are left out of the transforms."""
    nodes = density.shape
    last = len(sizes) - 1
    f = _forward(density, sizes).mul_(transform)
    for dim in range(last):
        f = torch.fft.ifft(f, dim=dim).narrow(dim, 0, nodes[dim])
    return torch.fft.irfft(f, n=sizes[last], dim=last).narrow(last, 0, nodes[last]).contiguous()


def _forward(density: Tensor, sizes: Sequence[int]) -> Tensor:
    """The transform of a density."""
    last = len(sizes) - 1
    f = torch.fft.rfft(density, n=sizes[last], dim=last)
    for dim in range(last - 1, -1, -1):
        f = torch.fft.fft(f, n=sizes[dim], dim=dim)
    return f


@functools.cache
def _order(c: int) -> list[int]:
    """The c dimensions as spectra lie in memory, the one with the longest strides first."""
    strides = _forward(torch.zeros([8] * c), (8,) * c).stride()
    return sorted(range(c), key=lambda dim: -strides[dim])


@functools.cache
def _good_sizes(threes: int) -> list[int]:
    """Even lengths 2^a 3^b 5^c, which FFTs like; the more threes, the closer they lie."""
    sizes = {2**a * 3**b * 5**c for a in range(1, 20) for b in range(threes + 1) for c in range(3)}
    return sorted(size for size in sizes if size <= 2**19)


def good_sizes(needed: Sequence[int]) -> tuple[int, ...]:
    """Sizes at least as large that FFTs like."""
    good = _good_sizes(4 if len(needed) == 3 else 2)
    return tuple(next(size for size in good if size >= max(need, SMALLEST)) for need in needed)
