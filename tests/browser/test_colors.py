"""What points are coloured by, which numbers are shown, and how large points are."""

import numpy as np
import pytest
from PIL import Image

from .host import encode, traits
from .test_controls import move
from .test_picture import SQUARE, WITHOUT_WEBGL2, color_at, places

NUMBERS = {"kind": "number", "name": "price", "low": -2.0, "high": 6.0}
CODES = np.array([0, 20000, 65534, 65535])  # low, below the middle, high, missing


@pytest.fixture(params=["webgl2", "canvas2d"])
def either(request, open_host):
    return open_host(WITHOUT_WEBGL2 if request.param == "canvas2d" else "")


def show(host, names=("kind", "price", "one colour"), **scene):
    state = traits(4, ["a", "b"])
    state["_scene"] |= {"colors": {"names": list(names), "name": names[0]}, **scene}
    host.show(state)
    host.frame(SQUARE)
    host.settle()
    return state["_scene"]


def show_numbers(host):
    state = traits(4, codes=CODES)
    state["_scene"]["legend"] |= NUMBERS
    host.show(state)
    host.frame(SQUARE)
    host.settle()


def drawn(host):
    host.settle(150)
    return [host.pixel(*place)[3] > 0 for place in places(host)]


def test_another_column_is_asked_for_and_shown_when_it_comes(host):
    scene = show(host)
    chooser = host.page.get_by_label("colour by", exact=True)
    assert chooser.evaluate("s => [...s.options].map((o) => o.text)") == ["kind", "price", "one colour"]
    chooser.select_option("price")
    assert [message["name"] for message in host.sent("color")] == ["price"]
    before = color_at(host, places(host)[0])
    host.call("changeBytes", 0, "_codes", encode(CODES.astype("<u2")))
    new = {"legend": scene["legend"] | NUMBERS | {"items": []}, "colors": scene["colors"] | {"name": "price"}}
    host.call("change", 0, "_scene", scene | new)
    host.settle(150)
    assert chooser.input_value() == "price"
    assert color_at(host, places(host)[0]) != before
    assert host.page.locator(".ne-ends").inner_text().split() == ["-2", "6"]


def test_a_refused_column_snaps_back(host):
    show(host)
    chooser = host.page.get_by_label("colour by", exact=True)
    chooser.select_option("price")
    host.receive({"k": "refused", "of": "color", "id": None, "error": "too many different values"})
    assert chooser.input_value() == "kind"
    assert host.page.locator(".ne-message").inner_text() == "too many different values"


def test_one_column_needs_no_chooser_and_hostile_names_stay_text(host):
    show(host, names=("labels",))
    assert host.page.get_by_label("colour by", exact=True).is_hidden()
    show(host, names=("<img src=x onerror=alert(1)>", "b", "one colour"))
    chooser = host.page.get_by_label("colour by", exact=True)
    assert chooser.nth(1).evaluate("s => s.options[0].text") == "<img src=x onerror=alert(1)>"
    assert host.page.locator("img").count() == 0


def test_what_was_hidden_of_one_column_is_not_hidden_of_another(host):
    scene = show(host)
    host.page.locator(".ne-item").first.click()
    assert drawn(host) == [False, True, False, True]
    items = [{"label": "c", "count": 2}, {"label": "d", "count": 2}]
    host.call("change", 0, "_scene", scene | {"legend": scene["legend"] | {"items": items}})
    assert drawn(host) == [True] * 4


def test_only_numbers_between_the_handles_are_drawn(either):
    show_numbers(either)
    low = either.page.get_by_role("slider", name="lowest price shown")
    high = either.page.get_by_role("slider", name="highest price shown")
    move(low, 200)
    assert drawn(either) == [False, True, True, False]  # missing numbers lie in no range
    move(high, 500)
    assert drawn(either) == [False, True, False, False]
    assert either.page.locator(".ne-ends").inner_text().split() == ["-0.4", "2"]
    move(low, 900)
    assert low.input_value() == "500"  # a handle does not pass the other
    move(low, 0)
    move(high, 1000)
    assert drawn(either) == [True] * 4
    assert low.get_attribute("aria-valuetext") == "-2"


