"""Which points a Plotly figure draws: those that it began with, or an even sample, and those that came later."""

from collections.abc import Callable

import numpy as np

from ne_interactive.quality.figures import groups
from ne_interactive.quality.labels import Labels


class Drawn:
    """The numbers (m,) of the points that are drawn, which they keep, and the places among them of each trace's points.

    Points that leave stay, without a place on the map until they are back; those that come go to the trace of their
    kind (the place of a category, or of numbers), which is made where there is none.
    """

    def __init__(self, ids: np.ndarray, labels: Labels, most: int) -> None:
        """Draw the points numbered `ids` (n,), of which these are the labels; of more an even sample."""
        n = len(ids)
        chosen = np.sort(np.random.default_rng(0).permutation(n)[:most])
        self.first = chosen
        self.ids = ids[chosen]
        self.labels = _of(labels, chosen)
        self.groups = groups(self.labels, len(chosen))
        self.kinds = list(range(len(self.groups)))
        self._known = ids
        self._share = len(chosen) / n

    def take(self, ids: np.ndarray, kinds: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Draw those of these points that came since, as evenly, each by its kind; their places among the drawn."""
        new = np.setdiff1d(ids, self._known)
        self._known = np.union1d(self._known, new)
        new = new[:: max(1, round(1 / self._share))]
        places, kind = len(self.ids) + np.arange(len(new)), kinds(new)
        for one in np.unique(kind).tolist():
            if one not in self.kinds:
                self.kinds.append(one)
                self.groups.append(np.empty(0, np.int64))
            group = self.kinds.index(one)
            self.groups[group] = np.append(self.groups[group], places[kind == one])
        self.ids = np.append(self.ids, new)
        return places

    def places(self, embedding: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """Where the drawn points are (m, c) on a map of the points numbered `ids`; nan for those without a place."""
        place, there = among(self.ids, ids)
        Z = np.full((len(place), embedding.shape[1]), np.nan, np.float32)
        Z[there] = embedding[place[there]]
        return Z


def among(ids: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where numbers are among others, and whether they are there at all."""
    order = np.argsort(others, kind="stable")  # nearly always as they stand, which costs next to nothing
    place = order[np.searchsorted(others, ids, sorter=order).clip(max=len(others) - 1)]
    return place, others[place] == ids


def _of(labels: Labels, points: np.ndarray) -> Labels:
    """Give the labels of some points; categories keep their place, drawn or not."""
    if labels.kind == "none":
        return labels
    if labels.kind == "category":
        return Labels("category", labels.name, ids=labels.ids[points], names=labels.names)
    return Labels("number", labels.name, values=labels.values[points])
