"""Runs of thousands of points under rough handling: strong forces, far rows, copies, starts without extent."""

import numpy as np
import pytest
import torch

import ne_interactive as ne
from ne_interactive.forces import exact, mesh

N = 5003  # a prime: a multiple of no block, chunk or number of threads


@pytest.fixture(scope="module")
def images():
    return ne.datasets.fashion_mnist(n=N)


@pytest.fixture(scope="module")
def finished(images):
    """A finished map, and the maps on its way there."""
    run = ne.Stepper(images.X, ne.TSNE(random_state=0))
    on_the_way = [run.run(n).embedding for n in (50, 200, 200)]
    run.run()
    return run, [*on_the_way, run.embedding]


def extent(Z):
    return float(np.ptp(Z, axis=0).max())


def nodes(run):
    return int(np.prod(run._core.state.grid))


def test_mesh_forces_are_within_two_percent_on_real_maps(finished):
    """Compressed, on its way and finished; the early one needs its finer grid."""
    for Z in finished[1]:
        Z = torch.from_numpy(Z)
        found, total, _ = mesh.repulsion(Z, 1.0, ())
        wanted, wanted_total = exact.repulsion_torch(Z.double(), 1.0)
        error = (found.double() - wanted).square().sum().sqrt() / wanted.square().sum().sqrt()
        assert float(error) < 0.02
        assert total == pytest.approx(float(wanted_total), rel=2e-3)


def test_exaggeration_raised_and_lowered_again_is_smooth(images, finished):
    run = ne.Stepper(images.X, ne.TSNE(random_state=0))
    run.run(600)
    before, size = ne.metrics.recall(images.X, run.embedding, k=10), extent(run.embedding)
    spread = run.embedding.std()
    assert run.params["exaggeration"] == 1
    run.tune(exaggeration=12)
    for _ in range(70):
        last = run.embedding
        step = np.linalg.norm(run.step().embedding - last, axis=1)
        assert step.max() < 0.1 * size  # nobody is thrown across the map
        assert extent(run.embedding) < 1.05 * size
    assert np.isfinite(run.losses[1]).all()
    assert run.embedding.std() < 0.99 * spread
    run.tune(exaggeration="auto")
    run.run(400)
    assert extent(run.embedding) == pytest.approx(size, rel=0.25)
    assert ne.metrics.recall(images.X, run.embedding, k=10) > before - 0.02


@pytest.mark.parametrize("name", ["tsne", "pacmap", "largevis"])
def test_one_row_far_from_all_others_leaves_the_rest_their_map(images, finished, name):
    X = images.X.copy()
    X[17] *= 1e4
    method = ne.METHODS[name]
    near = ne.Stepper(images.X, method(random_state=0, max_iter=200))
    far = ne.Stepper(X, method(random_state=0, max_iter=200))
    maps = [run.run().embedding for run in (near, far)]
    assert np.isfinite(maps[1]).all()
    others = np.arange(N) != 17
    assert extent(maps[1]) < 5 * extent(maps[0])
    if name == "tsne":
        assert nodes(far) < 4 * nodes(near)
    found = [ne.metrics.recall(images.X[others], Z[others], k=10) for Z in maps]
    assert found[1] > found[0] - 0.03


@pytest.mark.parametrize("place", [1e3, 1e6])
def test_a_point_thrown_far_away_leaves_the_rest_their_map(images, finished, place):
    run = ne.Stepper(images.X, ne.TSNE(init=finished[0].embedding, early_exaggeration_iter=0, random_state=0))
    others = np.arange(N) != 17
    before = run.step(20).embedding[others]
    had = nodes(run)
    run.move([17], [[place, -place]])
    after = run.step(60).embedding[others]
    assert nodes(run) <= 1.2 * had
    kept = [ne.metrics.recall(images.X[others], Z, k=10) for Z in (before, after)]
    assert kept[1] > kept[0] - 0.02
    assert extent(after) == pytest.approx(extent(before), rel=0.1)


def test_rows_that_are_all_there_twice(images):
    X = np.concatenate([images.X[: N // 2]] * 2)
    run = ne.Stepper(X, ne.TSNE(random_state=0))
    Z = run.run(400).embedding
    assert np.isfinite(Z).all()
    apart = np.linalg.norm(Z[: N // 2] - Z[N // 2 :], axis=1)
    assert np.median(apart) < 0.05 * extent(Z)
    assert nodes(run) <= mesh.CAP[2] / 4


@pytest.mark.parametrize("start", ["zeros", "one place", "1e-30"])
@pytest.mark.parametrize("name", ["tsne", "umap", "pacmap"])
def test_a_start_without_extent_unfolds(images, name, start):
    draw = np.random.default_rng(0).standard_normal((N, 2)).astype(np.float32)
    init = {"zeros": 0 * draw, "one place": 0 * draw + 3, "1e-30": 1e-30 * draw}[start]
    run = ne.Stepper(images.X, ne.METHODS[name](random_state=0, init=init))
    Z = run.run(300).embedding
    assert np.isfinite(Z).all()
    assert len(np.unique(Z, axis=0)) > 0.99 * N
    assert ne.metrics.label_accuracy(Z, images.y, k=10) > 0.6


def test_ten_points():
    X = np.random.default_rng(0).standard_normal((10, 4)).astype(np.float32)
    for name in ("tsne", "umap", "largevis"):
        sizes = {"perplexity": 3} if name != "umap" else {"n_neighbors": 4}
        Z = ne.METHODS[name](random_state=0, **sizes).fit_transform(X)
        assert np.isfinite(Z).all()
        assert extent(Z) < 1e3
