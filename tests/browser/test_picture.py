"""What the picture shows: points where they belong, in their colours, between frames, in every browser."""

import numpy as np
import pytest

from .host import encode, traits, until

SQUARE = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], np.float32)
WITHOUT_WEBGL2 = """
const context = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind === "webgl2" ? null : context.call(this, kind, ...rest);
};
"""
LOSE = """() => {
  const shared = globalThis[Symbol.for("ne_interactive@1")];
  window.lost = shared.gl.getExtension("WEBGL_lose_context");
  window.lost.loseContext();
}"""


def places(host, Z=SQUARE):
    """Where the view puts the points of Z (n, 2): the map fills 92 % of the picture's smaller side."""
    box = host.page.locator(".ne-stage").bounding_box()
    low, high = Z.min(axis=0), Z.max(axis=0)
    scale = 0.92 * min(box["width"] / (high[0] - low[0]), box["height"] / (high[1] - low[1]))
    offset = (Z - (low + high) / 2) * scale * [1, -1]
    return offset + np.array([box["width"], box["height"]]) / 2


def color_at(host, place, view=0):
    r, g, b, a = host.pixel(*place, view=view)
    assert a > 0, f"nothing is drawn at {place}"
    return r, g, b


@pytest.fixture(params=["webgl2", "canvas2d"])
def either(request, open_host):
    """A page with each of the two renderers."""
    host = open_host(WITHOUT_WEBGL2 if request.param == "canvas2d" else "")
    host.renderer = request.param
    return host


def test_points_are_where_they_belong_in_the_colour_of_their_category(either):
    either.show(traits(4, ["a", "b"]))
    either.frame(SQUARE)
    either.settle()
    assert either.page.locator(".ne-root").get_attribute("data-renderer") == either.renderer
    found = [color_at(either, place) for place in places(either)]
    assert found[0] == found[2] != found[1] == found[3]
    middle = places(either).mean(axis=0)
    assert either.pixel(*middle)[3] == 0
    assert np.all(
        np.abs(np.array(found[0]) - [0xE2, 0x72, 0x13]) < 12
    )  # the first colour of the light palette


def test_a_float32_keyframe_is_drawn_like_levels(host):
    host.show(traits(4, ["a", "b"]))
    host.frame(SQUARE)
    host.settle()
    before = host.inked()
    host.frame(SQUARE, key=True, state="paused")
    host.settle()
    assert before > 0
    assert abs(host.inked() - before) <= 0.02 * before
    assert all(host.pixel(*place)[3] > 0 for place in places(host))


def test_a_frame_moves_the_points_and_passes_through_the_middle(either):
    either.show(traits(5, ["a"]))
    corners = np.vstack([SQUARE, [[-0.8, 0]]])
    for _ in range(4):
        either.frame(corners)
        either.settle(450)  # the clock learns that frames are slow, so that the way can be watched
    moved = np.vstack([SQUARE, [[0.8, 0]]])
    box = either.page.locator(".ne-stage").bounding_box()
    scale = 0.92 * min(box["width"], box["height"]) / 2
    start, end = [(box["width"] / 2 + x * scale, box["height"] / 2) for x in (-0.8, 0.8)]
    assert either.pixel(*start)[3] > 0
    seen = either.page.evaluate(
        """async ([content, positions]) => {
          window.host.receive(0, content, [positions]);
          const canvas = document.querySelector(".ne-canvas");
          const context = canvas.getContext("2d");
          const columns = [];
          for (let i = 0; i < 60; i++) {
            await new Promise(requestAnimationFrame);
            const row = context.getImageData(0, Math.round(canvas.height / 2), canvas.width, 1).data;
            let x = -1;
            for (let at = 0; at < canvas.width; at++) if (row[4 * at + 3] > 0) x = at;
            columns.push(x / canvas.width * canvas.clientWidth);
          }
          return columns;
        }""",
        frame_of(either, moved),
    )
    either.settle()
    assert either.pixel(*end)[3] > 0
    assert either.pixel(*start)[3] == 0
    between = [x for x in seen if start[0] + 20 < x < end[0] - 20]
    assert between, "on a slow display one picture, on others many"
    assert between == sorted(between)


