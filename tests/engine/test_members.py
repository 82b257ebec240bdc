"""Points leave a run and come to it; what is kept of the neighbours is what a new search would find."""

import json
import time
import warnings

import numpy as np
import pandas as pd
import pytest
import torch

import ne_interactive as ne
from ne_interactive.graph.neighbors import find_neighbors
from ne_interactive.graph.regrouped import extended, restricted
from ne_interactive.params.errors import DataError, ParameterError

N = 120


def data(n=N, seed=0):
    draw = np.random.default_rng(seed)
    return (draw.normal(size=(4, 12))[np.arange(n) % 4] * 3 + draw.normal(size=(n, 12))).astype(np.float32)


def tsne(**more):
    return ne.TSNE(**{"perplexity": 8, "random_state": 0, "early_exaggeration_iter": 30, **more})


GONE = np.arange(0, N, 5)
LEFT = np.setdiff1d(np.arange(N), GONE)


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
@pytest.mark.parametrize("gone", [1, 2, 60])
def test_restricted_neighbours_are_those_of_a_new_search(metric, gone):
    X = torch.from_numpy(data(200))
    found = find_neighbors(X, 20, metric=metric)
    keep = torch.from_numpy(np.setdiff1d(np.arange(200), np.arange(gone)))
    made = restricted(found, keep, X[keep], {1: 20, 2: 12, 60: 18}[gone])
    if gone == 60:
        assert made is None  # too many lack neighbours
        return
    if gone == 1:
        assert made is None or made.k == 20
        made = made or restricted(found, keep, X[keep], 19)
    fresh = find_neighbors(X[keep], made.k, metric=metric)
    assert torch.equal(made.indices, fresh.indices)
    assert torch.equal(made.distances, fresh.distances)


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
def test_extended_neighbours_are_those_of_a_new_search(metric):
    X = torch.from_numpy(data(230))
    X[215] = X[7]  # a twin among the new
    made = extended(find_neighbors(X[:200], 15, metric=metric), X)
    fresh = find_neighbors(X, 15, metric=metric)
    assert torch.equal(made.indices, fresh.indices)
    assert torch.equal(made.distances, fresh.distances)
    assert extended(find_neighbors(X[:100], 15, metric=metric), X) is None


def test_those_that_stay_stay_where_they_are_and_go_on():
    run = ne.Stepper(data(), tsne())
    before = run.step(60).embedding
    run.pin([0, 1, 7])
    run.remove(GONE)
    assert run.n == len(LEFT)
    assert np.array_equal(run.embedding, before[LEFT])
    assert np.array_equal(run.ids, LEFT)
    assert np.array_equal(run.pinned, [0, 5])  # points 1 and 7, as they are numbered now
    after = run.step(1).embedding
    assert np.abs(after - before[LEFT]).max() < 0.2 * before.std()
    assert np.isfinite(run.step(30).embedding).all()
    fresh = ne.Stepper(data()[LEFT], tsne())
    fresh.step()
    assert run._core.problem.graph.digest() == fresh._core.problem.graph.digest()
    event = run.events[-1]
    assert (event.kind, event.detail["points"], event.detail["n"]) == ("remove", len(GONE), len(LEFT))


def test_new_points_come_where_transform_puts_them_and_all_adapt():
    run = ne.Stepper(data()[:100], tsne())
    before = run.step(80).embedding
    places = run.transform(data()[100:])
    assert np.array_equal(run.add(data()[100:]), np.arange(100, N))
    assert run.n == N
    assert np.array_equal(run.embedding, np.concatenate([before, places]))
    assert np.array_equal(run.ids, np.arange(N))
    fresh = ne.Stepper(data(), tsne())
    fresh.step()
    assert run._core.problem.graph.digest() == fresh._core.problem.graph.digest()
    assert np.isfinite(run.step(30).embedding).all()
    assert not np.array_equal(run.embedding[:100], before)


