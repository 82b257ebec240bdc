"""The keys of a view within a host: the view takes each that its help lists, and the host none of them."""

from playwright.sync_api import expect

#: As the help writes them.
NAMED = {
    "space": " ",
    "←": "ArrowLeft",
    "→": "ArrowRight",
    "↑": "ArrowUp",
    "↓": "ArrowDown",
    "esc": "Escape",
}
# Whether a key was taken is known once all have heard it.
HEAR = """() => {
  window.neTaken = {};
  const hear = (event) => setTimeout(() => { neTaken[event.key] = event.defaultPrevented; });
  addEventListener("keydown", hear, true);
}"""


def every_key_reaches(page, view, cells):
    """Click into the picture and press every key of the view; `cells` selects what the host's own keys would change."""
    canvas = view.locator(".ne-canvas")
    canvas.click(position={"x": 8, "y": 8})
    expect(canvas).to_be_focused()
    page.keyboard.press("?")
    dialog = view.get_by_role("dialog", name="Keys")
    keys = [NAMED.get(key, key) for key in dialog.locator("kbd").all_inner_texts()]
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert len(set(keys)) > 25
    before = page.locator(cells).evaluate_all(
        "(all) => all.map((cell) => [cell.id, cell.localName, cell.className])"
    )
    assert before
    page.evaluate(HEAR)
    for key in keys:
        canvas.focus()
        page.keyboard.press(key)
        if key == "f":
            page.wait_for_timeout(200)
            page.keyboard.press(key)
        page.keyboard.press("Escape")  # closes the search, or the help
    page.wait_for_timeout(200)
    taken = page.evaluate("neTaken")
    assert [key for key in keys if not taken.get(key)] == []
    after = page.locator(cells).evaluate_all(
        "(all) => all.map((cell) => [cell.id, cell.localName, cell.className])"
    )
    assert after == before
