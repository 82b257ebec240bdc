"""One live parameter as ipywidgets: its value, its schedule, and why a value was refused."""

import math
import threading
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import ipywidgets as w

from ne_interactive.quality.text import plain_text

COSTS = {"kernel": "rebuilds a table", "weights": "recalibrates", "graph": "new neighbours"}
NAME_WIDTH, NUMBER_WIDTH, AUTO_WIDTH = "150px", "92px", "60px"


class Parameter(w.VBox):
    """The control of one parameter; `value` is what it shows, and setting it asks for a change.

    `input` is the widget that holds the value; `slider`, for numbers, shows where it lies in its usual range;
    `auto`, for parameters with a schedule, is on while the schedule is followed; `note` says why a value was refused.
    """

    def __init__(self, row: dict[str, Any], ask: Callable[[str, Any], None]) -> None:
        """Make the control of one row of `describe()`; `ask(name, value)` is called for each change by hand."""
        self.name = row["name"]
        self._ask = ask
        self._shown = 0.0  # where the slider was put last
        self._showing = 0  # the thread that shows what is in force, whose changes are nobody's wish
        cost = COSTS.get(row.get("redo", ""), "")
        tip = row.get("help", "") + (f" ({cost})" if cost else "")
        label = w.Label(self.name, tooltip=tip, layout=w.Layout(width=NAME_WIDTH))
        self.input: Any = _input(row, tip)
        self.slider: Any = _slider(row, tip) if row["kind"] in ("number", "integer") else None
        self.auto = None
        if row.get("auto"):
            auto_tip = "follow the schedule of the method"
            layout = w.Layout(width=AUTO_WIDTH)
            self.auto = w.ToggleButton(value=False, description="auto", tooltip=auto_tip, layout=layout)
            self.auto.observe(self._auto_clicked, "value")
        self.note = w.Label("", style={"text_color": "#b3261e"}, layout=w.Layout(display="none"))
        parts = [part for part in (label, self.slider, self.input, self.auto) if part is not None]
        self.input.observe(lambda change: self._by_hand(change.new), "value")
        if self.slider is not None:
            self.slider.observe(self._slid, "value")
        super().__init__(
            [w.HBox(parts, layout=w.Layout(align_items="center", flex_flow="row wrap")), self.note]
        )
        self.show(row["value"], row.get("following", False))

    @property
    def value(self) -> Any:
        """The value shown."""
        return self.input.value

    @value.setter
    def value(self, value: Any) -> None:
        self._by_hand(value)

    def show(self, value: Any, following: bool) -> None:
        """Show the value in force, and whether the schedule is followed."""
        with self._quietly():
            if self.slider is not None and isinstance(value, int | float):
                self._shown = min(max(value, _low(self.slider)), _high(self.slider))
                self.slider.value = self._shown
            # The word "auto" has no number to show.
            if self.slider is None or isinstance(value, int | float):
                shown: Any = plain_text(value) if isinstance(self.input, w.Text) else value
                self.input.value = shown
            if self.auto is not None:
                self.auto.value = following

    def complain(self, text: str) -> None:
        """Say why the last value was refused; "" takes it back."""
        self.note.value = text
        self.note.layout.display = "" if text else "none"

    @contextmanager
    def _quietly(self) -> Any:
        self._showing = threading.get_ident()
        try:
            yield
        finally:
            self._showing = 0

    def _by_hand(self, value: Any) -> None:
        if self._showing != threading.get_ident():
            self._ask(self.name, value)

    def _slid(self, change: Any) -> None:
        """Take a move of the slider, but not that the browser puts it on the nearest of its steps."""
        slider = self.slider
        moved = abs(_place(slider, change.new) - _place(slider, self._shown))
        if moved > 0.5001 * slider.step:
            self._shown = change.new
            self._by_hand(_rounded(change.new))

    def _auto_clicked(self, change: Any) -> None:
        self._by_hand("auto" if change.new else self.value)


def close_parts(widget: Any) -> None:
    """Close what a widget holds, to the layouts and styles that ipywidgets leaves behind."""
    for child in getattr(widget, "children", ()):
        close_parts(child)
        child.close()
    for part in (widget.layout, getattr(widget, "style", None)):
        if part is not None:
            part.close()


def _input(row: dict[str, Any], tip: str) -> Any:
    more: dict[str, Any] = {"tooltip": tip, "continuous_update": False}
    match row["kind"]:
        case "integer":
            return w.IntText(layout=w.Layout(width=NUMBER_WIDTH), **more)
        case "number":
            return w.FloatText(step=None, layout=w.Layout(width=NUMBER_WIDTH), **more)
        case "choice":
            return w.Dropdown(options=list(row["choices"]), tooltip=tip, layout=w.Layout(width="auto"))
        case "switch":
            return w.Checkbox(indent=False, tooltip=tip, layout=w.Layout(width="auto"))
        case _:
            return w.Text(layout=w.Layout(width="auto"), **more)


def _slider(row: dict[str, Any], tip: str) -> Any:
    low, high = row.get("ui_low", row.get("low")), row.get("ui_high", row.get("high"))
    low = 0.0 if low is None else low
    high = max(low + 1, 1.0) if high is None else high
    more: dict[str, Any] = {"readout": False, "tooltip": tip, "layout": w.Layout(width="180px")}
    if row["kind"] == "integer":
        return w.IntSlider(value=int(low), min=int(low), max=int(high), **more)
    if row.get("scale") == "log" and low > 0:
        ends = {"min": math.log10(low), "max": math.log10(high), "step": math.log10(high / low) / 200}
        return w.FloatLogSlider(value=low, base=10, **ends, **more)
    return w.FloatSlider(value=low, min=low, max=high, step=(high - low) / 200, **more)


def _place(slider: Any, value: float) -> float:
    """Give a value in the slider's own measure, of which its step is a part."""
    return math.log10(value) if isinstance(slider, w.FloatLogSlider) else value


def _low(slider: Any) -> float:
    return 10**slider.min if isinstance(slider, w.FloatLogSlider) else slider.min


def _high(slider: Any) -> float:
    return 10**slider.max if isinstance(slider, w.FloatLogSlider) else slider.max


def _rounded(value: Any) -> Any:
    """Four digits that count: what a slider can be set to by hand."""
    return value if isinstance(value, int) or value == 0 else float(f"{value:.4g}")
