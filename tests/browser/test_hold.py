"""Points are dragged, pinned, counted and released; what a hand holds is drawn where the hand is."""

import numpy as np
import pytest
from playwright.sync_api import expect

from .host import control, traits
from .test_picture import WITHOUT_WEBGL2, places
from .test_selection import GRID, around, press


@pytest.fixture(params=["webgl2", "canvas2d"])
def either(request, open_host):
    host = open_host(WITHOUT_WEBGL2 if request.param == "canvas2d" else "")
    show(host)
    return host


def show(host, Z=GRID, **changes):
    host.show(traits(len(Z), ["a", "b", "c"], **changes))
    host.frame(Z)
    host.settle()


@pytest.fixture
def shown(host):
    show(host)
    return host


def drag(host, start, *stops, release=True):
    """Press at CSS pixels of the picture, go on to others, and let go."""
    box = host.page.locator(".ne-stage").first.bounding_box()
    host.page.mouse.move(box["x"] + start[0], box["y"] + start[1])
    host.page.mouse.down()
    for x, y in stops:
        host.page.mouse.move(box["x"] + x, box["y"] + y, steps=3)
    if release:
        host.page.mouse.up()
    host.settle(60)


def held(host, ok=True, error=""):
    """The kernel answers the last move."""
    host.receive({"k": "held", "id": host.sent("move")[-1]["id"], "ok": ok, "error": error})


def pin(host, *points):
    host.receive({"k": "pins"}, np.array(points, "<u4"))


def inked_at(host, spot):
    return host.pixel(*spot)[3] > 60


def test_a_dragged_point_follows_the_hand_at_once_and_stays_until_a_frame_has_it(either):
    host, spots = either, places(either, GRID)
    press(host, "m")
    there = ((spots[4][0] + spots[5][0]) / 2, (spots[4][1] + spots[7][1]) / 2)
    drag(host, spots[4], there)
    sent = host.sent("move")
    assert sent[0]["points"] == [4]
    assert len(sent) == 1  # one under way; the last waits for its answer
    assert inked_at(host, there)
    assert not inked_at(host, spots[4])
    held(host)
    last = host.sent("move")[-1]
    assert last["places"] == pytest.approx([0.5, 0.5], abs=0.03)
    held(host)
    host.frame(GRID)  # made before it was moved
    host.settle(300)
    assert inked_at(host, there)
    Z = GRID.copy()
    Z[4] = last["places"]
    host.frame(Z)
    host.settle(600)
    pin(host, 4)
    host.settle(100)
    assert inked_at(host, there)
    Z[4] = GRID[4]  # released by the kernel: it is drawn by the frames again
    pin(host)
    host.frame(Z)
    host.settle(600)
    assert inked_at(host, spots[4])
    assert not inked_at(host, there)


def test_many_moves_are_sent_one_at_a_time_the_last_one_always(shown):
    spots = places(shown, GRID)
    press(shown, "m")
    drag(shown, spots[0], (spots[0][0] + 30, spots[0][1]), (spots[0][0] + 60, spots[0][1] - 20))
    assert len(shown.sent("move")) == 1
    held(shown)
    assert len(shown.sent("move")) == 2
    held(shown)
    assert len(shown.sent("move")) == 2
    scale = spots[1][0] - spots[0][0]
    assert shown.sent("move")[-1]["places"] == pytest.approx([-1 + 60 / scale, -1 + 20 / scale], abs=0.02)


def test_on_a_map_that_a_method_has_scaled_points_are_put_where_the_kernel_has_that_place(shown):
    shown.frame(GRID * 0.1, scale=0.1)
    shown.settle(300)
    spots = places(shown, GRID)
    press(shown, "m")
    there = ((spots[4][0] + spots[5][0]) / 2, (spots[4][1] + spots[7][1]) / 2)
    drag(shown, spots[4], there)
    held(shown)
    assert shown.sent("move")[-1]["places"] == pytest.approx([0.05, 0.05], abs=0.003)
    assert inked_at(shown, there)


def test_a_refused_move_puts_the_point_back_and_says_why(shown):
    spots = places(shown, GRID)
    press(shown, "m")
    there = (spots[4][0] + 40, spots[4][1] - 30)
    drag(shown, spots[4], there)
    held(shown)
    held(shown, ok=False, error="xy must lie in the unit disk.")
    shown.settle(100)
    assert inked_at(shown, spots[4])
    assert not inked_at(shown, there)
    assert "unit disk" in shown.page.locator(".ne-status").inner_text()


