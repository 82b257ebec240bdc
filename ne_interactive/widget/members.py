"""What is shown of points that leave a run and come to it: columns are given for the first, new ones have no entry."""

from dataclasses import replace
from typing import Any

import numpy as np

from ne_interactive.quality.labels import MISSING, Labels


def labels_of(labels: Labels, entries: np.ndarray) -> Labels:
    """The labels of the points whose entries these are (n,); of those that there was no label for, "missing"."""
    if labels.kind == "number":
        values = np.append(labels.values, np.nan)
        return replace(labels, values=values[np.minimum(entries, len(labels.values))])
    if labels.kind != "category":
        return labels
    names, n = labels.names, len(labels.ids)
    if (entries >= n).any() and MISSING not in names:
        names = [*names, MISSING]
    unknown = names.index(MISSING) if MISSING in names else 0
    return replace(labels, names=names, ids=np.append(labels.ids, unknown)[np.minimum(entries, n)])


def bytes_of(sizes: bytes, entries: np.ndarray) -> bytes:
    """One byte for each of the points whose entries these are; those that there was none for are of middle size."""
    known = np.append(np.frombuffer(sizes, np.uint8), np.uint8(128))
    return known[np.minimum(entries, len(sizes))].tobytes() if sizes else b""


def moved(points: np.ndarray, before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Where points are, ascending, after a run of points with the numbers `before` has those of `now`."""
    kept = before[points]
    return np.flatnonzero(np.isin(now, kept))


class Entries:
    """A table or images, asked by points of now, whose entries these are; beyond the last there is none."""

    def __init__(self, given: Any, entries: np.ndarray) -> None:
        """Ask `given`."""
        self._given, self._entries = given, entries

    def _ask(self, what: str, point: int, nothing: Any) -> Any:
        try:
            return getattr(self._given, what)(int(self._entries[point]))
        except IndexError:  # a new point
            return nothing

    def rows(self, point: int) -> list[list[str]]:
        """As `HoverTable.rows`; none for a new point."""
        return self._ask("rows", point, [])

    def picture(self, point: int) -> Any:
        """As of the images; None for a new point."""
        return self._ask("picture", point, None)
