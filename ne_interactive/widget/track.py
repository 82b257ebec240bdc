"""The past of one run as plain data: its frames, and what was set at each."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ne_interactive.quality.reel import Reel, spread
from ne_interactive.widget.packed import BASE64, deflated
from ne_interactive.widget.settings import live_controls
from ne_interactive.widget.wire import changes_of, number, plain, quantize

MOST_FRAMES = 300
BYTES = 2  # of a coordinate


class Track:
    """Of the frames of a run as many as there is room for.

    Positions are 16-bit levels, as on the wire. Of each frame but the first the differences to the one before are kept,
    low bytes apart from high bytes, deflated: a third less than the levels themselves.
    """

    def __init__(self, run: Any) -> None:
        """Take the frames that `run` has now.

        Raises:
            DataError: there is none.
        """
        self._run = run
        self._reel = Reel({at: _drawn(Z) for at, Z in run.moments().items()})
        self._scales = {at: run.scale_at(at) for at in self._reel.iterations}  # the run may move on meanwhile
        self._changes = changes_of(run)
        controls, values = _sizes(_told(run.settings_at(self._reel.iterations)))
        self.base = controls + len(str(self._changes))
        """Bytes beside the frames."""
        self.frame = self.n * self._reel.c * BYTES * BASE64 + values
        """Bytes of a frame, at most."""

    @property
    def n(self) -> int:
        """Points of a frame."""
        return self._reel.n

    @property
    def frames(self) -> int:
        """How many there are to take."""
        return min(MOST_FRAMES, len(self._reel.iterations))

    def written(self, room: float) -> dict[str, Any]:
        """Give what fits into `room` bytes, evenly in time, and the last frame in any case."""
        reel, run = self._reel, self._run
        most = int(min(MOST_FRAMES, (room - self.base) / self.frame))
        chosen = spread(reel.iterations, most) if most > 1 else reel.iterations[-1:]
        loss_at = _last_known(*run.losses)
        moments, planes, before = [], [], np.zeros((reel.n, reel.c), "<u2")
        for at, told in zip(chosen, _told(run.settings_at(chosen)), strict=True):
            levels, low, scale = quantize(reel[at])
            header = {"it": at, "lo": low, "sc": scale, "scale": self._scales[at], "loss": loss_at(at)}
            moments.append(header | told)
            planes.append((levels - before).ravel().view(np.uint8).reshape(-1, 2).T.tobytes())
            before = levels
        told = {"n": reel.n, "c": reel.c, "moments": moments, "of": len(reel.iterations)}
        return told | {"changes": self._changes, "positions": deflated(b"".join(planes))}


def _told(settings: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Tell the settings one after another: the controls where another method begins, else the values that changed."""
    method, before = None, {}
    for one in settings:
        if one.method is not method:
            method, before = one.method, {}
            yield {"controls": live_controls(one)}
        rows = {name: [plain(value), one.following.get(name, False)] for name, value in one.params.items()}
        if before:
            yield {"set": {name: row for name, row in rows.items() if row != before[name]}}
        before = rows


def _sizes(told: Iterable[dict[str, Any]]) -> tuple[int, float]:
    """Give the bytes of the controls, and those of a frame's values on average."""
    told = list(told)
    controls, values = (
        sum(len(json.dumps(one[name])) for one in told if name in one) for name in ("controls", "set")
    )
    return controls, values / len(told)


def _last_known(iterations: np.ndarray, losses: np.ndarray) -> Callable[[int], float | None]:
    def loss_at(iteration: int) -> float | None:
        place = int(np.searchsorted(iterations, iteration, side="right")) - 1
        return number(losses[place]) if place >= 0 else None

    return loss_at


def _drawn(Z: np.ndarray) -> np.ndarray:
    return np.pad(Z, ((0, 0), (0, 1))) if Z.ndim == 2 and Z.shape[1] == 1 else Z
