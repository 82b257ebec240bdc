"""Going back, branching off and repeating, bit for bit."""

import json
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
import torch

import ne_interactive as ne
from ne_interactive.data import memory
from ne_interactive.engine import past as pasts
from ne_interactive.engine import preparation, setup, timeline
from ne_interactive.engine.past import Past
from ne_interactive.params.errors import DataError, ParameterError

N = 150


def data(n=N, seed=0):
    draw = np.random.default_rng(seed)
    return (draw.normal(size=(4, 12))[np.arange(n) % 4] * 3 + draw.normal(size=(n, 12))).astype(np.float32)


def tsne(**more):
    return ne.TSNE(**{"perplexity": 10, "random_state": 0, "early_exaggeration_iter": 40, **more})


def steered(**more):
    """A run with three changes, the embeddings on its way, and the iterations of the changes."""
    run = ne.Stepper(data(), tsne(), **more)
    seen = {0: run.embedding}
    for until, change in (
        (60, {"exaggeration": 3.0}),
        (75, {"perplexity": 6}),
        (90, {"metric": "cosine"}),
        (140, {}),
    ):
        while run.iteration < until:
            run.step()
            seen[run.iteration] = run.embedding
        if change:
            run.tune(**change)
    return run, seen


def same(run, other):
    assert np.array_equal(run.embedding, other.embedding)
    assert run.params == other.params
    assert [(e.iteration, e.kind, e.detail) for e in run.events] == [
        (e.iteration, e.kind, e.detail) for e in other.events
    ]


@pytest.mark.parametrize("history", [256, 0, 0.05])
def test_every_iteration_can_be_gone_back_to(history):
    run, seen = steered(history=history)
    for iteration in (133, 91, 90, 89, 76, 60, 59, 1, 0):
        assert np.array_equal(run.rewind(iteration).embedding, seen[iteration])
        assert run.iteration == iteration
    assert run.events == []
    assert run.params["exaggeration"] == 12
    assert run.losses[0].tolist() == []


def test_what_comes_after_going_back_is_as_it_would_have_been():
    run, _ = steered()
    run.rewind(75)  # before the perplexity was changed
    assert run.params["perplexity"] == 10
    assert run.params["exaggeration"] == 3
    assert [event.kind for event in run.events] == ["tune"]
    straight = ne.Stepper(data(), tsne())
    straight.step(60)
    straight.tune(exaggeration=3.0)
    straight.step(40)
    run.step(25)
    same(run, straight)
    assert np.array_equal(run.losses[1], straight.losses[1])


def test_a_fork_is_independent_and_shares_the_neighbours():
    run, seen = steered()
    run.max_speed = 5000.0
    fork = run.fork()
    same(run, fork)
    assert fork.state == "paused"
    assert fork.max_speed == 5000.0
    assert fork._core.problem is run._core.problem
    fork.tune(repulsion_strength=2.0)
    fork.step(20)
    run.step(20)
    assert not np.array_equal(fork.embedding, run.embedding)
    assert "repulsion_strength" not in str(run.events)
    early = run.fork(80)
    assert np.array_equal(early.embedding, seen[80])
    assert run.iteration == 160
    early.rewind(0)
    assert np.array_equal(run.fork(140).embedding, seen[140])


@pytest.mark.parametrize("name", sorted(ne.METHODS))
def test_every_method_goes_back_branches_off_and_repeats_exactly(name, tmp_path):
    fits = {"perplexity": 8, "n_neighbors": 8}
    cls = ne.METHODS[name]
    method = cls(
        random_state=1, **{key: value for key, value in fits.items() if key in cls.__dataclass_fields__}
    )
    run = ne.Stepper(data(80), method)
    run.step(55)
    run.tune(repulsion_strength=1.5)
    there = run.step(8).embedding
    fork = run.fork()
    after = run.step(10).embedding
    loaded = ne.Stepper.load(run.save(tmp_path / "run.npz"), data(80))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = ne.replay(data(80), str(run.recipe()))
    for other in (run, loaded, again):
        assert np.array_equal(other.rewind(63).embedding, there)
    for other in (run, fork, loaded, again):
        assert np.array_equal(other.step(10).embedding, after)


