"""The widget against a browser that the test plays: what is sent, when, and what is answered."""

import gc
import json
import threading
import weakref
from itertools import pairwise

import ipywidgets.widgets.widget as registry
import numpy as np
import pytest

from ne_interactive.params.errors import DataError, ParameterError
from ne_interactive.widget.explorer import Explorer

from .fake import Browser, FakeRun


def frames(browser):
    return browser.take("frame")


def test_the_state_holds_what_does_not_change(run, clock):
    explorer = Explorer(run, labels=[2, 10, 1, 1, 2, 2], height=300, title="Digits", clock=clock)
    state = explorer.comm.state
    assert state["_protocol"] == 1
    assert state["_height"] == 300
    assert state["_scene"]["n"] == 6
    assert state["_scene"]["method"] == "TSNE"
    assert state["_scene"]["title"] == "Digits"
    assert [item["label"] for item in state["_scene"]["legend"]["items"]] == ["1", "2", "10"]
    assert np.frombuffer(explorer._codes, "<u2").tolist() == [1, 2, 0, 0, 1, 1]
    names = ["method", "exaggeration", "perplexity", "frame every", "speed limit"]
    assert [row["name"] for row in state["_controls"]] == names
    assert len(state["_esm"]) > 0
    explorer.close()


def test_nothing_is_sent_or_copied_while_nobody_looks(browser, run):
    run.start()
    run.iterate(50)
    run.pause()
    assert browser.take() == []
    assert run.copies == 0


def test_hello_is_answered_with_controls_status_and_an_exact_frame(browser, run):
    run.iterate(4)
    browser.say("hello")
    controls, pins, status, curves, frame = browser.take()
    kinds = [message["k"] for message in (controls, pins, status, curves, frame)]
    assert kinds == ["controls", "pins", "status", "curves", "frame"]
    assert status["it"] == frame["it"] == 4
    assert frame["q"] == "f32"
    assert frame["seq"] == 1
    np.testing.assert_array_equal(np.frombuffer(frame["buffers"][0], "<f4").reshape(-1, 2), run.embedding)


def test_a_page_of_another_version_is_told_so(browser):
    browser.say("hello", protocol=2)
    (status,) = browser.take()
    assert "reload the page" in status["message"]
    assert not browser.explorer._stream.link.open


def test_frames_wait_for_credit_and_the_latest_wins(browser, run, clock):
    run.start()
    browser.say("hello")
    browser.say("ack", seq=1)
    browser.take()
    for _ in range(10):
        clock.now += 0.04
        run.iterate()
    first, second = frames(browser)
    assert (first["it"], second["it"]) == (1, 2)
    assert (first["q"], second["q"]) == ("u16", "u16")
    copies = run.copies
    run.iterate(5)
    assert run.copies == copies  # nothing is copied that is not sent
    browser.say("ack", seq=second["seq"])
    run.iterate()
    (frame,) = frames(browser)
    assert frame["it"] == 16
    assert frame["seq"] == second["seq"] + 1


def test_a_busy_kernel_still_moves_the_picture_twice_a_second(browser, run, clock):
    run.start()
    browser.say("hello")
    browser.take()
    for _ in range(100):
        clock.now += 0.04
        run.iterate()
    sent = frames(browser)
    assert 7 <= len(sent) <= 10
    assert [frame["seq"] for frame in sent] == list(range(2, 2 + len(sent)))


def test_lost_credit_ends_in_a_keyframe(browser, run, clock):
    run.start()
    browser.say("hello")
    for _ in range(3):
        clock.now += 0.04
        run.iterate()
    browser.take()
    clock.now += 5.1
    run.iterate()
    (frame,) = frames(browser)
    assert frame["q"] == "f32"


@pytest.mark.parametrize("state", ["paused", "resting", "stopped", "failed"])
def test_a_run_that_comes_to_a_stand_sends_an_exact_frame_without_credit(browser, run, clock, state):
    run.start()
    browser.say("hello")
    for _ in range(5):
        clock.now += 0.04
        run.iterate()
    browser.take()
    run.go(state)
    status, frame = browser.take()
    assert status["state"] == state
    assert frame["q"] == "f32"
    assert frame["it"] == 5
    assert frame["state"] == state


def test_single_steps_show_exactly_and_the_last_one_is_not_lost(browser, run):
    browser.say("hello")
    browser.take()
    for _ in range(9):
        run.step()  # no credit after the first of them
    assert [frame["it"] for frame in frames(browser)] == [1]
    browser.say("ack", seq=2)
    (frame,) = frames(browser)
    assert frame["it"] == 9
    assert frame["q"] == "f32"
    browser.say("ack", seq=3)
    assert frames(browser) == []