@pytest.mark.parametrize("name", sorted(ne.METHODS))
def test_every_method_goes_on_with_fewer_and_back(name, tmp_path):
    cls = ne.METHODS[name]
    fits = {"perplexity": 8, "n_neighbors": 8}
    more = {key: value for key, value in fits.items() if key in cls.__dataclass_fields__}
    run = ne.Stepper(data(80), cls(random_state=1, **more))
    there = run.step(12).embedding
    run.remove([0, 5, 79])
    after = run.step(6).embedding
    if cls.places():
        run.add(data(4, seed=9))
        run.step(4)
    assert np.isfinite(run.embedding).all()
    added = [data(4, seed=9)] if cls.places() else []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = ne.replay(data(80), str(run.recipe()), added=added)
    loaded = ne.Stepper.load(run.save(tmp_path / "run.npz"), data(80), added=added)
    for other in (run, again, loaded):
        assert np.array_equal(other.rewind(18).embedding, after)
        assert np.array_equal(other.rewind(12).embedding, there)
        assert other.n == 80
        assert np.array_equal(other.ids, np.arange(80))


def test_a_restart_begins_with_the_points_of_now_and_is_repeated(tmp_path):
    run = ne.Stepper(data(), tsne(init="spectral"))
    run.step(5)
    run.add(data(10, seed=4))
    run.remove([0, 3, 125])
    run.tune(perplexity=5, exaggeration=3.0)
    run.step(5)
    run.restart()
    assert run.n == N + 7
    assert run.params["perplexity"] == 5
    run.step(20)
    run.remove([1])
    run.step(5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = ne.replay(data(), str(run.recipe()), added=[data(10, seed=4)])
    assert np.array_equal(again.embedding, run.embedding)
    assert again.params == run.params
    names = {"X": data(), "added": [data(10, seed=4)]}
    exec(run.recipe().python(), names)
    assert np.array_equal(names["Z"], run.embedding)
    loaded = ne.Stepper.load(run.save(tmp_path / "run.npz"), data(), added=[data(10, seed=4)])
    assert np.array_equal(loaded.rewind(10).embedding, run.rewind(10).embedding)
    assert run.n == N + 7


def test_what_does_not_fit_is_refused_and_nothing_is_changed():
    run = ne.Stepper(data(), tsne(perplexity=30))
    Z = run.step(5).embedding
    for wrong, told in (
        ([N], "0 to 119"),
        ([1, 1], "unique"),
        (np.arange(N - 1), "2 points"),
        ([0.5], "whole"),
    ):
        with pytest.raises(ParameterError, match=told):
            run.remove(wrong)
    with pytest.raises(ParameterError, match="perplexity"):
        run.remove(np.arange(N - 25))
    with pytest.raises(DataError, match="12 columns"):
        run.add(data()[:, :5])
    assert run.n == N
    assert np.array_equal(run.embedding, Z)
    assert run.events == []
    assert np.array_equal(ne.replay(data(), run.recipe()).embedding, Z)
    weighed = ne.Stepper(data(), ne.TSNE(affinity_in=np.ones((N, N)) - np.eye(N)))
    with pytest.raises(ParameterError, match="affinity_in is a matrix"):
        weighed.remove([1])
    D = np.linalg.norm(data()[:, None] - data()[None], axis=2)
    measured = ne.Stepper(D, tsne(metric="precomputed"))
    with pytest.raises(DataError, match="rows in memory"):
        measured.remove([1])


def test_a_recipe_with_other_added_tables_is_refused():
    run = ne.Stepper(data(), tsne())
    run.step(3)
    run.add(data(5, seed=2))
    recipe = run.recipe()
    with pytest.raises(DataError, match="1 tables were added to the run; 0 are given"):
        ne.replay(data(), recipe)
    with pytest.raises(DataError, match=r"added\[0\] is another table"):
        ne.replay(data(), recipe, added=[data(5, seed=3)])
    facts = json.loads(str(recipe))
    facts["added"] = []
    with pytest.raises(DataError, match="added"):
        ne.Recipe(facts)


def test_an_index_follows_the_points():
    frame = pd.DataFrame(data(), index=[f"row {i}" for i in range(N)])
    run = ne.Stepper(frame, tsne())
    run.step(2)
    run.remove([0, 2])
    run.add(pd.DataFrame(data(2, seed=5), index=["new a", "new b"]))
    assert list(run.embedding_like_input().index[[0, 1, -2, -1]]) == ["row 1", "row 3", "new a", "new b"]
    run.rewind(0)
    assert list(run.embedding_like_input().index) == list(frame.index)


def test_points_leave_a_run_that_moves_by_itself():
    run = ne.Stepper(data(), tsne()).start()
    while run.iteration < 20:
        time.sleep(0.005)
    run.tune(perplexity=5)
    run.remove(GONE)
    at = run.iteration
    while run.iteration < at + 20:
        time.sleep(0.005)
    run.pause()
    assert run.n == len(LEFT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = ne.replay(data(), run.recipe())
    assert np.array_equal(again.embedding, run.embedding)
    assert run.params["perplexity"] == again.params["perplexity"] == 5


def grown(steps=5):
    """A run whose method fits the points that came, but not X alone."""
    run = ne.Stepper(data(20), tsne(perplexity=5))
    run.step(steps)
    run.add(data(100, seed=4))
    run.switch(tsne(perplexity=30))
    run.step(3)
    return run


def test_a_run_is_loaded_whose_method_fits_only_the_points_that_came(tmp_path):
    run = grown()
    run.tune(perplexity=4)
    run.remove(np.arange(95))  # and no longer those that are left
    path = run.save(tmp_path / "run.npz")
    loaded = ne.Stepper.load(path, data(20), [data(100, seed=4)])
    assert np.array_equal(loaded.step(3).embedding, run.step(3).embedding)


def test_a_recipe_is_repeated_whose_method_fits_only_the_points_that_came():
    run = grown()
    run.restart()
    run.step(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = ne.replay(data(20), str(run.recipe()), [data(100, seed=4)])
    assert np.array_equal(again.embedding, run.embedding)


def test_a_loaded_run_knows_its_start_by_its_points(tmp_path, monkeypatch):
    run = ne.Stepper(data(), tsne())
    run.step(5)
    run.remove(np.arange(10))
    run.restart()
    run.step(5)
    loaded = ne.Stepper.load(run.save(tmp_path / "run.npz"), data())

    def forbidden(*_):
        raise AssertionError("made anew")

    with monkeypatch.context() as patched:
        patched.setattr("ne_interactive.engine.members.start_of", forbidden)
        run.restart()
        loaded.restart()
    assert np.array_equal(loaded.step(3).embedding, run.step(3).embedding)
    for other in (run, loaded):
        other.switch(ne.UMAP(n_neighbors=8, random_state=0))
    again = ne.Stepper.load(run.save(tmp_path / "run.npz"), data())
    for other in (run, loaded, again):
        other.restart()
        assert np.array_equal(other.embedding, run.embedding)
    assert np.array_equal(again.step(3).embedding, run.step(3).embedding)


def test_a_restart_takes_of_a_given_start_the_rows_that_are_left():
    given = data(seed=7)[:, :2]
    run = ne.Stepper(data(), tsne(init=given, init_scaling="auto"))
    run.step(2)
    for gone in ([0, 3], [1, 5, 9]):  # the second time of those that were left
        run.remove(gone)
        run.step(2)
        run.restart()
        assert np.array_equal(run.embedding, given[run.ids])
    run.step(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = ne.replay(data(), str(run.recipe()))
    assert np.array_equal(again.embedding, run.embedding)
    run.add(data(4, seed=5))
    Z = run.embedding
    with pytest.raises(ParameterError, match=r"init must have shape \(119, 2\)"):
        run.restart()
    assert np.array_equal(run.embedding, Z)
