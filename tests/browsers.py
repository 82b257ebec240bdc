"""Where the browser for the tests comes from: one on PATH, else Playwright's own."""

from __future__ import annotations

import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# WebGL2 in software, so that pictures are the same on machines without a GPU; a root user has no sandbox.
ARGUMENTS = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
)


def find_browser() -> str | None:
    """Give the path of a Chromium or Chrome, or None where there is none."""
    for name in NAMES:
        path = shutil.which(name)
        if path:
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def browser_path() -> str:
    """Give the path of a browser, or fail saying how to get one."""
    path = find_browser()
    if path is None:
        raise RuntimeError(
            "The browser tests need Chromium or Chrome. `./ne test` installs it; "
            "by hand: `apt-get install chromium`, or `python -m playwright install chromium`."
        )
    return path
