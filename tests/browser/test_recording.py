"""A recording, opened from disk without a network: it plays, scrubs, describes points, and runs nothing else."""

import time

import numpy as np
import pytest

import ne_interactive as ne

HOSTILE = "</script><script>window.hit=1</script><img src=x onerror=window.hit=1>"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(10 * i, 1, (60, 5)) for i in range(3)]).astype(np.float32)
    run = ne.Stepper(X, ne.TSNE(perplexity=10, random_state=0))
    run.step(40)
    run.tune(exaggeration=2.0)
    run.step(40)
    labels = [HOSTILE] * 60 + ["b"] * 60 + ["c"] * 60
    images = rng.integers(0, 255, (180, 4, 4)).astype(np.uint8)
    view = ne.Explorer(run, labels=labels, hover={HOSTILE: [HOSTILE] * 180}, images=images, title=HOSTILE)
    path = view.to_html(tmp_path_factory.mktemp("recorded") / "run.html")
    view.close()
    return path


@pytest.fixture
def open_recording(chromium, recorded):
    contexts, complaints = [], []

    def open_page(**options):
        context = chromium.new_context(
            **{"viewport": {"width": 1000, "height": 700}, "offline": True} | options
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(recorded.as_uri())
        page.wait_for_selector(".ne-canvas[data-seq]", state="attached")
        page.wait_for_timeout(600)
        return page

    asked = []
    open_page.complaints = complaints
    yield open_page
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith(("file:", "blob:"))] == []
    assert [text for text in complaints if "GPU stall" not in text] == []


def wait_until(page, condition, seconds=10.0):
    """Poll from here: the page's policy forbids what Playwright would have it evaluate."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        page.wait_for_timeout(40)


def slider(page):
    return page.get_by_role("slider", name="frame")


def scrub(page, frame):
    slider(page).evaluate("(e, v) => { e.value = v; e.dispatchEvent(new Event('input')); }", str(frame))
    page.wait_for_timeout(800)


def iteration(page):
    return int(page.locator(".ne-root").get_attribute("data-iteration"))


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_it_shows_the_last_frame_in_the_page_s_theme_and_scrubbing_changes_it(open_recording, scheme, dark):
    page = open_recording(color_scheme=scheme)
    assert page.locator(".ne-root").get_attribute("data-theme") == scheme
    assert iteration(page) == 80
    picture = page.locator(".ne-canvas")
    last = picture.screenshot()
    scrub(page, 3)
    assert iteration(page) == 4
    early = picture.screenshot()
    assert early != last
    scrub(page, 79)
    assert iteration(page) == 80
    assert page.locator(".ne-player-where").inner_text().startswith("iteration 80 · loss ")
    background = page.evaluate("getComputedStyle(document.querySelector('.ne-root')).backgroundColor")
    assert (background == "rgb(21, 23, 26)") is dark


def test_it_plays_from_the_start_to_the_end_and_can_be_paused(open_recording):
    page = open_recording()
    scrub(page, 40)
    page.get_by_role("button", name="Play").click()
    wait_until(page, lambda: iteration(page) > 44)
    page.get_by_role("button", name="Pause").click()
    page.wait_for_timeout(400)
    held = iteration(page)
    page.wait_for_timeout(400)
    assert iteration(page) == held
    page.locator(".ne-canvas").focus()
    page.keyboard.press(".")
    wait_until(page, lambda: iteration(page) == held + 1)
    scrub(page, 77)
    page.locator(".ne-canvas").focus()
    page.keyboard.press(" ")
    wait_until(page, lambda: iteration(page) == 80)
    page.get_by_role("button", name="Play").click()  # from the beginning again
    wait_until(page, lambda: iteration(page) < 40)


def test_it_is_a_recording_and_says_so(open_recording):
    page = open_recording()
    assert page.locator(".ne-player-kind").inner_text() == "recording"
    assert not page.locator(".ne-bar").is_visible()
    # what needs a run is not there, not even as a key
    assert page.get_by_role("button", name="move points").count() == 0
    assert page.get_by_role("button", name="lasso").is_enabled()
    page.locator(".ne-canvas").focus()
    page.keyboard.press("m")
    assert page.locator(".ne-canvas").get_attribute("data-mode") == "pan"
    page.keyboard.press("?")
    help = page.get_by_role("dialog")
    assert "lasso" in help.inner_text()
    assert "pin selection" not in help.inner_text()
    assert "look back" not in help.inner_text()
    page.keyboard.press("Escape")
    mark = page.locator(".ne-player-mark")
    assert mark.count() == 1
    assert mark.get_attribute("title") == "40: exaggeration 12 to 2"


def test_the_panel_shows_what_was_set_at_the_frame_and_changes_nothing(open_recording):
    page = open_recording()
    panel = page.locator(".ne-panel")
    value = panel.get_by_role("textbox", name="exaggeration value")
    assert panel.is_visible()
    assert panel.locator(":is(input, select, button):enabled").count() == 0
    assert value.input_value() == "2"
    auto = panel.get_by_role("button", name="auto exaggeration")
    assert not auto.is_visible()
    scrub(page, 3)
    assert value.input_value() == "12"
    assert auto.is_visible()
    assert not panel.get_by_role("button", name="reset all").is_visible()


def test_the_card_has_text_and_image_and_hostile_texts_are_texts(open_recording):
    page = open_recording()
    assert page.evaluate("window.hit") is None
    assert page.locator(".ne-caption strong").inner_text() == HOSTILE
    assert HOSTILE in page.locator(".ne-legend").inner_text()
    box = page.locator(".ne-canvas").bounding_box()
    card = page.locator(".ne-card")
    for step in range(400):
        x, y = step % 20, step // 20
        page.mouse.move(
            box["x"] + box["width"] * (0.05 + 0.045 * x), box["y"] + box["height"] * (0.05 + 0.045 * y)
        )
        if card.is_visible():
            break
    wait_until(page, lambda: card.locator("dd").count() == 1)
    assert card.locator("dd").inner_text() == HOSTILE
    assert card.locator("canvas").is_visible()
    assert page.locator("img").count() == 0
    assert page.evaluate("window.hit") is None


def test_the_legend_filters(open_recording):
    page = open_recording()
    before = page.locator(".ne-canvas").screenshot()
    page.locator(".ne-item").nth(1).click()
    page.wait_for_timeout(300)
    page.mouse.move(2, 2)
    page.wait_for_timeout(300)
    assert page.locator(".ne-canvas").screenshot() != before


def test_nothing_but_its_own_scripts_runs(open_recording):
    page = open_recording()
    page.evaluate(
        "const s = document.createElement('script'); s.textContent = 'window.hit = 2'; document.body.append(s)"
    )
    assert page.evaluate("window.hit") is None
    (complaint,) = open_recording.complaints
    assert "Content Security Policy" in complaint
    open_recording.complaints.clear()


@pytest.mark.parametrize("width", [420, 800])
def test_it_fits_the_window(open_recording, width):
    page = open_recording(viewport={"width": width, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    play = page.get_by_role("button", name="Play").bounding_box()
    assert play["y"] + play["height"] <= 640


def test_the_keys_of_the_live_timeline_leave_a_recording_alone(open_recording):
    page = open_recording()
    before = iteration(page)
    page.locator(".ne-canvas").focus()
    page.keyboard.press("[")
    scrub(page, 1)
    assert iteration(page) != before
    assert page.locator(".ne-where").text_content() == ""
