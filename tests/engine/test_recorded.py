"""A repeated iteration is the iteration itself; what may change is read where the device keeps it.

Positions are float64, for which all methods take the way that a GPU takes; `replaying` stands in for it.
"""

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

import ne_interactive as ne
from ne_interactive.engine.capture import Alone, Unrecordable
from ne_interactive.engine.recorded import Recorder
from ne_interactive.forces import hyperbolic, mesh, negative
from ne_interactive.graph.sparse_affinities import Entropic
from ne_interactive.methods import sampling
from ne_interactive.methods.losses import edges, pairs
from tests.engine.replaying import replayed


@pytest.fixture(autouse=True)
def _in_double(monkeypatch):
    for method in ne.METHODS.values():
        monkeypatch.setattr(method, "precision", torch.float64)
    monkeypatch.setattr(hyperbolic, "repulsion", hyperbolic.repulsion_torch)
    monkeypatch.setattr(hyperbolic, "attraction", hyperbolic.attraction_torch)
    monkeypatch.setattr(ne.PACMAP, "_scale", lambda self, at, which: at.problem.extras["scales"][which])
    monkeypatch.setattr(sampling, "negatives", negative.negatives_torch)


MADE = {
    "TSNE": {"perplexity": 10},
    "COSNE": {"perplexity": 10},
    "UMAP": {"n_neighbors": 10},
    "InfoTSNE": {"perplexity": 10, "n_negatives": 20},
    "LargeVis": {"perplexity": 10},
    "ContrastiveSpectrum": {"perplexity": 10},
    "PACMAP": {"n_neighbors": 10},
}


def data(n=200):
    draw = np.random.default_rng(0)
    return (draw.normal(size=(4, 6)) * 4)[np.arange(n) % 4] + draw.normal(size=(n, 6))


def run_of(method, n=200, capture=None):
    run = ne.Stepper(data(n), method)
    if capture:
        run._core.recorder = Recorder(capture, "cpu")
    return run


def both(name, n=200, **more):
    """The same run, its iterations repeated and made one by one."""
    method = getattr(ne, name)(random_state=0, **(MADE[name] | more))
    return run_of(method, n, replayed), run_of(method, n)


def agree(here, there, within=1e-9):
    found, wanted = here.embedding, there.embedding
    assert np.abs(found - wanted).max() <= within * wanted.std()


@pytest.mark.parametrize("name", MADE)
def test_iterations_are_repeated_and_the_same(name):
    here, there = both(name)
    here.step(8), there.step(8)
    agree(here, there)
    assert here.loss == pytest.approx(there.loss, rel=1e-9)
    assert here._core.recorder.made == 1
    here.step(8), there.step(8)
    agree(here, there, 1e-7)
    assert here._core.recorder.made == 1


@pytest.mark.parametrize("name", MADE)
def test_no_slider_costs_another_recording(name):
    here, there = both(name)
    changes = [
        {"exaggeration": 2},
        {"repulsion_strength": 1.5},
        {"lr": 0.5 if name in ("UMAP", "COSNE") else 20.0},
    ]
    own = {
        "InfoTSNE": {"temperature": 1.3},
        "ContrastiveSpectrum": {"spectrum": 0.2},
        "COSNE": {"gamma": 0.3},
    }
    changes += [own[name]] if name in own else []
    changes += [{"momentum": 0.3}] if name not in ("COSNE", "PACMAP") else []
    for run in (here, there):
        run.tune(exaggeration=3.0, repulsion_strength=1.2)
        run.step(8)
    made = here._core.recorder.made
    for change in changes:
        for run in (here, there):
            run.tune(**change)
            run.step(3)
        agree(here, there, 1e-6)
    assert here._core.recorder.made == made > 0


def test_schedules_are_followed():
    more = {"early_exaggeration_iter": 10, "scheduler": "LinearLR", "max_iter": 40}
    here, there = both("LargeVis", **more)
    here.step(25), there.step(25)
    agree(here, there, 1e-6)
    assert here._core.recorder.made == 1


