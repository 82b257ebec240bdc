"""What goes over the wire: hello and bye, acknowledgements, visibility, hover; and that nothing stays behind."""

import numpy as np
import pytest

from .host import control, traits, until

HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
SQUARE = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], np.float32)
HOSTILE = [
    "<img src=x onerror=window.broken=1>",
    "</style><script>window.broken=1</script>",
    "&amp; \u2028 {{7*7}}",
    "x" * 300,
]


def test_hello_comes_first_and_bye_last(host):
    host.show(traits(4))
    hello = host.sent()[0]
    assert (hello["k"], hello["protocol"]) == ("hello", 1)
    host.call("unmount", 0)
    assert host.sent()[-1] == {"k": "bye", "view": hello["view"]}


def test_every_frame_is_acknowledged_once_and_no_other(host):
    host.show(traits(4))
    view = host.sent("hello")[0]["view"]
    seqs = [host.frame(SQUARE * (1 + i), iteration=i) for i in range(5)]
    host.settle(300)
    assert host.sent("ack") == [{"k": "ack", "seq": seq, "view": view} for seq in seqs]
    root = host.page.locator(".ne-root")
    assert (root.get_attribute("data-frames"), root.get_attribute("data-iteration")) == ("5", "50")


def test_of_a_burst_the_newest_frame_is_acknowledged(host):
    host.show(traits(4))
    for i in range(20):
        host.frame(SQUARE * (1 + i), wait=False)
    host.page.wait_for_selector(".ne-canvas[data-seq='20']")
    acked = [message["seq"] for message in host.sent("ack")]
    assert acked[-1] == 20
    assert acked == sorted(set(acked))


def test_a_frame_that_does_not_fit_is_refused_and_the_next_is_shown(host):
    host.show(traits(4))
    host.receive({"k": "frame", "seq": 7, "n": 4, "c": 2, "q": "u16", "lo": [0, 0], "sc": [1, 1]}, SQUARE)
    assert "could not be read" in host.page.get_by_role("alert").inner_text()
    assert host.sent("ack") == []
    host.seq = 7
    host.frame(SQUARE)


def test_a_view_out_of_sight_says_so_and_acknowledges_nothing(host):
    host.show(traits(4), "margin-top: 3000px")
    until(host.page, "() => window.host.models[0].sent.some((m) => m.k === 'visible')")
    assert host.sent("visible")[-1]["visible"] is False
    host.frame(SQUARE, wait=False)
    host.settle(200)
    assert host.sent("ack") == []
    host.page.evaluate("scrollTo(0, 1e6)")
    host.page.wait_for_selector(".ne-canvas[data-seq='1']")
    assert host.sent("visible")[-1]["visible"] is True
    assert [message["seq"] for message in host.sent("ack")] == [1]


def test_two_views_of_one_run_answer_each_for_itself(host):
    model = host.show(traits(4, ["a"], _controls=[control("strength")], _height=220))
    host.call("mount", model)
    first, second = (message["view"] for message in host.sent("hello"))
    assert first != second
    seq = host.frame(SQUARE)
    until(host.page, "document.querySelectorAll('.ne-canvas[data-seq]').length === 2")
    assert {message["view"] for message in host.sent("ack")} == {first, second}
    assert {message["seq"] for message in host.sent("ack")} == {seq}
    boxes = host.page.get_by_label("strength value")
    for i in (0, 1):
        boxes.nth(i).fill(str(5 + i))
        boxes.nth(i).press("Enter")
    ids = [message["id"] for message in host.sent("set")]
    host.receive({"k": "set", "id": ids[0], "ok": False, "error": "no", "value": 1})
    assert [boxes.nth(i).input_value() for i in (0, 1)] == ["1", "6"]


