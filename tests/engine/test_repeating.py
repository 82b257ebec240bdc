"""Whatever is done to a run, its recipe repeats it: as JSON and as a script, to the last bit."""

import contextlib
import json
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

import ne_interactive as ne
from ne_interactive.data.arrays import as_table
from ne_interactive.engine.recipe import _written
from ne_interactive.params.errors import DataError, ParameterError, StateError

N = 70
DRAW = np.random.default_rng(5)
X = (DRAW.normal(size=(4, 8))[np.arange(N) % 4] * 3 + DRAW.normal(size=(N, 8))).astype(np.float32)
SHARES = st.floats(0, 1)

VALUES = {
    "exaggeration": st.one_of(st.just("auto"), st.floats(0.5, 8)),
    "repulsion_strength": st.floats(0.2, 3),
    "perplexity": st.floats(2, 30),  # beyond the neighbours of the start, too
    "n_neighbors": st.integers(3, 40),
    "lr": st.one_of(st.just("auto"), st.floats(1, 30)),
    "dof": st.floats(0.5, 2),
    "n_negatives": st.integers(1, 9),
    "min_dist": st.floats(0.01, 0.9),
    "metric": st.sampled_from(["euclidean", "cosine", "manhattan"]),
}
METHODS = {
    "TSNE": lambda metric: ne.TSNE(
        perplexity=7, early_exaggeration_iter=20, metric=metric, random_state=3, max_iter=90
    ),
    "UMAP": lambda metric: ne.UMAP(n_neighbors=7, metric=metric, random_state=3),
    "PACMAP": lambda metric: ne.PACMAP(n_neighbors=6, metric=metric, random_state=3),
    "LargeVis": lambda metric: ne.LargeVis(perplexity=6, metric=metric, random_state=3),
}


def new_rows(m):
    return X[7 : 7 + m] + np.float32(0.3)


TABLES = {as_table(new_rows(m)).fingerprint(): new_rows(m) for m in range(2, 10)}


def added_to(run):
    return [TABLES[told["fingerprint"]] for told in run.recipe().facts["added"]]


def repeat(run):
    """The run replayed from its JSON and made by its script: both as the run itself."""
    recipe, added = run.recipe(), added_to(run)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = ne.replay(X, str(recipe), added=added)
    names: dict[str, Any] = {"X": X, "added": added}
    exec(recipe.python(), names)
    scripted: Any = names["run"]
    for other in (again, scripted):
        assert np.array_equal(run.pinned, other.pinned)
        assert np.array_equal(run.embedding, other.embedding)
        assert np.array_equal(run.ids, other.ids)
        assert run.focused == other.focused
        assert run.params == other.params
        assert (run.iteration, run.max_iter, run.marks) == (other.iteration, other.max_iter, other.marks)
    assert np.array_equal(names["Z"], run.embedding)
    return again


