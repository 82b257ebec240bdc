"""Controls, buttons and status: each hand's move is one message, each answer is seen."""

import pytest
from playwright.sync_api import expect

from .host import control, traits

SQUARE = [[-1, -1], [1, -1], [-1, 1], [1, 1]]


def show(host, *controls, **changes):
    host.show(traits(4, ["a"], _controls=list(controls), **changes))


def move(locator, *positions):
    """Drag a slider through positions within one turn of the page."""
    locator.evaluate(
        """(slider, positions) => {
          for (const position of positions) {
            slider.value = String(position);
            slider.dispatchEvent(new Event("input", { bubbles: true }));
          }
          slider.dispatchEvent(new Event("change", { bubbles: true }));
        }""",
        list(positions),
    )


def test_a_slider_sends_one_message_with_its_value(host):
    show(host, control("strength"))
    move(host.page.get_by_role("slider", name="strength"), 4)
    host.settle(100)
    (sent,) = host.sent("set")
    assert (sent["name"], sent["value"]) == ("strength", 4)
    assert isinstance(sent["id"], int)


def test_a_dragged_slider_has_one_message_under_way_and_sends_the_last(host):
    show(host, control("strength"))
    slider = host.page.get_by_role("slider", name="strength")
    move(slider, 2, 3, 5, 7)
    assert [message["value"] for message in host.sent("set")] == [2]
    host.receive({"k": "set", "id": host.sent("set")[0]["id"], "ok": True, "value": 2})
    assert [message["value"] for message in host.sent("set")] == [2, 7]
    assert slider.input_value() == "7"
    host.receive({"k": "set", "id": host.sent("set")[1]["id"], "ok": True, "value": 7})
    assert len(host.sent("set")) == 2
    assert slider.input_value() == "7"


def test_a_refused_value_snaps_back_and_says_why(host):
    show(host, control("strength", value=3))
    slider = host.page.get_by_role("slider", name="strength")
    move(slider, 9)
    error = "TSNE.strength must lie in [0, 5]; got 9. <b>Choose</b> less."
    host.receive({"k": "set", "id": host.sent("set")[0]["id"], "ok": False, "error": error, "value": 3})
    assert host.page.get_by_role("alert").inner_text() == error
    assert slider.input_value() == "3"
    assert host.page.get_by_label("strength value").input_value() == "3"
    move(slider, 4)
    host.receive({"k": "set", "id": host.sent("set")[1]["id"], "ok": True, "value": 4})
    assert host.page.get_by_role("alert").count() == 0


def test_a_number_can_be_typed_beyond_the_slider(host):
    show(host, control("strength"))
    box = host.page.get_by_label("strength value")
    box.fill("250")
    box.press("Enter")
    assert [message["value"] for message in host.sent("set")] == [250]
    box.fill("many")
    box.press("Enter")
    assert len(host.sent("set")) == 1
    assert "not a number" in host.page.get_by_role("alert").inner_text()
    box.fill("8")
    box.press("Escape")
    box.blur()
    assert len(host.sent("set")) == 1
    assert box.input_value() == "250"


def test_what_is_typed_stays_while_the_answer_is_out_and_while_one_types_on(host):
    show(host, control("strength"))
    box = host.page.get_by_label("strength value")
    box.fill("250")
    box.press("Enter")
    host.frame(SQUARE, params={"strength": 1})
    assert box.input_value() == "250"
    box.press("End")
    box.press("0")
    host.receive({"k": "set", "id": host.sent("set")[0]["id"], "ok": True, "value": 250})
    host.settle(500)
    host.frame(SQUARE, params={"strength": 250})
    assert box.input_value() == "2500"
    box.press("Enter")
    assert [message["value"] for message in host.sent("set")] == [250, 2500]


def test_groups_of_three_digits_are_read_and_a_list_stays_a_text(host):
    show(host, control("strength"), control("sizes", kind="other", value="auto"))
    box, text = host.page.get_by_label("strength value"), host.page.get_by_label("sizes", exact=True)
    for field, typed in ((box, "10,000"), (text, "100,100"), (text, "100")):
        field.fill(typed)
        field.press("Enter")
        sent = host.sent("set")[-1]
        host.receive({"k": "set", "id": sent["id"], "ok": True, "value": sent["value"]})
    assert [message["value"] for message in host.sent("set")] == [10000, "100,100", 100]
    assert box.input_value() == "10000"


