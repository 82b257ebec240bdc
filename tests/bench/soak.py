"""A live run and a page that shows it, for minutes: memory of both stays, and no frame is lost count of.

    python tests/bench/soak.py [--minutes 10] [--n 70000] [--data fashion] [--mounts 1000] [--markdown FILE]

The kernel's side is this process, the page the built view in a browser; between them messages are carried both ways, as
a notebook does. The run is restarted when it rests, and a parameter is changed every ten seconds. Then a view is
mounted and taken away a thousand times.
"""

from __future__ import annotations

import argparse
import base64
import queue
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import ne_interactive as ne
from tests.bench.compare import load
from tests.bench.report import machine
from tests.browser.host import Host, serving, traits
from tests.browsers import ARGUMENTS, browser_path

SAMPLE = 10.0  # seconds
VALUES = (1.0, 4.0, 1.0, 0.5)


def resident() -> float:
    """Give what this process holds in memory, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


class Bridge:
    """Carries messages between an explorer and its view in a page."""

    def __init__(self, view: Any, host: Host) -> None:
        """Join both; the page gets the traits as they are now."""
        self.view, self.host = view, host
        self.outgoing: queue.Queue[tuple[dict, list]] = queue.Queue()
        self.acked: list[int] = []
        view._stream._send = lambda content, buffers=None: self.outgoing.put((content, buffers or []))
        names = [
            name for name in view.keys if name.startswith("_") and not name.startswith(("_model", "_view"))
        ]
        traits = {
            name: getattr(view, name) for name in names if name not in ("_esm", "_css", "_anywidget_id")
        }
        plain = {name: value for name, value in traits.items() if not isinstance(value, bytes)}
        host.show(plain | {"_codes": base64.b64encode(view._codes).decode()})

    def carry(self) -> None:
        """Hand over what waits on both sides."""
        while not self.outgoing.empty():
            content, buffers = self.outgoing.get()
            texts = [base64.b64encode(buffer).decode() for buffer in buffers]
            self.host.call("receive", 0, content, texts)
        for message in self.host.page.evaluate("() => window.host.models[0].sent.splice(0)"):
            if message["k"] == "ack":
                self.acked.append(message["seq"])
            self.view._desk.receive(message)


def soak(run: Any, bridge: Bridge, minutes: float) -> list[dict[str, float]]:
    """Let it run; gives a sample every ten seconds."""
    samples: list[dict[str, float]] = []
    began = time.monotonic()
    due = began
    while time.monotonic() - began < 60 * minutes:
        bridge.carry()
        if run.state == "resting":
            run.restart()
        if time.monotonic() >= due:
            due += SAMPLE
            sent = bridge.view._stream.sent
            samples.append({"seconds": time.monotonic() - began, "resident": resident(), "sent": sent})
            samples[-1] |= bridge.host.kept() | {"iteration": run.iteration}
            run.tune(exaggeration=VALUES[len(samples) % len(VALUES)])
            print({name: round(value) for name, value in samples[-1].items()}, flush=True)
        time.sleep(0.02)
    return samples


def judge(samples: list[dict[str, float]], bridge: Bridge) -> list[str]:
    """Compare the last third with the middle one, when caches have been filled; and the counters."""
    third = len(samples) // 3
    rows = ["| what | middle third | last third | growth |", "|---|---|---|---|"]
    for name, title in (
        ("resident", "kernel's memory, MiB"),
        ("heap", "page's heap, KiB"),
        ("nodes", "DOM nodes"),
        ("listeners", "listeners"),
    ):
        early, late = (
            sum(sample[name] for sample in part) / len(part)
            for part in (samples[third:-third], samples[-third:])
        )
        rows.append(f"| {title} | {early:,.0f} | {late:,.0f} | {100 * (late / early - 1):+.1f} % |")
    sent, shown = (
        bridge.view._stream.sent,
        int(bridge.host.page.get_attribute(".ne-root", "data-frames") or 0),
    )
    acked = bridge.acked
    assert acked == sorted(set(acked)), "a frame was acknowledged twice or out of order"
    assert acked[-1] <= sent
    assert len(acked) == shown, f"{shown} frames were shown, {len(acked)} acknowledged"
    return [*rows, "", f"{sent:,} frames sent, {shown:,} shown and acknowledged, each once and in order."]


def mounts(page: Any, address: str, Z: Any, times: int) -> str:
    """Mount and take away a view many times; says what the page keeps of each."""
    page.goto(address)
    page.wait_for_function("() => window.hostReady")
    host = Host(page)
    host.call("model", traits(len(Z)))
    host.come_and_go(20, Z)
    before, began = host.kept(), time.monotonic()
    host.come_and_go(times, Z)
    seconds, after = time.monotonic() - began, host.kept()
    gained = {name: after[name] - before[name] for name in after}
    return (
        f"{times:,} views mounted and taken away in {seconds:.0f} s: {gained['nodes']:+.0f} DOM nodes, "
        f"{gained['listeners']:+.0f} listeners, {gained['heap'] / times:+.2f} KiB of heap for each."
    )


def main() -> None:
    """Soak, judge and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--n", type=int, default=70_000)
    parser.add_argument("--data", default="fashion")
    parser.add_argument("--mounts", type=int, default=1000)
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args()
    X, y = load(arguments.data, arguments.n)
    with serving() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": 1000, "height": 760})
        page.goto(address)
        page.wait_for_function("() => window.hostReady")
        run = ne.Stepper(X, ne.TSNE(random_state=0))
        view = ne.explore(run, labels=y, start=False)
        bridge = Bridge(view, Host(page))
        run.start()
        samples = soak(run, bridge, arguments.minutes)
        run.pause()
        for _ in range(50):
            bridge.carry()
            time.sleep(0.02)
        lines = judge(samples, bridge)
        print("\n".join(lines), flush=True)
        view.close()
        if arguments.mounts:
            lines += ["", mounts(page, address, run.embedding[:2000], arguments.mounts)]
        browser.close()
    text = "\n".join([machine(), "", f"    python {shlex.join(sys.argv)}", "", *lines])
    print(text)
    if arguments.markdown:
        arguments.markdown.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
