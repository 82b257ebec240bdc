"""The spectral start against scikit-learn's and umap-learn's, and on graphs in pieces."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.sparse.linalg import ArpackNoConvergence
from sklearn.manifold import SpectralEmbedding

from ne_interactive.graph import spectral
from ne_interactive.graph.csr import Graph, symmetrize
from ne_interactive.graph.neighbors import find_neighbors
from ne_interactive.graph.spectral import spectral_start


def graph_of(X, k=10):
    found = find_neighbors(torch.as_tensor(X), k)
    return symmetrize(found.indices, torch.exp(-found.distances / found.distances.mean(1, keepdim=True)))


def from_scipy(W):
    W = sp.csr_matrix(W)
    W.sort_indices()
    return Graph(
        torch.from_numpy(W.indptr.astype(np.int64)),
        torch.from_numpy(W.indices.astype(np.int32)),
        torch.from_numpy(W.data.astype(np.float32)),
    )


def matrix(graph):
    return sp.csr_matrix((graph.values.double().numpy(), graph.indices.numpy(), graph.indptr.numpy()))


def pieces(*sizes, seed=0):
    blocks = []
    for t, size in enumerate(sizes):
        if size == 1:
            blocks.append(np.zeros((1, 1)))
            continue
        rng = np.random.default_rng(seed + t)
        W = np.diag(rng.random(size - 1) + 0.5, 1)
        blocks.append(W + W.T)
    return from_scipy(sp.block_diag(blocks))


@pytest.fixture(scope="module")
def digits_graph(digit_values):
    return graph_of(digit_values, 15)


def test_equals_scikit_learn(digits_graph):
    Z = spectral_start(digits_graph, 3, scale=1.0).numpy()
    W = matrix(digits_graph)
    theirs = SpectralEmbedding(3, affinity="precomputed", random_state=0).fit_transform(W)
    theirs = theirs * np.sqrt(np.asarray(W.sum(1)))  # which divides by the root of the degrees
    for j in range(3):
        assert abs(np.corrcoef(Z[:, j], theirs[:, j])[0, 1]) > 0.9999
    assert Z.std(0) == pytest.approx([1, 1, 1], abs=0.02)


def test_equals_umap_learn(digits_graph):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # umap-learn's, about TensorFlow
        from umap.spectral import spectral_layout
    theirs = spectral_layout(np.zeros((digits_graph.n, 1)), matrix(digits_graph), 2, np.random.RandomState(0))
    Z = spectral_start(digits_graph, 2, scale=1.0).numpy()
    for j in range(2):
        assert abs(np.corrcoef(Z[:, j], theirs[:, j])[0, 1]) > 0.9999


def test_dense_and_iterative_agree(monkeypatch):
    graph = graph_of(torch.rand(280, 2, generator=torch.Generator().manual_seed(0)))
    exact = spectral_start(graph, 2, scale=1.0)
    monkeypatch.setattr(spectral, "DENSE_ROWS", 10)
    torch.testing.assert_close(spectral_start(graph, 2, scale=1.0), exact, atol=1e-3, rtol=0)


@pytest.mark.parametrize("scale", [1e-4, 10.0])
def test_scale_and_seed(digits_graph, scale):
    Z = spectral_start(digits_graph, 2, scale=scale, seed=3)
    assert Z.dtype == torch.float32
    assert Z.shape == (digits_graph.n, 2)
    assert float(Z[:, 0].std()) == pytest.approx(scale, rel=0.01)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    assert torch.equal(Z, spectral_start(digits_graph, 2, scale=scale, seed=3))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])
    other = spectral_start(digits_graph, 2, scale=scale, seed=4)
    assert not torch.equal(Z, other)
    torch.testing.assert_close(Z, other, atol=0.02 * scale, rtol=0)  # the seed only changes noise, not signs


def test_components_lie_apart():
    sizes = (400, 60, 60, 9, 2, 1, 1, 1)
    Z = spectral_start(pieces(*sizes), 2, scale=1.0).numpy()
    assert np.isfinite(Z).all()
    label = np.repeat(np.arange(len(sizes)), sizes)
    centres = np.array([(Z[label == t].min(0) + Z[label == t].max(0)) / 2 for t in range(len(sizes))])
    reach = [np.linalg.norm(Z[label == t] - centres[t], axis=1).max() for t in range(len(sizes))]
    for t in range(len(sizes)):
        nearest = min(np.linalg.norm(centres[t] - centres[u]) for u in range(len(sizes)) if u != t)
        others = [np.linalg.norm(Z[label != t] - z, axis=1).min() for z in Z[label == t][:20]]
        assert nearest > 0
        assert min(others) > 0.005
    assert reach[0] > reach[1] > reach[3]  # room in order of size
    along = np.argsort(np.argsort(Z[label == 1][:, 0]))
    assert abs(np.corrcoef(along, np.arange(60))[0, 1]) > 0.95  # a chain is laid out as one


@pytest.mark.parametrize("c", [1, 3])
def test_components_in_other_dimensions(c):
    Z = spectral_start(pieces(200, 50, 50), c, scale=1.0).numpy()
    label = np.repeat(np.arange(3), [200, 50, 50])
    for t in range(3):
        gap = np.linalg.norm(Z[label == t][:, None] - Z[label != t][None], axis=2).min()
        assert gap > 0.005
    assert Z[:, 0].std() == pytest.approx(1, rel=0.01)


def test_many_pieces():
    graph = pieces(*([4] * 100 + [1] * 300))
    Z = spectral_start(graph, 2, scale=1.0).numpy()
    assert np.isfinite(Z).all()
    assert len(np.unique(Z.round(4), axis=0)) == graph.n


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("c", [1, 2, 5])
def test_fewer_points_than_dimensions(n, c):
    Z = spectral_start(pieces(n), c, scale=1e-4)
    assert Z.shape == (n, c)
    assert bool(torch.isfinite(Z).all())
    assert float(Z.abs().max()) > 0
    assert float(Z.abs().max()) < 1e-2
    assert len(set(map(tuple, Z.tolist()))) == n


def test_equal_points_part():
    graph = from_scipy(np.ones((40, 40)) - np.eye(40))
    assert len(set(map(tuple, spectral_start(graph, 2).tolist()))) == 40


def stuck(*arguments, **options):
    raise ArpackNoConvergence("stuck", np.zeros(0), np.zeros((len(options["v0"]), 0)))


def test_another_solver_when_one_is_stuck(digits_graph, monkeypatch):
    Z = spectral_start(digits_graph, 2, scale=1.0)
    monkeypatch.setattr(spectral, "eigsh", stuck)
    again = spectral_start(digits_graph, 2, scale=1.0)
    for j in range(2):
        assert abs(np.corrcoef(Z[:, j], again[:, j])[0, 1]) > 0.99


def test_noise_with_a_warning_when_both_are(digits_graph, monkeypatch):
    monkeypatch.setattr(spectral, "eigsh", stuck)
    monkeypatch.setattr(spectral, "lobpcg", lambda A, start, **options: (np.zeros(2), start))
    with pytest.warns(UserWarning, match=r"No eigensolver converged for a component of 1797 points"):
        Z = spectral_start(digits_graph, 2, scale=1e-4)
    assert float(Z[:, 0].std()) == pytest.approx(1e-4, rel=0.01)
