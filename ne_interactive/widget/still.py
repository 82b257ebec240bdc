"""A picture for where no widget can be shown: a notebook on a web page, or one opened without its kernel."""

import base64
from collections.abc import Mapping
from typing import Any

from ne_interactive.quality.figures_beside import COLUMNS
from ne_interactive.quality.labels import Labels
from ne_interactive.quality.raster import png, png_beside
from ne_interactive.widget.standing import Standing
from ne_interactive.widget.wire import scene_of


def with_still(bundle: Any, run: Any, labels: Labels) -> Any:
    """Add a picture of the run to what a notebook is given to display; hosts that show widgets leave it aside.

    Before its first iteration a run is not asked: it would have to be prepared first, and the cell to wait.
    """
    if not bundle or run.iteration == 0:
        return bundle
    return _with(bundle, png(run.frame().embedding, labels, disk=scene_of(run)["disk"]))


def with_stills(bundle: Any, runs: Mapping[str, Any], labels: Labels) -> Any:
    """The same of maps side by side, as soon as each run has begun."""
    if not bundle or any(run.iteration == 0 and not isinstance(run, Standing) for run in runs.values()):
        return bundle
    maps = {name: run.frame().embedding for name, run in runs.items()}
    return _with(bundle, png_beside(maps, labels, columns=COLUMNS[len(maps)]))


def _with(bundle: Any, picture: bytes) -> Any:
    data, *metadata = bundle if isinstance(bundle, tuple) else (bundle,)
    data = data | {"image/png": base64.b64encode(picture).decode()}
    return (data, *metadata) if metadata else data
