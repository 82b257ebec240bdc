"""Another method takes a run over: same positions, known neighbours, its own schedules."""

import itertools
import time
import warnings

import numpy as np
import pytest

import ne_interactive as ne
from ne_interactive.methods import METHODS
from ne_interactive.params.errors import ParameterError


def data(n=120):
    draw = np.random.default_rng(0)
    return (draw.normal(size=(3, 8))[np.arange(n) % 3] * 6 + draw.normal(size=(n, 8))).astype(np.float32)


SMALL = {"perplexity": 8, "n_neighbors": 8}


def make(name, **more):
    cls = METHODS[name]
    fits = {key: value for key, value in SMALL.items() if key in cls.__dataclass_fields__}
    return cls(random_state=0, **fits, **more)


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(sorted(METHODS), 2)))
def test_any_method_can_follow_any_other_from_the_same_positions(first, second):
    run = ne.Stepper(data(), make(first))
    run.step(30)
    before = run.embedding
    run.switch(make(second))
    assert run.iteration == 30
    assert type(run.method).__name__.lower() == second
    kept = np.corrcoef(before[:, 0], run.embedding[:, 0])[0, 1]
    assert kept > 0.9
    run.step(30)
    assert np.isfinite(run.embedding).all()
    assert not np.array_equal(run.embedding, before)
    assert run.events[-1].kind == "switch"


def test_positions_and_neighbours_are_kept(monkeypatch):
    run = ne.Stepper(data(), ne.TSNE(perplexity=10, random_state=0))
    run.step(20)

    def forbidden(*_, **__):
        raise AssertionError("searched")

    monkeypatch.setattr("ne_interactive.engine.setup.neighbors_of", forbidden)
    before = run.embedding
    run.switch(ne.UMAP(n_neighbors=12))
    assert np.array_equal(run.embedding, before)
    run.step(5)


def test_the_early_phase_is_left_out_and_values_set_by_hand_end():
    run = ne.Stepper(data(), ne.UMAP(n_neighbors=8, random_state=0))
    run.tune(repulsion_strength=3.0)
    run.step(20)
    run.switch(ne.TSNE(perplexity=8))
    assert run.params["exaggeration"] == 1.0
    assert run.params["repulsion_strength"] == 1.0
    assert run.max_iter == 20 + 450


def test_the_schedule_of_the_new_method_starts_anew_and_the_run_ends_after_its_length():
    run = ne.Stepper(data(), ne.TSNE(perplexity=8, random_state=0, max_iter=30, tol=0.0))
    run.run()
    run.switch(ne.UMAP(n_neighbors=8, max_iter=50, tol=0.0))
    assert run.run().iteration == 80


def test_a_switched_run_is_saved_and_goes_on_the_same(tmp_path):
    run = ne.Stepper(data(), ne.TSNE(perplexity=8, random_state=0))
    run.step(20)
    run.switch(ne.UMAP(n_neighbors=8, random_state=9))
    run.step(10)
    loaded = ne.Stepper.load(run.save(tmp_path / "run.npz"), data())
    assert type(loaded.method).__name__ == "UMAP"
    assert loaded.max_iter == run.max_iter
    assert np.array_equal(loaded.step(20).embedding, run.step(20).embedding)


