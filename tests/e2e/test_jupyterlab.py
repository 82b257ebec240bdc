"""A real JupyterLab, a real browser: notebook 01 as a person runs it, watched, steered, paused and resumed."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browsers import ARGUMENTS, browser_path

ROOT = Path(__file__).parents[2]
NOTEBOOK = "01_first_embedding.ipynb"
POINTS = "5000"  # of Fashion-MNIST; on a small machine all 70,000 take minutes to find their neighbours

# What JupyterLab itself writes to the console, whatever notebook is open; each with its reason.
NOISE: list[tuple[str, str]] = []


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The address of a JupyterLab with its own settings on a copy of the notebooks."""
    home = tmp_path_factory.mktemp("jupyterlab")
    shutil.copytree(ROOT / "notebooks", home / "notebooks", ignore=shutil.ignore_patterns(".*"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    own = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTER_RUNTIME_DIR": "runtime",
    }
    own |= {"JUPYTERLAB_WORKSPACES_DIR": "workspaces", "IPYTHONDIR": "ipython"}
    environment = {**os.environ, **{name: str(home / folder) for name, folder in own.items()}}
    environment |= {"JUPYTER_TOKEN": token, "NE_INTERACTIVE_N": POINTS, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
    command += [
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={home / 'notebooks'}",
    ]
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    silence = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    silence.parent.mkdir(parents=True)  # no question about news in front of the controls
    silence.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    log = home / "log.txt"
    with log.open("wb") as file:
        server = subprocess.Popen(command, cwd=home, env=environment, stdout=file, stderr=file)
    try:
        wait_for_server(server, f"http://127.0.0.1:{port}/api", log)
        yield f"http://127.0.0.1:{port}/lab/tree/{NOTEBOOK}?token={token}"
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()


def wait_for_server(server, url, log):
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            direct.open(url, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail("JupyterLab did not come up:\n" + log.read_text()[-3000:])


@pytest.fixture
def page():
    """A page that fails the test if anything is written to the console as an error."""
    errors = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
        browser.close()
    assert [text for text in errors if not any(re.fullmatch(noise, text) for noise, _ in NOISE)] == []


def iteration(view):
    return int(view.get_attribute("data-iteration") or 0)


def wait_until(condition, what, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)


def moves(view, frames=4):
    """Wait until the view has shown several iterations; a restart may take the count back to 0 meanwhile."""
    seen = set()

    def several():
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


def ask_kernel(page, expression):
    """Run one more cell at the end of the notebook, as a person would, and give what it prints."""
    mark = secrets.token_hex(4)
    page.locator(".jp-Notebook .jp-Cell").last.locator(".jp-InputPrompt, .jp-MarkdownOutput").first.click()
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    editor = page.locator(".jp-Notebook .jp-CodeCell").last.locator(".cm-content")
    editor.click()
    page.keyboard.insert_text(f'print("{mark}", {expression})')
    page.keyboard.press("Control+Enter")
    shown = (
        page.locator(".jp-Notebook .jp-CodeCell").last.locator(".jp-OutputArea-output").filter(has_text=mark)
    )
    expect(shown).to_be_visible(timeout=30_000)
    return shown.inner_text().replace(mark, "").strip()


def test_notebook_one_is_watched_and_steered(address, page):
    page.goto(address)
    expect(page.locator(".jp-Notebook .jp-CodeCell").first).to_be_visible(timeout=90_000)
    # JupyterLab drops what it is told to run before the kernel has answered.
    expect(page.get_by_role("button", name="Python 3 (ipykernel) | Idle")).to_be_visible(timeout=90_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    expect(page.get_by_text("moving by itself: True")).to_be_visible(timeout=150_000)
    assert page.get_by_text("over 95 times in 100").count() >= 1
    assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0

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
