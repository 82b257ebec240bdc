"""Defaults do their work, values are taken as given, and nothing goes wrong in silence."""

import copy
import inspect
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import sparse

import ne_interactive as ne
from ne_interactive.engine.riemannian import Riemannian
from ne_interactive.engine.schedules import factor
from ne_interactive.forces.negative import Draws, negatives
from ne_interactive.graph.csr import symmetrize
from ne_interactive.graph.faiss_config import FaissConfig
from ne_interactive.graph.neighbors import find_neighbors
from ne_interactive.graph.sparse_affinities import Entropic
from ne_interactive.methods import METHODS
from ne_interactive.methods.parameters import METRICS
from ne_interactive.params.param import params_of

every_method = pytest.mark.parametrize("name", sorted(METHODS))
FALLING = [name for name, cls in sorted(METHODS.items()) if cls().schedule() == "LinearLR"]
SIZED = [
    name for name, cls in sorted(METHODS.items()) if {"perplexity", "n_neighbors"} & params_of(cls).keys()
]


def data(n=90, d=8):
    draw = np.random.default_rng(0)
    return (draw.normal(size=(3, d))[np.arange(n) % 3] * 6 + draw.normal(size=(n, d))).astype(np.float32)


def small(name, **more):
    """A method that suits 60 rows; all else is as by default."""
    given = {"perplexity": 8.0, "n_neighbors": 8}
    fitting = {key: value for key, value in given.items() if key in params_of(METHODS[name])}
    return METHODS[name](**{"random_state": 0, **fitting, **more})


def graph_of(method, X):
    run = ne.Stepper(X, method)
    run._core.settle()
    return run._core.problem.graph


# defaults


@every_method
@pytest.mark.parametrize("scaling", ["auto", 1e-10])
def test_defaults_move_away_from_the_start(name, scaling):
    digits = ne.datasets.digits()
    length = 140 if name == "tsne" else 60  # its early phase holds together what is so small
    method = METHODS[name](random_state=0, init_scaling=scaling, check_interval=1, max_iter=length)
    run = ne.Stepper(digits.X[:300], method)
    start = run.embedding
    run.run()
    assert run.iteration == length, (
        "tests of convergence at every iteration end no run whose map has yet to unfold"
    )
    if scaling == "auto":
        assert not np.allclose(run.embedding, start, atol=0.1 * start.std())
    else:
        assert run.embedding.std() > 1e3 * start.std()


def test_khorn_defaults_move_away_from_the_start():
    digits = ne.datasets.digits()
    X, y = digits.X[:400], digits.y[:400]
    for cls in (ne.TSNEkhorn, ne.SNEkhorn):
        method = cls(random_state=0)
        start = ne.Stepper(X, method).embedding
        Z = method.fit_transform(X)
        assert method.n_iter_ > 50
        assert Z.std() > 1
        assert ne.metrics.label_accuracy(Z, y, k=5) > ne.metrics.label_accuracy(start, y, k=5) + 0.15


def test_cosne_defaults_keep_the_classes_in_the_ball():
    digits = ne.datasets.digits()
    Z = ne.COSNE(random_state=0).fit_transform(digits.X[:400])
    assert np.linalg.norm(Z, axis=1).max() < 1
    assert ne.metrics.label_accuracy(Z, digits.y[:400], k=5) > 0.85


def test_methods_whose_rate_falls_are_those_of_random_negatives():
    assert {"largevis", "infotsne", "contrastivespectrum", "densmap"} <= set(FALLING)
    assert "umap" not in FALLING


