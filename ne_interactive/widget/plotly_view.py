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
    groups,
    hover_texts,
    layout,
    traces,
)
from ne_interactive.quality.hover import HoverTable
from ne_interactive.quality.labels import Labels, read_labels
from ne_interactive.quality.palette import Theme, check_theme
from ne_interactive.quality.text import escape_markup, plain_text
from ne_interactive.widget.follow import follow
from ne_interactive.widget.late import late_figure
from ne_interactive.widget.members import labels_of, moved
from ne_interactive.widget.picking import Marked
from ne_interactive.widget.selection import Points
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

    Points that leave the run, or that it is not focused on, are not drawn until they are back; those that come to it
    need a new view.
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
        n, c = self.run.n, self.run.c
        if c not in (2, 3):
            raise ParameterError(f"PlotlyView draws two or three dimensions; the run has n_components={c}.")
        read = read_labels(labels, n)
        table = None if hover is None else HoverTable(hover, n)
        self._labels = read
        self._given = self._ids = (
            self.run.ids
        )  # of the points that there were at the beginning, and that there are now
        self._theme: Theme = theme
        self._drawing = threading.RLock()  # one thread at a time may change the figure
        self._shown = np.sort(np.random.default_rng(0).permutation(n)[:max_points])
        self._title = escape_markup(plain_text(title)) + " · " if title else ""
        self._gap = 1 / rate
        self._next = -float("inf")
        self._closed = threading.Event()
        self._worker = Worker("ne_interactive-plotly")
        self.figure_widget = self._figure(_choose(read, self._shown), table)
        self._unlisten = follow(self.run, self, PlotlyView._heard)
        if not given:
            self.run.start()

    def _figure(self, labels: Labels, table: HoverTable | None) -> Any:
        frame = self.run.frame()
        texts = None if table is None else hover_texts(table, self._shown)
        self._groups = groups(labels, len(self._shown))
        figure = late_figure()(traces(frame.embedding[self._shown], labels, texts, None, self._theme))
        figure.update_layout(**layout(self.run.c, labels, "·", self._theme))
        figure.update_layout(title={"text": self._caption(frame)})
        self._disk = scene_of(self.run)["disk"]
        if self._disk:
            figure.update_layout(**disk_layout(True, self._theme))
        figure._config = CONFIG
        self._marked = Marked(figure, self._shown, self._groups, self._theme)
        self._listen(figure)
        # Open widgets are kept by the kernel, and this view with its figure.
        figure._ne_view = self
        figure.publish()
        return figure

    def update(self) -> None:
        """Draw the run as it is now, in one message."""
        if self._closed.is_set():
            return
        frame = self.run.frame()
        Z = self._places(frame.embedding)
        if Z is None:
            return
        figure = self.figure_widget
        with self._drawing, figure.batch_update():
            for trace, points in zip(figure.data, self._groups, strict=False):
                trace.update(coordinates(Z, points))
            self._marked.follow(Z)
            figure.layout.title.text = self._caption(frame)
            disk = scene_of(self.run)["disk"]
            if disk != self._disk:  # another method took the run over
                self._disk = disk
                figure.update_layout(**disk_layout(disk, self._theme))

    def _places(self, embedding: np.ndarray) -> np.ndarray | None:
        """Where the points of the figure are now (m, c), nan where there is none; None while they change."""
        ids = self.run.ids
        if len(ids) != len(embedding):
            return None  # of another moment; an update follows
        place, there = _among(self._given[self._shown], ids)
        Z = np.full((len(place), embedding.shape[1]), np.nan, np.float32)
        Z[there] = embedding[place[there]]
        return Z

    def _listen(self, figure: Any) -> None:
        """Hear what is selected by hand. Plotly tells of one trace after the other, the last one last."""
        last = len(self._groups) - 1
        places: dict[int, Any] = {}

        def chosen(trace: Any, points: Any, selector: Any = None) -> None:
            places[points.trace_index] = points.point_inds
            if points.trace_index == last:
                self._select([places.get(i, ()) for i in range(last + 1)])
                places.clear()

        def left(trace: Any, points: Any) -> None:
            if points.trace_index == last:
                self.selection = None

        def clicked(trace: Any, points: Any, state: Any) -> None:
            if points.point_inds and 0 <= points.trace_index <= last:
                one = [points.point_inds if i == points.trace_index else () for i in range(last + 1)]
                self._select(one, toggle=bool(state is not None and state.shift))

        for trace in figure.data[: last + 1]:
            if self._marked.flat:
                trace.on_selection(chosen)
                trace.on_deselect(left)
            else:
                trace.on_click(clicked)

    def _select(self, places: list[Any], *, toggle: bool = False) -> None:
        points = self._marked.points(places)
        if points is None:
            return
        place, there = _among(self._given[points], self._ids)
        held: Any = self.selection
        chosen = place[there]
        self.selection = np.setxor1d(held, chosen) if toggle else chosen

    @t.observe("selection")
    def _show_selection(self, change: Any) -> None:
        if not self._closed.is_set():
            self._mark()

    def _mark(self) -> None:
        held: Any = self.selection
        place, there = _among(self._ids[held], self._given)
        Z = self._places(self.run.frame().embedding)
        if Z is not None:
            with self._drawing, self.figure_widget.batch_update():
                self._marked.show(place[there], Z)

    def _follow_points(self) -> None:
        """Points have left the run or come to it: those selected stay so."""
        held: Any = self.selection
        before, self._ids = self._ids, self.run.ids
        self.selection = moved(held, before, self._ids)
        self._mark()

    def close(self) -> None:
        """Follow the run no more and take the figure away; the run goes on."""
        if not self._closed.is_set():
            self._closed.set()
            self._unlisten()
            self._worker.clear()
            self.figure_widget._ne_view = None
            self.figure_widget.close()

    def __repr__(self) -> str:
        """Give the same text for the same run."""
        return f"{type(self).__name__}({type(self.run.method).__name__}, n={self.run.n})"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        text = {"text/plain": repr(self)}
        if self._closed.is_set():
            return text
        return with_still(text | self.figure_widget._repr_mimebundle_(**kwargs), self.run, self._labels_now())

    def _labels_now(self) -> Labels:
        place, there = _among(self.run.ids, self._given)
        return labels_of(self._labels, np.where(there, place, len(self._given)))

    def _caption(self, frame: Any) -> str:
        loss = f", loss {frame.loss:.4g}" if np.isfinite(frame.loss) else ""
        drawn = np.isin(self._given[self._shown], self.run.ids).sum()
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


def _among(ids: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where numbers are among others, which ascend, and whether they are there at all."""
    place = np.searchsorted(others, ids).clip(max=max(len(others) - 1, 0))
    return place, others[place] == ids


def _check(name: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ParameterError(f"{name} must lie in [{low:g}, {high:g}]; got {plain_text(value, 40)}.")


def _choose(labels: Labels, points: np.ndarray) -> Labels:
    """Give the labels of some points; categories keep their place, drawn or not."""
    if labels.kind == "none":
        return labels
    if labels.kind == "category":
        return Labels("category", labels.name, ids=labels.ids[points], names=labels.names)
    return Labels("number", labels.name, values=labels.values[points])
