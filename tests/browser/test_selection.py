"""Points are selected by hand while they move; every view and the kernel agree."""

import numpy as np
import pytest

from .host import encode, traits
from .test_picture import WITHOUT_WEBGL2, places

# Three rows of three: point 0 is at the lower left, point 8 at the upper right.
GRID = np.array([[x, y] for y in (-1, 0, 1) for x in (-1, 0, 1)], np.float32)
LEFT = [0, 3, 6]


@pytest.fixture(params=["webgl2", "canvas2d"])
def either(request, open_host):
    return open_host(WITHOUT_WEBGL2 if request.param == "canvas2d" else "")


@pytest.fixture
def shown(host):
    show(host)
    return host


def show(host, **changes):
    host.show(traits(9, ["a", "b", "c"], **changes))
    host.frame(GRID)
    host.settle()


def around(host, left, right):
    """Draw a box from the top to the bottom of the picture between two places, in shares of its width."""
    box = host.page.locator(".ne-stage").first.bounding_box()
    host.page.mouse.move(box["x"] + left * box["width"], box["y"] + 3)
    host.page.mouse.down()
    host.page.mouse.move(box["x"] + right * box["width"], box["y"] + box["height"] - 3, steps=4)
    host.page.mouse.up()
    host.settle(60)


def press(host, key):
    host.page.locator(".ne-canvas").first.focus()
    host.page.keyboard.press(key)


def chosen(host):
    return host.sent("select")[-1]["points"]


def answer(host):
    """The kernel takes the last choice."""
    last = host.sent("select")[-1]
    host.call("changeBytes", 0, "_selection", encode(np.array(last["points"], "<u4")))
    host.receive({"k": "selected", "id": last["id"]})


def test_a_box_selects_what_is_in_it(either):
    show(either)
    press(either, "b")
    assert either.page.get_by_role("button", name="box").get_attribute("aria-pressed") == "true"
    around(either, 0.02, 0.35)
    assert chosen(either) == LEFT
    assert "3 selected, 33 %" in either.page.get_by_label("Selection", exact=True).inner_text()


def test_selected_points_stand_out(either):
    show(either)
    spots = places(either, GRID)
    before = [either.pixel(*spot) for spot in spots]
    press(either, "b")
    around(either, 0.02, 0.35)
    either.settle(500)
    after = [either.pixel(*spot) for spot in spots]
    for point in range(9):
        if point in LEFT:
            assert max(abs(a - b) for a, b in zip(after[point], before[point], strict=True)) < 25
        else:
            assert after[point][3] < 0.3 * before[point][3]
    # A ring in the colour of the text, beyond the edge that the point had.
    x, y = spots[3]
    along = [either.pixel(x + step / 2, y) for step in range(8, 22)]
    assert any(max(r, g, b) < 110 and a > 150 for r, g, b, a in along)


def test_a_lasso_selects_what_it_goes_around(shown):
    shown.page.get_by_role("button", name="lasso").click()
    box = shown.page.locator(".ne-stage").bounding_box()
    w, h = box["width"], box["height"]
    mouse = shown.page.mouse
    mouse.move(box["x"] + 4, box["y"] + 4)
    mouse.down()
    for x, y in [(0.4 * w, 4), (0.4 * w, 0.6 * h), (4, 0.6 * h)]:
        mouse.move(box["x"] + x, box["y"] + y, steps=6)
    shown.settle(300)
    drawn = shown.inked()
    mouse.up()
    shown.settle(300)
    assert drawn > shown.inked() + 100  # the outline was there, and is gone
    assert chosen(shown) == [3, 6]


