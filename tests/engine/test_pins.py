"""Points that are pinned, moved and released by hand: they stay to the last bit, whatever else happens to the run."""

import json
import time
import warnings

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ne_interactive as ne
from ne_interactive.engine.step import step
from ne_interactive.params.errors import DataError, ParameterError

N = 90


def data(n=N):
    draw = np.random.default_rng(0)
    return (draw.normal(size=(3, 8))[np.arange(n) % 3] * 6 + draw.normal(size=(n, 8))).astype(np.float32)


def tsne(**more):
    return ne.TSNE(**{"perplexity": 8, "random_state": 0, "early_exaggeration_iter": 20, **more})


def run_of(method=None, steps=30):
    run = ne.Stepper(data(), method or tsne())
    run.step(steps)
    return run


def test_moved_points_stay_where_they_are_put_and_the_others_adapt():
    run = run_of()
    before = run.embedding
    run.move([7, 2], [[30.0, 1.0], [-20.0, 4.0]])
    assert np.array_equal(run.pinned, [2, 7])
    assert run.embedding[[7, 2]].tolist() == [[30.0, 1.0], [-20.0, 4.0]]
    run.step(80)
    assert run.embedding[[7, 2]].tolist() == [[30.0, 1.0], [-20.0, 4.0]]
    # point 10 is of the same kind as point 7 and has gone after it, further than without
    left = run_of(steps=110)
    assert run.embedding[10, 0] > left.embedding[10, 0] + 1
    assert not np.array_equal(run.embedding[40], before[40])


@pytest.mark.parametrize("optimizer", ["auto", "SGD", "Adam", "AdamW", "Adafactor", "Rprop", "ASGD", "Muon"])
def test_every_rule_holds_pins_and_forgets_what_moved_them(optimizer):
    kwargs = {"weight_decay": 0.1} if optimizer in ("AdamW", "Adam", "SGD") else "auto"
    run = run_of(tsne(optimizer=optimizer, optimizer_kwargs=kwargs, lr=0.5))
    rows = [3, 50, 51]
    run.pin(rows)
    there = run.embedding[rows]
    run.step(15)
    assert np.array_equal(run.embedding[rows], there)
    slots = run._core.state.slots
    for name, kept in slots.items():
        if kept.ndim and len(kept) == N:
            assert torch.equal(kept[3], kept[50]), name  # as fresh as each other
            assert not torch.equal(kept[3], kept[4]), name


def test_a_released_point_starts_from_rest():
    run = run_of(steps=60)
    run.pin([5])
    run.step(20)
    run.release([5])
    assert run.pinned.tolist() == []
    velocity, gain = run._core.state.slots["velocity"], run._core.state.slots["gain"]
    assert velocity[5].tolist() == [0.0, 0.0]
    assert gain[5].tolist() == [1.0, 1.0]
    before = run.embedding[5]
    run.step(20)
    assert not np.array_equal(run.embedding[5], before)


def test_the_map_does_not_jump_when_the_last_pin_is_released():
    run = run_of(steps=150)
    run.move(np.arange(0, N, 3), run.embedding[::3] + 40)  # a third of all points, and with it the centre
    run.step(30)
    run.release(np.arange(0, N, 6))
    run.step(1)
    before = run.embedding
    run.release()
    run.step(1)
    after = run.embedding
    assert np.linalg.norm(after.mean(0) - before.mean(0)) < 1e-4  # it stays centred where it was
    run.step(20)
    assert np.linalg.norm(run.embedding.mean(0) - before.mean(0)) < 1e-4
    free = run_of(steps=150)
    assert np.abs(free.embedding.mean(0)).max() < 1e-4  # a map without pins is centred on the origin


def test_a_run_without_pins_is_what_it_was():
    one, other = run_of(), run_of()
    other.pin([1, 2])
    other.release()
    assert other._core.state.pins is None
    other.release()  # of nothing: no event
    assert [event.kind for event in other.events] == ["pin", "release"]
    assert one._core.state.centre == ()
    assert np.array_equal(one.embedding, other.embedding)


