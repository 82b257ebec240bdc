"""Texts are searched, and names stand on the map."""

import numpy as np

from .host import traits, until
from .test_picture import SQUARE, places

CLOUDS = np.array([[-5, -4], [5, -4], [0, 5]])


def start(host, **scene):
    state = traits(4, ["a", "b"])
    state["_scene"] |= {"search": True} | scene
    host.show(state)
    host.frame(SQUARE)
    host.settle()
    host.page.locator(".ne-canvas").focus()
    return host.page


def look_for(page, host, text):
    page.keyboard.press("/")
    page.keyboard.insert_text(text)  # at once: letter by letter a slow page asks for the first ones
    until(page, "(text) => window.host.models[0].sent.some((m) => m.text === text)", arg=text)
    return host.sent("search")[-1]


def answer(host, asked, *points):
    host.receive({"k": "found", "id": asked["id"]}, np.array(points, "<u4"))
    host.settle(900)


def test_what_is_found_stands_out_and_enter_selects_it(host):
    page = start(host)
    before = [host.pixel(*place)[3] for place in places(host)]
    asked = look_for(page, host, "<i>shoe v")
    assert asked["text"] == "<i>shoe v"  # a letter typed here is no command
    answer(host, asked, 1, 3, 4_000_000_000)
    after = [host.pixel(*place)[3] for place in places(host)]
    assert after[0] < 0.4 * before[0]
    assert after[1] >= before[1]
    assert page.get_by_role("search").inner_text() == "2"
    page.keyboard.press("Enter")
    assert host.sent("select")[-1]["points"] == [1, 3]
    assert page.get_by_role("search").is_hidden()
    assert page.evaluate("document.activeElement.className") == "ne-canvas"


def test_escape_ends_the_search(host):
    page = start(host)
    before = [host.pixel(*place)[3] for place in places(host)]
    answer(host, look_for(page, host, "shoe"), 1)
    page.keyboard.press("Escape")
    host.settle(900)
    assert [host.pixel(*place)[3] for place in places(host)] == before
    assert page.get_by_role("search").is_hidden()
    assert host.sent("select") == []


def test_an_answer_that_comes_too_late_is_not_shown(host):
    page = start(host)
    asked = look_for(page, host, "sho")
    page.keyboard.type("es")
    host.settle(900)
    assert len(host.sent("search")) == 1  # one at a time
    answer(host, asked, 1)
    assert page.get_by_role("search").inner_text() == ""
    assert host.sent("search")[-1]["text"] == "shoes"
    answer(host, host.sent("search")[-1])
    assert page.get_by_role("search").inner_text() == "none"
    page.keyboard.press("Escape")


def test_enter_waits_for_the_points_that_have_the_present_text(host):
    page = start(host)
    answer(host, look_for(page, host, "sho"), 1)
    page.keyboard.insert_text("es")
    page.keyboard.press("Enter")
    assert host.sent("select") == []
    first, second = host.sent("search")
    assert second["text"] == "shoes"  # at once
    answer(host, first, 1)
    assert host.sent("select") == []
    answer(host, second, 2, 3)
    assert [message["points"] for message in host.sent("select")] == [[2, 3]]
    assert page.get_by_role("search").is_hidden()


def test_who_types_on_after_enter_selects_nothing_yet(host):
    page = start(host)
    asked = look_for(page, host, "sho")
    page.keyboard.press("Enter")
    page.keyboard.insert_text("es")
    host.settle(300)
    answer(host, asked, 1)
    answer(host, host.sent("search")[-1], 2)
    assert host.sent("select") == []
    assert page.get_by_role("search").inner_text() == "1"
    page.keyboard.press("Enter")
    assert [message["points"] for message in host.sent("select")] == [[2]]


def test_a_refused_search_finds_nothing_and_the_next_is_asked_at_once(host):
    page = start(host)
    asked = look_for(page, host, "sho")
    page.keyboard.press("Enter")
    host.receive({"k": "refused", "of": "search", "id": asked["id"], "error": "Too long."})
    assert page.get_by_role("search").inner_text() == "none"
    assert host.sent("select") == []
    page.keyboard.insert_text("es")
    until(page, "() => window.host.models[0].sent.some((m) => m.text === 'shoes')")


def test_without_texts_there_is_no_search(host):
    page = start(host, search=False)
    assert page.get_by_role("button", name="search").is_disabled()
    page.keyboard.press("/")
    assert page.get_by_role("search").is_hidden()


