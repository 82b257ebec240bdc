"""Default runs on real data reach at least what the reference packages reach in the same run.

Both figures are means over two seeds, and shares of a finite sample: equally good maps differ by chance. The margin
allowed is two standard errors of such a share, at most 0.009 of recall and accuracy on the data used here.
"""

import functools

import numpy as np
import pytest

import ne_interactive as ne
from tests.bench.compare import EMBEDDERS, load, quality

SEEDS = (0, 1)
PAIRS = [
    ("TSNE", "openTSNE", "digits"),
    ("TSNE", "openTSNE", "fashion"),
    ("UMAP", "umap-learn", "digits"),
    ("UMAP", "umap-learn", "fashion"),
    ("PACMAP", "pacmap PaCMAP", "digits"),
    ("PACMAP", "pacmap PaCMAP", "fashion"),
    ("LocalMAP", "pacmap LocalMAP", "digits"),
    ("LocalMAP", "pacmap LocalMAP", "fashion"),
    ("DensMAP", "umap-learn densMAP", "digits"),
    ("LargeVis", "torchdr LargeVis", "digits"),
    ("InfoTSNE", "torchdr InfoTSNE", "digits"),
]


@functools.cache  # some maps are held beside two references
def mean_quality(name, data):
    X, y = load(data, 10_000)
    each = [quality(X, y, EMBEDDERS[name](X, seed)) for seed in SEEDS]
    return {figure: float(np.mean([found[figure] for found in each])) for figure in each[0]}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of the reference packages
@pytest.mark.parametrize(("method", "reference", "data"), PAIRS)
def test_defaults_are_as_good_as_the_reference_package(method, reference, data):
    found, wanted = mean_quality(f"ne_interactive {method}", data), mean_quality(reference, data)
    print(f"{data}: {method} {found}, {reference} {wanted}")
    assert_not_lower(found, wanted, len(load(data, 10_000)[0]))


def assert_not_lower(found, wanted, n):
    for figure, pairs in (("recall@10", 10 * min(n, 2000)), ("accuracy", n)):
        share = wanted[figure]
        margin = 2 * (share * (1 - share) / pairs) ** 0.5
        assert margin < 0.009
        assert found[figure] >= share - margin, figure


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_digits_are_as_good_as_those_of_scikit_learn():
    X, y = load("digits", 10_000)
    found = mean_quality("ne_interactive TSNE", "digits")
    wanted = quality(X, y, EMBEDDERS["scikit-learn TSNE"](X, 0))
    assert_not_lower(found, wanted, len(X))


def test_divergence_and_gradient_agree_with_those_of_scikit_learn():
    from scipy.spatial.distance import squareform
    from sklearn.manifold._t_sne import _kl_divergence

    from ne_interactive.engine.protocol import At
    from ne_interactive.engine.step import in_force

    X = ne.datasets.digits().X[:200]
    run = ne.Stepper(X, ne.TSNE(perplexity=20, random_state=0, init="random", init_scaling=3.0))
    run._core.settle()
    core = run._core
    graph = core.problem.graph
    P = np.zeros((200, 200))
    for i in range(200):
        at = slice(int(graph.indptr[i]), int(graph.indptr[i + 1]))
        P[i, graph.indices[at].numpy()] = graph.values[at].numpy()
    Z = core.state.positions.numpy().astype(np.float64)
    kl, gradient = _kl_divergence(Z.ravel(), squareform(P, checks=False), 1, 200, 2, skip_num_points=0)
    knobs = in_force(core.method, core.state, 200) | {"exaggeration": 1.0}
    found = core.method.gradient(At(core.problem, core.state, knobs, 1.0), True)
    assert found.loss == pytest.approx(kl, rel=1e-4)
    np.testing.assert_allclose(found.values.numpy().ravel(), gradient, rtol=2e-3, atol=1e-6)


def test_affinities_agree_with_those_of_opentsne():
    from openTSNE.affinity import PerplexityBasedNN

    X = ne.datasets.digits().X[:500]
    X = X + np.random.default_rng(0).normal(scale=0.01, size=X.shape).astype(np.float32)  # no ties
    run = ne.Stepper(X, ne.TSNE(perplexity=15))
    run._core.settle()
    graph = run._core.problem.graph
    wanted = PerplexityBasedNN(X, perplexity=15, method="exact").P.tocsr()
    wanted.sort_indices()
    assert np.array_equal(graph.indptr.numpy(), wanted.indptr)
    assert np.array_equal(graph.indices.numpy(), wanted.indices)
    np.testing.assert_allclose(graph.values.numpy(), wanted.data, rtol=2e-3, atol=1e-9)
