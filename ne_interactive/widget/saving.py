"""From a view to the file that plays its runs again."""

import os
from pathlib import Path
from typing import Any

from ne_interactive.quality.animation import check_megabytes
from ne_interactive.widget.page import empty_page_size, write_page
from ne_interactive.widget.recording import Recording
from ne_interactive.widget.track import Track

HOST = ("_esm", "_css", "_anywidget_id", "_dom_classes")
"""State that concerns the notebook only; so does what begins with _model or _view."""


def save_recording(view: Any, path: str | os.PathLike[str], max_mb: float) -> Path:
    """Write the past of a view's run; see `Explorer.to_html`."""
    check_megabytes(max_mb)
    run, desk = view.run, view._desk
    recording = Recording(max_mb * 1e6, empty_page_size(), [Track(run)])
    recording.add_traits(_traits(view) | {"_controls": []})  # which come with the frames
    _add_texts_and_images(recording, desk._table, desk._images, run.n)
    recording.add_run()
    scene = view._scene
    return write_page(path, scene["title"] or f"{scene['method']} of {run.n:,} points", recording.data)


def save_comparison(comparison: Any, path: str | os.PathLike[str], max_mb: float) -> Path:
    """Write the past of all maps that are compared; see `Comparison.to_html`."""
    check_megabytes(max_mb)
    views, n = comparison.views, comparison.run.n
    recording = Recording(max_mb * 1e6, empty_page_size(), [Track(view.run) for view in views])
    traits = _traits(comparison)
    traits["_views"] = [view | {"controls": []} for view in traits["_views"]]
    recording.add_traits(traits)
    desk = views[0].desk
    _add_texts_and_images(recording, desk._table, desk._images, n)
    recording.add_maps()
    names = ", ".join(view.name for view in views)
    return write_page(path, comparison._scene["title"] or f"{names}: {n:,} points", recording.data)


def _add_texts_and_images(recording: Recording, table: Any, images: Any, n: int) -> None:
    if table is not None:
        recording.add_texts(table.rows(point) for point in range(n))
    if images is not None:
        recording.add_images(lambda: (images.picture(point) for point in range(n)))


def _traits(view: Any) -> dict[str, Any]:
    """Give what a view draws from."""
    names = [name for name in view.keys if name.startswith("_") and name not in HOST]
    state = view.get_state([name for name in names if not name.startswith(("_model", "_view_"))])
    return dict(state)
