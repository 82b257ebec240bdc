from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from ..browsers import ARGUMENTS, browser_path
from .host import Host, serving, until


@pytest.fixture(scope="package")
def address() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of this folder; ends with them, so that others can start theirs."""
    path = browser_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=[*ARGUMENTS, "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture
def open_host(chromium: Browser, address: str):
    """Open host pages; each test ends with a look at the console, which must be empty. No request may leave."""
    contexts, complaints = [], []

    def open_page(script: str = "", **options) -> Host:
        context = chromium.new_context(**{"viewport": {"width": 1000, "height": 760}} | options)
        contexts.append(context)
        context.on("request", lambda request: complaints.append(request.url) if leaves(request.url) else None)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        if script:
            page.add_init_script(script)
        page.goto(address)
        until(page, "window.hostReady")
        return Host(page)

    yield open_page
    for context in contexts:
        context.close()
    # Software WebGL says that reading pixels back is slow; the tests do that on purpose.
    assert [text for text in complaints if "GPU stall" not in text and "willReadFrequently" not in text] == []


@pytest.fixture
def host(open_host) -> Host:
    return open_host()


def leaves(url: str) -> bool:
    """Tell whether a request goes to another machine."""
    return not url.startswith(("http://127.0.0.1:", "data:", "blob:", "about:"))
