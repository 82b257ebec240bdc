"""An iteration of t-SNE's main phase beside openTSNE's, both on the same finished map.

    python tests/bench/main_phase.py [--data fashion] [--n 70000] [--turns 3] [--markdown FILE]

The map is this package's own. Each turn times both, each in a process of its own, all with as many threads: the mean of
`TIMED` iterations after `WARM_UP` others.
"""

from __future__ import annotations

import argparse
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

from tests.bench import report
from tests.bench.compare import POOLS, load
from tests.bench.packages import threads

WARM_UP, TIMED = 5, 25  # iterations


def ours(X: np.ndarray, Z: np.ndarray) -> float:
    import ne_interactive as ne

    run = ne.Stepper(X, ne.TSNE(init=Z, early_exaggeration_iter=0, random_state=0))
    run.step(WARM_UP)
    began = time.perf_counter()
    run.step(TIMED)
    return (time.perf_counter() - began) / TIMED


def opentsne(X: np.ndarray, Z: np.ndarray) -> float:
    import openTSNE
    from openTSNE.affinity import PerplexityBasedNN

    P = PerplexityBasedNN(X, perplexity=30, n_jobs=threads(), random_state=0)
    parameters: dict[str, Any] = {"exaggeration": 1, "momentum": 0.8, "inplace": True}
    made = openTSNE.TSNEEmbedding(Z.astype(np.float64), P, negative_gradient_method="fft", n_jobs=threads())
    made.optimize(n_iter=WARM_UP, **parameters)
    began = time.perf_counter()
    made.optimize(n_iter=TIMED, **parameters)
    return (time.perf_counter() - began) / TIMED


MEASURED = {"ne_interactive": ours, "openTSNE": opentsne}


def child(name: str, folder: Path, count: int) -> float:
    command = [sys.executable, __file__, "--one", name, "--folder", str(folder)]
    done = subprocess.run(
        command, env=os.environ | dict.fromkeys(POOLS, str(count)), capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{name} failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    return float(done.stdout.split()[-1])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="fashion", choices=("digits", "fashion", "glove", "blobs"))
    parser.add_argument("--n", type=int, default=70_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--markdown", type=Path, help="file for the table")
    parser.add_argument("--one", choices=list(MEASURED), help="measure this here (what the processes do)")
    parser.add_argument("--folder", type=Path, help="of --one: where X.npy and Z.npy are")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    if given.one:
        print(MEASURED[given.one](np.load(given.folder / "X.npy"), np.load(given.folder / "Z.npy")))
        return
    head = report.head(shlex.join(["python", "tests/bench/main_phase.py", *sys.argv[1:]]), given.threads)
    print(head)
    import ne_interactive as ne

    X, _ = load(given.data, given.n)
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "X.npy", X)
        np.save(Path(folder) / "Z.npy", ne.TSNE(random_state=0).fit_transform(X))
        seen: dict[str, list[float]] = {name: [] for name in MEASURED}
        for turn in range(given.turns):
            for name in list(MEASURED)[:: 1 if turn % 2 == 0 else -1]:
                seen[name].append(1e3 * child(name, Path(folder), given.threads))
                print(f"{name} {seen[name][-1]:.2f} ms", flush=True)
    least = statistics.median(seen["ne_interactive"])
    rows = [
        f"| {name} | {statistics.median(each):.2f} | {statistics.median(each) / least:.1f} |"
        for name, each in seen.items()
    ]
    table = "\n".join(["| package | ms an iteration, median of the turns | ratio |", "|---|---|---|", *rows])
    print(table)
    if given.markdown:
        given.markdown.write_text(f"{head}\n\n{table}\n")


if __name__ == "__main__":
    main()
