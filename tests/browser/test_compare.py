"""Maps side by side in a page: laid over each other, and looked at, pointed at and selected as one."""

import numpy as np
import pytest

import ne_interactive as ne
from ne_interactive.widget.opening import compare

from .bridge import Bridge, without_kernel
from .host import until
from .test_display import pixels
from .test_everyone import violations

N = 240
GRID = """(place) => {
  const canvas = document.querySelectorAll(".ne-pane .ne-canvas")[place];
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const found = [];
  for (let y = 0; y < canvas.height; y += 4) for (let x = 0; x < canvas.width; x += 4) {
    let ink = 0;
    for (let dy = 0; dy < 4; dy++) for (let dx = 0; dx < 4; dx++)
      ink = Math.max(ink, data[4 * ((y + dy) * canvas.width + x + dx) + 3] ?? 0);
    found.push(ink > 20 ? 1 : 0);
  }
  return found;
}"""
"""Where there is ink in one of the pictures, in cells of four pixels."""


def blobs(seed=0):
    rng = np.random.default_rng(seed)
    centres = np.array([[0, 0], [9, 1], [4, 7], [12, 9]])
    return (centres[np.arange(N) % 4] + rng.normal(size=(N, 2))).astype(np.float32)


def turned_over(Z):
    turn = np.array([[np.cos(2), np.sin(2)], [np.sin(2), -np.cos(2)]])
    return 3 * Z @ turn + [40, -7]


@pytest.fixture
def opened(open_host):
    made = []

    def show(maps, host=None, style="", **keys):
        host = host or open_host(viewport={"width": 1200, "height": 800})
        with without_kernel():
            comparison = compare(maps, **{"start": False, "height": 360} | keys)
        bridge = Bridge(host, comparison, style)
        made.append(comparison)
        frames = "() => document.querySelectorAll('.ne-pane[data-frames]').length"
        bridge.until(lambda: host.page.evaluate(frames) == len(comparison.views), "every map is drawn")
        settle(bridge)
        return bridge

    yield show
    for comparison in made:
        comparison.close()
        for run in comparison.runs:
            run.stop()


def settle(bridge):
    """Wait until all pictures stand still."""
    before = None
    for _ in range(100):
        bridge.pump()
        bridge.host.page.wait_for_timeout(120)
        now = [ink(bridge, place).tolist() for place in range(len(bridge.explorer.views))]
        if now == before:
            return
        before = now
    raise AssertionError("the pictures still move")


def ink(bridge, place):
    return np.array(bridge.host.page.evaluate(GRID, place))


def overlap(a, b):
    """Share of the cells with ink in either picture that have it in both."""
    return (a & b).sum() / (a | b).sum()


def picture(bridge, place):
    return bridge.host.page.locator(".ne-pane .ne-canvas").nth(place)


def centre(bridge, place):
    box = picture(bridge, place).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_map_that_was_moved_turned_mirrored_and_stretched_is_drawn_as_the_first(opened):
    bridge = opened(
        {"here": blobs(), "turned over": turned_over(blobs()), "another": blobs(5)[:, ::-1] * [1, 4]}
    )
    first, same, another = (ink(bridge, place) for place in range(3))
    assert overlap(first, same) > 0.9
    assert overlap(first, another) < 0.6


def test_pictures_move_and_zoom_as_one_until_they_are_set_free(opened):
    bridge = opened({"here": blobs(), "turned over": turned_over(blobs())})
    page = bridge.host.page
    x, y = centre(bridge, 1)
    before = ink(bridge, 0)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 30, steps=4)
    page.mouse.up()
    page.mouse.wheel(0, -300)
    settle(bridge)
    assert overlap(before, ink(bridge, 0)) < 0.5
    assert overlap(ink(bridge, 0), ink(bridge, 1)) > 0.9
    picture(bridge, 1).press("k")
    assert page.get_by_role("button", name="move pictures as one").get_attribute("aria-pressed") == "false"
    bridge.until(lambda: bridge.explorer.linked is False, "the kernel knows")
    before = ink(bridge, 0)
    picture(bridge, 1).press("ArrowLeft")
    settle(bridge)
    assert overlap(before, ink(bridge, 0)) > 0.99
    assert overlap(ink(bridge, 0), ink(bridge, 1)) < 0.7
    picture(bridge, 1).press("k")
    settle(bridge)
    assert overlap(ink(bridge, 0), ink(bridge, 1)) > 0.9
    picture(bridge, 0).press("0")
    settle(bridge)
    assert overlap(ink(bridge, 0), ink(bridge, 1)) > 0.9


