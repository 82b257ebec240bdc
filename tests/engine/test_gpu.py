"""Runs on a GPU, held to the CPU. They are skipped where torch finds none, as in CI.

NE_TEST_DEVICE=cpu lets them run without one, which says nothing about a GPU but shows that the tests are sound.
"""

import os

import numpy as np
import pytest
import torch

import ne_interactive as ne
from ne_interactive.engine.recorded import Recorder

DEVICE = os.environ.get("NE_TEST_DEVICE", "cuda")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        DEVICE == "cuda" and not torch.cuda.is_available(), reason="torch finds no CUDA GPU on this machine"
    ),
]
METHODS = (
    "SNE",
    "TSNE",
    "COSNE",
    "TSNEkhorn",
    "LargeVis",
    "InfoTSNE",
    "UMAP",
    "PACMAP",
    "ContrastiveSpectrum",
)


def data(n=300):
    draw = np.random.default_rng(0)
    return (draw.normal(size=(4, 6)) * 4)[np.arange(n) % 4].astype("f4") + draw.normal(size=(n, 6)).astype(
        "f4"
    )


def run_on(device, name, n=300, **more):
    return ne.Stepper(data(n), getattr(ne, name)(random_state=0, device=device, **more))


@pytest.mark.parametrize("name", METHODS)
def test_the_first_steps_are_those_of_the_cpu(name):
    here, there = run_on("cpu", name), run_on(DEVICE, name)
    for _ in range(3):
        wanted, found = here.step(1).embedding, there.step(1).embedding
        apart = np.abs(found - wanted).max(1) / wanted.std()
        assert (
            np.quantile(apart, 0.95) < 1e-2
        )  # points that all but touch push each other far for a small difference
    there.step(20)
    assert np.isfinite(there.embedding).all()


@pytest.mark.skipif(
    DEVICE == "cpu", reason="iterations are recorded on a GPU only; test_recorded has a stand-in"
)
@pytest.mark.parametrize("n", [300, 4000])
@pytest.mark.parametrize(
    "name", ["TSNE", "COSNE", "UMAP", "PACMAP", "InfoTSNE", "LargeVis", "ContrastiveSpectrum"]
)
def test_iterations_are_repeated_as_cuda_graphs(name, n):
    here, there = run_on(DEVICE, name, n), run_on(DEVICE, name, n)
    there._core.recorder = Recorder(device="none")  # one kernel at a time
    for run in (here, there):
        run.step(4)
    for changes in ({}, {"exaggeration": 2.0}, {"lr": 0.1}):
        for run in (here, there):
            run.tune(**changes)
            run.step(2)
        wanted, found = there.embedding, here.embedding
        assert np.quantile(np.abs(found - wanted).max(1) / wanted.std(), 0.95) < 1e-2
    assert here._core.recorder.made >= 1
    assert there._core.recorder.made == 0


def test_the_mesh_gives_the_steps_of_the_cpu():
    more = {"perplexity": 5, "init": "random", "init_scaling": 5.0}
    here, there = (run_on(device, "TSNE", 3000, **more) for device in ("cpu", DEVICE))
    wanted, found = here.step(3).embedding, there.step(3).embedding
    assert np.abs(found - wanted).max() < 1e-2 * wanted.std()


def test_a_run_is_steered_pinned_taken_back_and_saved(tmp_path):
    run = run_on(DEVICE, "TSNE", perplexity=10)
    run.step(30)
    run.tune(exaggeration=2.0, perplexity=5)
    run.pin([0, 1])
    held = run.embedding[:2]
    run.step(30)
    assert np.array_equal(run.embedding[:2], held)
    loaded = ne.Stepper.load(run.save(tmp_path / "run.npz"), data())
    assert np.array_equal(loaded.embedding, run.embedding)
    assert np.isfinite(loaded.step(5).embedding).all()
    assert run.rewind(20).iteration == 20
    assert np.isfinite(run.step(10).embedding).all()