def test_a_logarithmic_slider_covers_decades(host):
    show(host, control("rate", scale="log", ui_low=0.01, ui_high=100.0, value=1.0))
    slider = host.page.get_by_role("slider", name="rate")
    assert float(slider.input_value()) == pytest.approx(0)
    move(slider, 1)
    assert host.sent("set")[0]["value"] == pytest.approx(10)
    assert slider.get_attribute("aria-valuetext") == "10"


def test_an_integer_slider_sends_whole_numbers(host):
    show(host, control("count", kind="integer", ui_low=1, ui_high=50, value=5))
    slider = host.page.get_by_role("slider", name="count")
    slider.focus()
    slider.press("ArrowRight")
    assert [message["value"] for message in host.sent("set")] == [6]


def test_choices_and_switches(host):
    show(
        host,
        control("rule", kind="choice", choices=["auto", "Adam", 3], value="auto"),
        control("on", kind="switch"),
    )
    host.page.get_by_role("combobox", name="rule").select_option("Adam")
    host.page.get_by_role("checkbox", name="on").check()
    assert [(message["name"], message["value"]) for message in host.sent("set")] == [
        ("rule", "Adam"),
        ("on", True),
    ]


def test_a_control_follows_its_schedule_until_it_is_moved_and_goes_back(host):
    show(host, control("strength", auto=True, following=True, value=8))
    auto = host.page.get_by_role("button", name="auto strength")
    slider = host.page.get_by_role("slider", name="strength")
    assert auto.get_attribute("aria-pressed") == "true"
    host.frame(SQUARE, params={"strength": 6}, following={"strength": True})
    assert slider.input_value() == "6"
    move(slider, 2)
    assert auto.get_attribute("aria-pressed") == "false"
    # A frame made before the change does not move the control back.
    host.frame(SQUARE, params={"strength": 6}, following={"strength": True})
    assert slider.input_value() == "2"
    host.receive({"k": "set", "id": host.sent("set")[0]["id"], "ok": True, "value": 2})
    auto.click()
    assert host.sent("set")[-1]["value"] == "auto"
    host.receive({"k": "set", "id": host.sent("set")[-1]["id"], "ok": True, "value": 5})
    host.settle(500)
    host.frame(SQUARE, params={"strength": 4}, following={"strength": True})
    assert slider.input_value() == "4"
    assert auto.get_attribute("aria-pressed") == "true"


def test_costs_groups_and_help_are_shown(host):
    show(
        host,
        control("perplexity", redo="weights", group="neighbours", help="How many count."),
        control("strength", group="forces"),
    )
    group = host.page.get_by_role("group", name="neighbours")
    assert "recalibrates" in group.inner_text()
    assert "How many count." in group.locator(".ne-control").get_attribute("title")
    assert "recalibrates" not in host.page.get_by_role("group", name="forces").inner_text()


def test_new_controls_replace_the_old_ones(host):
    show(host, control("strength"))
    host.receive({"k": "controls", "controls": [control("strength", ui_high=50, value=40), control("more")]})
    assert host.page.get_by_role("slider", name="strength").input_value() == "40"
    assert host.page.locator(".ne-panel").get_by_role("slider").count() == 2


@pytest.mark.parametrize(("role", "name"), [("combobox", "method"), ("textbox", "strength value")])
def test_the_focus_stays_with_the_control_of_the_same_name(host, role, name):
    method = control("method", kind="choice", choices=["TSNE", "UMAP"], value="TSNE", group="method")
    show(host, method, control("strength"))
    host.page.get_by_role(role, name=name, exact=True).focus()
    other = [method | {"value": "UMAP"}, control("spread"), control("strength", ui_high=50)]
    host.call("change", 0, "_controls", other)
    assert host.page.get_by_role("slider", name="spread").is_visible()
    focused = host.page.evaluate("document.activeElement.ariaLabel")
    assert focused == name
    host.page.locator(".ne-canvas").focus()
    host.call("change", 0, "_controls", [method, control("strength")])
    assert host.page.evaluate("document.activeElement.className") == "ne-canvas"


