"""Cells of a notebook in JupyterLab, written and run as a person does."""

import secrets

from playwright.sync_api import expect


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