def test_other_operations_are_recorded_anew():
    here, there = both("TSNE")
    for change in ({}, {"dof": 0.7}, {"repulsion_strength": 2.0}):  # another table; steps of another kind
        for run in (here, there):
            run.tune(**change)
            run.step(8)
        agree(here, there, 1e-6)
    assert here._core.recorder.made == 3


def test_other_negatives_come_each_time():
    run, _ = both("InfoTSNE")
    steps = []
    for _ in range(8):
        before = run.embedding
        steps.append(run.step(1).embedding - before)
    assert run._core.recorder.made == 1
    assert not np.allclose(steps[-1], steps[-2], rtol=0.05)


def test_a_map_that_grows_gets_other_meshes(monkeypatch):
    monkeypatch.setattr(mesh, "few", lambda Z, dof: False)
    here, there = both("TSNE", n=400, early_exaggeration_iter=0, init_scaling=1.0)
    grids = set()
    for _ in range(15):
        here.step(4), there.step(4)
        agree(here, there, 1e-6)
        assert here._core.state.grid == there._core.state.grid
        grids.add(here._core.state.grid)
    assert len(grids) > 1
    assert 1 < here._core.recorder.made < 30


def test_umap_on_a_mesh(monkeypatch):
    monkeypatch.setattr("ne_interactive.forces.expected.EXACT_BELOW", 0)
    here, there = both("UMAP")
    here.step(12), there.step(12)
    agree(here, there, 1e-6)
    assert here._core.recorder.made >= 1


def test_a_lone_point_is_the_hosts_business(monkeypatch):
    monkeypatch.setattr(mesh, "few", lambda Z, dof: False)
    here, there = both("TSNE")
    for run in (here, there):
        run.step(5)
        run.move([0], [[1e5, 1e5]])
        run.step(8)
    agree(here, there, 1e-6)


def test_pins_hold_and_points_are_moved_and_released():
    here, there = both("TSNE")
    for act in (
        lambda run: run.pin([3, 5]),
        lambda run: run.move([3], [[4.0, 4.0]]),
        lambda run: run.release(),
    ):
        for run in (here, there):
            run.step(6)
            act(run)
            run.step(6)
        agree(here, there, 1e-6)
    assert here._core.recorder.made >= 3


def test_a_step_that_is_not_finite_is_taken_back():
    here, there = both("TSNE")
    for run in (here, there):
        run.step(8)
        run._core.state.positions[7] = math.nan
        run.step(1)
        assert run._core.state.refused == 1
        assert run._core.state.lr_factor == 0.5
    held, wanted = here._core.state, there._core.state
    for name in wanted.slots:
        assert torch.equal(held.slots[name], wanted.slots[name])
    assert torch.allclose(held.positions, wanted.positions, rtol=1e-9, equal_nan=True)
    for run in (here, there):
        run._core.state.positions[7] = 0
        run.step(6)
        assert run._core.state.refused == 0
    agree(here, there, 1e-6)


def test_the_past_is_not_written_over():
    here, there = both("TSNE")
    for run in (here, there):
        run.step(12)
    at_12 = here.embedding.copy()
    branch = here.fork()
    here.step(12)
    assert np.array_equal(branch.embedding, at_12)
    here.rewind(12)
    assert np.allclose(here.embedding, at_12, atol=1e-12)
    there.step(5), here.step(5), branch.step(5)
    agree(here, there, 1e-6)
    agree(branch, there, 1e-6)


def test_a_focused_run_comes_back_to_the_whole():
    here, there = both("TSNE")
    for run in (here, there):
        run.step(10)
        run.focus(np.arange(60))
        run.step(10)
        run.unfocus()
        run.step(10)
    agree(here, there, 1e-6)


