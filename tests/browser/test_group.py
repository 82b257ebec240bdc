"""The selection is focused on or removed, all points come back, and what was done is told."""

import numpy as np
import pytest

from .host import control, encode, traits
from .test_selection import GRID, answer, around, press, show


def actions(host):
    buttons = host.page.get_by_role("region", name="Selection").get_by_role("button")
    return [button.inner_text() for button in buttons.all() if button.is_visible()]


def click(host, name):
    host.page.get_by_role("region", name="Selection").get_by_role("button", name=name).click()


def select_left(host):
    press(host, "b")
    around(host, 0.0, 0.3)
    answer(host)


def regroup(host, n, all, times=1, selection=()):
    """The kernel says that there are n other points now."""
    state = traits(n, ["a", "b", "c"])
    host.call("change", 0, "_scene", state["_scene"] | {"all": all, "regrouped": times})
    host.call("changeBytes", 0, "_codes", state["_codes"])
    host.call("changeBytes", 0, "_selection", encode(np.array(selection, "<u4")))


def test_the_selection_is_focused_on_and_all_come_back(host):
    show(host)
    select_left(host)
    assert "focus" in actions(host)
    assert "back to all points" not in actions(host)
    click(host, "focus on selection")
    assert host.sent("focus")[-1]["points"] == [0, 3, 6]
    regroup(host, 3, 9, selection=[0, 1, 2])
    host.frame(GRID[[0, 3, 6]])
    section = host.page.get_by_role("region", name="Selection")
    assert "focused on 3 of 9 points" in section.inner_text()
    assert "3 of 9 points" in host.page.locator(".ne-caption").inner_text()
    assert "focus" not in actions(host)  # on all that there are
    assert "remove" not in actions(host)
    click(host, "back to all points")
    click(host, "back with this arrangement")
    assert [message["refined"] for message in host.sent("unfocus")] == [False, True]
    regroup(host, 9, 9, 2, selection=[0, 3, 6])
    host.frame(GRID)
    assert "focused" not in section.inner_text()


def test_keys_do_the_same(host):
    show(host)
    press(host, "o")
    press(host, "a")
    press(host, "Delete")
    assert host.sent("focus") == host.sent("unfocus") == host.sent("remove") == []
    select_left(host)
    press(host, "o")
    press(host, "Delete")
    assert [host.sent(kind)[-1]["points"] for kind in ("focus", "remove")] == [[0, 3, 6], [0, 3, 6]]


@pytest.mark.parametrize("platform", ["MacIntel", "Linux x86_64"])
def test_on_a_mac_its_key_that_deletes_removes_too_but_not_from_a_field(open_host, platform):
    host = open_host(f"Object.defineProperty(navigator, 'platform', {{value: '{platform}'}})")
    show(host, _controls=[control("strength")])
    select_left(host)
    field = host.page.get_by_label("strength value")
    field.focus()
    host.page.keyboard.press("Backspace")
    assert field.input_value() == ""
    assert host.sent("remove") == []
    press(host, "Backspace")
    removed = [message["points"] for message in host.sent("remove")]
    assert removed == ([[0, 3, 6]] if platform == "MacIntel" else [])


def test_a_removal_can_be_taken_back(host):
    show(host)
    undo = [40, "3 points removed"]
    host.status(it=60, changes=[undo], undo=undo)
    assert actions(host) == ["undo"]
    assert (
        "3 points removed at iteration 40" in host.page.get_by_role("region", name="Selection").inner_text()
    )
    click(host, "undo removal or addition")
    assert host.sent("rewind")[-1]["iteration"] == 40
    host.status(it=40, undo=None)
    assert host.page.get_by_role("region", name="Selection").count() == 0


def test_marks_of_single_points_do_not_pass_to_others(host):
    show(host)
    select_left(host)
    click(host, "hide others")
    host.settle(100)
    few = host.inked()
    regroup(host, 9, 9, selection=[])  # as many, but others
    host.frame(GRID)
    host.settle()
    assert host.inked() > 2 * few
    assert host.page.get_by_role("region", name="Selection").count() == 0


def test_the_moment_looked_at_is_named(host):
    show(host)
    host.frame(GRID, it=200)
    host.status(it=200)
    press(host, "[")
    host.page.get_by_role("button", name="Name it").click()
    host.page.get_by_role("textbox", name="name of this moment").fill("before")
    host.page.keyboard.press("Enter")
    told = host.sent("mark")[-1]
    assert told["name"] == "before"
    assert 0 < told["iteration"] < 200
    host.page.get_by_role("button", name="Back to now").click()
    host.page.get_by_role("button", name="Name this moment").click()
    host.page.get_by_role("textbox", name="name of this moment").fill("now")
    host.page.keyboard.press("Enter")
    assert host.sent("mark")[-1]["iteration"] is None


def test_a_recording_offers_none_of_it(host):
    show(host, _recorded=True)
    select_left(host)
    assert "clear" in actions(host)
    assert not {"focus", "remove"} & set(actions(host))
