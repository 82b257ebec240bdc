"""The live view: a widget that draws a run while it goes on, and hands changes back to it."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets as t

from ne_interactive.engine.stepper import Stepper
from ne_interactive.params.errors import DataError, NEError, ParameterError
from ne_interactive.quality.labels import Labels
from ne_interactive.quality.text import plain_text
from ne_interactive.widget.branches import Branch, Branches
from ne_interactive.widget.desk import Desk
from ne_interactive.widget.errors import POINT_ERROR, PointErrors
from ne_interactive.widget.exploring import Exploring
from ne_interactive.widget.follow import follow
from ne_interactive.widget.given import Given
from ne_interactive.widget.labels import codes, legend
from ne_interactive.widget.members import moved
from ne_interactive.widget.rerun import take_over
from ne_interactive.widget.saving import save_recording
from ne_interactive.widget.search import Search
from ne_interactive.widget.selection import Points, packed
from ne_interactive.widget.settings import EVERY
from ne_interactive.widget.still import with_still
from ne_interactive.widget.stream import Stream
from ne_interactive.widget.wire import PROTOCOL, scene_of

MIN_HEIGHT, MAX_HEIGHT = 160, 4000
MAX_COMPONENTS = 3
MAX_MEASURED = 2_000_000
_STATIC = Path(__file__).parent / "static"


class Explorer(anywidget.AnyWidget):
    """A run drawn live in the notebook, with a control for each parameter that can be changed meanwhile.

    `explore` makes one. `run` is the Stepper behind it: whatever is done to the run, from here, from the
    browser or in a cell, shows in every view. Several explorers may show one run.

    `selection` holds the indices of the points selected in the browser, ascending; it can be set (indices, or one
    boolean for each point) and observed: `view.observe(tell, "selection")`.
    """

    _esm = t.Unicode().tag(sync=True)
    _css = t.Unicode().tag(sync=True)
    _protocol = t.Int(PROTOCOL).tag(sync=True)
    _scene = t.Dict().tag(sync=True)
    _codes = t.Bytes().tag(sync=True)
    _controls = t.List().tag(sync=True)
    _height = t.Int(600).tag(sync=True)
    _sizes = t.Bytes().tag(sync=True)
    _selection = t.Bytes().tag(sync=True)
    selection = Points(help="Indices of the selected points: ascending int64. Set it, or observe it.")

    def __init__(
        self,
        run: Stepper,
        *,
        labels: object = None,
        color: object = None,
        size: object = None,
        hover: object = None,
        images: object = None,
        height: int = 600,
        title: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Show `run`, which is not started here. See `explore` for the arguments.

        Raises:
            ParameterError: the run embeds in more than three dimensions, or the height is out of bounds.
            DataError: labels, color, size, hover or images do not fit the n points.
        """
        check_height(height)
        if not 1 <= run.c <= MAX_COMPONENTS:
            raise ParameterError(
                f"The live view draws 1 to {MAX_COMPONENTS} dimensions; the run has n_components={run.c}. "
                "Set n_components=2 or 3, or embed without a view: Stepper has no limit."
            )
        given = Given(run, labels, color, size, hover, images)
        colors, table, pictures, sizes = given.colors, given.table, given.pictures, given.sizes
        self.run = run
        self._colors = colors
        self._given = given
        self._ids = run.ids
        self._entries = given.entries(run)  # which each point has of what is given
        self._stop_run_on_close = False
        self._errors = PointErrors()
        self._regrouped = 0  # how often the points have become others
        scene = scene_of(run) | {"title": plain_text(title or "")}
        asks = table is not None or pictures is not None
        scene |= {"size": sizes.describe() if sizes else None} | self._coloring()
        scene |= {"search": table is not None or colors.some}
        scene |= {"hover": asks, "hover_images": pictures is not None}
        self._stream = Stream(run, self.send, clock)
        search = Search(table, colors)
        exploring = Exploring(run, self._select, self.color_by, search, self._stream.tell)
        self._branches = Branches([Branch(run)])
        self._desk = Desk(self._stream, table, pictures, exploring, self._branches, self.show)
        super().__init__(
            _esm=bundle("widget.js"),
            _css=bundle("widget.css"),
            _scene=scene,
            _codes=codes(self._labels()),
            _sizes=sizes.bytes if sizes else b"",
            _controls=self._desk.settings.rows(),
            _height=height,
        )
        self.on_msg(_receive)
        self._unlisten = follow(run, self, Explorer._heard)

    def _heard(self, what: str) -> None:
        if what == "method":  # another method took the run over
            self._scene = self._scene | scene_of(self.run)
            self._controls = self._desk.settings.rows()
        if what == "points":
            self._follow_points()
        if what == "quality" and self._desk.stream.link.watched:
            self._renew_errors()  # in the time that is there for it
        elif what in ("points", "state") and self.run.state != "running":
            self._desk.later(self._renew_errors)
        self._desk.heard(what)

    def _follow_points(self) -> None:
        """Points have left the run or come to it."""
        before, self._ids = self._ids, self.run.ids
        known, self._entries = self._entries, self._given.entries(self.run)
        if np.array_equal(before, self._ids) and np.array_equal(known, self._entries):
            return
        kept = moved(self.selection, before, self._ids)
        self._regrouped += 1
        self._desk.follow(self._entries)
        with self.hold_sync():
            self._selection = packed(kept)
            points = {"regrouped": self._regrouped}
            self._scene = self._scene | scene_of(self.run) | self._coloring() | points
            self._codes = codes(self._labels())
            self._sizes = self._given.bytes(self._entries)
        self.selection = kept
        self._desk.regrouped()

    def _labels(self) -> Labels:
        """The labels of the points that there are now."""
        if self._colors.by_error:
            return self._errors.labels(len(self._ids))
        return self._given.labels(self._entries)

    def _coloring(self) -> dict[str, Any]:
        names = {"names": self._colors.names, "name": self._colors.current}
        return {"legend": legend(self._labels()), "colors": names}

    def _renew_errors(self) -> None:
        """Colour by the errors of now, where points are coloured by them."""
        with suppress(NEError):  # points are leaving, or nothing is known: the colours stay
            if self._colors.by_error and self._errors.measure(self.run):
                self._recolor()

    def _recolor(self) -> None:
        with self.hold_sync():
            self._codes = codes(self._labels())
            self._scene = self._scene | self._coloring()

    def color_by(self, name: str, values: object = None) -> None:
        """Colour the points by a column in every view: one given as `labels` or `color`, or `values` under a new name.

        "one colour" shows them without, "point error" by the share of its neighbours that each lacks in the map, which
        is measured again now and then: see `Stepper.point_error`.

        Raises:
            ParameterError: there is no such column.
            DataError: `values` are not one for each point, or too many different ones; or the neighbours are not known.
        """
        if values is None and name == POINT_ERROR and name in self._colors.names:
            self._errors.measure(self.run)
        if values is not None:
            values = self._given.column(self.run, values)
            self._entries = self._given.entries(self.run)
        self._colors.choose(name, values)
        self._recolor()

    def _select(self, points: np.ndarray) -> None:
        self.selection = points

    @t.observe("selection")
    def _show_selection(self, change: Any) -> None:
        self._selection = packed(change["new"])

    @property
    def every(self) -> int | None:
        """Iterations from one frame to the next, each of which is shown: 1 to watch step by step.

        The run then waits for the picture, for half a second at most. None, the default, shows as many as the link
        carries, and the run waits for nothing.

        Raises:
            ParameterError: when set to anything but None or a whole number, at least 1.
        """
        return self._stream.every

    @every.setter
    def every(self, value: int | None) -> None:
        self._desk.settings.set(EVERY.name, "auto" if value is None else value)
        self._desk.heard("params")

    @property
    def branches(self) -> list[Branch]:
        """The runs that the view has shown: the first, and those that branched off it, with where they did."""
        return list(self._branches)

    def branch(self, to: int | str | None = None) -> Stepper:
        """Branch off the run, here or at an iteration or mark before, and show the branch, which it returns.

        Raises:
            ParameterError: if there is no such iteration or mark.
        """
        self.show(self._branches.grow(self.run, to).run)
        return self.run

    def show(self, run: Stepper) -> None:
        """Turn to another run of the same points. It goes on if the one shown so far did, which is paused then.

        Raises:
            ParameterError: if it has another number of points, or more than three dimensions.
        """
        if run is self.run:
            return
        ours, theirs = self.run.tables[0][0], run.tables[0][0]  # whichever of them are shown
        if ours != theirs or not 1 <= run.c <= MAX_COMPONENTS:
            raise ParameterError(
                f"The view shows {ours} points in 1 to {MAX_COMPONENTS} dimensions; "
                f"the other run has {theirs} in {run.c}. Open a view of its own with explore()."
            )
        moving = self.run.state == "running"
        self._unlisten()
        if moving:
            self.run.pause()
        if self._branches.place(run) is None:
            self._branches.append(Branch(run))
        if getattr(self.run, "watched", False) and not run.watched:
            run.watch()
        self.run = run
        self._follow_points()
        self._scene = self._scene | scene_of(run)
        self._desk.turn_to(run)
        self._controls = self._desk.settings.rows()
        self._unlisten = follow(run, self, Explorer._heard)
        if moving:
            run.resume()

    def add(
        self,
        X: Any,
        *,
        labels: object = None,
        color: object = None,
        size: object = None,
        hover: object = None,
        images: object = None,
    ) -> np.ndarray:
        """Put new rows X (m, d) in the run, as `Stepper.add` does, with labels, colours, texts and images of their own.

        Each is given as to `explore`, with one entry for each new row, and of the kinds and columns that the view has:
        numbers where those of the others are numbers, the same hover columns. What is left out is missing.

        Returns:
            The indices (m,) of the new points.

        Raises:
            DataError: X does not fit the run's rows, or what is given does not fit X or the view.
            ParameterError: the method does not place new rows. Nothing is changed then.
        """
        m = int(X.shape[0]) if hasattr(X, "shape") else len(X)
        what: dict[str, Any] = {
            "labels": labels,
            "color": color,
            "size": size,
            "hover": hover,
            "images": images,
        }
        self._given.read(m, **what)  # refused before the run is changed
        new = self.run.add(X)
        self._given.cover(self.run, without=new)
        self._given.take(self.run, new, self._given.read(m, **what))
        self._entries = self._given.entries(self.run)
        self._desk.follow(self._entries)
        self._recolor()
        self._sizes = self._given.bytes(self._entries)
        return new

    def pause(self) -> None:
        """Halt the run after the iteration it is in."""
        self.run.pause()

    def resume(self) -> None:
        """Let the run go on in the background."""
        self.run.resume()

    def step(self, n: int = 1) -> None:
        """Pause the run and make `n` iterations."""
        self.run.pause()
        self.run.step(n)

    def restart(self) -> None:
        """Go back to iteration 0; values set by hand are kept."""
        self.run.restart()

    def to_html(self, path: str | os.PathLike[str], *, max_mb: float = 20.0) -> Path:
        """Write the run's past as one HTML file that plays it without a kernel, a server or the network.

        Legend, hover texts, images, search and selection are in it; parameters are shown as they were at each frame,
        and cannot be changed. Frames are those of the run's history and the present one, 300 at most, left out evenly
        in time until the file fits.

        Args:
            path: Where to.
            max_mb: MB that the file may have. Hover texts and images that would take more than half of what is left
                are left out, with a warning.

        Returns:
            The path.

        Raises:
            DataError: not even one frame fits.
            ParameterError: max_mb is no positive number, or there is no such folder.
        """
        return save_recording(self, path, max_mb)

    def close(self) -> None:
        """Take the view away and stop sending. A run that `explore` made from data is stopped too."""
        if getattr(self, "_unlisten", None) is not None:
            self._unlisten()
            self._desk.close()
            if self._stop_run_on_close:
                for branch in self._branches:
                    branch.run.stop()
            del self._unlisten
        super().close()

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take state from the browser; what the view draws is not the browser's to change."""
        super().set_state({name: value for name, value in sync_data.items() if name not in _OWN})

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return with_still(super()._repr_mimebundle_(**kwargs), self.run, self._labels())

    def __repr__(self) -> str:
        """Give the same text for the same run; the iteration is left out while it changes."""
        moving = self.run.state == "running"
        iteration = "" if moving else f", iteration={self.run.iteration}"
        return f"{type(self).__name__}({type(self.run.method).__name__}, n={self.run.n}{iteration})"


