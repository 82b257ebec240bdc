"""Where points lie, by which a mesh is laid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Grid = tuple[int, ...]
Choice = Callable[[Sequence[float], Grid], Any]


@dataclass
class Box:
    """The least and the largest coordinates of points, as the host knows them.

    What is chosen by its size is noted: whoever repeats an iteration can tell for which other boxes it holds.
    """

    low: Sequence[float]
    high: Sequence[float]
    chosen: list[tuple[Choice, Any]] = field(default_factory=list)

    @property
    def extents(self) -> list[float]:
        """The lengths of its sides."""
        return [high - low for low, high in zip(self.low, self.high, strict=True)]

    def choose(self, choice: Choice, grid: Grid = ()) -> Any:
        """What a choice gives for the extents and the grid in force."""
        made = choice(self.extents, grid)
        self.chosen.append((choice, made))
        return made

    def agrees(self, other: Box, grid: Grid) -> bool:
        """Whether all that was chosen by another box would be chosen by this one, with a grid in force."""
        return all(choice(self.extents, grid) == made for choice, made in other.chosen)
