"""A real JupyterLab: the page is loaded anew while the kernel lives, and the kernel is started anew under the view."""

from playwright.sync_api import expect

from .cells import opened, ready
from .watching import halted, iteration, moves, wait_until

INKED = """canvas => { const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let count = 0; for (let i = 3; i < data.length; i += 4) if (data[i]) count++; return count; }"""


def test_the_view_survives_a_reload_and_says_when_the_kernel_is_gone(server, page):
    view = opened(server, page, "links")
    moves(view)
    view.get_by_role("button", name="Pause", exact=True).click()
    expect(view).to_have_attribute("data-state", "paused")
    at = halted(view)
    view.locator(".ne-canvas").focus()
    page.keyboard.press("Control+s")  # a key of the notebook's, which the view leaves to it
    wait_until(
        lambda: "widget-view+json" in (server.folder / "links.ipynb").read_text(), "the notebook is saved", 20
    )

    page.reload()
    ready(page)
    expect(view).to_be_visible(timeout=60_000)
    wait_until(lambda: iteration(view) == at, "the present frame comes back", 30)
    expect(view).to_have_attribute("data-state", "paused")
    view.get_by_role("button", name="Play", exact=True).click()
    moves(view)

    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name="Restart Kernel…").first.click()
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    expect(view.get_by_role("alert").get_by_text("The kernel is gone")).to_be_visible(timeout=30_000)
    expect(view.locator(".ne-state")).to_have_text("kernel gone: run the cell again")
    assert view.locator(".ne-canvas").evaluate(INKED) > 100
    view.locator(".ne-canvas").focus()
    page.keyboard.press("+")  # what needs no kernel can be done
    expect(view.get_by_role("button", name="Reset view")).to_be_enabled()