def test_a_restart_sends_an_exact_frame_even_while_running(browser, run, clock):
    run.start()
    browser.say("hello")
    for _ in range(5):
        clock.now += 0.04
        run.iterate()
    browser.say("ack", seq=2)
    browser.take()
    clock.now += 0.04
    browser.explorer.restart()
    frame = frames(browser)[0]
    assert frame["it"] == 0
    assert frame["q"] == "f32"


def test_a_view_that_comes_back_gets_the_present_picture(browser, run, clock):
    run.start()
    browser.say("hello")
    browser.say("visible", visible=False)
    browser.take()
    clock.now += 1
    run.iterate(9)
    assert frames(browser) == []
    browser.say("visible", visible=True)
    (frame,) = frames(browser)
    assert frame["it"] == 9
    assert frame["q"] == "f32"


def test_two_views_share_frames_and_bye_frees_the_other(browser, run, clock):
    other = Browser(browser.explorer, view="v2")
    run.start()
    browser.say("hello")
    other.say("hello")
    browser.say("ack", seq=2)
    browser.take()
    for _ in range(4):
        clock.now += 0.04
        run.iterate()
        browser.say("ack", seq=browser.explorer._stream.sent)
    assert len(frames(browser)) == 1  # v2 has not drawn anything yet
    other.say("bye")
    run.iterate()
    assert len(frames(browser)) == 1


def test_a_slider_changes_the_run_and_is_answered(browser, run):
    browser.say("hello")
    browser.take()
    browser.say("set", id=5, name="exaggeration", value=4)
    answer = browser.take("set")[0]
    assert answer == {"k": "set", "id": 5, "ok": True, "value": 4, "buffers": []}
    assert run.params["exaggeration"] == 4
    browser.say("set", id=6, name="exaggeration", value="auto")
    assert run.following["exaggeration"]
    assert browser.take("set")[0]["ok"]


def test_a_change_made_in_a_cell_is_told(browser, run):
    browser.say("hello")
    browser.take()
    run.tune(exaggeration=3.5)
    (status,) = browser.take()
    assert status["params"]["exaggeration"] == 3.5
    assert status["following"]["exaggeration"] is False


def test_a_refused_value_is_answered_with_the_reason_and_the_value_in_force(browser, run):
    browser.say("set", id=7, name="exaggeration", value=-1)
    (answer,) = browser.take()
    assert answer["ok"] is False
    assert answer["value"] == 12.0
    assert "[0, 100]; got -1" in answer["error"]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "max_iter", "value": 5},
        {"name": "__class__", "value": 5},
        {"name": 3, "value": 5},
        {"name": "exaggeration", "value": float("nan")},
        {"name": "exaggeration", "value": float("inf")},
        {"name": "exaggeration", "value": 10**400},
        {"name": "exaggeration", "value": "x" * 10_000},
        {"name": "exaggeration", "value": None},
        {"name": "exaggeration", "value": [1]},
        {"name": "exaggeration", "value": {"a": 1}},
        {"name": "exaggeration", "value": "<script>"},
        {"name": "exaggeration"},
        {"name": "x" * 10_000, "value": 1},
    ],
)
def test_a_bad_value_is_refused_and_changes_nothing(browser, run, fields):
    browser.say("set", id=1, **fields)
    (answer,) = browser.take()
    assert answer["k"] == "set"
    assert answer["ok"] is False
    assert 0 < len(answer["error"]) < 1001
    assert run.params["exaggeration"] == 12.0


@pytest.mark.parametrize(
    "content",
    [
        {"k": "do", "action": "explode"},
        {"k": "do", "action": ["play"]},
        {"k": "do"},
        {"k": "hover", "id": 1, "point": 6},
        {"k": "hover", "id": 1, "point": -1},
        {"k": "hover", "id": 1, "point": 1.5},
        {"k": "hover", "id": 1, "point": True},
        {"k": "hover", "id": -4, "point": 1},
        {"k": "hover", "point": 1},
        {"k": "ack", "view": "v1", "seq": "1"},
        {"k": "ack", "view": "", "seq": 1},
        {"k": "ack", "view": "v" * 65, "seq": 1},
        {"k": "ack", "view": {"a": 1}, "seq": 1},
        {"k": "hello"},
        {"k": "bye", "view": 7},
        {"k": "visible", "view": "v1", "visible": 1},
        {"k": "set", "id": "one", "name": "exaggeration", "value": 1},
        {"k": "set", "id": 2**60, "name": "exaggeration", "value": 1},
    ],
)
def test_a_malformed_message_is_answered_and_does_nothing(browser, run, content):
    browser.raw(content)
    (answer,) = browser.take()
    assert answer["k"] == "refused"
    assert answer["of"] == content["k"]
    assert answer["error"]
    assert run.calls == []
    assert run.params["exaggeration"] == 12.0


