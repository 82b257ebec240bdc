"""Iterations a second and time of each stage on a GPU.

    python tests/bench/gpu.py [--device cuda] [--n 70000 1000000] [--methods TSNE UMAP InfoTSNE] [--iterations 200]

Clusters in 50 dimensions. The stages: neighbours and affinities, the first iteration (plans, compilation), and the mean
of those after it, repeated as recorded, and by a second run one kernel at a time. The device is waited for at both ends
of each stage.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import ne_interactive as ne
from ne_interactive.engine.recorded import Recorder
from tests.bench.compare import load
from tests.bench.report import machine


def seconds(what: Callable[[], object], device: str) -> float:
    """How long something takes, until the device has done it."""
    wait = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    wait()
    began = time.perf_counter()
    what()
    wait()
    return time.perf_counter() - began


def measure(name: str, n: int, device: str, iterations: int) -> str:
    """One line of the table."""
    X, _ = load("blobs", n)
    run = ne.Stepper(X, getattr(ne, name)(random_state=0, device=device), history=0)
    prepared = seconds(run._core.settle, device)
    first = seconds(lambda: run.step(1), device)
    alone = run.fork()
    alone._core.recorder = Recorder(device="none")
    each, single = (
        seconds(lambda one=one: one.step(iterations), device) / iterations for one in (run, alone)
    )
    most = torch.cuda.max_memory_allocated() / 2**20 if device.startswith("cuda") else 0
    stages = f"{prepared:.2f} | {first:.3f} | {1e3 * each:.2f} | {1e3 * single:.2f} | {1 / each:.1f}"
    return f"| {name} | {n:,} | {stages} | {run._core.recorder.made} | {most:,.0f} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--n", type=int, nargs="+", default=[70_000, 1_000_000])
    parser.add_argument("--methods", nargs="+", default=["TSNE", "UMAP", "InfoTSNE"])
    parser.add_argument("--iterations", type=int, default=200)
    arguments = parser.parse_args()
    cuda = arguments.device.startswith("cuda")
    if cuda and not torch.cuda.is_available():
        parser.error("torch finds no CUDA GPU on this machine; --device cpu measures the processor")
    print(machine() + (f"; {torch.cuda.get_device_name()}" if cuda else ""))
    columns = ["method", "n", "prepared, s", "first, s", "iteration, ms", "one kernel at a time, ms"]
    columns += ["iterations/s", "recordings", "memory, MiB"]
    print(f"| {' | '.join(columns)} |")
    print("|---" * len(columns) + "|")
    for n in arguments.n:
        for name in arguments.methods:
            if cuda:
                torch.cuda.reset_peak_memory_stats()
            print(measure(name, n, arguments.device, arguments.iterations), flush=True)


if __name__ == "__main__":
    main()
