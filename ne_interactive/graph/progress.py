"""How far slow work has come, told from the inside of it to whoever asked, without a parameter on the way.

Where it tells, it can be stopped.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Stopped", "report", "reported", "stopped_by"]

Listener = Callable[[str, float | None], None]
_listener: ContextVar[Listener | None] = ContextVar("ne_interactive_progress", default=None)
_stop: ContextVar[threading.Event | None] = ContextVar("ne_interactive_stop", default=None)


class Stopped(BaseException):
    """Nobody wants the result of this work any more."""


@contextmanager
def reported(listener: Listener) -> Iterator[None]:
    """Have what is done in the block, in this thread, tell ``listener(what, share)``; it must return quickly."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def stopped_by(stop: threading.Event) -> Iterator[None]:
    """Have what is done in the block, in this thread, raise Stopped where it reports once ``stop`` is set."""
    token = _stop.set(stop)
    try:
        yield
    finally:
        _stop.reset(token)


def report(what: str, share: float | None = None) -> None:
    """Tell what is being done, and which share of it in [0, 1] is behind; None where nobody knows.

    Raises:
        Stopped: It is not wanted any more.
    """
    stop = _stop.get()
    if stop is not None and stop.is_set():
        raise Stopped
    listener = _listener.get()
    if listener is not None:
        listener(what, share)
