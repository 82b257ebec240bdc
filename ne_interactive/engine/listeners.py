"""Those who are told of every change of a run."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable
from typing import Any

Listener = Callable[[Any, str], None]


class Listeners:
    """Functions of the run and of what has changed; one that fails is dropped with a warning."""

    def __init__(self) -> None:
        self._all: list[Listener] = []

    def add(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` told from now on; returns a function that ends it."""
        self._all.append(listener)
        return lambda: self._drop(listener)

    def tell(self, run: Any, what: str) -> None:
        """Call all with the run and `what`."""
        for listener in tuple(self._all):
            try:
                listener(run, what)
            except Exception as error:
                self._drop(listener)
                warnings.warn(f"a listener of the run failed and was dropped: {error!r}", stacklevel=2)

    def _drop(self, listener: Listener) -> None:
        if listener in self._all:
            self._all.remove(listener)


def weakly(call: Callable[[str], None]) -> Callable[[str], None]:
    """The bound method without a hold on its object, which thus lives no longer than its users want it."""
    reference = weakref.WeakMethod(call)

    def forward(text: str) -> None:
        method = reference()
        if method is not None:
            method(text)

    return forward
