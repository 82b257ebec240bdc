"""Drives the page of `host.js`: stands for the kernel, in front of the built bundle in a real browser."""

import base64
import functools
import http.server
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
STATIC = HERE.parents[1] / "ne_interactive" / "widget" / "static"
JS = HERE.parents[1] / "js"
# Stricter than any notebook: nothing from elsewhere, no code from text, no workers, no style attributes from text.
POLICY = "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-host'; img-src data: blob:; base-uri 'none'"


@functools.cache
def parts() -> bytes:
    """Bundle `js/test/parts.ts`: parts of the view, for tests that drive them without a kernel's messages."""
    node = shutil.which("node")
    assert node, "Node is missing on PATH; `./ne test` brings it into .venv."
    script = "require('esbuild').buildSync({entryPoints: ['test/parts.ts'], bundle: true, format: 'esm'})"
    command = [node, "-e", script]
    return subprocess.run(command, cwd=JS, capture_output=True, check=True).stdout


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves the host page and the built bundle, quietly."""

    def do_GET(self) -> None:
        """Serve a file, or the parts."""
        if self.path != "/parts.js":
            super().do_GET()
            return
        body = parts()
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def translate_path(self, path: str) -> str:
        name = Path(path.partition("?")[0]).name
        return str((STATIC if path.startswith("/static/") else HERE) / name)

    def end_headers(self) -> None:
        """Forbid what a strict site forbids, so that every test of the view runs under it."""
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Access-Control-Allow-Origin", "*")  # a frame without an origin imports modules, too
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[str]:
    """Serve on a free loopback port; gives the address of the host page."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler)) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/host.html"
        finally:
            server.shutdown()
            thread.join()


def until(page: Any, expression: str, arg: Any = None, seconds: float = 10.0) -> None:
    """Wait until an expression is true in a page, asking again from here: a page under a strict policy cannot."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression, arg):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {expression}"
        page.wait_for_timeout(20)


def control(name: str, **changes: Any) -> dict[str, Any]:
    """Describe one parameter as the kernel does."""
    row = {
        "name": name,
        "kind": "number",
        "help": f"Help for {name}.",
        "default": 1.0,
        "low": 0.0,
        "high": None,
    }
    row |= {
        "choices": None,
        "scale": "linear",
        "group": "method",
        "live": True,
        "redo": "nothing",
        "auto": False,
    }
    row |= {"ui_low": 0.0, "ui_high": 10.0, "value": 1.0, "following": False}
    return row | changes


def traits(
    n: int, categories: list[str] | None = None, codes: np.ndarray | None = None, **changes: Any
) -> dict[str, Any]:
    """Give the traits of a run of n points; codes default to the categories in turn."""
    items, kind = [], "none"
    if categories is not None:
        kind = "category"
        codes = np.arange(n) % len(categories) if codes is None else codes
        counts = np.bincount(codes, minlength=len(categories))
        items = [
            {"label": label, "count": int(count)} for label, count in zip(categories, counts, strict=True)
        ]
    legend = {"kind": kind, "name": "kind", "items": items, "low": 0.0, "high": 1.0, "missing": 0}
    scene = {"n": n, "c": 2, "method": "TSNE", "title": "", "hover": False, "hover_images": False}
    state = {
        "_protocol": 1,
        "_scene": scene | {"legend": legend},
        "_codes": "" if codes is None else encode(codes.astype("<u2")),
        "_controls": [],
        "_height": 480,
    }
    return state | changes


def encode(array: np.ndarray) -> str:
    """Give the bytes of an array as text, since that is all that can be handed to a page."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


COME_AND_GO = """async ([times, model, header, text]) => {
  const widget = (await import("/static/widget.js")).default;
  for (let time = 0; time < times; time++) {
    const el = document.body.appendChild(document.createElement("div"));
    const close = widget.render({ model: host.models[model], el });
    host.receive(model, header, [text]);
    for (let turn = 0; turn < 2; turn++) await new Promise(requestAnimationFrame);
    if (!el.querySelector(".ne-canvas").dataset.seq) throw new Error("nothing was shown");
    close();
    el.remove();
    host.models[model].sent.length = 0;
  }
}"""


