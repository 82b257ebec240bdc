"""The packages of the comparison, each as a function from X (n, d) and a seed to its map Z (n, 2).

Everything is imported only where it is used: a process that measures one package must not load another, whose thread
settings and compiled kernels would be part of the measurement.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Embed = Callable[[np.ndarray, int], np.ndarray]
OURS = "ne_interactive "
TORCHDR = "torchdr "
WARM_UP, TIMED = 5, 10  # iterations


def threads() -> int:
    return int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


def peak_mib() -> float:
    """The most memory that this process has held so far, with the libraries that it loaded.

    Linux's own mark of this program comes first: `ru_maxrss` starts with what the process that started it held.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def opentsne(X: np.ndarray, seed: int) -> np.ndarray:
    import openTSNE

    return np.asarray(openTSNE.TSNE(n_jobs=threads(), random_state=seed).fit(X))


def sklearn_tsne(X: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.manifold import TSNE

    return TSNE(n_jobs=threads(), random_state=seed).fit_transform(X)


def umap_learn(X: np.ndarray, seed: int, **more: Any) -> np.ndarray:
    import umap

    np.random.seed(seed)  # a random_state of its own would restrict it to one thread
    return np.asarray(umap.UMAP(n_jobs=threads(), **more).fit_transform(X))


def densmap(X: np.ndarray, seed: int) -> np.ndarray:
    return umap_learn(X, seed, densmap=True)


def pacmap(X: np.ndarray, seed: int) -> np.ndarray:
    import pacmap

    return np.asarray(pacmap.PaCMAP(random_state=seed).fit_transform(X))


def localmap(X: np.ndarray, seed: int) -> np.ndarray:
    import pacmap

    return np.asarray(pacmap.LocalMAP(random_state=seed).fit_transform(X))


def of_torchdr(name: str) -> Embed:
    def embed(X: np.ndarray, seed: int) -> np.ndarray:
        import torchdr

        return np.asarray(getattr(torchdr, name)(random_state=seed).fit_transform(X))

    return embed


def of_ours(name: str) -> Embed:
    def embed(X: np.ndarray, seed: int) -> np.ndarray:
        import ne_interactive as ne

        method: Any = ne.METHODS[name.lower()]
        return method(random_state=seed).fit_transform(X)

    return embed


PEERS: dict[str, tuple[str, Embed]] = {
    "openTSNE": ("tsne", opentsne),
    "scikit-learn TSNE": ("tsne", sklearn_tsne),
    "umap-learn": ("umap", umap_learn),
    "umap-learn densMAP": ("densmap", densmap),
    "pacmap PaCMAP": ("pacmap", pacmap),
    "pacmap LocalMAP": ("localmap", localmap),
} | {
    TORCHDR + name: (name.lower(), of_torchdr(name))
    for name in ("SNE", "TSNE", "COSNE", "TSNEkhorn", "LargeVis", "InfoTSNE", "UMAP", "PACMAP")
}
"""Each peer: the name that its method has in ``ne.METHODS``, and its function."""


def embedder(package: str) -> Embed:
    if package.startswith(OURS):
        return of_ours(package.removeprefix(OURS))
    return PEERS[package][1]


def by_method() -> dict[str, list[str]]:
    """Names of the packages, method by method: ours first, then its peers."""
    import ne_interactive as ne

    return {
        method: [OURS + cls.__name__, *(name for name, (of, _) in PEERS.items() if of == method)]
        for method, cls in sorted(ne.METHODS.items())
    }


def seconds_per_iteration(package: str, X: np.ndarray) -> float:
    """Mean over `TIMED` iterations that follow `WARM_UP` others: ours, or one of torchdr."""
    if package.startswith(OURS):
        import ne_interactive as ne

        method: Any = ne.METHODS[package.removeprefix(OURS).lower()]
        run = ne.Stepper(X, method(random_state=0))
        run.step(WARM_UP)
        began = time.perf_counter()
        run.step(TIMED)
        return (time.perf_counter() - began) / TIMED
    return _torchdr_seconds(package.removeprefix(TORCHDR), X)


def _torchdr_seconds(name: str, X: np.ndarray) -> float:
    import torchdr

    marks: list[float] = []

    class Timed(getattr(torchdr, name)):
        def on_training_step_start(self) -> None:
            marks.append(time.perf_counter())
            super().on_training_step_start()

    Timed(random_state=0, max_iter=WARM_UP + TIMED + 1).fit_transform(X)
    return (marks[WARM_UP + TIMED] - marks[WARM_UP]) / TIMED


def one(package: str, rows: Path, into: Path, fits: int, seed: int, per_iteration: bool) -> None:
    """Measure one package, in this process: seconds and maps are written as soon as they are there."""
    X = np.load(rows)
    warnings.simplefilter("ignore")
    found: list[dict[str, float]] = []
    for fit in range(1 if per_iteration else fits):
        began = time.perf_counter()
        if per_iteration:
            found.append({"seconds": seconds_per_iteration(package, X)})
        else:
            Z = embedder(package)(X, seed + fit)
            seconds = time.perf_counter() - began
            found.append({"seconds": seconds, "peak_mib": peak_mib()})
            np.save(into / f"{fit}.npy", Z)
        (into / "fits.json").write_text(json.dumps(found))
