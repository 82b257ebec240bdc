"""From a view to the file that plays its run again."""

import os
from pathlib import Path
from typing import Any

from ne_interactive.quality.animation import check_megabytes
from ne_interactive.widget.page import empty_page_size, write_page
from ne_interactive.widget.recording import Recording

HOST = ("_esm", "_css", "_anywidget_id", "_dom_classes")
"""State that concerns the notebook only; so does what begins with _model or _view."""


def save_recording(view: Any, path: str | os.PathLike[str], max_mb: float) -> Path:
    """Write the past of a view's run; see `Explorer.to_html`."""
    check_megabytes(max_mb)
    run, desk = view.run, view._desk
    recording = Recording(max_mb * 1e6, empty_page_size())
    recording.add_traits(_traits(view))
    if desk._table is not None:
        recording.add_texts(desk._table.rows(point) for point in range(run.n))
    if desk._images is not None:
        recording.add_images(desk._images.picture(point) for point in range(run.n))
    recording.add_frames(run.moments(), run)
    scene = view._scene
    return write_page(path, scene["title"] or f"{scene['method']} of {run.n:,} points", recording.data)


def _traits(view: Any) -> dict[str, Any]:
    """Give what the view draws from; the controls come with the frames."""
    state = view.get_state([name for name in view.keys if name.startswith("_") and name not in HOST])
    kept = {name: value for name, value in state.items() if not name.startswith(("_model", "_view"))}
    return kept | {"_controls": []}
