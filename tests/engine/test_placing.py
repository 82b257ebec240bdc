"""New rows in a finished map."""

import copy
import pickle

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import KNeighborsClassifier, kneighbors_graph

import ne_interactive as ne
from ne_interactive.engine.placing import descend
from ne_interactive.methods import METHODS
from tests.methods.test_contract import data, make

PLACING = sorted(name for name, method in METHODS.items() if method.places())
every_placing = pytest.mark.parametrize("name", PLACING)


@pytest.fixture(scope="module")
def digits():
    found = ne.datasets.digits()
    order = np.random.default_rng(0).permutation(len(found.X))
    X, y = found.X[order].astype(np.float32), found.y[order]
    return X[:1400], y[:1400], X[1400:], y[1400:]


def test_methods_that_place_new_rows():
    assert {"tsne", "umap", "largevis", "infotsne", "contrastivespectrum", "sne"} <= set(PLACING)
    assert not hasattr(ne.COSNE(), "transform")
    assert hasattr(ne.TSNE(), "transform")


@every_placing
def test_rows_of_the_map_get_their_places_back(name):
    X = data(150)
    fitted = make(name, max_iter=50).fit(X)
    assert np.array_equal(fitted.transform(X), fitted.embedding_)
    chosen = np.random.default_rng(0).permutation(150)[:40]
    assert np.array_equal(fitted.transform(X[chosen]), fitted.embedding_[chosen])


@every_placing
def test_a_place_does_not_depend_on_the_other_new_rows(name):
    X = data(620)
    fitted = make(name, max_iter=50).fit(X[:600])
    Z = fitted.transform(X[600:])
    alone = np.concatenate([fitted.transform(X[i : i + 1]) for i in range(600, 620)])
    np.testing.assert_allclose(Z, alone, atol=1e-3 * np.ptp(Z))


@every_placing
def test_new_rows_land_among_their_like(name, digits):
    X, y, new, wanted = digits
    fitted = METHODS[name](random_state=0).fit(X)
    Z = fitted.transform(new)
    there = KNeighborsClassifier(10).fit(fitted.embedding_, y)
    own = ne.metrics.label_accuracy(fitted.embedding_, y, k=10)
    print(name, there.score(Z, wanted), own)
    assert there.score(Z, wanted) > own - 0.02


@every_placing
def test_a_row_left_out_lands_where_the_full_map_has_it(name):
    X = data(400)
    run = ne.Stepper(X, make(name))
    run.run()
    kept = np.arange(400) >= 20
    Z = run.embedding
    rest = make(name, init=Z[kept], early_exaggeration_iter=0, max_iter=1, lr=1e-9).fit(X[kept])
    placed = rest.transform(X[~kept])
    near = np.linalg.norm(placed - Z[~kept], axis=1)
    assert np.median(near) < 0.05 * np.ptp(Z), near


def test_every_kind_of_table_comes_back_in_its_kind():
    import pandas

    X = data(130)
    fitted = ne.TSNE(perplexity=8, max_iter=30, random_state=0).fit(X[:100])
    Z = fitted.transform(X[100:])
    frame = fitted.transform(pandas.DataFrame(X[100:], index=pandas.Index(range(7, 37))))
    assert list(frame.index) == list(range(7, 37))
    np.testing.assert_array_equal(frame.to_numpy(), Z)
    tensor = fitted.transform(torch.from_numpy(X[100:]).double().requires_grad_())
    assert isinstance(tensor, torch.Tensor)
    assert not tensor.requires_grad
    np.testing.assert_array_equal(tensor.numpy(), Z)
    rows = torch.utils.data.TensorDataset(torch.from_numpy(X[100:]))
    batches = fitted.transform(torch.utils.data.DataLoader(rows, batch_size=7))
    np.testing.assert_allclose(batches.numpy(), Z, atol=1e-3 * np.ptp(Z))


def test_a_map_of_a_stream_places_new_rows_as_that_of_its_rows():
    X = data(130)
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.from_numpy(X[:100])), batch_size=9
    )
    start = np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32)
    streamed, whole = (
        ne.UMAP(n_neighbors=8, init=start, max_iter=20, random_state=0).fit(given)
        for given in (loader, X[:100])
    )
    np.testing.assert_allclose(streamed.transform(X[100:]), whole.transform(X[100:]), atol=1e-3)


