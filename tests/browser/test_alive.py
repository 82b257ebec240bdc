"""A kernel gone or silent, a context lost, hosts that give less than Jupyter: the view stays sensible."""

import numpy as np
import pytest

from .host import Host, control, encode, traits, until

SQUARE = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], np.float32)
DISCONNECT = """(gone) => {
  document.querySelector('.cell').classList.toggle('jupyter-widgets-disconnected', gone);
  window.host.models[0].emit('comm_live_update');
}"""


def shown(host, **changes):
    host.show(traits(4, ["a", "b"], _controls=[control("strength")], **changes))
    host.frame(SQUARE)
    host.settle(400)
    return host.page.locator(".ne-root")


def test_a_kernel_that_is_gone_is_said_and_the_picture_stays(host):
    root = shown(host)
    ink = host.inked()
    host.page.evaluate(DISCONNECT, True)
    root.get_by_role("alert").get_by_text("The kernel is gone").wait_for()
    assert host.inked() == ink > 0
    before = len(host.sent())
    root.locator(".ne-canvas").focus()
    for key in ("+", " ", "."):
        host.page.keyboard.press(key)
    assert len(host.sent()) == before
    assert root.get_by_role("button", name="Reset view").is_enabled()
    assert root.evaluate(
        "root => ['.ne-transport', '.ne-timeline', '.ne-panel'].every((part) => root.querySelector(part).inert)"
    )
    host.page.evaluate(DISCONNECT, False)  # the connection came back
    until(host.page, "document.querySelector('.ne-root').dataset.state === 'running'")
    root.get_by_role("status").get_by_text("running, iteration 10").wait_for(state="attached")
    assert root.get_by_role("alert").count() == 0
    assert len(host.sent("hello")) == 2
    host.frame(SQUARE)


def test_what_asks_the_kernel_about_a_selection_goes_with_it(host):
    root = shown(host, _selection=encode(np.array([0, 1, 2], "<u4")))
    focus = root.get_by_role("button", name="focus on selection")
    invert = root.get_by_role("button", name="invert")
    assert focus.is_visible()
    host.page.evaluate(DISCONNECT, True)
    root.get_by_role("alert").get_by_text("The kernel is gone").wait_for()
    assert focus.is_hidden()
    assert invert.is_visible()


def goes(host):
    """Have the kernel go while words of the run still wait, and frames are under way."""
    host.frame(SQUARE, it=20)
    host.frame(SQUARE, it=30)
    host.page.evaluate(DISCONNECT, True)
    host.page.wait_for_timeout(20)
    host.frame(SQUARE, it=40, wait=False)
    host.status(it=40)
    host.settle(600)


def test_the_status_line_says_that_the_kernel_is_gone_and_what_to_do(host):
    root = shown(host)
    goes(host)
    assert root.get_attribute("data-state") == "kernel gone"
    state = root.locator(".ne-state")
    assert state.inner_text() == "kernel gone: run the cell again"
    assert root.get_by_role("alert").inner_text().endswith("run the cell again for a live view.")
    # Nothing that is inert is read out, and what is faint is hard to read.
    seen = """e => { for (; e; e = e.parentElement) if (e.inert || getComputedStyle(e).opacity < 1) return false;
      return true; }"""
    assert state.evaluate(seen)
    assert root.get_by_role("alert").evaluate(seen)
    host.settle(6000)
    assert state.inner_text() == "kernel gone: run the cell again"


def test_each_map_of_a_comparison_says_that_the_kernel_is_gone(host):
    view = {"scene": traits(4)["_scene"], "codes": "", "controls": [control("strength")]}
    views = [view | {"scene": view["scene"] | {"title": title}} for title in ("few", "many")]
    host.show(traits(4, _views=views, _shared=[control("strength")], _arranged={}))
    root = host.page.locator(".ne-compare")
    for place in (0, 1):
        host.status(view_of=place)
    root.get_by_role("button", name="Pause all").wait_for()
    host.page.evaluate(DISCONNECT, True)
    for place in (0, 1):
        root.locator(".ne-caption").nth(place).get_by_text("kernel gone").wait_for()
    assert root.get_by_role("button", name="Play all").is_disabled()


@pytest.mark.parametrize("status", ["restarting", "dead"])
def test_a_kernel_that_ends_is_gone_and_one_that_works_is_not(host, status):
    host.page.evaluate(
        """(state) => { const model = window.host.models[window.host.model(state)];
        model.widget_manager = {kernel: {statusChanged: {connect: (callback) => { window.tell = callback; },
          disconnect: (callback) => { window.untold = callback === window.tell; }}}};
        window.host.mount(0); }""",
        traits(4),
    )
    host.frame(SQUARE)
    root = host.page.locator(".ne-root")
    host.page.evaluate("for (const status of ['busy', 'idle']) window.tell(null, status)")
    assert root.get_by_role("alert").count() == 0
    host.page.evaluate(f"window.tell(null, '{status}')")
    root.get_by_role("alert").get_by_text("The kernel is gone").wait_for()
    host.page.evaluate("() => { window.tell(null, 'idle'); window.host.models[0].emit('comm_live_update'); }")
    host.settle(100)
    assert root.get_attribute("data-state") == "kernel gone"  # the new kernel does not know the run
    host.call("unmount", 0)
    assert host.page.evaluate("window.untold")


def test_a_link_that_throws_is_a_kernel_that_is_gone(host):
    root = shown(host)
    host.page.evaluate("() => { window.host.models[0].send = () => { throw new Error('Canceled'); }; }")
    root.get_by_role("button", name="Step", exact=True).click()
    root.get_by_role("alert").get_by_text("The kernel is gone").wait_for()


