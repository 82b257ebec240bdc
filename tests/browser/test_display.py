"""The picture as a whole: density, the whole screen, a file of it; three dimensions turned by hand; what stays."""

import base64
import io
import time

import numpy as np
import pytest
from PIL import Image

from .host import encode, traits, until
from .test_link import HIDE
from .test_picture import WITHOUT_WEBGL2, places

CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32)
SQUARE = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], np.float32)
WITHOUT_FLOAT_TARGETS = """
const extension = WebGL2RenderingContext.prototype.getExtension;
WebGL2RenderingContext.prototype.getExtension = function (name) {
  return name.startsWith("EXT_color_buffer") ? null : extension.call(this, name);
};
"""


def picture(host):
    """Give the RGBA of the picture, (height, width, 4)."""
    url = host.page.locator(".ne-canvas").evaluate("canvas => canvas.toDataURL()")
    return pixels(base64.b64decode(url.partition(",")[2]))


def pixels(png):
    with Image.open(io.BytesIO(png)) as image:
        return np.array(image.convert("RGBA"))


def alike(one, other):
    """Tell whether two pictures differ in no more than some edges."""
    return (np.abs(one.astype(int) - other).max(axis=2) > 60).mean() < 1e-4


def wait_for(condition, what, seconds=8):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"not within {seconds} s: {what}"
        time.sleep(0.2)


def solid(n=8, categories=("a",)):
    state = traits(n, list(categories))
    state["_scene"]["c"] = 3
    return state


def show_solid(host, Z=CORNERS, categories=("a",)):
    host.show(solid(len(Z), categories))
    host.frame(Z)
    host.settle()
    return host.page.locator(".ne-canvas")


def drag(host, dx, dy, shift=False):
    box = host.page.locator(".ne-stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    host.page.mouse.move(x, y)
    if shift:
        host.page.keyboard.down("Shift")
    host.page.mouse.down()
    host.page.mouse.move(x + dx, y + dy, steps=4)
    host.page.mouse.up()
    if shift:
        host.page.keyboard.up("Shift")
    host.page.mouse.move(4, 4)
    host.settle(300)


def blobs(host):
    """Give the mean place of all ink, and the spread of it, in pixels."""
    rows, columns = np.nonzero(picture(host)[..., 3] > 40)
    return np.array([columns.mean(), rows.mean()]), np.array([columns.std(), rows.std()])


@pytest.mark.parametrize("script", ["", WITHOUT_WEBGL2])
def test_a_map_in_three_dimensions_is_turned_panned_zoomed_and_reset(open_host, script):
    host = open_host(script)
    canvas = show_solid(host)
    reset = host.page.get_by_role("button", name="reset view")
    seen = picture(host)
    middle, spread = blobs(host)
    assert reset.is_disabled()
    drag(host, 60, 0)
    turned = picture(host)
    assert (turned != seen).any()
    assert np.abs(blobs(host)[0] - middle).max() < 25  # turned about its middle, not moved
    assert reset.is_enabled()
    drag(host, 50, -30, shift=True)
    assert blobs(host)[0] - middle == pytest.approx([50, -30], abs=25)
    reset.click()
    wait_for(lambda: alike(picture(host), seen), "the map is seen as at first")
    canvas.focus()
    host.page.keyboard.press("ArrowRight")
    host.settle(300)
    by_key = picture(host)
    drag(host, 40, 0)
    drag(host, -40, 0)
    assert (by_key != seen).any()
    host.page.keyboard.press("0")
    wait_for(lambda: alike(picture(host), seen), "the map is seen as at first")
    host.page.keyboard.press("-")
    wait_for(lambda: blobs(host)[1].max() < 0.9 * spread.max(), "the map is smaller")


def test_points_in_three_dimensions_are_found_under_the_pointer(host):
    Z = np.vstack([CORNERS, [[0, 0, 0]]])
    show_solid(host, Z, ["a"])
    box = host.page.locator(".ne-stage").bounding_box()
    host.page.mouse.move(box["x"] + box["width"] / 2 + 2, box["y"] + box["height"] / 2)
    card = host.page.get_by_role("tooltip")
    card.wait_for()
    assert "8" in card.inner_text().split()


def test_levels_and_float32_positions_look_the_same_in_three_dimensions(host):
    show_solid(host)
    seen = picture(host)
    host.frame(CORNERS, key=True)
    host.settle(600)
    assert alike(picture(host), seen)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_camera_and_the_colours_stay_over_frames_restarts_and_methods(host, dimensions):
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(40, dimensions)).astype(np.float32)
    state = traits(40, ["a", "b"])
    state["_scene"]["c"] = dimensions
    host.show(state)
    host.frame(Z)
    host.settle()
    drag(host, 70, 20)
    host.page.locator(".ne-canvas").focus()
    host.page.keyboard.press("n")  # names move with the points, to and fro
    host.page.keyboard.press("+")
    host.settle(300)
    seen = picture(host)

    def as_before():
        wait_for(lambda: alike(picture(host), seen), "the picture is as before")

    for _ in range(3):
        host.frame(Z * 3)
    host.frame(Z)
    as_before()
    host.frame(Z * 1e-3, it=0, key=True, state="paused")  # restarted
    host.frame(Z, it=10)
    as_before()
    scene = state["_scene"] | {"method": "UMAP"}
    host.call("change", 0, "_scene", scene)
    host.call("change", 0, "_controls", [])
    host.frame(Z, it=20)
    as_before()


