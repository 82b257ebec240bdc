"""Slow work in a thread of its own, beside the loop that will take its result over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from ne_interactive.engine.ending import ends_in_time
from ne_interactive.graph.progress import stopped_by

Result = TypeVar("Result")


class Beside(Generic[Result]):
    """One piece of work at a time; with the interpreter it ends where it next tells how far it has come."""

    def __init__(self) -> None:
        self._future: Future[Result] | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

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
                with stopped_by(self._stop):
                    future.set_result(work())
            except BaseException as error:
                future.set_exception(error)

        self._thread = threading.Thread(target=carry_out, name="ne_interactive beside", daemon=True)
        ends_in_time(self)
        self._thread.start()

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

    def end(self) -> None:
        """Have what is under way end soon."""
        self._stop.set()

    def wait(self, timeout: float) -> None:
        """Wait for the thread's end."""
        if self._thread is not None:
            self._thread.join(timeout)
