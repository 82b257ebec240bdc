"""Lines tell apart which neighbours the map keeps, which it lacks and which are false."""

import numpy as np

from .test_group import actions, click
from .test_neighbors import click as click_point
from .test_neighbors import start
from .test_picture import SQUARE, places
from .test_selection import GRID, around, press, show

COLORS = {"kept": (0x2A, 0x66, 0xB8), "missing": (0xC2, 0x41, 0x0C), "wrong": (0x7A, 0x3F, 0xB0)}


def inked(host, a, b, kind, Z=SQUARE):
    """The share of the middle of the way from point a to point b that has the colour of a kind of line."""
    spots = places(host, Z)
    hits = []
    for share in np.linspace(0.3, 0.7, 15):
        x, y = (1 - share) * spots[a] + share * spots[b]
        near = [host.pixel(x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
        hits.append(any(p[3] > 60 and np.abs(np.array(p[:3]) - COLORS[kind]).max() < 45 for p in near))
    return np.mean(hits)


def told(host):
    return host.page.locator(".ne-around").inner_text().split("\n")


def reply(host, points, missing, false):
    asked = host.sent("neighbors")[-1]
    message = {"k": "neighbors", "id": asked["id"], "point": asked["point"], "note": ""}
    host.receive(message, *(np.array(part, "<u4") for part in (points, missing, false)))
    host.settle(120)


def test_a_click_tells_which_neighbours_are_kept_missing_and_false(host):
    start(host)
    click_point(host, 0)
    reply(host, [1, 2], [2], [3])
    assert inked(host, 0, 1, "kept") > 0.9
    assert inked(host, 0, 2, "missing") > 0.9
    assert 0.2 < inked(host, 0, 3, "wrong") < 1  # dashed
    assert told(host)[0] == "1 kept: near in both"
    assert told(host)[1].startswith("1 missing: far in the map")
    assert told(host)[2].startswith("1 false: far in the data")
    spoken = host.page.get_by_role("status")
    spoken.get_by_text("2 neighbours of point 0, 1 of them far in the map").wait_for(state="attached")
    click_point(host, 0)
    assert host.page.locator(".ne-around").is_hidden()
    assert inked(host, 0, 2, "missing") == 0


def test_a_selection_tells_how_many_and_where(host):
    show(host)
    press(host, "e")
    assert host.sent("errors") == []
    press(host, "b")
    around(host, 0.0, 0.3)
    assert "wrong neighbours" in actions(host)
    click(host, "wrong neighbours")
    (asked,) = host.sent("errors")
    assert asked["points"] == [0, 3, 6]
    answer = {"k": "errors", "id": asked["id"], "note": "", "points": 3, "neighbors": 30, "wrong": 12}
    host.receive(answer, np.array([0, 8, 3, 5, 4_000_000, 1], "<u4"), np.array([6, 8], "<u4"))
    host.settle(120)
    assert told(host)[:1] == ["18 kept: near in both"]
    assert told(host)[1].startswith("12 missing")
    assert told(host)[-1] == "3 of each drawn"
    assert inked(host, 0, 8, "missing", GRID) > 0.6
    press(host, "e")
    assert host.page.locator(".ne-around").is_hidden()
    press(host, "e")
    assert len(host.sent("errors")) == 2
    host.receive({"k": "errors", "id": host.sent("errors")[-1]["id"], "note": "Not <b>yet</b>."})
    assert host.page.locator(".ne-message").inner_text() == "Not <b>yet</b>."


def test_another_selection_takes_the_lines_away(host):
    show(host)
    press(host, "b")
    around(host, 0.0, 0.3)
    press(host, "e")
    asked = host.sent("errors")[-1]
    answer = {"k": "errors", "id": asked["id"], "note": "", "points": 3, "neighbors": 30, "wrong": 1}
    host.receive(answer, np.array([0, 8], "<u4"), np.array([6, 8], "<u4"))
    assert host.page.locator(".ne-around").is_visible()
    around(host, 0.7, 1.0)
    assert host.page.locator(".ne-around").is_hidden()


def test_what_is_wrong_is_asked_again_as_the_map_moves(host):
    start(host)
    click_point(host, 0)
    reply(host, [1, 2], [2], [3])
    host.frame(SQUARE[[2, 0, 3, 1]])
    assert len(host.sent("neighbors")) == 1  # not at once
    for _ in range(100):
        host.settle(100)
        host.frame(SQUARE)
        if len(host.sent("neighbors")) > 1:
            break
    host.frame(SQUARE[[2, 0, 3, 1]])
    assert len(host.sent("neighbors")) == 2  # one at a time
    reply(host, [1, 2], [], [])
    assert host.page.locator(".ne-around").is_hidden()