def test_changes_made_beside_a_moving_run_are_gone_back_to_and_repeated(monkeypatch):
    monkeypatch.setattr(preparation, "BRIEF_ENTRIES", 0)
    run = ne.Stepper(data(), tsne())
    seen = {}
    run.listen(lambda run, what: seen.update({run.iteration: run.embedding}) if what == "iteration" else None)
    run.start()
    for change in ({"perplexity": 40}, {"metric": "cosine"}, {"perplexity": 5, "exaggeration": 2.0}):
        at = run.iteration
        run.tune(**change)
        while (
            not any(change.keys() & e.detail["changes"].keys() for e in run.events) or run.iteration < at + 12
        ):
            time.sleep(0.005)
    run.pause()
    recorded = {name: e.iteration for e in run.events for name in e.detail["changes"]}
    again = ne.replay(data(), str(run.recipe()))
    same(run, again)
    middle = recorded["metric"] + 6
    assert run.fork(middle)._core.state.fading > 0
    for iteration in (run.iteration - 1, middle, recorded["metric"], 3):
        for other in (run, again):
            assert np.array_equal(other.rewind(iteration).embedding, seen[iteration])


def test_switches_marks_lengths_and_restarts_are_remembered():
    run = ne.Stepper(data(), tsne())
    run.step(30)
    run.mark("before UMAP")
    run.switch(ne.UMAP(n_neighbors=8))
    run.max_iter = 90
    run.step(20)
    there = run.embedding
    run.step(5)
    assert run.marks == {"before UMAP": 30}
    assert np.array_equal(run.rewind(50).embedding, there)
    assert run.max_iter == 90
    back = run.fork("before UMAP")
    assert type(back.method).__name__ == "TSNE"
    assert back.marks == {"before UMAP": 30}
    run.restart()
    run.tune(n_negatives=9)
    run.step(30)
    again = ne.replay(data(), run.recipe())
    assert np.array_equal(again.embedding, run.embedding)
    assert type(again.method).__name__ == "UMAP"
    with pytest.raises(ParameterError, match="no mark 'later'; there are: none"):
        run.rewind("later")


def test_iterations_that_are_not_there_are_refused():
    run, _ = steered()
    for wrong in (-1, 141, 2.5, True, None):
        with pytest.raises(ParameterError, match="from 0 to 140"):
            run.rewind(wrong)
    with pytest.raises(ParameterError, match="not empty"):
        run.mark(" ")
    with pytest.raises(ParameterError, match="MB"):
        ne.Stepper(data(), tsne(), history=-1)
    assert run.iteration == 140


def test_history_is_thinned_within_its_budget():
    run = ne.Stepper(data(), tsne(), history=0.03)  # 15 kB for frames of 1.2 kB each
    run.step(200)
    frames = run.history
    assert 4 < len(frames) <= 12
    assert list(frames) == sorted(frames)
    gaps = np.diff(list(frames))
    assert (gaps == gaps[0]).all()
    iteration, Z = list(frames.items())[-1]
    assert np.array_equal(Z, run.rewind(iteration).embedding)
    with pytest.raises(ValueError, match="read-only"):
        Z[0] = 0
    past = run._core.past
    assert past.bytes(run._core.problem) < 0.015e6 or len(past.checkpoints) == 2
    assert ne.Stepper(data(), tsne(), history=0).step(5) is not None
    assert Past(0).frames == {}


def test_what_is_kept_is_bounded_in_number_too(monkeypatch):
    monkeypatch.setattr(pasts, "MOST_FRAMES", 40)
    monkeypatch.setattr(pasts, "MOST_STATES", 5)
    run = ne.Stepper(data(60), tsne())
    seen = []
    for _ in range(8):
        run.step(50)
        seen.append(run.embedding)
        past = run._core.past
        assert 20 <= len(past.frames) <= 40
        assert len(past.checkpoints) <= 5
    assert list(run.history) == list(range(16, 401, 16))
    assert np.array_equal(run.rewind(350).embedding, seen[6])


def test_bytes_of_frames_are_counted_as_they_come_and_go():
    past, whole, some = Past(0.02), torch.zeros(100, 2), torch.zeros(30, 2)
    for iteration in (*range(1, 9), 8, *range(9, 30)):  # one twice, and of fewer points
        past.show(iteration, whole if iteration < 8 or iteration > 20 else some)
        for one in (past, past.copy()):
            assert one._shown == sum(4 * Z.numel() for Z in one.frames.values()) <= 0.01e6
    assert past.stride > 1
    past.cut(None)
    assert (past.frames, past._shown) == ({}, 0)


