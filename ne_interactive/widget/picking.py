"""Selected points in a Plotly figure: which they are, and how they are shown while they move."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ne_interactive.quality.figures import coordinates
from ne_interactive.quality.palette import TEXT, Theme
from ne_interactive.widget.drawn import Drawn

FAINT = 0.12


class Marked:
    """In two dimensions the other points fade, as Plotly does it by itself; in three, where it cannot, rings are drawn.

    Points go by their numbers, which they keep; `drawn` are those that there are.
    """

    def __init__(self, figure: Any, drawn: Drawn, theme: Theme) -> None:
        """Prepare the figure, which has one trace for each group."""
        self._figure, self._drawn = figure, drawn
        self.traces = list(figure.data)
        self._rings: Any = None
        self._chosen = np.empty(0, np.int64)
        if self.traces[0].type == "scatter3d":
            size = float(self.traces[0].marker.size) + 5
            marker = {"symbol": "circle-open", "size": size, "color": TEXT[theme], "line": {"width": 2}}
            empty = {axis: [] for axis in "xyz"}
            figure.add_scatter3d(**empty, mode="markers", marker=marker, showlegend=False, hoverinfo="skip")
            self._rings = figure.data[-1]
        else:
            for trace in self.traces:
                trace.unselected = {"marker": {"opacity": FAINT}}

    def join(self, trace: Any) -> Any:
        """Take one more trace into the figure; give it as it is there."""
        self._figure.add_trace(trace)
        self.traces.append(self._figure.data[-1])
        if self.flat:
            self.traces[-1].unselected = {"marker": {"opacity": FAINT}}
        return self.traces[-1]

    def group(self, index: int) -> int | None:
        """Give the group whose points a trace of the figure has, by the trace's place; None of the rings."""
        data = self._figure.data
        trace = data[index] if 0 <= index < len(data) else None
        return next((place for place, one in enumerate(self.traces) if one is trace), None)

    @property
    def flat(self) -> bool:
        """Whether Plotly selects by lasso and box here."""
        return self._rings is None

    def points(self, places: Sequence[Sequence[Any]]) -> np.ndarray | None:
        """Give the numbers of the points at places of each trace, as the browser names them; None for no such place."""
        found = []
        for group, some in zip(self._drawn.groups, places, strict=False):
            try:
                at = np.array([operator.index(place) for place in some], np.int64)
            except TypeError:
                return None
            if np.any((at < 0) | (at >= len(group))):
                return None
            found.append(self._drawn.ids[group[at]])
        return np.unique(np.concatenate(found))

    def show(self, chosen: np.ndarray, Z: np.ndarray) -> None:
        """Mark points by their numbers (and only these); Z (m, c) are the positions of those that are drawn."""
        self._chosen = np.flatnonzero(np.isin(self._drawn.ids, chosen))
        if self._rings is not None:
            self.follow(Z)
            return
        for trace, group in zip(self.traces, self._drawn.groups, strict=True):
            trace.selectedpoints = np.flatnonzero(np.isin(group, self._chosen)) if len(chosen) else None

    def follow(self, Z: np.ndarray) -> None:
        """Move what is drawn around the points to where they are now."""
        if self._rings is not None:
            self._rings.update(coordinates(Z, self._chosen))
