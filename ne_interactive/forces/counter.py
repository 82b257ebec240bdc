"""A counter-based random generator: the draw is a pure function of (seed, iteration, edge, draw).

No state to keep, no order to respect: every backend, thread count and repeat sees the same numbers. The mixing
function is SplitMix64's finaliser (Steele, Lea and Flood, doi:10.1145/2660193.2660195).
"""

from __future__ import annotations

from typing import overload

import numpy as np
import torch
from torch import Tensor

from ne_interactive.graph.parallel import serial

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_A = np.uint64(0xBF58476D1CE4E5B9)
MIX_B = np.uint64(0x94D049BB133111EB)
S30, S27, S31, S32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)


@overload
def key_of(seed: int, iteration: int) -> int: ...
@overload
def key_of(seed: int, iteration: Tensor) -> Tensor: ...
def key_of(seed: int, iteration: int | Tensor) -> int | Tensor:
    """The 64-bit key of one iteration; of an iteration that a device counts, on the device, int64."""
    mask = 2**64 - 1
    if isinstance(iteration, Tensor):
        return _mix_torch(_mix_torch(iteration + 1) + _signed((seed * int(GOLDEN)) & mask))
    return _mix_python((seed * int(GOLDEN) + _mix_python(iteration + 1)) & mask)


@serial
def draw(key, edge, number, n):
    """The number-th draw of an edge: an integer in [0, n), n < 2^31."""
    x = key ^ ((np.uint64(edge) * np.uint64(65536) + np.uint64(number)) * GOLDEN)
    x = (x ^ (x >> S30)) * MIX_A
    x = (x ^ (x >> S27)) * MIX_B
    x = x ^ (x >> S31)
    return np.int64(((x >> S32) * np.uint64(n)) >> S32)


def draw_torch(key: int | Tensor, edges: Tensor, numbers: Tensor, n: int | Tensor) -> Tensor:
    """`draw` for tensors of edges and numbers: the same integers, bit for bit."""
    own = key if isinstance(key, Tensor) else _signed(key)
    x = _mix_torch(own ^ ((edges * 65536 + numbers) * _signed(int(GOLDEN))))
    return _shift(_shift(x, 32) * n, 32)


def _mix_python(x: int) -> int:
    mask = 2**64 - 1
    x = ((x ^ (x >> 30)) * int(MIX_A)) & mask
    x = ((x ^ (x >> 27)) * int(MIX_B)) & mask
    return x ^ (x >> 31)


def _mix_torch(x: Tensor) -> Tensor:
    x = (x ^ _shift(x, 30)) * _signed(int(MIX_A))
    x = (x ^ _shift(x, 27)) * _signed(int(MIX_B))
    return x ^ _shift(x, 31)


def _signed(x: int) -> int:
    return x - 2**64 if x >= 2**63 else x


def _shift(x: Tensor, bits: int) -> Tensor:
    """Logical shift to the right; torch's own keeps the sign."""
    return torch.bitwise_and(x >> bits, 2 ** (64 - bits) - 1)
