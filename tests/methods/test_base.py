"""What the base promises to every method: affinities from outside, starts, convergence, compiled losses."""

import warnings

import numpy as np
import pytest
import torch
from scipy import sparse

import ne_interactive as ne
from ne_interactive.engine.protocol import At
from ne_interactive.engine.step import evaluated
from ne_interactive.graph.families import Entropic, Sinkhorn
from ne_interactive.methods import METHODS, losses
from ne_interactive.params.declare import REGISTRY, declare
from ne_interactive.params.errors import ParameterError
from ne_interactive.params.param import param


def data(n=90):
    draw = np.random.default_rng(0)
    return (draw.normal(size=(3, 8))[np.arange(n) % 3] * 6 + draw.normal(size=(n, 8))).astype(np.float32)


def tsne(**more):
    return ne.TSNE(**{"perplexity": 8, "random_state": 0, **more})


def graph_of(run):
    run._core.settle()
    return run._core.problem.graph


def test_an_affinity_is_taken_as_a_value_a_class_a_name_and_a_matrix():
    X = data()
    own = graph_of(ne.Stepper(X, tsne(perplexity=12)))
    for given in (Entropic(perplexity=12), graph_matrix(own), graph_matrix(own).toarray()):
        found = graph_of(ne.Stepper(X, tsne(affinity_in=given)))
        np.testing.assert_allclose(graph_matrix(found).toarray(), graph_matrix(own).toarray(), atol=1e-8)
    default = graph_of(ne.Stepper(X, tsne(perplexity=20, affinity_in="entropic")))
    assert default.digest() == graph_of(ne.Stepper(X, tsne(affinity_in=Entropic))).digest()


def graph_matrix(graph):
    parts = (graph.values.numpy(), graph.indices.numpy(), graph.indptr.numpy())
    return sparse.csr_array(parts, shape=(graph.n, graph.n))


def test_a_dense_affinity_drives_a_run_and_is_saved(tmp_path):
    X = data()
    run = ne.Stepper(X, tsne(affinity_in=Sinkhorn(eps=3.0)))
    assert graph_of(run).nnz > 90 * 30
    run.step(5)
    loaded = ne.Stepper.load(run.save(tmp_path / "run.npz"), X)
    assert loaded.method.affinity_in == Sinkhorn(eps=3.0)
    assert np.array_equal(loaded.step(5).embedding, run.step(5).embedding)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("entropical", "affinity_in must be one of"),
        (3, "affinity_in must be an affinity"),
        (np.ones((4, 4)), "one row and one column for each of the 90 points"),
        (-np.ones((90, 90)), "weights >= 0"),
        (Entropic(perplexity=400), "perplexity must lie in"),
    ],
)
def test_what_is_no_affinity_is_refused(given, message):
    with pytest.raises((ParameterError, ne.DataError), match=message):
        ne.Stepper(data(), tsne(affinity_in=given))


def test_a_student_affinity_of_the_embedding_is_t_sne():
    X, start = data(), np.random.default_rng(1).normal(size=(90, 2)).astype(np.float32)
    own = ne.Stepper(X, tsne(init=start))
    matched = ne.Stepper(X, tsne(init=start, affinity_out="normalized_student"))
    for run in (own, matched):
        run.tune(exaggeration=2.0, repulsion_strength=0.7)
        run.step(1)
    np.testing.assert_allclose(matched.embedding, own.embedding, atol=1e-3)


def test_a_gaussian_affinity_of_the_embedding_takes_its_arguments():
    start = np.random.default_rng(1).normal(size=(90, 2)).astype(np.float32)
    given = {"affinity_out": "normalized_gaussian", "init": start}
    narrow = ne.Stepper(data(), tsne(**given, kwargs_affinity_out={"sigma": 0.5}))
    wide = ne.Stepper(data(), tsne(**given, kwargs_affinity_out={"sigma": 2.0}))
    assert narrow.step(20).loss > 0
    assert not np.allclose(narrow.embedding, wide.step(20).embedding)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"affinity_out": "fuzzy"}, "affinity_out must be an affinity with a kernel"),
        ({"affinity_out": "student_like"}, "affinity_out must be one of"),
        ({"kwargs_affinity_out": {"sigma": 1}}, "kwargs_affinity_out are for affinity_out, which is 'auto'"),
        ({"affinity_out": "normalized_student", "kwargs_affinity_out": 3}, "must be a dictionary"),
    ],
)
def test_what_is_no_affinity_of_the_embedding_is_refused(changes, message):
    with pytest.raises(ParameterError, match=message):
        ne.Stepper(data(), tsne(**changes))
    if changes.get("affinity_out") == "fuzzy":
        with pytest.raises(ParameterError, match=r"UMAP\.affinity_out must be 'auto'"):
            ne.Stepper(data(), ne.UMAP(n_neighbors=8, affinity_out="normalized_student"))


