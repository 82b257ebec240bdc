"""Learning-rate schedules of torch, run on a shadow optimizer of learning rate 1 of which only the factor is used.

A learning rate set by hand thus stays set, and a schedule is a function of the iteration: nothing has to be rebuilt
when a run is rewound, extended or loaded. The one that follows the loss keeps what it remembers in the state.
"""

from __future__ import annotations

import inspect
import threading
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch.optim import lr_scheduler

from ne_interactive.params.errors import ParameterError

KEPT = 64  # shadows; one is a list of floats as long as its run
_shadows: dict[Any, _Shadow] = {}
_lock = threading.Lock()


def scheduler_class(wanted: Any, owner: str) -> type[lr_scheduler.LRScheduler] | None:
    """The scheduler of this name, or the class itself; None for a constant learning rate.

    Raises:
        ParameterError: if it is none.
    """
    if wanted is None:
        return None
    cls = getattr(lr_scheduler, wanted, None) if isinstance(wanted, str) else wanted
    if not (isinstance(cls, type) and issubclass(cls, lr_scheduler.LRScheduler)):
        raise ParameterError(
            f"{owner}.scheduler must be None or a torch.optim.lr_scheduler by name or class, such as 'LinearLR'; "
            f"got {wanted!r}."
        )
    return cls


def check_schedule(method: Any, n: int) -> None:
    """Refuse a scheduler that cannot be made.

    Raises:
        ParameterError: unknown scheduler, missing or wrong `scheduler_kwargs`.
    """
    owner = type(method).__name__
    kwargs = method.scheduler_kwargs
    if not (kwargs is None or kwargs == "auto" or isinstance(kwargs, Mapping)):
        raise ParameterError(
            f"{owner}.scheduler_kwargs must be 'auto', None or a dictionary; got {kwargs!r}."
        )
    cls = scheduler_class(method.schedule(), owner)
    if cls is None:
        if isinstance(kwargs, Mapping) and kwargs:
            raise ParameterError(
                f"{owner}.scheduler_kwargs are for a scheduler; scheduler is None. Name one."
            )
        return
    try:
        arguments = _arguments(cls, method, method.iterations(n), owner)
        _quietly(lambda: cls(_unit_optimizer(), **arguments))
    except ParameterError:
        raise
    except Exception as error:
        raise ParameterError(
            f"{owner}.scheduler {cls.__name__} could not be made with scheduler_kwargs {kwargs!r}: {error}"
        ) from error


def falls(method: Any) -> bool:
    """Whether the learning rate comes down over the run, so that a change has to raise it again."""
    return method.schedule() is not None


def factor(method: Any, elapsed: int, total: int, plateau: Mapping[str, Any]) -> float:
    """What the learning rate is multiplied with, `elapsed` iterations into a run of `total`."""
    cls = scheduler_class(method.schedule(), type(method).__name__)
    if cls is None:
        return 1.0
    if issubclass(cls, lr_scheduler.ReduceLROnPlateau):
        return float(plateau.get("factor", 1.0))
    arguments = _arguments(cls, method, total, type(method).__name__)
    at = min(elapsed, total) if method.scheduler_kwargs in (None, "auto") else elapsed
    key = (cls, total, repr(sorted(arguments.items(), key=lambda item: item[0])))
    with _lock:
        shadow = _shadows.get(key)
        if shadow is None:
            while len(_shadows) >= KEPT:
                _shadows.pop(next(iter(_shadows)))
            shadow = _shadows[key] = _Shadow(cls, arguments)
        return shadow.factor(max(at, 0))


def follow_loss(method: Any, loss: float, plateau: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a scheduler that follows the loss remembers after this one; for every other, nothing."""
    cls = scheduler_class(method.schedule(), type(method).__name__)
    if cls is None or not issubclass(cls, lr_scheduler.ReduceLROnPlateau) or loss != loss:
        return plateau
    optimizer = _unit_optimizer()
    scheduler = cls(optimizer, **_arguments(cls, method, 1, type(method).__name__))
    if plateau:
        optimizer.param_groups[0]["lr"] = plateau["factor"]
        scheduler.load_state_dict(dict(plateau["scheduler"]))
    scheduler.step(loss)
    kept = {name: value for name, value in scheduler.state_dict().items() if _plain(value)}
    return {"factor": optimizer.param_groups[0]["lr"], "scheduler": kept}


class _Shadow:
    """The factors of one schedule so far."""

    def __init__(self, cls: type[lr_scheduler.LRScheduler], arguments: Mapping[str, Any]) -> None:
        self._optimizer = _unit_optimizer()
        self._scheduler = _quietly(lambda: cls(self._optimizer, **arguments))
        self._factors = [float(self._optimizer.param_groups[0]["lr"])]

    def factor(self, at: int) -> float:
        length = getattr(
            self._scheduler, "total_steps", None
        )  # a schedule of fixed length stays at its last value
        at = min(at, length - 1) if length else at
        while len(self._factors) <= at:
            _quietly(self._scheduler.step)
            self._factors.append(float(self._optimizer.param_groups[0]["lr"]))
        return self._factors[at]


def _arguments(cls: type, method: Any, total: int, owner: str) -> dict[str, Any]:
    given = method.scheduler_kwargs
    if isinstance(given, Mapping):
        arguments = dict(given)
    else:
        arguments = {
            "LinearLR": {"start_factor": 1.0, "end_factor": 0.0, "total_iters": total},
            "CosineAnnealingLR": {"T_max": total},
            "PolynomialLR": {"total_iters": total},
        }.get(cls.__name__, {})
    expected = inspect.signature(cls).parameters
    missing = [
        name
        for name, parameter in expected.items()
        if parameter.default is inspect.Parameter.empty and name != "optimizer" and name not in arguments
    ]
    if missing:
        raise ParameterError(
            f"{owner}.scheduler {cls.__name__} needs {', '.join(missing)}: give them in scheduler_kwargs, "
            f"such as scheduler_kwargs={{{missing[0]!r}: ...}}."
        )
    return arguments


def _unit_optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0, momentum=0.9)


def _quietly(call: Any) -> Any:
    """Run a part of the shadow without torch's reminder that its optimizer was never stepped."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return call()


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)