@pytest.mark.parametrize("name", ["TSNEkhorn", "SNE", "DensMAP", "LocalMAP"])
def test_where_the_host_has_a_part_iterations_are_made_one_by_one(name):
    more = {"perplexity": 10} if name in ("TSNEkhorn", "SNE") else {"n_neighbors": 10}
    method = getattr(ne, name)(random_state=0, **more)
    here, there = run_of(method, capture=replayed), run_of(method)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        here.step(8), there.step(8)
    assert np.array_equal(here.embedding, there.embedding)
    assert here._core.recorder.made == 0


@pytest.fixture
def own():
    """A method of one's own; `look` is called with each iteration's At."""
    known = dict(ne.METHODS)

    @ne.declare
    class Springs(ne.NeighborEmbedding):
        precision = torch.float64
        look = staticmethod(lambda at: None)

        def affinity(self, knobs):
            return Entropic(perplexity=10)

        def loss(self, Z, at):
            type(self).look(at)
            pull = (at.graph.values * edges(Z, at)).sum()
            push = torch.exp(-pairs(Z)).sum() / at.n * (1 + 0.1 * at.state.elapsed)
            return at.knobs["exaggeration"] * pull + at.knobs["repulsion_strength"] * push

    yield Springs
    for name in ne.METHODS.keys() - known.keys():
        del ne.METHODS[name]


def test_a_method_of_ones_own_is_recorded(own):
    here, there = run_of(own(random_state=0), capture=replayed), run_of(own(random_state=0))
    for run in (here, there):
        run.tune(exaggeration=2.0)  # from then on set by hand: where that is decides for all it knows
        run.step(8)
        run.tune(lr=3.0)
        run.step(8)
        # as a change does where a schedule has come down
        run._core.state = replace(run._core.state, origin=6)
        run.step(8)
    agree(here, there, 1e-5)
    assert here._core.recorder.made == 2


def test_but_not_where_it_asks_which_iteration_it_is(own):
    own.look = staticmethod(lambda at: at.state.iteration % 2 and None)
    run = run_of(own(random_state=0), capture=replayed)
    run.step(8)
    assert run._core.recorder.made == 0


def test_a_torch_optimizer_is_the_hosts_business():
    method = ne.TSNE(random_state=0, perplexity=10, optimizer="Adam", lr=0.1)
    here, there = run_of(method, capture=replayed), run_of(method)
    here.step(8), there.step(8)
    assert np.array_equal(here.embedding, there.embedding)
    assert here._core.recorder.made == 0


def test_what_the_device_refuses_is_said_once():
    def refuse(work, before, device):
        raise RuntimeError("operation not permitted when stream is capturing")

    method = ne.TSNE(random_state=0, perplexity=10)
    here, there = run_of(method, capture=refuse), run_of(method)
    with pytest.warns(RuntimeWarning, match="could not be recorded.*not permitted") as told:
        here.step(12)
    assert len(told) == 1
    there.step(12)
    assert np.array_equal(here.embedding, there.embedding)


def test_on_the_cpu_nothing_is_recorded():
    run = ne.Stepper(data(), ne.TSNE(perplexity=10))
    run.step(8)
    assert run._core.recorder.made == 0


@pytest.mark.parametrize(
    "ask",
    [
        lambda Z: float(Z.sum()),
        lambda Z: Z[Z > 0],
        lambda Z: torch.nonzero(Z),
        lambda Z: torch.tensor([1.0, 2.0]) + Z,
        lambda Z: bool(Z.max() > 0),
        lambda Z: torch.repeat_interleave(Z.long()),
    ],
)
def test_the_hosts_part_is_seen(ask):
    Z = torch.ones(2)
    with pytest.raises(Unrecordable, match="host"), Alone():
        ask(Z)


def test_what_comes_from_outside_is_kept_and_nothing_else():
    Z = torch.ones(3)
    with Alone() as alone:
        (Z.view(3, 1).exp() + Z).sum().sqrt()
    kept = list(alone.inputs.values())
    assert len(kept) == 1
    assert kept[0].untyped_storage().data_ptr() == Z.untyped_storage().data_ptr()
