"""Points drawn live in the notebook: what a view of one run and one of several have in common."""

import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import traitlets as t

from ne_interactive.params.errors import ParameterError
from ne_interactive.quality.labels import Labels
from ne_interactive.quality.text import plain_text
from ne_interactive.widget.colors import Colors, Sizes
from ne_interactive.widget.labels import codes, legend
from ne_interactive.widget.selection import Points, packed
from ne_interactive.widget.wire import PROTOCOL

MIN_HEIGHT, MAX_HEIGHT = 160, 4000
MAX_COMPONENTS = 3
_STATIC = Path(__file__).parent / "static"


class Drawing(anywidget.AnyWidget):
    """The browser's side, the scene, colours and sizes of the points, and the selection.

    What begins with an underscore is the kernel's: a browser cannot change it.
    """

    _esm = t.Unicode().tag(sync=True)
    _css = t.Unicode().tag(sync=True)
    _protocol = t.Int(PROTOCOL).tag(sync=True)
    _scene = t.Dict().tag(sync=True)
    _codes = t.Bytes().tag(sync=True)
    _height = t.Int(600).tag(sync=True)
    _sizes = t.Bytes().tag(sync=True)
    _selection = t.Bytes().tag(sync=True)
    selection = Points(help="Indices of the selected points: ascending int64. Set it, or observe it.")
    run: Any
    _colors: Colors

    def __init__(self, scene: dict[str, Any], sizes: Sizes | None, height: int, **state: Any) -> None:
        """Draw a scene, in the colours and sizes of the points; `state` are the other traits."""
        # Whoever writes the scene and the codes: the run's thread, that of a search, and the caller's.
        self._writing = threading.RLock()
        super().__init__(
            _esm=bundle("widget.js"),
            _css=bundle("widget.css"),
            _scene=scene | {"size": sizes.describe() if sizes else None} | self._coloring(),
            _codes=codes(self._labels()),
            _sizes=sizes.bytes if sizes else b"",
            _height=height,
            **state,
        )
        self.on_msg(_receive)

    def _hear(self, content: object, buffers: Sequence[Any]) -> None:
        """Do what the browser asks."""
        raise NotImplementedError

    def _labels(self) -> Labels:
        """What the points are coloured by now."""
        return self._colors.labels

    def _coloring(self) -> dict[str, Any]:
        names = {"names": self._colors.names, "name": self._colors.current}
        return {"legend": legend(self._labels()), "colors": names}

    def _recolor(self) -> None:
        with self._writing, self.hold_sync():
            self._codes = codes(self._labels())
            self._scene = self._scene | self._coloring()

    def _select(self, points: Any) -> None:
        self.selection = points

    @t.observe("selection")
    def _show_selection(self, change: Any) -> None:
        self._selection = packed(change["new"])

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take state from the browser; what is drawn is not the browser's to change."""
        super().set_state({name: value for name, value in sync_data.items() if not name.startswith("_")})


def check_height(height: object) -> None:
    """Refuse a height that is not a whole number of pixels between 160 and 4000."""
    if isinstance(height, bool) or not isinstance(height, int) or not MIN_HEIGHT <= height <= MAX_HEIGHT:
        limits = f"from {MIN_HEIGHT} to {MAX_HEIGHT}"
        raise ParameterError(
            f"height must be a whole number of pixels {limits}; got {plain_text(height, 40)}."
        )


@cache
def bundle(name: str) -> str:
    """Give a file of the browser's side."""
    path = _STATIC / name
    return path.read_text(encoding="utf-8") if name.endswith(".js") or path.exists() else ""


def _receive(drawing: Drawing, content: object, buffers: Sequence[Any]) -> None:
    drawing._hear(content, buffers)
