"""Maps that were compared, opened from disk without a network: they play together and are looked at as one."""

import numpy as np
import pytest

import ne_interactive as ne
from ne_interactive.widget.opening import compare

from .bridge import without_kernel
from .test_recording import HOSTILE, open_recording, scrub, slider, wait_until

__all__ = ["open_recording"]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(10 * i, 1, (60, 5)) for i in range(3)]).astype(np.float32)
    first = ne.Stepper(X, ne.TSNE(perplexity=10, random_state=0))
    first.step(40)
    second = first.fork()
    second.tune(exaggeration=3.0)
    second.step(20)
    with without_kernel():
        comparison = compare(
            {HOSTILE: first, "branch": second, "given": X[:, :2]},
            labels=[HOSTILE] * 60 + ["b"] * 60 + ["c"] * 60,
            hover={HOSTILE: [HOSTILE, *map(str, range(179))]},
            title=HOSTILE,
            start=False,
        )
        path = comparison.to_html(tmp_path_factory.mktemp("recorded") / "maps.html")
        comparison.close()
    return path


def at(page):
    return [int(one.get_attribute("data-iteration")) for one in page.locator(".ne-pane").all()]


def seen(page, place):
    return page.locator(".ne-pane .ne-canvas").nth(place).screenshot()


def test_all_maps_play_through_the_iterations_together(open_recording):
    page = open_recording()
    assert at(page) == [40, 60, 0]
    assert slider(page).get_attribute("aria-valuetext") == "iteration 60"
    before = seen(page, 1)
    scrub(page, 20)
    assert at(page) == [20, 20, 0]
    assert seen(page, 1) != before
    scrub(page, 50)
    assert at(page) == [40, 50, 0]
    page.get_by_role("button", name="Play", exact=True).click()
    wait_until(page, lambda: at(page)[1] == 60)
    page.get_by_role("button", name="Play", exact=True).wait_for()
    marks = page.locator(".ne-player-mark")
    assert marks.get_attribute("title") == "branch, 40: exaggeration 12 to 3"


def test_what_was_set_is_shown_and_cannot_be_changed(open_recording):
    page = open_recording()
    runs = page.locator(".ne-run")
    assert runs.count() == 2
    runs.nth(1).locator("summary").click()
    value = runs.nth(1).get_by_role("slider", name="exaggeration")
    assert value.is_disabled()
    now = value.input_value()
    scrub(page, 10)
    assert value.input_value() != now
    for name in ("Play all", "Pause all", "focus", "remove", "Restart"):
        assert page.get_by_role("button", name=name).filter(visible=True).count() == 0


def test_selection_pointer_and_difference_are_those_of_all_maps(open_recording):
    page = open_recording()
    canvases = page.locator(".ne-pane .ne-canvas")
    canvases.nth(0).press("b")
    box = canvases.nth(0).bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 4, box["y"] + box["height"] - 4, steps=3)
    page.mouse.up()
    page.get_by_text("180 selected").last.wait_for()
    before = seen(page, 1)
    canvases.nth(1).press("g")
    wait_until(page, lambda: seen(page, 1) != before)
    button = page.get_by_role("button", name="ghost of the first map")
    assert button.get_attribute("aria-pressed") == "true"


def test_hostile_names_are_text(open_recording):
    page = open_recording()
    assert page.evaluate("window.hit") is None
    assert page.locator(".ne-pane").nth(0).get_attribute("aria-label").startswith("</script><script>")
    assert page.locator(".ne-about strong").inner_text().startswith("</script><script>")
