"""How a gradient moves the embedding, in place.

`gains`: momentum with a gain for each coordinate that grows while its direction is kept (Jacobs 1988,
doi:10.1016/0893-6080(88)90003-2; van der Maaten and Hinton 2008), with every point's step limited and the map
kept centred; one fused pass. `momentum`: the same without gains, for methods that scale their own steps, as UMAP.
"""

from __future__ import annotations

from typing import Protocol

import numba
import numpy as np
import torch
from numba import prange
from torch import Tensor

from ne_interactive.forces.compiled import compiled
from ne_interactive.forces.planar import planar
from ne_interactive.forces.scalars import Scalar, add_times
from ne_interactive.graph.parallel import parallel, serial

MAX_STEP = 5.0  # embedding units an iteration; a hasty change of parameters must not tear the map
MIN_GAIN = 0.01
DRAG = 0.04  # of steps without gains, for each unit of their length: a torn map cools down, others hardly feel it

Centre = tuple[float, ...] | None


class Rule(Protocol):
    """An update rule; it remembers nothing itself, its memory is the state's slots.

    Attributes:
        recordable: whether a device may repeat its steps as they were recorded: the host has no part in them.
    """

    recordable: bool

    def slots(self, Z: Tensor) -> dict[str, Tensor]:
        """The memory of a run that starts at Z (n, c), at rest."""
        ...

    def fresh(self, Z: Tensor, lr: Scalar) -> dict[str, Tensor]:
        """The memory of some points (m, c) as it is where nothing has moved them yet, at a learning rate."""
        ...

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
        """Move Z and the slots in place; returns the summed squared step of all points, as a tensor on its device.

        A rule that keeps the map centred does so on `centre`, (c,); () is the origin, None leaves the map as it is.
        Rules of our own limit the step of each point by `stiffness` (n,), if given (`limited`).
        """
        ...


class Own:
    """What the rules of our own have in common: a start tells all of their memory."""

    recordable = True

    def slots(self, Z: Tensor) -> dict[str, Tensor]:
        """Nothing is remembered."""
        return {}

    def fresh(self, Z: Tensor, lr: Scalar) -> dict[str, Tensor]:
        """As at the start."""
        return self.slots(Z)


class Gains(Own):
    """Momentum with a gain for each coordinate."""

    def slots(self, Z: Tensor) -> dict[str, Tensor]:
        """Velocity and gains, (n, c) each."""
        return {"velocity": torch.zeros_like(Z), "gain": torch.ones_like(Z)}

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
        """Fused on the CPU in single precision, by torch elsewhere; stiffness, if given, takes the gains' place."""
        if stiffness is not None:
            slots["gain"].fill_(1)
            return glide(Z, slots["velocity"], gradient, stiffness, lr, momentum, centre)
        return gains(Z, slots["velocity"], slots["gain"], gradient, lr, momentum, centre)


class Momentum(Own):
    """Momentum, without gains."""

    def slots(self, Z: Tensor) -> dict[str, Tensor]:
        """Velocity, (n, c)."""
        return {"velocity": torch.zeros_like(Z)}

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
        """As far as stiffness, where known, allows."""
        return glide(Z, slots["velocity"], gradient, stiffness, lr, momentum, centre)


RULES: dict[str, Rule] = {"gains": Gains(), "momentum": Momentum()}


def limited(gradient: Tensor, stiffness: Tensor, lr: Scalar) -> Tensor:
    """A gradient (n, c) along which no rate is too large, since each point's part is divided by 1 + 2 lr stiffness.

    The stiffness (n,) is what a point's edges pull with, over the differences. Springs thus scaled have no eigenvalue
    above 1: a large rate becomes half a step of Jacobi's method, a small one stays what it is. In place.
    """
    return gradient.div_(stiffness.mul_(2 * lr).add_(1).unsqueeze(1))


