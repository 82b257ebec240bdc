"""densMAP: its radii, the gradient of their correlation, its schedule, and what it makes of digits."""

import warnings

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.neighbors import NearestNeighbors

import ne_interactive as ne
from ne_interactive.engine.step import evaluated, in_force
from ne_interactive.forces import density
from ne_interactive.graph.neighbors import find_neighbors
from ne_interactive.graph.sparse_affinities import Fuzzy
from ne_interactive.methods.densmap import DensMAP
from ne_interactive.methods.umap import TRIAL, UMAP, fit_curve


@pytest.fixture(scope="module")
def digits():
    return ne.datasets.digits()


def log_radii(X, k=15):
    distances = find_neighbors(torch.as_tensor(np.asarray(X, dtype=np.float32)), k).distances
    return torch.log(distances.double().square().mean(1) + 1e-8).numpy()


def kept(X, Z):
    """Correlation of log radii, measured with neighbours alone and no graph."""
    return np.corrcoef(log_radii(X), log_radii(Z))[0, 1]


def case(n=70, c=2, seed=0, scale=1.5):
    draw = np.random.default_rng(seed)
    X = torch.from_numpy((draw.normal(size=(n, 6)) * np.exp(draw.normal(size=(n, 1)))).astype(np.float32))
    neighbors = find_neighbors(X, 7)
    graph = Fuzzy(n_neighbors=8).graph(neighbors)
    squares = density.lengths(neighbors, graph).square()
    wanted = density.standardised(*density.log_radii(graph, squares, 0.01)).float()
    Z = torch.from_numpy((draw.normal(size=(n, c)) * scale).astype(np.float32))
    return X, graph, wanted, Z


@pytest.mark.parametrize("c", [1, 2, 3])
@pytest.mark.parametrize("least", [0.0, 0.3])
@pytest.mark.parametrize("shift", [0.1, 0.0, 2.0])
def test_the_gradient_is_that_of_the_correlation(c, least, shift):
    _, graph, wanted, Z = case(c=c)
    Z[3] = Z[graph.indices[graph.indptr[3]].long()]  # two neighbours that coincide
    kernel = density.Kernel(*fit_curve(0.1, 1.0), shift, least)
    found, correlation = density.density(graph, wanted, Z, kernel)
    exact = Z.double().requires_grad_()
    # coinciding ends have no slope, which autograd of d^(2b) cannot know
    apart = 1e-9 * torch.from_numpy(np.random.default_rng(1).normal(size=Z.shape))
    value = density.correlation(graph, wanted, exact + apart, kernel)
    (gradient,) = torch.autograd.grad(value, exact)
    gradient = gradient * len(Z)
    assert correlation == pytest.approx(float(value.detach()), abs=1e-5)
    scale = float(gradient.abs().max())
    torch.testing.assert_close(found.double() / scale, gradient / scale, rtol=1e-3, atol=1e-5)
    slow, same = density.density_torch(graph, wanted, Z.double(), kernel)
    assert same == pytest.approx(correlation, abs=1e-5)
    torch.testing.assert_close(slow / scale, gradient / scale, rtol=1e-5, atol=1e-6)


def test_the_limit_holds_for_each_component_of_each_point():
    _, graph, wanted, Z = case(scale=0.05)
    a, b = fit_curve(0.1, 1.0)
    free, _ = density.density(graph, wanted, Z, density.Kernel(a, b, 0.1, 0.0))
    held, _ = density.density(graph, wanted, Z, density.Kernel(a, b, 0.1, 0.0, 0.5))
    assert free.abs().max() > 0.5
    assert torch.equal(held, free.clamp(-0.5, 0.5))


def test_lengths_of_edges_are_those_of_the_data():
    X, graph, _, _ = case()
    neighbors = find_neighbors(X, 7)
    wanted = (X[graph.rows] - X[graph.indices.long()]).norm(dim=1)
    torch.testing.assert_close(density.lengths(neighbors, graph), wanted, rtol=1e-4, atol=1e-5)


def test_radii_do_not_depend_on_the_unit_of_the_data():
    X, graph, _, _ = case()
    X = torch.cat([X, X[:1].expand(12, -1)])  # and some coincide
    for unit in (1e-6, 1e6):
        radii = []
        for values in (X, X * unit):
            neighbors = find_neighbors(values, 7)
            graph = Fuzzy(n_neighbors=8).graph(neighbors)
            squares = density.lengths(neighbors, graph).square()
            radii.append(density.standardised(*density.log_radii(graph, squares, 0.0)))
        torch.testing.assert_close(radii[0], radii[1], rtol=1e-2, atol=1e-3)


def test_a_point_without_edges_has_no_say():
    _, graph, wanted, Z = case()
    least = float(graph.values.max()) * 2
    found, correlation = density.density(graph, wanted, Z, density.Kernel(1.5, 0.9, 0.1, least))
    assert not found.any()
    assert correlation == 0
    logs, some = density.log_radii(graph, torch.ones(graph.nnz), least)
    assert not density.standardised(logs, some).any()