def test_a_point_under_the_pointer_is_ringed_in_every_map_and_has_one_card(opened):
    maps = {"here": blobs(), "turned over": turned_over(blobs()), "mixed": blobs()[::-1].copy()}
    bridge = opened(maps, hover={"name": [f"row {i}" for i in range(N)]})
    page = bridge.host.page
    before = [ink(bridge, place) for place in range(3)]
    x, y = centre(bridge, 1)
    cells = np.flatnonzero(before[1])
    columns = picture(bridge, 1).evaluate("(canvas) => Math.ceil(canvas.width / 4)")
    box = picture(bridge, 1).bounding_box()
    at = cells[
        np.argmin(np.hypot(4 * (cells % columns) - (x - box["x"]), 4 * (cells // columns) - (y - box["y"])))
    ]
    page.mouse.move(box["x"] + 4 * int(at % columns) + 2, box["y"] + 4 * int(at // columns) + 2)
    page.wait_for_timeout(300)  # nothing is carried to the kernel or from it meanwhile
    changed = [(before[place] != ink(bridge, place)).sum() for place in (0, 2)]
    assert min(changed) > 3, "a ring was drawn in the others"
    cards = page.locator(".ne-card:visible")
    bridge.until(lambda: cards.count() == 1 and "row" in cards.inner_text(), "one card tells of it")
    page.mouse.move(5, 5)
    gone = lambda: all((before[place] == ink(bridge, place)).all() for place in (0, 2))  # noqa: E731
    bridge.until(gone, "the rings are gone")


def test_what_is_selected_in_one_map_is_selected_in_all_and_in_python(opened):
    bridge = opened({"here": blobs(), "turned over": turned_over(blobs())})
    page, comparison = bridge.host.page, bridge.explorer
    page.get_by_role("button", name="box", exact=True).click()
    box = picture(bridge, 1).bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 2, steps=3)
    page.mouse.up()
    bridge.until(lambda: len(comparison.selection) > 0, "the kernel hears of it")
    bridge.pump()
    left = len(comparison.selection)
    assert 0 < left < N
    assert page.locator(".ne-selection:visible .ne-heading").inner_text().startswith(f"{left} selected")
    # the same box in the first map, of which the second is a copy, takes the same points
    by_first = comparison.selection.tolist()
    box = picture(bridge, 0).bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 2, steps=3)
    page.mouse.up()
    settle(bridge)
    assert len(np.setxor1d(comparison.selection, by_first)) <= 2
    page.get_by_role("button", name="hide others").click()
    settle(bridge)
    hidden = [ink(bridge, place).sum() for place in range(2)]
    page.get_by_role("button", name="show all").click()
    settle(bridge)
    assert all(ink(bridge, place).sum() > 1.3 * hidden[place] for place in range(2))
    comparison.selection = []
    bridge.until(lambda: page.locator(".ne-selection:visible").count() == 0, "the page follows Python")


def test_one_legend_and_one_search_serve_all_maps(opened):
    labels = [f"kind {i % 4}" for i in range(N)]
    bridge = opened({"here": blobs(), "turned over": turned_over(blobs())}, labels=labels)
    page = bridge.host.page
    assert page.locator(".ne-legend:visible").count() == 1
    assert page.locator(".ne-tools:visible").count() == 1
    before = [ink(bridge, place).sum() for place in range(2)]
    page.get_by_role("button", name="kind 2").click()
    settle(bridge)
    assert all(ink(bridge, place).sum() < 0.85 * before[place] for place in range(2))
    page.get_by_role("button", name="kind 2").click()
    picture(bridge, 1).press("/")
    page.keyboard.type("kind 3")
    count = page.locator(".ne-search:visible .ne-count")
    bridge.until(lambda: count.inner_text() == str(N // 4), "the points are found")
    page.keyboard.press("Enter")
    bridge.until(lambda: bridge.explorer.selection.tolist() == list(range(3, N, 4)), "and selected")


def test_a_saved_picture_has_its_own_title_and_a_legend_of_what_it_shows(opened):
    labels = [f"kind {i % 4}" for i in range(N)]
    bridge = opened({"here": blobs(), "over": turned_over(blobs())}, labels=labels)
    page = bridge.host.page

    def save(place):
        """Give the legend of the saved picture."""
        picture(bridge, place).focus()
        with page.expect_download() as saved:
            page.keyboard.press("s")
        assert saved.value.suggested_filename == f"{('here', 'over')[place]}-array-0.png"
        return pixels(saved.value.path().read_bytes())[88:, -440:]

    whole = [save(place) for place in range(2)]
    page.get_by_role("button", name="kind 2").click()
    settle(bridge)
    fewer = [save(place) for place in range(2)]
    assert (whole[0] != fewer[0]).any()
    for legends in (whole, fewer):
        np.testing.assert_array_equal(*legends)


def test_maps_have_the_whole_window_together_and_the_button_says_so(open_host, opened):
    host = open_host(
        "Element.prototype.requestFullscreen = () => Promise.reject(new TypeError('no'))",
        viewport={"width": 1200, "height": 800},
    )
    bridge = opened({"here": blobs(), "over": turned_over(blobs())}, host, style="margin: 100px")
    page = host.page
    button = page.get_by_role("button", name="full screen")
    told = lambda: (  # noqa: E731
        button.get_attribute("aria-pressed"),
        page.locator(".ne-compare").evaluate("(root) => root.getBoundingClientRect().left === 0"),
    )
    assert told() == ("false", False)
    for leave in (
        lambda: picture(bridge, 0).press("f"),
        lambda: picture(bridge, 1).press("f"),
        lambda: picture(bridge, 1).press("Escape"),
        button.click,
    ):
        picture(bridge, 1).press("f")
        bridge.until(lambda: told() == ("true", True), "the maps fill the window")
        leave()
        bridge.until(lambda: told() == ("false", False), "and leave it")


def test_a_button_says_what_can_be_done_in_the_map_in_use(opened):
    bridge = opened({"here": blobs(), "over": turned_over(blobs())})
    reset = bridge.host.page.get_by_role("button", name="Reset view")
    assert reset.is_disabled()
    picture(bridge, 1).press("ArrowLeft")
    assert reset.is_enabled(), "both have moved"
    reset.click()
    assert reset.is_disabled()
    picture(bridge, 1).press("k")
    picture(bridge, 1).press("ArrowLeft")
    assert reset.is_enabled()
    picture(bridge, 0).focus()
    assert reset.is_disabled(), "the first has not moved"
    picture(bridge, 1).focus()
    reset.click()
    assert reset.is_disabled()


def test_the_difference_is_drawn_as_lines_or_as_a_ghost(opened):
    moved = blobs()
    moved[::4] += [6, 0]
    bridge = opened({"here": blobs(), "moved": moved})
    comparison = bridge.explorer
    plain = [ink(bridge, place) for place in range(2)]
    for key, kind in (("j", "lines"), ("g", "ghost")):
        picture(bridge, 1).press(key)
        bridge.until(lambda kind=kind: comparison.difference == kind, "the kernel knows")
        settle(bridge)
        assert (plain[0] == ink(bridge, 0)).all(), "the first map is as it was"
        assert ink(bridge, 1).sum() > 1.15 * plain[1].sum()
    comparison.difference = None
    settle(bridge)
    assert (plain[1] == ink(bridge, 1)).all()


def test_a_point_dragged_in_a_map_that_was_turned_goes_where_the_hand_puts_it(opened):
    X = np.random.default_rng(0).normal(size=(40, 5))
    run = ne.Stepper(X, ne.TSNE(perplexity=5, init=blobs()[:40], random_state=0))
    other = ne.Stepper(X, ne.TSNE(perplexity=5, init=turned_over(blobs()[:40]), random_state=0))
    bridge = opened({"here": run, "turned over": other})
    page = bridge.host.page
    page.get_by_role("button", name="move points").click()
    box = picture(bridge, 1).bounding_box()
    cells = np.flatnonzero(ink(bridge, 1))
    columns = picture(bridge, 1).evaluate("(canvas) => Math.ceil(canvas.width / 4)")
    at = int(cells[len(cells) // 2])
    x, y = box["x"] + 4 * (at % columns) + 2, box["y"] + 4 * (at // columns) + 2
    before = bridge.explorer.aligned()["turned over"]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 50, y, steps=4)
    page.mouse.up()
    bridge.until(lambda: len(other.pinned) == 1, "the run hears of it")
    settle(bridge)
    assert len(run.pinned) == 0
    way = (bridge.explorer.aligned()["turned over"] - before)[other.pinned[0]]
    assert way[0] > 0
    assert abs(way[1]) < 0.3 * way[0], "to the right on screen is to the right over the first map"


def test_runs_are_moved_alone_and_together(opened):
    X = np.random.default_rng(0).normal(size=(60, 5))
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0))
    bridge = opened({"a": run, "b": run.fork(), "given": blobs()[:60]})
    page, (a, b) = bridge.host.page, bridge.explorer.runs
    a.max_speed = b.max_speed = 30
    page.get_by_role("button", name="Play all").click()
    bridge.until(lambda: min(a.iteration, b.iteration) > 5, "both move on")
    page.locator("summary", has_text="b").click()
    pause = page.locator(".ne-run[open]").get_by_role("button", name="Pause", exact=True)
    bridge.until(pause.is_visible, "the page hears that it runs")
    pause.click()
    bridge.until(lambda: (a.state, b.state) == ("running", "paused"), "one is paused")
    page.get_by_role("button", name="Pause all").click()
    bridge.until(lambda: a.state == "paused", "all are paused")
    bridge.until(lambda: page.get_by_role("button", name="Play all").count() == 1, "and the button says so")
    assert page.locator(".ne-pane").nth(2).locator(".ne-at").is_hidden()


def test_one_timeline_looks_back_in_all_runs(opened):
    X = np.random.default_rng(0).normal(size=(60, 5))
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0))
    other = run.fork()
    run.step(60)
    other.step(20)
    bridge = opened({"a": run, "b": other, "given": blobs()[:60]})
    page = bridge.host.page
    handle = page.get_by_role("slider", name="timeline")
    told = lambda: [page.locator(".ne-pane .ne-at").nth(place).inner_text() for place in range(2)]  # noqa: E731
    assert handle.get_attribute("max") == "60"
    assert page.locator(".ne-player-where").inner_text() == "now"
    before = ink(bridge, 0)
    handle.fill("10")
    bridge.until(lambda: told() == ["iteration 10"] * 2, "both are shown as they were")
    settle(bridge)
    assert overlap(before, ink(bridge, 0)) < 0.9
    assert page.locator(".ne-player-where").inner_text() == "iteration 10"
    handle.fill("40")
    bridge.until(lambda: told() == ["iteration 40", "iteration 20, paused"], "one was not as far")
    other.step(30)
    bridge.until(lambda: told() == ["iteration 40"] * 2, "it is looked at there as soon as it is as far")
    handle.press("End")
    bridge.until(lambda: told() == ["iteration 60, paused", "iteration 50, paused"], "back to now")
    panes = page.locator(".ne-pane")
    drawn = lambda: [panes.nth(place).get_attribute("data-iteration") for place in range(2)]  # noqa: E731
    bridge.until(lambda: drawn() == ["60", "50"], "and both are drawn")
    assert page.locator(".ne-player-where").inner_text() == "now"
    for _ in range(20):
        picture(bridge, 1).press("[")
    bridge.until(lambda: told() == ["iteration 40"] * 2, "keys in one picture look back in both")
    assert handle.input_value() == "40"
    picture(bridge, 0).press("]")
    bridge.until(lambda: handle.input_value() == "41", "and forward")


def test_arrays_have_no_timeline(opened):
    bridge = opened([blobs(), blobs(1)])
    assert bridge.host.page.get_by_role("slider", name="timeline").count() == 0


def test_one_panel_changes_all_runs_or_says_which_refuses(opened):
    X = np.random.default_rng(0).normal(size=(60, 5))
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0))
    bridge = opened({"a": run, "b": run.fork()}, controls="shared")
    page, (a, b) = bridge.host.page, bridge.explorer.runs
    field = page.get_by_label("exaggeration value", exact=True).locator("visible=true")
    field.fill("3")
    field.press("Enter")
    bridge.until(lambda: a.params["exaggeration"] == b.params["exaggeration"] == 3, "both take it")
    field = page.get_by_label("perplexity value", exact=True).locator("visible=true")
    field.fill("59")
    field.press("Enter")
    bridge.until(
        lambda: "a: TSNE.perplexity" in page.locator(".ne-panel:visible").inner_text(), "one refuses"
    )
    assert a.params["perplexity"] == b.params["perplexity"] == 5
    picture(bridge, 0).press("c")
    bridge.until(lambda: bridge.explorer.controls == "separate", "the kernel knows")
    assert page.locator(".ne-panel:visible").count() == 0
    page.locator("summary", has_text="b").click()
    field = page.locator(".ne-run[open]").get_by_label("exaggeration value", exact=True)
    field.fill("7")
    field.press("Enter")
    bridge.until(lambda: b.params["exaggeration"] == 7, "one run is changed alone")
    assert a.params["exaggeration"] == 3


def test_pictures_wrap_where_there_is_no_room(open_host, opened):
    host = open_host(viewport={"width": 1200, "height": 1600})
    bridge = opened([blobs()] * 3, host, style="width: 1180px")
    root = host.page.locator(".ne-compare")
    for width, columns in ((1180, 3), (800, 3), (420, 1)):
        host.page.locator(".cell").evaluate("(cell, width) => { cell.style.width = `${width}px`; }", width)
        boxes = [picture(bridge, place).bounding_box() for place in range(3)]
        assert len({round(box["x"]) for box in boxes}) == columns
        assert all(box["width"] > 150 for box in boxes)
        assert root.evaluate("(e) => e.scrollWidth <= e.clientWidth")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_rules_of_accessibility_are_kept_and_names_stay_text(open_host, opened, theme):
    host = open_host(color_scheme=theme, bypass_csp=True, viewport={"width": 1200, "height": 900})
    X = np.random.default_rng(0).normal(size=(N, 5))
    name = "<img src=x onerror=window.broken=1>"
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0))
    bridge = opened({name: run, "given": blobs()}, host, labels=[f"kind {i % 4}" for i in range(N)])
    assert violations(host.page) == []
    host.page.locator("summary").first.click()
    bridge.explorer.controls = "shared"
    settle(bridge)
    assert violations(host.page) == []
    assert host.page.locator(".ne-pane").first.get_by_text(name).count() == 1
    assert host.page.evaluate("window.broken") is None
    picture(bridge, 1).press("?")
    dialog = host.page.get_by_role("dialog")
    assert dialog.is_visible()
    assert "ghost of the first map" in dialog.inner_text()


