"""A lock that a busy loop cannot keep from others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turnstile:
    """Guards the state of a run between its loop, which wants it all the time, and visitors, who want it now.

    A plain lock is not fair: a loop that releases and takes it again at once starves everyone else. Here a visitor
    first closes the gate through which the loop must pass.
    """

    def __init__(self) -> None:
        self._visitor: int | None = None  # the thread that holds the state
        self._gate = threading.Lock()
        self._lock = threading.Lock()

    @contextmanager
    def visit(self) -> Iterator[None]:
        """Hold the state; waits for one iteration at most. Its holder may visit again."""
        if self._visitor == threading.get_ident():
            yield
            return
        with self._gate, self._lock:
            self._visitor = threading.get_ident()
            try:
                yield
            finally:
                self._visitor = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the state for one iteration of the loop, after all visitors who came first."""
        with self._gate:
            pass
        with self._lock:
            self._visitor = threading.get_ident()
            try:
                yield
            finally:
                self._visitor = None