def frame_of(host, Z):
    """Header and buffer of the next frame, for a script that hands it over itself."""
    kept = []
    host.receive, receive = lambda content, *buffers, model=0: kept.append((content, buffers)), host.receive
    host.frame(Z, wait=False)
    host.receive = receive
    return [kept[0][0], encode(kept[0][1][0])]


def test_reduced_motion_shows_frames_at_once(open_host):
    host = open_host(reduced_motion="reduce")
    host.show(traits(4, ["a"]))
    for _ in range(3):
        host.frame(SQUARE)
        host.settle(300)
    host.frame(SQUARE[::-1].copy() * 3)
    host.settle(60)
    assert all(host.pixel(*place)[3] > 0 for place in places(host))


def test_many_categories_and_numbers_have_their_colours(host):
    state = traits(4, codes=np.array([0, 65534, 65535, 32767]))
    state["_scene"]["legend"] |= {"kind": "number", "name": "size", "low": -2.0, "high": 5.5}
    host.show(state)
    host.frame(SQUARE)
    host.settle()
    low, high, missing, middle = (color_at(host, place) for place in places(host))
    assert low[2] > low[1]  # violet
    assert high[0] > high[2]
    assert max(missing) - min(missing) < 25  # grey
    assert len({low, high, missing, middle}) == 4
    assert host.page.locator(".ne-ends").inner_text().split() == ["-2", "5.5"]


def test_the_legend_hides_and_shows_and_isolates(either):
    either.show(traits(4, ["first", "second"]))
    either.frame(SQUARE)
    either.settle()
    first = either.page.get_by_role("button", name="first")
    second = either.page.get_by_role("button", name="second")

    def drawn():
        either.settle(150)
        return [either.pixel(*place)[3] > 0 for place in places(either)]

    assert drawn() == [True] * 4
    first.click()
    assert drawn() == [False, True, False, True]
    assert (first.get_attribute("aria-pressed"), second.get_attribute("aria-pressed")) == ("false", "true")
    first.click()
    assert drawn() == [True] * 4
    second.click(modifiers=["Shift"])
    assert drawn() == [False, True, False, True]
    second.click(modifiers=["Shift"])
    assert drawn() == [True] * 4


def test_the_wheel_zooms_only_with_focus_and_reset_returns(host):
    host.show(traits(4, ["a"]))
    host.frame(SQUARE)
    host.settle()
    page, reset = host.page, host.page.get_by_role("button", name="Reset view")
    box = page.locator(".ne-stage").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, -400)
    host.settle(200)
    assert reset.is_disabled()
    assert all(host.pixel(*place)[3] > 0 for place in places(host))
    page.locator(".ne-canvas").click()
    page.mouse.wheel(0, -400)
    host.settle(200)
    assert reset.is_enabled()
    assert host.inked() == 0  # the corners are out of the picture
    reset.click()
    host.settle()
    assert reset.is_disabled()
    assert all(host.pixel(*place)[3] > 0 for place in places(host))


