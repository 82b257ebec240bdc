"""Pictures of an embedding without a browser: discs with smooth edges, drawn by numpy."""

import io
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from ne_interactive.quality.labels import Labels
from ne_interactive.quality.palette import BACKGROUND, DISK, TEXT, Theme, point_colors, rgb

MARGIN = 0.94
MOST_POINTS = 60_000
"""Of more points a picture of this kind shows an even sample: they could not be told apart."""
AZIMUTH, ELEVATION = 0.6, 0.35
DISK_STEPS = 1440
NAME = 24
"""Pixels above a map for its name."""
FONTS = ("DejaVuSans.ttf", "Arial.ttf", "arial.ttf")
FONT_SIZE = 13
MAX_PNG = 60_000
"""Bytes of a picture in a notebook's output."""


@dataclass(frozen=True)
class Box:
    """What is shown: its middle, and half the length of the visible part along each axis."""

    x: float
    y: float
    half_x: float
    half_y: float


UNIT_DISK = Box(0.0, 0.0, 1.03, 1.03)


def flat(Z: np.ndarray, turn: float = 0.0) -> np.ndarray:
    """Give positions (n, 2) as they are; of (n, 3) the view from a little above, turned by `turn` radians."""
    if Z.shape[1] != 3:
        return Z[:, :2]
    angle = AZIMUTH + turn
    x = np.cos(angle) * Z[:, 0] - np.sin(angle) * Z[:, 1]
    deep = np.sin(angle) * Z[:, 0] + np.cos(angle) * Z[:, 1]
    return np.stack([x, np.cos(ELEVATION) * Z[:, 2] + np.sin(ELEVATION) * deep], axis=1)


def box_around(Z: np.ndarray) -> Box:
    """Give the box around positions Z (n, 2); places that are not finite do not count."""
    good = Z[np.isfinite(Z).all(axis=1)]
    if not len(good):
        return Box(0.0, 0.0, 1.0, 1.0)
    low, high = good.min(axis=0).astype(float), good.max(axis=0).astype(float)
    half = (high - low) / 2
    if not half.any():
        half = np.ones(2)
    return Box(*((low + high) / 2).tolist(), *np.maximum(half, 1e-9 * half.max()).tolist())


class Raster:
    """A canvas for n points whose colours stay while their places change.

    Points that lie on each other mix their colours, whatever their order, and cover more of the background.
    """

    def __init__(
        self, labels: Labels, n: int, size: tuple[int, int], theme: Theme = "light", *, disk: bool = False
    ) -> None:
        """Prepare pictures of `size` (width, height) pixels; `disk` draws the unit circle around the points."""
        self.width, self.height = size
        self.disk = disk
        self._background = rgb(BACKGROUND[theme])
        self._line = rgb(DISK[theme])
        every = np.random.default_rng(0).permutation(n)[:MOST_POINTS] if n > MOST_POINTS else np.arange(n)
        self._shown = every
        self._colors = np.ascontiguousarray(point_colors(labels, n, theme)[every].T)
        room = np.sqrt(0.11 * self.width * self.height / len(every))
        self._diameter = float(np.clip(room, 1.6, 7.0))
        self._alpha = float(np.clip(0.9 - 0.15 * np.log10(max(len(every), 1) / 1000), 0.45, 0.92))

    def draw(self, Z: np.ndarray, box: Box | None = None) -> np.ndarray:
        """Draw positions Z (n, 2) within `box`, their own by default; returns (height, width, 3) uint8."""
        box = box or (UNIT_DISK if self.disk else box_around(Z))
        scale = MARGIN * min(self.width / box.half_x, self.height / box.half_y) / 2
        x = self.width / 2 + (Z[self._shown, 0] - box.x) * scale
        y = self.height / 2 - (Z[self._shown, 1] - box.y) * scale
        picture = np.broadcast_to(self._background, (self.height * self.width, 3)).copy()
        if self.disk:
            angle = np.linspace(0, 2 * np.pi, DISK_STEPS)
            circle = self.width / 2 + scale * np.cos(angle), self.height / 2 - scale * np.sin(angle)
            ring = np.repeat(self._line[:, None], DISK_STEPS, axis=1)
            self._lay(picture, *circle, ring, diameter=1.2, alpha=1.0)
        self._lay(picture, x, y, self._colors, self._diameter, self._alpha)
        return np.rint(picture).astype(np.uint8).reshape(self.height, self.width, 3)

    def _lay(
        self,
        picture: np.ndarray,
        x: np.ndarray,
        y: np.ndarray,
        colors: np.ndarray,
        diameter: float,
        alpha: float,
    ) -> None:
        """Lay discs over a picture (pixels, 3): each pixel takes the mean colour of those that touch it."""
        reach = int(np.ceil(diameter / 2 + 0.5))
        bounds = (x > -reach) & (x < self.width + reach) & (y > -reach) & (y < self.height + reach)
        if not bounds.all():  # this also drops what is not finite
            x, y, colors = x[bounds], y[bounds], colors[:, bounds]
        column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
        left, above = (x - column - 0.5).astype(np.float32), (y - row - 0.5).astype(np.float32)
        # A border around the picture takes what lies over its edge.
        wide = self.width + 2 * reach + 2
        pixels = wide * (self.height + 2 * reach + 2)
        steps = np.arange(-reach, reach + 1)
        square = ((steps[:, None] - above) ** 2)[:, None] + (steps[:, None] - left) ** 2  # (rows, columns, n)
        share = np.clip(diameter / 2 + 0.5 - np.sqrt(square), 0, 1).reshape(-1, len(x))
        offsets = (steps[:, None] * wide + steps).ravel()
        where, point = np.nonzero(share)
        weight = share[where, point].astype(np.float64)
        place = ((row + reach + 1) * wide + column + reach + 1)[point] + offsets[where]
        layers = [np.bincount(place, weight, pixels)]
        layers += [np.bincount(place, weight * color[point], pixels) for color in colors]
        inside = np.s_[:, reach + 1 : -reach - 1, reach + 1 : -reach - 1]
        cover, *sums = np.stack(layers).reshape(4, -1, wide)[inside].reshape(4, -1)
        inked = np.flatnonzero(cover)
        mean = (np.stack(sums)[:, inked] / cover[inked]).T
        opacity = (1 - (1 - alpha) ** cover[inked])[:, None]
        picture[inked] += opacity * (mean - picture[inked])


