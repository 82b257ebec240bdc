"""How much of each point's neighbourhood on the first map another one lacks: labels that maps are coloured by."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from ne_interactive.params.errors import NEError
from ne_interactive.quality.labels import Labels
from ne_interactive.quality.metrics import point_error
from ne_interactive.widget.worker import Worker

MOVED = "moved"
K = 10
SHARE = 0.05  # of the time that is spent on measuring, at most


def names_of(maps: Sequence[str]) -> dict[str, int]:
    """What can be chosen to colour maps by, and the place of the map that is measured then."""
    if len(maps) == 2:
        return {MOVED: 1}
    return {f"{MOVED} on {name}": place for place, name in enumerate(maps) if place > 0}


class MovingApart:
    """Measures anew while the maps move, beside them, and tells when there is something new."""

    def __init__(self, runs: Sequence[Any], told: Callable[[], None]) -> None:
        """Know nothing yet of what lies elsewhere on the maps of `runs` than on the first."""
        self._runs, self._told = runs, told
        self._worker = Worker("ne_interactive-moved")
        self._values = np.full(runs[0].n, np.nan)
        self._at: object = None
        self._next = 0.0

    def labels(self, name: str) -> Labels:
        """Give the values as last measured."""
        return Labels("number", name, values=self._values, limits=(0.0, 1.0))

    def measure(self, place: int) -> bool:
        """Measure the present maps, on one core; tells whether there is anything new."""
        first, other = self._runs[0], self._runs[place]
        at = (place, first.iteration, other.iteration)
        if at == self._at:
            return False
        began = time.monotonic()
        k = min(K, first.n - 1)
        self._values, self._at = point_error(first.embedding, other.embedding, k, workers=1), at
        now = time.monotonic()
        self._next = now + (now - began) / SHARE
        return True

    def heard(self, place: int, what: str) -> None:
        """A run made an iteration, or came to a stand: measure again where there is time for it."""
        stands = all(run.state != "running" for run in self._runs)
        if (what == "state" and stands) or (what == "iteration" and time.monotonic() > self._next):
            self._worker.post(lambda: self._renew(place), once="moved")

    def _renew(self, place: int) -> None:
        with suppress(NEError):  # points have left a run
            if self.measure(place):
                self._told()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until nothing is measured any more; false after `timeout` seconds."""
        return self._worker.wait(timeout)

    def close(self) -> None:
        """Measure nothing any more."""
        self._worker.end()
