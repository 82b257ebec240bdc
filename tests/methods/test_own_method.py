"""A method of one's own: the example, the page that explains it, and the contract on a method from outside."""

import dataclasses
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ne_interactive as ne
from ne_interactive.engine.step import evaluated
from ne_interactive.methods import METHODS
from ne_interactive.params.declare import REGISTRY

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "own_method.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ python (.*)$", PAGE, re.M)
LIVE = {"n_neighbors", "metric", "random_weight", "weight_temp"}
LIVE |= {"momentum", "lr", "exaggeration", "repulsion_strength"}


@pytest.fixture(scope="module", autouse=True)
def registered_for_this_file_only():
    """Other files run over every registered method: what is defined here is taken out again."""
    before = dict(METHODS), dict(REGISTRY)
    yield
    for registry, kept in zip((METHODS, REGISTRY), before, strict=True):
        registry.clear()
        registry.update(kept)
    sys.modules.pop("tests.methods.trimap_example", None)


@pytest.fixture(scope="module")
def TriMap(registered_for_this_file_only):
    from tests.methods import trimap_example

    return trimap_example.TriMap


def data(n=150, d=12):
    draw = np.random.default_rng(0)
    return (draw.normal(size=(3, d))[np.arange(n) % 3] * 6 + draw.normal(size=(n, d))).astype(np.float32)


def python(*arguments):
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}  # torch is loaded before the package there
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_the_example_embeds_digits_well_by_default(TriMap):
    digits = ne.datasets.digits()
    Z = TriMap(random_state=0).fit_transform(digits.X)
    assert ne.metrics.label_accuracy(Z, digits.y, k=10) > 0.97
    assert ne.metrics.recall(digits.X, Z, k=10) > 0.4


def evaluated_at_random(TriMap, **knobs):
    run = ne.Stepper(data(40), TriMap(n_neighbors=4, random_state=0, init="random", init_scaling=1.0))
    run._core.settle()
    at = evaluated(run.method, run._core.problem, run._core.state)
    at = dataclasses.replace(at, knobs={**at.knobs, **knobs})
    return (
        float(run.method.loss(at.state.positions.double(), at)),
        run.embedding.astype(float),
        at.problem.extras,
    )


def mean_over_triplets(Z, triplets, term):
    """The mean of term(s_near, s_far), one triplet after another."""
    near, far, longer = (triplets[name].numpy() for name in ("near", "far", "longer"))
    total = weights = 0.0
    for i, t in np.ndindex(near.shape):
        s_near, s_far = (1 / (1 + ((Z[i] - Z[other[i, t]]) ** 2).sum()) for other in (near, far))
        weight = 2 * (np.sqrt(1 + longer[i, t]) - 1) * (0.1 if t >= near.shape[1] - 3 else 1)
        total, weights = total + weight * term(s_near, s_far), weights + weight
    return total / weights


def test_its_loss_is_the_published_one(TriMap):
    loss, Z, triplets = evaluated_at_random(TriMap)
    assert loss == pytest.approx(
        mean_over_triplets(Z, triplets, lambda near, far: 1 / (1 + near / far)), rel=1e-4
    )


def test_a_strong_weight_leaves_mere_attraction_or_mere_repulsion(TriMap):
    loss, Z, triplets = evaluated_at_random(TriMap, exaggeration=1e6)
    assert loss / 1e6 == pytest.approx(
        mean_over_triplets(Z, triplets, lambda near, _: 1 / (1 + near)), rel=1e-4
    )
    loss, Z, triplets = evaluated_at_random(TriMap, repulsion_strength=1e6)
    assert loss / 1e6 == pytest.approx(
        mean_over_triplets(Z, triplets, lambda _, far: far / (1 + far)), rel=1e-4
    )