def png(Z: np.ndarray, labels: Labels, *, size: tuple[int, int] = (560, 420), disk: bool = False) -> bytes:
    """Draw an embedding (n, 2 or 3) as a PNG of at most 60 kB, on white."""
    from PIL import Image

    return _small(lambda size: Image.fromarray(Raster(labels, len(Z), size, disk=disk).draw(flat(Z))), size)


def png_beside(
    maps: Mapping[str, np.ndarray], labels: Labels, *, size: tuple[int, int] = (320, 280), columns: int = 3
) -> bytes:
    """Draw maps (n, 2 or 3) side by side, their names above, as a PNG of at most 60 kB, on white."""
    from PIL import Image, ImageDraw

    def draw(size: tuple[int, int]) -> Any:
        wide, high = size
        rows = -(-len(maps) // columns)
        whole = Image.new("RGB", (wide * min(columns, len(maps)), (high + NAME) * rows), BACKGROUND["light"])
        for place, (name, Z) in enumerate(maps.items()):
            row, column = divmod(place, columns)
            one = Image.new("RGB", (wide, high + NAME), BACKGROUND["light"])  # a long name ends at its edge
            ImageDraw.Draw(one).text((10, 4), name, fill=TEXT["light"], font=_font(name))
            one.paste(Image.fromarray(Raster(labels, len(Z), size).draw(flat(Z))), (0, NAME))
            whole.paste(one, (column * wide, row * (high + NAME)))
        return whole

    return _small(draw, size)


def _font(text: str) -> Any:
    """Give the font that Pillow brings; it has only ASCII, so for other letters one of the machine, if there is any."""
    from PIL import ImageFont

    for name in () if text.isascii() else FONTS:
        with suppress(OSError):
            return ImageFont.truetype(name, FONT_SIZE)
    return ImageFont.load_default(FONT_SIZE)


def _small(draw: Callable[[tuple[int, int]], Any], size: tuple[int, int]) -> bytes:
    """Give a PNG of at most 60 kB of what is drawn in a size, or in a smaller one."""
    from PIL import Image

    while True:
        picture = draw(size)
        for colors in (128, 48):
            few = picture.quantize(colors, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
            keep_background(few, "light")
            file = io.BytesIO()
            few.save(file, "PNG")
            if file.tell() <= MAX_PNG:
                return file.getvalue()
        size = (size[0] * 3 // 4, size[1] * 3 // 4)


def keep_background(picture: Any, theme: Theme) -> None:
    """Give a picture of few colours its background back, which the choice of colours moves by a shade."""
    colors = np.array(picture.getpalette(), np.float32).reshape(-1, 3)
    colors[np.abs(colors - rgb(BACKGROUND[theme])).sum(axis=1).argmin()] = rgb(BACKGROUND[theme])
    picture.putpalette(colors.astype(np.uint8).tobytes())
