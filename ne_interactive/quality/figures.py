"""Plotly figures to keep and share: the loss of a run, and an embedding. Plotly is imported only when they are made."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ne_interactive.params.errors import DataError
from ne_interactive.quality.hover import HoverTable, Told
from ne_interactive.quality.labels import Labels, read_labels
from ne_interactive.quality.palette import (
    BACKGROUND,
    DISK,
    MISSING,
    PLAIN,
    TEXT,
    Theme,
    category_colors,
    check_theme,
    scale_colors,
)
from ne_interactive.quality.text import escape_markup, plain_text

MODEBAR = {"remove": ["sendChartToCloud", "sendDataToCloud"]}
"""Without the buttons that would send the data to another machine."""
CHANGED = "#d55e00"
BARE = {"showgrid": False, "zeroline": False, "showticklabels": False, "title": {"text": ""}}
MAX_MARKS = 40
MAX_TRACES = 200


def loss_figure(iterations: Any, losses: Any, events: Iterable[Any] = ()) -> Any:
    """Draw the loss by iteration, with a mark where something was changed by hand.

    Args:
        iterations: Iterations (m,) at which the loss was measured.
        losses: The losses (m,); values that are not finite leave gaps.
        events: Objects with `iteration`, `kind` and `detail` (a mapping), as in `Stepper.events`. The last 40 are
            drawn.

    Returns:
        A `plotly.graph_objects.Figure`.

    Raises:
        DataError: as many losses as iterations are needed.
    """
    import plotly.graph_objects as go

    x, y = np.asarray(iterations, np.float64).ravel(), np.asarray(losses, np.float64).ravel()
    if len(x) != len(y):
        raise DataError(f"losses need one iteration each; got {len(x)} iterations and {len(y)} losses.")
    y = np.where(np.isfinite(y), y, np.nan)
    figure = go.Figure(
        go.Scatter(x=x, y=y, mode="lines", name="loss", line={"color": PLAIN["light"], "width": 2})
    )
    marks = list(events)[-MAX_MARKS:]
    if marks:
        _add_marks(figure, marks, x, y)
    figure.update_layout(
        template="plotly_white",
        showlegend=False,
        margin={"l": 60, "r": 20, "t": 30, "b": 50},
        xaxis={"title": {"text": "iteration"}, "rangemode": "tozero"},
        yaxis={"title": {"text": "loss"}},
        uirevision="loss",
        modebar=MODEBAR,
    )
    return figure


def _add_marks(figure: Any, events: Sequence[Any], x: np.ndarray, y: np.ndarray) -> None:
    """Stand each event on the curve, with its text under the pointer."""
    import plotly.graph_objects as go

    at = [int(event.iteration) for event in events]
    known = np.isfinite(y)
    heights = np.interp(at, x[known], y[known]) if known.any() else np.zeros(len(at))
    figure.add_trace(
        go.Scatter(
            x=at,
            y=heights,
            mode="markers",
            name="changes",
            marker={"symbol": "diamond", "size": 9, "color": CHANGED},
            hovertext=[_event_text(event) for event in events],
            hovertemplate="iteration %{x}<br>%{hovertext}<extra></extra>",
        )
    )
    for iteration in sorted(set(at)):
        figure.add_vline(iteration, line={"width": 1, "dash": "dot", "color": "#999999"})


def _event_text(event: Any) -> str:
    detail = event.detail if isinstance(event.detail, Mapping) else {}
    changes = detail.get("changes")
    lines = [
        f"{name}: {change[0]} to {change[1]}"
        if isinstance(change, list | tuple) and len(change) == 2
        else name
        for name, change in (changes.items() if isinstance(changes, Mapping) else detail.items())
    ]
    if "points" in detail:
        lines = [f"{detail['points']} points"]
    return "<br>".join(escape_markup(plain_text(line)) for line in [event.kind, *lines[:8]])


def embedding_figure(
    embedding: Any,
    labels: object = None,
    *,
    hover: object = None,
    title: str | None = None,
    point_size: float | None = None,
    theme: Theme = "light",
    disk: bool = False,
) -> Any:
    """Draw an embedding Z (n, 2) or (n, 3), coloured by labels.

    Args:
        embedding: Positions (n, 2) or (n, 3).
        labels: One label for each point, categories or numbers; see `ne_interactive.quality.labels.read_labels`.
        hover: Texts for each point: a data frame, a mapping of columns, or one sequence.
        title: Title above the figure.
        point_size: Diameter of a point in pixels; by default smaller the more points there are.
        theme: "light" or "dark".
        disk: Draw the unit circle around the points of a Poincare disk, and show all of it; in two dimensions only.

    Returns:
        A `plotly.graph_objects.Figure` with one trace for each category, or one trace for numbers.

    Raises:
        DataError: the shape of the embedding, or the number of labels or texts, is wrong.
        ParameterError: another theme.
    """
    check_theme(theme)
    Z = np.asarray(embedding, np.float32)
    if Z.ndim != 2 or Z.shape[1] not in (2, 3) or len(Z) == 0:
        raise DataError(f"an embedding to draw has the shape (n, 2) or (n, 3); got {Z.shape}.")
    texts = None if hover is None else hover_texts(HoverTable(hover, len(Z)), range(len(Z)))
    read = read_labels(labels, len(Z))

    import plotly.graph_objects as go

    figure = go.Figure(traces(Z, read, texts, point_size, theme))
    figure.update_layout(**layout(Z.shape[1], read, title, theme))
    if disk and Z.shape[1] == 2:
        figure.update_layout(**disk_layout(True, theme))
    return figure


def hover_texts(table: Told, points: Iterable[int]) -> list[str]:
    """Give the lines of a table for some points, escaped, as Plotly takes them."""
    return ["<br>".join(_line(*row) for row in table.rows(int(point))) for point in points]


def _line(name: str, text: str) -> str:
    return f"{escape_markup(name)}: {escape_markup(text)}" if name else escape_markup(text)


def groups(labels: Labels, n: int) -> list[np.ndarray]:
    """Give the points of each trace: one trace for each category, else one for all; missing numbers apart.

    Raises:
        DataError: more than 200 categories.
    """
    check_traces(labels)
    if labels.kind == "category":
        order = np.argsort(labels.ids, kind="stable")
        return np.split(order, np.cumsum(np.bincount(labels.ids, minlength=len(labels.names)))[:-1])
    gone = np.isnan(labels.values)
    if labels.kind == "number" and gone.any():
        return [np.flatnonzero(~gone), np.flatnonzero(gone)]
    return [np.arange(n)]


def check_traces(labels: Labels) -> None:
    """Refuse more than 200 categories."""
    if labels.kind == "category" and len(labels.names) > MAX_TRACES:
        raise DataError(
            f"a Plotly figure has at most {MAX_TRACES} categories, one trace each; got {len(labels.names)}. "
            "Give numbers for a colour scale, or fewer groups."
        )


def traces(
    Z: np.ndarray,
    labels: Labels,
    texts: Sequence[str] | None,
    size: float | None = None,
    theme: Theme = "light",
) -> list[Any]:
    """Give the Plotly traces of positions Z (n, 2 or 3); `texts` are escaped already."""
    import plotly.graph_objects as go

    n, c = Z.shape
    kind = go.Scattergl if c == 2 else go.Scatter3d
    size = point_size(n, c) if size is None else size
    answer = []
    for i, points in enumerate(groups(labels, n)):
        name, marker = trace_style(labels, i, points, theme)
        more: dict[str, Any] = {"hoverinfo": "name" if labels.kind == "category" else "skip"}
        if texts is not None:
            more = {"hovertext": [texts[p] for p in points], "hoverinfo": "text+name"}
        answer.append(
            kind(**coordinates(Z, points), mode="markers", name=name, marker={"size": size} | marker, **more)
        )
    return answer


def coordinates(Z: np.ndarray, points: np.ndarray) -> dict[str, np.ndarray]:
    """Give fresh columns x, y (and z) of some points."""
    return {axis: np.ascontiguousarray(Z[points, i]) for i, axis in enumerate("xyz"[: Z.shape[1]])}


def point_size(n: int, c: int) -> float:
    """Give a diameter in pixels at which n points cover a figure without hiding each other."""
    return float(np.clip(220 / np.sqrt(n), 2, 8)) if c == 2 else float(np.clip(120 / np.sqrt(n), 1.5, 5))


def trace_style(labels: Labels, i: int, points: np.ndarray, theme: Theme) -> tuple[str, dict[str, Any]]:
    """Give the name of the i-th trace, escaped, and what its points look like."""
    marker: dict[str, Any] = {"opacity": 0.8}
    if labels.kind == "category":
        color = category_colors(len(labels.names), theme)[i]
        return escape_markup(labels.names[i]), marker | {"color": color}
    if labels.kind == "none":
        return "points", marker | {"color": PLAIN[theme]}
    if i == 1:
        return "missing", {"color": MISSING[theme], "opacity": 0.5}
    values = labels.values[points]
    low, high = labels.scale()
    stops = scale_colors(theme)
    bar = {"title": {"text": escape_markup(labels.name)}, "thickness": 12, "outlinewidth": 0, "len": 0.6}
    scale = {
        "colorscale": [[place / (len(stops) - 1), color] for place, color in enumerate(stops)],
        "cmin": low,
        "cmax": high,
    }
    return "points", marker | scale | {"color": values, "colorbar": bar}


def layout(c: int, labels: Labels, title: str | None, theme: Theme = "light") -> dict[str, Any]:
    """Give the layout: equal scales, no axes, and a constant `uirevision`, so that updates keep zoom and legend."""
    template = {"light": "plotly_white", "dark": "plotly_dark"}[theme]
    answer: dict[str, Any] = {
        "template": template,
        "paper_bgcolor": BACKGROUND[theme],
        "plot_bgcolor": BACKGROUND[theme],
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": TEXT[theme]},
        "uirevision": "embedding",
        "modebar": MODEBAR | {"bgcolor": "rgba(0,0,0,0)"},
        "hoverlabel": {"namelength": -1},
        "showlegend": labels.kind == "category",
        "legend": {"itemsizing": "constant", "title": {"text": escape_markup(labels.name)}},
        "margin": {"l": 12, "r": 12, "t": 44 if title else 12, "b": 12},
        "title": {
            "text": escape_markup(plain_text(title or "")),
            "font": {"size": 15},
            "x": 0.02,
            "xanchor": "left",
        },
    }
    hidden = BARE | {"visible": False}
    if c == 3:
        return answer | {"scene": {"xaxis": hidden, "yaxis": hidden, "zaxis": hidden, "aspectmode": "data"}}
    return answer | {
        "xaxis": hidden,
        "yaxis": hidden | {"scaleanchor": "x", "scaleratio": 1},
        "hovermode": "closest",
    }


def disk_layout(disk: bool, theme: Theme = "light") -> dict[str, Any]:
    """Give what draws the unit circle under the points and shows all of it, or what takes it away again."""
    if not disk:
        return {"shapes": [], "xaxis": {"autorange": True}, "yaxis": {"autorange": True}}
    circle = {
        "type": "circle",
        "xref": "x",
        "yref": "y",
        "x0": -1,
        "y0": -1,
        "x1": 1,
        "y1": 1,
        "layer": "below",
    }
    ends = {"range": [-1.05, 1.05], "autorange": False}
    return {"shapes": [circle | {"line": {"color": DISK[theme], "width": 1}}], "xaxis": ends, "yaxis": ends}
