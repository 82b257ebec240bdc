"""What a person sees of a view: that it moves, halts, and answers."""

import time

import pytest


def iteration(view):
    return int(view.get_attribute("data-iteration") or 0)


def wait_until(condition, what, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)


def in_sight(view):
    """Have the picture in the window: hosts scroll when something is clicked, and a hidden view is sent nothing."""
    view.locator(".ne-canvas").first.scroll_into_view_if_needed()


def moves(view, frames=4):
    """Wait until the view has shown several iterations; a restart may take the count back to 0 meanwhile."""
    seen = set()

    def several():
        in_sight(view)
        seen.add(iteration(view))
        return len(seen) > frames

    wait_until(several, f"{frames} new iterations in view")


def still_picture(page, canvas):
    """Give the picture once nothing has moved in it for a second; a run that goes on never comes to that."""
    page.mouse.move(2, 2)  # where it shows no hover text
    last = None
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        picture = canvas.screenshot()
        if picture == last:
            return picture
        last = picture
        time.sleep(1.0)
    pytest.fail("the picture does not stand still")


def halted(view):
    """Give the iteration at which a paused view stands, once its last frame has come."""
    last, since = iteration(view), time.monotonic()
    while time.monotonic() - since < 2.5:
        time.sleep(0.1)
        if iteration(view) != last:
            last, since = iteration(view), time.monotonic()
    return last
