"""Compiles the CPU kernels of a usual run once, after an installation, so that no first run has to."""

from __future__ import annotations

import sys
import time

import numpy as np
import torch
from tqdm import tqdm

from ne_interactive.engine.stepper import Stepper
from ne_interactive.forces import mesh
from ne_interactive.methods.tsne import TSNE
from ne_interactive.methods.umap import UMAP

SIZES = (1_000, 6_000)  # rows whose neighbours and forces are found exactly, and by an index and a mesh
COLUMNS = 100  # more than the search keeps, so that it projects


def compile_kernels() -> None:
    """Run t-SNE and UMAP for a moment as a live view does: on rough neighbours, then on the right ones.

    What is compiled stays on disk beside the package, or where ``NUMBA_CACHE_DIR`` says; where it is already there
    this takes seconds. Tells on a terminal what compiles.

    Raises:
        NEError: if a run fails.
    """
    wide = torch.randn((max(SIZES), 2), generator=torch.Generator().manual_seed(0)) * COLUMNS
    mesh.repulsion(wide, 1.0, ())  # as at the end of a run
    X = np.random.default_rng(0).normal(size=(max(SIZES), COLUMNS)).astype(np.float32)
    with tqdm(bar_format="{desc}", file=sys.stderr, leave=False, disable=None) as line:
        for n in SIZES:
            for method in (TSNE(random_state=0), UMAP(random_state=0)):
                run = Stepper(X[:n], method)
                run.listen(lambda run, _: line.set_description_str(run.message))
                run.start()
                while run.state == "running" and run.iteration == 0:
                    time.sleep(0.02)
                run.stop()
                run.step(2)
