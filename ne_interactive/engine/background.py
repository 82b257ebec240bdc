"""The thread in which a run moves by itself; it never keeps the run alive."""

from __future__ import annotations

import threading
import weakref
from typing import Any, Protocol

from ne_interactive.engine.ending import ends_in_time
from ne_interactive.graph.helpers import let_go_of_helpers


class _Moves(Protocol):
    def _cycle(self) -> None: ...


class Background:
    """A thread that calls `_cycle` of its owner while `go` is set.

    Between two cycles it holds a weak reference only: when nothing else refers to the owner, the thread ends.
    """

    def __init__(self) -> None:
        self.go = threading.Event()
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._finalizer: weakref.finalize[..., Any] | None = None

    def ensure(self, owner: _Moves) -> None:
        """Have a thread for the owner, waiting for `go` unless it is set."""
        if self.alive():
            return
        self.go = threading.Event()
        self._ended = threading.Event()
        if self._finalizer is not None:
            self._finalizer.detach()
        self._finalizer = weakref.finalize(owner, _release, self.go, self._ended)
        self._finalizer.atexit = False
        arguments = (weakref.ref(owner), self.go, self._ended)
        self._thread = threading.Thread(target=_loop, args=arguments, name="ne_interactive", daemon=True)
        ends_in_time(self)
        self._thread.start()

    def alive(self) -> bool:
        """Whether the thread is there and has not been told to end."""
        return self._thread is not None and self._thread.is_alive() and not self._ended.is_set()

    def end(self) -> None:
        """Let the thread end after the cycle under way."""
        _release(self.go, self._ended)

    def wait(self, timeout: float) -> None:
        """Wait for the thread's end."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)


def _loop(owner: weakref.ref[_Moves], go: threading.Event, ended: threading.Event) -> None:
    while True:
        if not go.is_set():
            let_go_of_helpers()
            go.wait()
        if ended.is_set():
            return
        run = owner()
        if run is None:
            return
        run._cycle()
        del run


def _release(go: threading.Event, ended: threading.Event) -> None:
    ended.set()
    go.set()
