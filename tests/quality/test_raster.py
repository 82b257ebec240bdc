"""Pictures drawn by numpy: the right colour at the right place, at any number of points."""

import io
import time

import numpy as np
import pytest
from PIL import Image, ImageFont

from ne_interactive.quality.labels import read_labels
from ne_interactive.quality.palette import DISK, category_colors, rgb
from ne_interactive.quality.raster import FONTS, MAX_PNG, NAME, Box, Raster, box_around, flat, png, png_beside

CORNERS = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], np.float32)
SIZE = (200, 100)


def near(color, wanted, tolerance=25):
    return np.abs(color.astype(float) - wanted).max() <= tolerance


@pytest.mark.parametrize(("theme", "background"), [("light", "#ffffff"), ("dark", "#15171a")])
def test_each_point_is_a_disc_of_its_colour_where_it_lies(theme, background):
    labels = read_labels(["a", "b", "c", "d"], 4)
    picture = Raster(labels, 4, SIZE, theme).draw(CORNERS)
    colors = [rgb(color) for color in category_colors(4, theme)]
    assert picture.shape == (100, 200, 3)
    places = [(97, 53), (97, 147), (3, 53), (3, 147)]  # row, column: y is up
    for (row, column), color in zip(places, colors, strict=True):
        assert near(picture[row, column], color)
    np.testing.assert_array_equal(picture[50, 100], rgb(background))


def test_points_on_each_other_mix_their_colours_in_any_order():
    Z = np.zeros((2, 2), np.float32)
    one, other = (Raster(read_labels(names, 2), 2, SIZE).draw(Z) for names in (["a", "b"], ["b", "a"]))
    np.testing.assert_array_equal(one, other)
    colors = [rgb(color) for color in category_colors(2, "light")]
    assert near(one[50, 100], sum(colors) / 2)


def test_what_is_not_finite_is_left_out_and_moves_nothing():
    gap = np.array([[np.nan, np.inf]], np.float32)
    five, four = Raster(read_labels(None, 5), 5, SIZE), Raster(read_labels(None, 4), 4, SIZE)
    np.testing.assert_array_equal(five.draw(np.vstack([CORNERS, gap]))[:, 100:], four.draw(CORNERS)[:, 100:])
    assert box_around(np.full((2, 2), np.nan)) == Box(0, 0, 1, 1)


def test_points_at_one_place_are_drawn_in_the_middle():
    picture = Raster(read_labels(None, 2), 2, SIZE).draw(np.full((2, 2), 7.0, np.float32))
    assert (picture[50, 100] != 255).any()


def test_the_disk_is_drawn_whole_whatever_the_points():
    picture = Raster(read_labels(None, 4), 4, (200, 200), disk=True).draw(CORNERS * 1e-3)
    row = picture[100].astype(int)
    edge = np.flatnonzero((np.abs(row - rgb(DISK["light"])).max(axis=1)) < 60)
    assert edge.min() < 12
    assert edge.max() > 188


def test_three_dimensions_are_seen_from_a_side_that_turns():
    Z = np.random.default_rng(0).normal(size=(50, 3))
    assert flat(Z).shape == (50, 2)
    assert np.abs(flat(Z) - flat(Z, 0.5)).max() > 0.1
    up = flat(np.array([[0, 0, 0], [0, 0, 1.0]]))
    assert up[1, 1] > up[0, 1]


@pytest.mark.parametrize("n", [1, 300, 70_000])
def test_a_png_is_small_and_has_a_clean_background(n):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, n)
    Z = (rng.normal(size=(10, 2))[y] * 4 + rng.normal(size=(n, 2))).astype(np.float32)
    data = png(Z, read_labels(y, n))
    assert len(data) <= MAX_PNG
    picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert (picture[0, 0] == 255).all()
    assert (picture != 255).any()


def test_a_png_of_noise_is_made_smaller_until_it_fits():
    rng = np.random.default_rng(0)
    Z, y = rng.uniform(size=(60_000, 2)).astype(np.float32), rng.integers(0, 20, 60_000)
    data = png(Z, read_labels(y, 60_000), size=(1200, 900))
    assert len(data) <= MAX_PNG
    assert Image.open(io.BytesIO(data)).width < 1200


def test_seventy_thousand_points_take_a_moment():
    Z = np.random.default_rng(0).normal(size=(70_000, 2)).astype(np.float32)
    labels = read_labels(np.arange(70_000) % 10, 70_000)
    png(Z, labels)
    took = min(timed(lambda: png(Z, labels)) for _ in range(5))
    assert took < 0.5, "about 0.08 s on an idle machine"


def timed(call):
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def named(*names):
    Z = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    picture = Image.open(io.BytesIO(png_beside(dict.fromkeys(names, Z), read_labels(None, 50), columns=3)))
    return np.asarray(picture.convert("L"))[:NAME] < 128


def test_names_in_other_letters_are_written_where_the_machine_has_a_font(monkeypatch):
    fonts, asked, opened = {FONTS[1]: ImageFont.load_default(26)}, [], ImageFont.truetype

    def found(file, *size, **more):
        if not isinstance(file, str):  # Pillow's own
            return opened(file, *size, **more)
        asked.append(file)
        if file not in fonts:
            raise OSError("no such font")
        return fonts[file]

    monkeypatch.setattr(ImageFont, "truetype", found)
    assert named("TSNE").any()
    assert asked == []  # plain names look the same on every machine
    large = named("\u00e4hnlich")
    assert asked == list(FONTS[:2])
    fonts.clear()
    assert (named("\u00e4hnlich") != large).any()


def test_a_long_name_ends_at_the_edge_of_its_map():
    long = named("a", "b" * 200)
    assert np.array_equal(long[:, :320], named("a", "c")[:, :320])
    assert np.array_equal(named("b" * 200, "a")[:, 320:], named("c", "a")[:, 320:])
