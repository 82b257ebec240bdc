"""How strong an edge is at the distance of its ends, and what it costs, in compiled code, eight edges at once.

Each kernel is a named tuple of what its functions need; numba finds them by its type. Strengths are forces over the
difference of the ends, costs what these are the slopes of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba.extending import overload

from ne_interactive.forces.curve import FIRST, SHIFT
from ne_interactive.forces.vectors import alike, interpolated, root

ONE, TWO = np.float32(1), np.float32(2)
Function = Callable[..., Any]


def slope(kernel: Any, squared: Any) -> Any:
    """Strength of edges at squared distances, eight float32; compiled code only."""
    raise NotImplementedError


def cost(kernel: Any, squared: Any) -> Any:
    """What edges cost at squared distances, eight float32; compiled code only."""
    raise NotImplementedError


def _of(kind: type, name: Function) -> Callable[[Function], Function]:
    """Decorate the slope or the cost of a kernel of this type."""

    def known(function: Function) -> Function:
        @overload(name)
        def _(kernel, squared):
            return function if getattr(kernel, "instance_class", None) is kind else None

        return function

    return known


class Student(NamedTuple):
    """1 / (1 + d^2 / dof) of t-SNE; the cost is its negative logarithm.

    Attributes:
        inverse: 1 / dof.
        logs: a table of log(1 + t).
    """

    inverse: np.float32
    logs: np.ndarray


@_of(Student, slope)
def _student_slope(kernel, squared):
    return alike(ONE) / (alike(ONE) + squared * alike(kernel.inverse))


@_of(Student, cost)
def _student_cost(kernel, squared):
    return interpolated(kernel.logs, squared * alike(kernel.inverse), FIRST, SHIFT)


class Gaussian(NamedTuple):
    """1, of the kernel exp(-d^2) of SNE; the cost is d^2."""


@_of(Gaussian, slope)
def _gaussian_slope(kernel, squared):
    return alike(ONE)


@_of(Gaussian, cost)
def _gaussian_cost(kernel, squared):
    return squared


class Tabled(NamedTuple):
    """Any function of d^2, as UMAP's, by tables of its slopes and costs (`curve`)."""

    slopes: np.ndarray
    costs: np.ndarray


@_of(Tabled, slope)
def _tabled_slope(kernel, squared):
    return interpolated(kernel.slopes, squared, FIRST, SHIFT)


@_of(Tabled, cost)
def _tabled_cost(kernel, squared):
    return interpolated(kernel.costs, squared, FIRST, SHIFT)


class Saturating(NamedTuple):
    """2 b (plain + local / sqrt(D)) / (b + D)^2 with D = 1 + d^2, of PaCMAP and LocalMAP.

    Attributes:
        b: the D at which half of the plain loss is reached.
        plain: share of the plain loss.
        local: share of the local one, times its reach.
        costs: a table of the local loss at reach 1.
    """

    b: np.float32
    plain: np.float32
    local: np.float32
    costs: np.ndarray


@_of(Saturating, slope)
def _saturating_slope(kernel, squared):
    D = alike(ONE) + squared
    both, strength = alike(kernel.b) + D, alike(kernel.plain)
    if kernel.local != 0:
        strength = strength + alike(kernel.local) / root(D)
    return strength * alike(TWO * kernel.b) / (both * both)


@_of(Saturating, cost)
def _saturating_cost(kernel, squared):
    D = alike(ONE) + squared
    loss = alike(kernel.plain) * (D / (alike(kernel.b) + D))
    if kernel.local != 0:
        loss = loss + alike(kernel.local) * interpolated(kernel.costs, squared, FIRST, SHIFT)
    return loss
