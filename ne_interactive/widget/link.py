"""Whether a frame may be sent now: credits for each view, and a clock."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

WINDOW = 2
"""Frames that a view may not have acknowledged yet."""
FRAME_GAP = 1 / 30
TRICKLE_GAP = 0.5
PATIENCE = 5.0
"""Seconds after which an acknowledgement no longer comes."""
FORGET_AFTER = 600.0
MAX_VIEWS = 64


@dataclass
class View:
    """One place where the widget is shown; `waiting`: frames not yet acknowledged, and when they went."""

    heard: float
    visible: bool = True
    waiting: dict[int, float] = field(default_factory=dict)


class Link:
    """Counts credits; holds no frame, so that nothing can queue.

    A view that is heard nothing of has either gone or sits behind a kernel that is busy with a cell and
    reads no messages: so frames go on, but slowly. It is forgotten once another view has been heard long
    after it, or after ten minutes. Safe to use from any thread.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start without views; `clock` gives seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._views: dict[str, View] = {}
        self._last_sent = -float("inf")
        self._newest = 0
        self._delay = 0.0
        self._lost = False

    @property
    def watched(self) -> bool:
        """Whether any view is visible."""
        with self._lock:
            return any(view.visible for view in self._views.values())

    @property
    def open(self) -> bool:
        """Whether any view is known, visible or not."""
        return bool(self._views)

    def hello(self, name: str) -> None:
        """A view appeared, or appeared again: it starts with full credit."""
        with self._lock:
            self._views.pop(name, None)
            self._hear(name)

    def bye(self, name: str) -> None:
        """A view is gone."""
        with self._lock:
            self._views.pop(name, None)

    def show(self, name: str, visible: bool) -> bool:
        """A view was hidden or came back; true if it came back (and has missed frames)."""
        with self._lock:
            before = name in self._views and self._views[name].visible
            view = self._hear(name)
            view.visible = visible
            view.waiting.clear()
            return visible and not before

    def ack(self, name: str, seq: int) -> None:
        """A view has drawn frame `seq`, and so needs none before it; one that was never sent is ignored."""
        with self._lock:
            if seq > self._newest:
                return
            view = self._hear(name)
            if seq in view.waiting:
                self._delay = self._clock() - view.waiting[seq]
            view.waiting = {s: at for s, at in view.waiting.items() if s > seq}

    def ready(self, *, at_rest: bool = False) -> bool:
        """Tell whether a frame may go now. At rest frames are rare, and only credit counts."""
        with self._lock:
            now = self._clock()
            since = now - self._last_sent
            if since < FRAME_GAP and not at_rest:
                return False
            self._forget(now)
            views = [view for view in self._views.values() if view.visible]
            if not views:
                return False
            late = [view for view in views if len(view.waiting) >= WINDOW]
            if not late:
                return True
            if any(now - min(view.waiting.values()) >= PATIENCE for view in late):
                for view in views:
                    view.waiting.clear()
                self._lost = True
                return True
            # A link slower than the trickle must not be filled by it.
            return since >= min(max(TRICKLE_GAP, 2 * self._delay), PATIENCE)

    def sent(self, seq: int) -> None:
        """Frame `seq` went out to every visible view."""
        with self._lock:
            self._newest = seq
            self._last_sent = self._clock()
            for view in self._views.values():
                if view.visible:
                    view.waiting[seq] = self._last_sent

    def take_lost(self) -> bool:
        """Tell once whether credit was lost, so that the next frame must be a keyframe."""
        with self._lock:
            lost, self._lost = self._lost, False
            return lost

    def _hear(self, name: str) -> View:
        if name not in self._views and len(self._views) >= MAX_VIEWS:
            del self._views[min(self._views, key=lambda other: self._views[other].heard)]
        view = self._views.setdefault(name, View(self._clock()))
        view.heard = self._clock()
        return view

    def _forget(self, now: float) -> None:
        latest = max((view.heard for view in self._views.values()), default=now)
        for name, view in list(self._views.items()):
            outrun = latest - view.heard > 2 * PATIENCE
            if view.visible and view.waiting and (outrun or now - view.heard > FORGET_AFTER):
                del self._views[name]
