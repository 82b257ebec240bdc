"""UMAP by its expected forces: the step they make, what they keep of real data, and sliders at their ends."""

import numpy as np
import pytest
import torch

import ne_interactive as ne
from ne_interactive.engine.rules import DRAG
from ne_interactive.engine.step import evaluated
from ne_interactive.forces import curve, expected
from ne_interactive.methods.umap import fit_curve
from ne_interactive.params.errors import ParameterError


@pytest.fixture(scope="module")
def digits():
    return ne.datasets.digits()


def blobs(n=300):
    draw = np.random.default_rng(0)
    return (draw.normal(size=(n, 6)) + 4 * draw.integers(0, 3, (n, 1))).astype(np.float32)


@pytest.mark.parametrize("n_negatives", [0, 5, 700])
def test_a_step_follows_all_edges_and_all_negatives_as_stiffly_as_they_hold(n_negatives):
    method = ne.UMAP(
        random_state=0, n_negatives=n_negatives, exaggeration=1.7, repulsion_strength=0.6, lr=0.3
    )
    run = ne.Stepper(blobs(), method)
    run.step(3)
    core = run._core
    at = evaluated(core.method, core.problem, core.state)
    found = core.method.gradient(at, True)

    Z, (a, b), n = core.state.positions.double(), fit_curve(0.1, 1.0), 300
    W = torch.zeros(n, n, dtype=torch.float64)
    W[at.graph.rows, at.graph.indices.long()] = at.graph.values.double() / core.problem.peak
    difference = Z[:, None] - Z[None]
    squared = difference.square().sum(2).clamp_min(1e-12)
    others = 1 - torch.eye(n)
    pulls = 1.7 * 2 * W * curve.pull(squared, a, b)
    drawn = W.sum(1, keepdim=True) * n_negatives / (n - 1)
    pushes = 0.6 * drawn * others * curve.limited(squared, a, b, expected.LIMIT[2])
    force = ((pulls - pushes).unsqueeze(2) * difference).sum(1)
    torch.testing.assert_close(found.values.double(), force, rtol=1e-3, atol=1e-4 * float(force.abs().max()))
    torch.testing.assert_close(found.stiffness.double(), pulls.sum(1), rtol=1e-3, atol=1e-6)
    near = (W * torch.log1p(a * squared**b)).sum()
    far = (drawn * others * curve.potential(squared, a, b, expected.LIMIT[2]) / 2).sum()
    assert found.loss == pytest.approx(float((near + far) / (W.sum() * (1 + n_negatives))), rel=1e-3)

    before, velocity = core.state.positions.clone(), core.state.slots["velocity"].clone()
    run.step()
    kept = 0.8 / (1 + DRAG * velocity.norm(dim=1, keepdim=True))
    moved = kept * velocity - 0.3 * found.values / (1 + 2 * 0.3 * found.stiffness.unsqueeze(1))
    length = moved.norm(dim=1, keepdim=True)
    placed = before + moved * torch.where(length > 5, 5 / length, 1.0)
    torch.testing.assert_close(torch.from_numpy(run.embedding), placed - placed.mean(0), rtol=0, atol=1e-4)


def test_it_keeps_more_neighbours_than_sampled_moves_in_fewer_iterations(digits):
    kept, labels, taken = {}, {}, {}
    for negatives in ("mean", "sampled"):
        method = ne.UMAP(random_state=0, negatives=negatives)
        Z = method.fit_transform(digits.X)
        kept[negatives] = ne.metrics.recall(digits.X, Z, sample=None)
        labels[negatives] = ne.metrics.label_accuracy(Z, digits.y, k=10)
        taken[negatives] = method.n_iter_
    assert kept["mean"] > kept["sampled"] + 0.01
    assert labels["mean"] > labels["sampled"] - 0.005
    assert taken == {"mean": 200, "sampled": 500}


def test_a_finished_map_hardly_moves_and_still_follows_a_slider(digits):
    run = ne.Stepper(digits.X, ne.UMAP(random_state=0))
    run.run()
    before = run.embedding
    run.step()
    assert np.linalg.norm(run.embedding - before, axis=1).mean() < 0.01 * before.std()
    run.tune(repulsion_strength=4.0)
    run.step(30)
    assert run.embedding.std() > 1.05 * before.std()


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("repulsion_strength", (1000.0, 0.0, 1.0)),
        ("exaggeration", (1000.0, 0.0, 1.0)),
        ("lr", (100.0, 1e-6, 1.0)),
        ("n_negatives", (1000, 0, 5)),
        ("min_dist", (1.0, 0.0, 0.1)),
        ("spread", (100.0, 0.1, 1.0)),
        ("momentum", (0.999, 0.0, 0.8)),
    ],
)
@pytest.mark.parametrize("n", [300, 1500])  # summed exactly, and on a mesh
def test_a_slider_at_its_end_moves_no_point_by_more_than_a_step(name, ends, n):
    run = ne.Stepper(blobs(n), ne.UMAP(random_state=0))
    run.step(20)
    for value in ends:
        run.tune(**{name: value})
        for _ in range(15):
            before = run.embedding
            run.step()
            assert np.isfinite(run.embedding).all()
            # centring adds at most the mean of the steps
            assert np.linalg.norm(run.embedding - before, axis=1).max() <= 10.001


@pytest.mark.parametrize(
    "start",
    [np.zeros((1200, 2)), np.repeat(np.eye(2), 600, 0), np.full((1200, 2), 1e6)],
    ids=["one", "two", "far"],
)
def test_collapsed_starts_unfold(start):
    run = ne.Stepper(blobs(1200), ne.UMAP(random_state=0, init=start))
    run.step(100)
    assert np.isfinite(run.embedding).all()
    assert 1 < run.embedding.std() < 100


def test_dimensions_without_a_mesh_are_sampled():
    method = ne.UMAP(n_components=4, random_state=0, max_iter=20)
    assert method.samples
    assert method.schedule() == "LinearLR"
    assert np.isfinite(method.fit_transform(blobs())).all()
    with pytest.raises(ParameterError, match=r"negatives must be 'sampled' or 'auto' beyond 3 dimensions"):
        ne.UMAP(n_components=4, negatives="mean").fit(blobs())
    with pytest.raises(ParameterError, match=r"DensMAP.negatives must be 'sampled' or 'auto'"):
        ne.DensMAP(negatives="mean").fit(blobs())


@pytest.mark.parametrize(("min_dist", "spread"), [(0.001, 0.2), (0.0, 0.02), (0.5, 20.0), (99.0, 100.0)])
def test_the_curve_fits_whatever_the_spread(min_dist, spread):
    a, b = fit_curve(min_dist, spread)
    assert a > 0
    assert b > 0
    d = np.linspace(0.01, 3, 50) * spread
    wanted = np.where(d < min_dist, 1.0, np.exp(-(d - min_dist) / spread))
    assert np.abs(1 / (1 + a * d ** (2 * b)) - wanted).max() < 0.25