def test_its_triplets_are_a_point_a_neighbour_and_a_point_that_is_none(TriMap):
    run = ne.Stepper(data(60), TriMap(n_neighbors=5, n_outliers=2, n_random=3, random_state=0))
    run._core.settle()
    problem = run._core.problem
    near, far = (problem.extras[name].numpy() for name in ("near", "far"))
    assert near.shape == far.shape == (60, 5 * 2 + 3)
    own = np.arange(60)[:, None]
    assert (near != own).all()
    assert (far != own).all()
    known = [set(row) for row in near[:, :10].tolist()]
    assert all(
        len(row) == 5 and not row & set(others)
        for row, others in zip(known, far[:, :10].tolist(), strict=True)
    )
    other = ne.Stepper(data(60), TriMap(n_neighbors=5, n_outliers=2, random_state=1))
    other._core.settle()
    assert not np.array_equal(other._core.problem.extras["far"].numpy(), far)
    assert set(far.ravel().tolist()) == set(range(60)), "some point is never drawn"


def test_an_affinity_that_it_would_not_use_is_refused(TriMap):
    with pytest.raises(ne.ParameterError, match=r"TriMap\.affinity_in must be 'auto'"):
        ne.Stepper(data(), TriMap(affinity_in="entropic"))


def test_its_parameters_have_controls_in_the_live_view_and_help_in_its_docstring(TriMap):
    run = ne.Stepper(data(), TriMap())
    described = {entry["name"]: entry for entry in run.describe()}
    assert {name for name, entry in described.items() if entry["live"]} == LIVE
    assert described["weight_temp"]["ui_high"] == 0.95
    assert described["n_neighbors"]["redo"] == "weights"
    assert "random_weight : number in [0, 1000], default 0.1" in TriMap.__doc__
    view = ne.explore(data(), TriMap(random_state=0), start=False)
    try:
        controls = {row["name"]: row for row in view._controls}
        assert set(controls) == LIVE | {"method", "frame every", "speed limit"}  # these are of the view
        assert controls["random_weight"]["help"].startswith("Weight of the random triplets")
        view.run.tune(n_neighbors=20, weight_temp=0.9)
        view.step(2)
        assert view.run._core.problem.extras["near"].shape == (150, 20 * 4 + 3)
    finally:
        view.close()


def test_a_class_is_registered_unless_it_is_private_or_a_base(TriMap):
    class Base(ne.NeighborEmbedding, abstract=True):
        """Not a method."""

    class _Private(Base):
        """Not offered."""

    class Offered(Base):
        """A method."""

    assert {"base", "_private"} & METHODS.keys() == set()
    assert METHODS["offered"] is Offered
    assert METHODS["trimap"] is TriMap


def test_what_the_page_shows_runs(tmp_path):
    from tests.methods import test_contract as contract

    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)
    names = {"__name__": "own_method"}
    for block in blocks:
        exec(compile(block, "own_method.md", "exec"), names)  # one after another, as a reader would
    assert len(blocks) >= 4
    assert names["Z"].shape == (400, 2)
    np.testing.assert_allclose(names["quick"], names["plain"], atol=1e-2)
    assert {"perplexity", "width", "exaggeration"} <= set(names["names"])
    assert names["run"].iteration == 200
    assert np.isfinite(names["run"].embedding).all()
    placed, map_, y = names["new"], names["fitted"].embedding_, ne.datasets.digits().y
    nearest = np.linalg.norm(placed[:, None] - map_[None], axis=2).argmin(1)
    assert np.mean(y[:400][nearest] == y[400:500]) > 0.6
    for name in ("elastic", "quickelastic"):
        contract.test_the_gradient_is_that_of_the_loss(name)
        contract.test_a_saved_run_goes_on_bit_for_bit(name, tmp_path)


def test_the_page_shows_the_example_as_it_is():
    assert "```{literalinclude} ../tests/methods/trimap_example.py" in PAGE
    lines = (ROOT / "tests" / "methods" / "trimap_example.py").read_text().splitlines()
    assert len(lines) < 100


def test_the_command_line_lists_it_as_the_page_says():
    (command,) = [line for line in COMMANDS if line.startswith("-c ")]
    done = python(*shlex.split(command))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("trimap: TriMap (Amid and Warmuth")
    assert "weight_temp=0.5  number from 0 to 1 (live)" in done.stdout


@pytest.mark.slow
def test_it_keeps_the_contract_by_the_command_on_the_page():
    (command,) = [line for line in COMMANDS if line.startswith("-m pytest")]
    done = python(*shlex.split(command), "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout[-4000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= 50, done.stdout[-500:]