def test_shift_adds_and_alt_takes_away(shown):
    press(shown, "b")
    around(shown, 0.02, 0.35)
    answer(shown)
    shown.page.keyboard.down("Shift")
    around(shown, 0.7, 0.98)
    shown.page.keyboard.up("Shift")
    answer(shown)
    assert chosen(shown) == [0, 2, 3, 5, 6, 8]
    shown.page.keyboard.down("Alt")
    around(shown, 0.02, 0.35)
    shown.page.keyboard.up("Alt")
    answer(shown)
    assert chosen(shown) == [2, 5, 8]
    around(shown, 0.4, 0.6)
    assert chosen(shown) == [1, 4, 7]


def test_escape_gives_up_an_outline_then_the_selection(shown):
    press(shown, "b")
    around(shown, 0.02, 0.35)
    answer(shown)
    box = shown.page.locator(".ne-stage").bounding_box()
    shown.page.mouse.move(box["x"] + 5, box["y"] + 5)
    shown.page.mouse.down()
    shown.page.mouse.move(box["x"] + 300, box["y"] + 300, steps=3)
    shown.page.keyboard.press("Escape")
    shown.page.mouse.up()
    assert len(shown.sent("select")) == 1
    shown.page.keyboard.press("Escape")
    assert chosen(shown) == []
    assert shown.page.get_by_label("Selection", exact=True).is_hidden()


def test_moving_points_are_tested_where_they_are_drawn(host):
    host.show(traits(9, ["a"]))
    for _ in range(4):
        host.frame(GRID)
        host.settle(450)  # the clock learns that frames are slow
    moved = GRID.copy()
    moved[:, 0] *= -1  # what was on the left is on its way to the right
    host.frame(moved, wait=False)
    found = host.page.evaluate(
        """async () => {
          const canvas = document.querySelector(".ne-canvas");
          canvas.focus();
          canvas.dispatchEvent(new KeyboardEvent("keydown", { key: "b" }));
          const send = (kind, x, y) => canvas.dispatchEvent(new PointerEvent(kind,
            { pointerId: 1, isPrimary: true, clientX: x, clientY: y, bubbles: true, button: 0 }));
          canvas.setPointerCapture = () => {};
          const box = canvas.getBoundingClientRect();
          const results = [];
          for (const wait of [60, 1500]) {
            await new Promise((resolve) => setTimeout(resolve, wait));
            send("pointerdown", box.left + 3, box.top + 3);
            send("pointermove", box.left + 0.45 * box.width, box.top + box.height - 3);
            send("pointerup", box.left + 0.45 * box.width, box.top + box.height - 3);
            const last = window.host.models[0].sent.filter((m) => m.k === "select").at(-1);
            window.host.receive(0, { k: "selected", id: last.id });
            results.push(last.points);
          }
          return results;
        }"""
    )
    assert found[0] == LEFT  # still on the left half
    assert found[1] == [2, 5, 8]


def test_hidden_categories_are_not_selected(shown):
    shown.page.locator(".ne-item").first.click()
    press(shown, "b")
    around(shown, 0.02, 0.98)
    assert chosen(shown) == [1, 2, 4, 5, 7, 8]


def test_a_selection_set_in_python_is_shown_in_every_view(host):
    model = host.call("model", traits(9, ["a", "b", "c"], _height=240))
    views = [host.call("mount", model, "") for _ in range(2)]
    host.frame(GRID)
    host.settle()
    host.call("changeBytes", model, "_selection", encode(np.array([0, 3, 6, 4_000_000_000], "<u4")))
    sections = host.page.get_by_label("Selection", exact=True)
    assert [sections.nth(view).inner_text().splitlines()[0] for view in views] == ["3 selected, 33 %"] * 2
    assert host.sent("select") == []


def test_a_page_opened_later_shows_the_selection(host):
    show(host, _selection=encode(np.array([4], "<u4")))
    section = host.page.get_by_label("Selection", exact=True)
    assert section.inner_text().splitlines() == [
        "1 selected, 11 %",
        "b",
        "100 %",
        *section.inner_text().splitlines()[3:],
    ]


