"""Text from the data cannot become markup or code: neither the sources nor the bundle hold what would make it so."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
JS = ROOT / "js"
STATIC = ROOT / "ne_interactive" / "widget" / "static"
SHIPPED = [*sorted((JS / "src").glob("*.ts")), *sorted(STATIC.glob("*.js"))]

FROM_TEXT = (
    "innerHTML|outerHTML|insertAdjacentHTML|srcdoc|createContextualFragment|parseFromString|setHTMLUnsafe"
)
UNSAFE = {
    "markup from text": rf"\b(?:{FROM_TEXT})\b",
    "markup written": r"\bdocument\.writeln?\b",
    "code from text": r"\beval\s*\(|(?<![\w.])Function\s*\(|\bset(?:Timeout|Interval)\(\s*[\"'`]",
    "code from elsewhere": r"(?<![\w.])import\s*\(|\bimportScripts\b|\bnew Worker\b",
    "the network": r"(?<![\w.])fetch\s*\(|\bXMLHttpRequest\b|\bWebSocket\b|\bEventSource\b|\bsendBeacon\b",
    "an address": r"https?://(?!www\.w3\.org/2000/svg)|//(?:cdn|unpkg|esm)\b",
}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_nothing_unsafe_is_shipped(path):
    text = path.read_text(encoding="utf-8")
    found = {what: hit[0] for what, pattern in UNSAFE.items() if (hit := re.search(pattern, text))}
    assert found == {}


def test_the_style_sheet_asks_for_nothing():
    text = (STATIC / "widget.css").read_text(encoding="utf-8")
    assert re.findall(r"@import|url\((?!\"?data:)|expression\(", text) == []


@pytest.mark.parametrize(
    "line",
    [
        "element.innerHTML = text;",
        "element.outerHTML = text;",
        'element.insertAdjacentHTML("beforeend", text);',
        "document.write(text);",
        'new Function("a", text);',
        "import(text);",
        "fetch(text);",
        'setTimeout("text", 1);',
    ],
)
def test_the_linter_refuses_it_too(line, tmp_path):
    for name in ("biome.json", "safe.grit"):
        shutil.copy(JS / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(JS / "node_modules", target_is_directory=True)
    (tmp_path / "src").mkdir()
    source = "export function f(element: HTMLElement, text: string): void {\n  ELEMENT(element, text);\n}\n"
    command = [JS / "node_modules" / ".bin" / "biome", "lint", "src/tried.ts"]
    for wanted, what in ((0, "ELEMENT.log(element, text);"), (1, f"{line}\n  ELEMENT.log(element, text);")):
        (tmp_path / "src" / "tried.ts").write_text(source.replace("ELEMENT(element, text);", what))
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == wanted, done.stdout + done.stderr
    assert "never made from text" in done.stdout + done.stderr
