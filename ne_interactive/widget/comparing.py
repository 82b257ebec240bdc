"""Maps side by side: runs of any methods and arrays made elsewhere, row by row the same points."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import traitlets as t

from ne_interactive.engine.stepper import Stepper
from ne_interactive.params.errors import NEError, ParameterError
from ne_interactive.quality.alignment import aligned
from ne_interactive.quality.hover import HoverTable
from ne_interactive.quality.labels import Labels
from ne_interactive.quality.metrics import point_error
from ne_interactive.quality.palette import Theme
from ne_interactive.quality.pictures import read_pictures
from ne_interactive.quality.text import plain_text
from ne_interactive.widget.choice import Choice
from ne_interactive.widget.colors import Colors, Sizes
from ne_interactive.widget.corresponding import corresponding
from ne_interactive.widget.drawing import Drawing, check_height
from ne_interactive.widget.inbox import Malformed, request_id
from ne_interactive.widget.moving_apart import MovingApart, names_of
from ne_interactive.widget.pane import Pane
from ne_interactive.widget.saving import save_comparison
from ne_interactive.widget.search import Search
from ne_interactive.widget.still import with_stills
from ne_interactive.widget.together import shared_rows, tune_all
from ne_interactive.widget.worker import Worker


class Comparison(Drawing):
    """Two to six maps of the same points side by side, each laid over the first; `compare` makes one.

    `views` are the maps with their `name` and `run`, `runs` the runs among them. One `selection` serves all: indices of
    points, which can be set and observed. So can what is shown of the maps together: `difference` (None, "lines" or
    "ghost"), `linked` (whether pictures are moved and zoomed as one) and `controls` ("separate" or "shared").
    """

    _views = t.List().tag(sync=True)
    _shared = t.List().tag(sync=True)
    _arranged = t.Dict().tag(sync=True)
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
        self._measured = names_of(list(runs))
        self._moving = MovingApart(list(runs.values()), self._recolor)
        self._colors = Colors(labels, color, n, measured=list(self._measured))
        sizes = None if size is None else Sizes(size, n, self._colors)
        told: dict[str, Any] = {"table": None if hover is None else HoverTable(hover, n)}
        told["pictures"] = None if images is None else read_pictures(images, n)
        told["search"] = Search(told["table"], self._colors)
        told |= {"select": self._select, "color_by": self.color_by, "heard": self._heard}
        self._stop_runs_on_close = False
        send = [self._sender(place) for place in range(len(runs))]
        self.views = tuple(
            Pane(name, run, send[place], clock, **told) for place, (name, run) in enumerate(runs.items())
        )
        _share_neighbors(self.runs, self.views)
        scene = {"n": n, "title": plain_text(title or "")}
        scene |= {"hover": told["table"] is not None or told["pictures"] is not None}
        scene |= {"search": told["table"] is not None or self._colors.some}
        super().__init__(scene, sizes, height, **arranged)
        self._arrange()
        self._describe()

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

        "moved" (of more than two maps "moved on" a map's name) shows `moved`, and is measured again as the maps move.

        Raises:
            ParameterError: there is no such column.
            DataError: `values` are not one for each point, or too many different ones.
        """
        if values is None and name in self._measured and name in self._colors.names:
            self._moving.measure(self._measured[name])
        self._colors.choose(name, values)
        self._recolor()

    def aligned(self) -> dict[str, np.ndarray]:
        """The maps as they are now (n, c) float32, each moved, turned, mirrored and stretched to lie over the first.

        In the least squares sense, see `metrics.aligned`; one of another number of dimensions is left as it is.
        """
        first = self.run.embedding
        found = {view.name: view.run.embedding for view in self.views}
        return {name: aligned(Z, first) if Z.shape == first.shape else Z for name, Z in found.items()}

    def moved(self, view: str | int = 1, k: int = 10) -> np.ndarray:
        """For each point, the share of its k nearest neighbours on the first map that it has not on another.

        From 0, where all are the same, to 1. Returns (n,) float64.

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

    def figure(self, *, title: str | None = None, theme: Theme = "light") -> Any:
        """The maps as they are now, side by side in one Plotly figure, with the labels and texts of the comparison.

        Each is turned, mirrored and stretched to lie over the first; flat maps are moved and zoomed as one.

        Raises:
            DataError: more than 200 categories, or a map of one dimension.
            ParameterError: another theme.
        """
        from ne_interactive.quality.figures_beside import beside_figure

        maps = {view.name: view.run.embedding for view in self.views}
        table = self.views[0].desk._table
        return beside_figure(maps, self._labels(), table, title=title, theme=theme)

    def to_html(self, path: str | os.PathLike[str], *, max_mb: float = 20.0) -> Path:
        """Write the maps side by side as one HTML file that plays their runs without a kernel, a server or the network.

        All of them go through the iterations together; a map that was not as far stands as it was last. What
        `Explorer.to_html` says of the rest holds here too; the runs share `max_mb` evenly.

        Returns:
            The path.

        Raises:
            DataError: not even one frame of each map fits.
            ParameterError: max_mb is no positive number, or there is no such folder.
        """
        return save_comparison(self, path, max_mb)

    def close(self) -> None:
        """Take the comparison away. Runs that `compare` made from data are stopped, others are left as they are."""
        views, self.views = self.views, ()
        for view in views:
            view.close()
            if self._stop_runs_on_close and not view.stands:
                view.run.stop()
        if views:
            self._moving.close()
        self._worker.end()
        super().close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        runs = {view.name: view.run for view in self.views}
        return with_stills(super()._repr_mimebundle_(**kwargs), runs, self._labels())

    def __repr__(self) -> str:
        """Give the names of the maps."""
        return f"Comparison({', '.join(view.name for view in self.views)}, n={self.run.n})"

    def _sender(self, place: int) -> Callable[[dict[str, Any], list[memoryview]], None]:
        return lambda content, buffers: self.send(content | {"view_of": place}, buffers)

    def _labels(self) -> Labels:
        measured = self._colors.measured
        return self._moving.labels(measured) if measured else self._colors.labels

    def _heard(self, what: str) -> None:
        if what == "method":  # another method took a run over
            self._describe()
        measured = self._colors.measured
        if measured and any(view.desk.stream.link.watched for view in self.views):
            self._moving.heard(self._measured[measured], what)

    def _describe(self) -> None:
        told = [view.told() for view in self.views]
        self._views = told
        self._shared = shared_rows(view["controls"] for view in told)

    @t.observe("difference", "linked", "controls")
    def _arrange(self, _change: Any = None) -> None:
        kept = {"difference": self.difference, "linked": self.linked, "controls": self.controls}
        self._arranged = kept

    # what the browser asks

    def _hear(self, content: object, buffers: Sequence[Any]) -> None:
        if not isinstance(content, Mapping):
            return
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


def _share_neighbors(runs: Sequence[Any], views: Sequence[Pane]) -> None:
    """Neighbours in the data are the same for every map; an array has none of its own."""
    for view in views:
        if view.stands and runs:
            view.run.neighbors_of = runs[0].neighbors_of
