"""In a real JupyterLab: a run is changed three times, taken back, branched, compared, exported, and made again."""

import ast

from playwright.sync_api import expect

from .cells import ask_kernel, opened, run_below
from .watching import in_sight, iteration, moves, wait_until

CHANGES = {"exaggeration": "PageUp", "repulsion_strength": "PageUp", "dof": "PageDown"}


def press(view, name):
    view.get_by_role("button", name=name, exact=True).click()


def test_changed_taken_back_branched_compared_exported_and_made_again(server, page):
    view = opened(server, page, "whole")
    moves(view)

    marks = view.locator(".ne-mark")
    for done, (name, key) in enumerate(CHANGES.items()):
        view.get_by_role("slider", name=name, exact=True).press(key)
        expect(marks).to_have_count(done + 1, timeout=20_000)
        moves(view)
    told = [mark.get_attribute("aria-label") for mark in marks.all()]
    second = int(told[1].split(":")[0])
    assert [text.split()[1] for text in told] == list(CHANGES)

    view.scroll_into_view_if_needed()
    marks.nth(1).click()
    press(view, "Branch from here")
    expect(marks).to_have_count(1, timeout=30_000)  # what came after the second change is not in the branch
    wait_until(lambda: in_sight(view) or iteration(view) > second + 40, "the branch goes on")
    view.get_by_role("slider", name="timeline").focus()
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    press(view, "Continue from here")
    moves(view)
    press(view, "Pause")
    expect(view).to_have_attribute("data-state", "paused")
    facts = "[(b.run.iteration, b.run.params['exaggeration'], b.run.params['dof']) for b in w.branches]"
    first, branch = ast.literal_eval(ask_kernel(page, facts))
    assert first[0] > second <= branch[0]
    assert first[1] == branch[1] != 1
    assert first[2] != branch[2] == 1

    cell = run_below(page, "c = ne.compare([b.run for b in w.branches], labels=clothes.y)\nc")
    sides = cell.locator(".ne-compare")
    expect(sides).to_be_visible(timeout=30_000)
    pictures = sides.locator(".ne-pane[data-frames]")

    def both_move():
        sides.scroll_into_view_if_needed()  # hosts scroll, and what is out of sight is sent nothing
        return pictures.count() == 2 and int(pictures.nth(1).get_attribute("data-frames")) > 5

    wait_until(both_move, "both branches move")
    there = ask_kernel(page, "(c.pause(), w.run.iteration)[1]")

    run_below(
        page,
        "w.to_html('whole.html')\nscript = w.run.recipe().python()\nmade = {'X': clothes.X}\nexec(script, made)",
    )
    assert ask_kernel(page, "np.array_equal(made['Z'], w.run.embedding)") == "True"
    assert ask_kernel(page, "w.run.embedding.shape") == "(1500, 2)"
    page.goto((server.folder / "whole.html").as_uri())
    recording = page.locator(".ne-root")
    expect(recording).to_have_attribute("data-iteration", there, timeout=20_000)
    press(recording, "Play")
    moves(recording)