def test_a_running_run_is_switched_and_its_listeners_are_told():
    run = ne.Stepper(data(), ne.TSNE(perplexity=8, random_state=0))
    told = []
    run.listen(lambda _, what: told.append(what))
    run.start()
    try:
        run.switch(ne.UMAP(n_neighbors=8))
        assert "method" in told
        began = run.iteration
        while run.iteration < began + 5 and run.state == "running":
            time.sleep(0.01)
        assert run.state == "running"
    finally:
        run.stop()


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (ne.UMAP(n_components=3), "UMAP.n_components must be 2, as in the run that it takes over; got 3"),
        (ne.UMAP(metric="cosine"), "UMAP.metric must be 'euclidean'"),
        (ne.UMAP(n_neighbors=500), "n_neighbors"),
        ("umap", "method must be a method"),
        (ne.UMAP, "got the class UMAP"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(method, message):
    run = ne.Stepper(data(), ne.TSNE(perplexity=8, random_state=0))
    run.step(5)
    before = run.embedding
    with pytest.raises(ParameterError, match=message):
        run.switch(method)
    assert type(run.method).__name__ == "TSNE"
    assert np.array_equal(run.embedding, before)


def test_a_map_too_wide_for_the_next_kernel_is_shrunk_as_a_whole():
    start = np.random.default_rng(0).normal(size=(120, 2)).astype(np.float32) * [40, 10]
    run = ne.Stepper(data(), ne.TSNE(perplexity=8, init=start))
    run.switch(ne.UMAP(n_neighbors=8))
    scale = run.events[-1].detail["scale"]
    np.testing.assert_allclose(run.embedding, start * scale, rtol=1e-5)
    assert run.embedding[:, 0].std() == pytest.approx(5, rel=0.01)
    run.switch(ne.TSNE(perplexity=8))
    assert run.events[-1].detail["scale"] == 1


@pytest.mark.parametrize(("first", "second"), [("umap", "cosne"), ("tsne", "cosne"), ("cosne", "tsne")])
@pytest.mark.parametrize("init", ["pca", "spectral"])
def test_a_restart_after_a_switch_begins_as_the_present_method_begins(first, second, init):
    """In its own space, size and precision; another method's start has none of these."""
    run = ne.Stepper(data(), make(first))
    run.step(5)
    run.switch(make(second, init=init))
    run.step(3)
    run.restart()
    begun = ne.Stepper(data(), make(second, init=init))
    assert np.array_equal(run.embedding, begun.embedding)
    assert run._core.state.positions.dtype == begun._core.state.positions.dtype
    assert np.array_equal(run.step(25).embedding, begun.step(25).embedding)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = ne.replay(data(), str(run.recipe()))
    assert np.array_equal(again.embedding, run.embedding)


def test_values_set_by_hand_hold_in_a_restart_after_a_switch():
    run = ne.Stepper(data(), make("umap"))
    run.step(5)
    run.switch(make("tsne"))
    run.tune(perplexity=5, exaggeration=3.0)
    run.step(3)
    run.restart()
    assert (run.params["perplexity"], run.params["exaggeration"]) == (5, 3.0)
    begun = ne.Stepper(data(), make("tsne"))
    begun.tune(perplexity=5, exaggeration=3.0)
    assert np.array_equal(run.step(5).embedding, begun.step(5).embedding)


def test_a_given_start_must_fit_the_points_of_the_run():
    run = ne.Stepper(data(), make("tsne"))
    run.step(2)
    with pytest.raises(ParameterError, match=r"UMAP.init must have shape \(120, 2\)"):
        run.switch(make("umap", init=np.zeros((7, 3))))
    assert type(run.method).__name__ == "TSNE"


def size(Z):
    return float(np.median(np.linalg.norm(Z - Z.mean(0), axis=1)))


@pytest.mark.parametrize("second", ["umap", "cosne"])
def test_frames_tell_how_far_a_switch_has_shrunk_the_map(second):
    start = np.random.default_rng(0).normal(size=(120, 2)) * [40, 10]
    run = ne.Stepper(data(), make("tsne", init=start))
    run.step(10)
    before = run.frame()
    assert before.scale == 1
    run.switch(make(second))
    after = run.frame()
    assert after.scale < 0.5
    assert size(after.embedding / after.scale) == pytest.approx(size(before.embedding), rel=1e-3)
    run.step(10)
    assert [run.scale_at(at) for at in (9, 10, 11, 20)] == [1, 1, after.scale, after.scale]
    run.switch(make("tsne"))
    assert run.frame().scale == after.scale
    run.restart()
    assert (
        run.frame().scale == after.scale
    )  # the picture of a run that begins again is of the size that it was
    assert run.scale_at(0) == after.scale


def test_going_back_before_a_switch_takes_its_scale_back():
    start = np.random.default_rng(0).normal(size=(120, 2)) * [40, 10]
    run = ne.Stepper(data(), make("tsne", init=start))
    run.step(10)
    run.switch(make("umap"))
    run.step(5)
    scale = run.frame().scale
    other = run.fork(12)
    assert other.frame().scale == scale
    run.rewind(10)
    assert run.frame().scale == 1
    assert other.frame().scale == scale