@pytest.mark.parametrize("init", ["spectral", "hyperbolic", "random", "pca"])
def test_every_start_has_the_scale_asked_for_and_embeds(init):
    run = ne.Stepper(data(), tsne(init=init, init_scaling=0.1))
    deviation = run.embedding[:, 0].std()
    assert deviation == pytest.approx(0.1, rel=0.35)
    assert np.isfinite(run.step(20).embedding).all()


def test_a_spectral_start_separates_what_the_graph_separates():
    Z = ne.Stepper(data(), tsne(init="spectral")).embedding
    assert ne.metrics.label_accuracy(Z, np.arange(90) % 3, k=5) > 0.95


@pytest.mark.parametrize(
    "changes", [{"init_scaling": 1e-10}, {"init_scaling": 1e-4}, {"early_exaggeration_iter": 0}]
)
def test_a_tiny_start_is_no_rest(changes):
    run = ne.Stepper(data(), tsne(**changes, check_interval=1))
    frame = run.run()
    assert frame.iteration > 100
    assert frame.embedding.std() > 0.5


def test_a_small_gradient_is_rest_only_where_asked_for():
    eager = ne.Stepper(
        data(), tsne(min_grad_norm=10.0, tol=0.0, early_exaggeration_iter=10, check_interval=5)
    )
    assert eager.run().iteration <= 30
    never = ne.Stepper(data(), tsne(min_grad_norm=0.0, tol=0.0, max_iter=60, check_interval=5))
    assert never.run().iteration == 60


@declare
class _Springs(ne.NeighborEmbedding):
    """A toy method given by two losses."""

    strength: float = param(1.0, "Strength of the springs.", bounds=(0, 10), live=True, redo="nothing")

    def affinity(self, knobs):
        return Entropic(perplexity=5)

    def attraction(self, Z, at):
        return at.knobs["strength"] * (at.graph.values * losses.edges(Z, at)).sum()

    def repulsion(self, Z, at):
        return torch.exp(-losses.pairs(Z)).mean()


def test_a_method_is_two_losses_and_steers_like_any_other():
    run = ne.Stepper(data(), _Springs(random_state=0, init="random", init_scaling=1.0, lr=1.0))
    run.step(5)
    run.tune(strength=3.0, repulsion_strength=2.0)
    assert np.isfinite(run.step(5).embedding).all()
    assert run.losses[1][-1] < run.losses[1][0] * 4


@pytest.mark.slow
def test_compiled_losses_step_as_plain_ones(monkeypatch):
    monkeypatch.setattr(losses, "_failed", set())
    start = np.random.default_rng(0).normal(size=(90, 2)).astype(np.float32)
    plain, compiled = (_Springs(random_state=0, init=start, lr=1.0, compile=flag) for flag in (False, True))
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="torch.compile failed")
        found = ne.Stepper(data(), compiled).step(3).embedding
    np.testing.assert_allclose(found, ne.Stepper(data(), plain).step(3).embedding, rtol=1e-4, atol=1e-5)


