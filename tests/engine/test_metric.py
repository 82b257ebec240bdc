"""Another metric while the run goes on: its neighbours are searched, and their graph fades in."""

import numpy as np
import pytest
from scipy import sparse

import ne_interactive as ne
from ne_interactive.engine.state import FADE
from ne_interactive.params.errors import ParameterError


def data(n=200):
    draw = np.random.default_rng(0)
    return (draw.normal(size=(4, 10))[np.arange(n) % 4] * 3 + draw.normal(size=(n, 10))).astype(np.float32)


def make(**more):
    return ne.TSNE(perplexity=10, random_state=0, **more)


def test_the_new_graph_fades_in_and_the_old_one_is_given_up():
    run = ne.Stepper(data(), make())
    run.step(20)
    old = run._core.problem.graph
    run.tune(metric="cosine")
    run.step()
    core = run._core
    fresh = ne.Stepper(data(), make(metric="cosine"))
    fresh.step()
    assert core.problem.graph.digest() == fresh._core.problem.graph.digest() == run.events[0].detail["digest"]
    assert core.problem.fading is old
    assert core.state.fading == FADE - 1
    first, last = (core.problem.blended(left) for left in (FADE, 1))

    def apart(one, two):
        return float(abs(one - two).sum())

    def matrix(graph):
        return sparse.csr_matrix((graph.values, graph.indices, graph.indptr), shape=(graph.n, graph.n))

    assert apart(matrix(first.graph), matrix(old)) < 0.1 * apart(matrix(old), matrix(core.problem.graph))
    assert apart(matrix(last.graph), matrix(core.problem.graph)) < 0.1 * apart(
        matrix(old), matrix(core.problem.graph)
    )
    assert float(first.graph.values.sum()) == pytest.approx(1, abs=1e-5)
    run.step(FADE)
    assert core.problem.fading is None
    assert run.params["metric"] == "cosine"


def test_a_second_change_fades_out_what_was_there():
    run = ne.Stepper(data(), make())
    run.step(20)
    run.tune(metric="cosine")
    run.step(10)
    there = run._core.problem.blended(run._core.state.fading).graph
    run.tune(metric="manhattan")
    run.step()
    assert run._core.problem.fading.digest() == there.digest()


def test_a_run_saved_while_it_fades_goes_on_as_it_would_have(tmp_path):
    run = ne.Stepper(data(), make())
    run.step(20)
    run.tune(metric="cosine")
    run.step(10)
    loaded = ne.Stepper.load(run.save(tmp_path / "run.npz"), data())
    assert np.array_equal(loaded.step(40).embedding, run.step(40).embedding)
    assert loaded.params["metric"] == "cosine"
    loaded.tune(perplexity=8)
    loaded.step()
    assert loaded._core.problem.neighbors.metric == "cosine"


def test_new_rows_are_placed_by_the_metric_in_force():
    X = data()
    run = ne.Stepper(X, make())
    run.step(300)
    run.tune(metric="cosine")
    run.step(100)
    np.testing.assert_allclose(run.transform(X[:3] * 8), run.embedding[:3], atol=1e-4)


def test_distances_and_rows_cannot_become_each_other():
    run = ne.Stepper(data(), make())
    with pytest.raises(ParameterError, match="cannot become 'precomputed': X holds rows"):
        run.tune(metric="precomputed")
    D = np.linalg.norm(data(60)[:, None] - data(60)[None], axis=2)
    given = ne.Stepper(D, make(metric="precomputed"))
    with pytest.raises(ParameterError, match="cannot become 'cosine': X holds distances"):
        given.tune(metric="cosine")


def test_rows_that_do_not_suit_a_metric_leave_the_run_as_it_was():
    run = ne.Stepper(data(), make())
    run.step(5)
    run.tune(metric="hyperbolic", exaggeration=3.0)
    run.step(5)
    assert run.params["metric"] == "euclidean"
    assert run.params["exaggeration"] == 3.0
    assert run.events[0].kind == "refused"
    assert "norm below 1" in run.events[0].detail["error"]
    assert "norm below 1" in run.message


@pytest.mark.parametrize("method", [ne.UMAP, ne.PACMAP, ne.COSNE, ne.SNEkhorn])
def test_other_methods_take_another_metric(method):
    run, control = (ne.Stepper(data(), method(random_state=0)) for _ in range(2))
    run.step(10)
    run.tune(metric="manhattan")
    run.step(FADE + 5)
    control.step(FADE + 15)
    assert np.isfinite(run.embedding).all()
    assert not np.array_equal(run.embedding, control.embedding)
