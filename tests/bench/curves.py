"""How good a map is after how many seconds.

    python tests/bench/curves.py [--data fashion] [--n 10000] [--packages NAME ...] [--limit SECONDS] [--plot FOLDER]

Every package embeds X with fractions of its default iterations, all in one process of its own after an embedding of a
few rows that is not counted; seconds are those of the whole fit, from X to the map. Of ours there is a second curve,
"watched": what a person sees of one run that moves by itself, its frames taken every half a second.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import plots, report
from tests.bench.compare import LIMITS, Truth, load
from tests.bench.cost import in_process
from tests.bench.packages import OURS, threads

FRACTIONS = (1 / 8, 1 / 4, 1 / 2, 1.0)
EVERY = 0.5  # seconds between frames
WARM_UP = 5_000  # rows: as many as it takes that no package treats them as a small table
FAMILIES = ("tsne", "umap", "pacmap")
Embed = Callable[[np.ndarray, float], np.ndarray]


def part(iterations: int, fraction: float) -> int:
    return max(1, round(iterations * fraction))


def epochs(X: np.ndarray) -> int:
    """Iterations of UMAP by default."""
    return 500 if len(X) <= 10_000 else 200


def ours(name: str, n: int, fraction: float) -> Any:
    """Our method with a fraction of its iterations, every phase shortened alike."""
    import ne_interactive as ne

    method: Any = ne.METHODS[name.lower()]
    phases = {"TSNE": "early_exaggeration_iter", "PACMAP": "iter_per_phase"}
    plain = method(random_state=0)
    shorter = {phase: part(getattr(plain, phase), fraction) for key, phase in phases.items() if key == name}
    return method(random_state=0, max_iter=part(plain.iterations(n), fraction), **shorter)


def of_ours(name: str) -> Embed:
    return lambda X, fraction: np.asarray(ours(name, len(X), fraction).fit_transform(X))


def opentsne(X: np.ndarray, fraction: float) -> np.ndarray:
    import openTSNE

    shorter = {"early_exaggeration_iter": part(250, fraction), "n_iter": part(500, fraction)}
    return np.asarray(openTSNE.TSNE(n_jobs=threads(), random_state=0, **shorter).fit(X))


def umap_learn(X: np.ndarray, fraction: float) -> np.ndarray:
    import umap

    np.random.seed(0)  # a random_state of its own would restrict it to one thread
    reducer = umap.UMAP(n_jobs=threads(), n_epochs=part(epochs(X), fraction))
    return np.asarray(reducer.fit_transform(X))


def pacmap(X: np.ndarray, fraction: float) -> np.ndarray:
    import pacmap

    phases = (part(100, fraction), part(100, fraction), part(250, fraction))
    return np.asarray(pacmap.PaCMAP(random_state=0, num_iters=phases).fit_transform(X))


PACKAGES: dict[str, tuple[str, Embed]] = {
    OURS + "TSNE": ("tsne", of_ours("TSNE")),
    "openTSNE": ("tsne", opentsne),
    OURS + "UMAP": ("umap", of_ours("UMAP")),
    "umap-learn": ("umap", umap_learn),
    OURS + "PACMAP": ("pacmap", of_ours("PACMAP")),
    "pacmap PaCMAP": ("pacmap", pacmap),
}
"""Each package: its family, and its function of X and the fraction of its iterations."""


def watched(X: np.ndarray, name: str) -> list[tuple[float, int, np.ndarray]]:
    """Seconds, iteration and map of the frames of one run, until its last iteration or rest."""
    import ne_interactive as ne

    began = time.perf_counter()
    run = ne.Stepper(X, ne.METHODS[name.lower()](random_state=0))
    run.start()
    seen = []
    while True:
        ends = run.state != "running" or run.iteration >= run.max_iter
        frame = run.frame()
        seen.append((time.perf_counter() - began, frame.iteration, frame.embedding))
        if ends:
            break
        while time.perf_counter() < began + EVERY * len(seen) and run.iteration < run.max_iter:
            time.sleep(0.005)
    run.stop()
    if run.error is not None:
        raise run.error
    return seen


def one(package: str, rows: Path, into: Path, fractions: list[float]) -> None:
    """Measure a package here: a line is printed for each map, as soon as it is written."""
    warnings.simplefilter("ignore")
    X, embed, count = np.load(rows), PACKAGES[package][1], 0

    def keep(curve: str, seconds: float, Z: np.ndarray, **more: float) -> None:
        nonlocal count
        np.save(into / f"{count}.npy", Z)
        print(json.dumps({"curve": curve, "seconds": seconds, "file": f"{count}.npy"} | more), flush=True)
        count += 1

    embed(np.ascontiguousarray(X[:WARM_UP]), min(fractions))
    for fraction in fractions:
        began = time.perf_counter()
        Z = embed(X, fraction)
        keep("fits", time.perf_counter() - began, Z, fraction=fraction)
    if package.startswith(OURS):
        for seconds, iteration, Z in watched(X, package.removeprefix(OURS)):
            keep("watched", seconds, Z, iteration=iteration)


def score(truth: Truth, Z: np.ndarray) -> dict[str, float]:
    """Recall and label accuracy with the exact neighbours of all points, or of a sample of the largest data."""
    import ne_interactive as ne

    known = truth.neighbors
    sample = 2000 if known is None else None
    found = {"recall@10": float(ne.metrics.recall(truth.X, Z, k=10, sample=sample, neighbors=known))}
    if truth.y is not None:
        found["accuracy"] = float(ne.metrics.label_accuracy(Z, truth.y, k=10))
    return found


def measure(truth: Truth, package: str, given: argparse.Namespace, limit: float) -> list[dict]:
    """A record for each map of a package, and one for what ended it early."""
    with tempfile.TemporaryDirectory() as folder:
        into = Path(folder)
        np.save(into / "X.npy", truth.X)
        words = ["--one", package, "--rows", str(into / "X.npy"), "--into", folder, "--fractions"]
        words += [str(fraction) for fraction in sorted(given.fractions)]
        records, ended = in_process(__file__, words, limit, given.threads)
        for record in records:
            Z = np.load(into / record.pop("file"))
            record["package"] = package
            if np.isfinite(Z).all():
                record |= score(truth, Z)
            else:
                record["ended"] = "map is not finite"
    if ended:
        records.append({"package": package, "curve": "fits", "ended": ended})
    return records


def table(records: list[dict]) -> str:
    columns = ["package", "curve", "iterations", "s", "recall@10", "accuracy"]
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    for record in records:
        length = (
            f"{record['fraction']:g} of all" if "fraction" in record else str(record.get("iteration", "-"))
        )
        seconds = f"{record['seconds']:.3g}" if "seconds" in record else record["ended"]
        figures = [f"{record[name]:.3f}" if name in record else "-" for name in columns[4:]]
        package = record["package"]
        shown = f"**{OURS.strip()}** {package.removeprefix(OURS)}" if package.startswith(OURS) else package
        lines.append("| " + " | ".join([shown, record["curve"], length, seconds, *figures]) + " |")
    return "\n".join(lines)


def plot(records: list[dict], path: Path) -> None:
    """Families by colour: solid with dots ours, dotted with crosses what is watched of ours, dashed the peers."""
    lines = []
    curves = dict.fromkeys((record["package"], record["curve"]) for record in records)
    for package, curve in curves:
        own = [r for r in records if (r["package"], r["curve"]) == (package, curve) and "recall@10" in r]
        x, y = [record["seconds"] for record in own], [record["recall@10"] for record in own]
        is_ours, seen = package.startswith(OURS), curve == "watched"
        name = package.removeprefix(OURS) + (" (ours), watched" if seen else " (ours)" if is_ours else "")
        style, marker = (":", "x") if seen else ("-", "o") if is_ours else ("--", "s")
        lines.append(plots.Line(name, x, y, FAMILIES.index(PACKAGES[package][0]), style, marker))
    plots.draw(path, [plots.Panel("seconds", "recall@10", lines, log=(True, False))])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="fashion", choices=list(LIMITS))
    parser.add_argument("--n", type=int, default=10_000, help="rows of the larger data sets")
    parser.add_argument("--packages", nargs="+", choices=list(PACKAGES), default=list(PACKAGES))
    parser.add_argument("--fractions", nargs="+", type=float, default=FRACTIONS, help="of default iterations")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds that a package may take in all")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, help="JSON file")
    parser.add_argument("--markdown", type=Path, help="file for the table")
    parser.add_argument("--plot", type=Path, metavar="FOLDER", help="for quality-seconds.svg")
    parser.add_argument("--one", metavar="NAME", help="measure this package here (what the processes do)")
    parser.add_argument("--rows", type=Path, help="of --one: .npy file of X")
    parser.add_argument("--into", type=Path, help="of --one: folder for maps")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    if given.one:
        one(given.one, given.rows, given.into, given.fractions)
        return
    command = shlex.join(["python", "tests/bench/curves.py", *sys.argv[1:]])
    head = report.head(command, given.threads)
    print(head, flush=True)
    X, y = load(given.data, given.n)
    truth, records = Truth(X, y), []
    for package in given.packages:
        records += measure(truth, package, given, given.limit)
        print(f"  {package}: {sum('seconds' in r for r in records)} maps so far", flush=True)
        if given.out:
            everything = {"machine": report.machine(), "command": command, "records": records}
            given.out.write_text(json.dumps(everything, indent=1) + "\n")
    parts = [head, report.title(given.data, X, "").strip(), table(records)]
    print("\n\n".join(parts[1:]))
    if given.markdown:
        given.markdown.write_text("\n\n".join(parts) + "\n")
    if given.plot:
        plot(records, given.plot / "quality-seconds.svg")


if __name__ == "__main__":
    main()