def glide(
    Z: Tensor,
    velocity: Tensor,
    gradient: Tensor,
    stiffness: Tensor | None,
    lr: Scalar,
    momentum: Scalar,
    centre: Centre,
) -> Scalar:
    """Move Z (n, c) and its velocity in place, without gains, as far as stiffness allows; the summed squared step."""
    if not compiled(Z):
        return glide_torch(Z, velocity, gradient, stiffness, lr, momentum, centre)
    sums = np.empty((numba.get_num_threads(), Z.shape[1] + 1))
    held = np.empty(0, np.float32) if stiffness is None else stiffness.numpy()
    arrays = planar(Z.numpy()), planar(velocity.numpy()), planar(gradient.numpy()), held
    kernel = _glide2 if Z.shape[1] == 2 else _glide
    kernel(*arrays, np.float32(lr), np.float32(momentum), np.float32(DRAG), np.float32(MAX_STEP), sums)
    return _centred(Z, sums.sum(0), centre)


def glide_torch(
    Z: Tensor,
    velocity: Tensor,
    gradient: Tensor,
    stiffness: Tensor | None,
    lr: Scalar,
    momentum: Scalar,
    centre: Centre,
) -> Tensor:
    """The reference for `glide`, on any device and in any precision."""
    gradient = gradient if stiffness is None else limited(gradient.clone(), stiffness.clone(), lr)
    velocity.mul_(momentum / (1 + DRAG * velocity.norm(dim=1, keepdim=True)))
    add_times(velocity, gradient, -lr)
    return _moved(Z, velocity, centre)


def gains(
    Z: Tensor,
    velocity: Tensor,
    gain: Tensor,
    gradient: Tensor,
    lr: Scalar,
    momentum: Scalar,
    centre: Centre = (),
) -> Scalar:
    """Move Z (n, c), and its velocity and gains, in place; returns the summed squared step of all points."""
    if not compiled(Z):
        return gains_torch(Z, velocity, gain, gradient, lr, momentum, centre)
    sums = np.empty((numba.get_num_threads(), Z.shape[1] + 1))
    arrays = [planar(values.numpy()) for values in (Z, velocity, gain, gradient)]
    kernel = _gains2 if Z.shape[1] == 2 else _gains
    kernel(*arrays, np.float32(lr), np.float32(momentum), np.float32(MAX_STEP), sums)
    return _centred(Z, sums.sum(0), centre)


def _centred(Z: Tensor, totals: np.ndarray, centre: Centre) -> float:
    """Move Z to its centre, given the sum of its coordinates and, passed on, that of the squared steps."""
    if centre is not None:
        off = totals[:-1] / len(Z) - (np.array(centre) if centre else 0.0)
        _shift(Z.numpy(), off.astype(np.float32))
    return float(totals[-1])


def gains_torch(
    Z: Tensor,
    velocity: Tensor,
    gain: Tensor,
    gradient: Tensor,
    lr: Scalar,
    momentum: Scalar,
    centre: Centre = (),
) -> Scalar:
    """The reference for `gains`, on any device and in any precision."""
    consistent = (gradient > 0) != (velocity > 0)
    gain.copy_(torch.where(consistent, gain + 0.2, (gain * 0.8).clamp_min(MIN_GAIN)))
    velocity.mul_(momentum).sub_(lr * gain * gradient)
    return _moved(Z, velocity, centre)


def _moved(Z: Tensor, velocity: Tensor, centre: Centre) -> Tensor:
    """Move Z by its velocity, which is limited, and centre it; the summed squared step."""
    length = velocity.norm(dim=1, keepdim=True)
    velocity.mul_(torch.where(length > MAX_STEP, MAX_STEP / length, 1.0))
    Z.add_(velocity)
    if centre is not None:
        off = Z.mean(0)
        if centre:  # made where it is needed: the host would have to send it
            off -= torch.stack([torch.full_like(off[0], value) for value in centre])
        Z.sub_(off)
    return velocity.double().square().sum()


@serial
def _gained(gain, velocity, gradient):
    if (gradient > 0) != (velocity > 0):
        return gain + np.float32(0.2)
    return max(gain * np.float32(0.8), np.float32(MIN_GAIN))


# In two dimensions arrays are `planar`. Sums of a thread are its own until its end: two threads that add to numbers
# which lie side by side in memory wait for each other. The limit of a step stands in each loop: called, it is not
# vectorised, and takes three times as long.


