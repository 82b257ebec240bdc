"""A real JupyterLab: beside the live view the same run as a Plotly figure and as ipywidgets."""

from playwright.sync_api import expect

from .cells import ask_kernel, ready
from .watching import moves, wait_until

FITS = "plot => Math.abs(plot._fullLayout.width - plot.parentElement.getBoundingClientRect().width) < 3"
X = "plot => [...plot.data[0].x].reduce((sum, x) => sum + x, 0)"


def test_a_plotly_figure_and_ipywidgets_follow_the_run_and_steer_it(server, page):
    page.goto(server.url("lab/workspaces/beside/tree/beside.ipynb"))
    ready(page)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    view = page.locator(".ne-root")
    expect(view).to_be_visible(timeout=60_000)
    moves(view)

    plot = page.locator(".js-plotly-plot")
    expect(plot).to_be_visible(timeout=60_000)
    plot.scroll_into_view_if_needed()
    wait_until(lambda: plot.evaluate(FITS), "the figure takes the width of its place", 20)
    seen = set()
    wait_until(lambda: seen.add(plot.evaluate(X)) or len(seen) > 3, "the points of the figure move", 30)
    assert plot.locator(".modebar-btn").count() > 3
    assert plot.locator("[data-title*='loud'], [data-title*='tudio']").count() == 0  # nothing is uploaded

    ask_kernel(page, "w.run.pause() or p._worker.wait(10)")
    plot.scroll_into_view_if_needed()
    plot.hover()
    plot.locator("[data-title='Box Select']").click()
    box = plot.locator(".nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 2, steps=6)
    page.mouse.up()
    low, high = plot.evaluate("plot => plot._fullLayout.xaxis.range")
    drawn = "plot => (plot.layout.selections ?? []).length"
    wait_until(lambda: plot.evaluate(drawn) == 1, "the box is drawn", 20)
    end = plot.evaluate("({ layout }) => Math.max(layout.selections[0].x0, layout.selections[0].x1)")
    assert abs(end - (low + high) / 2) < 2 * (high - low) / box["width"]  # to a pixel, as a mouse has it
    left = f"np.flatnonzero(w.run.embedding[:, 0] < {end})"
    wait_until(lambda: ask_kernel(page, "len(p.selection) > 0") == "True", "the selection arrives", 20)
    assert (
        ask_kernel(page, f"p.selection.tolist() == {left}.tolist(), 0 < len(p.selection) < 300")
        == "True True"
    )

    before = float(ask_kernel(page, 'w.run.params["repulsion_strength"]'))
    row = page.locator(".widget-hbox").filter(has_text="repulsion_strength").last
    row.scroll_into_view_if_needed()
    row.locator(".noUi-handle").focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    told = lambda: float(ask_kernel(page, 'w.run.params["repulsion_strength"]'))  # noqa: E731
    wait_until(lambda: told() > before, "what was set beside the view arrives", 20)
    view.scroll_into_view_if_needed()
    shown = view.get_by_role("textbox", name="repulsion_strength value")
    wait_until(lambda: abs(float(shown.input_value()) - told()) < 0.01 * told(), "the view shows it, too", 20)
    ask_kernel(page, "w.run.resume()")
    view.scroll_into_view_if_needed()
    moves(view)
