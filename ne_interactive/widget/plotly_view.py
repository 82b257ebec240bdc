"""A run as a live Plotly figure, in two or three dimensions: for figures that people restyle, keep and share."""

import threading
import time
from typing import Any

import numpy as np
import traitlets as t

from ne_interactive.engine.stepper import Stepper
from ne_interactive.params.errors import ParameterError
from ne_interactive.quality.figures import (
    MODEBAR,
    coordinates,
    disk_layout,
    hover_texts,
    layout,
    traces,
)
from ne_interactive.quality.palette import Theme, check_theme
from ne_interactive.quality.text import escape_markup, plain_text
from ne_interactive.widget.coming import Coming, Traced
from ne_interactive.widget.drawn import Drawn, among
from ne_interactive.widget.follow import follow
from ne_interactive.widget.late import late_figure
from ne_interactive.widget.look import Look
from ne_interactive.widget.members import moved
from ne_interactive.widget.picking import Marked
from ne_interactive.widget.selection import NO_POINTS, Points
from ne_interactive.widget.still import with_still
from ne_interactive.widget.wire import scene_of
from ne_interactive.widget.worker import Worker

MIN_RATE, MAX_RATE = 0.1, 20.0
CONFIG = {"displaylogo": False, "showSendToCloud": False, "modeBarButtonsToRemove": MODEBAR["remove"]}