def test_drag_pans(host):
    host.show(traits(4, ["a"]))
    host.frame(SQUARE)
    host.settle()
    box = host.page.locator(".ne-stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    host.page.mouse.move(x, y)
    host.page.mouse.down()
    host.page.mouse.move(x + 40, y - 5, steps=4)
    host.page.mouse.up()
    host.settle(200)
    moved = places(host) + np.array([40, -5])
    assert all(host.pixel(*place)[3] > 0 for place in moved)


def test_a_resized_view_fits_again(host):
    view = host.show(traits(4, ["a"]), "width: 900px")
    host.frame(SQUARE)
    host.settle()
    host.page.evaluate(f"document.querySelectorAll('.cell')[{view}].style.width = '420px'")
    host.settle(600)
    width = host.page.locator(".ne-canvas").evaluate("canvas => canvas.width / devicePixelRatio")
    assert abs(width - host.page.locator(".ne-stage").bounding_box()["width"]) <= 1
    assert all(host.pixel(*place)[3] > 0 for place in places(host))


def test_a_sharp_screen_gets_a_sharp_picture(open_host):
    host = open_host(device_scale_factor=2)
    host.show(traits(4, ["a"]))
    host.frame(SQUARE)
    host.settle()
    assert host.page.locator(".ne-canvas").evaluate("canvas => canvas.width / canvas.clientWidth") == 2
    assert all(host.pixel(*place)[3] > 0 for place in places(host))


def test_a_lost_context_comes_back_with_everything(host):
    host.show(traits(4, ["a", "b"]))
    seq = host.frame(SQUARE)
    host.settle()
    before = [color_at(host, place) for place in places(host)]
    host.page.evaluate(LOSE)
    host.settle(100)
    host.frame(SQUARE * 2, wait=False)
    host.settle(200)
    assert host.sent("ack")[-1]["seq"] == seq  # what is not on the GPU is not acknowledged
    host.page.evaluate("() => window.lost.restoreContext()")
    host.page.wait_for_selector(f".ne-canvas[data-seq='{seq + 1}']")
    host.settle()
    assert [color_at(host, place) for place in places(host)] == before
    assert host.page.locator(".ne-root").get_attribute("data-renderer") == "webgl2"


def test_a_context_that_stays_lost_is_replaced(host):
    host.show(traits(4, ["a", "b"]))
    host.frame(SQUARE)
    host.settle()
    host.page.evaluate(LOSE)
    host.page.wait_for_selector(".ne-root[data-renderer=canvas2d]")
    host.frame(SQUARE * 2)
    host.settle()
    assert all(host.pixel(*place)[3] > 0 for place in places(host))


def test_several_views_share_one_context(host):
    for _ in range(20):
        host.show(traits(4, ["a", "b"], _height=200))
    for model in range(20):
        host.frame(SQUARE * (1 + model), model=model, wait=False)
    until(host.page, "document.querySelectorAll('.ne-canvas[data-seq]').length >= 3")
    host.page.evaluate("scrollTo(0, 1e6)")
    host.page.wait_for_selector(".ne-canvas[data-seq='20']")
    host.settle()
    assert host.inked(19) > 0
    users = "() => globalThis[Symbol.for('ne_interactive@1')].users.size"
    assert host.page.evaluate(users) == 20
    assert {root.get_attribute("data-renderer") for root in host.page.query_selector_all(".ne-root")} == {
        "webgl2"
    }


@pytest.mark.parametrize("n", [1, 7, 70_000])
def test_any_number_of_points(host, n):
    host.show(traits(n))
    Z = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    host.frame(Z)
    host.settle()
    assert host.inked() > 0


def test_a_slow_display_draws_fewer_points_while_they_move_and_all_at_rest(host):
    Z = np.random.default_rng(0).normal(size=(250_000, 2)).astype(np.float32)
    host.page.evaluate(
        """() => {
          window.requestAnimationFrame = (turn) => setTimeout(() => turn(performance.now()), 120);
          window.strides = [];
        }"""
    )
    host.show(traits(len(Z)))
    host.page.evaluate(
        """() => new MutationObserver(() => strides.push(document.querySelector(".ne-canvas").dataset.stride))
          .observe(document.querySelector(".ne-canvas"), { attributes: true, attributeFilter: ["data-stride"] })"""
    )
    for step in range(5):
        host.frame(Z * (1 + 0.2 * step))
    until(host.page, "window.strides.includes('2') && window.strides.at(-1) === '1'")
    assert set(host.page.evaluate("window.strides")) == {"1", "2"}  # never fewer than 100,000 points
    host.settle(600)
    host.page.wait_for_selector(".ne-canvas[data-stride='1']")

    canvas = host.page.locator(".ne-canvas")
    canvas.hover(position={"x": 60, "y": 60})
    host.page.mouse.down()
    host.page.mouse.move(200, 200, steps=3)
    host.settle(700)
    assert canvas.get_attribute("data-stride") == "2"  # a hand at work does not wait for all of them
    host.page.mouse.up()
    until(host.page, "document.querySelector('.ne-canvas').dataset.stride === '1'")