@pytest.mark.parametrize(
    "content", [None, 3, "do", [], {}, {"k": None}, {"k": ["do"]}, {"k": "future", "x": 1}, {"k": "_do"}]
)
def test_an_unknown_message_is_ignored(browser, run, content):
    browser.raw(content)
    assert browser.take() == []
    assert run.calls == []


def test_buttons_drive_the_run(browser, run):
    browser.say("hello")
    browser.say("do", action="play")
    assert run.state == "running"
    browser.say("do", action="step")
    assert run.state == "paused"
    assert run.iteration == 1
    browser.say("do", action="restart")
    assert run.iteration == 0
    assert run.calls == ["running", "paused", "step", "restart"]


def test_an_action_that_fails_is_told_in_words(browser, run):
    def broken(n=1):
        raise ValueError("no <i>more</i> steps")

    run.step = broken
    browser.say("do", action="step")
    assert "no <i>more</i> steps" in browser.take("refused")[-1]["error"]


def test_a_browser_cannot_rewrite_what_is_drawn(browser):
    explorer = browser.explorer
    scene, esm = explorer._scene, explorer._esm
    state = {"_scene": {"n": 1}, "_esm": "alert(1)", "_controls": [], "_height": 3, "layout": None}
    explorer.comm.handle_msg({"content": {"data": {"method": "update", "state": state}}, "buffers": []})
    assert explorer._scene == scene
    assert explorer._esm == esm
    assert explorer._height == 600


def test_python_methods_drive_the_run(browser, run):
    explorer = browser.explorer
    explorer.resume()
    explorer.pause()
    explorer.step(3)
    assert run.state == "paused"
    assert run.iteration == 3
    explorer.restart()
    assert run.iteration == 0


def test_hover_gives_text_and_image(run, clock):
    images = np.arange(6 * 4, dtype=float).reshape(6, 4)
    explorer = Explorer(run, hover={"name": list("abcdef"), "x": range(6)}, images=images, clock=clock)
    browser = Browser(explorer)
    browser.say("hover", id=3, point=2)
    (answer,) = browser.take()
    (pixels,) = answer.pop("buffers")
    assert answer == {
        "k": "hover", "id": 3, "point": 2, "rows": [["name", "c"], ["x", "2"]], "image": {"w": 2, "h": 2, "c": 1},
    }  # fmt: skip
    assert list(pixels) == np.rint(images[2] / 23 * 255).astype(int).tolist()
    assert explorer._scene["hover"]
    assert explorer._scene["hover_images"]
    explorer.close()


def test_the_browser_asks_for_the_card_where_there_is_something_to_show(run):
    scenes = [
        Explorer(run, **more)._scene for more in ({}, {"hover": ["text"] * 6}, {"images": np.eye(6, 4)})
    ]
    assert [scene["hover"] for scene in scenes] == [False, True, True]
    assert [scene["hover_images"] for scene in scenes] == [False, False, True]


def test_hostile_texts_stay_plain_strings(run, clock):
    bad = ["<img src=x onerror=alert(1)>", "</script>", "\ud800", "\x00", "a" * 5000, "${x}"]
    explorer = Explorer(run, labels=bad, hover=bad, title="<b>" + "t" * 999, clock=clock)
    browser = Browser(explorer)
    labels = {item["label"] for item in explorer.comm.state["_scene"]["legend"]["items"]}
    assert bad[0] in labels
    assert "?" in labels
    assert max(map(len, labels)) == 200
    assert len(explorer._scene["title"]) == 200
    for point in range(6):
        browser.say("hover", id=point, point=point)
    texts = [answer["rows"][0][1] for answer in browser.take("hover")]
    assert texts[0] == bad[0]
    assert texts[2] == "?"
    assert len(texts[4]) == 200
    json.dumps(texts).encode()
    explorer.close()