class PlotlyView(t.HasTraits):
    """A `FigureWidget` that follows a run, a few times a second.

    Everything that Plotly offers works on `figure_widget`: legend, zoom, `write_html`. One category is one trace.
    Plotly draws every point anew each time and so is slower than `explore`.

    `selection` holds the indices of the points selected by lasso or box, in three dimensions by clicks (shift adds or
    takes away one), ascending, and stays while they move. It can be set and observed:
    `view.observe(tell, "selection")`.

    Points that leave the run, or that it is not focused on, are not drawn until they are back. Those that come to it by
    `add` have labels and texts of their own; others are drawn as "added later", grey where the others have colours, as
    nothing else is known of them.
    """

    selection = Points(help="Indices of the selected points: ascending int64. Set it, or observe it.")

    def __init__(
        self,
        run: Any,
        method: Any = None,
        *,
        labels: object = None,
        hover: object = None,
        rate: float = 4.0,
        max_points: int = 70_000,
        title: str | None = None,
        theme: Theme = "light",
    ) -> None:
        """Draw a run, or data, which is then embedded in the background at once; the cell returns.

        Args:
            run: A Stepper, which is left as it stands; or data X (n, d).
            method: The method, with data only; TSNE by default.
            labels: One label for each point, as for `explore`; at most 200 categories.
            hover: Texts for each point, as for `explore`.
            rate: Updates a second at most, 0.1 to 20.
            max_points: Of more points an even sample of this size is drawn.
            title: Written before iteration and loss above the figure.
            theme: "light" or "dark".

        Raises:
            ParameterError: not two or three dimensions, or an argument out of bounds.
            DataError: X cannot be embedded, or labels or hover do not fit it.
        """
        _check("rate", rate, MIN_RATE, MAX_RATE)
        check_theme(theme)
        _check("max_points", max_points, 1, 10_000_000)
        given = isinstance(run, Stepper) or hasattr(run, "listen")
        if given and method is not None:
            raise ParameterError("The run has a method already; leave method out, or give the data instead.")
        super().__init__()
        self.run = run if given else Stepper(run, method)
        c = self.run.c
        if c not in (2, 3):
            raise ParameterError(f"PlotlyView draws two or three dimensions; the run has n_components={c}.")
        about = Traced(self.run, labels, None, None, hover, None)
        self._look = Look(self.run, about)
        self._rows = about.rows(self.run)  # of the points that there are now, among all that there ever were
        self._drawn = Drawn(self._rows, self._look.labels(), max_points)
        self._adding = threading.Lock()  # held while points are in the run whose labels are not yet here
        self._theme: Theme = theme
        self._drawing = threading.RLock()  # one thread at a time may change the figure
        self._title = escape_markup(plain_text(title)) + " · " if title else ""
        self._gap = 1 / rate
        self._next = -float("inf")
        self._closed = threading.Event()
        self._worker = Worker("ne_interactive-plotly")
        self.figure_widget = self._figure()
        self._unlisten = follow(self.run, self, PlotlyView._heard)
        if not given:
            self.run.start()

    def _figure(self) -> Any:
        frame, labels, first = self.run.frame(), self._drawn.labels, self._drawn.first
        table = self._look.given.table
        texts = None if table is None else hover_texts(table, first)
        figure = late_figure()(traces(frame.embedding[first], labels, texts, None, self._theme))
        figure.update_layout(**layout(self.run.c, labels, "·", self._theme))
        figure.update_layout(title={"text": self._caption(frame)})
        self._disk, self._scale = scene_of(self.run)["disk"], frame.scale
        if self._disk:
            figure.update_layout(**disk_layout(True, self._theme))
        figure._config = CONFIG
        self._marked = Marked(figure, self._drawn, self._theme)
        self._coming = Coming(self._look.given, self._drawn, self._marked, self._theme)
        self._told: dict[int, Any] = {}  # by hand: places of a trace's points
        for trace in self._marked.traces:
            self._listen(trace)
        # Open widgets are kept by the kernel, and this view with its figure.
        figure._ne_view = self
        figure.publish()
        return figure

    def add(self, X: Any, *, labels: object = None, hover: object = None) -> np.ndarray:
        """Put new rows X (m, d) in the run, as `Stepper.add` does, with labels and texts of their own.

        Each is given as at first, with one entry for each new row, and of the kind and columns that the figure has:
        numbers where those of the others are numbers, the same hover columns. What is left out is missing.

        Returns:
            The indices (m,) of the new points.

        Raises:
            DataError: X does not fit the run's rows, or what is given does not fit X or the figure.
            ParameterError: the method does not place new rows. Nothing is changed then.
        """
        self.update()  # points that came before without labels are drawn as such
        with self._adding:
            what: dict[str, Any] = {"labels": labels, "hover": hover}
            new = self._look.add(self.run, X, **what, color=None, size=None, images=None)
        self.update()
        return new

    def update(self) -> None:
        """Draw the run as it is now, in one message."""
        if self._closed.is_set():
            return
        with self._drawing:
            self._update()

    def _update(self) -> None:
        rows, frame = self._rows, self.run.frame()
        if not len(self.run.ids) == len(rows) == len(frame.embedding):
            return  # of another moment; an update follows
        new = NO_POINTS if self._adding.locked() else self._coming.take(rows)
        Z = self._drawn.places(frame.embedding, rows)
        figure = self.figure_widget
        with figure.batch_update():
            for trace in self._coming.draw(new, Z):
                self._listen(trace)
            for trace, points in zip(self._marked.traces, self._drawn.groups, strict=True):
                trace.update(coordinates(Z, points))
            self._marked.follow(Z)
            if len(new):
                held: Any = self.selection
                self._marked.show(rows[held], Z)
            figure.layout.title.text = self._caption(frame)
            if frame.scale != self._scale:
                self._zoom(frame.scale / self._scale)
                self._scale = frame.scale
            disk = scene_of(self.run)["disk"]
            if disk != self._disk:  # another method took the run over
                self._disk = disk
                figure.update_layout(**disk_layout(disk, self._theme))

    def _listen(self, trace: Any) -> None:
        """Hear what is selected by hand. Plotly tells of one trace after the other, the last one last."""

        def chosen(trace: Any, points: Any, selector: Any = None) -> None:
            group = self._marked.group(points.trace_index)
            if group is not None:
                self._told[group] = points.point_inds
            last = len(self._marked.traces) - 1
            if group == last:
                self._select([self._told.get(i, ()) for i in range(last + 1)])
                self._told.clear()

        def left(trace: Any, points: Any) -> None:
            if self._marked.group(points.trace_index) == len(self._marked.traces) - 1:
                self.selection = None

        def clicked(trace: Any, points: Any, state: Any) -> None:
            group = self._marked.group(points.trace_index)
            if points.point_inds and group is not None:
                one = [points.point_inds if i == group else () for i in range(len(self._marked.traces))]
                self._select(one, toggle=bool(state is not None and state.shift))

        if self._marked.flat:
            trace.on_selection(chosen)
            trace.on_deselect(left)
        else:
            trace.on_click(clicked)

    def _select(self, places: list[Any], *, toggle: bool = False) -> None:
        ids = self._marked.points(places)
        if ids is None:
            return
        place, there = among(ids, self._rows)
        held: Any = self.selection
        chosen = place[there]
        self.selection = np.setxor1d(held, chosen) if toggle else chosen

    @t.observe("selection")
    def _show_selection(self, change: Any) -> None:
        if not self._closed.is_set():
            self._mark()

    def _zoom(self, factor: float) -> None:
        """Another method has scaled the map by this: what a hand has zoomed to goes along."""
        if self._marked.flat:
            for axis in (self.figure_widget.layout.xaxis, self.figure_widget.layout.yaxis):
                if axis.range is not None and not axis.autorange:
                    axis.range = [end * factor for end in axis.range]

    def _mark(self) -> None:
        held: Any = self.selection
        rows, Z = self._rows, self.run.frame().embedding
        if len(rows) == len(Z):  # else of another moment; an update follows
            with self._drawing, self.figure_widget.batch_update():
                self._marked.show(rows[held], self._drawn.places(Z, rows))

    def _follow_points(self) -> None:
        """Points have left the run or come to it: those selected stay so."""
        held: Any = self.selection
        self._look.follow(self.run)
        before, self._rows = self._rows, self._look.given.rows(self.run)
        self.selection = moved(held, before, self._rows)
        self._mark()

    def close(self) -> None:
        """Follow the run no more and take the figure away; the run goes on."""
        if not self._closed.is_set():
            self._closed.set()
            self._unlisten()
            self._worker.end()
            self.figure_widget._ne_view = None
            self.figure_widget.close()

    def __repr__(self) -> str:
        """Give the same text for the same run."""
        return f"{type(self).__name__}({type(self.run.method).__name__}, n={self.run.n})"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        text = {"text/plain": repr(self)}
        if self._closed.is_set():
            return text
        return with_still(
            text | self.figure_widget._repr_mimebundle_(**kwargs), self.run, self._look.labels()
        )

    def _caption(self, frame: Any) -> str:
        loss = f", loss {frame.loss:.4g}" if np.isfinite(frame.loss) else ""
        drawn = np.isin(self._drawn.ids, self._rows).sum()
        part = f", {drawn:,} of {self.run.n:,} points" if drawn < self.run.n else ""
        return f"{self._title}iteration {frame.iteration}{loss}{part}"

    def _heard(self, what: str) -> None:
        """Note on the run's thread that there is something new; costs a comparison between two updates."""
        if what == "points":
            self._follow_points()
        moving = self.run.state == "running"
        if what != "params" and not (moving and time.monotonic() < self._next):
            self._worker.post(self._update_in_time, once="update")

    def _update_in_time(self) -> None:
        """Wait for the next update that the rate allows, then draw what is newest by then."""
        if not self._closed.wait(max(0.0, self._next - time.monotonic())):
            self.update()
            self._next = time.monotonic() + self._gap


def _check(name: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ParameterError(f"{name} must lie in [{low:g}, {high:g}]; got {plain_text(value, 40)}.")