def test_a_move_refused_under_the_hand_puts_the_point_back_for_good(shown):
    spots = places(shown, GRID)
    press(shown, "m")
    there = (spots[4][0] + 40, spots[4][1] - 30)
    drag(shown, spots[4], there, release=False)
    held(shown)
    refused = {"k": "refused", "of": "move", "id": shown.sent("move")[-1]["id"], "error": "It is held."}
    shown.receive(refused)
    count = len(shown.sent("move"))
    box = shown.page.locator(".ne-stage").bounding_box()
    shown.page.mouse.move(box["x"] + there[0] + 10, box["y"] + there[1])
    shown.settle(100)
    assert inked_at(shown, spots[4])
    assert not inked_at(shown, (there[0] + 10, there[1]))
    shown.page.mouse.up()
    shown.settle(100)
    assert inked_at(shown, spots[4])
    assert len(shown.sent("move")) == count
    assert "It is held." in shown.page.locator(".ne-status").inner_text()


def test_a_selected_point_takes_the_selection_along(shown):
    spots = places(shown, GRID)
    press(shown, "b")
    around(shown, 0.02, 0.35)
    press(shown, "m")
    drag(shown, spots[3], (spots[3][0] + 25, spots[3][1]))
    assert shown.sent("move")[0]["points"] == [0, 3, 6]
    held(shown)
    shift = np.array(shown.sent("move")[-1]["places"]).reshape(-1, 2) - GRID[[0, 3, 6]]
    assert np.allclose(shift, shift[0], atol=1e-4)
    assert shift[0, 0] > 0.02
    drag(shown, spots[5], (spots[5][0], spots[5][1] - 20))
    assert shown.sent("move")[-1]["points"] == [5]


def test_beside_the_points_the_picture_is_panned(shown):
    spots = places(shown, GRID)
    press(shown, "m")
    empty = ((spots[0][0] + spots[1][0]) / 2, (spots[0][1] + spots[3][1]) / 2)
    drag(shown, empty, (empty[0] + 50, empty[1]))
    assert shown.sent("move") == []
    shown.settle(200)
    assert inked_at(shown, (spots[4][0] + 50, spots[4][1]))
    press(shown, "v")
    drag(shown, (spots[4][0] + 50, spots[4][1]), (spots[4][0], spots[4][1]))
    assert shown.sent("move") == []  # only the tool moves points


def test_pins_are_shown_counted_and_released(shown):
    section = shown.page.get_by_label("Pinned points")
    assert section.is_hidden()
    spots = places(shown, GRID)
    pin(shown, 0, 8)
    shown.settle(100)
    assert "2 pinned" in section.inner_text()
    assert shown.pixel(*spots[4])[3] > 60  # the others are not dimmed
    expect(shown.page.get_by_role("status")).to_have_text("2 pinned")
    press(shown, "u")
    assert "points" not in shown.sent("release")[-1]
    section.get_by_role("button", name="release all").click()
    assert len(shown.sent("release")) == 2
    pin(shown)
    assert section.is_hidden()
    press(shown, "u")  # nothing is pinned
    assert len(shown.sent("release")) == 2


def test_the_selection_is_pinned_and_released_by_keys(shown):
    press(shown, "p")
    assert shown.sent("pin") == []
    press(shown, "b")
    around(shown, 0.02, 0.35)
    press(shown, "p")
    assert shown.sent("pin")[-1]["points"] == [0, 3, 6]
    pin(shown, 0, 3, 4, 6)
    press(shown, "u")
    assert shown.sent("release")[-1]["points"] == [0, 3, 6]


def test_the_ground_does_not_move_under_a_drag(shown):
    spots = places(shown, GRID)
    press(shown, "m")
    drag(shown, spots[8], (spots[8][0] + 20, spots[8][1]), release=False)
    shown.frame(GRID * 3)
    shown.settle()
    assert not inked_at(shown, spots[0])  # the map has grown, the camera has not followed
    shown.page.mouse.up()
    for _ in range(20):  # it follows now, as fast as the machine draws
        if inked_at(shown, spots[0]):
            break
        shown.settle(200)
    assert inked_at(shown, spots[0])
    assert shown.page.get_by_role("button", name="Reset view").is_disabled()


