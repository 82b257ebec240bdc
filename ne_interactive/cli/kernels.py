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
# Maps as at the end of a run, points and embedding units a side: where points have much room those near each other
# are summed pair by pair, and where many have less the kernel is split on two meshes.
MAPS = ((6_000, 300.0), (20_000, 150.0))
BY_HAND = 1.5  # attraction: steps that follow a hand are other ones


def compile_kernels() -> None:
    """Run t-SNE and UMAP for a moment as a live view does: on rough neighbours, then on the right ones, then steered.

    What is compiled stays on disk beside the package, or where ``NUMBA_CACHE_DIR`` says; where it is already there
    this takes seconds. Tells on a terminal what compiles.

    Raises:
        NEError: if a run fails.
    """
    draw = torch.Generator().manual_seed(0)
    for n, side in MAPS:
        mesh.repulsion(side * torch.rand((n, 2), generator=draw), 1.0, ())
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
                run.tune(exaggeration=BY_HAND)
                run.step()
                run.measure()
