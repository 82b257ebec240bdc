"""Notebook 7: the same view, in the other classic host."""

from playwright.sync_api import expect

from .keys import every_key_reaches
from .watching import halted, iteration, moves, wait_until


def test_a_run_is_watched_and_steered_in_notebook_7(server, page):
    page.goto(server.url("notebooks/live.ipynb"))
    expect(page.locator(".jp-Notebook .jp-CodeCell").first).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Python 3 (ipykernel)").first).to_be_visible(timeout=60_000)
    page.locator(".jp-CodeCell .cm-content").first.click()
    view = page.locator(".ne-root")

    def shown():
        if view.count() == 0:
            page.keyboard.press("Control+Enter")  # dropped as long as the kernel has not answered
            page.wait_for_timeout(2000)
        return view.count() == 1

    wait_until(shown, "the view appears")
    view.scroll_into_view_if_needed()
    moves(view)
    view.get_by_role("button", name="Pause", exact=True).click()
    expect(view).to_have_attribute("data-state", "paused")
    slider = view.get_by_role("slider", name="exaggeration", exact=True)
    slider.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(slider).to_be_focused()  # the notebook took no key
    expect(view.get_by_role("button", name="auto exaggeration")).to_have_attribute("aria-pressed", "false")
    before = halted(view)
    view.locator(".ne-canvas").focus()
    page.keyboard.press(".")
    wait_until(lambda: iteration(view) == before + 1, "one step by key")
    page.keyboard.press(" ")
    moves(view)
    page.keyboard.press("?")
    expect(view.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    every_key_reaches(page, view, ".jp-Cell")
    view.locator(".ne-canvas").focus()
    page.keyboard.press("Control+s")  # the notebook's own
    file = server.folder / "live.ipynb"
    wait_until(lambda: "widget-view+json" in file.read_text(), "the notebook is saved", 20)
