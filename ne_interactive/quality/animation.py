"""The past of an embedding as one Plotly figure, with a slider through its frames and a button that plays them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ne_interactive.params.errors import DataError, ParameterError
from ne_interactive.quality.figures import coordinates, embedding_figure, groups
from ne_interactive.quality.labels import read_labels
from ne_interactive.quality.palette import QUIET, TEXT, Theme
from ne_interactive.quality.reel import Reel, spread
from ne_interactive.quality.text import plain_text

MAX_MB = 20.0
MOST_FRAMES = 100
BYTES = 16 / 3
"""Of a coordinate, as base64 of a float32."""
ROOM = 1.08
SECONDS = 8.0


def animation_figure(
    frames: Mapping[int, np.ndarray],
    labels: object = None,
    *,
    hover: object = None,
    title: str | None = None,
    theme: Theme = "light",
    disk: bool = False,
    max_mb: float = MAX_MB,
) -> Any:
    """Draw frames (n, 2 or 3) by iteration; see `embedding_figure` for the rest.

    Args:
        frames: Positions by iteration. Only as many as `max_mb` allows are taken, 100 at most, evenly in time.
        labels: One label for each point.
        hover: Texts for each point.
        title: Title above the figure.
        theme: "light" or "dark".
        disk: Draw the unit circle around the points.
        max_mb: MB that the positions may take when the figure is written.

    Raises:
        DataError: not even the first and the last frame fit.
    """
    check_megabytes(max_mb)
    reel = Reel(frames)
    size = reel.n * reel.c * BYTES
    most = int(min(MOST_FRAMES, max_mb * 1e6 / size - 1))  # the figure beneath the frames is one more
    if most < 2:
        raise DataError(
            f"an animation of {reel.n:,} points takes {3 * size / 1e6:.3g} MB or more; got max_mb={max_mb:g}. "
            "Allow more, or draw run.figure(), which is one frame."
        )
    chosen = spread(reel.iterations, most)
    last = reel[chosen[-1]]  # what is shown until it is played
    figure = embedding_figure(last, labels, hover=hover, title=title, theme=theme, disk=disk)

    import plotly.graph_objects as go

    points = groups(read_labels(labels, reel.n), reel.n)
    kind = type(figure.data[0])
    figure.frames = [
        go.Frame(
            name=str(at),
            data=[kind(**coordinates(reel[at], some)) for some in points],
            traces=list(range(len(points))),
            layout={} if disk else _ranges(reel[at]),
        )
        for at in chosen
    ]
    figure.update_layout(**_handles(chosen, theme), margin={"b": 84})
    if not disk:
        figure.update_layout(**_ranges(last))
    return figure


def check_megabytes(value: Any) -> None:
    """Refuse what is not a positive number of MB."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")
    if not good:
        raise ParameterError(f"max_mb must be a number of MB above 0; got {plain_text(value, 40)}.")


def _ranges(Z: np.ndarray) -> dict[str, Any]:
    """Give a square, or a cube, around the points: so the view follows a map that grows."""
    good = Z[np.isfinite(Z).all(axis=1)]
    low, high = (
        (good.min(axis=0), good.max(axis=0)) if len(good) else (-np.ones(Z.shape[1]), np.ones(Z.shape[1]))
    )
    half = float((high - low).max()) * ROOM / 2 or 1.0
    axes = {
        f"{name}axis": {"range": [float(m) - half, float(m) + half], "autorange": False}
        for name, m in zip("xyz", (low + high) / 2, strict=False)
    }
    return {"scene": axes | {"aspectmode": "cube"}} if Z.shape[1] == 3 else axes


def _handles(iterations: list[int], theme: Theme) -> dict[str, Any]:
    """Give the slider through the frames, and what plays and pauses them."""
    pace = 1000 * SECONDS / max(len(iterations), 2)
    still = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    play = still | {"frame": {"duration": pace, "redraw": True}, "fromcurrent": True}
    steps = [{"method": "animate", "label": f"{at:,}", "args": [[str(at)], still]} for at in iterations]
    buttons = [
        {"label": "▶", "method": "animate", "args": [None, play]},
        {"label": "❚❚", "method": "animate", "args": [[None], still]},
    ]
    quiet, text = QUIET[theme], TEXT[theme]
    slider = {
        "active": len(iterations) - 1,
        "steps": steps,
        "x": 0,
        "len": 1,
        "xanchor": "left",
        "y": 0,
        "yanchor": "top",
        "pad": {"t": 10, "b": 6, "l": 92, "r": 12},
        "currentvalue": {"prefix": "iteration ", "xanchor": "right", "font": {"size": 12, "color": text}},
        "font": {"size": 1, "color": "rgba(0,0,0,0)"},
        "ticklen": 0,
        "minorticklen": 0,
        "bgcolor": quiet,
        "bordercolor": quiet,
        "activebgcolor": text,
    }
    menu = {
        "type": "buttons",
        "direction": "left",
        "showactive": False,
        "buttons": buttons,
        "x": 0,
        "xanchor": "left",
        "y": 0,
        "yanchor": "top",
        "pad": {"t": 26, "l": 8},
        "bgcolor": "rgba(0,0,0,0)",
        "bordercolor": quiet,
        "font": {"size": 12, "color": text},
    }
    return {"sliders": [slider], "updatemenus": [menu]}
