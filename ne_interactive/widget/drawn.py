"""Which points a Plotly figure draws: those that it began with, or an even sample, and those that came later."""

import numpy as np

from ne_interactive.quality.figures import groups
from ne_interactive.quality.labels import Labels


class Drawn:
    """The numbers (m,) of the points that are drawn, which they keep, and the places among them of each trace's points.

    Points that leave stay, without a place on the map until they are back; those that come get a trace of their own,
    the last.
    """

    def __init__(self, ids: np.ndarray, labels: Labels, most: int) -> None:
        """Draw the points numbered `ids` (n,), ascending, of which these are the labels; of more an even sample."""
        n = len(ids)
        chosen = np.sort(np.random.default_rng(0).permutation(n)[:most])
        self.first = chosen
        self.ids = ids[chosen]
        self.labels = _of(labels, chosen)
        self.groups = groups(self.labels, len(chosen))
        self._known = ids
        self._share = len(chosen) / n
        self._began = len(self.groups)

    @property
    def late(self) -> bool:
        """Whether there is a trace of those that came later."""
        return len(self.groups) > self._began

    def take(self, ids: np.ndarray) -> bool:
        """Draw those of these points that came since, as evenly; tells whether there are any."""
        new = np.setdiff1d(ids, self._known)
        self._known = np.union1d(self._known, new)
        new = new[:: max(1, round(1 / self._share))]
        if not len(new):
            return False
        places = len(self.ids) + np.arange(len(new))
        if self.late:
            self.groups[-1] = np.append(self.groups[-1], places)
        else:
            self.groups.append(places)
        self.ids = np.append(self.ids, new)
        return True

    def places(self, embedding: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """Where the drawn points are (m, c) on a map of the points numbered `ids`; nan for those without a place."""
        place, there = among(self.ids, ids)
        Z = np.full((len(place), embedding.shape[1]), np.nan, np.float32)
        Z[there] = embedding[place[there]]
        return Z


def among(ids: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where numbers are among others, which ascend, and whether they are there at all."""
    place = np.searchsorted(others, ids).clip(max=max(len(others) - 1, 0))
    return place, others[place] == ids


def _of(labels: Labels, points: np.ndarray) -> Labels:
    """Give the labels of some points; categories keep their place, drawn or not."""
    if labels.kind == "none":
        return labels
    if labels.kind == "category":
        return Labels("category", labels.name, ids=labels.ids[points], names=labels.names)
    return Labels("number", labels.name, values=labels.values[points])