def test_a_question_mark_opens_one_help_beside_several_maps(opened):
    bridge = opened({"here": blobs(), "over": turned_over(blobs()), "third": blobs(2)})
    page = bridge.host.page
    for asked in (page.get_by_role("button", name="density"), picture(bridge, 2)):
        asked.press("?")
        assert page.locator("dialog[open]").count() == 1
        assert page.get_by_role("dialog").is_visible()
        page.keyboard.press("Escape")
        assert page.locator("dialog[open]").count() == 0
        asked.click()
        page.mouse.move(5, 5)


def test_maps_of_two_and_three_dimensions_stand_side_by_side(opened):
    flat = blobs()
    solid = np.c_[flat, np.random.default_rng(2).normal(size=N)].astype(np.float32)
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    bridge = opened({"flat": flat, "solid": solid, "solid, turned": 2 * solid @ turn + 5})
    assert overlap(ink(bridge, 1), ink(bridge, 2)) > 0.85
    before = ink(bridge, 0)
    picture(bridge, 2).press("ArrowLeft")
    settle(bridge)
    assert overlap(ink(bridge, 1), ink(bridge, 2)) > 0.85
    assert overlap(before, ink(bridge, 0)) > 0.99


def test_a_comparison_leaves_nothing_behind(opened):
    bridge = opened([blobs(), blobs(1)])
    page = bridge.host.page
    listening = page.evaluate("(model) => host.models[model].listening()", bridge.model)
    assert listening > 0
    assert bridge.host.call("unmount", bridge.model) == 0
    assert page.evaluate("(model) => host.models[model].listening()", bridge.model) == 0
    assert page.evaluate("globalThis[Symbol.for('ne_interactive@1')]") is None
    until(page, "document.querySelector('.ne-root') === null")
