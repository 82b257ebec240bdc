"""What a person asks of the points: which are selected or found, what they are coloured by, what is near them."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from ne_interactive.params.errors import NEError
from ne_interactive.quality.text import plain_text
from ne_interactive.widget.errors import K, errors_of
from ne_interactive.widget.inbox import Malformed
from ne_interactive.widget.search import Search
from ne_interactive.widget.selection import NO_POINTS, packed
from ne_interactive.widget.worker import Worker

NEIGHBORS = 15


class Exploring:
    """Answers the questions about points that a view asks; `answer` sends to every view."""

    def __init__(
        self,
        run: Any,
        select: Callable[[np.ndarray], None],
        color_by: Callable[[str], None],
        search: Search,
        answer: Callable[[dict[str, Any], list[memoryview]], None],
    ) -> None:
        """Look into `run`, and hand choices of the browser to `select` and `color_by`."""
        self._run = run
        self._choose = select
        self._color_by = color_by
        self._search = search
        self.entries: np.ndarray | None = None  # of the points, in what is searched
        self._answer = answer
        self._finder = Worker("ne_interactive-finder")

    def close(self) -> None:
        """Begin nothing any more."""
        self._finder.end()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until everything asked so far is done; false after `timeout` seconds."""
        return self._finder.wait(timeout)

    def turn_to(self, run: Any) -> None:
        """Look into another run from now on."""
        self._run = run

    def select(self, id: int, points: np.ndarray) -> None:
        """Select points by hand; the view that asked is told that it was done."""
        try:
            self._choose(points)
        finally:
            self._answer({"k": "selected", "id": id}, [])

    def color(self, name: str) -> None:
        """Colour by a column, which may take a while to read: not on the thread that hears the browser."""
        self._finder.post(lambda: self._color(name))

    def _color(self, name: str) -> None:
        try:
            self._color_by(name)
        except Exception as error:
            told = plain_text(error, 1000)
            self._answer({"k": "refused", "of": "color", "id": None, "error": told}, [])

    def search(self, id: int, text: str) -> None:
        """Tell which points have a piece of text, found beside the thread that hears the browser."""
        if not self._finder.post(lambda: self._find(id, text)):
            raise Malformed("too much is asked for already.")

    def _find(self, id: int, text: str) -> None:
        found = self._search.find(text)
        if self.entries is not None:  # points have left the run or come to it since
            found = np.flatnonzero(np.isin(self.entries, found))
        self._answer({"k": "found", "id": id}, [memoryview(packed(found))])

    def later(self, job: Callable[[], None]) -> None:
        """Do a job beside the thread that hears the browser; once where it waits already."""
        self._finder.post(job, once="later")

    def neighbors(self, id: int, point: int) -> None:
        """Tell the nearest neighbours of a point in the data, nearest first, and what of them the map does not show."""
        self._answer_beside(lambda: self._tell_neighbors(id, point))

    def _tell_neighbors(self, id: int, point: int) -> None:
        answer: dict[str, Any] = {"k": "neighbors", "id": id, "point": point, "note": ""}
        try:
            found, _ = self._run.neighbors_of(point, NEIGHBORS)
        except NEError as error:
            self._answer(answer | {"note": str(error)}, [memoryview(b"")])
            return
        parts = [found, NO_POINTS, NO_POINTS]
        with suppress(NEError):  # it is not known of every map
            _, missing, false = errors_of(self._run, np.array([point]), len(found))
            # As long as the right neighbours are searched, those found are others than those that are missing.
            if np.isin(missing[:, 1], found).all():
                parts = [found, missing[:, 1], false[:, 1]]
        self._answer(answer, [memoryview(packed(part)) for part in parts])

    def errors(self, id: int, points: np.ndarray) -> None:
        """Tell which neighbours of some points are missing in the map and which are false, or why that is not known."""
        self._answer_beside(lambda: self._tell_errors(id, points))

    def _tell_errors(self, id: int, points: np.ndarray) -> None:
        answer: dict[str, Any] = {"k": "errors", "id": id, "note": ""}
        try:
            k = len(self._run.neighbors_of(0, K)[0])
            told, missing, false = errors_of(self._run, points, k)
        except NEError as error:
            self._answer(answer | {"note": str(error)}, [])
            return
        self._answer(answer | told, [memoryview(packed(some.ravel())) for some in (missing, false)])

    def _answer_beside(self, job: Callable[[], None]) -> None:
        if not self._finder.post(job):
            raise Malformed("too much is asked for already.")