@pytest.mark.parametrize("c", [1, 2, 3])
def test_pins_work_in_any_dimension(c):
    run = run_of(tsne(n_components=c))
    run.move([0], np.full((1, c), 9.0))
    run.step(10)
    assert run.embedding[0].tolist() == [9.0] * c


def test_all_points_can_be_pinned_and_the_run_rests():
    run = run_of(steps=300)
    run.pin(np.ones(N, bool))
    before = run.embedding
    run.run(400)
    assert np.array_equal(run.embedding, before)
    assert run._core.at_rest()


def test_a_switch_keeps_pins_and_a_restart_does_not():
    run = run_of()
    run.pin([4, 8])
    run.switch(ne.UMAP(n_neighbors=6))
    there = run.embedding[[4, 8]]
    run.step(20)
    assert np.array_equal(run.embedding[[4, 8]], there)
    assert run.pinned.tolist() == [4, 8]
    run.restart()
    assert run.pinned.tolist() == []
    assert run._core.state.centre == ()


def test_a_moving_run_takes_moves_and_a_resting_one_wakes():
    run = ne.Stepper(data(), tsne())
    heard = []
    run.listen(lambda run, what: heard.append(what))
    run.start()
    try:
        deadline = time.monotonic() + 30
        while run.state != "resting" and time.monotonic() < deadline:
            time.sleep(0.02)
        assert run.state == "resting"
        rested = run.iteration
        run.pin([3])  # holds what stands still: no reason to wake
        assert run.state == "resting"
        run.move([0, 1], [[25.0, 0.0], [25.0, 1.0]])
        while run.iteration == rested and time.monotonic() < deadline:
            time.sleep(0.02)
        assert run.iteration > rested
        run.move([0, 1], [[26.0, 0.0], [26.0, 1.0]])  # while it moves
        run.pause()
    finally:
        run.stop()
    assert run.embedding[[0, 1]].tolist() == [[26.0, 0.0], [26.0, 1.0]]
    assert "pins" in heard


