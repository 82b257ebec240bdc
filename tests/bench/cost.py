"""How cost grows with the number of points, and with the extent of the map.

    python tests/bench/cost.py [--sizes N ...] [--perplexity P] [--limit SECONDS] [--plot FOLDER]
    python tests/bench/cost.py --sizes --factors 0.1 1 10 --points 10000

Every size of every method has a process of its own, which first embeds a few other rows, so that no figure holds the
loading of libraries and compiled kernels. With ``--processor`` the processor time of all threads is measured instead of
time by the clock: on a machine that other work keeps busy, that is what can be compared. A process that takes longer
than ``--limit`` seconds is ended; what it had measured stays, and larger sizes of its method are left out.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import plots, report
from tests.bench.compare import POOLS, load
from tests.bench.packages import peak_mib

METHODS = ("TSNE", "UMAP")
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
FACTORS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
FAR = 1e4  # times as far: the one point of the last measure
WARM_UP = 3_000  # rows: enough for the kernels of large maps
BEFORE = 5  # iterations that are not in the early rate
LONGEST, MOST = 4.0, 200  # seconds and iterations that a rate is measured over
SAMPLED, REPEATS = 500, 9
clock = time.perf_counter
COLUMNS = {
    "first_frame": "first frame, s",
    "first_iteration": "first iteration, s",
    "early": "iterations/s, early",
    "main": "iterations/s, main phase",
    "peak_mib": "peak MiB",
}


def in_process(
    script: str, arguments: list[str], limit: float, threads: int
) -> tuple[list[dict], str | None]:
    """The JSON objects that a new process printed, a line each, and what ended it early, if anything did."""
    env = os.environ | dict.fromkeys(POOLS, str(threads))
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as errors:
        ended = None
        try:
            done = subprocess.run(
                [sys.executable, script, *arguments], env=env, stdout=said, stderr=errors, timeout=limit
            )
            if done.returncode:
                errors.seek(0)
                ended = (errors.read().strip().splitlines() or [f"exit {done.returncode}"])[-1][:100]
        except subprocess.TimeoutExpired:
            ended = f"over {limit:.0f} s"
        said.seek(0)
        return [json.loads(line) for line in said if line.startswith("{") and line.endswith("}\n")], ended


def rate(run: Any) -> float:
    """Iterations per second, over `LONGEST` seconds or `MOST` iterations."""
    began, count = clock(), 0
    while count < MOST and clock() - began < LONGEST:
        run.run(5)
        count += 5
    return count / (clock() - began)


def one(name: str, rows: Path, perplexity: float) -> None:
    """Measure a method here: every figure is printed as soon as it is there."""
    import ne_interactive as ne

    def method(seed: int) -> Any:
        return (
            ne.TSNE(perplexity=perplexity, random_state=seed)
            if name == "TSNE"
            else ne.UMAP(random_state=seed)
        )

    def tell(**figures: float) -> None:
        print(json.dumps(figures), flush=True)

    X = np.load(rows)
    other = np.random.default_rng(1).standard_normal((WARM_UP, X.shape[1]), np.float32)
    ne.Stepper(other, method(1)).step(BEFORE)
    began = clock()
    run = ne.Stepper(X, method(0))
    run.frame()
    tell(first_frame=clock() - began)
    run.step()
    tell(first_iteration=clock() - began)
    run.step(BEFORE)
    tell(early=rate(run))
    run.run(max(1, math.ceil(run.max_iter / 2) - run.iteration))
    tell(main=rate(run))
    tell(peak_mib=peak_mib())


def growth(given: argparse.Namespace) -> list[dict]:
    """One record for each size of each method."""
    records: list[dict] = []
    over: set[str] = set()
    for n in given.sizes:
        with tempfile.TemporaryDirectory() as folder:
            rows = Path(folder) / "X.npy"
            np.save(rows, load("blobs", n)[0])
            for name in given.methods:
                if name in over:
                    continue
                words = ["--one", name, "--rows", str(rows), "--perplexity", str(given.perplexity)]
                words += ["--processor"] if given.processor else []
                found, ended = in_process(__file__, words, given.limit, given.threads)
                records.append({"method": name, "n": n, "ended": ended})
                for figures in found:
                    records[-1] |= figures
                print("  " + json.dumps(records[-1]), flush=True)
                if ended:
                    over.add(name)
    return records


def evaluation(Z: Any) -> dict[str, float]:
    """Milliseconds of the mesh's repulsion at positions Z, and its error against exact forces in double precision."""
    import torch

    from ne_interactive.forces import exact, exactness

    began = clock()
    forces, _, grid, finer = exactness.repulsion(Z, 1.0, (), 0)
    first = clock() - began
    times = []
    for _ in range(REPEATS):
        began = clock()
        forces, _, grid, finer = exactness.repulsion(Z, 1.0, grid, finer)
        times.append(clock() - began)
    rows = torch.from_numpy(np.random.default_rng(0).choice(len(Z), min(SAMPLED, len(Z)), replace=False))
    far = Z.double()
    _, truth = exact.sums_torch(far[rows], rows, far, None, "student", 1.0)
    assert truth is not None
    error = (forces[rows].double() - truth).square().sum().sqrt() / truth.square().sum().sqrt()
    sides = far.amax(0) - far.amin(0)
    return {
        "extent": float(sides.max()),
        "nodes": math.prod(grid),
        "first_ms": 1e3 * first,
        "ms": 1e3 * statistics.median(times),
        "error": float(error),
    }