def test_a_number_half_typed_stays_when_the_controls_are_others(host):
    show(host, control("strength", value=3.0))
    box = host.page.get_by_role("textbox", name="strength value")
    box.focus()
    host.page.keyboard.type("12")
    host.call("change", 0, "_controls", [control("spread"), control("strength", value=3.0, ui_high=50)])
    host.page.keyboard.type(".5")
    assert box.input_value() == "12.5"
    assert host.sent("set") == []
    host.page.keyboard.press("Enter")
    assert [(message["name"], message["value"]) for message in host.sent("set")] == [("strength", 12.5)]


def test_a_text_half_typed_ends_where_a_choice_has_its_name_now(host):
    show(host, control("metric", kind="text", value="euclidean"))
    host.page.get_by_role("textbox", name="metric").focus()
    host.page.keyboard.type("cos")
    choice = control("metric", kind="choice", choices=["euclidean", "cosine"], value="euclidean")
    host.call("change", 0, "_controls", [choice, control("strength")])
    assert host.page.get_by_role("combobox", name="metric").evaluate("(e) => e === document.activeElement")
    assert host.page.get_by_role("slider", name="strength").is_visible()
    assert host.sent("set") == []


def test_a_number_that_was_only_looked_at_is_not_taken_when_the_controls_are_others(host):
    show(host, control("strength", value=3.0))
    box = host.page.get_by_role("textbox", name="strength value")
    box.focus()
    host.call("change", 0, "_controls", [control("spread"), control("strength", value=4.0, ui_high=50)])
    assert box.input_value() == "4"
    host.page.locator(".ne-canvas").focus()
    assert host.sent("set") == []


def test_the_focus_stays_among_the_controls_when_its_own_is_there_no_more(host):
    show(host, control("strength"), control("spread"))
    host.page.get_by_role("slider", name="spread").focus()
    host.call("change", 0, "_controls", [control("strength")])
    assert host.page.evaluate("document.activeElement.ariaLabel") == "strength value"


def test_the_buttons_say_what_to_do(host):
    show(host)
    page = host.page
    host.status(state="running", it=1234)
    page.get_by_role("button", name="Pause").click()
    host.status(state="paused", it=1234, loss=1.5)
    for name in ("Play", "Step", "Restart"):
        page.get_by_role("button", name=name, exact=True).click()
    assert [message["action"] for message in host.sent("do")] == ["pause", "play", "step", "restart"]
    assert page.locator(".ne-root").get_attribute("data-state") == "paused"
    assert "1,234" in page.locator(".ne-status").inner_text()
    page.get_by_role("status").get_by_text("paused, iteration 1,234, loss 1.500", exact=True).wait_for(
        state="attached"
    )


def test_a_run_at_rest_is_said_and_offered_to_go_on_by_button_and_key(host):
    show(host)
    page = host.page
    host.status(state="running", it=1000, loss=1.5)
    page.get_by_role("button", name="Pause", exact=True).wait_for()
    host.status(state="resting", it=1234, loss=1.5)
    page.get_by_role("button", name="Play", exact=True).click()
    page.get_by_role("status").get_by_text("resting, iteration 1,234", exact=False).wait_for(state="attached")
    assert "no longer moves" in page.locator(".ne-state").get_attribute("title")
    page.locator(".ne-canvas").focus()
    page.keyboard.press(" ")
    assert [message["action"] for message in host.sent("do")] == ["play", "play"]
    host.status(state="running", it=1240)
    page.keyboard.press(" ")
    assert host.sent("do")[-1]["action"] == "pause"


def test_keys_count_while_the_picture_has_the_focus(host):
    show(host)
    host.frame(SQUARE)
    host.settle()
    page = host.page
    page.keyboard.press("Space")
    page.keyboard.press(".")
    assert host.sent("do") == []
    page.locator(".ne-canvas").focus()
    page.keyboard.press("Space")
    page.keyboard.press(".")
    assert [message["action"] for message in host.sent("do")] == ["pause", "step"]
    reset = page.get_by_role("button", name="Reset view")
    page.keyboard.press("+")
    host.settle(100)
    assert reset.is_enabled()
    page.keyboard.press("0")
    assert reset.is_disabled()
    page.keyboard.press("ArrowLeft")
    assert reset.is_enabled()
    # JupyterLab asks the focused element itself, none of its parents
    bare = ":is(button, canvas, input, select):not([data-lm-suppress-shortcuts=true])"
    assert page.locator(f".ne-root {bare}").count() == 0