def test_silence_of_a_moving_run_is_said_and_ends_with_the_next_frame(host):
    root = shown(host)
    root.get_by_text("no news for").wait_for(timeout=9000)
    root.get_by_role("status").get_by_text("If it is gone, run the cell again").wait_for(state="attached")
    host.frame(SQUARE)
    assert root.locator(".ne-state").inner_text() == "running"
    host.frame(SQUARE, state="paused")
    host.settle(6000)
    assert root.locator(".ne-state").inner_text() == "paused"


def test_a_reloaded_page_begins_where_the_run_is(host):
    shown(host)
    host.page.reload()
    until(host.page, "window.hostReady")
    host.seq = 40
    root = shown(host)
    assert root.get_attribute("data-iteration") == "410"
    assert [message["k"] for message in host.sent()][:2] == ["hello", "ack"]


BARE = """([state, frame]) => {
  const model = window.host.models[window.host.model(state)];
  const seen = {model, el: document.createElement('div')};  // neither signal nor host nor experimental
  seen.el.className = 'cell';
  document.body.append(seen.el);
  return import('/static/widget.js').then(({default: widget}) => { window.close_ = widget.render(seen); });
}"""


def test_a_host_without_signal_gets_a_function_that_closes(host):
    host.page.evaluate(BARE, [traits(4), None])
    host.frame(SQUARE)
    host.page.evaluate("window.close_()")
    assert host.page.locator(".ne-root").count() == 0
    assert host.sent()[-1]["k"] == "bye"


def test_what_initialize_does_takes_no_time(host):
    """anywidget gives import and initialize two seconds; nothing is compiled or awaited there."""
    spent = """async () => { const began = performance.now();
      const {default: widget} = await import('/static/widget.js?fresh');
      const back = widget.initialize({model: {}});
      return [performance.now() - began, back === undefined]; }"""
    milliseconds, nothing = host.page.evaluate(spent)
    assert nothing
    assert milliseconds < 500


FORMS = {
    "DataView": "(buffer) => new DataView(buffer)",
    "ArrayBuffer": "(buffer) => buffer",
    "Uint8Array": "(buffer) => new Uint8Array(buffer)",
    "an odd place in a larger buffer": """(buffer) => { const large = new Uint8Array(buffer.byteLength + 5);
      large.set(new Uint8Array(buffer), 3); return new DataView(large.buffer, 3, buffer.byteLength); }""",
}


@pytest.mark.parametrize("form", FORMS)
def test_buffers_are_read_in_every_form_that_hosts_give(host, form):
    host.show(traits(4))
    host.page.evaluate(
        f"""() => {{ const form = {FORMS[form]}; const model = window.host.models[0], emit = model.emit.bind(model);
        model.emit = (event, content, buffers) => emit(event, content, buffers?.map((view) => form(view.buffer))); }}"""
    )
    host.frame(SQUARE)
    host.frame(SQUARE, key=True)
    host.settle(300)
    assert host.inked() > 0


def test_a_context_that_is_lost_comes_back_with_the_picture(host):
    shown(host)
    ink = host.inked()
    host.page.evaluate(
        """() => { const {gl} = globalThis[Symbol.for('ne_interactive@1')];
        window.lose = gl.getExtension('WEBGL_lose_context'); window.lose.loseContext(); }"""
    )
    host.settle(200)
    assert host.inked() == ink  # the picture stays meanwhile
    host.page.evaluate("window.lose.restoreContext()")
    host.settle(300)
    host.frame(SQUARE * 2)
    host.settle(1500)
    assert host.page.locator(".ne-root").get_attribute("data-renderer") == "webgl2"
    assert abs(host.inked() - ink) < 0.2 * ink


def test_the_wheel_belongs_to_the_view_only_with_focus(host):
    """VS Code scrolls the notebook by wheel events that come through to the page of the output."""
    root = shown(host)
    host.page.evaluate("() => { window.came = 0; addEventListener('wheel', () => came++); }")
    box = root.locator(".ne-canvas").bounding_box()
    host.page.mouse.move(box["x"] + 50, box["y"] + 50)
    host.page.mouse.wheel(0, 40)
    host.settle(200)
    assert host.page.evaluate("came") == 1
    root.locator(".ne-canvas").focus()
    host.page.mouse.wheel(0, 40)
    host.settle(200)
    assert host.page.evaluate("came") == 1
    assert root.get_by_role("button", name="Reset view").is_enabled()


def test_a_host_without_an_observer_of_sight_is_sent_frames(open_host):
    host = open_host("delete window.IntersectionObserver")
    shown(host)
    assert host.inked() > 0
    assert [message["seq"] for message in host.sent("ack")] == [1]


def test_the_view_works_in_a_frame_without_an_origin(chromium, address):
    """Colab and VS Code show outputs in a frame that may neither store anything nor reach the page around it."""
    page = chromium.new_page(viewport={"width": 1000, "height": 760})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_content(f'<iframe sandbox="allow-scripts" src="{address}" width="980" height="740"></iframe>')
    page.wait_for_timeout(300)
    frame = page.frames[1]
    until(frame, "window.hostReady")
    assert (
        frame.evaluate("() => { try { return localStorage.length; } catch (e) { return e.name; } }")
        == "SecurityError"
    )
    host = Host(frame)
    host.show(traits(4, ["a", "b"], _controls=[control("strength")]))
    host.frame(SQUARE)
    host.settle(400)
    assert host.inked() > 0
    frame.get_by_role("slider", name="strength").press("End")
    assert host.sent("set")[0]["value"] == 10
    frame.locator(".ne-canvas").focus()
    frame.locator(".ne-canvas").press("?")
    assert frame.get_by_role("dialog", name="Keys").is_visible()
    assert errors == []
    page.close()