_OWN = frozenset(
    ("_esm", "_css", "_protocol", "_scene", "_codes", "_controls", "_height", "_sizes", "_selection")
)


def explore(
    X: Any,
    method: Any = None,
    *,
    labels: object = None,
    color: object = None,
    size: object = None,
    hover: object = None,
    images: object = None,
    start: bool = True,
    max_speed: float | None = None,
    height: int = 600,
    title: str | None = None,
    quality: bool = True,
) -> Explorer:
    """Draw an embedding live while it is optimised in the background; the cell returns at once.

    Where a cell that has done so is run again, the run that it began before is paused.

    Args:
        X: Data (n, d) in any form that `Stepper` takes, or a Stepper to look at.
        method: The method, TSNE by default; not with a Stepper, which has one.
        labels: One label for each point: strings, booleans and integers with at most 64 different values are
            categories, other numbers a colour scale. Missing ones (None, NaN) are shown apart.
        color: More columns to colour by, chosen above the legend or with `color_by`: a data frame, a mapping of
            columns, or one column, each read as labels are.
        size: A number for each point, which its area grows with; or the name of such a column of `color`.
        hover: Text for each point: a pandas or polars data frame, a mapping of columns, or one sequence.
            At most 20 columns are shown, and 200 characters of each.
        images: Shown beside the hover text: grey images (n, h, w), or (n, h*w) if square; in colours
            (n, h, w, 3), or 4 with opacity; or a list of PNG, JPEG or WebP as bytes, None for no image.
        start: Start the run at once.
        max_speed: Most iterations per second, to follow small data by eye; full speed by default.
        height: Height of the view in CSS pixels, 160 to 4000.
        title: A line above the view.
        quality: Measure the map while the run goes on, as `Stepper.watch` does, and show it: where the data are in
            memory, at least 4 and at most 2,000,000 points.

    Raises:
        ParameterError: `method` given beside a Stepper, more than three dimensions, a bad height or speed.
        DataError: X cannot be embedded, or labels, color, size, hover or images do not fit it. Nothing is started then.
    """
    check_height(height)
    given = isinstance(X, Stepper)
    if given and method is not None:
        raise ParameterError(
            f"The run has a method already, {type(X.method).__name__}; "
            "leave method out, or give the data instead of the run."
        )
    run = X if given else Stepper(X, method)
    what: dict[str, Any] = {"labels": labels, "color": color, "size": size, "hover": hover, "images": images}
    view = Explorer(run, **what, height=height, title=title)
    view._stop_run_on_close = not given
    if not given:
        take_over(view)
    if max_speed is not None:
        run.max_speed = max_speed
    if quality and not run.watched and run.n <= MAX_MEASURED:
        with suppress(DataError):
            run.watch()
    if start:
        run.start()
    return view


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


def _receive(view: Explorer, content: object, buffers: Sequence[Any]) -> None:
    view._desk.receive(content, buffers)
