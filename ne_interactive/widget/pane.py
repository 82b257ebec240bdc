"""One of the maps that are compared: a run or an array, its stream of frames, and the desk that serves it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ne_interactive.params.errors import ParameterError
from ne_interactive.quality.hover import HoverTable
from ne_interactive.quality.pictures import Pixels, Thumbnails
from ne_interactive.widget.branches import Branch, Branches
from ne_interactive.widget.desk import Desk
from ne_interactive.widget.exploring import Exploring
from ne_interactive.widget.follow import follow
from ne_interactive.widget.search import Search
from ne_interactive.widget.standing import Standing
from ne_interactive.widget.stream import Send, Stream
from ne_interactive.widget.wire import scene_of, status_message

HEARD = {
    "hello",
    "bye",
    "ack",
    "visible",
    "set",
    "do",
    "look",
    "hover",
    "neighbors",
    "color",
    "search",
    "select",
    "pin",
    "move",
    "release",
}
"""What a browser may ask of one map: all but what would show another run or other points in its place."""


class Pane:
    """`name` and `run` of one map; see `Comparison.views`."""

    def __init__(
        self,
        name: str,
        run: Any,
        send: Send,
        clock: Callable[[], float],
        *,
        table: HoverTable | None,
        pictures: Pixels | Thumbnails | None,
        search: Search,
        select: Callable[[np.ndarray], None],
        color_by: Callable[[str], None],
        heard: Callable[[str], None],
    ) -> None:
        """Serve `run`; `heard` is told what it does."""
        self.name, self.run = name, run
        self._ids = run.ids
        self._tell = heard
        self._stream = Stream(run, send, clock)
        exploring = Exploring(run, select, color_by, search, self._stream.tell)
        self.desk = Desk(self._stream, table, pictures, exploring, Branches([Branch(run)]), _refuse)
        self._unlisten = follow(run, self, Pane._heard)

    @property
    def stands(self) -> bool:
        """Whether it is an array, which nothing changes."""
        return isinstance(self.run, Standing)

    def told(self) -> dict[str, Any]:
        """What is drawn, and what can be set."""
        scene = scene_of(self.run) | {"title": self.name}
        return {"scene": scene, "stands": self.stands, "controls": self.desk.settings.rows()}

    def receive(self, content: dict[str, Any], buffers: Any) -> None:
        """Do what the browser asks of this map."""
        kind = content.get("k")
        if isinstance(kind, str) and kind in HEARD:
            self.desk.receive(content, buffers)
        else:
            self._refuse_kind(content)

    def _refuse_kind(self, content: dict[str, Any]) -> None:
        told = (
            "Maps that are compared keep their points and their run; do this in a view of its own: explore()."
        )
        self._stream.tell({"k": "refused", "of": content.get("k"), "id": None, "error": told})

    def close(self) -> None:
        """Send nothing any more."""
        self._unlisten()
        self.desk.close()

    def _heard(self, what: str) -> None:
        if what == "points" and not np.array_equal(self.run.ids, self._ids):
            told = "Points have left this run or come to it, so that its rows are others now: compare() it again."
            self._stream.tell(status_message(self.run) | {"error": told})
            self.close()
            return
        self._tell(what)
        self.desk.heard(what)

    def __repr__(self) -> str:
        return f"Pane({self.name!r}, {self.run!r})"


def _refuse(_run: Any) -> None:
    raise ParameterError("Maps that are compared keep their run; branch in a view of its own: explore().")