def test_a_loss_that_cannot_be_compiled_runs_as_it_is_with_one_warning(monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("no compiler")

    monkeypatch.setattr(losses, "_compiler", lambda function: broken)
    monkeypatch.setattr(losses, "_failed", set())
    start = np.random.default_rng(0).normal(size=(90, 2)).astype(np.float32)
    run = ne.Stepper(data(), _Springs(random_state=0, init=start, lr=1.0, compile=True))
    with pytest.warns(
        UserWarning, match="torch.compile failed for .*; it runs uncompiled: no compiler"
    ) as caught:
        found = run.step(3).embedding
    assert len(caught) == 1
    plain = ne.Stepper(data(), _Springs(random_state=0, init=start, lr=1.0)).step(3).embedding
    assert np.array_equal(found, plain)


def test_a_method_without_maths_says_what_it_must_define():
    @declare
    class _Nothing(ne.NeighborEmbedding):
        """A toy method without maths."""

        def affinity(self, knobs):
            return Entropic(perplexity=5)

    try:
        with pytest.raises(NotImplementedError, match=r"_Nothing must define attraction\(\) or loss\(\)"):
            ne.Stepper(data(), _Nothing()).step(1)
    finally:
        REGISTRY.pop("_Nothing")


def test_where_the_maths_is_evaluated_is_plain_to_see():
    run = ne.Stepper(data(), tsne())
    run._core.settle()
    at = evaluated(run.method, run._core.problem, run._core.ensure_start())
    assert isinstance(at, At)
    assert at.n == 90
    assert at.lr == 900.0
    assert at.knobs["exaggeration"] == 12


@pytest.mark.parametrize("name", ["tsne", "sne", "cosne", "largevis", "infotsne", "contrastivespectrum"])
def test_the_tail_of_the_affinities_can_be_left_out_while_a_run_goes_on(name):
    X = data(200)
    run = ne.Stepper(X, METHODS[name](perplexity=20, random_state=0))
    run.step(2)
    whole = run._core.problem.graph
    assert run.params["affinity_tail"] == 0.0
    assert run.following["affinity_tail"]
    assert whole.digest() == Entropic(perplexity=20).graph(run._core.problem.neighbors).digest()
    run.tune(affinity_tail=0.3)
    run.step(2)
    cut = run._core.problem.graph
    assert cut.nnz < whole.nnz
    assert cut.digest() == Entropic(perplexity=20, tail=0.3).graph(run._core.problem.neighbors).digest()
    run.tune(affinity_tail="auto")
    run.step()
    assert run._core.problem.graph.digest() == whole.digest()


def test_many_points_leave_the_tail_out_by_default():
    X = np.random.default_rng(0).normal(size=(5000, 4)).astype(np.float32)
    run = ne.Stepper(X, ne.TSNE(perplexity=5))
    assert run.params["affinity_tail"] == 0.02
    assert ne.Stepper(X[:-1], ne.TSNE(perplexity=5)).params["affinity_tail"] == 0.0
    run._core.settle()
    assert run._core.problem.graph.digest() == (
        Entropic(perplexity=5, tail=0.02).graph(run._core.problem.neighbors).digest()
    )


def test_whole_numbers_may_come_as_floats_and_as_numpy_integers():
    X = data()
    counts = {
        "n_components": 3.0,
        "max_iter": np.int64(4),
        "early_exaggeration_iter": 2.0,
        "check_interval": 2.0,
    }
    method = tsne(**counts)
    run = ne.Stepper(X, method)
    assert run.run().embedding.shape == (90, 3)
    assert type(run.method.n_components) is type(run.method.max_iter) is int
    assert method.get_params()["n_components"] is counts["n_components"]  # the method given stays as it is
    assert ne.UMAP(n_neighbors=7.0, max_iter=4.0, random_state=0).fit_transform(X).shape == (90, 2)


def test_a_method_of_another_package_is_refused():
    from sklearn.manifold import TSNE

    with pytest.raises(
        ParameterError, match=r"such as TSNE\(\) or UMAP\(\); got TSNE\(\) of sklearn\.manifold"
    ):
        ne.Stepper(data(), TSNE())


def test_a_long_early_phase_leaves_the_main_phase_its_time():
    assert ne.TSNE().iterations(1000) == 450
    assert ne.TSNE(early_exaggeration_iter=600).iterations(1000) == 950
    assert ne.InfoTSNE().iterations(1000) == 1000
    assert ne.InfoTSNE(early_exaggeration_iter=1500).iterations(1000) > 2000
    assert ne.TSNE(early_exaggeration_iter=600, max_iter=450).iterations(1000) == 450


def test_fit_transform_refuses_what_belongs_to_the_constructor():
    with pytest.raises(TypeError, match="perplexity"):
        ne.TSNE().fit_transform(data(), perplexity=5)


def test_truth_values_that_are_all_false_are_read_from_torch():
    with pytest.warns(UserWarning, match="are equal"):
        assert np.isfinite(
            ne.TSNE(perplexity=5, max_iter=2).fit_transform(torch.zeros((60, 5), dtype=torch.bool))
        ).all()
