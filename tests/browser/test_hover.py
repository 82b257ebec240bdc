"""The card of the point under the pointer: it waits for no drawing, and stays with a point that moves."""

import numpy as np

from .host import encode, traits, until

CORNERS = [[-1, -1], [1, -1], [-1, 1], [1, 1]]


def pointed(host, near: float, far: float):
    """Show two points beside the middle, at so many pixels from it; gives the card, and the middle of the picture."""
    box = host.page.locator(".ne-stage").bounding_box()
    pixel = 2 / (0.92 * min(box["width"], box["height"]))
    host.frame([*CORNERS, [-near * pixel, 0], [far * pixel, 0]])
    host.settle(600)
    return host.page.get_by_role("tooltip"), (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_the_card_waits_for_no_drawing(host):
    host.show(traits(6))
    card, middle = pointed(host, 2, 60)
    host.page.evaluate("() => { window.requestAnimationFrame = () => 1; }")  # a display that takes for ever
    host.page.mouse.move(*middle)
    card.wait_for()
    assert card.inner_text() == "point 4"
    host.page.mouse.move(middle[0] + 60, middle[1])
    card.get_by_text("point 5").wait_for()


def test_under_a_pointer_that_rests_the_card_stays_with_a_point_that_moves_while_it_is_near(host):
    state = traits(6)
    state["_scene"]["hover"] = True
    host.show(state)
    card, middle = pointed(host, 2, 60)
    host.page.mouse.move(*middle)
    card.wait_for()
    until(host.page, "() => window.host.models[0].sent.some((m) => m.k === 'hover')")
    pointed(host, 8, 1)  # the other one is nearer now
    assert card.inner_text() == "point 4"
    (asked,) = host.sent("hover")
    host.receive({"k": "hover", "id": asked["id"], "point": 4, "rows": [["name", "four"]], "image": None})
    assert "four" in card.inner_text()
    pointed(host, 30, 1)
    card.get_by_text("point 5").wait_for()
    pointed(host, 1, 8)
    assert "point 5" in card.inner_text()
    host.page.mouse.move(middle[0] - 2, middle[1])  # a hand that moves looks anew
    card.get_by_text("point 4").wait_for()


def test_a_refused_question_is_followed_by_the_next_at_once(host):
    state = traits(6)
    state["_scene"]["hover"] = True
    host.show(state)
    card, middle = pointed(host, 2, 60)
    asked = "(count) => window.host.models[0].sent.filter((m) => m.k === 'hover').length === count"
    host.page.mouse.move(*middle)
    until(host.page, asked, 1)
    host.page.mouse.move(middle[0] + 60, middle[1])
    card.get_by_text("point 5").wait_for()
    host.settle(300)
    (first,) = host.sent("hover")  # one at a time
    host.receive({"k": "refused", "of": "hover", "id": first["id"], "error": "busy"})
    until(host.page, asked, 2)
    _, second = host.sent("hover")
    host.receive({"k": "hover", "id": second["id"], "point": 5, "rows": [["name", "five"]], "image": None})
    assert "five" in card.inner_text()


def test_a_tap_on_a_point_shows_its_card_and_one_elsewhere_hides_it(open_host):
    host = open_host(has_touch=True)
    state = traits(6)
    state["_scene"]["hover"] = True
    host.show(state)
    card, (x, y) = pointed(host, 2, 60)
    tap = host.page.touchscreen.tap
    tap(x, y)
    card.get_by_text("point 4").wait_for()
    until(host.page, "() => window.host.models[0].sent.some((m) => m.k === 'hover')")
    (asked,) = host.sent("hover")
    host.receive({"k": "hover", "id": asked["id"], "point": 4, "rows": [["name", "four"]], "image": None})
    host.settle(300)
    assert "four" in card.inner_text()
    tap(x + 60, y)
    card.get_by_text("point 5").wait_for()
    tap(x, y + 90)
    card.wait_for(state="hidden")
    tap(x, y)
    card.get_by_text("point 4").wait_for()
    host.page.get_by_role("button", name="density").tap()
    card.wait_for(state="hidden")


def test_the_card_tells_anew_of_a_point_that_becomes_another(host):
    state = traits(6, ["a", "b"])
    state["_scene"]["hover"] = True
    host.show(state)
    card, middle = pointed(host, 2, 60)
    host.page.mouse.move(*middle)
    card.get_by_text("a").first.wait_for()
    asked = "(count) => window.host.models[0].sent.filter((m) => m.k === 'hover').length === count"
    until(host.page, asked, 1)
    (first,) = host.sent("hover")
    row = {"k": "hover", "point": 4, "image": None}
    host.receive(row | {"id": first["id"], "rows": [["name", "four"]]})
    assert card.inner_text().split() == ["a", "point", "4", "name", "four"]
    host.call("changeBytes", 0, "_codes", encode(np.ones(6, "<u2")))
    card.get_by_text("b").first.wait_for()
    assert "four" not in card.inner_text()
    until(host.page, asked, 2)
    host.receive(row | {"id": host.sent("hover")[1]["id"], "rows": [["name", "another"]]})
    assert card.inner_text().split() == ["b", "point", "4", "name", "another"]


def test_where_its_point_is_gone_the_card_is_hidden(host):
    state = traits(6)
    host.show(state)
    card, middle = pointed(host, 2, 60)
    host.page.mouse.move(*middle)
    card.wait_for()
    scene = state["_scene"] | {"n": 4, "all": 6, "regrouped": 1}
    header = {"k": "frame", "seq": 9, "it": 90, "n": 4, "c": 2, "q": "f32", "lo": [0, 0], "sc": [1, 1]}
    host.page.evaluate(
        """([scene, header, corners]) => {
          host.change(0, "_scene", scene);
          host.receive(0, header, [corners]);
        }""",  # before the next drawing
        [scene, header, encode(np.array(CORNERS, "<f4"))],
    )
    card.wait_for(state="hidden")
