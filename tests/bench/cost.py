"""How the cost grows with the number of points, and with the width of the map.

    python tests/bench/cost.py [--sizes N ...] [--methods TSNE UMAP] [--plots FOLDER] [--out FILE] [--markdown FILE]

Points of 50 dimensions in 100 round clusters; each size and method in a process of its own. The width is that of a
finished map of 10,000 such points, stretched and shrunk, with one copy of it in which a point lies far away.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import plots, report
from tests.bench.compare import POOLS, load
from tests.bench.packages import peak_mib

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
WIDTHS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
FAR = 1e4  # embedding units
MAIN = 260  # iterations after which t-SNE's early phase is over
SAMPLE = 500
HEADS = {
    "n": "points", "frame": "first frame, s", "neighbours": "neighbours, s", "early": "early, ms an iteration",
    "main": "later, ms an iteration", "peak": "peak MiB",
}  # fmt: skip


def of_size(method: str, n: int) -> dict[str, float]:
    """Seconds of what comes once, milliseconds of an iteration early and later, and memory."""
    import ne_interactive as ne

    X, _ = load("blobs", n)
    run = ne.Stepper(X, ne.METHODS[method.lower()](random_state=0))
    found = {"n": n, "frame": _seconds(run.frame), "neighbours": _seconds(run._core.settle)}
    run.run(10)  # compiled kernels are loaded, plans are made
    found["early"] = 1e3 * _seconds(lambda: run.run(40)) / 40
    if method == "TSNE" and run.iteration < MAIN:
        run.run(MAIN - run.iteration)
    found["main"] = 1e3 * _seconds(lambda: run.run(40)) / 40
    return found | {"peak": peak_mib()}


def of_widths() -> list[dict[str, float]]:
    """Milliseconds and error of t-SNE's repulsion on one map at several widths."""
    import torch

    import ne_interactive as ne

    X, _ = load("blobs", 10_000)
    Z = torch.from_numpy(ne.TSNE(random_state=0).fit_transform(X))
    far = Z.clone()
    far[0, 0] = FAR
    return [_repulsion(Z * width) for width in WIDTHS] + [_repulsion(far)]


def _repulsion(Z) -> dict[str, float]:
    import torch

    from ne_interactive.forces import mesh

    forces, _, grid = mesh.repulsion(Z, 1.0, ())
    took = min(_seconds(lambda: mesh.repulsion(Z, 1.0, grid)) for _ in range(10))
    some = torch.arange(0, len(Z), len(Z) // SAMPLE)
    difference = Z[some].double()[:, None] - Z.double()[None]
    true = (1 / (1 + difference.square().sum(2)).square()).unsqueeze(2).mul(difference).sum(1)
    error = float((forces[some].double() - true).norm() / true.norm())
    return {"width": float((Z.amax(0) - Z.amin(0)).max()), "ms": 1e3 * took, "error": error}


def _seconds(action) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def child(*what: str, threads: int, limit: float) -> list[dict[str, float]]:
    """What a process of its own measured; nothing where it took too long, and that is said."""
    command = [sys.executable, __file__, "--one", *what]
    env = os.environ | dict.fromkeys(POOLS, str(threads))
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        print(f"  {' '.join(what)}: over {limit:.0f} s", flush=True)
        return []
    if done.returncode:
        print(
            f"  {' '.join(what)}: FAILED {(done.stderr.strip().splitlines() or ['?'])[-1][:120]}", flush=True
        )
        return []
    print(f"  {' '.join(what)}: {done.stdout.strip()}", flush=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def table(heads: list[str], rows: list[dict[str, float]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for row in rows:
        shown = (f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" for value in row.values())
        lines.append("| " + " | ".join(shown) + " |")
    return "\n".join(lines)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--methods", nargs="+", default=["TSNE", "UMAP"])
    parser.add_argument("--limit", type=float, default=900, help="seconds that a process may take")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--plots", type=Path, help="folder for cost-n.svg and cost-width.svg")
    parser.add_argument("--out", type=Path, help="JSON file")
    parser.add_argument("--markdown", type=Path, help="file for the tables")
    parser.add_argument("--one", nargs="+", help="measure this here (what the processes do)")
    return parser.parse_args()


def draw(folder: Path, found: dict[str, list[dict[str, float]]], widths: list[dict[str, float]]) -> None:
    drawn = [
        (f"{method}, {phase}", [row["n"] for row in rows], [row[key] for row in rows])
        for method, rows in found.items()
        for key, phase in (("early", "early"), ("main", "later"))
    ]
    plots.lines(folder / "cost-n.svg", "One iteration", "points", "milliseconds", drawn)
    usual = widths[: len(WIDTHS)]
    line = ("10,000 points", [row["width"] for row in usual], [row["ms"] for row in usual])
    plots.lines(
        folder / "cost-width.svg", "Repulsion of t-SNE", "width, embedding units", "milliseconds", [line]
    )


def main() -> None:
    given = arguments()
    if given.one:
        rows = of_widths() if given.one == ["widths"] else [of_size(given.one[0], int(given.one[1]))]
        for row in rows:
            print(json.dumps(row), flush=True)
        return
    head = report.head(shlex.join(["python", "tests/bench/cost.py", *sys.argv[1:]]), given.threads)
    print(head, flush=True)
    more = {"threads": given.threads, "limit": given.limit}
    found = {
        method: [row for n in given.sizes for row in child(method, str(n), **more)]
        for method in given.methods
    }
    widths = child("widths", **more)
    tables = [f"### {method}\n\n{table(list(HEADS.values()), rows)}" for method, rows in found.items()]
    heads = ["width, embedding units", "repulsion, ms", "its error"]
    tables.append(
        f"### Width of the map\n\nThe last row: one point {FAR:,.0f} units away.\n\n{table(heads, widths)}"
    )
    text = "\n\n".join([head, *tables])
    print(text)
    if given.plots:
        draw(given.plots, found, widths)
    if given.out:
        given.out.write_text(
            json.dumps({"machine": report.machine(), "sizes": found, "widths": widths}, indent=1) + "\n"
        )
    if given.markdown:
        given.markdown.write_text(text + "\n")


if __name__ == "__main__":
    main()