def extents(given: argparse.Namespace) -> list[dict]:
    """A finished map, stretched; and with one point far away. In this process."""
    import torch

    import ne_interactive as ne

    X, _ = load(given.map, given.points)
    Z = torch.from_numpy(np.ascontiguousarray(ne.TSNE(random_state=0).fit_transform(X), np.float32))
    evaluation(Z)
    records = [{"factor": factor, "n": len(Z)} | evaluation(Z * factor) for factor in given.factors]
    lone = Z.clone()
    lone[Z.square().sum(1).argmax()] *= FAR
    return [*records, {"factor": None, "n": len(Z)} | evaluation(lone)]


def growth_table(records: list[dict]) -> str:
    lines = ["| method | n | " + " | ".join(COLUMNS.values()) + " |", "|---" * (2 + len(COLUMNS)) + "|"]
    for record in sorted(records, key=lambda record: record["method"]):
        cells, why = [], record["ended"] or "-"
        for figure in COLUMNS:
            value = record.get(figure)
            cells.append(why if value is None else f"{value:.0f}" if value >= 100 else f"{value:.3g}")
        lines.append(f"| {record['method']} | {record['n']:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def extent_table(records: list[dict]) -> str:
    lines = [
        "| stretched | extent | padded nodes | first, ms | ms | RMS error, % |",
        "|---|---|---|---|---|---|",
    ]
    for found in records:
        what = f"one point {FAR:.0e} times as far" if found["factor"] is None else f"{found['factor']:g}"
        lines.append(
            f"| {what} | {found['extent']:.3g} | {found['nodes']:,} | {found['first_ms']:.3g} | {found['ms']:.3g} "
            f"| {100 * found['error']:.2g} |"
        )
    return "\n".join(lines)


def plot_growth(records: list[dict], folder: Path, whose: str) -> None:
    def line(name: str, figure: str, says: str = "", style: str = "-") -> plots.Line:
        own = [record for record in records if record["method"] == name and figure in record]
        x, y = [record["n"] for record in own], [record[figure] for record in own]
        return plots.Line(f"{name}{says}", x, y, METHODS.index(name), style)

    names = list(dict.fromkeys(record["method"] for record in records))
    times = [line(name, "first_frame", ", first frame", "--") for name in names]
    times += [line(name, "first_iteration", ", first iteration") for name in names]
    rates = [line(name, "early", ", early", "--") for name in names]
    rates += [line(name, "main", ", main phase") for name in names]
    panels = [
        plots.Panel("points", f"{whose}seconds", times),
        plots.Panel("points", f"iterations per {whose}second", rates),
    ]
    panels.append(plots.Panel("points", "peak memory, MiB", [line(name, "peak_mib") for name in names]))
    plots.draw(folder / "cost-n.svg", panels)


def plot_extents(records: list[dict], folder: Path, whose: str) -> None:
    known = [found for found in records if found["factor"] is not None]
    lone = [found for found in records if found["factor"] is None]
    panels = []
    for figure, up in (
        ("ms", f"{whose}milliseconds per evaluation"),
        ("error", "relative RMS error of the forces"),
    ):
        factors = [found["factor"] for found in known]
        lines = [plots.Line("map stretched", factors, [found[figure] for found in known])]
        far = [max(found[figure], 1e-12) for found in lone]
        lines += [plots.Line("one point far away", [], far, 1, "--", level=True)] if far else []
        panels.append(plots.Panel("factor", up, lines))
    plots.draw(folder / "cost-extent.svg", panels)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="none: extents only")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--perplexity", type=float, default=30.0, help="of TSNE")
    parser.add_argument("--factors", type=float, nargs="*", default=FACTORS, help="none: sizes only")
    parser.add_argument(
        "--map", default="blobs", choices=("digits", "fashion", "blobs"), help="to be stretched"
    )
    parser.add_argument("--points", type=int, default=10_000, help="of that map")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds that a process may take")
    parser.add_argument("--processor", action="store_true", help="measure processor time")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, help="JSON file")
    parser.add_argument("--markdown", type=Path, help="file for the tables")
    parser.add_argument("--plot", type=Path, metavar="FOLDER", help="for cost-n.svg and cost-extent.svg")
    parser.add_argument("--one", metavar="NAME", help="measure this method here (what the processes do)")
    parser.add_argument("--rows", type=Path, help="of --one: .npy file of X")
    return parser.parse_args()


def main() -> None:
    global clock
    given = arguments()
    if given.processor:
        clock = time.process_time
    if given.one:
        one(given.one, given.rows, given.perplexity)
        return
    command = shlex.join(["python", "tests/bench/cost.py", *sys.argv[1:]])
    parts = [report.head(command, given.threads)]
    print(parts[0], flush=True)
    sizes = growth(given) if given.sizes else []
    stretched = extents(given) if given.factors else []
    parts += ["### By number of points", growth_table(sizes)] if sizes else []
    title = f"### By extent, {stretched[0]['n']:,} points" if stretched else ""
    parts += [title, extent_table(stretched)] if stretched else []
    print("\n\n".join(parts[1:]))
    if given.out:
        everything = {"machine": report.machine(), "command": command, "sizes": sizes, "extents": stretched}
        given.out.write_text(json.dumps(everything, indent=1) + "\n")
    if given.markdown:
        given.markdown.write_text("\n\n".join(parts) + "\n")
    whose = "processor " if given.processor else ""
    if given.plot and sizes:
        plot_growth(sizes, given.plot, whose)
    if given.plot and stretched:
        plot_extents(stretched, given.plot, whose)


if __name__ == "__main__":
    main()