def test_the_ends_of_the_scale_are_told_as_they_are(host):
    state = traits(4, codes=CODES)
    state["_scene"]["legend"] |= {"kind": "number", "name": "year", "low": 10001.0, "high": 123456.0}
    host.show(state)
    ends = host.page.locator(".ne-ends")
    assert ends.inner_text().split() == ["10001", "123456"]
    high = host.page.get_by_role("slider", name="highest year shown")
    assert high.get_attribute("aria-valuetext") == "123456"
    move(high, 0)
    assert ends.inner_text().split() == ["10001", "10001"]


def test_the_handles_are_moved_by_the_pointer_and_by_keys(host):
    show_numbers(host)
    low = host.page.get_by_role("slider", name="lowest price shown")
    high = host.page.get_by_role("slider", name="highest price shown")
    for handle, start, end in ((low, 0.03, 0.5), (high, 0.97, 0.7)):
        box = handle.bounding_box()
        y = box["y"] + box["height"] / 2
        host.page.mouse.move(box["x"] + start * box["width"], y)
        host.page.mouse.down()
        host.page.mouse.move(box["x"] + end * box["width"], y, steps=5)
        host.page.mouse.up()
    assert 450 < float(low.input_value()) < 550
    assert 650 < float(high.input_value()) < 750
    low.focus()
    host.page.keyboard.press("ArrowRight")
    assert drawn(host) == [False] * 4


def test_numbers_near_the_pointer_stand_out(host):
    show_numbers(host)
    before = [host.pixel(*place)[3] for place in places(host)]
    box = host.page.locator(".ne-range").bounding_box()
    host.page.mouse.move(box["x"] + 0.31 * box["width"], box["y"] + 5)
    host.settle(150)
    after = [host.pixel(*place)[3] for place in places(host)]
    assert after[1] == before[1]
    assert all(after[point] < 0.4 * before[point] for point in (0, 2, 3))
    host.page.mouse.move(5, 5)
    host.settle(150)
    assert [host.pixel(*place)[3] for place in places(host)] == before


def test_categories_are_walked_and_shown_by_keys(host):
    show(host)
    before = [host.pixel(*place)[3] for place in places(host)]
    host.page.locator(".ne-item").first.focus()
    host.page.keyboard.press("ArrowDown")
    host.settle(150)
    after = [host.pixel(*place)[3] for place in places(host)]
    assert after[1] == before[1]
    assert after[0] < 0.4 * before[0]
    host.page.keyboard.press("Enter")
    assert drawn(host) == [True, False, True, False]


def test_sizes_are_drawn_and_explained(either):
    state = traits(4, ["a"], _sizes={"base64": encode(np.array([0, 255, 0, 255], np.uint8))})
    state["_scene"]["size"] = {"name": "price", "low": 1.0, "high": 5.0}
    either.show(state)
    either.frame(SQUARE)
    either.settle()

    def extent(place):
        return sum(either.pixel(place[0] + step, place[1])[3] > 60 for step in range(-14, 15))

    widths = [extent(place) for place in places(either)]
    assert widths[1] > 2.5 * widths[0]
    assert widths[3] > 2.5 * widths[2]
    assert either.page.locator(".ne-sizes").inner_text().split() == ["size:", "price", "1", "5"]


def test_the_scale_of_a_saved_picture_has_the_colours_of_what_is_shown(host):
    show_numbers(host)

    def width():
        """Of the strip of colours, in CSS pixels."""
        host.page.locator(".ne-canvas").focus()
        with host.page.expect_download() as saved:
            host.page.keyboard.press("s")
        with Image.open(saved.value.path()) as image:
            side = np.asarray(image.convert("HSV"))[:, -2 * 220 :, 1]
        return (side > 60).any(axis=0).sum() / 2

    whole = width()
    move(host.page.get_by_label("lowest price shown"), 250)
    move(host.page.get_by_label("highest price shown"), 500)
    assert whole == pytest.approx(204, abs=3)
    assert width() == pytest.approx(204 / 4, abs=3)
