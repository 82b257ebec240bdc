"""The timeline: it follows the run, marks its changes, and takes it back."""

import numpy as np

from .host import control, traits
from .test_controls import move

SQUARE = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]])


def show(host, **changes):
    host.show(traits(4, ["a"], _controls=[control("strength")], **changes))


def slider(host):
    return host.page.get_by_role("slider", name="timeline")


def test_it_follows_the_run(host):
    show(host)
    assert slider(host).is_disabled()
    host.frame(SQUARE, it=120)
    assert slider(host).get_attribute("max") == "120"
    assert slider(host).input_value() == "120"
    assert slider(host).get_attribute("aria-valuetext") == "iteration 120"
    host.frame(SQUARE, it=30)
    assert slider(host).input_value() == "30"


def test_letting_go_further_back_asks_once_and_announces_it(host):
    show(host)
    host.frame(SQUARE, it=200)
    move(slider(host), 150, 90, 80)
    assert [message["iteration"] for message in host.sent("rewind")] == [80]
    host.page.get_by_role("status").get_by_text("back to iteration 80").wait_for(state="attached")


def test_while_it_is_held_frames_do_not_move_it(host):
    show(host)
    host.frame(SQUARE, it=200)
    slider(host).evaluate("e => { e.value = '50'; e.dispatchEvent(new Event('input', {bubbles: true})); }")
    host.frame(SQUARE, it=210)
    assert slider(host).input_value() == "50"
    assert host.page.locator(".ne-back").inner_text() == "back to 50"
    slider(host).evaluate("e => e.dispatchEvent(new Event('change', {bubbles: true}))")
    assert host.sent("rewind")[0]["iteration"] == 50
    assert slider(host).input_value() == "210"
    assert host.page.locator(".ne-back").inner_text() == ""


def test_at_its_end_it_asks_for_nothing(host):
    show(host)
    host.frame(SQUARE, it=200)
    move(slider(host), 200)
    assert host.sent("rewind") == []


def test_the_keyboard_moves_it(host):
    show(host)
    host.frame(SQUARE, it=200)
    slider(host).focus()
    host.page.keyboard.press("Home")
    assert host.sent("rewind")[0]["iteration"] == 0


def test_changes_are_marked_where_they_were_made_and_stay_text(host):
    show(host)
    host.frame(SQUARE, it=200)
    hostile = "<img src=x onerror=alert(1)>"
    host.status(it=200, changes=[[50, "perplexity 30 to 20"], [100, hostile], "nonsense", [None, 3]])
    marks = host.page.locator(".ne-mark")
    assert marks.count() == 3
    assert marks.nth(0).get_attribute("title") == "50: perplexity 30 to 20"
    assert marks.nth(1).get_attribute("aria-label") == f"100: {hostile}"
    assert host.page.locator(".ne-timeline img").count() == 0
    left = [marks.nth(i).evaluate("e => e.style.left") for i in range(2)]
    assert left == ["25%", "50%"]
    host.frame(SQUARE, it=400)
    assert marks.nth(0).evaluate("e => e.style.left") == "12.5%"
