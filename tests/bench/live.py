"""What decides whether steering feels alive: first frames, changes, iterations per second, the cost of being watched.

    python tests/bench/live.py [--data fashion] [--n 70000] [--only NAME ...] [--out FILE] [--markdown FILE]

Each measure has a process of its own. The million points are measured only when they are named: ``--only million``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import report
from tests.bench.compare import POOLS, load
from tests.bench.packages import peak_mib

Row = tuple[str, str, str]  # what, measured, target
CHANGES = {
    "exaggeration": (2.0, 1.0),
    "repulsion_strength": (1.5, 1.0),
    "lr": (500.0, "auto"),
    "momentum": (0.7, "auto"),
    "dof": (0.8, 1.0),
}
ACKNOWLEDGED = 1 / 20  # seconds between acknowledgements of the client


def clock(action: Callable[[], Any]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def moved(run: Any) -> Any:
    """A run that moves by itself, and has moved once."""
    run.start()
    while run.iteration == 0:
        time.sleep(1e-3)
    return run


def first(X: np.ndarray) -> Iterator[Row]:
    """Cold and warm: a run is made, its first frame is there, it has moved."""

    def frame(method: Any) -> Any:
        run = ne.Stepper(X, method)
        run.frame()
        return run

    def moves() -> float:
        began = time.perf_counter()
        run = moved(frame(ne.TSNE(random_state=1)))
        took = time.perf_counter() - began
        run.stop()
        run._core.settle()  # the search under way would disturb what is measured next
        return took

    began = time.perf_counter()
    import ne_interactive as ne

    run = frame(ne.TSNE(random_state=0))
    yield "cold process to first frame", f"{time.perf_counter() - began:.2f} s", "4 s"
    yield "from there to the first step with its right neighbours", f"{clock(run.step):.2f} s", ""
    warm = min(clock(lambda: frame(ne.TSNE(random_state=1))) for _ in range(3))
    yield "first frame, warm", f"{warm:.2f} s", "0.3 s"
    yield "first moving frame of a live run, warm", f"{min(moves() for _ in range(3)):.2f} s", "1 s"
    yield from approach(X)


def approach(X: np.ndarray) -> Iterator[Row]:
    """How near the map of a live run comes to its last one, by the second."""
    import ne_interactive as ne

    seen: list[tuple[float, np.ndarray]] = []
    began = time.perf_counter()
    run = ne.Stepper(X, ne.TSNE(random_state=2)).start()
    while run.iteration < run.max_iter and run.state == "running":
        if time.perf_counter() - began > 3 + len(seen):
            seen.append((time.perf_counter() - began, run.embedding))
        time.sleep(0.01)
    run.stop()
    last = ne.metrics.recall(X, run.embedding, k=10, sample=2000)
    for seconds, Z in seen[:4]:
        share = ne.metrics.recall(X, Z, k=10, sample=2000) / last
        yield (
            f"recall of a live run after {seconds:.1f} s, of its last",
            f"{100 * share:.0f} %",
            "90 % by 4 s",
        )


def settled(X: np.ndarray, **parameters: Any) -> Any:
    """A run in its main phase."""
    import ne_interactive as ne
    from ne_interactive.methods.tsne import EARLY

    run = ne.Stepper(X, ne.TSNE(random_state=0, **parameters))
    run.run(EARLY + 50)
    return run


def tune(X: np.ndarray) -> Iterator[Row]:
    """From `tune` in one thread to the frame with the new value, while the run moves in another."""
    run = settled(X)
    run.max_iter = 10**6
    changes = CHANGES | {"perplexity": (20.0, 30.0)}
    with moving(run):
        for name, values in changes.items():
            took = [1e3 * _until_in_force(run, name, values[turn % 2]) for turn in range(10)]
            target = "150 ms" if name == "perplexity" else "50 ms"
            shown = f"{statistics.median(took):.0f} ms (at most {max(took):.0f})"
            yield f"`tune({name}=)` to the first frame with it", shown, target


def _until_in_force(run: Any, name: str, value: Any) -> float:
    """Seconds until an iteration has been made with a new value: the change is recorded in its events."""
    time.sleep(0.05)
    known = len(run.events)
    began = time.perf_counter()
    run.tune(**{name: value})
    while len(run.events) == known:
        time.sleep(5e-4)
    run.frame()  # waits for the iteration under way, which has the new value
    return time.perf_counter() - began


@contextlib.contextmanager
def moving(run: Any) -> Iterator[None]:
    """A run that moves in the background meanwhile."""
    run.start()
    try:
        yield
    finally:
        run.pause()


def rates(X: np.ndarray) -> Iterator[Row]:
    """Iterations per second in the main phase."""
    for title, target, parameters in (("2D", "150", {}), ("3D", "20", {"n_components": 3})):
        run = settled(X, **parameters)
        count = 200 if title == "2D" else 20
        seconds = clock(lambda run=run, count=count: run.run(count))
        yield f"iterations per second, TSNE in {title}", f"{count / seconds:.0f}", target


def watched(X: np.ndarray) -> Iterator[Row]:
    """The same run with and without a view whose client acknowledges 20 times a second, in turn."""
    import comm

    import ne_interactive as ne
    from tests.widget.fake import Browser, FakeComm

    comm.create_comm = FakeComm
    run = settled(X)
    run.max_iter = 10**6
    view = ne.explore(run, start=False)
    browser = Browser(view)
    ended = threading.Event()

    def client() -> None:
        while not ended.wait(ACKNOWLEDGED):
            for message in browser.take("frame"):
                browser.say("ack", seq=message["seq"])

    plain, seen, frames = [], [], 0
    for turn in range(8):
        looked = turn % 4 in (1, 2)
        thread = threading.Thread(target=client, daemon=True)
        if looked:
            ended.clear()
            browser.say("hello")
            thread.start()
        before = view._stream.sent
        (seen if looked else plain).append(_rate(run))
        if looked:
            ended.set()
            thread.join()
            browser.say("bye")
            frames += view._stream.sent - before
    slower = 1 - statistics.median(seen) / statistics.median(plain)
    yield (
        "slower with a view attached",
        f"{100 * slower:.1f} % ({frames / len(seen) / 2:.0f} frames/s)",
        "5 %",
    )


def _rate(run: Any, seconds: float = 2.0) -> float:
    with moving(run):
        began, first = time.perf_counter(), run.iteration
        time.sleep(seconds)
        return (run.iteration - first) / (time.perf_counter() - began)


def million(X: np.ndarray) -> Iterator[Row]:
    """A million points of 50 dimensions with 15 neighbours."""
    import ne_interactive as ne
    from ne_interactive.methods.tsne import EARLY

    X, _ = load("blobs", 1_000_000)
    live = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0))
    yield "1,000,000 x 50: first frame", f"{clock(live.frame):.1f} s", ""
    yield "first moving frame of a live run", f"{clock(lambda: moved(live)):.1f} s", "5 s"
    live.stop()
    live._core.settle()  # the search under way would disturb what is measured next
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0))
    yield "first step with its right neighbours, of a run that waits for them", f"{clock(run.step):.1f} s", ""
    yield "iterations per second, early", f"{50 / clock(lambda: run.run(50)):.1f}", "10"
    run.run(EARLY)
    yield "iterations per second, main phase", f"{50 / clock(lambda: run.run(50)):.1f}", "10"
    yield "peak memory", f"{peak_mib():.0f} MiB", "6 GB"


MEASURES = {measure.__name__: measure for measure in (first, tune, rates, watched, million)}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="fashion", choices=("digits", "fashion", "glove", "blobs"))
    parser.add_argument("--n", type=int, default=70_000)
    parser.add_argument("--only", nargs="+", choices=list(MEASURES), help="all but the million by default")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, help="JSON file")
    parser.add_argument("--markdown", type=Path, help="file for the table")
    parser.add_argument("--one", metavar="NAME", help="measure this here (what the processes do)")
    parser.add_argument("--rows", type=Path, help="of --one: .npy file of X")
    return parser.parse_args()


def child(name: str, rows: Path, threads: int) -> list[Row]:
    """The rows that a measure gives in a process of its own, the reason of its end among them if it failed."""
    command = [sys.executable, __file__, "--one", name, "--rows", str(rows)]
    env = os.environ | dict.fromkeys(POOLS, str(threads))
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    found: list[Row] = [tuple(json.loads(line)) for line in done.stdout.splitlines() if line.startswith("[")]
    if done.returncode:
        found.append((name, f"FAILED: {(done.stderr.strip().splitlines() or ['?'])[-1][:120]}", ""))
    return found


def main() -> None:
    given = arguments()
    if given.one:
        for row in MEASURES[given.one](np.load(given.rows)):
            print(json.dumps(row), flush=True)
        return
    head = report.head(shlex.join(["python", "tests/bench/live.py", *sys.argv[1:]]), given.threads)
    print(head)
    X, _ = load(given.data, given.n)
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "X.npy", X)
        for name in given.only or [name for name in MEASURES if name != "million"]:
            found += child(name, Path(folder) / "X.npy", given.threads)
            print(name, *found[-6:], sep="\n  ", flush=True)
    lines = [f"| {what} | {measured} | {target} |" for what, measured, target in found]
    table = "\n".join(["| what | measured | target |", "|---|---|---|", *lines])
    print(table)
    if given.out:
        given.out.write_text(json.dumps({"machine": report.machine(), "rows": found}, indent=1) + "\n")
    if given.markdown:
        given.markdown.write_text(f"{head}\n\n{table}\n")
    if any(measured.startswith("FAILED") for _, measured, _ in found):
        sys.exit(1)


if __name__ == "__main__":
    main()