def test_closing_stops_everything_and_a_new_view_starts_afresh(browser, run, clock):
    run.start()
    browser.say("hello")
    comm = browser.explorer.comm
    browser.explorer.close()
    comm.out.clear()
    clock.now += 1
    run.iterate(3)
    run.pause()
    assert browser.explorer._desk.wait(10)
    assert comm.out == []
    assert comm.published[-1] == "comm_close"
    assert run.listeners == []
    browser.explorer.close()  # twice is once
    again = Browser(Explorer(run, clock=clock))
    again.say("hello")
    assert again.take("frame")[0]["it"] == 3
    again.explorer.close()


def test_the_run_does_not_keep_the_view_alive(run, clock):
    explorer = Explorer(run, clock=clock)
    gone = weakref.ref(explorer)
    explorer.comm.on_msg(None)  # the kernel knows open widgets by their comm
    registry._instances.pop(explorer.model_id)
    del explorer
    gc.collect()
    assert gone() is None
    run.iterate()
    assert run.listeners == []


def test_threads_at_once_send_every_number_once_and_in_order(clock):
    run = FakeRun(n=500)
    explorer = Explorer(run, clock=clock)
    browser = Browser(explorer)
    browser.say("hello")
    run.state = "running"
    stop = threading.Event()
    errors = []

    def guard(work):
        def loop():
            try:
                while not stop.is_set():
                    work()
            except Exception as error:
                errors.append(error)

        return threading.Thread(target=loop)

    def optimise():
        clock.now += 0.05
        run.iterate()

    def acknowledge():
        receive({"k": "ack", "view": "v1", "seq": explorer._stream.sent})

    receive = explorer._desk.receive
    work = [
        optimise,
        acknowledge,
        lambda: receive({"k": "hello", "protocol": 1, "view": "v2"}),
        lambda: receive({"k": "set", "id": 1, "name": "exaggeration", "value": 3.0}),
        lambda: run.tell("state"),
    ]
    threads = [guard(job) for job in work]
    for thread in threads:
        thread.start()
    stop.wait(0.6)
    stop.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert explorer._desk.wait(10)
    assert errors == []
    sent = browser.take("frame")
    assert [frame["seq"] for frame in sent] == list(range(1, len(sent) + 1))
    assert len(sent) > 5
    assert all(a["it"] <= b["it"] for a, b in pairwise(sent))
    explorer.close()


def test_the_repr_is_the_same_every_time(browser, run):
    assert repr(browser.explorer) == "Explorer(TSNE, n=6, iteration=0)"
    run.start()
    run.iterate(7)
    assert repr(browser.explorer) == "Explorer(TSNE, n=6)"
    bundle = browser.explorer._repr_mimebundle_()
    bundle = bundle[0] if isinstance(bundle, tuple) else bundle
    assert bundle["text/plain"] == "Explorer(TSNE, n=6)"
    assert "application/vnd.jupyter.widget-view+json" in bundle


@pytest.mark.parametrize("height", [0, 159, 4001, 300.5, "300", True, None])
def test_a_height_out_of_bounds_is_refused(run, height):
    with pytest.raises(ParameterError, match="height must be a whole number of pixels from 160 to 4000"):
        Explorer(run, height=height)


@pytest.mark.parametrize("c", [4, 50])
def test_more_than_three_dimensions_are_refused_with_advice(c):
    with pytest.raises(
        ParameterError, match=rf"draws 1 to 3 dimensions.*n_components={c}.*n_components=2 or 3"
    ):
        Explorer(FakeRun(c=c))


@pytest.mark.parametrize(("c", "drawn"), [(1, 2), (2, 2), (3, 3)])
def test_the_scene_says_how_many_dimensions_are_drawn(c, drawn):
    assert Explorer(FakeRun(c=c))._scene["c"] == drawn


@pytest.mark.parametrize("argument", ["labels", "hover", "images"])
def test_wrong_lengths_are_refused(run, argument):
    with pytest.raises(DataError, match=r"\b6\b.*got"):
        Explorer(run, **{argument: np.zeros((5, 4)) if argument == "images" else list(range(5))})
    assert run.listeners == []


def test_a_picture_is_kept_for_hosts_without_widgets(run):
    import base64

    explorer = Explorer(run, labels=["a", "b", "a", "b", "c", "c"])
    data, _ = explorer._repr_mimebundle_()
    assert "image/png" not in data  # nothing to see before the first iteration
    run.iterate(3)
    data, _ = explorer._repr_mimebundle_()
    assert data["text/plain"] == repr(explorer) == "Explorer(TSNE, n=6, iteration=3)"
    assert "application/vnd.jupyter.widget-view+json" in data
    picture = base64.b64decode(data["image/png"])
    assert picture.startswith(b"\x89PNG")
    assert len(picture) <= 60_000
    explorer.close()
