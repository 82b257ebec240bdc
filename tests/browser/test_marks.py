"""Marks and sizes of single points, and depth, drawn by both renderers."""

import numpy as np
import pytest

HIDDEN, DIMMED, SELECTED, PINNED, MATCH = 1, 2, 4, 8, 16
SIDE = 200
ROW = [[-1, 0], [-0.5, 0.5], [0, -0.5], [0.5, 0.25], [1, 0], [0, 1], [0, -1]]


@pytest.fixture(params=["webgl2", "canvas2d"])
def draw(request, host):
    """Draw a scene; gives its RGBA (side, side, 4) and the places (n, 2) of its points."""

    def drawn(**scene):
        script = "async (scene) => (await import('/parts.js')).draw(scene)"
        answer = host.page.evaluate(script, {"renderer": request.param, "size": 8, "alpha": 0.5} | scene)
        return np.array(answer["pixels"], float).reshape(SIDE, SIDE, 4), np.array(answer["places"])

    return drawn


def around(picture, place, reach=14):
    x, y = np.rint(place).astype(int)
    return picture[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach]


def inked(picture, place):
    return (around(picture, place)[..., 3] > 20).sum()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_mark_looks_different(draw, theme):
    flags = [0, HIDDEN, DIMMED, SELECTED, PINNED, MATCH, SELECTED | DIMMED]
    picture, places = draw(positions=ROW, flags=flags, theme=theme)
    ink = np.array({"light": [0x1D, 0x21, 0x26], "dark": [0xE4, 0xE7, 0xEB]}[theme])
    plain, hidden, dimmed, selected, pinned, match, both = (around(picture, place) for place in places)
    assert hidden[..., 3].max() == 0
    assert plain[..., 3].max() == pytest.approx(0.5 * 255, abs=3)
    assert 0 < dimmed[..., 3].max() < 0.1 * 255
    for marked in (selected, pinned, match, both):
        assert marked[..., 3].max() == 255
        opaque = marked[marked[..., 3] > 250][:, :3]
        assert (np.abs(opaque - ink).max(axis=1) < 45).any()  # a ring in the colour of the text
        assert (np.abs(opaque - ink).max(axis=1) > 90).any()  # around the point's own
    counts = [inked(picture, place) for place in places]
    assert counts[5] > counts[3] > counts[0]
    side = np.sqrt(counts[4])
    assert side == pytest.approx(
        np.ptp(np.argwhere(pinned[..., 3] > 20)[:, 0]) + 1, abs=1.2
    )  # a square is full


def test_marked_points_lie_over_plain_ones_and_dimmed_ones_below(draw):
    for flags, top in (([SELECTED, 0], 0), ([0, SELECTED], 1), ([0, DIMMED], 0), ([DIMMED, 0], 1)):
        picture, places = draw(
            positions=[*[[0, 0]] * 2, [-1, -1], [1, 1]],
            flags=[*flags, HIDDEN, HIDDEN],
            codes=[1, 3, 0, 0],
            alpha=1,
        )
        x, y = np.rint(places[0]).astype(int)
        blue = picture[y, x, 2] > picture[y, x, 0]  # code 1 is blue, code 3 orange
        assert blue == (top == 0)


def test_points_have_sizes_of_their_own(draw):
    picture, places = draw(positions=ROW, sizes=[0, 40, 80, 120, 160, 200, 255])
    counts = [inked(picture, place) for place in places]
    assert counts == sorted(counts)
    assert counts[-1] > 8 * counts[0]


def test_what_is_near_is_larger_and_stronger_and_hides_what_is_far(draw):
    corners = [[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    picture, places = draw(positions=corners, alpha=1)
    ink = [inked(picture, place) for place in places]
    strength = [
        np.abs(255 - around(picture, place)[..., :3][around(picture, place)[..., 3] > 200]).max()
        for place in places
    ]
    near = [z > 0 for _x, _y, z in corners]
    assert np.mean([count for count, front in zip(ink, near, strict=True) if front]) > 1.2 * np.mean(
        [count for count, front in zip(ink, near, strict=True) if not front]
    )
    assert min(s for s, front in zip(strength, near, strict=True) if front) > max(
        s for s, front in zip(strength, near, strict=True) if not front
    )


@pytest.mark.parametrize("front_first", [True, False])
def test_the_order_of_points_does_not_matter_in_three_dimensions(draw, front_first):
    camera = [0.4504, 0.3429, 0.8244]  # towards the viewer, as the map is seen first
    front, back = [0.5 * value for value in camera], [-0.5 * value for value in camera]
    pair = [front, back] if front_first else [back, front]
    codes = [1, 3] if front_first else [3, 1]
    picture, places = draw(positions=[*pair, [1, 1, -1], [-1, -1, 1]], codes=[*codes, 0, 0], alpha=1)
    assert np.abs(places[0] - places[1]).max() < 3
    x, y = np.rint(places[0]).astype(int)
    assert picture[y, x, 2] > picture[y, x, 0]  # the front one is blue


@pytest.mark.parametrize("c", [2, 3])
@pytest.mark.parametrize("stride", [2, 3])
def test_a_slow_display_draws_some_of_the_plain_points_where_they_are_and_all_marked_ones(host, c, stride):
    flags = [0, 0, 0, 0, SELECTED, SELECTED, 0]
    scene = {"renderer": "webgl2", "size": 8, "alpha": 0.9, "flags": flags, "codes": list(range(7))}
    positions = [[*row, 0][:c] for row in ROW]
    script = "async (scene) => (await import('/parts.js')).draw(scene)"
    some, all = (
        host.page.evaluate(script, scene | {"positions": positions, "stride": every}) for every in (stride, 1)
    )
    some, all = (np.array(one["pixels"], float).reshape(SIDE, SIDE, 4) for one in (some, all))
    places = np.array(host.page.evaluate(script, scene | {"positions": positions})["places"])
    for point, place in enumerate(places):
        drawn = point % stride == 0 or flags[point] != 0
        assert (inked(some, place) > 0) == drawn
        if drawn:
            np.testing.assert_array_equal(around(some, place), around(all, place))
