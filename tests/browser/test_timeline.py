"""The timeline: it follows the run, marks its changes, draws its curves, and shows the past while the run goes on."""

import numpy as np
import pytest

from .host import control, traits
from .test_controls import move as drag

SQUARE = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]])
FAR = SQUARE * [3, 1]


def show(host, **changes):
    host.show(traits(4, ["a"], _controls=[control("strength")], **changes))


def slider(host):
    return host.page.get_by_role("slider", name="timeline")


def move(track, *iterations):
    """Look at iterations one after another, once the track is as long as the run: it grows a few times a second."""
    longest = max(iterations)
    for _ in range(100):
        if int(track.get_attribute("max")) >= longest:
            break
        track.page.wait_for_timeout(20)
    else:
        raise AssertionError(f"the track does not reach {longest}")
    drag(track, *iterations)


def button(host, name):
    return host.page.get_by_role("button", name=name, exact=True)


def looked(host):
    return host.page.locator(".ne-where").inner_text()


def near(host):
    return host.page.locator(".ne-near").inner_text()


def until(host, condition):
    """Wait for what the page does; its policy lets no text be run as code, so it is asked from here."""
    for _ in range(200):
        if condition():
            return
        host.page.wait_for_timeout(25)
    raise AssertionError("it does not come")


def past(host, ask, Z, it):
    """Answer as the kernel does, with a frame that it still has."""
    Z = np.asarray(Z, np.float32)
    header = {"k": "past", "id": ask["id"], "seq": 0, "it": it, "n": len(Z), "c": 2, "q": "f32"}
    host.receive(header | {"lo": [0.0, 0.0], "sc": [1.0, 1.0], "state": "running"}, Z)


def test_it_follows_the_run(host):
    show(host)
    assert slider(host).is_disabled()
    host.frame(SQUARE, it=120)
    assert slider(host).get_attribute("max") == "120"
    assert slider(host).input_value() == "120"
    assert slider(host).get_attribute("aria-valuetext") == "iteration 120"
    host.frame(SQUARE, it=30)
    assert slider(host).input_value() == "30"


def test_dragging_looks_back_and_changes_nothing(host):
    show(host)
    host.frame(FAR, it=50)
    host.frame(SQUARE, it=200)
    move(slider(host), 150, 90, 60)
    assert looked(host) == "iteration 60"
    assert near(host) == "picture of 50"
    host.page.wait_for_selector(".ne-root[data-iteration='50']")
    assert slider(host).input_value() == "60"
    host.page.get_by_role("status").get_by_text("looking back at iteration 60").wait_for(state="attached")
    assert host.sent("rewind") == []
    move(slider(host), 200)
    assert host.page.locator(".ne-where").is_hidden()
    host.page.wait_for_selector(".ne-root[data-iteration='200']")


def test_frames_are_acknowledged_and_kept_while_one_looks_back(host):
    show(host)
    host.frame(FAR, it=50)
    host.frame(SQUARE, it=200)
    move(slider(host), 50)
    seq = host.frame(SQUARE, it=210, wait=False)
    until(host, lambda: host.sent("ack")[-1]["seq"] == seq)
    host.page.wait_for_selector(".ne-root[data-iteration='50']")
    assert host.page.locator(".ne-root").get_attribute("data-iteration") == "50"
    assert slider(host).get_attribute("max") == "210"
    assert slider(host).input_value() == "50"
    assert host.page.locator(".ne-cell-iteration b").inner_text() == "210"
    button(host, "Back to now").click()
    host.page.wait_for_selector(".ne-root[data-iteration='210']")
    move(slider(host), 199)
    assert near(host) == "picture of 200"


def test_what_is_not_here_is_asked_for(host):
    show(host)
    host.frame(SQUARE, it=10)
    host.frame(SQUARE, it=1000)
    move(slider(host), 700)
    (ask,) = host.sent("look")
    assert ask["iteration"] == 700
    assert near(host) == "picture of 1,000"  # the nearest one, until the answer comes
    move(slider(host), 400)
    assert len(host.sent("look")) == 1  # one at a time
    past(host, ask, FAR, 690)
    until(host, lambda: len(host.sent("look")) == 2)
    past(host, host.sent("look")[1], FAR, 405)
    host.page.wait_for_selector(".ne-root[data-iteration='405']")
    assert (looked(host), near(host)) == ("iteration 400", "picture of 405")
    move(slider(host), 692)
    assert near(host) == "picture of 690"
    assert len(host.sent("look")) == 2  # it is here now


def test_a_frame_that_is_refused_is_followed_by_the_next_question_at_once(host):
    show(host)
    host.frame(SQUARE, it=10)
    host.frame(SQUARE, it=1000)
    move(slider(host), 700, 400)
    (ask,) = host.sent("look")
    host.receive({"k": "refused", "of": "look", "id": ask["id"], "error": "It is not kept."})
    until(host, lambda: [message["iteration"] for message in host.sent("look")] == [700, 400])


