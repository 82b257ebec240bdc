"""Finding points by a piece of their text."""

from collections.abc import Iterator

import numpy as np

from ne_interactive.quality.hover import HoverTable
from ne_interactive.widget.colors import Colors
from ne_interactive.widget.members import Parts


class Search:
    """Looks for a piece of text in the labels of n points and in the columns of their cards that hold text.

    Texts are folded (so that case does not matter) when they are first searched, and kept. Not for two threads at once.
    """

    def __init__(self, table: HoverTable | Parts | None, colors: Colors) -> None:
        """Search what the card shows and what points are coloured by; nothing is read yet."""
        self._table = table
        self._colors = colors
        self._texts: list[list[str]] | None = None

    def find(self, text: str) -> np.ndarray:
        """Give the ascending indices of the points that have `text` in any of theirs; of none for an empty one."""
        wanted = text.strip().casefold()
        n = self._colors.n  # grows
        found = np.zeros(n, bool)
        if not wanted:
            return np.flatnonzero(found)
        for labels in self._colors.categories():
            hits = np.array([wanted in name.casefold() for name in labels.names], bool)
            found |= hits[labels.ids]
        if self._texts is None or any(len(column) != n for column in self._texts):
            self._texts = list(self._folded())
        for column in self._texts:
            found |= np.fromiter((wanted in entry for entry in column), bool, n)
        return np.flatnonzero(found)

    def _folded(self) -> Iterator[list[str]]:
        for column in self._table.texts() if self._table else ():
            yield [entry.casefold() for entry in column]