def test_radii_agree_with_umap_learn(digits, monkeypatch):
    import umap

    search = umap.umap_.nearest_neighbors

    def exact(
        X, k, metric, *rest, **more
    ):  # the radii are known before the layout, and compiling its search takes long
        if metric != "euclidean":
            return search(X, k, metric, *rest, **more)
        distances, found = NearestNeighbors(n_neighbors=k).fit(X).kneighbors(X)
        return found, distances, None

    monkeypatch.setattr(umap.umap_, "nearest_neighbors", exact)
    monkeypatch.setattr(umap.umap_, "optimize_layout_euclidean", lambda embedding, *rest, **more: embedding)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = umap.UMAP(densmap=True, output_dens=True, n_epochs=11, init="random", random_state=0)
        _, theirs, _ = reference.fit_transform(digits.X)
    run = ne.Stepper(digits.X, DensMAP(random_state=0, max_iter=11))
    run._core.settle()
    ours = run._core.problem.extras["radii"].numpy()
    np.testing.assert_allclose(ours, (theirs - theirs.mean()) / theirs.std(), atol=1e-4)
    assert ours.mean() == pytest.approx(0, abs=1e-5)
    assert ours.std() == pytest.approx(1, abs=1e-4)


def test_densities_are_kept_and_digits_stay_apart(digits):
    Z = DensMAP(random_state=0).fit_transform(digits.X)
    plain = UMAP(random_state=0).fit_transform(digits.X)
    assert kept(digits.X, plain) < 0.5
    assert kept(digits.X, Z) > 0.75
    assert ne.metrics.label_accuracy(Z, digits.y, k=10) >= 0.96


def small(n=90, seed=0):
    draw = np.random.default_rng(seed)
    return (draw.normal(size=(n, 5)) * np.exp(draw.normal(size=(n, 1)))).astype(np.float32)


def run_of(X, **more):
    return ne.Stepper(X, DensMAP(**{"n_neighbors": 6, "random_state": 3, **more}))


@pytest.mark.parametrize("total", [100, 10, 33])
def test_the_density_term_acts_in_the_last_three_tenths_exactly(total):
    run = run_of(small(), max_iter=total)
    seen = []
    for _ in range(total):
        seen.append(run.params["density_weight"])
        run.step()
    first = next(i for i in range(total) if 10 * (i + 1) > 7 * total)
    assert seen == [0.0] * first + [2.0] * (total - first)
    assert (DensMAP().iterations(10_000), DensMAP().iterations(10_001)) == (700, 400)


def test_until_it_acts_every_step_is_that_of_umap():
    X = small()
    run = run_of(X, max_iter=100)
    plain = ne.Stepper(X, UMAP(n_neighbors=6, random_state=3, max_iter=100, negatives="sampled"))
    run.step(70)
    plain.step(70)
    assert np.array_equal(run.embedding, plain.embedding)
    run.step(1)
    plain.step(1)
    assert not np.array_equal(run.embedding, plain.embedding)


@pytest.mark.parametrize(("total", "waits"), [(100, 0), (33, 0), ("auto", 210)])
def test_it_soon_acts_on_a_map_of_another_method(total, waits):
    run = ne.Stepper(small(), UMAP(n_neighbors=6, random_state=3))
    run.step(10)
    run.switch(DensMAP(n_neighbors=6, max_iter=total))
    for _ in range(waits):
        assert run.params["density_weight"] == 0.0
        run.step()
    assert run.params["density_weight"] == 2.0
    run.step(5)
    assert run.params["density_weight"] == 2.0
    assert np.isfinite(run.embedding).all()


def test_a_map_of_another_method_is_not_dissolved(digits):
    run = ne.Stepper(digits.X, UMAP(random_state=0, max_iter=150))
    run.run()
    run.switch(DensMAP(max_iter=300))
    for _ in range(3):
        run.step(30)
        assert ne.metrics.label_accuracy(run.embedding, digits.y, k=10) > 0.65
    assert kept(digits.X, run.embedding) > 0.7


def test_a_run_does_not_rest_before_the_term_acts():
    run = run_of(small(), max_iter=400, tol=0.9)
    run.run()
    assert run.state == "resting"
    assert 280 < run.iteration <= 450
    other = run_of(small(), max_iter=400, tol=0.9, density_weight=0.0)
    other.run()
    assert other.iteration <= 150


