"""A Plotly figure that a notebook hears of once it is complete, and that takes the width it is given."""

from copy import deepcopy
from functools import cache
from typing import Any

FITS = 3
"""How often a figure is fitted after it is shown anew: what a page tells may come from where it was shown before."""


@cache
def late_figure() -> Any:
    """Give the class, a `FigureWidget` to be published when all of it is set; imports Plotly.

    A `FigureWidget` announces itself empty, and sends data, layout and configuration after. A browser that is busy may
    draw it before they have come: axes without points, and with the button that uploads.

    It is drawn before it has a place in the page, 700 pixels wide, and does not look again until the window changes.
    This one is asked to, as soon as the page tells that it has been drawn.
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
            self.observe(self._fit, "_js2py_traceDeltas")
            super().open()

        def get_state(self, key: Any = None, drop_defaults: bool = False) -> Any:
            """Give what a page asks for: one that asks for everything draws the figure anew."""
            if key is None:
                self._fits_left = FITS
            return super().get_state(key, drop_defaults)

        def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> Any:
            self._fits_left = FITS
            return super()._repr_mimebundle_(*args, **kwargs)

        def _fit(self, change: Any) -> None:
            if change["new"] and self._fits_left:
                self._fits_left -= 1
                self._send_relayout_msg({"autosize": True})

    return Figure