@pytest.mark.parametrize(("name", "kind"), [("Continue from here", "rewind"), ("Branch from here", "branch")])
def test_only_a_button_changes_the_run(host, name, kind):
    show(host)
    host.frame(FAR, it=80)
    host.frame(SQUARE, it=200)
    move(slider(host), 82)
    button(host, name).click()
    assert [message["iteration"] for message in host.sent(kind)] == [
        82
    ]  # exactly, whatever frame was there to see
    host.frame(FAR, it=82)
    assert host.page.locator(".ne-where").is_hidden()
    assert slider(host).get_attribute("max") == "82"


@pytest.mark.parametrize("name", ["Continue from here", "Branch from here"])
def test_where_the_run_is_not_sent_what_is_looked_at_stays(host, name):
    show(host)
    host.frame(FAR, it=80)
    host.frame(SQUARE, it=200)
    move(slider(host), 80)
    button(host, name).click()
    host.receive({"k": "refused", "of": "do", "id": None, "error": "The run cannot go there."})
    host.frame(SQUARE, it=210, wait=False)
    until(host, lambda: slider(host).get_attribute("max") == "210")
    assert looked(host) == "iteration 80"
    assert host.page.locator(".ne-message").inner_text() == "The run cannot go there."


def test_a_branch_that_was_refused_is_not_the_one_chosen(host):
    show(host)
    host.frame(SQUARE, it=200)
    host.status(it=200, branches=[[-1, 0], [0, 120]], branch=1)
    branches = host.page.get_by_role("combobox", name="branch")
    branches.select_option(index=0)
    host.receive({"k": "refused", "of": "do", "id": None, "error": "There is no such branch."})
    assert branches.evaluate("e => e.selectedIndex") == 1


def test_keys_look_back_and_forward(host):
    show(host)
    for it in range(10, 510, 10):
        host.frame(SQUARE, it=it, wait=it == 500)
    host.page.locator(".ne-canvas").focus()
    host.page.keyboard.press("[")
    host.page.keyboard.press("[")
    assert looked(host) == "iteration 480"
    host.page.keyboard.press("]")
    assert looked(host) == "iteration 490"
    host.page.keyboard.press("]")
    assert host.page.locator(".ne-where").is_hidden()
    slider(host).focus()
    host.page.keyboard.press("Home")
    assert (looked(host), near(host)) == ("iteration 0", "picture of 10")


def test_changes_are_marked_where_they_were_made_and_stay_text(host):
    show(host)
    host.frame(SQUARE, it=50)
    host.frame(SQUARE, it=200)
    hostile = "<img src=x onerror=alert(1)>"
    host.status(
        it=200, changes=[[50, "perplexity 30"], [50, "before"], [100, hostile], "nonsense", [None, 3]]
    )
    marks = host.page.locator(".ne-mark")
    assert marks.count() == 3
    assert marks.nth(1).get_attribute("aria-label") == f"100: {hostile}"
    marks.nth(1).focus()
    assert host.page.locator(".ne-tip").inner_text() == f"100: {hostile}"
    host.page.keyboard.press("ArrowLeft")
    assert host.page.locator(".ne-tip").inner_text() == "50: perplexity 30, before"
    host.page.keyboard.press("Enter")
    assert looked(host) == "iteration 50"
    assert host.page.locator(".ne-tip").is_visible()
    marks.nth(0).evaluate("e => e.blur()")
    assert host.page.locator(".ne-tip").is_hidden()
    assert host.page.locator(".ne-timeline img").count() == 0
    left = [marks.nth(i).evaluate("e => e.style.left") for i in range(2)]
    assert left == ["25%", "50%"]
    host.frame(SQUARE, it=400, wait=False)
    until(host, lambda: marks.nth(0).evaluate("e => e.style.left") == "12.5%")


def test_a_hundred_marks_listen_no_more_than_one(host):
    show(host)
    host.frame(SQUARE, it=200)
    host.status(it=200, changes=[[0, "lr 1 to 2"]])
    until(host, lambda: host.page.locator(".ne-mark").count() == 1)
    before = host.kept()["listeners"]
    host.status(it=200, changes=[[place, "lr 1 to 2"] for place in range(100)])
    until(host, lambda: host.page.locator(".ne-mark").count() == 100)
    assert host.kept()["listeners"] <= before + 5


def test_the_loss_is_the_first_curve_whatever_is_measured_before_it_comes(host):
    show(host)
    host.receive({"k": "quality", "it": 0, "values": {"recall": 0.1, "continuity": 0.5}})
    host.frame(SQUARE, it=10, loss=2.8)
    lines = host.page.locator(".ne-line")
    until(host, lambda: lines.all_inner_texts() == ["loss\n2.8", "recall\n.10", "continuity\n.50"])
    assert [lines.nth(i).get_attribute("aria-pressed") for i in range(3)] == ["true", "true", "false"]


