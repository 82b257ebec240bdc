"""A thread of its own for what takes long, so that the kernel stays free to hear the browser."""

import threading
import warnings
from collections import deque
from collections.abc import Callable

from ne_interactive.engine.ending import ends_in_time

MAX_WAITING = 64


class Worker:
    """Does jobs one after the other; its thread lives only while there are any."""

    def __init__(self, name: str) -> None:
        """Name the thread."""
        self._name = name
        self._jobs: deque[tuple[str, Callable[[], None]]] = deque()
        self._idle = threading.Condition()
        self._thread: threading.Thread | None = None

    def post(self, job: Callable[[], None], *, once: str = "") -> bool:
        """Queue a job; false, and the job dropped, if 64 wait already, or one of the same kind `once`."""
        with self._idle:
            if len(self._jobs) >= MAX_WAITING or (once and any(kind == once for kind, _ in self._jobs)):
                return False
            self._jobs.append((once, job))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                ends_in_time(self)
                self._thread.start()
            return True

    def wait(self, timeout: float | None = None) -> bool:
        """Block until nothing is left to do; False after `timeout` seconds."""
        with self._idle:
            return self._idle.wait_for(lambda: self._thread is None, timeout)

    def end(self) -> None:
        """Forget the jobs that have not begun."""
        with self._idle:
            self._jobs.clear()

    def _work(self) -> None:
        while True:
            with self._idle:
                if not self._jobs:
                    self._thread = None
                    self._idle.notify_all()
                    return
                _, job = self._jobs.popleft()
            try:
                job()
            except Exception as error:
                warnings.warn(f"A request from the browser failed: {error}", RuntimeWarning, stacklevel=1)
