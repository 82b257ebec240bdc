"""The Poincare disk: its edge is drawn around the points, and all of it is shown."""

import numpy as np
import pytest

from .host import traits
from .test_picture import WITHOUT_WEBGL2

INSIDE = np.array([[0.5, 0], [-0.5, 0], [0, 0.5], [0, -0.25]], np.float32)
EDGES = {"light": [0x85, 0x8B, 0x95], "dark": [0x6F, 0x75, 0x7F]}
TURNS = np.linspace(0, 2 * np.pi, 12, endpoint=False) + 0.1


def shown(open_host, script="", disk=True, **options):
    host = open_host(script, **options)
    state = traits(4, ["a"])
    state["_scene"]["disk"] = disk
    host.show(state)
    host.frame(INSIDE)
    host.settle()
    return host


def circle(host):
    """Centre and radius of the disk, CSS pixels: it fills 92 % of the picture's smaller side."""
    box = host.page.locator(".ne-stage").bounding_box()
    return np.array([box["width"], box["height"]]) / 2, 0.46 * min(box["width"], box["height"])


def near(host, place):
    """The most opaque pixel within one of a place: the edge is one pixel wide."""
    around = [host.pixel(place[0] + x, place[1] + y) for x in (-1, 0, 1) for y in (-1, 0, 1)]
    return max(around, key=lambda pixel: pixel[3])


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("script", ["", WITHOUT_WEBGL2], ids=["webgl2", "canvas2d"])
def test_the_edge_is_a_circle_in_the_colour_of_the_theme(open_host, script, theme):
    host = shown(open_host, script, color_scheme=theme)
    middle, radius = circle(host)
    for turn in TURNS:
        toward = np.array([np.cos(turn), np.sin(turn)])
        *color, opacity = near(host, middle + radius * toward)
        assert opacity > 100, f"no edge at {turn:.1f}"
        assert np.all(np.abs(np.array(color) - EDGES[theme]) < 12)
        assert near(host, middle + 0.9 * radius * toward)[3] == 0
        assert near(host, middle + 1.05 * radius * toward)[3] == 0


def test_the_whole_disk_is_shown_with_the_points_in_their_places(open_host):
    host = shown(open_host)
    middle, radius = circle(host)
    for x, y in INSIDE:
        assert host.pixel(*(middle + radius * np.array([x, -y])))[3] > 0, f"nothing is drawn at {x, y}"


def test_the_edge_is_where_it_belongs_on_a_map_that_was_scaled_into_it(open_host):
    host = shown(open_host)
    host.frame(INSIDE, scale=0.01)
    host.settle(1500)
    middle, radius = circle(host)
    assert near(host, middle + radius * np.array([0.6, 0.8]))[3] > 100
    for x, y in INSIDE:
        assert host.pixel(*(middle + radius * np.array([x, -y])))[3] > 0, f"nothing is drawn at {x, y}"


def test_other_maps_have_no_edge(open_host):
    host = shown(open_host, disk=False)
    middle, radius = circle(host)
    assert all(near(host, middle + radius * np.array([np.cos(turn), np.sin(turn)]))[3] == 0 for turn in TURNS)
