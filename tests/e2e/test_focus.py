"""A real JupyterLab: some points are selected, focused on and re-embedded alone; back with all, the others stand where
they stood."""

from playwright.sync_api import expect

from .cells import ask_kernel, opened
from .watching import halted, moves


def test_a_selection_is_focused_on_and_left_again(server, page):
    view = opened(server, page, "focus")
    moves(view)
    view.get_by_role("button", name="Pause").click()
    halted(view)
    assert ask_kernel(page, "(before := w.run.embedding).shape") == "(300, 2)"
    view.scroll_into_view_if_needed()
    view.get_by_role("button", name="box", exact=True).click()
    box = view.locator(".ne-canvas").bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 2, steps=3)
    page.mouse.up()
    panel = view.get_by_role("region", name="Selection")
    expect(panel).to_contain_text("selected")
    panel.get_by_role("button", name="focus on selection").click()
    expect(panel).to_contain_text("of 300 points")
    assert ask_kernel(page, "(w.run.focused, 3 <= (k := w.run.n) < 300, (ids := w.run.ids).size == k)") == (
        "(True, True, True)"
    )
    view.scroll_into_view_if_needed()
    view.get_by_role("button", name="Play", exact=True).click()
    moves(view)
    view.get_by_role("button", name="Pause").click()
    halted(view)
    assert ask_kernel(page, "bool((w.run.embedding != before[ids]).any(1).all())") == "True"
    view.scroll_into_view_if_needed()
    panel.get_by_role("button", name="back to all points").click()
    expect(view).not_to_contain_text("of 300 points")
    assert ask_kernel(page, "(w.run.focused, np.array_equal(w.run.embedding, before))") == "(False, True)"
