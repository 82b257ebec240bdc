"""From data to a view: runs are made, shown, and started."""

from contextlib import suppress
from typing import Any, Literal

from ne_interactive.engine.searching import runs_on
from ne_interactive.engine.stepper import Stepper
from ne_interactive.params.errors import DataError, ParameterError
from ne_interactive.widget.comparing import Comparison
from ne_interactive.widget.corresponding import named
from ne_interactive.widget.drawing import check_height
from ne_interactive.widget.explorer import Explorer
from ne_interactive.widget.rerun import take_over

MAX_MEASURED = 2_000_000
Difference = Literal["lines", "ghost"]


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
