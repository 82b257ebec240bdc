"""What a person asks of the points: which are selected, and what is near them in the data."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ne_interactive.params.errors import StateError
from ne_interactive.widget.selection import packed

NEIGHBORS = 15


class Exploring:
    """Answers the questions about points that a view asks; `answer` sends to every view."""

    def __init__(
        self,
        run: Any,
        select: Callable[[np.ndarray], None],
        answer: Callable[[dict[str, Any], list[memoryview]], None],
    ) -> None:
        """Look into `run`, and hand choices of the browser to `select`."""
        self._run = run
        self._choose = select
        self._answer = answer

    def select(self, id: int, points: np.ndarray) -> None:
        """Select points by hand; the view that asked is told that it was done."""
        try:
            self._choose(points)
        finally:
            self._answer({"k": "selected", "id": id}, [])

    def neighbors(self, id: int, point: int) -> None:
        """Tell the nearest neighbours of a point in the data, nearest first, or why they are not known."""
        note, found = "", np.empty(0, np.int64)
        try:
            found, _ = self._run.neighbors_of(point, NEIGHBORS)
        except StateError as error:
            note = str(error)
        self._answer({"k": "neighbors", "id": id, "point": point, "note": note}, [memoryview(packed(found))])
