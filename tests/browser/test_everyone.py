"""Whoever looks and however: rules of accessibility, keys, focus, what is told, motion, contrast, touch."""

import re
from pathlib import Path

import numpy as np
import pytest

from ne_interactive.engine.stepper import Stepper
from ne_interactive.methods.tsne import TSNE
from ne_interactive.widget.explorer import Explorer

from .bridge import Bridge, without_kernel
from .host import control, traits

AXE = Path(__file__).parents[2] / "js" / "node_modules" / "axe-core" / "axe.min.js"
SQUARE = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], np.float32)
CONTROLS = [
    control("exaggeration", auto=True, following=True, group="forces"),
    control(
        "metric", kind="choice", choices=["euclidean", "cosine"], value="cosine", redo="graph", group="data"
    ),
    control("noise", kind="switch", value=True, group="data"),
    control("schedule", kind="other", value="a", group="data"),
]
RULES = """() => axe.run('.ne-root', {rules: {region: {enabled: false}}}).then(({passes, violations}) => [
  passes.map(({id}) => id),
  violations.map(({id, nodes}) => id + ': ' + nodes.map(({html}) => html.slice(0, 160)).join(' | '))])"""
FOCUSED = """() => { const e = document.activeElement;
  return e.getAttribute('aria-label') ?? (e.innerText || e.tagName); }"""


def full(host, **changes):
    """Show a view with everything in it."""
    state = traits(4, ["left", "right"], _controls=CONTROLS, **changes)
    state["_scene"] |= {"hover": True, "title": "Everything"}
    host.show(state)
    host.frame(SQUARE)
    host.status(it=10, changes=[[4, "exaggeration 12 to 4"]])
    host.settle(300)
    return host.page.locator(".ne-root")


def violations(page):
    page.add_script_tag(content=AXE.read_text()) if not page.evaluate("'axe' in window") else None
    checked, found = page.evaluate(RULES)
    assert {"color-contrast", "button-name", "aria-allowed-attr"} <= set(checked)
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_rules_of_accessibility_are_kept(open_host, theme):
    host = open_host(color_scheme=theme, bypass_csp=True, viewport={"width": 1200, "height": 900})
    host.page.evaluate(f"document.body.className = '{'night' if theme == 'dark' else ''}'")
    root = full(host)
    assert root.get_attribute("data-theme") == theme
    assert violations(host.page) == []
    host.status(it=10, error="ValueError: it broke", state="failed")
    root.get_by_role("slider", name="exaggeration").press("End")
    answer = {"k": "set", "id": host.sent("set")[0]["id"], "ok": False, "value": 1.0, "error": "too much"}
    host.receive(answer)
    assert violations(host.page) == []
    root.get_by_role("button", name="Help", exact=True).click()
    assert root.get_by_role("dialog").is_visible()
    assert violations(host.page) == []


def test_every_control_can_be_reached_in_a_sensible_order(host):
    root = full(host)
    order = []
    for _ in range(40):
        host.page.keyboard.press("Tab")
        if not root.evaluate("root => root.contains(document.activeElement)"):
            break
        order.append(host.page.evaluate(FOCUSED).strip())
    reachable = root.locator(":is(button, input, select, canvas[tabindex]):visible:not(:disabled)").count()
    assert len(order) == reachable
    wanted = [
        re.compile(text)
        for text in ("embedding of", "Help", "timeline", "Play|Pause", "Restart", "^exaggeration", "^left")
    ]
    places = [next(i for i, name in enumerate(order) if pattern.search(name)) for pattern in wanted]
    assert places == sorted(places)
    assert places[0] == 0


def test_the_keys_are_shown_and_the_dialog_keeps_the_focus(host):
    root = full(host)
    canvas = root.locator(".ne-canvas")
    canvas.focus()
    host.page.keyboard.press("?")
    dialog = root.get_by_role("dialog", name="Keys")
    assert dialog.is_visible()
    shown = dialog.inner_text()
    assert all(word in shown for word in ("play or pause", "space", "zoom in", "pan left", "←", "reset view"))
    before = len(host.sent())
    for _ in range(3):
        host.page.keyboard.press("Tab")
        assert host.page.evaluate(FOCUSED) == "Close"
    host.page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert canvas.evaluate("canvas => canvas === document.activeElement")
    assert len(host.sent()) == before
    host.page.keyboard.press("Tab")
    host.page.keyboard.press("?")  # from a button, too
    assert dialog.is_visible()
    host.page.keyboard.press("?")
    assert not dialog.is_visible()


