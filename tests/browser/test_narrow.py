"""Where there is little room: tools leave the map alone, words are whole, keys of the host stay the host's."""

import io

import numpy as np
import pytest
from PIL import Image

from .host import control, traits

WIDE = np.random.default_rng(0).uniform(-1, 1, (400, 2)) * [1, 0.6]
LONG = control(
    "early_exaggeration_iter", kind="choice", choices=["a long choice"], value="a long choice", redo="graph"
)
# Asks as Lumino does, on the way down from the document: does the element, or one around it, refuse shortcuts?
HEAR = """() => {
  window.heard = [];
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("[data-lm-suppress-shortcuts]") === null) window.heard.push(event.key);
  }, true);
}"""


def show(host, width):
    host.page.set_viewport_size({"width": width + 40, "height": 900})
    state = traits(400, ["left", "right"], _controls=[LONG, control("strength")])
    host.show(state, style=f"width: {width}px")
    host.frame(WIDE)
    host.settle(300)
    return host.page.locator(".ne-root")


@pytest.mark.parametrize("width", [700, 950])
def test_ten_categories_are_seen_whole_beside_many_controls(host, width):
    host.page.set_viewport_size({"width": width + 40, "height": 900})
    controls = [control(f"strength_{i}") for i in range(20)]
    host.show(traits(400, list("abcdefghij"), _controls=controls), style=f"width: {width}px")
    host.frame(WIDE)
    legend, panel = host.page.locator(".ne-legend"), host.page.locator(".ne-panel")
    bottom = legend.bounding_box()["y"] + legend.bounding_box()["height"]
    last = legend.get_by_role("button").last.bounding_box()
    assert last["y"] + last["height"] <= bottom
    assert panel.bounding_box()["height"] > 200


@pytest.mark.parametrize("width", [340, 420, 700, 800])
def test_tools_stand_above_the_map_and_nothing_is_cut(host, width):
    root = show(host, width)
    tools, stage, side = (
        root.locator(name).bounding_box() for name in (".ne-tools", ".ne-stage", ".ne-side")
    )
    assert tools["y"] + tools["height"] <= stage["y"]
    assert stage["width"] >= 300
    assert root.evaluate("(e) => e.scrollWidth <= e.clientWidth")
    if width > 640:  # beside both
        assert side["x"] >= stage["x"] + stage["width"]
        assert abs(side["y"] + side["height"] - stage["y"] - stage["height"]) < 1
        assert stage["height"] == 480
    assert root.get_by_role("button", name="save picture").is_enabled()
    button = root.get_by_role("button", name="Help").bounding_box()
    assert button["x"] + button["width"] <= stage["x"] + stage["width"]


@pytest.mark.parametrize("width", [340, 600, 640])
def test_the_words_above_a_map_that_fills_its_width_lie_over_no_point(host, width):
    host.page.set_viewport_size({"width": width + 40, "height": 900})
    state = traits(400, _height=600)
    state["_scene"] |= {"title": "a title"}
    host.show(state, style=f"width: {width}px")
    host.frame(WIDE / [1, 0.6])  # as high as it is wide
    host.settle(300)
    caption, stage = (host.page.locator(name).bounding_box() for name in (".ne-caption", ".ne-stage"))
    assert caption["y"] + caption["height"] <= stage["y"]
    assert min(width, 600) - 3 <= stage["height"] <= 600  # and take nothing of the map
    assert caption["y"] >= host.page.locator(".ne-tools").bounding_box()["y"] + 20
    written = Image.open(io.BytesIO(host.page.screenshot(clip=caption))).convert("L")
    assert np.asarray(written).min() < 60  # the words are there, not cut off
    assert host.page.locator(".ne-root").evaluate("(e) => e.scrollWidth <= e.clientWidth")


@pytest.mark.parametrize("width", [420, 620, 780, 890])
def test_nothing_moves_when_a_note_comes_and_goes(host, width):
    root = show(host, width)
    bar = root.locator(".ne-bar")
    host.frame(WIDE, it=1234)
    before = bar.bounding_box()["height"]
    host.frame(WIDE, it=1244, note="finding neighbours")
    host.settle(300)
    assert root.locator(".ne-message").inner_text() == "finding neighbours"
    assert bar.bounding_box()["height"] == before


def test_on_a_whole_narrow_screen_the_map_has_most_of_it(host):
    root = show(host, 420)
    host.page.set_viewport_size({"width": 420, "height": 900})
    root.locator(".ne-canvas").press("f")
    host.settle(300)
    assert root.locator(".ne-stage").bounding_box()["height"] > 0.6 * 900 - 28
    side = root.locator(".ne-side")
    side.scroll_into_view_if_needed()
    assert side.bounding_box()["y"] < 900


@pytest.mark.parametrize("width", [420, 700, 1100])
def test_what_a_change_costs_is_never_cut(host, width):
    root = show(host, width)
    cost = root.locator(".ne-cost").first
    assert cost.inner_text() == "new neighbours"
    box, name = cost.bounding_box(), root.locator(".ne-priced").first.bounding_box()
    assert box["x"] + box["width"] <= name["x"] + name["width"]
    assert box["y"] + box["height"] <= name["y"] + name["height"]
    assert root.locator(".ne-priced").first.evaluate("(e) => e.scrollWidth <= e.clientWidth")


def test_keys_with_ctrl_reach_the_host_and_plain_ones_do_not(host):
    root = show(host, 1000)
    host.page.evaluate(HEAR)
    heard = lambda: [key for key in host.page.evaluate("window.heard.splice(0)") if len(key) == 1]  # noqa: E731
    for element in (root.locator(".ne-canvas"), root.get_by_role("slider", name="strength")):
        element.focus()
        for key in ("s", "Control+s", "b", "Meta+s", "Alt+b", "d"):
            host.page.keyboard.press(key)
        assert heard() == ["s", "s", "b"]
    root.get_by_role("textbox", name="strength value").focus()
    for key in ("Control+a", "Control+s", "5"):  # all of the text is selected, not all cells
        host.page.keyboard.press(key)
    assert heard() == ["s"]
    assert host.sent("do") == []


@pytest.mark.parametrize("width", [260, 340, 700, 1000])
def test_numbers_of_six_digits_are_seen_whole(host, width):
    host.page.set_viewport_size({"width": width + 40, "height": 900})
    rate = control("lr", value=700000, ui_low=1.0, ui_high=1e7, auto=True, following=True)
    host.show(traits(4, ["a"], _controls=[control("strength"), rate]), style=f"width: {width}px")
    box = host.page.get_by_role("textbox", name="lr value")
    assert box.input_value() == "700000"
    assert box.evaluate("(e) => e.scrollWidth <= e.clientWidth")