def test_umap_wakes_with_a_learning_rate():
    run = ne.Stepper(data(), ne.UMAP(n_neighbors=6, random_state=0, max_iter=60))
    run.run()
    before = run.embedding
    run.move([0], before[[0]] + 10)
    run.step(20)
    moved = np.abs(run.embedding - before).max(1)
    assert np.sort(moved)[N // 2] > 1e-3


def test_a_drag_is_one_event_and_its_every_place_is_remembered():
    run = run_of()
    places = []
    for step_ in range(12):
        run.move([6], [[float(step_), 1.0]])
        run.move([6], [[float(step_), 2.0]])  # the same iteration: only this one counts
        places.append(run.embedding)
        run.step()
    assert [event.kind for event in run.events] == ["move"]
    assert run.events[0].iteration == 30
    assert len([one for one in run._core.past.changes if one.kind == "move"]) == 12
    assert run.rewind(36).embedding[6].tolist() == places[5][6].tolist()  # before the move made there
    assert run.pinned.tolist() == [6]
    assert run.rewind(30).embedding[6].tolist() == run_of().embedding[6].tolist()
    assert run.pinned.tolist() == []
    assert run.events == []


@pytest.mark.parametrize("at", [0, 30, 50])
def test_going_back_to_where_points_were_moved_is_before_all_changes(at):
    straight = run_of(steps=at) if at else ne.Stepper(data(), tsne())
    before = straight.embedding
    run = run_of(steps=at) if at else ne.Stepper(data(), tsne())
    run.move([1], [[5.0, 5.0]])
    run.tune(exaggeration=2.0)
    run.step(30)
    run.rewind(at)
    assert np.array_equal(run.embedding, before)
    assert run.pinned.tolist() == []
    assert run.params["exaggeration"] == straight.params["exaggeration"]


def test_donating_gives_the_same_bits_and_a_step_is_pure():
    run = run_of()
    run.move([5, 9], [[1.0, 2.0], [3.0, 4.0]])
    core = run._core
    before = core.state.copy()
    one, _ = step(core.method, core.problem, core.state)
    other, _ = step(core.method, core.problem, before.copy(), donate=True)
    assert torch.equal(core.state.positions, before.positions)
    for slot, kept in before.slots.items():
        assert torch.equal(core.state.slots[slot], kept)
        assert torch.equal(one.slots[slot], other.slots[slot])
    assert torch.equal(one.positions, other.positions)


def test_large_selections_travel_compactly_and_exactly():
    X = data(3000)
    run = ne.Stepper(X, tsne(), history=0)
    run.step(5)
    rows = np.random.default_rng(1).permutation(3000)[:2000]
    run.move(rows, run.embedding[rows] * 1.5)
    run.pin(np.arange(0, 3000, 2))
    run.step(5)
    run.release(rows[:1500])
    run.step(5)
    recipe = run.recipe()
    assert len(str(recipe)) < 60_000
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = ne.replay(X, str(recipe))
    assert np.array_equal(again.embedding, run.embedding)
    assert np.array_equal(again.pinned, run.pinned)
    names = {"X": X}
    exec(recipe.python(), names)
    assert np.array_equal(names["Z"], run.embedding)


def test_the_script_of_a_small_change_can_be_read():
    run = run_of()
    run.move([7, 2], [[3.0, 1.5], [-2.0, 4.0]])
    run.pin([1])
    run.step(2)
    run.release([7])
    run.release()
    script = run.recipe().python()
    assert "run.move([7, 2], [[3.0, 1.5], [-2.0, 4.0]])\nrun.pin([1])\nrun.step(2)\n" in script
    assert "run.release([7])\nrun.release()\n" in script
    assert "numpy" not in script


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("pin", {}, "other parts than it must have"),
        ("pin", {"indices": {"dtype": "<u4", "shape": [1], "numbers": [N]}}, "indices must lie in"),
        ("pin", {"indices": {"dtype": "<u4", "shape": [2], "numbers": [1]}}, "cannot be read"),
        ("pin", {"indices": [1, 2]}, "cannot be read"),
        ("release", {"indices": {"dtype": "<u4", "shape": [1], "bytes": "??"}}, "cannot be read"),
        ("move", {"indices": {"dtype": "<u4", "shape": [1], "numbers": [1]}}, "other parts"),
        (
            "move",
            {
                "indices": {"dtype": "<u4", "shape": [1], "numbers": [1]},
                "xy": {"dtype": "<f4", "shape": [1, 2], "numbers": [float("nan"), 0]},
            },
            "xy must be finite",
        ),
    ],
)
def test_a_recipe_that_holds_what_cannot_be_held_is_refused(kind, values, message):
    run = run_of(steps=2)
    run.pin([1])
    facts = json.loads(str(run.recipe()))
    facts["changes"][0] |= {"kind": kind, "values": values}
    with pytest.raises((DataError, ParameterError), match=message):
        ne.Recipe.read(json.dumps(facts))


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([0, N], f"indices must lie in 0 to {N - 1}; got {N}"),
        ([-1], "got -1"),
        ([1, 2, 1], "indices must be unique; got 1 2 times"),
        ([0.5], "whole numbers"),
        (["a"], "whole numbers"),
        (None, "whole numbers from 0"),
        ([[1, 2]], "whole numbers"),
        (np.ones(N - 1, bool), f"one for each of the {N} points; got {N - 1}"),
    ],
)
def test_what_is_no_row_is_refused_and_nothing_is_changed(indices, message):
    run = run_of(steps=3)
    run.pin([4])
    before = run.embedding
    for do in (run.pin, lambda rows: run.move(rows, [[0.0, 0.0]])):
        with pytest.raises(ParameterError, match=message):
            do(indices)
    if indices is not None:
        with pytest.raises(ParameterError, match=message):
            run.release(indices)
    assert np.array_equal(run.embedding, before)
    assert run.pinned.tolist() == [4]
    assert len(run.events) == 1