class Host:
    """One page; `sent` are the messages of its views."""

    def __init__(self, page: Any) -> None:
        """Drive `page`, which shows the host page."""
        self.page = page
        self.seq = 0

    def call(self, name: str, *args: Any) -> Any:
        """Call a function of the page's host object."""
        return self.page.evaluate("([name, args]) => window.host[name](...args)", [name, list(args)])

    def show(self, state: dict[str, Any], style: str = "") -> int:
        """Make a model and mount a view of it; gives the number of both, counted from 0."""
        model = self.call("model", state)
        return self.call("mount", model, style)

    def sent(self, kind: str | None = None, model: int = 0) -> list[dict[str, Any]]:
        """Give the messages sent so far, of one kind or all."""
        messages = self.page.evaluate("(model) => window.host.models[model].sent", model)
        return [message for message in messages if kind in (None, message["k"])]

    def receive(self, content: dict[str, Any], *buffers: np.ndarray, model: int = 0) -> None:
        """Hand the page a message from the kernel."""
        self.call("receive", model, content, [encode(buffer) for buffer in buffers])

    def frame(self, Z: Any, *, key: bool = False, model: int = 0, wait: bool = True, **changes: Any) -> int:
        """Send positions Z (n, 2 or 3) as one frame; gives its seq. Waits until it is on screen."""
        self.seq += 1
        Z = np.asarray(Z, dtype=np.float32)
        c = Z.shape[1]
        low, scale = Z.min(axis=0).astype(float), np.ptp(Z.astype(float), axis=0) / 65535
        levels = np.rint((Z - low) / np.where(scale > 0, scale, 1)).astype("<u2")
        header = {
            "k": "frame",
            "seq": self.seq,
            "it": 10 * self.seq,
            "n": len(Z),
            "c": c,
            "q": "f32" if key else "u16",
        }
        header |= {"lo": [0.0] * c if key else low.tolist(), "sc": [1.0] * c if key else scale.tolist()}
        header |= {"loss": 1.5, "state": "running", "speed": 100.0, "seconds": 1.0}
        header |= {"params": {}, "following": {}, "note": ""}
        self.receive(header | changes, Z if key else levels, model=model)
        if wait:
            self.page.wait_for_selector(f".ne-canvas[data-seq='{self.seq}']", state="attached")
        return self.seq

    def status(self, **changes: Any) -> None:
        """Send how the run stands."""
        message = {"k": "status", "state": "running", "message": "", "error": None, "it": 0, "speed": 0.0}
        self.receive(message | {"loss": None, "params": {}, "following": {}, "changes": []} | changes)

    def settle(self, milliseconds: int = 900) -> None:
        """Wait until points and camera stand still; a page without time to draw gets as long as it needs."""
        self.page.wait_for_timeout(milliseconds)
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def pixel(self, x: float, y: float, view: int = 0) -> list[int]:
        """Give the RGBA of the picture at CSS pixels (x, y)."""
        return self.call("pixel", view, x, y)

    def inked(self, view: int = 0) -> int:
        """Count the pixels of the picture that are not empty."""
        return self.call("inked", view)

    def come_and_go(self, times: int, Z: Any, model: int = 0) -> None:
        """Mount a view, show it positions Z (n, c), and take it away again, many times."""
        Z = np.asarray(Z, "<f4")
        c = Z.shape[1]
        header = {
            "k": "frame",
            "seq": 1,
            "it": 1,
            "n": len(Z),
            "c": c,
            "q": "f32",
            "lo": [0] * c,
            "sc": [1] * c,
        }
        header |= {"loss": 1.5, "state": "running", "speed": 1.0, "params": {}, "following": {}, "note": ""}
        self.page.evaluate(COME_AND_GO, [times, model, header, encode(Z)])

    def kept(self) -> dict[str, float]:
        """Say what the page holds once garbage is collected: heap in KiB, DOM nodes, listeners."""
        session = self.page.context.new_cdp_session(self.page)
        for _ in range(2):
            session.send("HeapProfiler.collectGarbage")
        counters = session.send("Memory.getDOMCounters")
        heap = session.send("Runtime.getHeapUsage")["usedSize"] / 1024
        session.detach()
        return {"heap": heap, "nodes": counters["nodes"], "listeners": counters["jsEventListeners"]}