def test_the_section_acts_on_the_selection(shown):
    page = shown.page
    section = page.get_by_label("Selection", exact=True)
    press(shown, "b")
    around(shown, 0.02, 0.35)
    answer(shown)
    section.get_by_role("button", name="invert").click()
    assert chosen(shown) == [1, 2, 4, 5, 7, 8]
    answer(shown)
    spots = places(shown, GRID)
    section.get_by_role("button", name="hide others").click()
    shown.settle(150)
    assert [shown.pixel(*spot)[3] > 0 for spot in spots] == [point not in LEFT for point in range(9)]
    section.get_by_role("button", name="clear selection").click()
    answer(shown)
    assert chosen(shown) == []
    section.get_by_role("button", name="show all").click()
    shown.settle(150)
    assert all(shown.pixel(*spot)[3] > 0 for spot in spots)
    assert section.is_hidden()


def test_zoom_to_shows_the_selection_alone(shown):
    press(shown, "b")
    around(shown, 0.02, 0.35)
    shown.page.get_by_role("button", name="zoom to").click()
    shown.settle(300)
    box = shown.page.locator(".ne-stage").bounding_box()
    assert shown.pixel(box["width"] / 2, box["height"] / 2)[3] > 0  # the middle of the left column
    assert shown.page.get_by_role("button", name="Reset view").is_enabled()


def test_a_refused_choice_falls_back_to_what_the_kernel_holds(shown):
    press(shown, "b")
    around(shown, 0.02, 0.35)
    shown.receive({"k": "refused", "of": "select", "id": shown.sent("select")[-1]["id"], "error": "No <i>."})
    assert "No <i>." in shown.page.locator(".ne-message").inner_text()
    assert shown.page.get_by_label("Selection", exact=True).is_hidden()


def test_it_survives_frames_filters_and_another_method(shown):
    press(shown, "b")
    around(shown, 0.02, 0.35)
    answer(shown)
    section = shown.page.get_by_label("Selection", exact=True)
    shown.frame(GRID[::-1].copy())
    shown.page.locator(".ne-item").first.click()
    shown.page.evaluate(
        "() => window.host.change(0, '_scene', {...window.host.models[0].state._scene, method: 'UMAP'})"
    )
    shown.frame(GRID * 2)
    shown.settle(100)
    assert section.inner_text().splitlines()[0] == "3 selected, 33 %"
    assert len(shown.sent("select")) == 1


def test_shift_and_drag_selects_also_where_the_pointer_pans(shown):
    shown.page.keyboard.down("Shift")
    around(shown, 0.02, 0.35)  # a lasso: from corner to corner, no area, nothing
    shown.page.keyboard.up("Shift")
    assert shown.sent("select") == []
    assert shown.page.get_by_role("button", name="Reset view").is_disabled()


def test_a_million_points_are_searched_without_a_stall(host):
    n = 1_000_000
    Z = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    host.show(traits(n))
    host.frame(Z)
    host.settle(1500)
    press(host, "b")
    spent = host.page.evaluate(
        """async () => {
          const canvas = document.querySelector(".ne-canvas");
          canvas.setPointerCapture = () => {};
          const box = canvas.getBoundingClientRect();
          const send = (kind, x, y) => canvas.dispatchEvent(new PointerEvent(kind,
            { pointerId: 1, isPrimary: true, clientX: box.left + x, clientY: box.top + y, bubbles: true, button: 0 }));
          const times = [];
          for (let turn = 0; turn < 4; turn++) {
            send("pointerdown", 3, 3);
            send("pointermove", (0.4 + 0.1 * turn) * box.width, box.height - 3);
            const began = performance.now();
            send("pointerup", (0.4 + 0.1 * turn) * box.width, box.height - 3);
            times.push(performance.now() - began);
            const last = window.host.models[0].sent.filter((m) => m.k === "select").at(-1);
            window.host.receive(0, { k: "selected", id: last.id });
            await new Promise((resolve) => setTimeout(resolve, 400));
          }
          return times;
        }"""
    )
    assert min(spent) < 400, spent