def test_fit_gives_the_log_radii_of_both_sides():
    X = small(150)
    method = DensMAP(n_neighbors=10, random_state=3, max_iter=100).fit(X)
    for found, V in ((method.log_radii_, X), (method.embedded_log_radii_, method.embedding_)):
        distances = torch.cdist(*2 * [torch.from_numpy(V).double()])
        neighbors = find_neighbors(torch.from_numpy(V), 9)
        weights = torch.zeros(150, 150, dtype=torch.float64)
        graph = Fuzzy(n_neighbors=10).graph(neighbors)
        weights[graph.rows, graph.indices.long()] = graph.values.double()
        weights[weights < weights.max() / 100] = 0
        wanted = torch.log((weights * distances.square()).sum(1) / weights.sum(1))
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3)
    again = DensMAP(n_neighbors=10, random_state=3, max_iter=10, metric="sqeuclidean").fit(X)
    assert again.log_radii_.shape == (150,)


@pytest.mark.parametrize("name", ["density_weight", "density_shift"])
def test_both_parameters_matter_while_the_term_acts(name):
    X = small()
    one, other = run_of(X, density_weight=2.0), run_of(X, density_weight=2.0)
    for run in (one, other):
        run.step(5)
    other.tune(**{name: 1.0})
    for run in (one, other):
        run.step(5)
    assert not np.array_equal(one.embedding, other.embedding)


@pytest.mark.parametrize("optimizer", ["auto", "Adam", "SGD"])
def test_every_optimizer_raises_the_correlation(optimizer):
    X = small(150)
    more = {"max_iter": 150, "optimizer": optimizer}
    with_term, without = (run_of(X, density_weight=w, **more) for w in (2.0, 0.0))
    for run in (with_term, without):
        run.step(150)
    assert kept(X, with_term.embedding) > kept(X, without.embedding) + 0.1


def term_of(core, at, Z):
    """The correlation at Z and n times its gradient, by autograd."""
    kernel = density.Kernel(*fit_curve(0.1, 1.0), 0.1, core.problem.peak / 700)
    Z = Z.double().requires_grad_()
    value = density.correlation(at.graph, core.problem.extras["radii"], Z, kernel)
    share = float(at.graph.values[at.graph.values >= kernel.least].double().sum()) / core.problem.peak
    return float(value.detach()), share * torch.autograd.grad(value, Z)[0]


@pytest.mark.parametrize("optimizer", ["auto", "Adam"])
def test_the_move_is_the_gradient_times_its_share_and_the_loss_counts_it(optimizer):
    weight = 0.01  # small enough for no limit to be met
    run = run_of(small(), density_weight=weight, init="random", optimizer=optimizer)
    run.step(2)
    core = run._core
    at = evaluated(core.method, core.problem, core.state)
    lr = at.lr if optimizer == "auto" else TRIAL
    moves, loss = UMAP.moves(core.method, at, lr, True)
    found = core.method.gradient(at, True)
    moved = core.state.positions + moves
    value, rise = term_of(core, at, moved)
    half = lr * weight / 2 * rise
    wanted = half + lr * weight / 2 * term_of(core, at, moved + half.float())[1]
    torch.testing.assert_close((-lr * found.values - moves).double(), wanted, rtol=1e-2, atol=1e-4 * lr)
    assert found.loss - loss == pytest.approx(-weight * value / 6, abs=1e-6)


@pytest.mark.parametrize(
    "X",
    [
        np.concatenate([np.zeros((40, 4)), small(20)[:, :4]]),
        np.ones((60, 4)),
        np.eye(60),
        small(12),
        np.repeat(small(10), 9, axis=0),
    ],
    ids=["duplicates", "constants", "equidistant", "twelve", "groups"],
)
@pytest.mark.parametrize("optimizer", ["auto", "Adam"])
@pytest.mark.parametrize("shift", [0.1, 0.0])
def test_hard_data_stay_finite(X, optimizer, shift):
    run = run_of(X, max_iter=60, density_weight=5.0, optimizer=optimizer, density_shift=shift)
    run.step(60)
    assert np.isfinite(run.embedding).all()
    assert np.abs(run.embedding).max() < 1e3
    assert torch.isfinite(run._core.problem.extras["radii"]).all()


def test_equal_radii_have_nothing_to_correlate():
    run = run_of(np.eye(60))
    run._core.settle()
    assert not run._core.problem.extras["radii"].any()


def test_an_affinity_without_neighbours_is_refused():
    P = sparse.random(60, 60, 0.2, random_state=0, format="csr")
    for affinity in (P + P.T, "normalizedgaussian"):
        with pytest.raises(ne.ParameterError, match=r"DensMAP.affinity_in must make P from neighbours"):
            run_of(small(60), affinity_in=affinity)
    run = run_of(small(60), affinity_in="entropic", density_weight=2.0)
    run.step(5)
    assert np.isfinite(run.embedding).all()


def test_the_number_of_neighbours_renews_the_radii():
    run = run_of(small())
    run.step(2)
    before = run._core.problem.extras["radii"].clone()
    run.tune(n_neighbors=20)
    run.step(1)
    assert not torch.equal(run._core.problem.extras["radii"], before)
    assert in_force(run._core.method, run._core.state, 90)["n_neighbors"] == 20