# What JupyterLab does to lists in outputs.
LISTS = """() => {
  const style = document.createElement("style");
  style.nonce = "host";
  style.textContent = ".cell dt { float: left; width: 20%; font-weight: bold } .cell dd { float: left; width: 80% }";
  document.head.append(style);
}"""


def test_the_help_looks_the_same_whatever_the_host_does_to_lists(host):
    root = full(host)
    root.locator(".ne-canvas").focus()
    host.page.keyboard.press("?")
    parts = root.locator(".ne-keys :is(dt, dd, kbd)")
    look = """all => all.map((e) => {
      const { width, height } = e.getBoundingClientRect();
      return [Math.round(width), Math.round(height), getComputedStyle(e).fontWeight];
    })"""
    before = parts.evaluate_all(look)
    assert len(before) > 60
    host.page.evaluate(LISTS)
    assert parts.evaluate_all(look) == before
    caps = root.locator(".ne-keys kbd").evaluate_all(look)
    assert {height for _, height, _ in caps} == {caps[0][1]}  # none is stretched beside words in two lines


def test_a_question_mark_in_a_text_stays_there(host):
    root = full(host)
    box = root.get_by_role("textbox", name="schedule")
    box.focus()
    host.page.keyboard.press("?")
    assert box.input_value() == "?"
    assert root.get_by_role("dialog").count() == 0


def test_the_help_names_each_command_that_has_a_key(host):
    root = full(host)
    described = host.page.locator(
        f"#{root.locator('.ne-canvas').get_attribute('aria-describedby')}"
    ).inner_text()
    root.get_by_role("button", name="Help", exact=True).click()
    names = root.get_by_role("dialog").locator("dt").all_inner_texts()
    for part in described.split(". ")[0].split(", "):
        assert part.split(":")[0].lower() in names


def test_what_happens_is_told_once_and_calmly(host):
    root = full(host)
    spoken = root.get_by_role("status")
    spoken.evaluate(
        """element => { window.said = []; new MutationObserver(() => said.push(element.textContent))
          .observe(element, {childList: true, characterData: true, subtree: true}); }"""
    )
    for i in range(5):
        host.frame(SQUARE, iteration=20 + i)
    host.frame(SQUARE, state="paused", key=True, it=500, loss=2.31)
    told = {"k": "status", "state": "paused", "message": "", "error": None, "it": 500, "speed": 0.0}
    told |= {"loss": 2.31, "params": {}, "following": {}, "changes": []}
    refusal = {"k": "refused", "of": "do", "id": None, "error": "One cannot go there."}
    # Both at once: what comes later than a moment is said on its own, and a busy machine takes longer for two calls.
    host.page.evaluate("(all) => all.forEach((one) => window.host.receive(0, one))", [told, refusal])
    host.settle(700)
    assert spoken.inner_text() == "paused, iteration 500, loss 2.310. One cannot go there."
    assert host.page.evaluate("said.length") == 1


def test_a_page_that_reads_from_the_right_has_the_view_as_any_other(open_host):
    parts = ".ne-stage, .ne-side, .ne-tools, .ne-tool, .ne-bar, .ne-item, .ne-count, .ne-control, input"
    places = []
    for direction in ("ltr", "rtl"):
        host = open_host()
        host.page.evaluate("(direction) => { document.documentElement.dir = direction; }", direction)
        full(host)
        boxes = "(parts) => [...document.querySelectorAll(parts)].map(e => JSON.stringify(e.getBoundingClientRect()))"
        places.append(host.page.evaluate(boxes, parts))
    assert len(places[0]) > 20
    assert places[0] == places[1]


def test_labels_are_read_from_the_side_that_their_script_begins_at(host):
    host.show(traits(4, ["one!", "\u05d0\u05d1\u05d2!"]))
    sides = """label => [0, label.textContent.length - 1].map(at => {
      const range = document.createRange();
      range.setStart(label.firstChild, at);
      range.setEnd(label.firstChild, at + 1);
      return range.getBoundingClientRect().left;
    })"""
    latin, hebrew = (label.evaluate(sides) for label in host.page.locator(".ne-item .ne-label").all())
    assert latin[0] < latin[1]
    assert hebrew[0] > hebrew[1]


