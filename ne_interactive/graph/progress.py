"""How far slow work has come, told from the inside of it to whoever asked, without a parameter on the way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["report", "reported"]

Listener = Callable[[str, float | None], None]
_listener: ContextVar[Listener | None] = ContextVar("ne_interactive_progress", default=None)


@contextmanager
def reported(listener: Listener) -> Iterator[None]:
    """Have what is done in the block, in this thread, tell ``listener(what, share)``; it must return quickly."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def report(what: str, share: float | None = None) -> None:
    """Tell what is being done, and which share of it in [0, 1] is behind; None where nobody knows."""
    listener = _listener.get()
    if listener is not None:
        listener(what, share)