@pytest.mark.parametrize("name", FALLING)
def test_learning_rate_falls_to_zero_by_default(name):
    method = METHODS[name]()
    total = method.iterations(1000)
    factors = [factor(method, at, total, {}) for at in (0, total // 4, total // 2, total)]
    assert factors == pytest.approx([1, 0.75, 0.5, 0], abs=1e-9)


@pytest.mark.parametrize("iterations", [0, 1, 20])
@pytest.mark.parametrize("coefficient", [0.25, 4.0])
def test_early_exaggeration_ends_when_it_says_whatever_its_strength(iterations, coefficient):
    early = {"early_exaggeration_iter": iterations, "early_exaggeration_coeff": coefficient}
    run = ne.Stepper(data(), small("tsne", **early))
    seen = []
    for _ in range(iterations + 2):
        seen.append(run.params["exaggeration"])
        run.step()
    assert seen == [coefficient] * iterations + [1.0, 1.0]


@pytest.mark.parametrize(("index_type", "noise"), [("IVF", 0.7), ("IVFPQ", 0.7), ("HNSW", 0.99)])
@pytest.mark.parametrize("k", [15, 90])
def test_ivf_defaults_find_neighbours(index_type, noise, k):
    digits = torch.from_numpy(ne.datasets.digits().X)
    structureless = torch.randn(2000, 20, generator=torch.Generator().manual_seed(0))
    for X, least in ((digits, 0.95), (structureless, noise)):
        found = find_neighbors(X, k, backend=FaissConfig(index_type=index_type)).indices
        true = find_neighbors(X, k, backend=None).indices
        shared = [len(set(a) & set(b)) for a, b in zip(found.tolist(), true.tolist(), strict=True)]
        assert int(found.min()) >= 0
        assert all(len(set(row)) == k for row in found.tolist())
        assert np.mean(shared) / k > least


def test_umap_compares_plain_distances_by_default():
    assert ne.UMAP().metric == "euclidean"
    plain, squares = (
        graph_of(small("umap", metric=metric), data()) for metric in ("euclidean", "sqeuclidean")
    )
    assert torch.equal(plain.indices, squares.indices)
    assert float((plain.values - squares.values).abs().mean()) > 1e-3, "squares are another fuzzy graph"


@pytest.mark.parametrize("metric", [metric for metric in METRICS if metric != "precomputed"])
@pytest.mark.parametrize("name", ["tsne", "umap"])
def test_every_metric_embeds(name, metric):
    X = data(60)
    if metric == "hyperbolic":
        X = X / (2 * np.linalg.norm(X, axis=1).max())
    for backend in ("auto", "faiss"):
        Z = small(name, metric=metric, backend=backend, max_iter=5).fit_transform(X)
        assert np.isfinite(Z).all()


# values are taken as given


@pytest.mark.parametrize("perplexity", [1.5, 5.9, 12.5])
def test_perplexity_may_be_fractional(perplexity):
    X = data()
    found = find_neighbors(torch.from_numpy(X), Entropic(perplexity=perplexity).k(90))
    P = Entropic(perplexity=perplexity).rows(found).double()
    entropies = -torch.special.xlogy(P, P).sum(1)
    np.testing.assert_allclose(entropies.exp().numpy(), perplexity, rtol=1e-4)
    for name in SIZED:
        if "perplexity" in params_of(METHODS[name]):
            assert (
                METHODS[name](perplexity=perplexity).affinity({"perplexity": perplexity}).perplexity
                == perplexity
            )
    given, below, above = (
        graph_of(small("tsne", perplexity=value), X)
        for value in (perplexity, int(perplexity) + 0.01, perplexity + 0.1)
    )
    assert len({graph.digest() for graph in (given, below, above)}) == 3


def test_too_large_a_perplexity_is_refused_not_lowered():
    for value in (89.0, 500.0, 1.0):
        with pytest.raises(ne.ParameterError, match=r"TSNE\.perplexity must lie in \(1, 89\)"):
            ne.Stepper(data(), ne.TSNE(perplexity=value))


@pytest.mark.parametrize("name", SIZED)
def test_parameters_set_later_count_as_those_of_the_constructor(name):
    key = "perplexity" if "perplexity" in params_of(METHODS[name]) else "n_neighbors"
    later = small(name).set_params(**{key: 12})
    assert repr(later)
    assert later.get_params()[key] == 12
    assert graph_of(later, data()).digest() == graph_of(small(name, **{key: 12}), data()).digest()
    assert graph_of(later, data()).digest() != graph_of(small(name), data()).digest()


@pytest.mark.parametrize(
    "changes",
    [
        {"n_negatives": 3},
        {"scheduler": None},
        {"scheduler": "CosineAnnealingLR"},
        {"scheduler": torch.optim.lr_scheduler.StepLR, "scheduler_kwargs": {"step_size": 3}},
        {"scheduler": "ExponentialLR", "scheduler_kwargs": {"gamma": 0.9}},
        {"optimizer": torch.optim.Adam},
    ],
)
@pytest.mark.parametrize("name", ["umap", "largevis"])
def test_negatives_schedules_and_optimizers_of_ones_own_are_taken(name, changes):
    drawn = {"negatives": "sampled"} if name == "umap" else {}
    Z = small(name, max_iter=8, **drawn, **changes).fit_transform(data())
    assert np.isfinite(Z).all()
    assert not np.array_equal(Z, small(name, max_iter=8, **drawn).fit_transform(data()))


@every_method
def test_the_same_object_fitted_again_gives_the_same_map(name):
    method = small(name, max_iter=12)
    first = method.fit_transform(data(90))
    other = method.fit_transform(data(60)[:, :5])
    assert other.shape == (60, 2)
    assert np.array_equal(method.fit_transform(data(90)), first)


@pytest.mark.parametrize("seed", [0, np.int64(0), np.uint8(0)])
def test_every_kind_of_integer_is_a_seed(seed):
    plain = ne.TSNE(perplexity=8, random_state=0, init="random", max_iter=5).fit_transform(data())
    assert np.array_equal(
        ne.TSNE(perplexity=8, random_state=seed, init="random", max_iter=5).fit_transform(data()), plain
    )


def test_a_seed_that_is_no_integer_is_refused():
    with pytest.raises(ne.ParameterError, match="random_state"):
        ne.Stepper(data(), small("tsne", random_state=0.0))


@every_method
def test_rows_that_are_equal_keep_their_own_place_in_a_given_start(name):
    X = data(60)
    X[10:30] = X[10]
    start = (np.random.default_rng(1).normal(size=(60, 2)) * 0.2).astype(np.float32)
    run = ne.Stepper(X, small(name, init=start))
    assert np.array_equal(run.embedding, start)
    run.step(1)
    assert np.isfinite(run.embedding).all()
    assert len(np.unique(run.embedding, axis=0)) == 60


@every_method
def test_a_start_of_zeros_and_rows_of_one_number_embed(name):
    Z = small(name, init=np.zeros((60, 2)), max_iter=10).fit_transform(data(60))
    assert np.isfinite(Z).all()
    Z = small(name, max_iter=10).fit_transform(data(60)[:, :1])
    assert Z.shape == (60, 2)
    assert np.isfinite(Z).all()


@pytest.mark.parametrize("name", ["tsne", "umap", "largevis", "cosne", "tsnekhorn"])
def test_precomputed_distances_may_hold_equal_rows(name):
    X = data(60)
    X[:20] = X[0]
    D = np.sqrt(((X[:, None] - X[None]) ** 2).sum(2))
    Z = small(name, metric="precomputed", max_iter=10).fit_transform(D)
    assert Z.shape == (60, 2)
    assert np.isfinite(Z).all()


def test_no_default_is_an_object_that_methods_share_and_could_change():
    for cls in METHODS.values():
        for name, declared in params_of(cls).items():
            assert declared.default is None or isinstance(declared.default, (str, int, float)), (cls, name)


# sums and indices


def test_index_arithmetic_beyond_46340_points():
    n = 60_000  # n * n is more than 32 bits hold
    i = np.arange(n)
    indices = np.stack([(i + 1) % n, (i + 7) % n, (i + 350) % n, (i - 20_011) % n], 1).astype(np.int32)
    weights = np.random.default_rng(0).uniform(0.1, 1, size=indices.shape).astype(np.float32)
    A = sparse.csr_array((weights.ravel(), (np.repeat(i, 4), indices.ravel())), shape=(n, n)).astype(float)
    wanted = {"mean": (A + A.T) / (2 * A.sum()), "union": A + A.T - A * A.T}
    for how, expected in wanted.items():
        graph = symmetrize(torch.from_numpy(indices), torch.from_numpy(weights), how)
        found = sparse.csr_array((graph.values, graph.indices, graph.indptr), shape=(n, n))
        assert abs(found - expected).max() < 1e-6 * expected.max()
    distances = sparse.csr_array((weights.ravel(), (np.repeat(i, 4), indices.ravel())), shape=(n, n))
    for method in (ne.UMAP(n_neighbors=4), ne.LargeVis(perplexity=1.01)):
        method.set_params(metric="precomputed", init="random", random_state=0)
        assert np.isfinite(ne.Stepper(distances, method).step(2).embedding).all()


@pytest.mark.parametrize("n", [2, 3, 12, 200])
def test_negatives_reach_every_point(n):
    drawn = torch.cat([negatives(n, Draws(key, 40)) for key in range(60)], 1)
    own = torch.arange(n).unsqueeze(1)
    assert bool((drawn != own).all())
    counts = torch.zeros(n, n).scatter_add_(1, drawn, torch.ones(drawn.shape))
    expected = drawn.shape[1] / max(n - 1, 1)
    others = counts[~torch.eye(n, dtype=torch.bool)]
    assert float(others.min()) > 0 if n > 2 else float(others.min()) == expected
    assert float((others - expected).abs().max()) < 6 * expected**0.5 + 1


def test_riemannian_adam_counts_each_step_once():
    Z, rule = torch.full((3, 2), 0.1, dtype=torch.float64), Riemannian()
    slots, gradient = rule.slots(Z), torch.tensor([[1.0, 0.0], [0.0, -2.0], [3.0, 4.0]], dtype=torch.float64)
    given = gradient.clone()
    before = Z.clone()
    rule.move(Z, slots, gradient, 0.01, 0.0)
    ratio = 1 + 2 * (Z - before).square().sum(1) / ((1 - Z.square().sum(1)) * (1 - before.square().sum(1)))
    np.testing.assert_allclose(
        torch.acosh(ratio), 0.01, rtol=1e-6
    )  # both moments are corrected for one update
    assert torch.equal(gradient, given)
    rule.move(Z, slots, gradient, 0.01, 0.0)
    assert float(slots["updates"]) == 2


# nothing in silence


@every_method
def test_no_output_requires_grad(name):
    X = torch.from_numpy(data(60)).requires_grad_()
    method = small(name, max_iter=5)
    Z = method.fit_transform(X)
    assert isinstance(Z, torch.Tensor)
    assert not Z.requires_grad
    assert not method.embedding_.requires_grad
    assert copy.deepcopy(method).embedding_.equal(Z)
    run = ne.Stepper(X, small(name))
    run.step(3)
    assert not run._core.state.positions.requires_grad
    assert not any(slot.requires_grad for slot in run._core.state.slots.values())
    assert X.grad is None


def test_interrupted_fit_leaves_the_estimator_as_it_was(monkeypatch):
    from ne_interactive.engine.core import Core

    method, real = small("tsne", max_iter=40), Core.turn

    def interrupted(core, donate):
        if core.iteration == 20:
            raise KeyboardInterrupt
        real(core, donate)

    before = dict(vars(method))
    with monkeypatch.context() as patch:
        patch.setattr(Core, "turn", interrupted)
        with pytest.raises(KeyboardInterrupt):
            method.fit(data())
    assert vars(method) == before
    assert np.array_equal(method.fit(data()).embedding_, small("tsne", max_iter=40).fit_transform(data()))


def test_entries_that_are_no_numbers_are_called_by_their_name():
    for bad, said in ((np.nan, "NaN"), (np.inf, "[Ii]nfin|inf")):
        X = data()
        X[7, 3] = bad
        with pytest.raises(ne.DataError, match=said) as caught:
            ne.Stepper(X, small("tsne"))
        assert "7" in str(caught.value)


def test_what_goes_wrong_is_said_whatever_verbose_says():
    for verbose in (False, True):
        method = small("largevis", discard_NNs=True, n_negatives=80, verbose=verbose)
        with pytest.raises(ne.ParameterError, match="discard_NNs leaves"):
            ne.Stepper(data(), method)
        with pytest.raises(ne.ParameterError, match=r"lr must lie"):
            ne.Stepper(data(), small("tsne", lr=-1.0, verbose=verbose))


@pytest.mark.parametrize("compiled", [False, True])
def test_a_step_that_fails_is_raised_once_and_changes_nothing(monkeypatch, compiled):
    calls = []

    def broken(*_):
        calls.append(1)
        raise RuntimeError("out of order")

    run = ne.Stepper(data(), small("largevis", compile=compiled))
    before = run.step(5).embedding
    with monkeypatch.context() as patch:
        patch.setattr(ne.LargeVis, "forces", broken)
        with pytest.raises(RuntimeError, match="out of order"):
            run.step(1)
    assert len(calls) == 1
    assert run.iteration == 5
    assert np.array_equal(run.embedding, before)
    assert np.array_equal(run.step(5).embedding, ne.Stepper(data(), small("largevis")).step(10).embedding)


def test_a_quiet_run_is_quiet(caplog, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            small("tsne", max_iter=5, early_exaggeration_iter=2).fit(data())
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_a_process_group_does_not_move_a_run_to_another_device(tmp_path):
    code = f"""
        import numpy as np, torch.distributed as group, ne_interactive as ne
        group.init_process_group("gloo", init_method={(tmp_path / "store").as_uri()!r}, rank=0, world_size=1)
        X = np.random.default_rng(0).normal(size=(60, 5)).astype("float32")
        run = ne.Stepper(X, ne.TSNE(perplexity=8, random_state=0))
        print(run.step(5).iteration, run._core.state.positions.device)
        group.destroy_process_group()
    """
    done = subprocess.run(
        [sys.executable, "-c", inspect.cleandoc(code)],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["5", "cpu"], done.stderr