@pytest.mark.parametrize("by_hand", [True, False])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_map_that_another_method_scales_is_seen_as_before(host, dimensions, by_hand):
    Z = np.random.default_rng(0).normal(size=(40, dimensions)).astype(np.float32)
    state = traits(40, ["a", "b"])
    state["_scene"]["c"] = dimensions
    host.show(state)
    host.frame(Z)
    host.settle()
    if by_hand:
        drag(host, 70, 20)
        host.page.locator(".ne-canvas").focus()
        host.page.keyboard.press("+")
    host.settle(300)
    seen = picture(host)
    host.frame(Z * 0.02, scale=0.02)
    for _ in range(10):  # nothing moves on the way
        assert alike(picture(host), seen)
        host.settle(20)
    host.frame(Z)  # and back over it
    for _ in range(10):
        assert alike(picture(host), seen)
        host.settle(20)


def test_who_comes_back_sees_the_present_at_once(host):
    """Not the whole way from where the map was long ago, which a map that has grown much takes a second for."""
    Z = np.random.default_rng(0).normal(size=(200, 2))
    host.show(traits(200))
    host.frame(Z)
    host.settle(1500)
    seen = picture(host)
    host.frame(Z * 1e-4)
    host.settle(1500)
    host.page.evaluate(HIDE, True)
    host.page.evaluate(HIDE, False)
    host.frame(Z)
    host.settle(40)
    assert alike(picture(host), seen)


def test_the_camera_follows_the_bulk_and_not_one_point_far_off(host):
    Z = np.random.default_rng(1).normal(size=(2000, 2)).astype(np.float32)
    host.show(traits(2000, ["a"]))
    host.frame(Z)
    host.settle(1500)
    spread = blobs(host)[1]
    Z[7] = [500, 500]
    host.frame(Z, key=True)
    host.settle(2000)
    assert blobs(host)[1].min() > 0.45 * spread.min()


@pytest.mark.parametrize("script", ["", WITHOUT_WEBGL2, WITHOUT_FLOAT_TARGETS])
def test_density_shows_where_most_points_are(open_host, script):
    host = open_host(script)
    rng = np.random.default_rng(2)
    dense, sparse = rng.normal(size=(9000, 2)) * 0.3 - [2, 0], rng.normal(size=(500, 2)) * 0.3 + [2, 0]
    Z = np.vstack([dense, sparse]).astype(np.float32)
    host.show(traits(len(Z), ["dense", "sparse"], np.repeat([0, 1], [9000, 500])))
    host.frame(Z)
    host.page.locator(".ne-canvas").focus()
    host.page.keyboard.press("n")  # names stand where points are dense
    host.settle()
    button = host.page.get_by_role("button", name="density")
    plain = picture(host)
    host.page.keyboard.press("d")
    host.settle()
    assert button.get_attribute("aria-pressed") == "true"
    shown = picture(host).astype(float)
    left, right = middles(plain)
    strength = [shown[y - 12 : y + 12, x - 12 : x + 12, 3].mean() for x, y in (left, right)]
    assert strength[0] > 1.5 * strength[1] > 0
    r, g, b = (shown[left[1], left[0], :3] * 1.0).tolist()
    assert r > b  # the first colour, not a mixture with the second
    assert g > b
    button.click()
    host.settle()
    assert (picture(host) == plain).mean() > 0.99


def middles(seen):
    """Give the middles (x, y) of the ink in the left and the right half of a picture."""
    half = seen.shape[1] // 2
    answer = []
    for start in (0, half):
        rows, columns = np.nonzero(seen[:, start : start + half, 3] > 40)
        answer.append((int(np.median(columns)) + start, int(np.median(rows))))
    return answer


