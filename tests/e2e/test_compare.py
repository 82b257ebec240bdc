"""A real JupyterLab: two runs side by side move, are halted at once, and share what is selected with a cell."""

from playwright.sync_api import expect

from .cells import opened
from .watching import halted, moves, wait_until


def test_two_runs_are_compared(server, page):
    view = opened(server, page, "compare", ".ne-compare")
    panes = [view.get_by_role("group", name=name, exact=True) for name in ("few", "many")]
    for pane in panes:
        moves(pane)
    view.get_by_role("button", name="Pause all").click()
    for pane in panes:
        halted(pane)
        expect(pane).to_have_attribute("data-state", "paused")
    view.get_by_role("button", name="box", exact=True).click()
    box = panes[1].locator(".ne-canvas").bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] - 2, steps=3)
    page.mouse.up()
    expect(view.get_by_role("region", name="Selection")).to_contain_text("300 selected")
    page.locator(".jp-CodeCell .cm-content").nth(1).click()
    page.keyboard.press("Control+Enter")
    output = page.locator(".jp-CodeCell").nth(1).locator(".jp-OutputArea-output")
    wait_until(lambda: "299]" in output.inner_text().replace("\n", ""), "the cell has the selection", 20)
