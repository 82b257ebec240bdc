"""Hostile names, labels, values, marks and texts go through the real widget and through Plotly, and stay text."""

import numpy as np
import pytest

from ne_interactive.engine.stepper import Stepper
from ne_interactive.methods.tsne import TSNE
from ne_interactive.widget.explorer import Explorer
from ne_interactive.widget.plotly_view import PlotlyView

from ..hostile import ADDRESS, TEXTS
from .bridge import Bridge, without_kernel
from .conftest import leaves

N = len(TEXTS)
HARMLESS = [f"word {i}" for i in range(N)]
SHAPE = "root => [...root.querySelectorAll('*')].map((e) => e.tagName.toLowerCase())"
RISKY = """root => [...root.querySelectorAll('*')].flatMap((e) => [...e.attributes])
  .map(({name}) => name).filter((name) => /^(on|src|href|action|formaction|xlink)/.test(name))"""
LINKS = """plot => [...plot.querySelectorAll('a')].flatMap((a) => [...a.attributes])
  .filter(({name}) => name.endsWith('href')).map(({value}) => value)"""
PLACES = """async () => {
  const plot = document.querySelector('.js-plotly-plot');
  await Plotly.relayout(plot, {showlegend: false});  // long names leave the points little room
  const {xaxis, yaxis} = plot._fullLayout;
  const {left, top} = plot.getBoundingClientRect();
  return plot._fullData.slice(0, 12).map(({x, y}) =>
    [left + xaxis._offset + xaxis.l2p(x[0]), top + yaxis._offset + yaxis.l2p(y[0])]);
}"""


def run_of(texts):
    run = Stepper(np.random.default_rng(0).normal(size=(N, 5)), TSNE(perplexity=5, random_state=0))
    run.step(2)
    for text in texts:
        run.mark(text)
        run.step(1)
    return run


def explorer_of(texts):
    columns = {text: texts[i:] + texts[:i] for i, text in enumerate(texts[:8])}
    return Explorer(run_of(texts), labels=texts, hover=columns, title=texts[0])


@pytest.fixture
def views(open_host):
    """The same view twice, once with harmless texts; they must be built alike."""
    host = open_host(viewport={"width": 1200, "height": 800})
    with without_kernel():
        explorers = [explorer_of(TEXTS), explorer_of(HARMLESS)]
    bridges = [Bridge(host, explorer) for explorer in explorers]
    for bridge in bridges:
        bridge.view.scroll_into_view_if_needed()
        bridge.until(
            lambda bridge=bridge: bridge.view.get_attribute("data-iteration") == str(N + 2), "a frame"
        )
        bridge.pump()
    host.settle(400)
    yield host, bridges
    for explorer in explorers:
        explorer.close()
        explorer.run.stop()


def unharmed(host, bridges):
    assert host.page.evaluate("window.broken") is None
    shapes = [bridge.view.evaluate(SHAPE) for bridge in bridges]
    assert shapes[0] == shapes[1]
    assert bridges[0].view.evaluate(RISKY) == []


def test_the_view_is_built_as_with_harmless_texts(views):
    host, bridges = views
    unharmed(host, bridges)
    labels = bridges[0].view.locator(".ne-item .ne-label").all_text_contents()
    assert len(labels) == N
    assert {TEXTS[0], "__proto__", "constructor"} <= set(labels)
    marks = bridges[0].view.locator(".ne-mark")
    assert marks.count() == N
    assert TEXTS[0] in marks.first.get_attribute("aria-label")
    for bridge in bridges:
        bridge.view.locator(".ne-mark").first.focus()
    assert TEXTS[0] in bridges[0].view.locator(".ne-tip").text_content()
    assert host.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert host.page.evaluate("({}).polluted === undefined && Object.keys(Object.prototype).length === 0")


def test_what_hangs_at_a_point_is_text(views):
    host, bridges = views
    seen = set()
    for point in range(1, N, 5):
        for bridge in bridges:
            bridge.view.scroll_into_view_if_needed()
            box = bridge.view.locator(".ne-canvas").bounding_box()
            x, y = place(bridge.explorer.run.embedding, point, box)
            host.page.mouse.move(x + 60, y + 60)
            host.page.mouse.move(x, y)
            card = bridge.view.get_by_role("tooltip")
            bridge.until(lambda card=card: card.locator("dd").count() == 8, f"the card of point {point}")
            if bridge is bridges[0]:
                seen.update(card.locator("dd").all_text_contents())
        unharmed(host, bridges)
    assert {TEXTS[1], TEXTS[6], TEXTS[11]} <= seen


def place(Z, point, box):
    low, high = Z.min(axis=0), Z.max(axis=0)
    scale = 0.92 * min(box["width"] / (high[0] - low[0]), box["height"] / (high[1] - low[1]))
    x, y = (Z[point] - (low + high) / 2) * scale
    return box["x"] + box["width"] / 2 + float(x), box["y"] + box["height"] / 2 - float(y)


def test_what_is_typed_is_text(views):
    host, bridges = views
    for text in (TEXTS[0], TEXTS[1], TEXTS[13], "__proto__"):
        for bridge in bridges:
            for box in bridge.view.locator("input[type=text]:visible, input[type=search]:visible").all():
                box.fill(text)
                box.press("Enter")
                bridge.pump()
            bridge.pump()
            host.settle(100)
            bridge.pump()
    assert host.page.evaluate("window.broken") is None
    assert bridges[0].view.evaluate(RISKY) == []
    assert bridges[0].view.evaluate(SHAPE) == bridges[1].view.evaluate(SHAPE)


@pytest.mark.parametrize("c", [2, 3])
def test_plotly_shows_texts_as_texts(chromium, tmp_path, c):
    X = np.random.default_rng(0).normal(size=(N, 5))
    run = Stepper(X, TSNE(perplexity=5, random_state=0, n_components=c))
    with without_kernel():
        view = PlotlyView(run, labels=TEXTS, hover=dict.fromkeys(TEXTS[:8], TEXTS), title=TEXTS[0])
    path = tmp_path / "figure.html"
    view.figure_widget.write_html(path, include_plotlyjs=True, config=view.figure_widget._config)
    view.close()
    context = chromium.new_context(viewport={"width": 1000, "height": 900})
    page, asked = context.new_page(), []
    page.set_default_timeout(20_000)
    page.on("request", lambda request: asked.append(request.url))
    context.route("**/*", lambda route: route.fulfill(body=path.read_text(), content_type="text/html"))
    page.goto("http://127.0.0.1:9/figure.html")
    page.wait_for_selector(".legendtext", state="attached")
    assert "<script>" in "".join(page.locator(".legendtext").all_text_contents())
    if c == 2:
        shown = []
        for x, y in page.evaluate(PLACES):
            page.mouse.move(x + 1, y)
            page.wait_for_timeout(100)  # Plotly hovers at most every 50 ms
            shown.append(page.locator(".hoverlayer").text_content())
        assert sum("<img src=x" in text for text in shown) > 6, shown
    page.wait_for_timeout(300)
    assert page.evaluate("window.broken") is None
    plot = page.locator(".js-plotly-plot")
    assert plot.locator("img, script, iframe, link, math, object").count() == 0
    assert plot.evaluate(LINKS) == []
    assert [url for url in asked if leaves(url) or ADDRESS in url] == []
    context.close()
