"""Line plots that can be read on light and on dark pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito
INK = "#808080"

Line = tuple[str, list[float], list[float]]  # name, x, y


def lines(path: Path, title: str, x: str, y: str, drawn: list[Line], log_y: bool = True) -> None:
    """Draw lines over a logarithmic x as an SVG file with a clear background."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    for at, (name, xs, ys) in enumerate(drawn):
        axes.plot(xs, ys, "o-", color=COLORS[at % len(COLORS)], label=name, markersize=4)
    axes.set(title=title, xlabel=x, ylabel=y, xscale="log", yscale="log" if log_y else "linear")
    _grey(axes)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, transparent=True, metadata={"Date": None})
    plt.close(figure)


def _grey(axes: Any) -> None:
    axes.grid(True, color=INK, alpha=0.25)
    for text in (axes.title, axes.xaxis.label, axes.yaxis.label):
        text.set_color(INK)
    axes.tick_params(which="both", colors=INK)
    for spine in axes.spines.values():
        spine.set_color(INK)
    axes.legend(frameon=False, labelcolor=INK)