@pytest.mark.parametrize(
    ("xy", "message"),
    [
        ([0.0, 0.0], r"shape \(1, 2\); got \(2,\)"),
        ([[0.0, 0.0, 0.0]], r"shape \(1, 2\)"),
        ([[0.0, 0.0]] * 2, r"shape \(1, 2\)"),
        ([[np.nan, 0.0]], "xy must be finite .* row 0 is"),
        ([[np.inf, 0.0]], "xy must be finite"),
        ([[1e9, 0.0]], "within 1e\\+06 of the origin"),
        ([["here", "there"]], "xy must hold numbers"),
    ],
)
def test_what_is_no_place_is_refused(xy, message):
    run = run_of(steps=3)
    with pytest.raises(ParameterError, match=message):
        run.move([4], xy)
    assert run.pinned.tolist() == []


def test_the_disk_is_not_left():
    run = run_of(ne.COSNE(perplexity=8, random_state=0))
    with pytest.raises(ParameterError, match=r"xy must lie in the unit disk.* row 1 has norm 1\.2"):
        run.move([1, 2], [[0.1, 0.1], [1.2, 0.0]])
    run.move([1], [[0.7, 0.5]])
    run.step(20)
    assert run._core.state.positions[1].tolist() == [0.7, 0.5]


OPERATIONS = st.one_of(
    st.tuples(st.just("step"), st.integers(1, 30)),
    st.tuples(st.just("pin"), st.sets(st.integers(0, N - 1), max_size=6)),
    st.tuples(st.just("move"), st.dictionaries(st.integers(0, N - 1), st.integers(-20, 20), max_size=5)),
    st.tuples(st.just("release"), st.none() | st.sets(st.integers(0, N - 1), max_size=20)),
    st.tuples(st.just("tune"), st.sampled_from([0.5, 1.0, 4.0, "auto"])),
    st.tuples(st.just("rewind"), st.floats(0, 1)),
    st.tuples(st.sampled_from(["fork", "save", "replay", "switch", "restart"]), st.none()),
)


def carried_out(run, operation, value, path):
    match operation:
        case "step":
            run.step(value)
        case "pin":
            run.pin(sorted(value))
        case "move":
            run.move(list(value), [[float(x), x / 3] for x in value.values()])
        case "release":
            run.release(None if value is None else sorted(value))
        case "tune":
            run.tune(exaggeration=value)
        case "rewind":
            run.rewind(round(value * run.iteration))
        case "fork":
            return run.fork()
        case "save":
            return ne.Stepper.load(run.save(path), data())
        case "replay":
            return ne.replay(data(), str(run.recipe()))
        case "switch":
            run.switch(ne.UMAP(n_neighbors=6) if "dof" in run.params else tsne())
        case "restart":
            run.restart()
    return run


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(OPERATIONS, max_size=14), st.sampled_from([0.0, 0.01, 256.0]))
def test_any_sequence_is_exact(tmp_path_factory, operations, history):
    path = tmp_path_factory.mktemp("pins") / "run.npz"
    run = ne.Stepper(data(), tsne(), history=history)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for operation, value in operations:
            before, pinned = run.embedding, set(run.pinned.tolist())
            run = carried_out(run, operation, value, path)
            now = set(run.pinned.tolist())
            if operation in ("step", "tune", "fork", "save", "replay"):
                assert now == pinned
                rows = sorted(now)
                assert np.array_equal(run.embedding[rows], before[rows])
            elif operation in ("pin", "move"):
                assert now == pinned | set(value)
            elif operation == "release":
                assert now == (set() if value is None else pinned - set(value))
            elif operation == "restart":
                assert now == set()
        again = ne.replay(data(), str(run.recipe()))
    assert np.array_equal(run.embedding, again.embedding)
    assert np.array_equal(run.pinned, again.pinned)
    assert np.array_equal(run.step(5).embedding, again.step(5).embedding)