def test_density_keeps_marked_points_in_sight(host):
    Z = np.random.default_rng(3).normal(size=(3000, 2)).astype(np.float32)
    host.show(traits(3000, ["a"], _selection=""))
    host.frame(Z)
    host.page.locator(".ne-canvas").focus()
    host.page.keyboard.press("d")
    host.settle()
    ink = (np.abs(picture(host)[..., :3].astype(int) - [0x1D, 0x21, 0x26]).max(axis=2) < 30).sum()
    selected = "text => host.models[0].set('_selection', Uint8Array.from(atob(text), (c) => c.charCodeAt(0)))"
    host.page.evaluate(selected, encode(np.arange(50, dtype="<u4")))
    host.settle()
    rings = picture(host)
    marked = (np.abs(rings[..., :3].astype(int) - [0x1D, 0x21, 0x26]).max(axis=2) < 30) & (
        rings[..., 3] > 200
    )
    assert marked.sum() > ink + 100


def test_the_whole_screen_and_back(host):
    host.show(traits(4, ["a"]))
    host.frame(SQUARE)
    page, root = host.page, host.page.locator(".ne-root")
    before = root.bounding_box()
    button = page.get_by_role("button", name="full screen")
    button.click()
    until(page, "document.fullscreenElement !== null")
    host.settle(400)
    assert button.get_attribute("aria-pressed") == "true"
    assert all(host.pixel(*place)[3] > 0 for place in places(host))
    assert page.locator(".ne-bar").bounding_box()["y"] > 400  # the picture has grown
    button.click()
    until(page, "document.fullscreenElement === null")
    host.settle(400)
    assert root.bounding_box() == before
    assert button.get_attribute("aria-pressed") == "false"


def test_where_the_screen_is_refused_the_window_is_filled_and_escape_leaves(open_host):
    host = open_host("Element.prototype.requestFullscreen = () => Promise.reject(new TypeError('no'))")
    host.show(traits(4, ["a"]), "margin-left: 200px")
    host.frame(SQUARE)
    page, root = host.page, host.page.locator(".ne-root")
    before = root.bounding_box()
    page.locator(".ne-canvas").focus()
    page.keyboard.press("f")
    host.settle(400)
    assert root.bounding_box() == {"x": 0, "y": 0, "width": 1000, "height": 760}
    assert all(host.pixel(*place)[3] > 0 for place in places(host))
    page.keyboard.press("Escape")
    host.settle(400)
    assert root.bounding_box() == before
    assert all(host.pixel(*place)[3] > 0 for place in places(host))


def test_each_of_two_views_says_whether_it_has_the_whole_screen(open_host):
    host = open_host("Element.prototype.requestFullscreen = () => Promise.reject(new TypeError('no'))")
    for _ in range(2):
        host.show(traits(4, ["a"]))
    buttons = host.page.get_by_role("button", name="full screen")
    pressed = lambda: [buttons.nth(view).get_attribute("aria-pressed") for view in range(2)]  # noqa: E731
    buttons.nth(1).click()
    host.settle(100)
    assert pressed() == ["false", "true"]
    host.page.keyboard.press("Escape")
    host.settle(100)
    assert pressed() == ["false", "false"]


@pytest.mark.parametrize(("theme", "ground"), [("light", 255), ("dark", 0x15)])
def test_a_picture_is_saved_with_title_and_legend(open_host, theme, ground):
    host = open_host(color_scheme=theme)
    state = traits(4, ["first", "second"])
    state["_scene"]["title"] = "Größe: <b>a/b</b>"
    host.show(state)
    host.frame(SQUARE)
    host.settle()
    host.page.locator(".ne-canvas").focus()
    with host.page.expect_download() as saved:
        host.page.keyboard.press("s")
    assert saved.value.suggested_filename == "größe-b-a-b-b-tsne-10.png"
    sheet = pixels(saved.value.path().read_bytes())
    height, width = sheet.shape[:2]
    box = host.page.locator(".ne-stage").bounding_box()
    assert abs(width - 2 * (box["width"] + 220)) <= 2
    assert abs(height - 2 * (box["height"] + 44)) <= 2
    assert (sheet[..., 3] == 255).all()
    assert sheet[0, 0, 0] == ground
    for x, y in 2 * places(host):
        assert np.abs(sheet[int(y) + 88, int(x), :3].astype(int) - ground).max() > 40
    head, side = sheet[:88, : width // 2], sheet[88:, int(2 * box["width"]) :]
    assert (np.abs(head[..., 0].astype(int) - ground) > 100).sum() > 300
    assert (np.abs(side[..., 0].astype(int) - ground) > 60).sum() > 300
    assert host.page.locator("a").count() == 0
