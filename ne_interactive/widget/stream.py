"""From a run to the browser: the newest frame when there is credit, an exact one when the run stands."""

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

from ne_interactive.widget.link import Link
from ne_interactive.widget.wire import frame_message

LONGEST_WAIT = 0.5
"""Seconds that the run waits for a frame to be shown: a kernel that is busy with a cell hears of none."""
NAP = 0.004

Send = Callable[[dict[str, Any], list[memoryview]], None]


class Stream:
    """Sends frames of a run from whichever thread has one; never holds one back and never waits.

    While the run moves, frames are uint16 and go when the link is ready. When it stands (paused, resting,
    stopped, failed, or after a single step) the browser is owed a float32 keyframe.
    """

    def __init__(self, run: Any, send: Send, clock: Callable[[], float] = time.monotonic) -> None:
        """Join a run to `send(content, buffers)`."""
        self.run = run
        self.every: int | None = None
        """Iterations from frame to frame, each of which is shown; None for as many as the link carries."""
        self.link = Link(clock)
        self._send = send
        self._lock = threading.RLock()
        self._turn = itertools.count(1)
        self._last_turn = 0
        self._seq = 0
        self._iteration = 0
        self._owed = False
        self._closed = False

    @property
    def owes(self) -> bool:
        """Whether a keyframe waits for credit."""
        return self._owed

    @property
    def sent(self) -> int:
        """Number of frames sent so far, which is the `seq` of the newest."""
        return self._seq

    def iterated(self) -> None:
        """The run made an iteration. Costs a few comparisons when nothing is to be sent."""
        if not self.link.open:
            return
        if self.run.state != "running":
            self._owed = True
        elif self.every is not None:
            if self.run.iteration % self.every:
                return
            self._wait()
        if self.link.ready(at_rest=self._owed):
            self._emit(key=self._owed)

    def _wait(self) -> None:
        """Hold the run until a frame can go, because every one shall be seen; but not long.

        The main thread is not held: acknowledgements come in on it.
        """
        if threading.current_thread() is threading.main_thread():
            return
        end = time.monotonic() + LONGEST_WAIT
        while self.link.watched and not self.link.ready() and time.monotonic() < end:
            if self._closed or self.every is None or self.run.state != "running":
                return
            time.sleep(NAP)

    def rested(self) -> None:
        """The run came to a stand: send an exact frame now, credit or not, if anybody watches."""
        if self.link.watched:
            self._emit(key=True)

    def settle(self) -> None:
        """Send the keyframe that is owed, if there is credit for it now."""
        if self._owed and self.link.ready(at_rest=True):
            self._emit(key=True)

    def close(self) -> None:
        """Send nothing any more."""
        with self._lock:
            self._closed = True

    def tell(self, content: dict[str, Any], buffers: list[memoryview] | None = None) -> None:
        """Send any other message, in order with the frames."""
        with self._lock:
            if not self._closed:
                self._send(content, buffers or [])

    def _emit(self, *, key: bool) -> None:
        """Copy and send the run's frame. Of two threads that do so at once, the later copy wins.

        The run is read without the lock, because it may hold its own while it calls here.
        """
        while not self._closed:
            turn = next(self._turn)
            frame = self.run.frame()
            key = self.link.take_lost() or frame.iteration < self._iteration or key
            content, buffers = frame_message(frame, self.run, key=key)
            with self._lock:
                if self._closed:
                    return
                if turn > self._last_turn:
                    self._last_turn = turn
                    self._put(content, buffers)
                    return
            if not key:
                return

    def _put(self, content: dict[str, Any], buffers: list[memoryview]) -> None:
        self._seq += 1
        self._iteration = content["it"]
        if content["q"] == "f32":
            self._owed = False
        self.link.sent(self._seq)
        self._send(content | {"seq": self._seq}, buffers)