def test_what_changes_leave_behind_is_held_within_the_budget():
    run = ne.Stepper(data(), tsne(), history=2.0)
    for metric in ("cosine", "euclidean", "manhattan", "cosine") * 4:
        run.tune(metric=metric)
        run.step(40)
    past = run._core.past
    held = [one for one in past.changes if one.neighbors is not None]
    assert 0 < past.bytes(run._core.problem) <= 1e6
    assert 1 < len(held) < len(past.changes)
    end = run.embedding
    assert run.rewind(50).params["metric"] == "euclidean"
    assert not np.array_equal(run.embedding, end)


@pytest.mark.parametrize(("history", "searches"), [(0.3, 0), (0.13, 1)])
def test_states_of_former_settings_are_kept_without_their_affinities(history, searches, monkeypatch):
    run, seen = ne.Stepper(data(), tsne(), history=history), {}
    for until, change in (
        (160, {"perplexity": 8}),
        (260, {"metric": "cosine"}),
        (460, {}),
    ):
        while run.iteration < until:
            run.step()
            seen[run.iteration] = run.embedding
        if change:
            run.tune(**change)
    past = run._core.past
    kept = [one.state.iteration for one in past.checkpoints]
    assert kept == [0, 50, 100, 150, 160, 200, 250, 260, 300, 350, 400, 450]  # all that were made
    assert [one.problem is None for one in past.checkpoints[:8]] == [True] * 8
    assert past.bytes(run._core.problem) <= history / 2 * 1e6
    calls, search = [], setup.neighbors_of
    for place in (setup, timeline):
        monkeypatch.setattr(place, "neighbors_of", lambda *a, **b: calls.append(a) or search(*a, **b))
    for iteration in (241, 207, 148):
        gone = run.fork(iteration)
        assert np.array_equal(gone.embedding, seen[iteration])
        end = 260 if iteration > 160 else 160
        assert np.array_equal(gone.step(end - iteration).embedding, seen[end])
    assert len(calls) <= 3 * searches
    assert np.array_equal(run.rewind(262).embedding, seen[262])


def test_states_whose_affinities_do_not_come_again_give_way():
    run = ne.Stepper(data(), tsne(), history=0.3)
    seen = {}
    for until, change in ((120, run.remove), (240, run.remove), (400, None)):
        while run.iteration < until:
            run.step()
            seen[run.iteration] = run.embedding
        if change is not None:
            change(np.arange(5))
    kept = [one.state.iteration for one in run._core.past.checkpoints]
    assert {0, 50, 100, 300, 350} <= set(kept)
    assert not {150, 200} & set(kept)
    assert np.array_equal(run.fork(199).embedding, seen[199])
    assert np.array_equal(run.fork(60).embedding, seen[60])


MEASURED = """
import psutil, torch
from ne_interactive.engine.past import Past

def more(history):
    past, Z = Past(history), torch.rand(10_000, 2)
    before, seen = psutil.Process().memory_info().rss, []
    for i in range(1, 600):
        mesh = [torch.ones(20_000 + 400 * (i * i % 997) + 300 * i) for _ in range(4)]  # grows, but not evenly
        past.show(i, Z)
        del mesh
        seen.append(psutil.Process().memory_info().rss - before)
    return sum(seen[300:]) / len(seen[300:])

torch.ones(7_000_000)  # from now on the heap serves arrays of this size
without = more(0)
print((more(40) - without) / 1e6)
"""


def test_the_process_holds_no_more_than_the_budget():
    if memory._trim() is None:
        pytest.skip("this C library keeps no free memory back, or none that can be asked for")
    done = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 50  # where nothing is given back, 70 to 110