def test_without_motion_frames_of_a_moving_run_come_once_a_second(open_host):
    host = open_host(reduced_motion="reduce")
    root = full(host)
    before = int(root.get_attribute("data-frames"))
    for i in range(15):
        host.frame(SQUARE * (1 + i), wait=False)
        host.page.wait_for_timeout(80)
    host.page.wait_for_timeout(1200)
    seen = int(root.get_attribute("data-frames")) - before
    assert 1 <= seen <= 4
    assert root.get_attribute("data-iteration") == "160"  # the newest came in the end
    host.frame(SQUARE, state="paused", key=True)  # at rest at once
    assert (
        root.evaluate("root => getComputedStyle(root.querySelector('.ne-hint')).transitionDuration") == "0s"
    )


def test_colours_of_the_system_keep_controls_and_legend_visible(open_host):
    host = open_host(forced_colors="active")
    root = full(host)
    style = "(e, name) => getComputedStyle(e)[name]"
    swatches = {swatch.evaluate(style, "backgroundColor") for swatch in root.locator(".ne-swatch").all()}
    assert len(swatches) == 2
    for button in root.locator(".ne-transport button").all():
        assert button.evaluate(style, "borderTopWidth") == "1px"
    assert root.locator("input[type=range]").first.evaluate(style, "appearance") == "auto"
    assert host.inked() > 0
    pressed = root.get_by_role("button", name="auto exaggeration")
    assert pressed.evaluate(style, "backgroundColor") != root.evaluate(style, "backgroundColor")


def touch(session, kind, *points):
    session.send(
        "Input.dispatchTouchEvent",
        {"type": kind, "touchPoints": [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]},
    )


def test_two_fingers_zoom_one_scrolls_the_page_until_the_picture_was_tapped(open_host):
    host = open_host(has_touch=True, viewport={"width": 800, "height": 700})
    root = full(host)
    host.page.evaluate("document.body.style.paddingBottom = '2000px'")
    session = host.page.context.new_cdp_session(host.page)
    reset = root.get_by_role("button", name="Reset view")
    box = root.locator(".ne-stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def swipe():
        touch(session, "touchStart", (x, y))
        for step in range(1, 9):
            touch(session, "touchMove", (x, y - 12 * step))
            host.page.wait_for_timeout(16)
        touch(session, "touchEnd")
        host.page.wait_for_timeout(250)

    swipe()
    assert host.page.evaluate("scrollY") > 20
    assert reset.is_disabled()
    host.page.evaluate("scrollTo(0, 0)")
    touch(session, "touchStart", (x - 20, y), (x + 20, y))
    for step in range(1, 9):
        touch(session, "touchMove", (x - 20 - 8 * step, y), (x + 20 + 8 * step, y))
    touch(session, "touchEnd")
    host.settle(300)
    assert reset.is_enabled()
    assert host.page.evaluate("[scrollY, visualViewport.scale]") == [0, 1]
    assert host.pixel(box["width"] / 2, box["height"] / 2)[3] == 0
    assert host.inked() == 0  # four times as close the corners are out of sight
    reset.tap()
    host.settle()
    host.page.touchscreen.tap(x, y)
    swipe()
    assert host.page.evaluate("scrollY") == 0
    assert reset.is_enabled()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_rules_are_kept_by_a_whole_view_of_a_real_run(open_host, theme):
    host = open_host(color_scheme=theme, bypass_csp=True, viewport={"width": 1200, "height": 1000})
    X = np.random.default_rng(0).normal(size=(60, 5))
    with without_kernel():
        run = Stepper(X, TSNE(perplexity=5, random_state=0))
        run.step(3)
        run.mark("here")
        run.tune(exaggeration=4.0)
        run.step(3)
        words = [f"word {i}" for i in range(60)]
        columns = {"kind": words[:2] * 30, "depth": np.linspace(0, 1, 60)}
        explorer = Explorer(run, labels=np.arange(60) % 3, color=columns, hover={"word": words}, height=520)
    bridge = Bridge(host, explorer)
    bridge.until(lambda: bridge.view.get_attribute("data-iteration") == "6", "the frame")
    for box in bridge.view.locator("input[type=search]:visible").all():
        box.fill("word 1")
    for _ in range(10):
        bridge.pump()
        host.settle(80)
    assert violations(host.page) == []
    for button in bridge.view.locator("button:visible:not(:disabled)").all():
        assert (button.get_attribute("aria-label") or button.inner_text()).strip()
    explorer.close()
    run.stop()
