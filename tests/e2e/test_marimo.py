"""marimo: another server, another protocol, the same view; buffers arrive as its own front end decodes them."""

import pytest
from playwright.sync_api import expect

from .keys import every_key_reaches
from .servers import marimo
from .watching import halted, iteration, moves, wait_until

APP = """
import marimo
app = marimo.App()

@app.cell
def _():
    import marimo as mo
    import numpy as np
    import ne_interactive as ne
    X = np.random.default_rng(0).normal(size=(300, 5)) + 6 * np.eye(5)[np.arange(300) % 5]
    method = ne.TSNE(random_state=0, perplexity=10, tol=0, min_grad_norm=0)  # never at rest
    w = ne.explore(X, method, labels=np.arange(300) % 5, height=400, max_speed=100)
    {shown}
    return

if __name__ == "__main__":
    app.run()
"""


@pytest.mark.parametrize("shown", ["mo.ui.anywidget(w)"])
def test_a_run_is_watched_and_steered_in_marimo(page, tmp_path, shown):
    app = tmp_path / "app.py"
    app.write_text(APP.format(shown=shown))
    with marimo(tmp_path, app) as server:
        page.goto(server.url(""))
        view = page.locator(".ne-root")
        expect(view).to_be_visible(timeout=60_000)
        moves(view)
        view.get_by_role("button", name="Pause", exact=True).click()
        expect(view).to_have_attribute("data-state", "paused")
        slider = view.get_by_role("slider", name="exaggeration", exact=True)
        slider.focus()
        page.keyboard.press("End")
        expect(view.get_by_role("button", name="auto exaggeration")).to_have_attribute(
            "aria-pressed", "false"
        )
        before = halted(view)
        view.locator(".ne-canvas").focus()
        page.keyboard.press(".")
        wait_until(lambda: iteration(view) == before + 1, "one step by key")
        page.keyboard.press(" ")
        moves(view)
        assert float(view.get_by_role("textbox", name="exaggeration value").input_value()) > 20
        page.keyboard.press("?")
        expect(view.get_by_role("dialog", name="Keys")).to_be_visible()
        page.keyboard.press("Escape")
        every_key_reaches(page, view, "[data-cell-id], [id^=cell-]")
        page.goto("about:blank")  # before the server ends
