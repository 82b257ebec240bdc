"""A real JupyterLab, a real browser: notebook 01 as a person runs it, watched, steered, paused and resumed."""

from playwright.sync_api import expect

from .cells import ask_kernel, ready
from .watching import iteration, moves, still_picture, wait_until

NOTEBOOK = "01_first_embedding.ipynb"


def test_notebook_one_is_watched_and_steered(server, page):
    page.goto(server.url(f"lab/workspaces/first/tree/{NOTEBOOK}"))
    ready(page)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    expect(page.get_by_text("moving by itself: True")).to_be_visible(timeout=150_000)
    assert page.get_by_text("over 95 times in 100").count() >= 1
    assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0

    # So few points end, or rest, before a hand has found the buttons.
    ask_kernel(page, 'setattr(big.run, "max_speed", 40) or setattr(big.run, "max_iter", 100_000)')
    # A view that nobody sees is sent nothing; each moves once it is in sight.
    for view in (page.locator(".ne-root").first, page.locator(".ne-root").last):
        view.scroll_into_view_if_needed()
        view.get_by_role("button", name="Restart", exact=True).click()
        expect(view).to_have_attribute("data-state", "running")
        moves(view)
    canvas = view.locator("canvas").first

    exaggeration = view.get_by_role("slider", name="exaggeration", exact=True)
    assert "True" in ask_kernel(page, 'big.run.following["exaggeration"]')
    view.scroll_into_view_if_needed()
    view.get_by_role("button", name="Pause", exact=True).click()
    expect(view).to_have_attribute("data-state", "paused")
    wait_until(
        lambda: iteration(view) == int(ask_kernel(page, "big.run.iteration")),
        "the view shows where it halted",
    )
    view.scroll_into_view_if_needed()
    halted = iteration(view)
    before = still_picture(page, canvas)
    assert iteration(view) == halted

    exaggeration.focus()
    page.keyboard.press("End")
    wait_until(
        lambda: float(ask_kernel(page, 'big.run.params["exaggeration"]')) > 20, "exaggeration arrives", 20
    )
    assert ask_kernel(page, 'big.run.following["exaggeration"]') == "False"
    exaggeration.focus()  # keys that JupyterLab has shortcuts for stay with the slider, too
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    expect(exaggeration).to_be_focused()
    wait_until(
        lambda: float(ask_kernel(page, 'big.run.params["exaggeration"]')) < 30, "the arrow keys arrive", 20
    )

    view.scroll_into_view_if_needed()
    view.get_by_role("button", name="Play", exact=True).click()
    expect(view).to_have_attribute("data-state", "running")
    moves(view, frames=8)
    view.get_by_role("button", name="Pause", exact=True).click()
    expect(view).to_have_attribute("data-state", "paused")
    assert still_picture(page, canvas) != before

    view.get_by_role("button", name="auto exaggeration", exact=True).click()
    wait_until(
        lambda: ask_kernel(page, 'big.run.following["exaggeration"]') == "True", "auto gives it back", 20
    )
    view.scroll_into_view_if_needed()
    view.get_by_role("button", name="Play", exact=True).click()
    moves(view)
