"""The loss and the speed of a run, in bounded memory however long it goes on."""

from __future__ import annotations

import bisect
import time
from collections import deque

import numpy as np

LONGEST = 4096


class Trace:
    """Loss by iteration; beyond `LONGEST` entries every second one is dropped."""

    def __init__(self) -> None:
        self.iterations: list[int] = []
        self.losses: list[float] = []
        self._stride = 1
        self._seen = 0

    def add(self, iteration: int, loss: float) -> None:
        """Note the loss measured at an iteration; nan (not measured) is left out."""
        if loss != loss:
            return
        if self._seen % self._stride == 0:
            self.iterations.append(iteration)
            self.losses.append(loss)
        self._seen += 1
        if len(self.losses) > LONGEST:
            self.iterations = self.iterations[::2]
            self.losses = self.losses[::2]
            self._stride *= 2

    def cut(self, iteration: int) -> None:
        """Forget what was measured at an iteration and later."""
        kept = bisect.bisect_left(self.iterations, iteration)
        self.iterations, self.losses = self.iterations[:kept], self.losses[:kept]

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Iterations (int64) and losses (float64)."""
        return np.array(self.iterations, np.int64), np.array(self.losses, np.float64)


class Speed:
    """Iterations per second over about the last second."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque(maxlen=24)

    def mark(self, iteration: int) -> None:
        """Note that an iteration has been reached now."""
        now = time.perf_counter()
        if not self._marks or now - self._marks[-1][0] > 0.05:
            self._marks.append((now, iteration))

    def clear(self) -> None:
        """Forget the past: the run has paused or jumped."""
        self._marks.clear()

    def per_second(self) -> float:
        """The speed; 0 where nothing has moved lately."""
        marks = list(self._marks)
        if len(marks) < 2 or time.perf_counter() - marks[-1][0] > 1.5:
            return 0.0
        return (marks[-1][1] - marks[0][1]) / max(marks[-1][0] - marks[0][0], 1e-9)
