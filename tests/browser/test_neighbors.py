"""A click shows who is near a point in the data, by lines that follow the map; cards show pictures."""

import base64

import numpy as np

from .host import encode, traits, until
from .test_picture import SQUARE, places

ACCENT = np.array([0x2F, 0x6F, 0xC4])
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEklEQVR4nGP4z8DA0PCfAUIBACFyBP1TVaZ3AAAAAElFTkSuQmCC"


def start(host):
    host.show(traits(4, ["a"]))
    host.frame(SQUARE)
    host.settle()
    host.page.mouse.move(2, 2)


def click(host, point, Z=SQUARE):
    box = host.page.locator(".ne-stage").bounding_box()
    x, y = places(host, Z)[point]
    host.page.mouse.click(box["x"] + x, box["y"] + y)
    host.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 12)
    host.settle(60)


def answer(host, *points, note=""):
    asked = host.sent("neighbors")[-1]
    reply = {"k": "neighbors", "id": asked["id"], "point": asked["point"], "note": note}
    host.receive(reply, np.array(points, "<u4"))
    host.settle(120)


def line(host, a, b, Z=SQUARE):
    """Whether a line in the accent colour goes from point a to point b."""
    spots = places(host, Z)
    halfway = 0.35 * spots[a] + 0.65 * spots[b]
    near = [host.pixel(halfway[0] + dx, halfway[1] + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
    return any(a > 60 and np.abs(np.array([r, g, b]) - ACCENT).max() < 40 for r, g, b, a in near)


def test_a_click_shows_lines_and_another_takes_them_away(host):
    start(host)
    click(host, 0)
    assert [message["point"] for message in host.sent("neighbors")] == [0]
    answer(host, 1, 3)
    assert [line(host, 0, other) for other in (1, 2, 3)] == [True, False, True]
    click(host, 0)
    assert not line(host, 0, 1)
    assert len(host.sent("neighbors")) == 1


def test_lines_follow_the_points(host):
    start(host)
    click(host, 0)
    answer(host, 1)
    turned = SQUARE[[2, 0, 3, 1]]
    host.frame(turned)
    host.settle()
    assert line(host, 0, 1, turned)
    assert not line(host, 0, 3, turned)


def test_escape_and_a_click_beside_take_lines_away(host):
    start(host)
    for way in ("Escape", "beside"):
        click(host, 0)
        answer(host, 1)
        assert line(host, 0, 1)
        if way == "Escape":
            host.page.keyboard.press("Escape")
        else:
            box = host.page.locator(".ne-stage").bounding_box()
            host.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 + 40)
        host.settle(120)
        assert not line(host, 0, 1)


def test_why_there_are_none_is_said(host):
    start(host)
    click(host, 0)
    answer(host, note="Not <b>yet</b>.")
    assert host.page.locator(".ne-message").inner_text() == "Not <b>yet</b>."


def test_no_line_goes_to_a_hidden_point_or_to_one_that_is_none(host):
    host.show(traits(4, ["a", "b"]))
    host.frame(SQUARE)
    host.settle()
    host.page.locator(".ne-item").nth(1).click()
    click(host, 0)
    answer(host, 1, 2, 4_000_000)
    assert [line(host, 0, other) for other in (1, 2)] == [False, True]


def test_a_click_with_shift_selects_and_with_alt_takes_away(host):
    start(host)
    box = host.page.locator(".ne-stage").bounding_box()
    x, y = places(host)[2]
    for key, wanted in (("Shift", [2]), ("Alt", [])):
        host.page.keyboard.down(key)
        host.page.mouse.click(box["x"] + x, box["y"] + y)
        host.page.keyboard.up(key)
        last = host.sent("select")[-1]
        assert last["points"] == wanted
        host.call("changeBytes", 0, "_selection", encode(np.array(wanted, "<u4")))
        host.receive({"k": "selected", "id": last["id"]})
    assert host.sent("neighbors") == []


def card(host, image, *buffers, rows=()):
    state = traits(4, ["a"])
    state["_scene"]["hover"] = True
    host.page.evaluate(
        """() => {
          window.addresses = { made: 0, given: 0 };
          const { createObjectURL, revokeObjectURL } = URL;
          URL.createObjectURL = (blob) => (window.addresses.made++, createObjectURL.call(URL, blob));
          URL.revokeObjectURL = (url) => (window.addresses.given++, revokeObjectURL.call(URL, url));
        }"""
    )
    host.show(state)
    host.frame(SQUARE)
    host.settle()
    box = host.page.locator(".ne-stage").bounding_box()
    x, y = places(host)[0]
    host.page.mouse.move(box["x"] + x, box["y"] + y)
    until(host.page, "() => window.host.models[0].sent.some((m) => m.k === 'hover')")
    (asked,) = host.sent("hover")
    host.receive({"k": "hover", "id": asked["id"], "point": 0, "rows": list(rows), "image": image}, *buffers)
    return host.page.get_by_role("tooltip")


def test_a_card_shows_a_picture_in_colours(host):
    pixels = np.array([[255, 0, 0, 255], [0, 128, 255, 255]], np.uint8)
    shown = card(host, {"w": 1, "h": 2, "c": 4}, pixels)
    read = "canvas => [...canvas.getContext('2d').getImageData(0, 1, 1, 1).data]"
    assert shown.locator("canvas").evaluate(read) == [0, 128, 255, 255]


def test_a_card_shows_an_encoded_picture_and_gives_its_address_back(host):
    shown = card(host, {"type": "image/png"}, np.frombuffer(base64.b64decode(DOT), np.uint8))
    until(host.page, "() => window.addresses.given === 1")
    assert shown.locator("img").evaluate("image => [image.naturalWidth, image.naturalHeight]") == [2, 2]
    assert host.page.evaluate("window.addresses.made") == 1


def test_a_broken_picture_is_left_out(host):
    shown = card(host, {"type": "image/png"}, np.frombuffer(b"\x89PNG\r\n\x1a\n", np.uint8))
    until(host.page, "() => window.addresses.given === 1")
    assert shown.locator("img").count() == 0


def test_a_card_keeps_its_shape_in_a_host_that_styles_lists(host):
    host.page.evaluate(
        """() => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync(".cell dl dt { float: left; width: 20%; } .cell dl dd { width: 80%; }");
          document.adoptedStyleSheets = [sheet];
        }"""
    )
    shown = card(host, None, rows=[["material", "wool"], ["kind", "coat"]])
    assert shown.locator("dt").first.bounding_box()["height"] < 22


def test_the_card_names_the_colour_that_is_shown_now(host):
    state = traits(4, ["a", "b"])
    host.show(state)
    host.frame(SQUARE)
    host.settle()
    box = host.page.locator(".ne-stage").bounding_box()
    x, y = places(host)[0]
    host.page.mouse.move(box["x"] + x, box["y"] + y)
    tip = host.page.get_by_role("tooltip")
    tip.wait_for()
    items = [{"label": "new", "count": 4}]
    legend = state["_scene"]["legend"] | {"items": items}
    host.call("change", 0, "_scene", state["_scene"] | {"legend": legend})
    host.call("changeBytes", 0, "_codes", encode(np.zeros(4, "<u2")))
    host.settle(300)
    assert tip.inner_text().split()[0] == "new"