def test_points_of_a_map_in_three_dimensions_move_in_the_plane_of_the_screen(host):
    half = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    Z = np.concatenate([half, -half, np.zeros((1, 3), np.float32)])  # the last one lies in the middle
    host.show(traits(41, ["a"]))
    host.frame(Z)
    host.settle()
    press(host, "m")
    box = host.page.locator(".ne-stage").first.bounding_box()
    middle = (box["width"] / 2, box["height"] / 2)
    there = (middle[0] + 60, middle[1] + 25)
    drag(host, middle, there)
    assert host.sent("move")[0]["points"] == [40]
    held(host)
    Z[40] = host.sent("move")[-1]["places"]
    held(host)
    pin(host, 40)
    host.frame(Z)
    host.settle()
    assert inked_at(host, there)


METHOD = control(
    "method", kind="choice", choices=["TSNE", "UMAP"], value="TSNE", default="TSNE", group="", axis=[]
)
BALANCE = control(
    "exaggeration",
    scale="log",
    ui_low=0.1,
    ui_high=32.0,
    auto=True,
    following=True,
    value=1.0,
    group="forces",
) | {"axis": ["repulsion", "attraction"]}
PACE = control(
    "frame every", kind="integer", ui_low=1, ui_high=None, auto=True, following=True, value="auto",
    default="auto", group="pace",
)  # fmt: skip


def test_the_method_and_the_balance_stand_first_and_the_method_snaps_back(host):
    show(host, _controls=[METHOD, BALANCE, control("strength", group="forces"), PACE])
    panel = host.page.locator(".ne-panel")
    names = [name.strip() for name in panel.locator(".ne-name").all_inner_texts()]
    assert names == ["method", "exaggeration", "strength", "frame every"]
    hero = panel.locator(".ne-hero")
    assert hero.locator(".ne-ends").inner_text().split() == ["repulsion", "attraction"]
    assert panel.get_by_role("heading").all_inner_texts() == ["forces", "pace"]
    menu = panel.get_by_role("combobox", name="method")
    menu.select_option("UMAP")
    (sent,) = host.sent("set")
    assert (sent["name"], sent["value"]) == ("method", "UMAP")
    assert menu.locator("xpath=ancestor::*[@aria-busy='true']").count() == 1
    host.receive({"k": "set", "id": sent["id"], "ok": False, "value": "TSNE", "error": "UMAP does not fit."})
    assert menu.evaluate("select => select.selectedOptions[0].text") == "TSNE"
    assert panel.get_by_role("alert").inner_text() == "UMAP does not fit."
    assert menu.locator("xpath=ancestor::*[@aria-busy='true']").count() == 0


def test_a_number_without_a_range_has_no_slider(host):
    show(host, _controls=[PACE])
    panel = host.page.locator(".ne-panel")
    assert panel.get_by_role("slider").count() == 0
    box = panel.get_by_label("frame every value")
    assert box.input_value() == "auto"
    box.fill("5")
    box.press("Enter")
    assert host.sent("set")[-1]["value"] == 5
    host.receive({"k": "set", "id": host.sent("set")[-1]["id"], "ok": True, "value": 5})
    panel.get_by_role("button", name="auto frame every").click()
    assert host.sent("set")[-1]["value"] == "auto"


def test_what_was_changed_is_given_back_one_by_one_or_all_at_once(host):
    show(host, _controls=[BALANCE, control("strength", group="forces")])
    panel = host.page.locator(".ne-panel")
    everything = panel.get_by_role("button", name="reset all")
    one = panel.get_by_role("button", name="reset strength")
    assert everything.is_disabled()
    assert one.is_hidden()
    slider = panel.get_by_role("slider", name="strength")
    slider.focus()
    slider.press("End")
    host.receive({"k": "set", "id": host.sent("set")[-1]["id"], "ok": True, "value": 10})
    assert everything.is_enabled()
    one.click()
    assert host.sent("set")[-1]["value"] == 1
    host.receive({"k": "set", "id": host.sent("set")[-1]["id"], "ok": True, "value": 1})
    assert one.is_hidden()
    assert everything.is_disabled()
    host.settle(500)
    host.status(params={"exaggeration": 4.0, "strength": 1.0}, following={"exaggeration": False})
    everything.click()
    assert host.sent("do")[-1]["action"] == "reset"


def test_points_of_the_past_stay_where_they_were(shown):
    host = shown
    spots = places(host, GRID)
    press(host, "m")
    host.frame(GRID, it=40)
    host.settle()
    host.page.locator(".ne-canvas").press("[")
    host.page.get_by_role("status").get_by_text("looking back at iteration").wait_for(state="attached")
    drag(host, spots[4], (spots[4][0] + 60, spots[4][1]))
    assert host.sent("move") == []
    assert host.page.locator(".ne-message").inner_text() == "Points of the past cannot be moved."
