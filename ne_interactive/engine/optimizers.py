"""Any torch optimizer as an update rule: rebuilt at every step around the state's slots, so that steps stay pure."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ne_interactive.engine import adam, riemannian  # noqa: F401 (register their rules)
from ne_interactive.engine.rules import MAX_STEP, RULES, Centre, Rule
from ne_interactive.forces.scalars import Scalar
from ne_interactive.params.errors import ParameterError

_tried: dict[Any, Rule] = {}
_rebuilding = threading.Lock()  # building an optimizer patches its class


class TorchRule:
    """A `torch.optim` optimizer; what it keeps for the positions are the slots."""

    recordable = False

    def __init__(self, optimizer: type[torch.optim.Optimizer], kwargs: Mapping[str, Any]) -> None:
        self.optimizer = optimizer
        self.kwargs = dict(kwargs)
        given = "momentum" in self.kwargs
        self._takes_momentum = issubclass(optimizer, torch.optim.SGD) and not given

    def slots(self, Z: Tensor) -> dict[str, Tensor]:
        """Empty: the optimizer fills them at its first step."""
        return {}

    def fresh(self, Z: Tensor, lr: Scalar) -> dict[str, Tensor]:
        """What the optimizer keeps after a step that moves nothing."""
        slots: dict[str, Tensor] = {}
        self.move(torch.zeros_like(Z), slots, torch.zeros_like(Z), lr, momentum=0.5)
        return slots

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
        """One step of the optimizer; each point's step is limited as that of every rule is."""
        kwargs = self.kwargs | ({"momentum": momentum} if self._takes_momentum else {})
        before = Z.clone()
        parameter = torch.nn.Parameter(Z)  # shares the memory of Z
        with _rebuilding:
            optimizer: Any = self.optimizer([parameter], lr=lr, **kwargs)  # pyright: ignore[reportCallIssue]
        if slots:
            optimizer.state[parameter].update(slots)
        parameter.grad = gradient
        optimizer.step()
        kept = optimizer.state[parameter]
        slots.clear()
        slots.update({name: value for name, value in kept.items() if isinstance(value, Tensor)})
        step = Z - before
        length = step.norm(dim=1, keepdim=True)
        long = length > MAX_STEP
        step *= torch.where(long, MAX_STEP / length, 1.0)
        Z.copy_(torch.where(long, before + step, Z))
        return step.double().square().sum()


def rule_of(method: Any) -> Rule:
    """The method's own rule, or the optimizer that was asked for.

    Raises:
        ParameterError: unknown optimizer, one that needs a closure or sparse gradients, or wrong `optimizer_kwargs`.
    """
    owner, wanted = type(method).__name__, method.optimizer
    kwargs = {} if method.optimizer_kwargs in (None, "auto") else method.optimizer_kwargs
    if not isinstance(kwargs, Mapping):
        raise ParameterError(
            f"{owner}.optimizer_kwargs must be 'auto', None or a dictionary; got {kwargs!r}."
        )
    if "lr" in kwargs:
        raise ParameterError(f"{owner}.optimizer_kwargs must not hold 'lr': give it as the parameter lr.")
    if isinstance(wanted, str) and wanted == "auto":
        if kwargs:
            raise ParameterError(
                f"{owner}.optimizer_kwargs are for a torch optimizer; optimizer is 'auto'. Name one, such as 'Adam'."
            )
        return RULES[method.rule]
    cls = optimizer_class(wanted, owner)
    key = (cls, repr(sorted(kwargs.items())))
    if key not in _tried:
        rule = TorchRule(cls, kwargs)
        _try(rule, owner)
        _tried[key] = rule
    return _tried[key]


def optimizer_class(wanted: Any, owner: str) -> type[torch.optim.Optimizer]:
    """The optimizer of this name, or the class itself.

    Raises:
        ParameterError: if it is none, or cannot work on dense gradients without a closure.
    """
    cls = getattr(torch.optim, wanted, None) if isinstance(wanted, str) else wanted
    if not (isinstance(cls, type) and issubclass(cls, torch.optim.Optimizer)) or cls is torch.optim.Optimizer:
        raise ParameterError(
            f"{owner}.optimizer must be 'auto' or a torch.optim optimizer by name or class, such as 'Adam'; "
            f"got {wanted!r}."
        )
    closure = inspect.signature(cls.step).parameters.get("closure")
    if (closure is not None and closure.default is inspect.Parameter.empty) or cls is torch.optim.SparseAdam:
        needs = "sparse gradients" if cls is torch.optim.SparseAdam else "a closure"
        raise ParameterError(
            f"{owner}.optimizer {cls.__name__} needs {needs}, which a live run does not have. "
            "Use one such as 'Adam' or 'SGD'."
        )
    return cls


def _try(rule: TorchRule, owner: str) -> None:
    """One step on two points: whatever the optimizer refuses shows here, not mid-run."""
    Z = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    try:
        rule.move(Z, {}, torch.ones_like(Z), 0.1, 0.5)
    except Exception as error:
        raise ParameterError(
            f"{owner}.optimizer {rule.optimizer.__name__} with optimizer_kwargs {rule.kwargs} failed: {error}"
        ) from error