class Repeating(RuleBasedStateMachine):
    """A run to which anything is done in any order."""

    def __init__(self):
        super().__init__()
        self.run = ne.Stepper(X, METHODS["TSNE"]("euclidean"))
        self.folder = Path(tempfile.mkdtemp(prefix="repeating"))
        self.seen = {}

    @rule(n=st.integers(1, 25))
    def step(self, n):
        self.seen[self.run.step(n).iteration] = self.run.embedding

    @rule(data=st.data())
    def tune(self, data):
        live = sorted(name for name in VALUES if name in self.run.params)
        names = data.draw(st.lists(st.sampled_from(live), min_size=1, max_size=2, unique=True))
        changes = {name: data.draw(VALUES[name]) for name in names}
        with contextlib.suppress(ParameterError):  # the method of now has no such schedule, or less room
            self.run.tune(**changes)

    @rule(wrong=st.sampled_from([{"metric": "precomputed"}, {"lr": -1.0}, {"perplexity": 1e9}, {"none": 1}]))
    def tune_refused(self, wrong):
        before = self.run.params
        with pytest.raises(ParameterError):
            self.run.tune(**wrong, repulsion_strength=2.5)
        assert self.run.params == before

    @rule(share=SHARES)
    def rewind(self, share):
        to = int(share * self.run.iteration)
        frame = self.run.rewind(to)
        if to in self.seen:
            assert np.array_equal(frame.embedding, self.seen[to])
        self.seen = {at: Z for at, Z in self.seen.items() if at <= to}

    @rule(name=st.sampled_from(["a", "b", "it's"]), share=SHARES)
    def mark(self, name, share):
        at = int(share * self.run.iteration)
        self.run.mark(name, at)
        marks = [(event.iteration, event.detail["name"]) for event in self.run.events if event.kind == "mark"]
        assert marks == sorted(marks, key=lambda one: one[0])
        assert (at, name) in marks

    @rule(
        shares=st.lists(SHARES, max_size=5),
        kind=st.sampled_from("pmr"),
        at=SHARES,
    )
    def hold(self, shares, kind, at):
        points = self.drawn(shares)
        match kind:
            case "p":
                self.run.pin(points)
            case "m":
                self.run.move(points, np.full((len(points), 2), 20 * at - 10))
            case "r":
                self.run.release(points or None)

    def drawn(self, shares):
        return sorted({int(share * (self.run.n - 1)) for share in shares})

    @precondition(lambda self: not self.run.focused)
    @rule(shares=st.lists(SHARES, max_size=6))
    def remove(self, shares):
        with contextlib.suppress(ParameterError):  # what is left is less than the parameters need
            self.run.remove(self.drawn(shares))

    @precondition(lambda self: not self.run.focused and self.run.n < 2 * N)
    @rule(m=st.integers(2, 9))
    def add(self, m):
        with contextlib.suppress(ParameterError):  # PACMAP places no new rows
            self.run.add(new_rows(m))

    @rule(first=SHARES, stride=st.integers(1, 3))
    def focus(self, first, stride):
        points = np.arange(self.run.n)[int(first * self.run.n / 2) :: stride]
        with contextlib.suppress(ParameterError):  # too few, or all
            self.run.focus(points)

    @precondition(lambda self: self.run.focused)
    @rule(refined=st.booleans())
    def unfocus(self, refined):
        self.run.unfocus(refined=refined)

    @precondition(lambda self: self.run.focused)
    @rule()
    def grow_refused(self):
        before = self.run.ids
        for change in (lambda: self.run.remove([0]), lambda: self.run.add(new_rows(2))):
            with pytest.raises(StateError, match="unfocus"):
                change()
        assert np.array_equal(self.run.ids, before)

    @precondition(lambda self: self.run.marks)
    @rule(data=st.data())
    def rewind_to_mark(self, data):
        name = data.draw(st.sampled_from(sorted(self.run.marks)))
        self.run.rewind(name)
        self.seen = {at: Z for at, Z in self.seen.items() if at <= self.run.iteration}

    @rule()
    def fork(self):
        self.run = self.run.fork()

    @rule(name=st.sampled_from(sorted(METHODS)))
    def switch(self, name):
        self.run.switch(METHODS[name](self.run.params["metric"]))

    @rule(more=st.integers(1, 120))
    def max_iter(self, more):
        self.run.max_iter = self.run.iteration + more

    @rule()
    def restart(self):
        self.run.restart()
        self.seen = {}

    @rule()
    def save_and_load(self):
        self.run = ne.Stepper.load(self.run.save(self.folder / "run.npz"), X, added=added_to(self.run))

    def teardown(self):
        again = repeat(self.run)
        assert np.array_equal(self.run.step(5).embedding, again.step(5).embedding)
        shutil.rmtree(self.folder)


Repeating.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=tuple(HealthCheck),
)
TestRepeating = Repeating.TestCase


def recipe():
    run = ne.Stepper(X, METHODS["TSNE"]("euclidean"))
    run.step(5)
    run.tune(exaggeration=3.0)
    run.step(5)
    run.mark("here")
    run.switch(METHODS["UMAP"]("euclidean"))
    run.step(3)
    run.rewind("here")
    run.max_iter = 60
    return json.loads(str(run.recipe()))