def clouds(host, names=("left <b>", "right", "top"), centres=CLOUDS):
    rng = np.random.default_rng(0)
    kinds = np.arange(600) % 3
    Z = (centres[kinds] + 0.3 * rng.normal(size=(600, 2))).astype(np.float32)
    host.show(traits(600, list(names), kinds))
    host.page.evaluate(
        """() => {
          window.written = [];
          const { fillText, drawImage } = CanvasRenderingContext2D.prototype;
          const texts = new WeakMap();
          Object.assign(CanvasRenderingContext2D.prototype, {
            fillText(text, x, y) {
              texts.set(this.canvas, text);
              return fillText.call(this, text, x, y);
            },
            drawImage(image, ...places) {
              const [x, y] = places;
              const text = texts.get(image);
              if (text) window.written.push([text, x + image.width / 2, y + image.height / 2, this.globalAlpha]);
              return drawImage.call(this, image, ...places);
            },
          });
          window.textIn = (canvas) => texts.has(canvas);
        }"""
    )
    host.frame(Z)
    host.settle(1500)
    return Z


def written(host):
    """The last place of every name that is on the map."""
    host.page.evaluate("window.written.length = 0")
    host.page.get_by_role("button", name="Help").evaluate("() => window.dispatchEvent(new Event('resize'))")
    host.page.locator(".ne-stage").hover(position={"x": 12, "y": 300})
    host.settle(500)
    return {text: (x, y) for text, x, y, alpha in host.page.evaluate("window.written") if alpha > 0.9}


def centres_on_screen(host, Z):
    spots = places(host, Z)
    return [spots[np.arange(600) % 3 == kind].mean(axis=0) for kind in range(3)]


def test_names_stand_where_their_points_are_densest(host):
    Z = clouds(host)
    names = written(host)
    assert set(names) == {"left <b>", "right", "top"}
    for name, centre in zip(("left <b>", "right", "top"), centres_on_screen(host, Z), strict=True):
        assert np.hypot(*(np.array(names[name]) - centre)) < 20


def test_names_follow_the_map_and_leave_hidden_categories(host):
    Z = clouds(host)
    moved = Z[:, ::-1].copy()
    host.frame(moved)
    host.settle(1800)
    names = written(host)
    for name, centre in zip(("left <b>", "right", "top"), centres_on_screen(host, moved), strict=True):
        assert np.hypot(*(np.array(names[name]) - centre)) < 25
    host.page.locator(".ne-item").nth(1).click()
    host.settle(1500)
    assert set(written(host)) == {"left <b>", "top"}


def test_names_wait_until_their_points_lie_apart(host):
    Z = clouds(host, centres=np.zeros((3, 2)))
    assert written(host) == {}
    host.frame(Z + CLOUDS[np.arange(600) % 3])
    host.settle(1800)
    assert set(written(host)) == {"left <b>", "right", "top"}


def test_a_name_does_not_hide_a_small_crowd(host):
    Z = clouds(host, centres=30 * CLOUDS)
    names = written(host)
    for name, centre in zip(("left <b>", "right", "top"), centres_on_screen(host, Z), strict=True):
        x, y = np.array(names[name]) - centre
        assert abs(x) < 8
        assert 11 < (y if name == "top" else -y) < 30  # the highest has no room above it


def test_names_do_not_overlap_and_are_switched_off(host):
    clouds(host, centres=np.array([[0, 0], [0.9, 0], [16, 16]]))
    assert len(written(host)) == 2
    labels = host.page.get_by_role("button", name="labels")
    assert labels.get_attribute("aria-pressed") == "true"
    host.page.locator(".ne-canvas").focus()
    host.page.keyboard.press("n")
    assert labels.get_attribute("aria-pressed") == "false"
    assert written(host) == {}


def test_no_frame_draws_text_on_the_page(host):
    # Text in a canvas of the page has it work out the style of everything that the frame changed, there and then.
    Z = clouds(host)
    host.frame(Z[:, ::-1].copy())
    host.settle()
    assert set(written(host)) == {"left <b>", "right", "top"}
    assert not host.page.locator(".ne-canvas").evaluate("canvas => window.textIn(canvas)")


def test_numbers_have_no_names(host):
    state = traits(4, codes=np.array([0, 9, 99, 999]))
    state["_scene"]["legend"] |= {"kind": "number", "name": "price"}
    host.show(state)
    host.frame(SQUARE)
    assert host.page.get_by_role("button", name="labels").is_disabled()


def test_of_many_found_none_is_drawn_larger(host):
    n = 2000
    rng = np.random.default_rng(0)
    state = traits(n)
    state["_scene"]["search"] = True
    host.show(state)
    host.frame(rng.normal(size=(n, 2)))
    host.settle()
    host.page.locator(".ne-canvas").focus()
    before = host.inked()
    asked = look_for(host.page, host, "a")
    answer(host, asked, *range(n))
    assert host.inked() < 1.1 * before
