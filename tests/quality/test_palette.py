"""Colours: the same as in the live view, for every kind of label."""

import re
from pathlib import Path

import numpy as np
import pytest

from ne_interactive.params.errors import ParameterError
from ne_interactive.quality import palette
from ne_interactive.quality.labels import read_labels
from ne_interactive.quality.palette import category_colors, check_theme, point_colors, rgb, scale_colors

SOURCE = Path(__file__).parents[2] / "js" / "src" / "palette.ts"


def colors_in(text):
    return re.findall("#[0-9a-f]{6}", text)


@pytest.mark.parametrize("name", ["BACKGROUND", "EIGHT", "TWENTY", "SCALE", "MISSING", "PLAIN"])
def test_the_live_view_and_the_figures_have_the_same_colours(name):
    source = SOURCE.read_text(encoding="utf-8")
    block = source[source.index(f"const {name}:") :]
    light, dark = (block[block.index(f"{theme}:") :] for theme in ("light", "dark"))
    ours = {theme: colors_in(getattr(palette, name)[theme]) for theme in ("light", "dark")}
    assert colors_in(light[: light.index("dark:")]) == ours["light"]
    assert colors_in(dark)[: len(ours["dark"])] == ours["dark"]


def test_categories_have_the_colours_of_their_place_and_beyond_twenty_they_come_again():
    labels = read_labels(["b", "a", "c"], 3)
    np.testing.assert_array_equal(
        point_colors(labels, 3, "dark"), np.stack([rgb(category_colors(3, "dark")[i]) for i in (1, 0, 2)])
    )
    assert category_colors(21, "light")[20] == category_colors(21, "light")[0]
    assert category_colors(8, "light")[0] != category_colors(9, "light")[0]


def test_numbers_run_along_the_scale_and_missing_ones_stand_apart():
    colors = point_colors(read_labels([0.0, np.nan, 1e300, -1e300], 4), 4, "light")
    stops = scale_colors("light")
    np.testing.assert_array_equal(colors[3], rgb(stops[0]))
    np.testing.assert_array_equal(colors[2], rgb(stops[-1]))
    np.testing.assert_array_equal(colors[1], rgb(palette.MISSING["light"]))
    np.testing.assert_allclose(colors[0], (rgb(stops[2]) + rgb(stops[3])) / 2)
    same = point_colors(read_labels([0.5, 0.5], 2), 2, "light")
    np.testing.assert_array_equal(same, np.stack([rgb(stops[0])] * 2))


def test_another_theme_is_refused():
    with pytest.raises(ParameterError, match='theme must be "light" or "dark"; got \'blue\''):
        check_theme("blue")