def test_precomputed_distances_place_as_the_rows_do():
    X = data(130)
    start = np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32)
    plain = ne.TSNE(perplexity=8, init=start, max_iter=10, random_state=0)
    known = ne.TSNE(perplexity=8, init=start, max_iter=10, random_state=0, metric="precomputed")
    wanted = plain.fit(X[:100]).transform(X[100:])
    found = known.fit(cdist(X[:100], X[:100])).transform(cdist(X[100:], X[:100]))
    np.testing.assert_allclose(found, wanted, atol=1e-2 * np.ptp(wanted))
    with pytest.raises(ne.DataError, match="distances to the 100 points"):
        known.transform(X[100:])


def test_a_fitted_method_keeps_placing_when_copied_and_stored():
    X = data(130)
    fitted = ne.UMAP(n_neighbors=8, max_iter=30, random_state=0).fit(X[:100])
    wanted = fitted.transform(X[100:])
    for other in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(other.transform(X[100:]), wanted)


def test_a_run_places_new_rows_in_the_map_as_it_is_now():
    X = data(230)
    run = ne.Stepper(X[:200], ne.TSNE(perplexity=8, random_state=0))
    run.step(200)
    early = run.transform(X[200:])
    kept = run.map()
    run.step(200)
    assert not np.allclose(run.transform(X[200:]), early, atol=1e-3)
    np.testing.assert_array_equal(kept.place(X[200:]), early)
    spread = run.transform(X[200:])
    run.tune(exaggeration=50.0)
    assert not np.array_equal(run.transform(X[200:]), spread)


def test_a_running_run_places_new_rows():
    X = data(230)
    run = ne.Stepper(X[:200], ne.TSNE(perplexity=8, random_state=0)).start()
    try:
        Z = run.transform(X[200:])
    finally:
        run.stop()
    assert np.isfinite(Z).all()


@pytest.mark.parametrize("c", [1, 2, 3, 4])
@pytest.mark.parametrize("n", [60, 600])
def test_new_rows_are_placed_in_any_dimension(c, n):
    X = data(n + 20)
    fitted = ne.TSNE(perplexity=8, n_components=c, max_iter=100, random_state=0).fit(X[:n])
    Z = fitted.transform(X[n:])
    assert Z.shape == (20, c)
    low, high = fitted.embedding_.min(0), fitted.embedding_.max(0)
    room = 0.101 * (high - low).max()
    assert ((low - room <= Z) & (high + room >= Z)).all()


@every_placing
def test_hard_data_are_placed(name):
    X = data(60)
    X[:40] = X[0]
    for given, new in (
        (X, data(70)[60:]),
        (np.ones((60, 4)), np.zeros((3, 4))),
        (np.eye(60), np.ones((2, 60))),
    ):
        Z = make(name, max_iter=30).fit(given).transform(new)
        assert np.isfinite(Z).all()


def test_what_does_not_fit_is_refused():
    X = data(100)
    fitted = ne.TSNE(perplexity=8, max_iter=5).fit(X)
    with pytest.raises(NotFittedError):
        ne.TSNE().transform(X)
    with pytest.raises(ne.DataError, match="X has 3 features, but TSNE is expecting 12 features"):
        fitted.transform(X[:, :3])
    with pytest.raises(ne.DataError, match="NaN"):
        fitted.transform(np.full((2, 12), np.nan))
    with pytest.raises(ne.DataError, match="0 sample"):
        fitted.transform(X[:0])
    between = ne.TSNE(perplexity=8, max_iter=5, metric="precomputed").fit(cdist(X, X))
    with pytest.raises(ne.DataError, match="to all 100 points of the map; X is sparse"):
        between.transform(kneighbors_graph(X, 20, mode="distance")[:3])
    run = ne.Stepper(X, ne.COSNE(perplexity=8))
    with pytest.raises(ne.ParameterError, match=r"COSNE does not place new rows. Methods that do: .*TSNE"):
        run.transform(X)
    P = np.random.default_rng(0).random((100, 100))
    for affinity in (P + P.T, "sinkhorn", "magic"):
        run = ne.Stepper(X, ne.TSNE(affinity_in=affinity))
        with pytest.raises(ne.ParameterError, match="no weights for new rows"):
            run.transform(X + 1)


def test_descent_finds_the_least_of_each_row_from_the_best_start():
    goal = torch.tensor([[0.3, -0.2], [0.9, 0.4]], dtype=torch.float64)

    def loss(z):
        return (z - goal).square().sum(1) * torch.tensor([1.0, 1e4])

    starts = [torch.zeros(2, 2, dtype=torch.float64), torch.full((2, 2), 0.5, dtype=torch.float64)]
    low, high = torch.full((2,), -1.0, dtype=torch.float64), torch.full((2,), 0.8, dtype=torch.float64)
    found = descend(loss, starts, low, high)
    torch.testing.assert_close(found, goal.clamp(max=0.8), atol=1e-4, rtol=0)
