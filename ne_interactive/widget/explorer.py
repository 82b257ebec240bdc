"""The live view: a widget that draws a run while it goes on, and hands changes back to it."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import traitlets as t

from ne_interactive.engine.stepper import Stepper
from ne_interactive.params.errors import ParameterError
from ne_interactive.quality.labels import Labels
from ne_interactive.quality.text import plain_text
from ne_interactive.widget.branches import Branch, Branches
from ne_interactive.widget.desk import Desk
from ne_interactive.widget.drawing import MAX_COMPONENTS, Drawing, check_height
from ne_interactive.widget.exploring import Exploring
from ne_interactive.widget.follow import follow
from ne_interactive.widget.given import Given
from ne_interactive.widget.labels import codes
from ne_interactive.widget.look import Look
from ne_interactive.widget.members import moved
from ne_interactive.widget.saving import save_recording
from ne_interactive.widget.search import Search
from ne_interactive.widget.selection import packed
from ne_interactive.widget.settings import EVERY
from ne_interactive.widget.still import with_still
from ne_interactive.widget.stream import Stream
from ne_interactive.widget.wire import scene_of


class Explorer(Drawing):
    """A run drawn live in the notebook, with a control for each parameter that can be changed meanwhile.

    `explore` makes one. `run` is the Stepper behind it: whatever is done to the run, from here, from the
    browser or in a cell, shows in every view. Several explorers may show one run.

    `selection` holds the indices of the points selected in the browser, ascending; it can be set (indices, or one
    boolean for each point) and observed: `view.observe(tell, "selection")`.
    """

    _controls = t.List().tag(sync=True)

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
        self.run = run
        self._colors = given.colors
        self._look = Look(run, given)
        self._stop_run_on_close = False
        self._regrouped = 0  # how often the points have become others
        asks = given.table is not None or given.pictures is not None
        scene = scene_of(run) | {"title": plain_text(title or "")}
        scene |= {"search": given.table is not None or given.colors.some}
        scene |= {"hover": asks, "hover_images": given.pictures is not None}
        self._stream = Stream(run, self.send, clock)
        search = Search(given.table, given.colors)
        exploring = Exploring(run, self._select, self.color_by, search, self._stream.tell)
        self._branches = Branches([Branch(run)])
        self._desk = Desk(self._stream, given.table, given.pictures, exploring, self._branches, self.show)
        super().__init__(scene, given.sizes, height, _controls=self._desk.settings.rows())
        self._unlisten = follow(run, self, Explorer._heard)

    def _hear(self, content: object, buffers: Sequence[Any]) -> None:
        self._desk.receive(content, buffers)

    def _heard(self, what: str) -> None:
        if what == "method":  # another method took the run over
            with self._writing:
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
        with self._writing:
            before = self._look.ids
            if not self._look.follow(self.run):
                return
            kept = moved(self.selection, before, self._look.ids)
            self._regrouped += 1
            self._desk.follow(self._look.entries)
            with self.hold_sync():
                self._selection = packed(kept)
                points = {"regrouped": self._regrouped}
                self._scene = self._scene | scene_of(self.run) | self._coloring() | points
                self._codes = codes(self._labels())
                self._sizes = self._look.sizes()
        self.selection = kept
        self._desk.regrouped()

    def _labels(self) -> Labels:
        return self._look.labels()

    def _renew_errors(self) -> None:
        if self._look.renew_errors(self.run):
            self._recolor()

    def color_by(self, name: str, values: object = None) -> None:
        """Colour the points by a column in every view: one given as `labels` or `color`, or `values` under a new name.

        "one colour" shows them without, "point error" by the share of its neighbours that each lacks in the map, which
        is measured again now and then: see `Stepper.point_error`.

        Raises:
            ParameterError: there is no such column.
            DataError: `values` are not one for each point, or too many different ones; or the neighbours are not known.
        """
        self._look.choose(self.run, name, values)
        self._recolor()

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
        with self._writing:
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
        what: dict[str, Any] = {"labels": labels, "color": color, "size": size}
        new = self._look.add(self.run, X, **what, hover=hover, images=images)
        self._desk.follow(self._look.entries)
        self._recolor()
        self._sizes = self._look.sizes()
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
            max_mb: MB that the file may have. Where hover texts and images leave no room for 60 frames, images are made
                smaller, and what still does not fit is left out, with a warning.

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

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return with_still(super()._repr_mimebundle_(**kwargs), self.run, self._labels())

    def __repr__(self) -> str:
        """Give the same text for the same run; the iteration is left out while it changes."""
        moving = self.run.state == "running"
        iteration = "" if moving else f", iteration={self.run.iteration}"
        return f"{type(self).__name__}({type(self.run.method).__name__}, n={self.run.n}{iteration})"
