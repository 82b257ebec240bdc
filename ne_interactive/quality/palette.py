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
QUIET = {"light": "#d5dae0", "dark": "#3a4049"}
"""Lines, and the handles of sliders."""
DISK = {"light": "#a9b1bc", "dark": "#59626e"}
"""The edge of the unit disk."""

EIGHT = {
    "light": "#c47f00 #2f96d6 #00916a #d55e00 #0064a0 #c5669b #a59300 #3d434c",
    "dark": "#f0a818 #6cc0f0 #10b385 #ea6a0a #2f86d0 #dd8ab8 #f0e442 #aeb4bd",
}
"""The hues of Okabe and Ito (2008), lightness moved where the background asks for it. Up to eight categories."""
TWENTY = {
    "light": "#2f6fc4 #d9640c #2a8f3c #c8323e #8457c6 #8a5a2b #d1549e #0f8f94 #8c8210 #66707f "
    "#1f3a93 #7a1230 #1f5520 #b13ad0 #e8606c #3d9bd0 #4a1a6e #b8860b #62a02c #0b4a55",
    "dark": "#5b9de8 #f28a35 #4fc264 #ef6068 #a98be8 #b98a5c #f08cc4 #2cc1c4 #c9bf3f #9aa8ba "
    "#5a6ee0 #c2456a #5f8f2f #d05cf0 #ffb3a6 #9bdcf8 #8a52b5 #ffd866 #a6e8a0 #3a8a97",
}
SCALE = {
    "light": "#35155f #3f3d8f #2c6f95 #1d9480 #5aa83a #b59a10",
    "dark": "#6a4bb0 #4f76cc #2f9fc0 #35c29a #9bdc5a #fbe84a",
}
"""For numbers, from low to high."""
MISSING = {"light": "#9a9fa8", "dark": "#6a7079"}
PLAIN = {"light": "#2f6fc4", "dark": "#5b9de8"}


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
    low, high = np.nanmin(labels.values), np.nanmax(labels.values)
    gone = np.isnan(labels.values)
    # Halved, so that the distance of two very large numbers stays finite.
    share = (labels.values / 2 - low / 2) / (high / 2 - low / 2) if high > low else np.zeros(n)
    place = np.where(gone, 0.0, share) * (len(stops) - 1)
    colors = np.stack([np.interp(place, np.arange(len(stops)), stops[:, i]) for i in range(3)], axis=1)
    colors[gone] = rgb(MISSING[theme])
    return colors.astype(np.float32)
