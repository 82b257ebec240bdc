"""Maps side by side: runs of any methods and arrays made elsewhere, row by row the same points."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import anywidget
import numpy as np
import traitlets as t

from ne_interactive.engine.searching import runs_on
from ne_interactive.engine.stepper import Stepper
from ne_interactive.params.errors import NEError, ParameterError
from ne_interactive.quality.alignment import aligned
from ne_interactive.quality.hover import HoverTable
from ne_interactive.quality.metrics import point_error
from ne_interactive.quality.pictures import read_pictures
from ne_interactive.quality.text import plain_text
from ne_interactive.widget.colors import Colors, Sizes
from ne_interactive.widget.corresponding import corresponding, named
from ne_interactive.widget.explorer import bundle, check_height
from ne_interactive.widget.inbox import Malformed, request_id
from ne_interactive.widget.labels import codes, legend
from ne_interactive.widget.pane import Pane
from ne_interactive.widget.rerun import take_over
from ne_interactive.widget.search import Search
from ne_interactive.widget.selection import Points, packed
from ne_interactive.widget.together import shared_rows, tune_all
from ne_interactive.widget.wire import PROTOCOL
from ne_interactive.widget.worker import Worker

Difference = Literal["lines", "ghost"]


class Choice(t.TraitType[Any, Any]):
    """One of some values; a ParameterError names them."""

    def __init__(self, *values: Any, help: str) -> None:
        """Take the values, the default first."""
        super().__init__(values[0], help=help)
        self._values = values

    def validate(self, obj: Any, value: Any) -> Any:
        """Give the value, if it is one of them."""
        if any(value is one or (isinstance(value, str) and value == one) for one in self._values):
            return value
        known = ", ".join(map(repr, self._values))
        raise ParameterError(f"{self.name} must be one of {known}; got {plain_text(value, 40)!r}.")


class Comparison(anywidget.AnyWidget):
    """Two to six maps of the same points side by side, each laid over the first; `compare` makes one.

    `views` are the maps with their `name` and `run`, `runs` the runs among them. One `selection` serves all: indices of
    points, which can be set and observed. So can what is shown of the maps together: `difference` (None, "lines" or
    "ghost"), `linked` (whether pictures are moved and zoomed as one) and `controls` ("separate" or "shared").
    """

    _esm = t.Unicode().tag(sync=True)
    _css = t.Unicode().tag(sync=True)
    _protocol = t.Int(PROTOCOL).tag(sync=True)
    _scene = t.Dict().tag(sync=True)
    _views = t.List().tag(sync=True)
    _shared = t.List().tag(sync=True)
    _arranged = t.Dict().tag(sync=True)
    _codes = t.Bytes().tag(sync=True)
    _height = t.Int().tag(sync=True)
    _sizes = t.Bytes().tag(sync=True)
    _selection = t.Bytes().tag(sync=True)
    selection = Points(help="Indices of the selected points: ascending int64. Set it, or observe it.")
    difference = Choice(None, "lines", "ghost", help="How the difference from the first map is drawn.")
    linked = Choice(True, False, help="Whether all pictures are moved and zoomed as one.")
    controls = Choice("separate", "shared", help="Parameters of each run, or one panel for all.")
    views: tuple[Pane, ...] = ()

    def __init__(
        self,
        maps: Mapping[str, Any],
        *,
        labels: object = None,
        color: object = None,
        size: object = None,
        hover: object = None,
        images: object = None,
        height: int = 420,
        title: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        **arranged: Any,
    ) -> None:
        """Show maps by name, of which none is started here. See `compare` for the arguments.

        Raises:
            ParameterError: too few or too many maps, a run twice, more than three dimensions, a bad height.
            DataError: the maps are not of the same points, or labels, color, size, hover or images do not fit them.
        """
        self._worker = Worker("ne_interactive-comparison")
        check_height(height)
        runs = corresponding(maps)
        self.run = next(iter(runs.values()))
        n = self.run.n
        self._colors = Colors(labels, color, n)
        sizes = None if size is None else Sizes(size, n, self._colors)
        told: dict[str, Any] = {"table": None if hover is None else HoverTable(hover, n)}
        told["pictures"] = None if images is None else read_pictures(images, n)
        told["search"] = Search(told["table"], self._colors)
        told |= {"select": self._select, "color_by": self.color_by, "changed": self._describe}
        self._stop_runs_on_close = False
        send = [self._sender(place) for place in range(len(runs))]
        self.views = tuple(
            Pane(name, run, send[place], clock, **told) for place, (name, run) in enumerate(runs.items())
        )
        _share_neighbors(self.runs, self.views)
        asks = told["table"] is not None or told["pictures"] is not None
        scene = {"n": n, "title": plain_text(title or ""), "hover": asks}
        scene |= {"search": told["table"] is not None or len(self._colors.names) > 1}
        scene |= {"size": sizes.describe() if sizes else None} | self._coloring()
        super().__init__(
            _esm=bundle("widget.js"),
            _css=bundle("widget.css"),
            _scene=scene,
            _codes=codes(self._colors.labels),
            _sizes=sizes.bytes if sizes else b"",
            _height=height,
            **arranged,
        )
        self._arrange()
        self._describe()
        self.on_msg(_receive)

    @property
    def runs(self) -> list[Stepper]:
        """The runs among the maps, in order."""
        return [view.run for view in self.views if not view.stands]

    def pause(self) -> None:
        """Halt all runs after the iteration they are in."""
        for run in self.runs:
            run.pause()

    def resume(self) -> None:
        """Let all runs go on in the background."""
        for run in self.runs:
            run.resume()

    def tune(self, **changes: Any) -> None:
        """Change live parameters of every run that has them; where one run refuses, none is changed.

        Raises:
            ParameterError: no run has a parameter, or one refuses its value.
        """
        tune_all(self.views, changes)

    def color_by(self, name: str, values: object = None) -> None:
        """Colour the points of every map by a column: one that was given, or `values` under a new name.

        Raises:
            ParameterError: there is no such column.
            DataError: `values` are not one for each point, or too many different ones.
        """
        labels = self._colors.choose(name, values)
        with self.hold_sync():
            self._codes = codes(labels)
            self._scene = self._scene | self._coloring()

    def aligned(self) -> dict[str, np.ndarray]:
        """The maps as they are now (n, c) float32, each moved, turned, mirrored and stretched to lie over the first.

        In the least squares sense, see `metrics.aligned`; one of another number of dimensions is left as it is.
        """
        first = self.run.embedding
        found = {view.name: view.run.embedding for view in self.views}
        return {name: aligned(Z, first) if Z.shape == first.shape else Z for name, Z in found.items()}

    def moved(self, view: str | int = 1, k: int = 10) -> np.ndarray:
        """For each point, the share of its k nearest neighbours on the first map that it has not on another.

        From 0, where all are the same, to 1: `c.color_by("moved", c.moved())` shows it. Returns (n,) float64.

        Args:
            view: name or place of the other map.
            k: how many neighbours.

        Raises:
            ParameterError: there is no such map.
            DataError: k is not in [1, n - 1].
        """
        found = [other for place, other in enumerate(self.views) if view in (place, other.name)]
        if not found or isinstance(view, bool):
            known = ", ".join(repr(other.name) for other in self.views)
            raise ParameterError(f"There is no map {plain_text(view, 40)!r}; there are: {known}.")
        return point_error(self.run.embedding, found[0].run.embedding, k)

    def close(self) -> None:
        """Take the comparison away. Runs that `compare` made from data are stopped, others are left as they are."""
        views, self.views = self.views, ()
        for view in views:
            view.close()
            if self._stop_runs_on_close and not view.stands:
                view.run.stop()
        self._worker.clear()
        super().close()

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take state from the browser; what is drawn is not the browser's to change."""
        super().set_state({name: value for name, value in sync_data.items() if not name.startswith("_")})

    def __repr__(self) -> str:
        """Give the names of the maps."""
        return f"Comparison({', '.join(view.name for view in self.views)}, n={self.run.n})"

    def _sender(self, place: int) -> Callable[[dict[str, Any], list[memoryview]], None]:
        return lambda content, buffers: self.send(content | {"view_of": place}, buffers)

    def _select(self, points: np.ndarray) -> None:
        self.selection = points

    def _coloring(self) -> dict[str, Any]:
        names = {"names": self._colors.names, "name": self._colors.current}
        return {"legend": legend(self._colors.labels), "colors": names}

    def _describe(self) -> None:
        told = [view.told() for view in self.views]
        self._views = told
        self._shared = shared_rows(view["controls"] for view in told)

    @t.observe("selection")
    def _show_selection(self, change: Any) -> None:
        self._selection = packed(change["new"])

    @t.observe("difference", "linked", "controls")
    def _arrange(self, _change: Any = None) -> None:
        kept = {"difference": self.difference, "linked": self.linked, "controls": self.controls}
        self._arranged = kept

    # what the browser asks

    def _hear(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        place, kind = content.get("view_of"), content.get("k")
        if isinstance(place, int) and not isinstance(place, bool) and 0 <= place < len(self.views):
            self.views[place].receive({name: content[name] for name in content if name != "view_of"}, buffers)
        elif kind == "arrange":
            self._rearrange(content.get("name"), content.get("value"))
        elif kind == "set":
            self._worker.post(lambda: self._set(content))

    def _rearrange(self, name: Any, value: Any) -> None:
        if name in ("difference", "linked", "controls"):
            try:
                setattr(self, name, value)
            except ParameterError as error:
                self.send({"k": "refused", "of": "arrange", "id": None, "error": plain_text(error, 300)})

    def _set(self, content: Mapping[str, Any]) -> None:
        name, answer = content.get("name"), {"k": "set", "id": request_id(content), "ok": True}
        try:
            if not isinstance(name, str):
                raise Malformed("name must be the name of a parameter.")
            tune_all(self.views, {name: content.get("value")})
        except (NEError, Malformed) as error:
            answer |= {"ok": False, "error": plain_text(error, 1000)}
        having = [view for view in self.views if any(row["name"] == name for row in view.told()["controls"])]
        self.send(answer | {"value": having[0].desk.settings.value(str(name)) if having else None})


def compare(
    maps: Any,
    methods: Any = None,
    *,
    labels: object = None,
    color: object = None,
    size: object = None,
    hover: object = None,
    images: object = None,
    difference: Difference | None = None,
    linked: bool = True,
    controls: Literal["separate", "shared"] = "separate",
    start: bool = True,
    height: int = 420,
    title: str | None = None,
) -> Comparison:
    """Draw two to six maps of the same points side by side; runs among them go on in the background.

    Each map is laid over the first: moved, turned, mirrored, and stretched so that both are equally large. What is
    selected or pointed at in one is marked in all, and their pictures move as one. The runs themselves know nothing of
    it; each may be shown elsewhere, too. Maps of two and of three dimensions can stand side by side; they share what
    is selected and pointed at, but are not laid over each other.

    Args:
        maps: runs (`Stepper`), live views, whose run is meant, and arrays (n, 2) or (n, 3) made elsewhere, row by row
            the same points: a list, or a mapping from names. With `methods`, the data.
        methods: methods to be run on the data, as a list or a mapping from names. They share the table and, where they
            have one metric and backend, one search for neighbours; those without a `random_state` one seed.
        labels: One label for each point, as `explore` takes them; so are `color`, `size`, `hover` and `images`.
        color: More columns to colour by.
        size: A number for each point, or the name of a column of `color`.
        hover: Text for each point.
        images: An image for each point.
        difference: "lines" from where a point lies on the first map to where it lies on another, of the points that are
            selected, or some hundreds where none are; "ghost" shows the first map faintly behind the others.
        linked: Whether pictures are moved and zoomed as one.
        controls: Parameters of each run, or one panel whose changes go to all runs that have the parameter.
        start: Start the runs at once.
        height: Height of the pictures in CSS pixels, 160 to 4000.
        title: A line above.

    Raises:
        ParameterError: fewer than 2 or more than 6 maps, a run twice, more than three dimensions, something that is
            neither, or a bad setting.
        DataError: not the same number of points, other rows, numbers missing, or labels and the like that do not fit.
            Nothing is started then.
    """
    given = methods is None
    if not given:
        maps = runs_on(maps, named(methods, "methods"))
    what: dict[str, Any] = {"labels": labels, "color": color, "size": size, "hover": hover, "images": images}
    what |= {"difference": difference, "linked": linked, "controls": controls}
    comparison = Comparison(named(maps, "maps"), **what, height=height, title=title)
    comparison._stop_runs_on_close = not given
    if not given:
        take_over(comparison)
    if start:
        for run in comparison.runs:
            run.start()
    return comparison


def _share_neighbors(runs: Sequence[Any], views: Sequence[Pane]) -> None:
    """Neighbours in the data are the same for every map; an array has none of its own."""
    for view in views:
        if view.stands and runs:
            view.run.neighbors_of = runs[0].neighbors_of


def _receive(comparison: Comparison, content: object, buffers: Sequence[Any]) -> None:
    if isinstance(content, Mapping):
        comparison._hear(content, buffers)
