"""Losses differentiated by autograd, and the generic objective: one affinity of the embedding matched to P."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ne_interactive.engine.protocol import At, Gradient
from ne_interactive.graph.affinity import Affinity
from ne_interactive.graph.families import as_affinity
from ne_interactive.params.errors import ParameterError

ALL_PAIRS = 12_000  # points up to which n x n matrices of the embedding are differentiated

Loss = Callable[[Tensor, At], Tensor]
_failed: set[str] = set()


def differentiate(loss: Loss, at: At, want_loss: bool, compiled: bool = False) -> Gradient:
    """Gradient of a loss at the state's positions; the loss stays where it was computed, as reading waits."""
    Z = at.state.positions.detach().requires_grad_()
    with torch.enable_grad():
        value = _compiled(loss, Z, at) if compiled else loss(Z, at)
        (gradient,) = torch.autograd.grad(value, Z)
    return Gradient(gradient, value.detach() if want_loss else math.nan)


def edges(Z: Tensor, at: At) -> Tensor:
    """Squared distances along the edges of P, (nnz,), differentiable."""
    return (Z[at.graph.rows] - Z[at.graph.indices.long()]).square().sum(1)


def pairs(Z: Tensor) -> Tensor:
    """Squared distances of all pairs, (n, n), differentiable; the diagonal is infinite."""
    squared = (Z[:, None] - Z[None]).square().sum(2)
    return squared + torch.diag(torch.full((len(Z),), torch.inf, dtype=Z.dtype, device=Z.device))


@dataclass(frozen=True)
class Matching:
    """The cross-entropy of P and an affinity Q of the embedding, over all pairs.

    Split as lambda * (-sum P log K) + rho * (sum P log N), where Q = K / N: kernel and normaliser.
    """

    affinity: Affinity

    @classmethod
    def of(cls, method: Any, n: int) -> Matching | None:
        """What `affinity_out` asks for; None where it is "auto".

        Raises:
            ParameterError: if it is no normalised affinity, the method has none, or there are too many points.
        """
        wanted, owner = method.affinity_out, type(method).__name__
        kwargs = method.kwargs_affinity_out
        if isinstance(wanted, str) and wanted == "auto":
            if kwargs:
                raise ParameterError(
                    f"{owner}.kwargs_affinity_out are for affinity_out, which is 'auto'. Name one."
                )
            return None
        if not (kwargs is None or isinstance(kwargs, Mapping)):
            raise ParameterError(f"{owner}.kwargs_affinity_out must be a dictionary; got {kwargs!r}.")
        if not method.takes_affinity_out:
            raise ParameterError(
                f"{owner}.affinity_out must be 'auto': its forces are made for its own kernel."
            )
        made = as_affinity(wanted, n, f"{owner}.affinity_out", kwargs)
        if not isinstance(made, Affinity) or not hasattr(made, "log_kernel"):
            raise ParameterError(
                f"{owner}.affinity_out must be an affinity with a kernel, such as 'normalizedstudent'; got {wanted!r}."
            )
        if n > ALL_PAIRS:
            raise ParameterError(
                f"{owner}.affinity_out works on all pairs, for at most {ALL_PAIRS} points; got {n}. "
                "Leave it 'auto', or embed a sample."
            )
        return cls(made)

    def loss(self, Z: Tensor, at: At) -> Tensor:
        """The weighted cross-entropy at Z (n, c)."""
        affinity: Any = self.affinity
        log_kernel = affinity.log_kernel(pairs(Z))
        log_norm = affinity.log_normalizer(log_kernel).expand_as(log_kernel)
        rows, columns, P = at.graph.rows, at.graph.indices.long(), at.graph.values
        attraction = -(P * log_kernel[rows, columns]).sum()
        repulsion = (P * log_norm[rows, columns]).sum()
        return at.knobs["exaggeration"] * attraction + at.knobs["repulsion_strength"] * repulsion


@functools.lru_cache(maxsize=32)
def _compiler(function: Any) -> Any:
    return torch.compile(function, dynamic=True)


def _compiled(loss: Loss, Z: Tensor, at: At) -> Tensor:
    """The loss through torch.compile; where that fails, as it is, with one warning."""
    function, owner = getattr(loss, "__func__", loss), getattr(loss, "__self__", None)
    name = getattr(function, "__qualname__", repr(function))
    if name not in _failed:
        _ = at.graph.rows  # made once, outside of what is compiled
        try:
            return _compiler(function)(owner, Z, at) if owner is not None else _compiler(function)(Z, at)
        except Exception as error:
            _failed.add(name)
            warnings.warn(f"torch.compile failed for {name}; it runs uncompiled: {error}", stacklevel=4)
    return loss(Z, at)