@pytest.mark.parametrize("target", [0, 3])
def test_the_point_under_the_pointer_is_named_and_asked_about(host, target):
    state = traits(4, ["left", "right"])
    state["_scene"]["hover"] = True
    host.show(state)
    host.frame(SQUARE)
    host.settle()
    box = host.page.locator(".ne-stage").bounding_box()
    scale = 0.92 * min(box["width"], box["height"]) / 2
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    host.page.mouse.move(x + float(SQUARE[target, 0]) * scale + 3, y - float(SQUARE[target, 1]) * scale)
    card = host.page.get_by_role("tooltip")
    card.wait_for()
    assert card.inner_text().split() == [["left", "right"][target % 2], "point", str(target)]
    until(host.page, "() => window.host.models[0].sent.some((m) => m.k === 'hover')")
    (asked,) = host.sent("hover")
    assert asked["point"] == target
    answer = {
        "k": "hover",
        "id": asked["id"],
        "point": target,
        "rows": [["name", "<b>x</b>"]],
        "image": {"w": 3, "h": 2},
    }
    host.receive(answer, np.arange(6, dtype=np.uint8) * 40)
    assert "<b>x</b>" in card.inner_text()
    grey = "canvas => [...canvas.getContext('2d').getImageData(2, 1, 1, 1).data]"
    assert card.locator("canvas").evaluate(grey) == [200, 200, 200, 255]
    host.page.mouse.move(x, y)
    card.wait_for(state="hidden")


def test_hidden_points_are_not_picked(host):
    host.show(traits(4, ["left", "right"]))
    host.frame(SQUARE)
    host.page.get_by_role("button", name="left").click()
    host.settle()
    box = host.page.locator(".ne-stage").bounding_box()
    scale = 0.92 * min(box["width"], box["height"]) / 2
    host.page.mouse.move(box["x"] + box["width"] / 2 - scale, box["y"] + box["height"] / 2 + scale)
    host.settle(200)
    assert host.page.get_by_role("tooltip").count() == 0


def test_hostile_text_stays_text(host):
    state = traits(4, HOSTILE, _controls=[control(text, help=text, group=text) for text in HOSTILE])
    state["_scene"] |= {"title": HOSTILE[0], "method": HOSTILE[1]}
    state["_scene"]["legend"]["name"] = HOSTILE[0]
    host.show(state)
    host.frame(SQUARE, note=HOSTILE[0])
    host.status(error=HOSTILE[1], message=HOSTILE[0])
    labels = host.page.locator(".ne-item .ne-label").all_text_contents()
    assert labels == HOSTILE
    assert host.page.locator(".ne-root img, .ne-root script, .ne-root style").count() == 0
    assert host.page.evaluate("window.broken") is None
    assert host.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_new_labels_are_taken_while_it_runs(host):
    host.show(traits(4, ["a", "b"]))
    host.frame(SQUARE)
    fresh = traits(4, ["x", "y", "z"])
    host.call("change", 0, "_scene", fresh["_scene"])
    assert host.page.locator(".ne-item .ne-label").all_text_contents() == ["x", "y", "z"]


@pytest.mark.parametrize(
    ("script", "theme"),
    [
        ("document.body.dataset.jpThemeLight = 'false'", "dark"),
        ("document.body.dataset.jpThemeLight = 'true'", "light"),
        ("document.documentElement.setAttribute('theme', 'dark')", "dark"),
        ("document.body.style.setProperty('--vscode-editor-background', '#1e1e1e')", "dark"),
        ("document.body.style.setProperty('--jp-layout-color0', 'white')", "light"),
        ("document.body.className = 'dark'", "dark"),
    ],
)
def test_the_theme_is_that_of_the_page_and_follows_it(host, script, theme):
    host.show(traits(4, ["a"]))
    host.frame(SQUARE)
    root = host.page.locator(".ne-root")
    assert root.get_attribute("data-theme") == "light"
    host.page.evaluate(f"() => {{ {script} }}")
    host.settle(100)
    assert root.get_attribute("data-theme") == theme


def test_the_theme_of_the_system_counts_where_the_page_has_none(open_host):
    host = open_host(color_scheme="dark")
    host.show(traits(4))
    assert host.page.locator(".ne-root").get_attribute("data-theme") == "dark"
    host.page.emulate_media(color_scheme="light")
    host.page.wait_for_selector('.ne-root[data-theme="light"]')


COUNT = """
const live = new Map();
const name = (target) => (target === window ? "window" : target === document ? "document" : "");
const add = EventTarget.prototype.addEventListener;
EventTarget.prototype.addEventListener = function (kind, callback, options) {
  const key = name(this);
  if (key) {
    live.set(key, (live.get(key) ?? 0) + 1);
    options?.signal?.addEventListener("abort", () => live.set(key, live.get(key) - 1));
  }
  return add.call(this, kind, callback, options);
};
window.liveListeners = () => [...live.values()].reduce((sum, count) => sum + count, 0);
let turns = 0;
const request = window.requestAnimationFrame;
window.requestAnimationFrame = (callback) => (turns++, request(callback));
window.turns = () => turns;
"""


