"""Line plots as SVG that can be read on a light and on a dark page, in colours that colour-blind people tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
)  # Okabe and Ito, the legible ones
GREY = "#808080"  # text and axes: as far from white as from black
PANEL = (4.2, 3.6)  # inches


@dataclass(frozen=True)
class Line:
    """One curve: its name in the legend, points in order, colour number; a level is drawn across as a whole."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: int = 0
    style: str = "-"
    marker: str = "o"
    level: bool = False


@dataclass(frozen=True)
class Panel:
    """Axes with their titles and curves."""

    across: str
    up: str
    lines: Sequence[Line]
    log: tuple[bool, bool] = (True, True)


def draw(path: Path, panels: Sequence[Panel]) -> None:
    """Panels side by side, each with a legend below it, as an SVG with a transparent ground."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    colours = dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), GREY
    )
    settings = colours | {"svg.fonttype": "none", "svg.hashsalt": path.name, "font.size": 10}
    with matplotlib.rc_context(settings):
        figure, all_axes = pyplot.subplots(
            1, len(panels), figsize=(PANEL[0] * len(panels), PANEL[1]), squeeze=False, layout="constrained"
        )
        for axes, panel in zip(all_axes[0], panels, strict=True):
            _fill(axes, panel)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, transparent=True, metadata={"Date": None})
        pyplot.close(figure)


def _fill(axes, panel: Panel) -> None:
    for line in panel.lines:
        look = {"color": COLOURS[line.colour % len(COLOURS)], "linestyle": line.style, "linewidth": 1.8}
        if line.level:
            axes.axhline(line.y[0], label=line.name, **look)
        else:
            axes.plot(line.x, line.y, label=line.name, marker=line.marker, markersize=4, **look)
    for log, scale in zip(panel.log, (axes.set_xscale, axes.set_yscale), strict=True):
        if log:
            scale("log")
    axes.set_xlabel(panel.across)
    axes.set_ylabel(panel.up)
    axes.grid(alpha=0.25, color=GREY, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if panel.lines:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, frameon=False, fontsize=9)
