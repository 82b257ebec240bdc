"""A run goes on with some of its points alone, and comes back to all of them as they were."""

import json
import warnings

import numpy as np
import pytest

import ne_interactive as ne
from ne_interactive.params.errors import DataError, ParameterError, StateError

from .test_members import data, tsne

N = 120
SOME = np.arange(0, N, 2)
OTHERS = np.setdiff1d(np.arange(N), SOME)


def begun(steps=40, **more):
    run = ne.Stepper(data(), tsne(**more))
    run.step(steps)
    return run


def test_the_chosen_move_alone_with_affinities_of_their_own():
    run = begun()
    Z = run.embedding
    assert run.focus(SOME) is run
    assert run.focused
    assert run.n == len(SOME)
    assert np.array_equal(run.ids, SOME)
    fresh = ne.Stepper(data()[SOME], tsne())
    fresh.step()
    assert run._core.problem.graph.digest() == fresh._core.problem.graph.digest()
    turned = ne.metrics.aligned(run.embedding, Z[SOME])
    assert np.abs(turned - Z[SOME]).max() < 1e-4 * Z.std()  # in the same arrangement
    assert np.isfinite(run.step(30).embedding).all()


def test_a_tight_group_is_spread_and_a_loose_one_is_left():
    run = begun(120)
    group = np.arange(0, N, 4)  # one of four clusters
    before = run.embedding
    run.focus(group)
    assert run.embedding.std() > 1.3 * before[group].std()
    assert run.embedding.std() < before.std()
    run.unfocus()
    half = np.arange(N // 2)  # of every cluster, so as wide as the map, wherever that puts them
    run.focus(half)
    assert np.array_equal(run.embedding, before[half])


def test_all_come_back_to_where_they_were_and_go_on_as_if_nothing_had_been():
    run = begun()
    apart = run.fork()
    before, n_before = run.embedding, run.n
    run.focus(SOME)
    run.step(25)
    run.unfocus()
    assert (run.n, run.iteration, run.focused) == (n_before, 65, False)
    assert np.array_equal(run.embedding, before)
    assert np.array_equal(run.ids, np.arange(N))
    assert np.array_equal(run.step(30).embedding, apart.step(30).embedding)


def test_refined_places_are_turned_and_sized_as_the_former():
    run = begun(120)
    before = run.embedding
    run.pin([4, 5])
    run.focus(SOME)
    run.step(60)
    found = run.embedding
    run.unfocus(refined=True)
    after = run.embedding
    assert np.array_equal(after[OTHERS], before[OTHERS])
    assert np.array_equal(after[4], before[4])  # which is pinned
    free = SOME[SOME != 4]
    assert not np.allclose(after[free], before[free])
    assert np.abs(after[SOME].mean(0) - before[SOME].mean(0)).max() < 0.2 * before.std()
    assert after[free].std() == pytest.approx(before[SOME].std(), rel=0.2)
    shape = ne.metrics.aligned(found[SOME != 4], after[free])
    assert np.abs(shape - after[free]).max() < 1e-3 * before.std()


def test_a_focus_is_narrowed_and_all_come_back_at_once():
    run = begun()
    before = run.embedding
    run.focus(SOME).step(5)
    run.focus(np.arange(0, len(SOME), 2)).step(5)
    assert np.array_equal(run.ids, SOME[::2])
    run.unfocus()
    assert np.array_equal(run.embedding, before)


def test_pins_values_and_the_method_go_along():
    run = begun()
    run.pin([0, 1, 2])
    run.focus(SOME)
    assert np.array_equal(run.pinned, [0, 1])  # points 0 and 2
    run.release([0])
    run.pin([5])
    run.tune(perplexity=5, metric="cosine")
    run.step(3)
    run.switch(ne.UMAP(n_neighbors=6, metric="cosine", random_state=0))
    run.step(3)
    run.unfocus()
    assert np.array_equal(run.pinned, [1, 2, 10])
    assert type(run.method).__name__ == "UMAP"
    assert run._core.problem.neighbors.metric == "cosine"
    assert np.isfinite(run.step(10).embedding).all()


def test_the_record_holds_it_and_repeats_it(tmp_path):
    run = begun()
    there = run.embedding
    run.focus(SOME)
    inside = run.step(10).embedding
    saved = run.save(tmp_path / "run.npz")
    loaded = ne.Stepper.load(saved, data())
    assert loaded.focused
    for one in (run, loaded):
        one.step(10)
        one.unfocus()
        one.step(5)
    assert np.array_equal(loaded.embedding, run.embedding)
    fork = run.fork(50)
    assert fork.focused
    assert np.array_equal(fork.embedding, inside)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = ne.replay(data(), str(run.recipe()))
    names = {"X": data()}
    exec(run.recipe().python(), names)
    assert np.array_equal(names["Z"], run.embedding)
    for one in (run, loaded, again):
        assert np.array_equal(one.rewind(50).embedding, inside)
        assert one.focused
        assert np.array_equal(one.rewind(40).embedding, there)
        assert not one.focused
    kinds = [event.kind for event in fork.events]
    assert "focus" in kinds


def test_a_restart_has_all_points():
    run = begun()
    run.focus(SOME)
    run.restart()
    assert (run.n, run.iteration, run.focused) == (N, 0, False)
    fresh = ne.Stepper(data(), tsne())
    assert np.array_equal(run.step(10).embedding, fresh.step(10).embedding)


def test_what_does_not_fit_is_refused_and_nothing_is_changed():
    run = begun(5)
    Z = run.embedding
    for wrong, told in (
        ([N], "0 to 119"),
        ([1, 2], "3 to 119 of the run's 120 points; got 2"),
        (np.arange(N), "got 120"),
        ([1, 1, 2], "unique"),
        (None, "None"),
        (np.arange(8), "perplexity must lie in"),
    ):
        with pytest.raises(ParameterError, match=told):
            run.focus(wrong)
    with pytest.raises(StateError, match="not focused"):
        run.unfocus()
    with pytest.raises(ParameterError, match="refined"):
        run.unfocus(refined=1)
    assert np.array_equal(run.embedding, Z)
    assert run.events == []
    run.focus(SOME)
    with pytest.raises(StateError, match="focused on 60 of them; call unfocus"):
        run.remove([0])
    with pytest.raises(StateError, match="unfocus"):
        run.add(data(3))
    D = np.linalg.norm(data()[:, None] - data()[None], axis=2)
    with pytest.raises(DataError, match="rows in memory"):
        ne.Stepper(D, tsne(metric="precomputed")).focus(SOME)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "unfocus", "values": {"refined": False}},
        {"kind": "focus", "values": {}},
        {"kind": "focus", "values": {"indices": {"dtype": "<u4", "shape": [1], "numbers": [999]}}},
    ],
)
def test_a_recipe_with_a_focus_that_cannot_be_is_refused(change):
    facts = json.loads(str(begun(2).recipe()))
    facts["changes"] = [{"iteration": 1, "digest": "", "neighbors": 0, **change}]
    with pytest.raises((DataError, ParameterError)):
        ne.Recipe(facts)


@pytest.mark.parametrize("name", ["COSNE", "PACMAP", "TSNEkhorn", "InfoTSNE"])
def test_methods_of_every_kind_focus_and_come_back(name):
    cls = ne.METHODS[name.lower()] if name.lower() in ne.METHODS else getattr(ne, name)
    fits = {"perplexity": 8, "n_neighbors": 8}
    more = {key: value for key, value in fits.items() if key in cls.__dataclass_fields__}
    run = ne.Stepper(data(80), cls(random_state=1, **more))
    before = run.step(8).embedding
    run.focus(np.arange(0, 80, 2)).step(4)
    assert np.isfinite(run.embedding).all()
    run.unfocus()
    assert np.array_equal(run.embedding, before)
    run.step(2)
    run.focus(np.arange(40)).step(2)
    run.unfocus(refined=True).step(2)
    assert np.isfinite(run.embedding).all()