def test_curves_are_drawn_read_and_switched(host):
    show(host)
    host.frame(SQUARE, it=120, loss=2.8)
    host.frame(SQUARE, it=200, loss=2.5)
    told = [
        {"name": "loss", "it": [10, 100, 200], "v": [8.0, 3.0, 2.5]},
        {"name": "recall", "it": [50, 150], "v": [0.2, 0.375]},
        {"name": "continuity", "it": [50, "x", 40, 150], "v": [0.9, 1, 2, None]},
    ]
    host.receive({"k": "curves", "curves": [*told, "nonsense"]})
    lines = host.page.locator(".ne-line")
    assert lines.all_inner_texts() == ["loss\n2.5", "recall\n.38", "continuity\n.90"]
    paths = host.page.locator(".ne-curves path")
    drawn = [bool(paths.nth(i).get_attribute("d")) for i in range(3)]
    assert drawn == [True, True, False]
    lines.nth(2).click()
    lines.nth(0).click()
    assert [bool(paths.nth(i).get_attribute("d")) for i in range(3)] == [False, True, True]
    host.receive({"k": "quality", "it": 190, "values": {"recall": 0.5, "continuity": None}})
    until(host, lambda: lines.nth(1).inner_text() == "recall\n.50")
    host.receive({"k": "quality", "it": 900, "values": {"recall": 0.6}})  # later than what is in the picture
    until(host, lambda: lines.nth(1).inner_text() == "recall\n.60")
    places = [float(x.split()[0]) for x in paths.nth(1).get_attribute("d").removeprefix("M").split("L")]
    assert 0 < max(places) <= 1
    move(slider(host), 120)
    assert lines.nth(1).inner_text() == "recall\n.20"
    button(host, "Back to now").click()
    host.frame(SQUARE, it=60, loss=4.0)  # the run went back
    until(host, lambda: lines.nth(1).inner_text() == "recall\n.20")
    until(host, lambda: lines.nth(0).inner_text() == "loss\n4")


def test_a_moment_is_named(host):
    show(host)
    host.frame(SQUARE, it=20)
    button(host, "Name this moment").click()
    host.page.keyboard.type(" before [repulsion] ")
    host.page.keyboard.press("Enter")
    assert [message["name"] for message in host.sent("mark")] == ["before [repulsion]"]
    assert host.page.get_by_label("name of this moment").is_hidden()
    button(host, "Name this moment").click()
    host.page.keyboard.press("Enter")
    host.page.keyboard.press("Escape")
    assert len(host.sent("mark")) == 1


def test_branches_are_listed_and_turned_to(host):
    show(host)
    host.frame(FAR, it=50)
    host.frame(SQUARE, it=200)
    branches = host.page.get_by_role("combobox", name="branch")
    host.status(it=200, branches=[[-1, 0]], branch=0)
    assert branches.is_hidden()
    host.status(it=200, branches=[[-1, 0], [0, 120], [1, 1500], [7, "x"]], branch=1)
    assert [text.strip() for text in branches.locator("option").all_inner_texts()] == [
        "first run",
        "└ branch 1, from 120",
        "└ branch 2, from 1,500",
        "run 4",
    ]
    assert branches.evaluate("e => e.selectedIndex") == 1
    branches.select_option(index=0)
    assert [message["branch"] for message in host.sent("turn")] == [0]
    move(slider(host), 50)
    assert len(host.sent("look")) == 1  # frames of the other run are not shown as this one's


def test_the_script_goes_to_the_clipboard(open_host):
    host = open_host("navigator.clipboard.writeText = async (text) => { window.copied = text; };")
    show(host)
    button(host, "Copy as Python").click()
    (ask,) = host.sent("script")
    host.receive({"k": "script", "id": ask["id"], "text": "run.step(3)"})
    until(host, lambda: host.page.evaluate("window.copied") == "run.step(3)")
    assert "The script is in the clipboard" in host.page.locator(".ne-message").inner_text()
    host.receive({"k": "script", "id": ask["id"] + 1, "text": "of another view"})
    assert host.page.evaluate("window.copied") == "run.step(3)"


def test_a_refused_clipboard_gives_a_box_to_copy_from(open_host):
    host = open_host("navigator.clipboard.writeText = async () => { throw new Error('refused'); };")
    show(host)
    button(host, "Copy as Python").click()
    host.receive({"k": "script", "id": host.sent("script")[0]["id"], "text": "run.step(3)</textarea>"})
    field = host.page.get_by_role("textbox", name="the script")
    assert field.input_value() == "run.step(3)</textarea>"
    assert host.page.evaluate("String(getSelection())") == "run.step(3)</textarea>"
    host.page.keyboard.press("Escape")
    assert host.page.locator(".ne-paper").count() == 0
