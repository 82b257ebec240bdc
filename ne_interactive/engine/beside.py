"""Slow work in a thread of its own, beside the loop that will take its result over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Beside(Generic[Result]):
    """One piece of work at a time; the interpreter waits for it at its end."""

    def __init__(self) -> None:
        self._future: Future[Result] | None = None

    @property
    def active(self) -> bool:
        """Whether work has begun whose result has not been taken."""
        return self._future is not None

    @property
    def done(self) -> bool:
        """Whether its result is there."""
        return self._future is not None and self._future.done()

    def begin(self, work: Callable[[], Result]) -> None:
        """Begin to work; nothing else may be active."""
        future: Future[Result] = Future()
        self._future = future

        def carry_out() -> None:
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=carry_out, name="ne_interactive beside").start()

    def take(self) -> Result:
        """The result, waited for; raises what the work raised. An interrupted wait can be taken up again."""
        assert self._future is not None
        try:
            return self._future.result()
        finally:
            if self._future.done():
                self._future = None

    def forget(self) -> None:
        """Take no notice of what is under way."""
        self._future = None