def test_parameters_of_any_plain_kind_are_written_in_the_script():
    method = ne.TSNE(
        perplexity=5,
        random_state=0,
        optimizer=torch.optim.Adam,
        optimizer_kwargs={"betas": (0.5, 0.9), "eps": 1e-6},
        scheduler="MultiStepLR",
        scheduler_kwargs={"milestones": [2, 4]},
    )
    run = ne.Stepper(X, method)
    run.step(2)
    for recipe in (run.recipe(), ne.Recipe.read(str(run.recipe()))):
        names: dict[str, Any] = {"X": X}
        exec(recipe.python(), names)
        assert np.array_equal(names["Z"], run.embedding)
        assert "..." not in recipe.python()


@pytest.mark.parametrize("value", [(1,), (), [1, [True, None]], {"a": {"b": ["c", 0.1]}}, float("-inf")])
def test_a_plain_value_is_read_from_its_python(value):
    assert eval(_written(value) or "") == value


def test_what_a_script_has_no_words_for_is_named_in_it():
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0, init=X[:, :2]))
    run.step(1)
    run.switch(ne.UMAP(n_neighbors=5, random_state=0, init=X[:, :2]))
    script = run.recipe().python()
    assert "\n# Fill in what stands as ... here, and is in the JSON: TSNE.init, UMAP.init\nrun = " in script
    assert script.count("init=...") == 2


def test_where_a_run_was_taken_back_and_branched_off_is_told():
    facts = recipe()
    assert facts["branches"] == [[10, 13]]
    assert "# taken back to here from iteration 13\nrun.mark('here')" in ne.Recipe(facts).python()
    fork = ne.replay(X, ne.Recipe(facts)).fork()
    assert "# a branch begins here" in fork.recipe().python()


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (["recipe"], 99, "format 99"),
        (["iteration"], -1, "'iteration' is not what it must be; got -1"),
        (["iteration"], "5\nimport os", "'iteration'"),
        (["rough"], 1, "'rough'"),
        (["data", "fingerprint"], "0\nimport os", "'fingerprint'"),
        (["data", "shape"], [70, "8\n"], "'shape'"),
        (["data"], None, "'data'"),
        (["changes"], {}, "'changes'"),
        (["changes", 0], "run", "'changes'"),
        (["changes", 0, "kind"], "import os", "unknown kind 'import os'"),
        (["changes", 0, "iteration"], 77, "'iteration' is not what it must be; got 77"),
        (["changes", 0, "values"], {"lr=1); import os; (": 1}, "has no parameter"),
        (["changes", 0, "values"], {"exaggeration": "__import__('os')"}, "exaggeration"),
        (["changes", 1, "values"], {"mark": 3}, "'mark'"),
        (["branches"], [["a", 2]], "'branches'"),
        (["start", "class"], "os.system", "'os.system', which is not defined here"),
        (["start", "class"], ["TSNE"], "cannot be read"),
        (["first", "parameters"], {"no_such": 1}, "cannot be read"),
        (["first", "parameters", "optimizer"], {"class": "os.system"}, "none of torch.optim"),
        (["first", "parameters", "optimizer"], {"class": "torch.optim.__loader__"}, "none of torch.optim"),
        (["first", "parameters", "init"], {"value": "Popen", "fields": {}}, "does not know"),
        (
            ["first", "arrays"],
            {"method.init": {"dtype": "O", "shape": [1], "bytes": "AAAA"}},
            "cannot be read",
        ),
        (
            ["first", "arrays"],
            {"method.init": {"dtype": "<f4", "shape": [9**9], "bytes": "AAAA"}},
            "cannot be",
        ),
    ],
)
def test_a_recipe_that_is_none_is_refused_before_anything_is_done(path, value, told):
    facts = recipe()
    part = facts
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    with pytest.raises((DataError, ParameterError), match=told.replace("[", r"\[")):
        ne.replay(X, json.dumps(facts))
    with pytest.raises((DataError, ParameterError)):
        ne.Recipe(facts)


@pytest.mark.parametrize("text", ["", "[" * 100_000, "null", "[]", "{}", '{"recipe": {}}', 7])
def test_text_that_is_no_recipe_is_refused(text):
    with pytest.raises(DataError):
        ne.replay(X, text)


@pytest.mark.parametrize("part", ["start", "first", "data", "changes", "branches", "embedding", "made with"])
def test_a_recipe_that_lacks_something_is_refused(part):
    facts = recipe()
    del facts[part]
    with pytest.raises(DataError, match=f"lacks '{part}'"):
        ne.Recipe(facts)