def test_a_closed_view_leaves_nothing(open_host):
    host = open_host(COUNT)
    host.page.wait_for_selector(
        "body", state="attached"
    )  # Playwright's own listeners come with the first search
    before = host.page.evaluate("liveListeners()")
    host.show(traits(4, ["a"], _controls=[control("strength")]))
    host.frame(SQUARE)
    host.settle()
    assert host.page.evaluate("liveListeners()") > before
    assert host.call("unmount", 0) == 0
    host.settle(100)
    sent, turns = len(host.sent()), host.page.evaluate("turns()")
    host.frame(SQUARE, wait=False)
    host.page.evaluate("document.body.className = 'dark'")
    host.page.wait_for_timeout(300)  # settle() would ask for turns of its own
    assert len(host.sent()) == sent
    assert host.page.evaluate("turns()") == turns
    assert host.page.evaluate("liveListeners()") == before
    assert host.page.evaluate("window.host.models[0].listening()") == 0
    assert host.page.evaluate("globalThis[Symbol.for('ne_interactive@1')] === undefined")
    assert host.page.locator("canvas").count() == 0


def test_views_can_come_and_go_many_times(host):
    model = host.call("model", traits(4, ["a"]))
    for i in range(40):
        view = host.call("mount", model)
        host.frame(SQUARE)
        if i < 39:
            host.call("unmount", view)
    host.settle()
    assert host.inked(39) > 0
    assert host.page.locator(".ne-root").get_attribute("data-renderer") == "webgl2"


def test_at_rest_nothing_is_drawn(open_host):
    host = open_host(COUNT)
    host.show(traits(4, ["a"]))
    host.frame(SQUARE)
    host.settle(1200)
    turns = host.page.evaluate("turns()")
    host.page.wait_for_timeout(500)
    assert host.page.evaluate("turns()") == turns


def test_a_hundred_views_come_and_go_and_leave_nothing(host):
    host.call("model", traits(500, ["a", "b"], _controls=[control("strength")], _height=200))
    Z = np.random.default_rng(0).normal(size=(500, 2))
    host.come_and_go(20, Z)
    before = host.kept()
    host.come_and_go(100, Z)
    after = host.kept()
    assert after["nodes"] <= before["nodes"] + 10
    assert after["listeners"] <= before["listeners"] + 5
    assert after["heap"] - before["heap"] < 100 * 4  # KiB; a view that stays takes ten times as much
    assert host.page.evaluate("globalThis[Symbol.for('ne_interactive@1')] === undefined")
    assert host.page.evaluate("window.host.models[0].listening()") == 0


def test_six_widgets_on_one_page_draw_and_answer_each_for_itself(open_host):
    host = open_host(viewport={"width": 1000, "height": 2600})
    for i in range(6):
        state = traits(4, ["a", "b"], _height=260)
        state["_scene"] |= {"c": 3} if i % 2 else {}
        host.show(state)
    for i in range(6):
        Z = np.hstack([SQUARE, SQUARE[:, :1]]) if i % 2 else SQUARE
        host.frame(Z * (i + 1), model=i, wait=False)
    until(host.page, "() => document.querySelectorAll('.ne-canvas[data-seq]').length === 6")
    host.settle()
    for i in range(6):
        assert host.inked(i) > 20
        assert [message["seq"] for message in host.sent("ack", i)] == [i + 1]
    assert host.page.evaluate("globalThis[Symbol.for('ne_interactive@1')].users.size") == 6
    host.call("unmount", 2)
    host.frame(SQUARE, model=3, wait=False)
    host.page.wait_for_selector(".ne-canvas[data-seq='7']")
    assert host.inked(3) > 20
    assert host.sent("bye", 2)


def test_a_hidden_tab_says_so_and_draws_nothing(host):
    host.show(traits(4, ["a"]))
    seq = host.frame(SQUARE)
    host.page.evaluate(HIDE, True)
    assert host.sent("visible")[-1]["visible"] is False
    host.frame(SQUARE * 2, wait=False)
    host.settle(300)
    assert host.sent("ack")[-1]["seq"] == seq
    host.page.evaluate(HIDE, False)
    assert host.sent("visible")[-1]["visible"] is True
    host.page.wait_for_selector(f".ne-canvas[data-seq='{seq + 1}']")
