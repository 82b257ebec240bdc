"""The past of runs as plain data, within a budget: what a page needs to show it again without a kernel."""

import base64
import json
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ne_interactive.params.errors import DataError
from ne_interactive.quality.shrinking import Picture, halved, longest_side
from ne_interactive.widget.packed import deflated
from ne_interactive.widget.track import Track

FLOOR = 60  # frames of each run that texts and images leave room for
SMALLEST = 8  # pixels of an image's longer side
STACK = 6  # calls from a warning to who asked for the file


class Recording:
    """Collects the parts of a recording, the fixed ones first.

    Texts and images take what they need as long as there is room for `FLOOR` frames of each run; the rest is for more
    frames. Images for which it does not suffice are made smaller.
    """

    def __init__(self, budget: float, page: int, tracks: Sequence[Track]) -> None:
        """Keep within `budget` bytes, of which the page without data takes `page`, for the past of some runs."""
        self.data: dict[str, Any] = {}
        self._budget = budget
        self._left = budget - page
        self._tracks = tracks
        self._frames = sum(track.base + min(FLOOR, track.frames) * track.frame for track in tracks)

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
        part = deflated(json.dumps(list(rows)).encode())
        if not self._take("texts", part):
            self._warn(f"The texts under the pointer take {_mb(part)} MB and were left out")

    def add_images(self, pictures: Callable[[], Iterable[Picture | None]]) -> None:
        """Take the picture of each point; smaller ones, or none, with a warning, where they take too much."""
        whole = part = self._pictures(pictures())
        times, small = 0, None
        while not self._take("images", part):
            times += 1
            small = [halved(picture) for picture in (pictures() if small is None else small)]
            side = max((longest_side(one) for one in small[:100] if one is not None), default=0)
            if side < SMALLEST:
                self._warn(f"The images take {_mb(whole)} MB and were left out")
                return
            part = self._pictures(small)
        if times:
            self._warn(
                f"The images take {_mb(whole)} MB and were made smaller, to {100 * 0.5**times:g} % of their sides"
            )

    def _pictures(self, pictures: Iterable[Picture | None]) -> dict[str, Any]:
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
        return {"kinds": kinds, "of": of, "sizes": sizes, "data": deflated(bytes(joined))}

    def add_run(self) -> None:
        """Take as many frames of the run as there is room for.

        Raises:
            DataError: not even one fits.
        """
        self.data |= self._written()[0]

    def add_maps(self) -> None:
        """The same for several runs, which share the room evenly.

        Raises:
            DataError: not even one of each fits.
        """
        self.data["maps"] = self._written()

    def _written(self) -> list[dict[str, Any]]:
        needed = sum(track.base + track.frame for track in self._tracks)
        if needed > self._left:
            whole = (self._budget - self._left + needed) / 1e6
            raise DataError(
                f"one frame of {self._tracks[0].n:,} points and what goes with it take {whole:.3g} MB; got "
                f"max_mb={self._budget / 1e6:g}. Allow more, or record fewer points."
            )
        told, left = {}, self._left
        by_need = sorted(self._tracks, key=lambda track: track.base + track.frames * track.frame)
        for place, track in enumerate(by_need):  # what one does not need is left to those after it
            room = left / (len(by_need) - place)
            told[track] = track.written(room)
            left -= min(room, track.base + track.frames * track.frame)
        return [told[track] for track in self._tracks]

    def _take(self, name: str, part: Any) -> bool:
        """Take a part if there is room for it beside the frames; tells whether there is."""
        size = len(json.dumps(part))
        if size > self._left - self._frames:
            return False
        self.data[name] = part
        self._left -= size
        return True

    def _warn(self, told: str) -> None:
        warnings.warn(f"{told}: max_mb={self._budget / 1e6:g}.", RuntimeWarning, stacklevel=STACK)


def _mb(part: Any) -> str:
    return f"{len(json.dumps(part)) / 1e6:.3g}"