def test_a_recipe_repeats_a_run_as_json_and_as_a_script(tmp_path):
    run, _ = steered()
    run.mark("here")
    text = str(run.recipe())
    assert json.loads(text)["changes"][0]["values"] == {"exaggeration": 3.0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = ne.replay(data(), text)
    same(run, again)
    again.step(10)
    run.step(10)
    same(run, again)
    names = {"X": data()}
    exec(run.recipe().python(), names)
    assert np.array_equal(names["Z"], run.embedding)
    same(names["run"], run)


def test_a_replay_says_what_differs():
    run, _ = steered()
    facts = json.loads(str(run.recipe()))
    with pytest.raises(DataError, match="of another X: a table of 150 rows and 12 columns"):
        ne.replay(data(seed=1), ne.Recipe(facts))
    facts["made with"]["numpy"] = "0.1"
    facts["changes"][0]["values"]["exaggeration"] = 3.5
    with pytest.warns(UserWarning, match="otherwise: the embedding. numpy: 0.1 then"):
        ne.replay(data(), ne.Recipe(facts))
    for wrong in ("{}", "nonsense", '{"recipe": 99}'):
        with pytest.raises(DataError):
            ne.replay(data(), wrong)


def test_given_starts_affinities_and_optimizers_are_in_the_recipe():
    init = data(seed=3)[:, :2]
    method = tsne(
        init=init,
        optimizer="Adam",
        lr=0.1,
        affinity_in=ne.METHODS["tsne"]().affinity({"perplexity": 7.0, "affinity_tail": 0.0}),
    )
    run = ne.Stepper(data(), method)
    run.step(15)
    assert np.array_equal(ne.replay(data(), str(run.recipe())).embedding, run.embedding)


def test_a_loaded_run_can_go_back_too(tmp_path):
    run, seen = steered()
    loaded = ne.Stepper.load(run.save(tmp_path / "run.npz"), data())
    assert str(loaded.recipe()) == str(run.recipe())
    assert np.array_equal(loaded.rewind(80).embedding, seen[80])
    assert np.array_equal(loaded.rewind(10).embedding, seen[10])


def test_a_run_that_moves_by_itself_goes_back_and_on(monkeypatch):
    run = ne.Stepper(data(), tsne()).start()
    while run.iteration < 60:
        time.sleep(0.005)
    run.tune(exaggeration=2.0)
    while run.iteration < 150:
        time.sleep(0.005)
    assert run.rewind(20).iteration == 20
    while run.iteration < 60:
        time.sleep(0.005)
    run.stop()
    fresh = ne.Stepper(data(), tsne())
    fresh.step(run.iteration)
    same(run, fresh)


def test_rough_beginnings_are_repeated(monkeypatch):
    monkeypatch.setattr(setup, "ROUGH_FROM", 100)
    run = ne.Stepper(data(), tsne()).start()
    while len(run.events) < 2 or run.iteration < 60:
        time.sleep(0.005)
    run.pause()
    at = run.events[1].iteration
    recipe = run.recipe()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = ne.replay(data(), recipe)
    same(run, again)
    names = {"X": data()}
    exec(recipe.python(), names)
    assert np.array_equal(names["Z"], run.embedding)
    end = run.embedding
    if at > 0:
        run.rewind(at - 1)
        assert run._core.problem.rough
        run.step(5)
        assert not run._core.problem.rough
    assert np.array_equal(again.rewind(again.iteration).embedding, end)


def test_a_run_asked_to_stay_rough_does_until_it_is_refined(monkeypatch, tmp_path):
    monkeypatch.setattr(setup, "ROUGH_FROM", 100)
    run = ne.Stepper(data(), tsne(), rough=True)
    run.step(10)
    assert run._core.problem.rough
    loaded = ne.Stepper.load(run.save(tmp_path / "run.npz"), data())
    for each in (run, loaded):
        each.step(5)
        assert each._core.problem.rough
        same(ne.replay(data(), str(each.recipe())), each)
        each.refine()
        each.step(5)
        assert not each._core.problem.rough
    same(run, loaded)
    assert np.array_equal(ne.replay(data(), str(run.recipe())).embedding, run.embedding)
    tuned = ne.Stepper(data(), tsne(), rough=True)
    tuned.step(5)
    tuned.tune(perplexity=4)  # which asks for right neighbours, though there are rough ones enough
    tuned.step(5)
    assert not tuned._core.problem.rough
    assert tuned._core.problem.neighbors.k == 12
    assert np.array_equal(ne.replay(data(), str(tuned.recipe())).embedding, tuned.embedding)


CHANGES = {
    "exaggeration": lambda draw: float(draw.uniform(0.5, 8)),
    "perplexity": lambda draw: float(draw.uniform(3, 20)),
    "lr": lambda draw: "auto" if draw.random() < 0.3 else float(draw.uniform(5, 60)),
    "dof": lambda draw: float(draw.uniform(0.5, 2)),
    "metric": lambda draw: str(draw.choice(["euclidean", "cosine", "manhattan"])),
}


@pytest.mark.parametrize("seed", range(6))
def test_random_sequences_are_repeated(seed, tmp_path):
    draw = np.random.default_rng(seed)
    run = ne.Stepper(data(), tsne(), history=float(draw.choice([0.02, 256])))
    for _ in range(14):
        match draw.choice(
            ["step", "tune", "rewind", "fork", "save", "mark", "switch", "restart"],
            p=[0.3, 0.3, 0.1, 0.08, 0.08, 0.06, 0.05, 0.03],
        ):
            case "step":
                run.step(int(draw.integers(1, 40)))
            case "tune":
                live = [name for name in CHANGES if name in run.params]
                names = draw.choice(live, size=int(draw.integers(1, 3)), replace=False)
                run.tune(**{name: CHANGES[name](draw) for name in names})
                run.step(int(draw.integers(1, 20)))
            case "rewind":
                run.rewind(int(draw.integers(0, run.iteration + 1)))
            case "fork":
                run = run.fork()
            case "save":
                run = ne.Stepper.load(run.save(tmp_path / "run.npz"), data())
            case "mark":
                run.mark(f"at {run.iteration}")
            case "switch":
                metric = run.params["metric"]
                run.switch(
                    ne.UMAP(n_neighbors=9, metric=metric) if "dof" in run.params else tsne(metric=metric)
                )
            case "restart":
                run.restart()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = ne.replay(data(), str(run.recipe()))
    assert np.array_equal(run.embedding, again.embedding)
    assert run.params == again.params
    assert np.array_equal(run.step(15).embedding, again.step(15).embedding)


def test_a_past_moment_is_named_and_all_goes_on_as_before():
    run = ne.Stepper(data(), tsne())
    run.step(60)
    run.tune(exaggeration=2.0)
    run.step(60)
    run.mark("end")
    now = run.embedding
    run.mark("middle", 30)
    run.mark("turn", iteration=60)
    assert run.marks == {"middle": 30, "turn": 60, "end": 120}
    assert [event.iteration for event in run.events if event.kind == "mark"] == [30, 60, 120]
    other = run.fork("middle")
    assert other.iteration == 30
    assert other.marks == {"middle": 30}
    other.rewind(0)
    assert np.array_equal(run.fork("end").embedding, now)
    again = ne.replay(data(), str(run.recipe()))
    assert again.marks == run.marks
    names = {"X": data()}
    exec(run.recipe().python(), names)
    assert np.array_equal(names["Z"], now)
    assert "run.mark('middle')" in run.recipe().python()
    run.rewind("turn")
    assert (run.iteration, list(run.marks)) == (60, ["middle", "turn"])
    for wrong in (-1, 61, 2.5, True, "none"):
        with pytest.raises(ParameterError):
            run.mark("there", wrong)


def test_a_run_taken_to_its_start_before_its_first_step_finds_the_neighbours_asked_for():
    run = ne.Stepper(data(), tsne(), neighbors=100)
    run.rewind(0)
    assert run._core.problem.neighbors.k == 100
    assert json.loads(str(run.recipe()))["neighbors"] == 100
    assert np.array_equal(run.step(3).embedding, ne.Stepper(data(), tsne(), neighbors=100).step(3).embedding)


@pytest.mark.parametrize("where", ["problem_for", "Timeline.advance"])
def test_an_interrupted_way_back_leaves_the_run_where_it_was(where, monkeypatch):
    run = ne.Stepper(data(), tsne(), history=0)
    run.step(20)
    run.tune(exaggeration=3.0)
    run.step(5)
    run.mark("here")
    run.remove([1, 2])
    run.switch(ne.UMAP(n_neighbors=8, random_state=0))
    run.step(5)
    recipe, told, losses = str(run.recipe()), list(run.events), run.losses[1]

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(f"ne_interactive.engine.timeline.{where}", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run.rewind(22)
    assert (run.iteration, run.n, type(run.method).__name__) == (30, N - 2, "UMAP")
    assert (run.events, run.marks) == (told, {"here": 25})
    assert np.array_equal(run.losses[1], losses)
    assert str(run.recipe()) == recipe
    assert np.array_equal(run.step(5).embedding, ne.replay(data(), recipe).step(5).embedding)
    assert run.rewind(22).embedding.shape == (N, 2)
