"""Colours of points, for every picture that is not drawn by the live view: the same as there, in the same order."""

from typing import Literal

import numpy as np

from ne_interactive.params.errors import ParameterError
from ne_interactive.quality.labels import Labels
from ne_interactive.quality.text import plain_text

Theme = Literal["light", "dark"]
THEMES = ("light", "dark")

BACKGROUND = {"light": "#ffffff", "dark": "#15171a"}
TEXT = {"light": "#1d2126", "dark": "#e4e7eb"}
QUIET = {"light": "#858b95", "dark": "#6f757f"}
"""Lines, and the handles of sliders."""
DISK = {"light": "#858b95", "dark": "#6f757f"}
"""The edge of the unit disk."""

EIGHT = {
    "light": "#e27213 #1094fe #227c5d #702906 #003e7f #c973b7 #8e9654 #4b384c",
    "dark": "#fcc011 #00c4f9 #b1fbc4 #de4b02 #237ce0 #bf5b8e #989b60 #efe2fa",
}
"""The hues of Okabe and Ito (2008), moved until colour-blind eyes tell them apart. Up to eight categories."""
TWENTY = {
    "light": "#3a3488 #b58954 #20603d #ee3878 #7b53f7 #873201 #e05cdb #35a195 #7d9502 #503752 "
    "#a20975 #7e1ba2 #d86c6c #3687fc #097eb4 #ea6300 #cf0924 #a26399 #129036 #87002d",
    "dark": "#71b0fa #d86a00 #b8f6ba #f80053 #766ef5 #f3c46d #b063a4 #31f6fc #e2f738 #a5a295 "
    "#fcb400 #48875a #fca2b4 #00a2bd #75ea3f #7ea224 #cf1b75 #00c675 #c609bd #ab5a48",
}
SCALE = {
    "light": "#35155f #3f3d8f #2c6f95 #1f8b79 #4c9a2c #a8900a",
    "dark": "#7a5cc2 #4f76cc #2f9fc0 #35c29a #9bdc5a #fbe84a",
}
"""For numbers, from low to high."""
MISSING = {"light": "#858b95", "dark": "#7b818b"}
PLAIN = {"light": "#2a66b8", "dark": "#5b9de8"}


def check_theme(theme: object) -> None:
    """Refuse what is neither "light" nor "dark"."""
    if theme not in THEMES:
        raise ParameterError(f'theme must be "light" or "dark"; got {plain_text(repr(theme), 40)}.')


def category_colors(count: int, theme: Theme) -> list[str]:
    """Give one colour for each of `count` categories; beyond twenty they come again."""
    colors = (EIGHT if count <= 8 else TWENTY)[theme].split()
    return [colors[i % len(colors)] for i in range(count)]


def scale_colors(theme: Theme) -> list[str]:
    """Give the colours of numbers from the lowest to the highest, at equal distances."""
    return SCALE[theme].split()


def rgb(color: str) -> np.ndarray:
    """Give red, green and blue of "#rrggbb", (3,) from 0 to 255."""
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)], np.float32)


def point_colors(labels: Labels, n: int, theme: Theme) -> np.ndarray:
    """Give the colour of each point, (n, 3) float32 from 0 to 255."""
    if labels.kind == "category":
        return np.stack([rgb(color) for color in category_colors(len(labels.names), theme)])[labels.ids]
    if labels.kind == "none":
        return np.broadcast_to(rgb(PLAIN[theme]), (n, 3))
    stops = np.stack([rgb(color) for color in scale_colors(theme)])
    low, high = labels.scale()
    gone = np.isnan(labels.values)
    # Halved, so that the distance of two very large numbers stays finite.
    share = (labels.values / 2 - low / 2) / (high / 2 - low / 2) if high > low else np.zeros(n)
    place = np.where(gone, 0.0, share) * (len(stops) - 1)
    colors = np.stack([np.interp(place, np.arange(len(stops)), stops[:, i]) for i in range(3)], axis=1)
    colors[gone] = rgb(MISSING[theme])
    return colors.astype(np.float32)
