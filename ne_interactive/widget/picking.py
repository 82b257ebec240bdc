"""Selected points in a Plotly figure: which they are, and how they are shown while they move."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ne_interactive.quality.figures import coordinates
from ne_interactive.quality.palette import TEXT, Theme

FAINT = 0.12


class Marked:
    """In two dimensions the other points fade, as Plotly does it by itself; in three, where it cannot, rings are drawn.

    `shown` (m,) are the points that are drawn, `groups` the places in it of each trace's points.
    """

    def __init__(self, figure: Any, shown: np.ndarray, groups: list[np.ndarray], theme: Theme) -> None:
        """Prepare the figure, which has one trace for each group."""
        self._figure, self._groups, self._shown = figure, groups, shown
        self._traces = figure.data[: len(groups)]
        self._rings: Any = None
        self._chosen = np.empty(0, np.int64)
        if self._traces[0].type == "scatter3d":
            size = float(self._traces[0].marker.size) + 5
            marker = {"symbol": "circle-open", "size": size, "color": TEXT[theme], "line": {"width": 2}}
            empty = {axis: [] for axis in "xyz"}
            figure.add_scatter3d(**empty, mode="markers", marker=marker, showlegend=False, hoverinfo="skip")
            self._rings = figure.data[-1]
        else:
            for trace in self._traces:
                trace.unselected = {"marker": {"opacity": FAINT}}

    @property
    def flat(self) -> bool:
        """Whether Plotly selects by lasso and box here."""
        return self._rings is None

    def points(self, places: Sequence[Sequence[Any]]) -> np.ndarray | None:
        """Give the points at places of each trace, as the browser names them; None where there is no such place."""
        found = []
        for group, some in zip(self._groups, places, strict=True):
            try:
                at = np.array([operator.index(place) for place in some], np.int64)
            except TypeError:
                return None
            if np.any((at < 0) | (at >= len(group))):
                return None
            found.append(self._shown[group[at]])
        return np.unique(np.concatenate(found))

    def show(self, chosen: np.ndarray, Z: np.ndarray) -> None:
        """Mark points (and only these); Z (m, c) are the positions of those that are drawn."""
        self._chosen = np.flatnonzero(np.isin(self._shown, chosen))
        if self._rings is not None:
            self.follow(Z)
            return
        for trace, group in zip(self._traces, self._groups, strict=True):
            trace.selectedpoints = np.flatnonzero(np.isin(group, self._chosen)) if len(chosen) else None

    def follow(self, Z: np.ndarray) -> None:
        """Move what is drawn around the points to where they are now."""
        if self._rings is not None:
            self._rings.update(coordinates(Z, self._chosen))
