"""Points that come to a Plotly figure: which trace each goes to, and what it brings of its own."""

from typing import Any

import numpy as np

from ne_interactive.quality.figures import check_traces, coordinates, hover_texts, trace_style
from ne_interactive.quality.labels import Labels
from ne_interactive.quality.palette import MISSING, PLAIN, Theme
from ne_interactive.widget.drawn import Drawn
from ne_interactive.widget.given import Given
from ne_interactive.widget.members import Entries
from ne_interactive.widget.picking import Marked

LATE = "added later"
NO_KIND = -1
"""Of points that came without anything given for them."""


class Traced(Given):
    """What is given for the points of a figure that has one trace for each category."""

    def read(self, m: int, **given: Any) -> dict[str, Any]:
        """As for every view, but of no more categories than a figure takes."""
        read = super().read(m, **given)
        for labels in read["colors"].values():
            check_traces(labels)
        return read


class Coming:
    """Draws points that came after a figure was made; what a person has set in its traces stays."""

    def __init__(self, given: Given, drawn: Drawn, marked: Marked, theme: Theme) -> None:
        """Draw them by what is `given`, beside those that are `drawn` already, in the traces `marked`."""
        self._given, self._drawn, self._marked = given, drawn, marked
        self._theme: Theme = theme
        self._scale = drawn.labels.scale() if drawn.labels.kind == "number" else None

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Let those of these points that are new be drawn; gives their places among all that are."""
        return self._drawn.take(rows, lambda new: self._read(new)[2])

    def draw(self, places: np.ndarray, Z: np.ndarray) -> list[Any]:
        """Give new points their colours and texts; the traces that this needed. Z (m, c) are all that are drawn."""
        entries, labels, kinds = self._read(self._drawn.ids[places])
        marked, joined = self._marked, []
        for group, kind in enumerate(self._drawn.kinds):
            new = np.flatnonzero(kinds == kind)
            if group == len(marked.traces):
                size = float(marked.traces[0].marker.size)
                trace = _trace(Z[places[new]], labels, kind, size, self._theme)
                joined.append(marked.join(trace))
            if len(new):
                self._tell(group, len(self._drawn.groups[group]) - len(new), entries[new])
                if labels.kind == "number" and kind == 0:
                    self._color(group, labels.values[new])
        return joined

    def _read(self, rows: np.ndarray) -> tuple[np.ndarray, Labels, np.ndarray]:
        """Which entries points have in what is given, their labels, and the kind of each."""
        entries = self._given.entries_of(rows)
        labels = self._given.labels(entries)
        if labels.kind == "none":
            return entries, labels, np.full(len(rows), NO_KIND)
        kinds = labels.ids if labels.kind == "category" else np.isnan(labels.values).astype(np.int64)
        return entries, labels, np.where(entries < self._given.count, kinds, NO_KIND)

    def _tell(self, group: int, before: int, entries: np.ndarray) -> None:
        """Put texts behind those of the `before` points that a trace had."""
        table, trace = self._given.table, self._marked.traces[group]
        if table is None or isinstance(trace.hovertext, str):
            return
        texts = hover_texts(Entries(table, entries), range(len(entries)))
        if trace.hovertext is not None:
            trace.hovertext = [*trace.hovertext, *texts]
        elif any(texts):
            trace.update(hovertext=[""] * before + texts, hoverinfo="text+name")

    def _color(self, group: int, values: np.ndarray) -> None:
        """Put numbers behind those of a trace; its scale takes them in, unless a person has set another."""
        marker = self._marked.traces[group].marker
        marker.color = np.append(marker.color, values)
        low, high = marker.cmin, marker.cmax
        if (low, high) == self._scale:
            self._scale = low, high = min(low, float(values.min())), max(high, float(values.max()))
            marker.update(cmin=low, cmax=high)


def _trace(Z: np.ndarray, labels: Labels, kind: int, size: float, theme: Theme) -> Any:
    """One more trace, of points at Z (m, 2 or 3): grey without a label, where others have colours."""
    import plotly.graph_objects as go

    name, marker = LATE, {"opacity": 0.8, "color": (PLAIN if labels.kind == "none" else MISSING)[theme]}
    if kind != NO_KIND:
        name, marker = trace_style(labels, kind, np.arange(len(Z)), theme)
    points = coordinates(Z, np.arange(len(Z)))
    shape = go.Scattergl if Z.shape[1] == 2 else go.Scatter3d
    return shape(**points, mode="markers", name=name, marker={"size": size} | marker, hoverinfo="name")
