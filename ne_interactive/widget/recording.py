"""A run's past as plain data, within a budget: what a page needs to show it again without a kernel."""

import base64
import json
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ne_interactive.params.errors import DataError
from ne_interactive.quality.reel import Reel, spread
from ne_interactive.widget.settings import live_controls
from ne_interactive.widget.wire import changes_of, number, plain, quantize

BASE64 = 4 / 3
MOST_FRAMES = 300
BYTES = 2  # of a coordinate


class Recording:
    """Collects the parts of a recording, the fixed ones first; what is left of the budget goes to frames.

    Positions are 16-bit levels, as on the wire. Of each frame but the first the differences to the one before are kept,
    low bytes apart from high bytes, deflated: a third less than the levels themselves.
    """

    def __init__(self, budget: float, page: int) -> None:
        """Keep within `budget` bytes, of which the page without data takes `page`."""
        self.data: dict[str, Any] = {}
        self._budget = budget
        self._left = budget - page

    def add(self, **parts: Any) -> None:
        """Take parts that cannot be left out."""
        self.data |= parts
        self._left -= len(json.dumps(parts))

    def add_traits(self, traits: Mapping[str, Any]) -> None:
        """Take the state of a view; bytes are written as base64."""
        raw = {name: value for name, value in traits.items() if isinstance(value, bytes)}
        self.add(
            traits={name: value for name, value in traits.items() if name not in raw},
            bytes={name: base64.b64encode(value).decode() for name, value in raw.items()},
        )

    def add_texts(self, rows: Iterable[list[list[str]]]) -> None:
        """Take the lines under the pointer, for each point; left out, with a warning, where they take too much."""
        self._add_if_it_fits(
            "texts", "The texts under the pointer", deflated(json.dumps(list(rows)).encode())
        )

    def add_images(self, pictures: Iterable[tuple[dict[str, Any], bytes] | None]) -> None:
        """Take the picture of each point, in the same way."""
        kinds: list[dict[str, Any]] = []
        of, sizes, joined = [], [], bytearray()
        for picture in pictures:
            kind, content = picture or ({}, b"")
            if kind not in kinds:
                kinds.append(kind)
            of.append(kinds.index(kind))
            sizes.append(len(content))
            joined += content
            if len(joined) > 16 * self._budget:  # beyond what deflating saves
                break
        part = {"kinds": kinds, "of": of, "sizes": sizes, "data": deflated(bytes(joined))}
        self._add_if_it_fits("images", "The images", part)

    def add_frames(self, frames: Mapping[int, np.ndarray], run: Any) -> None:
        """Take as many frames as there is room for, evenly in time; the last one always.

        Raises:
            DataError: not even one fits.
        """
        reel = Reel({at: _drawn(Z) for at, Z in frames.items()})
        self.add(changes=changes_of(run))
        controls, values = _sizes(_told(run.settings_at(reel.iterations)))
        self._left -= controls
        size = reel.n * reel.c * BYTES * BASE64 + values
        most = int(min(MOST_FRAMES, self._left / size))
        if most < 1:
            needed = (self._budget - self._left + size) / 1e6
            raise DataError(
                f"one frame of {reel.n:,} points and what goes with it take {needed:.3g} MB; got "
                f"max_mb={self._budget / 1e6:g}. Allow more, or record fewer points."
            )
        chosen = spread(reel.iterations, most) if most > 1 else reel.iterations[-1:]
        loss_at = _last_known(*run.losses)
        settings = run.settings_at(chosen)
        moments, planes, before = [], [], np.zeros((reel.n, reel.c), "<u2")
        for at, told in zip(chosen, _told(settings), strict=True):
            levels, low, scale = quantize(reel[at])
            moments.append({"it": at, "lo": low, "sc": scale, "loss": loss_at(at)} | told)
            planes.append((levels - before).ravel().view(np.uint8).reshape(-1, 2).T.tobytes())
            before = levels
        self.data |= {"n": reel.n, "c": reel.c, "moments": moments, "of": len(reel.iterations)}
        self.data["positions"] = deflated(b"".join(planes))

    def _add_if_it_fits(self, name: str, what: str, part: Any) -> None:
        size = len(json.dumps(part))
        if size > self._left / 2:
            allowed = f"max_mb={self._budget / 1e6:g}"
            warnings.warn(
                f"{what} take {size / 1e6:.3g} MB and were left out: {allowed}.", RuntimeWarning, stacklevel=5
            )
        else:
            self.data[name] = part
            self._left -= size


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


def deflated(content: bytes) -> str:
    """Give base64 of the deflated bytes, without a header."""
    squeeze = zlib.compressobj(6, zlib.DEFLATED, -15)
    return base64.b64encode(squeeze.compress(content) + squeeze.flush()).decode()


def _drawn(Z: np.ndarray) -> np.ndarray:
    return np.pad(Z, ((0, 0), (0, 1))) if Z.ndim == 2 and Z.shape[1] == 1 else Z
