"""Principal components against scikit-learn's, in every shape of data."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from ne_interactive.graph import projection
from ne_interactive.graph.projection import pca, pca_start


def cloud(n, d, *, seed=0, offset=0.0):
    rng = np.random.default_rng(seed)
    X = (
        rng.standard_normal((n, d))
        * 0.5 ** np.arange(d).clip(0, 12)
        @ np.linalg.qr(rng.standard_normal((d, d)))[0]
    )
    return torch.from_numpy((X + offset).astype(np.float32))


@pytest.mark.parametrize(("n", "d"), [(300, 10), (40, 120), (500, 1)])
def test_equals_scikit_learn(n, d):
    X = cloud(n, d)
    ours = pca(X, 3).numpy()
    theirs = PCA(min(3, d), svd_solver="full").fit(X.numpy())
    assert ours.shape == (n, min(3, d))
    expected = theirs.transform(X.numpy())
    signs = np.sign(theirs.components_[np.arange(min(3, d)), np.abs(theirs.components_).argmax(1)])
    np.testing.assert_allclose(ours, expected * signs, atol=2e-5 * np.abs(expected).max())


def test_subspace_iteration_agrees(monkeypatch):
    X = cloud(400, 90)
    exact = pca(X, 4)
    monkeypatch.setattr(projection, "EXACT_SIZE", 20)
    torch.testing.assert_close(pca(X, 4), exact, atol=1e-4, rtol=1e-3)


def test_subsample_is_close_and_repeatable(monkeypatch):
    X = cloud(4000, 12)
    exact = pca(X, 2)
    monkeypatch.setattr(projection, "SAMPLE_ROWS", 1000)
    some = pca(X, 2, seed=3)
    assert torch.equal(some, pca(X, 2, seed=3))
    assert not torch.equal(some, pca(X, 2, seed=4))
    for j in range(2):
        assert abs(np.corrcoef(some[:, j], exact[:, j])[0, 1]) > 0.99


def test_far_from_the_origin():
    torch.testing.assert_close(
        pca(cloud(300, 8, offset=1000.0), 2), pca(cloud(300, 8), 2), atol=2e-3, rtol=2e-3
    )


def test_never_more_components_than_the_data_have():
    assert pca(cloud(3, 10), 8).shape == (3, 2)
    assert pca(cloud(10, 3), 8).shape == (10, 3)


@pytest.mark.parametrize("scale", [1e-4, 1.0])
def test_start_has_the_scale(scale):
    Z = pca_start(cloud(300, 10), 2, scale=scale)
    assert Z.dtype == torch.float32
    assert Z.is_contiguous()
    assert float(Z[:, 0].std()) == pytest.approx(scale, rel=0.01)
    assert np.corrcoef(Z[:, 1], pca(cloud(300, 10), 2)[:, 1])[0, 1] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("X", [cloud(200, 1), torch.outer(torch.arange(200.0), torch.ones(5)), cloud(2, 3)])
def test_missing_components_are_small_noise(X):
    Z = pca_start(X, 3, seed=1)
    spread = Z.std(0)
    assert bool((spread[-1:] > 1e-8).all())
    assert bool((spread[-1:] < 1e-4 * 0.05).all())
    assert torch.equal(Z, pca_start(X, 3, seed=1))
    assert not torch.equal(Z, pca_start(X, 3, seed=2))


@pytest.mark.parametrize("value", [0.0, 7.3])
def test_equal_rows_start_as_noise(value):
    Z = pca_start(torch.full((300, 5), value), 2)
    assert float(Z.std()) == pytest.approx(1e-4, rel=0.2)


@pytest.mark.parametrize(("n", "d", "c"), [(3, 10, 8), (10, 3, 8), (2, 1, 5)])
def test_start_in_more_dimensions_than_the_data_have(n, d, c):
    Z = pca_start(cloud(n, d), c, scale=1.0)
    alive = min(d, n - 1)
    assert Z.shape == (n, c)
    assert bool(torch.isfinite(Z).all())
    assert float(Z[:, 0].std(correction=0)) == pytest.approx(1, rel=0.01)
    assert bool((Z.std(0) > 1e-4).all())
    if c > alive:
        assert float(Z[:, alive:].abs().max()) < 0.05


@pytest.mark.parametrize("size", [1e-25, 1e15])
def test_start_in_extreme_units(size):
    Z = pca_start(cloud(300, 6) * size, 2)
    torch.testing.assert_close(Z, pca_start(cloud(300, 6), 2), rtol=1e-3, atol=1e-8)


def test_equal_rows_far_from_the_origin_start_as_noise():
    X = torch.full((300, 5), 0.1) * 3e7
    Z = pca_start(X, 2)
    assert bool(torch.isfinite(Z).all())
    assert float(Z.std()) == pytest.approx(1e-4, rel=0.2)


def test_search_coordinates_hold_what_components_leave():
    X = cloud(300, 12)
    points, queries = projection.searchable(X, 4)
    parts = pca(X, 4)
    torch.testing.assert_close(points[:, :4], parts)
    torch.testing.assert_close(queries[:, :4], parts)
    assert bool((queries[:, 4] == 0).all())
    left = (X - X.mean(0)).square().sum(1) - parts.square().sum(1)
    torch.testing.assert_close(points[:, 4].square(), projection.BEYOND * left, rtol=1e-3, atol=1e-6)
    new = cloud(20, 12, seed=1)
    same, asked = projection.searchable(X, 4, new)
    assert torch.equal(same, points)
    assert asked.shape == (20, 5)


@pytest.mark.parametrize("gap", [True, False])
def test_leading_components_by_iteration_are_the_exact_ones(gap, monkeypatch):
    """With a gap in the spectrum iteration converges; white noise has none, and falls back."""
    X = cloud(800, 60) if gap else torch.randn(800, 60, generator=torch.Generator().manual_seed(0))
    found = pca(X, 3)
    monkeypatch.setattr(projection, "FEW", 1000)
    torch.testing.assert_close(found, pca(X, 3), rtol=1e-3, atol=1e-4)
    C = (X - X.mean(0)).T.double() @ (X - X.mean(0)).double()
    assert (projection._leading(C, 3, 0, rounds=8) is not None) == gap
