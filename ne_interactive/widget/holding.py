"""Points held by a hand in the browser: what it asks is done to the run, and every view is told which are pinned."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ne_interactive.params.errors import ParameterError
from ne_interactive.quality.text import plain_text
from ne_interactive.widget.stream import Stream


class Holding:
    """Pins, moves and releases for the views of one run."""

    def __init__(self, stream: Stream) -> None:
        """Serve the run of `stream`."""
        self._stream = stream
        self._told = b""

    @property
    def _run(self) -> Any:
        return self._stream.run

    def hold(self, kind: str, id: int, check: Callable[[], None], *values: np.ndarray) -> None:
        """Pin, move or release points, unless `check` raises; the answer says whether it was done."""
        answer: dict[str, Any] = {"k": "held", "id": id, "ok": True}
        try:
            if values:  # without, all that are pinned are released, whichever these are
                check()
            self._do(kind, *values)
        except Exception as error:
            answer |= {"ok": False, "error": plain_text(error, 1000)}
        self._stream.tell(answer)

    def _do(self, kind: str, points: np.ndarray | None = None, places: np.ndarray | None = None) -> None:
        if kind == "pin":
            self._run.pin(points)
        elif kind == "release":
            self._run.release(points)
        else:
            drawn = max(self._run.c, 2)  # one dimension is drawn along the first axis
            if places is None or places.shape[1] != drawn:
                raise ParameterError(f"places must have {drawn} coordinates a point.")
            self._run.move(points, places[:, : self._run.c])

    def tell(self, always: bool = False) -> None:
        """Tell which points are pinned, where these are others than before."""
        pins = self._run.pinned.astype("<u4").tobytes()
        if always or pins != self._told:
            self._told = pins
            self._stream.tell({"k": "pins"}, [memoryview(pins)])
