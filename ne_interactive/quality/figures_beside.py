"""Maps side by side as one Plotly figure: turned and sized alike, one legend, zoomed as one."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ne_interactive.params.errors import DataError
from ne_interactive.quality.alignment import aligned
from ne_interactive.quality.figures import BARE, hover_texts, layout, traces
from ne_interactive.quality.hover import HoverTable
from ne_interactive.quality.labels import Labels
from ne_interactive.quality.palette import Theme, check_theme
from ne_interactive.quality.text import escape_markup, plain_text

COLUMNS = (0, 1, 2, 3, 2, 3, 3)  # of two to six maps, how many stand in a row
GAP = 0.03


def beside_figure(
    maps: Mapping[str, np.ndarray],
    labels: Labels,
    table: HoverTable | None = None,
    *,
    title: str | None = None,
    theme: Theme = "light",
) -> Any:
    """Draw maps (n, 2) or (n, 3) of the same points, by name; each lies over the first of as many dimensions.

    Returns:
        A `plotly.graph_objects.Figure`. A click in the legend hides a category in every map, and flat maps are moved
        and zoomed as one.

    Raises:
        DataError: more than 200 categories, or other dimensions.
        ParameterError: another theme.
    """
    import plotly.graph_objects as go

    check_theme(theme)
    for name, Z in maps.items():
        if Z.shape[1] not in (2, 3):
            raise DataError(f"Maps of 2 or 3 dimensions are drawn; {name!r} has {Z.shape[1]}.")
    n = len(next(iter(maps.values())))
    texts = None if table is None else hover_texts(table, range(n))
    figure = go.Figure()
    figure.update_layout(layout(2, labels, title, theme) | {"margin": {"l": 12, "r": 12, "t": 56, "b": 12}})
    first: dict[int, np.ndarray] = {}
    flats = solids = 0
    for place, (name, Z) in enumerate(maps.items()):
        ground = first.setdefault(Z.shape[1], Z)
        x, y = _domain(place, len(maps))
        if Z.shape[1] == 2:
            flats += 1
            where = _flat(figure, flats, x, y)
        else:
            solids += 1
            where = {"scene": _numbered("scene", solids)}
            axis = BARE | {"visible": False}
            space = {"xaxis": axis, "yaxis": axis, "zaxis": axis, "aspectmode": "data"}
            figure.update_layout({where["scene"]: space | {"domain": {"x": x, "y": y}}})
        for group, trace in enumerate(traces(laid(Z, ground), labels, texts, theme=theme)):
            trace.update(legendgroup=str(group), showlegend=place == 0, **where)
            if place > 0 and labels.kind == "number":
                trace.marker.showscale = False
            figure.add_trace(trace)
        figure.add_annotation(
            text=escape_markup(plain_text(name)), x=x[0], y=y[1], xref="paper", yref="paper",
            xanchor="left", yanchor="bottom", showarrow=False,
        )  # fmt: skip
    return figure


def laid(Z: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """Turn and mirror a map to lie over another, and make it as large, whatever it has in common with it."""
    if Z is ground:
        return Z
    turned = aligned(Z, ground, scale=False).astype(np.float64)
    centre = turned.mean(0)
    sizes = [float(np.square(one - one.mean(0)).sum()) for one in (ground.astype(np.float64), turned)]
    ratio = np.sqrt(sizes[0] / sizes[1]) if sizes[1] > 0 else 1.0
    return (centre + ratio * (turned - centre)).astype(np.float32)


def _flat(figure: Any, number: int, x: list[float], y: list[float]) -> dict[str, str]:
    """Make the axes of a flat map; all go with those of the first."""
    across, up = _numbered("xaxis", number), _numbered("yaxis", number)
    names = {"xaxis": across.replace("axis", ""), "yaxis": up.replace("axis", "")}
    axis = BARE | {"visible": False}
    with_first = [{"matches": name} if number > 1 else {} for name in ("x", "y")]
    figure.update_layout(
        {
            across: axis | {"domain": x, "anchor": names["yaxis"]} | with_first[0],
            up: axis
            | {"domain": y, "anchor": names["xaxis"], "scaleanchor": names["xaxis"], "scaleratio": 1}
            | with_first[1],
        }
    )
    return names


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}{number}"


def _domain(place: int, count: int) -> tuple[list[float], list[float]]:
    """Give the part of the figure, from left to right and from below, that a map has."""
    columns = COLUMNS[count]
    rows = -(-count // columns)
    row, column = divmod(place, columns)
    x = [column / columns + (GAP if column else 0), (column + 1) / columns]
    y = [1 - (row + 1) / rows, 1 - row / rows - (2 * GAP if row else 0)]
    return x, [max(0.0, side) for side in y]
