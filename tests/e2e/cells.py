"""Cells of a notebook in JupyterLab, written and run as a person does."""

import secrets

from playwright.sync_api import expect


def ready(page):
    """Wait until JupyterLab shows a notebook and its kernel has answered: what is to be run before that is dropped."""
    expect(page.locator(".jp-Notebook .jp-CodeCell").first).to_be_visible(timeout=90_000)
    expect(page.get_by_role("button", name="Python 3 (ipykernel) | Idle")).to_be_visible(timeout=90_000)


def opened(server, page, name, shows=".ne-root"):
    """Open a notebook in a workspace of its name, run its first cell, and give what that shows."""
    page.goto(server.url(f"lab/workspaces/{name}/tree/{name}.ipynb"))
    ready(page)
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Control+Enter")
    view = page.locator(shows).first
    expect(view).to_be_visible(timeout=90_000)
    return view


def run_below(page, code):
    """Run one more cell at the end of the notebook, and give the cell."""
    page.locator(".jp-Notebook .jp-Cell").last.locator(".jp-InputPrompt, .jp-MarkdownOutput").first.click()
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    cell = page.locator(".jp-Notebook .jp-CodeCell").last
    cell.locator(".cm-content").click()
    page.keyboard.insert_text(code)
    page.keyboard.press("Control+Enter")
    return cell


def ask_kernel(page, expression):
    """Give what a cell prints of an expression."""
    mark = secrets.token_hex(4)
    cell = run_below(page, f'print("{mark}", {expression})')
    shown = cell.locator(".jp-OutputArea-output").filter(has_text=mark)
    expect(shown).to_be_visible(timeout=30_000)
    return shown.inner_text().replace(mark, "").strip()
