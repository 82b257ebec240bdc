"""A Plotly figure that a notebook hears of once it is complete."""

from copy import deepcopy
from functools import cache
from typing import Any


@cache
def late_figure() -> Any:
    """Give the class, a `FigureWidget` to be published when all of it is set; imports Plotly.

    A `FigureWidget` announces itself empty, and sends data, layout and configuration after. A browser that is busy may
    draw it before they have come: axes without points, and with the button that uploads.
    """
    import plotly.graph_objects as go

    class Figure(go.FigureWidget):
        """Unknown to the notebook until it is published."""

        def open(self) -> None:
            """Wait to be published; called by the constructor."""

        def publish(self) -> None:
            """Tell the notebook, all at once."""
            self._widget_layout = deepcopy(self._layout_obj._props)
            self._widget_data = deepcopy(self._data)
            super().open()

    return Figure
