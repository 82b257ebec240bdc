"""Quality against seconds: how good a map is that takes so long.

    python tests/bench/curves.py [--data fashion] [--n 70000] [--packages NAME ...] [--plots FOLDER] [--markdown FILE]

Every package embeds with an eighth, a quarter, half and all of its iterations, each fit from the data on, in one
process per package after a small fit that loads and compiles. "watched" is one run of ours in the background, whose
maps are taken every half second: what a person sees.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import plots, report
from tests.bench.compare import POOLS, load
from tests.bench.packages import OURS, threads

SHARES = (1 / 8, 1 / 4, 1 / 2, 1.0)
WATCHED = " watched"
SMALL = 2000
Timed = tuple[float, np.ndarray]


def ours(name: str) -> Callable[[np.ndarray, float], np.ndarray]:
    def fit(X: np.ndarray, share: float) -> np.ndarray:
        import ne_interactive as ne

        method: Any = ne.METHODS[name.lower()]
        whole = method().iterations(len(X))
        more: dict[str, Any] = {"early_exaggeration_iter": round(250 * share)} if name == "TSNE" else {}
        more |= {"iter_per_phase": round(100 * share)} if name == "PACMAP" else {}
        return method(random_state=0, max_iter=round(whole * share), **more).fit_transform(X)

    return fit


def opentsne(X: np.ndarray, share: float) -> np.ndarray:
    import openTSNE

    counts = {"early_exaggeration_iter": round(250 * share), "n_iter": round(500 * share)}
    return np.asarray(openTSNE.TSNE(n_jobs=threads(), random_state=0, **counts).fit(X))


def umap_learn(X: np.ndarray, share: float) -> np.ndarray:
    import umap

    whole = 500 if len(X) <= 10_000 else 200
    return np.asarray(umap.UMAP(n_jobs=threads(), n_epochs=round(whole * share)).fit_transform(X))


def pacmap(X: np.ndarray, share: float) -> np.ndarray:
    import pacmap

    phases = tuple(round(count * share) for count in (100, 100, 250))
    return np.asarray(pacmap.PaCMAP(random_state=0, num_iters=phases).fit_transform(X))


FITS = {
    OURS + "TSNE": ours("TSNE"), "openTSNE": opentsne, OURS + "UMAP": ours("UMAP"), "umap-learn": umap_learn,
    OURS + "PACMAP": ours("PACMAP"), "pacmap PaCMAP": pacmap,
}  # fmt: skip


def fitted(package: str, X: np.ndarray) -> Iterator[Timed]:
    fit = FITS[package]
    fit(X[:SMALL], 1 / 8)
    for share in SHARES:
        began = time.perf_counter()
        Z = fit(X, share)
        yield time.perf_counter() - began, Z


def watched(name: str, X: np.ndarray) -> Iterator[Timed]:
    import ne_interactive as ne

    method: Any = ne.METHODS[name.lower()]
    method(random_state=0, max_iter=20).fit(X[:SMALL])
    began, shown = time.perf_counter(), 0.5
    run = ne.Stepper(X, method(random_state=0)).start()
    while run.iteration < run.max_iter and run.state == "running":
        seconds = time.perf_counter() - began
        if seconds > shown:
            shown += 0.5
            yield seconds, run.embedding
        time.sleep(0.01)
    run.pause()
    yield time.perf_counter() - began, run.embedding
    run.stop()


def one(package: str, folder: Path) -> None:
    X = np.load(folder / "X.npy")
    follow = package.endswith(WATCHED)
    source = watched(package.removesuffix(WATCHED).removeprefix(OURS), X) if follow else fitted(package, X)
    for at, (seconds, Z) in enumerate(source):
        np.save(folder / f"{at}.npy", Z)
        print(json.dumps(seconds), flush=True)


def measured(package: str, X: np.ndarray, y: np.ndarray, given: argparse.Namespace) -> list[dict[str, float]]:
    """Seconds, recall and accuracy of each map that a process of its own made."""
    import ne_interactive as ne

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "X.npy", X)
        command = [sys.executable, __file__, "--one", package, "--folder", name]
        env = os.environ | dict.fromkeys(POOLS, str(given.threads))
        with (folder / "said").open("w+") as said:
            try:
                subprocess.run(command, env=env, stdout=said, stderr=subprocess.DEVNULL, timeout=given.limit)
            except subprocess.TimeoutExpired:
                print(f"  {package}: over {given.limit:.0f} s", flush=True)
            said.seek(0)
            times = [float(line) for line in said.read().splitlines() if line[:1].isdigit()]
        rows = []
        for at, seconds in enumerate(times):
            Z = np.load(folder / f"{at}.npy")
            recall = float(ne.metrics.recall(X, Z, k=10, sample=2000))
            accuracy = float(ne.metrics.label_accuracy(Z, y, k=10))
            rows.append({"seconds": seconds, "recall@10": recall, "accuracy": accuracy})
            print(f"  {package:28s} {seconds:7.1f} s  {recall:.3f}  {accuracy:.3f}", flush=True)
    return rows


def main() -> None:
    watching = [OURS + name + WATCHED for name in ("TSNE", "UMAP", "PACMAP")]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="fashion", choices=("digits", "fashion", "blobs"))
    parser.add_argument("--n", type=int, default=70_000)
    parser.add_argument("--packages", nargs="+", default=[*FITS, *watching], choices=[*FITS, *watching])
    parser.add_argument("--limit", type=float, default=900, help="seconds that a process may take")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--plots", type=Path, help="folder for quality-seconds.svg")
    parser.add_argument("--out", type=Path, help="JSON file")
    parser.add_argument("--markdown", type=Path, help="file for the table")
    parser.add_argument("--one", help="measure this here (what the processes do)")
    parser.add_argument("--folder", type=Path, help="of --one")
    given = parser.parse_args()
    if given.one:
        one(given.one, given.folder)
        return
    head = report.head(shlex.join(["python", "tests/bench/curves.py", *sys.argv[1:]]), given.threads)
    print(head, flush=True)
    X, y = load(given.data, given.n)
    found = {package: measured(package, X, y, given) for package in given.packages}
    lines = [
        f"| {package} | {row['seconds']:.1f} | {row['recall@10']:.3f} | {row['accuracy']:.3f} |"
        for package, rows in found.items()
        for row in rows
    ]
    table = "\n".join(["| package | seconds | recall@10 | accuracy |", "|---|---|---|---|", *lines])
    print(table)
    if given.plots:
        drawn = [
            (package, [row["seconds"] for row in rows], [row["recall@10"] for row in rows])
            for package, rows in found.items()
            if not package.endswith(WATCHED)
        ]
        plots.lines(
            given.plots / "quality-seconds.svg", "Quality against time", "seconds", "recall@10", drawn, False
        )
    if given.out:
        given.out.write_text(json.dumps({"machine": report.machine(), "rows": found}, indent=1) + "\n")
    if given.markdown:
        given.markdown.write_text(f"{head}\n\n{table}\n")


if __name__ == "__main__":
    main()
