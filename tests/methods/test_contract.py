"""The contract that every method keeps, with every live parameter."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

import ne_interactive as ne
from ne_interactive.engine.protocol import At
from ne_interactive.engine.schedules import factor
from ne_interactive.engine.step import evaluated, in_force, step
from ne_interactive.graph.faiss_config import FaissConfig
from ne_interactive.methods import METHODS
from ne_interactive.params.errors import ParameterError
from ne_interactive.params.param import params_of

# scikit-learn checks that a method is expected to fail, with the reason; there are none
EXPECTED_FAILURES: dict[str, dict[str, str]] = {}
# methods whose forces are no gradient of one loss; their torch version is the reference (below)
MOVES = {"densmap", "umap"}


def small(name, perplexity=8, n_neighbors=6):
    """Parameters with which a method suits small data."""
    given = {
        "perplexity": perplexity,
        "n_neighbors": n_neighbors,
        "n_negatives": 5,
        "iter_per_phase": 25,
        "density_weight": 2.0,
    }
    return {key: value for key, value in given.items() if key in params_of(METHODS[name])}


def make(name, **more):
    return METHODS[name](**{"random_state": 3, **small(name), **more})


def data(n=150, d=12, seed=0):
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(3, d)) * 6
    return (centres[np.arange(n) % 3] + draw.normal(size=(n, d))).astype(np.float32)


every_method = pytest.mark.parametrize("name", sorted(METHODS))
every_live = pytest.mark.parametrize(
    ("name", "parameter"),
    [(name, p.name) for name, cls in sorted(METHODS.items()) for p in params_of(cls).values() if p.live],
)
every_slider = pytest.mark.parametrize(
    ("name", "parameter"),
    [
        (name, p.name)
        for name, cls in sorted(METHODS.items())
        for p in params_of(cls).values()
        if p.live and p.kind != "choice"
    ],
)


@every_method
def test_scikit_learn_checks(name):
    estimator = METHODS[name](**small(name, perplexity=3, n_neighbors=5), max_iter=30)
    results = check_estimator(estimator, expected_failed_checks=EXPECTED_FAILURES.get(name, {}), on_skip=None)
    assert len(results) > 30


@every_method
def test_a_method_is_a_value(name):
    method = make(name)
    assert clone(method).get_params() == method.get_params()
    assert pickle.loads(pickle.dumps(method)).get_params() == method.get_params()
    assert copy.deepcopy(method).get_params() == method.get_params()
    assert type(method).__name__ in repr(method)
    assert method.set_params(learning_rate=2.5).lr == 2.5
    with pytest.raises(TypeError, match="perplexty"):
        type(method)(perplexty=5)
    fitted = make(name, max_iter=5).fit(data(60))
    assert np.array_equal(copy.deepcopy(fitted).embedding_, fitted.embedding_)
    assert np.array_equal(pickle.loads(pickle.dumps(fitted)).embedding_, fitted.embedding_)


@every_method
def test_the_gradient_is_that_of_the_loss(name):
    if name in MOVES:
        pytest.skip("makes moves: held to its torch version instead")
    run = ne.Stepper(data(90), make(name, init="random", init_scaling=0.3))
    core = run._core
    core.settle()
    for steps in (0, 3):
        if steps:
            run.step(steps)
        at = evaluated(core.method, core.problem, core.state)
        at = dataclasses.replace(at, knobs={**at.knobs, "exaggeration": 1.7, "repulsion_strength": 0.6})
        found = core.method.gradient(at, True)
        Z = core.state.positions.double().clone().requires_grad_()
        loss = core.method.loss(Z, at)
        (wanted,) = torch.autograd.grad(loss, Z)
        scale = float(wanted.abs().max())
        torch.testing.assert_close(found.values.double() / scale, wanted / scale, rtol=1e-3, atol=2e-4)
        if (
            steps == 0 and not found.memory
        ):  # what is kept between steps is held, so the loss alone has other slopes
            along = torch.from_numpy(np.random.default_rng(0).normal(size=Z.shape)) * 1e-6
            with torch.no_grad():
                ends = [float(core.method.loss(Z + sign * along, at)) for sign in (1, -1)]
            assert (ends[0] - ends[1]) / 2 == pytest.approx(float((wanted * along).sum()), rel=1e-3)


@every_method
@pytest.mark.parametrize("backend", [None, "faiss", FaissConfig(index_type="Flat"), "keops"])
def test_exact_backends_give_the_same_step(name, backend):
    X = data(90)
    one = ne.Stepper(X, make(name, backend=None))
    other = ne.Stepper(X, make(name, backend=backend))
    one.step(2)
    other.step(2)
    scale = one.embedding.std()
    np.testing.assert_allclose(other.embedding / scale, one.embedding / scale, atol=2e-3)


@every_method
@pytest.mark.parametrize("kind", ["float64", "float16", "int32", "uint8", "torch", "bfloat16", "csr"])
def test_every_kind_of_number_embeds(name, kind):
    X = np.abs(data(60) * 4).round()
    given = {
        "torch": lambda: torch.from_numpy(X).double().requires_grad_(),
        "bfloat16": lambda: torch.from_numpy(X).bfloat16(),
        "csr": lambda: sparse.csr_array(X),
    }.get(kind, lambda: X.astype(kind))()
    Z = make(name, max_iter=5).fit_transform(given)
    plain = make(name, max_iter=5).fit_transform(X)
    assert Z.shape == (60, 2)
    if isinstance(Z, torch.Tensor):
        assert not Z.requires_grad
        Z = Z.numpy()
    assert isinstance(Z, np.ndarray)
    assert np.array_equal(Z, plain)


@every_method
def test_a_saved_run_goes_on_bit_for_bit(name, tmp_path):
    X = data(90)
    run = ne.Stepper(X, make(name))
    run.step(12)
    run.tune(repulsion_strength=1.5)
    run.step(2)
    loaded = ne.Stepper.load(run.save(tmp_path / "run.npz"), X)
    assert np.array_equal(loaded.step(12).embedding, run.step(12).embedding)


@every_method
def test_a_loader_gives_what_the_array_gives(name):
    X = torch.from_numpy(data(90))
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X), batch_size=20)
    method = make(name, max_iter=10)
    if method.affinity_of(90, {p: getattr(method, p) for p in params_of(method)}).k(90) is None:
        with pytest.raises(ne.DataError, match="all pairs"):
            clone(method).fit(loader)
        return
    one, other = ne.Stepper(loader, method), ne.Stepper(X, method)
    scale = other.embedding.std()
    np.testing.assert_allclose(one.embedding / scale, other.embedding / scale, atol=1e-3)
    for run in (one, other):
        run.step(5)
    assert torch.equal(one._core.problem.graph.indices, other._core.problem.graph.indices)
    torch.testing.assert_close(one._core.problem.graph.values, other._core.problem.graph.values)
    assert np.isfinite(one.embedding).all()


@every_method
def test_step_is_pure_and_donating_gives_the_same_bits(name):
    run = ne.Stepper(data(), make(name))
    run.step(30)
    core = run._core
    before = core.state.copy()
    one, report = step(core.method, core.problem, core.state)
    other, _ = step(core.method, core.problem, before.copy(), donate=True)
    assert torch.equal(core.state.positions, before.positions)
    for slot, kept in before.slots.items():
        assert torch.equal(core.state.slots[slot], kept)
    assert torch.equal(one.positions, other.positions)
    assert one.slots.keys() == other.slots.keys()
    for kind in ("slots", "memory"):
        for slot, kept in getattr(one, kind).items():
            assert torch.equal(getattr(other, kind)[slot], kept)
    assert one.iteration == other.iteration == 31
    assert np.isfinite(report.loss)


@every_method
def test_pinned_points_stay_to_the_last_bit_and_push_on(name):
    run = ne.Stepper(data(), make(name))
    run.step(30)
    run.move([8, 3], run.embedding[[3, 8]] * 0.9)
    run.pin(np.arange(100, 120))
    rows, there, before = run.pinned, run.embedding, run.embedding
    core = run._core
    one, _ = step(core.method, core.problem, core.state)
    other, _ = step(core.method, core.problem, core.state.copy(), donate=True)
    assert torch.equal(one.positions, other.positions)
    run.step(25)
    assert np.array_equal(run.embedding[rows], there[rows])
    free = np.setdiff1d(np.arange(150), rows)
    assert (run.embedding[free] != before[free]).any(1).mean() > 0.9
    alone = ne.Stepper(data(), make(name))
    alone.step(55)
    assert not np.array_equal(run.embedding[free], alone.embedding[free])
    run.release()
    run.step(5)
    assert (run.embedding[rows] != there[rows]).any(1).mean() > 0.9
    assert np.isfinite(run.embedding).all()


@every_method
def test_same_seed_same_bits_other_seed_other_map(name):
    X = data()
    first = make(name, max_iter=60).fit_transform(X)
    again = make(name, max_iter=60).fit_transform(X)
    other = make(name, max_iter=60, init="random").set_params(random_state=4).fit_transform(X)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@every_method
def test_global_random_state_is_left_alone(name):
    X = data(60)
    np.random.seed(0)
    torch.manual_seed(0)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()
    make(name, max_iter=5).set_params(random_state=None).fit(X)
    assert np.array_equal(np.random.get_state()[1], before[0])
    assert torch.equal(torch.get_rng_state(), before[1])


@every_live
def test_every_live_parameter_can_change_mid_run_and_matters(name, parameter):
    X = data()
    run, control = ne.Stepper(X, make(name)), ne.Stepper(X, make(name))
    for each in (run, control):
        each.step(40)
    declared = params_of(run.method)[parameter]
    entry = next(e for e in run.describe() if e["name"] == parameter)
    value = entry["ui_high"] if entry["value"] != entry["ui_high"] else entry["ui_low"]
    if entry["kind"] == "choice":
        value = "cosine"
    gentle = {"perplexity": 40, "n_neighbors": 40, "lr": 2.0, "min_dist": 0.9}
    value = min(value, gentle.get(parameter, value))
    run.tune(**{parameter: value})
    expected = declared.check(value, name, run.n)
    assert run.params[parameter] == (expected if isinstance(expected, str) else pytest.approx(expected))
    run.step(20)
    control.step(20)
    assert np.isfinite(run.embedding).all()
    assert not np.array_equal(run.embedding, control.embedding)
    assert np.corrcoef(run.embedding[:, 0], control.embedding[:, 0])[0, 1] ** 2 > 0.1, (
        "the layout was restarted"
    )


@every_slider
@pytest.mark.parametrize("end", ["ui_low", "ui_high"])
def test_a_slider_yanked_to_its_end_leaves_a_finite_map(name, parameter, end):
    run = ne.Stepper(data(), make(name))
    run.step(30)
    entry = next(e for e in run.describe() if e["name"] == parameter)
    if (parameter, end) == ("min_dist", "ui_high"):
        with pytest.raises(ParameterError, match="at most spread"):
            run.tune(min_dist=entry[end])
    else:
        run.tune(**{parameter: entry[end]})
    run.step(60)
    assert np.isfinite(run.embedding).all()
    assert np.abs(run.embedding).max() < 1e4


@every_method
def test_values_set_by_hand_stay_and_auto_gives_them_back(name):
    run = ne.Stepper(data(), make(name))
    scheduled = run.params["lr"]
    run.tune(lr=2.5)
    run.step(5)
    assert run.params["lr"] == 2.5
    assert run.following["lr"] is False
    run.tune(lr="auto")
    run.step(1)
    assert run.params["lr"] == scheduled
    assert run.following["lr"] is True


@pytest.mark.parametrize("name", ["tsne", "umap"])
def test_torch_forces_give_the_same_step(name, monkeypatch):
    from ne_interactive.engine import rules
    from ne_interactive.forces import attraction, exact, expected

    run = ne.Stepper(data(), make(name))
    run.step(5)
    core = run._core
    fast, _ = step(core.method, core.problem, core.state)
    monkeypatch.setattr(attraction, "student", attraction.student_torch)
    monkeypatch.setattr(exact, "repulsion", exact.repulsion_torch)
    monkeypatch.setattr(rules, "glide", rules.glide_torch)
    monkeypatch.setattr(expected, "attraction", expected.attraction_torch)
    monkeypatch.setattr(expected, "exact", expected.exact_torch)
    slow, _ = step(core.method, core.problem, core.state)
    apart = (fast.positions - slow.positions).abs() / fast.positions.std()
    assert float(apart.quantile(0.98)) < 1e-4
    assert float(apart.max()) < 1e-3


@every_method
@pytest.mark.parametrize("c", [1, 2, 3, 4])
def test_embeds_in_any_dimension(name, c):
    Z = make(name, n_components=c, max_iter=30).fit_transform(data(80))
    assert Z.shape == (80, c)
    assert np.isfinite(Z).all()


@every_method
def test_values_in_force_come_from_the_constructor_and_then_from_the_hand(name):
    run = ne.Stepper(data(), make(name, repulsion_strength=2.0))
    run.step(1)
    core = run._core
    assert in_force(core.method, core.state, core.rows.n)["repulsion_strength"] == 2.0
    run.tune(repulsion_strength=0.5)
    run.step(1)
    assert in_force(core.method, core.state, core.rows.n)["repulsion_strength"] == 0.5


@every_method
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"distributed": True}, "distributed must be False"),
        ({"init": "spectrum"}, "init must be one of 'pca', 'spectral', .* or an array; got 'spectrum'"),
        ({"init": np.zeros((3, 2))}, r"init must have shape \(150, 2\), one row a point; got \(3, 2\)"),
        ({"init": np.full((150, 2), np.nan)}, "init must (be finite; row 0 is not|lie in the unit ball)"),
        ({"device": "toaster"}, "device must be 'auto' or a torch device; got 'toaster'"),
        ({"metric": "taxi"}, "metric must be one of 'euclidean'"),
        ({"max_iter": 0}, r"max_iter must lie in \[1, inf\); got 0"),
        ({"random_state": "yesterday"}, "random_state"),
    ],
)
def test_bad_parameters_are_refused_before_any_work(name, changes, message):
    with pytest.raises((ParameterError, ne.DataError), match=message):
        ne.Stepper(data(), make(name, **changes))


@every_method
def test_fewer_rows_than_neighbours_is_refused(name):
    with pytest.raises(ParameterError, match="for 5 points"):
        ne.Stepper(data(5), make(name))


@every_method
def test_given_start_is_kept_as_given_and_scaled_only_on_request(name):
    start = np.random.default_rng(1).normal(size=(150, 2)).astype(np.float32) * 0.2  # within the unit ball
    assert np.array_equal(ne.Stepper(data(), make(name, init=start)).embedding, start)
    scaled = ne.Stepper(data(), make(name, init=torch.from_numpy(start), init_scaling=0.5)).embedding
    assert scaled[:, 0].std() == pytest.approx(0.5, rel=1e-2)
    assert start[:, 0].std() < 0.3


@every_method
def test_hard_data_still_embed(name):
    X = data(60)
    X[:40] = X[0]  # duplicates beyond the number of neighbours
    Z = make(name, max_iter=40).fit_transform(X)
    assert np.isfinite(Z).all()
    with pytest.warns(UserWarning, match="60 rows of X are equal"):
        Z = make(name, max_iter=40).fit_transform(np.ones((60, 4)))
    assert np.isfinite(Z).all()
    Z = make(name, max_iter=40).fit_transform(np.eye(60))  # all equidistant
    assert np.isfinite(Z).all()


def test_lr_is_coupled_to_both_weights_and_the_floor_holds_only_as_constructed():
    run = ne.Stepper(data(), make("largevis"))
    assert run.params["lr"] == 50.0
    for name in ("largevis", "tsne"):
        run = ne.Stepper(data(), make(name))
        run.tune(exaggeration=1.0, repulsion_strength=2.0)
        assert run.params["lr"] == pytest.approx(150 / 2 / 4)
        run.tune(repulsion_strength=10.0)
        assert run.params["lr"] == pytest.approx(150 / 10 / 4)


def test_early_exaggeration_lasts_exactly_its_iterations():
    run = ne.Stepper(data(), make("tsne", early_exaggeration_iter=5, early_exaggeration_coeff=7))
    seen = []
    for _ in range(8):
        seen.append(run.params["exaggeration"])
        run.step()
    assert seen == [7.0] * 5 + [1.0] * 3


def test_tsne_gradient_is_that_of_its_loss():
    run = ne.Stepper(data(), make("tsne", init="random", init_scaling=1.0, dof=0.7))
    run._core.settle()
    core = run._core
    knobs = in_force(core.method, core.state, core.rows.n) | {"exaggeration": 1.0}
    graph = core.problem.graph
    P = torch.zeros(150, 150, dtype=torch.float64)
    P[torch.repeat_interleave(torch.diff(graph.indptr)), graph.indices.long()] = graph.values.double()
    Z = core.state.positions.double().requires_grad_()
    w = (1 + (Z[:, None] - Z[None]).square().sum(2) / 0.7) ** -0.7
    w = w * (1 - torch.eye(150, dtype=torch.float64))
    Q = w / w.sum()
    loss = (torch.special.xlogy(P, P) - P * torch.log(Q + torch.eye(150))).sum()
    (gradient,) = torch.autograd.grad(loss, Z)
    found = core.method.gradient(At(core.problem, core.state, knobs, 1.0), True)
    torch.testing.assert_close(found.values.double(), gradient, rtol=1e-3, atol=1e-6)
    assert found.loss == pytest.approx(float(loss.detach()), rel=1e-5)


def test_umap_refuses_min_dist_above_spread_at_construction_and_mid_run():
    with pytest.raises(ParameterError, match=r"min_dist must be at most spread \(1\); got 3"):
        ne.Stepper(data(), make("umap", min_dist=3.0))
    run = ne.Stepper(data(), make("umap"))
    with pytest.raises(ParameterError, match="at most spread"):
        run.tune(min_dist=2.0)
    assert run.params["min_dist"] == 0.1
    run.tune(min_dist=2.0, spread=2.5)
    assert run.params["min_dist"] == 2.0


def test_umap_curve_agrees_with_umap_learn():
    from umap.umap_ import find_ab_params

    from ne_interactive.methods.umap import fit_curve

    for min_dist, spread in ((0.1, 1.0), (0.5, 1.0), (0.0, 2.0)):
        np.testing.assert_allclose(fit_curve(min_dist, spread), find_ab_params(spread, min_dist), rtol=1e-4)


def test_the_rate_of_sampled_moves_falls_to_zero_and_a_change_wakes_it():
    run = ne.Stepper(data(), make("umap", negatives="sampled", max_iter=100))
    run.run()
    core = run._core
    assert factor(core.method, core.state.elapsed, 100, {}) == 0
    still = run.embedding
    np.testing.assert_allclose(run.step(5).embedding, still, atol=1e-5)
    run.tune(repulsion_strength=3.0)
    run.step(5)
    assert not np.allclose(run.embedding, still, atol=1e-3)
    assert factor(core.method, core.state.elapsed, 100, {}) == pytest.approx(0.2)
