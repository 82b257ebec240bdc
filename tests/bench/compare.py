"""Ours and the packages a user would otherwise pick, side by side in one run.

    python tests/bench/compare.py [--data digits fashion] [--n 10000] [--repeat 2] [--out results.json]

Every package runs with its defaults and all cores, in alternating order. Quality is measured on common terms:
recall of the 10 exact neighbours, leave-one-out accuracy of the labels among 10 neighbours. Seconds are those of the
whole `fit_transform`; the first round, which also compiles, is printed as cold.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

import ne_interactive as ne

Embed = Callable[[np.ndarray, int], np.ndarray]


def ours_tsne(X: np.ndarray, seed: int) -> np.ndarray:
    return ne.TSNE(random_state=seed).fit_transform(X)


def ours_umap(X: np.ndarray, seed: int) -> np.ndarray:
    return ne.UMAP(random_state=seed).fit_transform(X)


def opentsne(X: np.ndarray, seed: int) -> np.ndarray:
    import openTSNE

    return np.asarray(openTSNE.TSNE(n_jobs=os.cpu_count(), random_state=seed).fit(X))


def sklearn_tsne(X: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.manifold import TSNE

    return TSNE(n_jobs=os.cpu_count(), random_state=seed).fit_transform(X)


def umap_learn(X: np.ndarray, seed: int) -> np.ndarray:
    import umap

    np.random.seed(seed)  # a random_state of its own would restrict it to one thread
    return umap.UMAP(n_jobs=os.cpu_count()).fit_transform(X)


EMBEDDERS: dict[str, Embed] = {
    "ne_interactive TSNE": ours_tsne,
    "openTSNE": opentsne,
    "scikit-learn TSNE": sklearn_tsne,
    "ne_interactive UMAP": ours_umap,
    "umap-learn": umap_learn,
}


def load(name: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    data = ne.datasets.digits() if name == "digits" else ne.datasets.fashion_mnist(n=n)
    return np.ascontiguousarray(data.X, np.float32), data.y


def quality(X: np.ndarray, y: np.ndarray, Z: np.ndarray) -> dict[str, float]:
    """Neighbour recall and label accuracy of an embedding."""
    return {
        "recall@10": float(ne.metrics.recall(X, Z, k=10, sample=2000)),
        "accuracy": float(ne.metrics.label_accuracy(Z, y, k=10)),
    }


def machine() -> str:
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        cpu = next(
            (line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line),
            cpu,
        )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GiB"


def measure(X: np.ndarray, y: np.ndarray, names: list[str], repeat: int) -> list[dict]:
    """One record for each run, the packages in alternating order."""
    records = []
    for round_ in range(repeat):
        for name in names if round_ % 2 == 0 else names[::-1]:
            began = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                Z = EMBEDDERS[name](X, round_)
            seconds = time.perf_counter() - began
            records.append({"package": name, "round": round_, "seconds": seconds} | quality(X, y, Z))
            print(f"  {name:22s} round {round_}  {seconds:7.1f} s", flush=True)
    return records


def table(records: list[dict]) -> str:
    """Markdown: best seconds, and the means of the quality figures."""
    lines = ["| package | cold s | warm s | recall@10 | accuracy |", "|---|---|---|---|---|"]
    for name in dict.fromkeys(record["package"] for record in records):
        own = [record for record in records if record["package"] == name]
        cold = own[0]["seconds"]
        warm = min((record["seconds"] for record in own[1:]), default=float("nan"))
        recall = np.mean([record["recall@10"] for record in own])
        accuracy = np.mean([record["accuracy"] for record in own])
        lines.append(f"| {name} | {cold:.1f} | {warm:.1f} | {recall:.4f} | {accuracy:.4f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", default=["digits", "fashion"], choices=["digits", "fashion"])
    parser.add_argument("--n", type=int, default=10_000, help="images of Fashion-MNIST")
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--packages", nargs="+", default=list(EMBEDDERS), choices=list(EMBEDDERS))
    parser.add_argument("--out", type=Path, help="JSON file for all records")
    given = parser.parse_args()
    print(machine())
    everything = {"machine": machine(), "results": {}}
    for name in given.data:
        X, y = load(name, given.n)
        print(f"{name}: {X.shape[0]} x {X.shape[1]}")
        records = measure(X, y, given.packages, given.repeat)
        everything["results"][name] = records
        print(table(records), flush=True)
    if given.out:
        given.out.write_text(json.dumps(everything, indent=1))


if __name__ == "__main__":
    main()
