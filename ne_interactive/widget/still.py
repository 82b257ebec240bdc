"""A picture for where no widget can be shown: a notebook on a web page, or one opened without its kernel."""

import base64
from typing import Any

from ne_interactive.quality.labels import Labels
from ne_interactive.quality.raster import png
from ne_interactive.widget.wire import scene_of


def with_still(bundle: Any, run: Any, labels: Labels) -> Any:
    """Add a picture of the run to what a notebook is given to display; hosts that show widgets leave it aside.

    Before its first iteration a run is not asked: it would have to be prepared first, and the cell to wait.
    """
    if not bundle or run.iteration == 0:
        return bundle
    data, *metadata = bundle if isinstance(bundle, tuple) else (bundle,)
    picture = png(run.frame().embedding, labels, disk=scene_of(run)["disk"])
    data = data | {"image/png": base64.b64encode(picture).decode()}
    return (data, *metadata) if metadata else data