def test_a_failed_run_shows_its_error_until_it_is_over(host):
    show(host)
    host.status(state="failed", error="DivergedError: not finite at <i>7</i>")
    banner = host.page.get_by_role("alert")
    assert banner.inner_text() == "DivergedError: not finite at <i>7</i>"
    host.status(state="running")
    assert host.page.get_by_role("alert").count() == 0


def test_a_refused_request_is_told(host):
    show(host)
    host.receive({"k": "refused", "of": "do", "id": None, "error": "action must be one of play, pause."})
    assert host.page.locator(".ne-message").inner_text() == "action must be one of play, pause."


def test_why_the_run_was_not_moved_is_said_and_outlasts_the_frames_that_follow(host):
    show(host, control("strength"))
    slider = host.page.get_by_role("slider", name="strength")
    move(slider, 4)
    error = "The run has failed, restart it."
    host.receive({"k": "refused", "of": "do", "id": None, "error": error})
    for i in range(3):
        host.frame(SQUARE, note=f"note {i}")
    host.status(message="another note")
    message = host.page.locator(".ne-message")
    assert message.inner_text() == message.get_attribute("title") == error
    host.page.get_by_role("status").get_by_text(error).wait_for(state="attached")
    host.settle(3000)
    host.frame(SQUARE, note="the last note")
    assert message.inner_text() == error
    move(slider, 5)
    assert len(host.sent("set")) == 1, "it answers nothing that is under way"
    host.settle(3200)
    host.frame(SQUARE, note="the last note")
    expect(message).to_have_text("the last note")


def test_what_is_done_for_a_change_is_shown_where_its_cost_stands(host):
    show(host, control("scope", redo="graph"), control("strength"))
    cost = host.page.locator(".ne-control", has_text="scope").locator(".ne-cost")
    line = host.page.locator(".ne-control", has_text="scope").locator(".ne-progress")
    assert cost.inner_text() == "new neighbours"
    assert not line.is_visible()
    host.frame(SQUARE, work={"scope": ["finding", 0.4]})
    assert cost.inner_text() == "finding 40 %"
    assert line.is_visible()
    width = "(line) => parseFloat(getComputedStyle(line, '::before').width) / line.clientWidth"
    assert abs(line.evaluate(width) - 0.4) < 0.02
    host.status(work={"scope": ["waiting", None]})
    assert cost.inner_text() == "waiting"
    assert line.is_visible()
    host.frame(SQUARE)
    expect(cost).to_have_text("new neighbours")
    assert not line.is_visible()
    assert host.page.locator(".ne-working").count() == 0


def test_names_break_at_underscores_and_a_choice_without_reset_keeps_its_name_whole(host):
    made = {"kind": "choice", "choices": ["TSNE", "ContrastiveSpectrum"], "value": "TSNE", "default": None}
    show(host, control("method", **made), control("learning_rate_for_h_loss"))
    host.page.get_by_role("combobox", name="method").select_option("ContrastiveSpectrum")
    assert not host.page.get_by_role("button", name="reset method").count()
    assert host.page.get_by_role("button", name="reset all").is_disabled()
    lines = """name => {
      const range = document.createRange(), lines = new Map();
      const texts = [...name.childNodes].filter(node => node.nodeType === Node.TEXT_NODE);
      for (const node of texts) for (let i = 0; i < node.length; i++) {
        range.setStart(node, i); range.setEnd(node, i + 1);
        const top = Math.round(range.getBoundingClientRect().top);
        lines.set(top, (lines.get(top) ?? "") + node.data[i]);
      }
      return [...lines.values()].map(line => line.trim()).filter(Boolean);
    }"""
    first, second = (name.evaluate(lines) for name in host.page.locator(".ne-priced").all())
    assert first == ["method"]
    assert len(second) == 2
    assert second[0].endswith("_")
