"""One HTML file that shows a recording: the live view's own bundle, the data, and a policy that allows nothing else."""

import base64
import hashlib
import html
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from ne_interactive.quality.files import whole

STATIC = Path(__file__).parent / "static"
EXPORT = "export default neView.default;\n"
"""The last line of the bundle, which makes a module of it; a page without a server can import none."""
STYLE = """
html { color-scheme: light dark; }
body { margin: 0; padding: 16px; background: #f6f7f8; }
@media (prefers-color-scheme: dark) { body { background: #0d0e10; } }
@media (max-width: 600px) { body { padding: 0; } }
noscript, .ne-failed { font: 14px system-ui, sans-serif; }
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<noscript>This page plays a recording, which needs JavaScript. It asks for nothing over the network.</noscript>
<div id="ne-view"></div>
<script type="application/json" id="ne-record">{record}</script>
<script>{view}</script>
<script>{player}</script>
</body>
</html>
"""


def empty_page_size() -> int:
    """Give the bytes of a page without data."""
    return len(_filled("", "{}").encode())


def write_page(path: str | os.PathLike[str], title: str, record: dict[str, Any]) -> Path:
    """Write a page that needs no server, no network and no kernel."""
    path = Path(path)
    text = _filled(title, inert(record))
    with whole(path) as file:
        file.write_text(text, encoding="utf-8", newline="\n")
    return path


def inert(value: Any) -> str:
    """Give JSON for a script element: ASCII without <, > and &, so that nothing in it ends the element."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _filled(title: str, record: str) -> str:
    view, player, style = parts()
    policy = [
        "default-src 'none'",
        f"script-src {_hash(view)} {_hash(player)}",
        f"style-src {_hash(style)}",
        "img-src blob:",  # encoded pictures under the pointer
        "base-uri 'none'",
        "form-action 'none'",
    ]
    texts = {"title": html.escape(title or "ne_interactive"), "policy": "; ".join(policy)}
    return PAGE.format(**texts, record=record, view=view, player=player, style=style)


@cache
def parts() -> tuple[str, str, str]:
    """Give the scripts of view and player, and the style, as they stand in the page."""
    view, player, style = (
        (STATIC / name).read_text(encoding="utf-8") for name in ("widget.js", "offline.js", "widget.css")
    )
    return "\n" + view.removesuffix(EXPORT), "\n" + player, STYLE + style


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
