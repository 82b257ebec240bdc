"""What a received frame costs the page: the built view beside Plotly's scattergl and regl-scatterplot, in one browser.

    python tests/bench/page.py [--n 70000 1000000] [--frames 15] [--seconds 8] [--markdown FILE]

Each drawing has a page of its own in one browser, without a GPU. What carries over to a machine with one is the time on
the page's own thread: JavaScript until the draw call. plotly.min.js comes with the Python package, regl-scatterplot
from npm into `.cache/page`.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import shlex
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import plotly
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.report import machine
from tests.browser.host import Handler, Host, traits
from tests.browsers import ARGUMENTS, browser_path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache" / "page"
REGL = "regl-scatterplot@1.16.0"
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


class Open(Handler):
    """The host page without its policy, which the peers could not work under, and the peers."""

    def translate_path(self, path: str) -> str:
        name = Path(path.partition("?")[0]).name
        places = {"page.js": HERE / name, "plotly.min.js": PLOTLY, "regl.js": CACHE / name}
        return str(places[name]) if name in places else super().translate_path(path)

    def end_headers(self) -> None:
        http.server.SimpleHTTPRequestHandler.end_headers(self)


def regl_scatterplot() -> None:
    """Bundle regl-scatterplot, once."""
    if (CACHE / "regl.js").exists():
        return
    esbuild = ROOT / "js" / "node_modules" / "esbuild"
    if not esbuild.exists():
        raise SystemExit(
            "js/node_modules holds no esbuild, which bundles regl-scatterplot: run `npm ci` in js first."
        )
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / "package.json").write_text('{"private": true}')
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", REGL], cwd=CACHE, check=True)
    (CACHE / "entry.js").write_text('export { default } from "regl-scatterplot";')
    settings = "{entryPoints: ['entry.js'], bundle: true, minify: true, format: 'esm', outfile: 'regl.js'}"
    script = f"require({str(esbuild)!r}).buildSync({settings})"
    subprocess.run(["node", "-e", script], cwd=CACHE, check=True)


def opened(browser: Browser, address: str, what: str) -> Page:
    """Open a page that is ready to draw."""
    page = browser.new_page(viewport={"width": 1000, "height": 760})
    page.set_default_timeout(300_000)
    page.goto(address)
    page.wait_for_function("window.hostReady")
    if what == "plotly":
        page.add_script_tag(url="/plotly.min.js")
    page.add_script_tag(url="/page.js")
    page.wait_for_function("window.benchReady")
    return page


def view(browser: Browser, address: str, n: int, frames: int, seconds: float) -> dict[str, dict[str, Any]]:
    """Measure the built view: frames one by one, and a stream of them under a hand."""
    page = opened(browser, address, "ours")
    host = Host(page)
    host.show(traits(n, list("abcdefghij")))
    single = page.evaluate("([n, frames]) => bench.ours(n, frames)", [n, frames])
    page.evaluate("([n, seconds]) => { bench.running = bench.stream(n, seconds); }", [n, seconds])
    box = page.locator(".ne-stage").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.locator(".ne-canvas").focus()
    for step in range(int(seconds)):
        page.mouse.move(x + 40 * (step % 5), y + 20 * (step % 3), steps=3)
        page.mouse.wheel(0, -60 if step % 2 else 60)
        page.mouse.down()
        page.mouse.move(x + 30, y + 30, steps=3)
        page.mouse.up()
    stream = page.evaluate("bench.running")
    page.close()
    return {"single": single, "stream": stream}


def peer(browser: Browser, address: str, name: str, n: int, frames: int) -> dict[str, Any]:
    """Measure another library: all positions replaced by one call."""
    page = opened(browser, address, name)
    answer = page.evaluate("([name, n, frames]) => bench[name](n, frames)", [name, n, frames])
    page.close()
    return answer


def measure(sizes: list[int], frames: int, seconds: float) -> list[str]:
    """Measure everything; gives the lines of the tables."""
    lines = [
        "| points | drawn by | JavaScript per frame, ms | of it reading, ms | copy, ms | whole frame, ms |",
        "|---|---|---|---|---|---|",
    ]
    hands = [
        "| points | frames/s | JavaScript per turn, ms | longest, ms | event to handler, ms | tasks over 50 ms |",
        "|---|---|---|---|---|---|",
    ]
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Open)) as server,
        sync_playwright() as playwright,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/host.html"
        browser = playwright.chromium.launch(executable_path=browser_path(), args=list(ARGUMENTS))
        for n in sizes:
            ours = view(browser, address, n, frames, seconds)
            one, hand = ours["single"], ours["stream"]
            script = one["decode"] + one["show"]
            times = f"{script:.2f} | {one['decode']:.2f} | {one['copy']:.0f} | {one['whole']:.0f}"
            lines.append(f"| {n:,} | **ne_interactive** | {times} |")
            rate = hand["frames"] / seconds
            times = f"{hand['typical']:.2f} | {hand['own']:.1f} | {hand['delay']:.0f} | {hand['long']}"
            hands.append(f"| {n:,} | {rate:.1f} | {times} |")
            for name, title in (("regl", "regl-scatterplot"), ("plotly", "Plotly scattergl")):
                row = peer(browser, address, name, n, max(4, frames // 2))
                lines.append(f"| {n:,} | {title} | {row['show']:.1f} | - | - | {row['whole']:.0f} |")
            print("\n".join([*lines[-3:], hands[-1]]), flush=True)
        browser.close()
        server.shutdown()
    return [*lines, "", *hands]


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, nargs="+", default=[70_000, 1_000_000])
    parser.add_argument("--frames", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args()
    regl_scatterplot()
    lines = measure(arguments.n, arguments.frames, arguments.seconds)
    text = "\n".join([machine(), "", f"    python {shlex.join(sys.argv)}", "", *lines])
    print(text)
    if arguments.markdown:
        arguments.markdown.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
