"""Adam (Kingma and Ba, arXiv:1412.6980) as an update rule: one fused pass over the points on the CPU.

Each coordinate moves by about the learning rate whatever the size of its gradient, so that the sum over any number of
pairs needs no scale.
"""

from __future__ import annotations

import numba
import numpy as np
import torch
from numba import prange
from torch import Tensor

from ne_interactive.engine.rules import MAX_STEP, RULES, Centre, Own
from ne_interactive.forces.compiled import compiled
from ne_interactive.forces.planar import planar
from ne_interactive.forces.scalars import Scalar
from ne_interactive.graph.parallel import parallel

FIRST, SECOND = 0.9, 0.999  # shares of both moments that are kept
EPSILON = 1e-7


class Adam(Own):
    """Steps along the mean gradient, each coordinate's divided by its root mean square; each point's are limited."""

    def slots(self, Z: Tensor) -> dict[str, Tensor]:
        """First and second moment (n, c), and the updates made, a scalar."""
        return {
            "first": torch.zeros_like(Z),
            "second": torch.zeros_like(Z),
            "updates": torch.zeros((), dtype=torch.float64, device=Z.device),
        }

    def move(
        self,
        Z: Tensor,
        slots: dict[str, Tensor],
        gradient: Tensor,
        lr: Scalar,
        momentum: Scalar,
        centre: Centre = (),
        stiffness: Tensor | None = None,
    ) -> Scalar:
        """Fused on the CPU in single precision, by torch elsewhere; the gradient is left as it is."""
        slots["updates"] += 1
        moments = slots["first"], slots["second"]
        fused = compiled(Z)
        count: Scalar = float(slots["updates"]) if fused else slots["updates"]
        # the root mean square of the first `count` gradients is sqrt(second) / spread
        spread = (1 - SECOND**count) ** 0.5
        rate = lr * spread / (1 - FIRST**count)
        if not fused:
            return adam_torch(Z, *moments, gradient, rate, EPSILON * spread)
        sums = np.zeros(numba.get_num_threads())
        arrays = (planar(tensor.numpy()) for tensor in (Z, *moments, gradient))
        kernel = _adam2 if Z.shape[1] == 2 else _adam
        kernel(*arrays, np.float32(rate), np.float32(EPSILON * spread), sums)
        return float(sums.sum())


def adam_torch(
    Z: Tensor, first: Tensor, second: Tensor, gradient: Tensor, rate: Scalar, epsilon: Scalar
) -> Tensor:
    """The reference for the fused pass, on any device and in any precision."""
    first.mul_(FIRST).add_(gradient, alpha=1 - FIRST)
    second.mul_(SECOND).addcmul_(gradient, gradient, value=1 - SECOND)
    step = first * rate / (second.sqrt() + epsilon)
    length = step.norm(dim=1, keepdim=True)
    step *= torch.where(length > MAX_STEP, MAX_STEP / length, 1.0)
    Z.sub_(step)
    return step.double().square().sum()


@parallel
def _adam2(Z, first, second, gradient, rate, epsilon, sums):
    """In two dimensions; arrays are `planar`."""
    keep, take = np.float32(FIRST), np.float32(1 - FIRST)
    hold, add = np.float32(SECOND), np.float32(1 - SECOND)
    longest = np.float32(MAX_STEP)
    n, threads = len(Z), len(sums)
    for s in prange(threads):
        total = 0.0
        for i in range(np.uint64(s * n // threads), np.uint64((s + 1) * n // threads)):
            g, m, v = gradient[i], first[i], second[i]
            mx, my = keep * m.real + take * g.real, keep * m.imag + take * g.imag
            vx, vy = hold * v.real + add * g.real * g.real, hold * v.imag + add * g.imag * g.imag
            x, y = rate * mx / (np.sqrt(vx) + epsilon), rate * my / (np.sqrt(vy) + epsilon)
            squared = x * x + y * y
            if squared > longest * longest:
                shrink = longest / np.sqrt(squared)
                x, y, squared = shrink * x, shrink * y, longest * longest
            first[i], second[i] = complex(mx, my), complex(vx, vy)
            Z[i] = complex(Z[i].real - x, Z[i].imag - y)
            total += squared
        sums[s] = total


@parallel
def _adam(Z, first, second, gradient, rate, epsilon, sums):
    n, c = Z.shape
    keep, take = np.float32(FIRST), np.float32(1 - FIRST)
    hold, add = np.float32(SECOND), np.float32(1 - SECOND)
    longest = np.float32(MAX_STEP)
    threads = len(sums)
    for s in prange(threads):
        step = np.empty(c, np.float32)
        for i in range(s * n // threads, (s + 1) * n // threads):
            squared = np.float32(0)
            for k in range(c):
                g = gradient[i, k]
                m = keep * first[i, k] + take * g
                v = hold * second[i, k] + add * g * g
                first[i, k], second[i, k] = m, v
                step[k] = rate * m / (np.sqrt(v) + epsilon)
                squared += step[k] * step[k]
            shrink = np.float32(1)
            if squared > longest * longest:
                shrink = longest / np.sqrt(squared)
                squared = longest * longest
            for k in range(c):
                Z[i, k] -= shrink * step[k]
            sums[s] += squared


RULES["adam"] = Adam()
