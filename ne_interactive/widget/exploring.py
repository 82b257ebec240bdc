"""What a person asks of the points: which are selected."""

from collections.abc import Callable
from typing import Any

import numpy as np


class Exploring:
    """Answers the questions about points that a view asks; `answer` sends to every view."""

    def __init__(
        self, select: Callable[[np.ndarray], None], answer: Callable[[dict[str, Any], list[memoryview]], None]
    ) -> None:
        """Hand choices of the browser to `select`."""
        self._choose = select
        self._answer = answer

    def select(self, id: int, points: np.ndarray) -> None:
        """Select points by hand; the view that asked is told that it was done."""
        try:
            self._choose(points)
        finally:
            self._answer({"k": "selected", "id": id}, [])
