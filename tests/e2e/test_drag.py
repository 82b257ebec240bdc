"""In a real JupyterLab a point is dragged while the run moves: it stays where it was put, until it is released."""

import ast
import contextlib
import itertools

from playwright.sync_api import expect

from .cells import ask_kernel, opened
from .watching import moves, wait_until


def test_a_point_dragged_while_the_run_moves_stays(server, page):
    view = opened(server, page, "drag")
    moves(view)

    held = view.get_by_label("Pinned points")
    box = view.locator(".ne-stage").bounding_box()
    view.get_by_role("button", name="move points").click()
    shares = (0.5, 0.42, 0.58, 0.35, 0.65, 0.3, 0.7)
    # until there is a point under the pointer
    for down, across in itertools.product((0.5, 0.4, 0.6), shares):
        x, y = box["x"] + across * box["width"], box["y"] + down * box["height"]
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 60, y - 70, steps=8)
        page.mouse.up()
        with contextlib.suppress(AssertionError):
            expect(held).to_be_visible(timeout=6_000)
            break
        view.get_by_role("button", name="Reset view").click()  # it was panned instead
    expect(held).to_contain_text("1 pinned")

    ask = "(w.run.iteration, w.run.pinned.tolist(), w.run.embedding[w.run.pinned].tolist())"
    before, pins, there = ast.literal_eval(ask_kernel(page, ask))
    assert len(pins) == 1
    wait_until(lambda: int(ask_kernel(page, "w.run.iteration")) > before, "the run goes on")
    after, still, where = ast.literal_eval(ask_kernel(page, ask))
    assert after > before
    assert (still, where) == (pins, there)

    view.scroll_into_view_if_needed()
    held.get_by_role("button", name="release all").click()
    wait_until(lambda: ask_kernel(page, "w.run.pinned.tolist()") == "[]", "it is released")
    view.scroll_into_view_if_needed()
    expect(held).to_be_hidden()