@parallel
def _gains2(Z, velocity, gain, gradient, lr, momentum, max_step, sums):
    n, threads = len(Z), len(sums)
    for s in prange(threads):
        sx, sy, total = 0.0, 0.0, 0.0
        for i in range(np.uint64(s * n // threads), np.uint64((s + 1) * n // threads)):
            v, g = velocity[i], gradient[i]
            ax, ay = _gained(gain[i].real, v.real, g.real), _gained(gain[i].imag, v.imag, g.imag)
            vx, vy = momentum * v.real - lr * ax * g.real, momentum * v.imag - lr * ay * g.imag
            squared = vx * vx + vy * vy
            if squared > max_step * max_step:
                shrink = max_step / np.sqrt(squared)
                vx, vy, squared = shrink * vx, shrink * vy, max_step * max_step
            x, y = Z[i].real + vx, Z[i].imag + vy
            gain[i], velocity[i], Z[i] = complex(ax, ay), complex(vx, vy), complex(x, y)
            sx += x
            sy += y
            total += squared
        sums[s, 0], sums[s, 1], sums[s, 2] = sx, sy, total


@parallel
def _gains(Z, velocity, gain, gradient, lr, momentum, max_step, sums):
    n, c = Z.shape
    threads = len(sums)
    for s in prange(threads):
        own = np.zeros(c + 1)
        for i in range(s * n // threads, (s + 1) * n // threads):
            squared = np.float32(0)
            for k in range(c):
                g, v = gradient[i, k], velocity[i, k]
                a = _gained(gain[i, k], v, g)
                v = momentum * v - lr * a * g
                gain[i, k], velocity[i, k] = a, v
                squared += v * v
            if squared > max_step * max_step:
                shrink = max_step / np.sqrt(squared)
                for k in range(c):
                    velocity[i, k] *= shrink
                squared = max_step * max_step
            for k in range(c):
                Z[i, k] += velocity[i, k]
                own[k] += Z[i, k]
            own[c] += squared
        sums[s] = own


@parallel
def _glide2(Z, velocity, gradient, stiffness, lr, momentum, drag, max_step, sums):
    one, two = np.float32(1), np.float32(2)
    n, threads = len(Z), len(sums)
    for s in prange(threads):
        sx, sy, total = 0.0, 0.0, 0.0
        for i in range(np.uint64(s * n // threads), np.uint64((s + 1) * n // threads)):
            rate = lr / (one + two * lr * stiffness[i]) if len(stiffness) else lr
            v, g = velocity[i], gradient[i]
            kept = momentum / (one + drag * np.sqrt(v.real * v.real + v.imag * v.imag))
            vx, vy = kept * v.real - rate * g.real, kept * v.imag - rate * g.imag
            squared = vx * vx + vy * vy
            if squared > max_step * max_step:
                shrink = max_step / np.sqrt(squared)
                vx, vy, squared = shrink * vx, shrink * vy, max_step * max_step
            x, y = Z[i].real + vx, Z[i].imag + vy
            velocity[i], Z[i] = complex(vx, vy), complex(x, y)
            sx += x
            sy += y
            total += squared
        sums[s, 0], sums[s, 1], sums[s, 2] = sx, sy, total


@parallel
def _glide(Z, velocity, gradient, stiffness, lr, momentum, drag, max_step, sums):
    one, two = np.float32(1), np.float32(2)
    n, c = Z.shape
    threads = len(sums)
    for s in prange(threads):
        own = np.zeros(c + 1)
        for i in range(s * n // threads, (s + 1) * n // threads):
            rate = lr / (one + two * lr * stiffness[i]) if len(stiffness) else lr
            speed, squared = np.float32(0), np.float32(0)
            for k in range(c):
                speed += velocity[i, k] * velocity[i, k]
            kept = momentum / (one + drag * np.sqrt(speed))
            for k in range(c):
                v = kept * velocity[i, k] - rate * gradient[i, k]
                velocity[i, k] = v
                squared += v * v
            if squared > max_step * max_step:
                shrink = max_step / np.sqrt(squared)
                for k in range(c):
                    velocity[i, k] *= shrink
                squared = max_step * max_step
            for k in range(c):
                Z[i, k] += velocity[i, k]
                own[k] += Z[i, k]
            own[c] += squared
        sums[s] = own


@parallel
def _shift(Z, offset):
    for i in prange(len(Z)):
        for k in range(Z.shape[1]):
            Z[i, k] -= offset[k]
