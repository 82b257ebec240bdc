"""PaCMAP and LocalMAP: their pairs, their phases, their forces."""

import numpy as np
import pytest
import torch
from scipy import stats

import ne_interactive as ne
from ne_interactive.data.arrays import as_rows
from ne_interactive.engine.state import Problem, parts_of
from ne_interactive.engine.step import evaluated
from ne_interactive.forces import ring
from ne_interactive.forces.nearby import nearby, nearby_torch
from ne_interactive.forces.saturating import Shape, saturating, saturating_torch, total
from ne_interactive.graph import midnear
from ne_interactive.graph.adaptive import ScaledNearest
from ne_interactive.graph.csr import counted
from ne_interactive.graph.metrics import flatten
from ne_interactive.graph.midnear import distinct, mid_near
from ne_interactive.graph.neighbors import find_neighbors
from ne_interactive.methods import METHODS

PACMAP, LocalMAP = METHODS["pacmap"], METHODS["localmap"]


def data(n=150, d=8):
    draw = np.random.default_rng(0)
    return (draw.normal(size=(3, d))[np.arange(n) % 3] * 6 + draw.normal(size=(n, d))).astype(np.float32)


def partners(n=60, m=7, seed=0):
    return distinct(n, m, 1, torch.Generator().manual_seed(seed)).squeeze(2)


# mid-near pairs


def test_sets_of_candidates_are_uniform_and_without_repetition():
    sets = distinct(9, 4000, 6, torch.Generator().manual_seed(0))
    for i in range(9):
        assert not bool((sets[i] == i).any())
        assert int(sets[i].sort(1).values.diff(dim=1).min()) > 0
        counts = torch.bincount(sets[i].flatten(), minlength=9)
        assert stats.chisquare(np.delete(counts.numpy(), i)).pvalue > 1e-4
    pairs = torch.bincount(sets[4, :, 0] * 9 + sets[4, :, 1])
    assert stats.chisquare(pairs[pairs > 0].numpy()).pvalue > 1e-4
    assert int((pairs > 0).sum()) == 8 * 7


def test_every_point_is_a_mid_near_partner_also_the_first():
    X = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    graph = ScaledNearest(n_neighbors=5).graph(find_neighbors(torch.from_numpy(X), 39))
    found = mid_near(as_rows(X), graph, 300)
    counts = torch.bincount(found.flatten(), minlength=40)
    assert int(counts.min()) > 0
    assert int((found[0] == 1).sum()) > 0
    assert not bool((found == torch.arange(40)[:, None]).any())


def test_the_second_nearest_of_six_is_taken(monkeypatch):
    X = np.arange(30, dtype=np.float32)[:, None] ** 2
    graph = ScaledNearest(n_neighbors=5).graph(find_neighbors(torch.from_numpy(X), 29))
    chosen = torch.tensor([3, 9, 12, 20, 25, 28]).expand(30, 1, 6)
    monkeypatch.setattr(midnear, "distinct", lambda *_: chosen)
    found = mid_near(as_rows(X), graph, 1)
    D = np.abs(X - X[chosen[0, 0].numpy()].T)
    assert np.array_equal(
        found[:, 0].numpy(), chosen[0, 0].numpy()[np.argsort(D, axis=1, kind="stable")[:, 1]]
    )


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "cosine", "hyperbolic"])
def test_compiled_and_torch_take_the_same_candidate(metric):
    X = torch.from_numpy(data(70)) / 40
    flat, candidates = flatten(X, metric), distinct(70, 5, 6, torch.Generator().manual_seed(0))
    weights = np.ones(70, np.float32) if flat.weights is None else flat.weights.numpy()
    found = np.empty((70, 5), np.int64)
    midnear._nearest_but_one(flat.values.numpy(), weights, flat.manhattan, candidates.numpy(), found)
    assert np.array_equal(found, midnear._second(flat, candidates).numpy())


@pytest.mark.parametrize("n", [2, 3, 5])
def test_few_points_have_mid_near_partners(n):
    X = data(n)
    graph = counted(torch.tensor([[(i + 1) % n] for i in range(n)]))
    found = mid_near(as_rows(X), graph, 4)
    assert found.shape == (n, 4)
    assert not bool((found == torch.arange(n)[:, None]).any())


def test_every_kind_of_table_has_mid_near_pairs():
    X = data(80)
    near = find_neighbors(torch.from_numpy(X), 60)
    graph = ScaledNearest(n_neighbors=5).graph(near)
    wanted = mid_near(as_rows(X), graph, 5, seed=3)
    D = torch.cdist(torch.from_numpy(X).double(), torch.from_numpy(X).double()).numpy()
    assert torch.equal(mid_near(as_rows(D, metric="precomputed"), graph, 5, seed=3), wanted)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.from_numpy(X)), batch_size=9)
    assert torch.equal(mid_near(as_rows(loader), graph, 5, seed=3), wanted)
    known = as_rows((near.indices.numpy(), near.distances.numpy()), metric="precomputed")
    rough = mid_near(known, graph, 5, seed=3)  # from the graph's spectrum
    picked = [float(np.mean(D[np.arange(80)[:, None], p.numpy()])) for p in (wanted, rough)]
    assert picked[1] < np.mean(D) * 0.95
    assert picked[1] == pytest.approx(picked[0], rel=0.5)


# forces


@pytest.mark.parametrize("c", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "shape", [Shape(10.0), Shape(1e4), Shape(1.0), Shape(10.0, 1.0, 5.0), Shape(10.0, 0.3, 2.0)]
)
def test_the_compiled_gradient_is_that_of_the_loss(shape, c):
    graph = counted(partners())
    Z = torch.randn((60, c), generator=torch.Generator().manual_seed(1)) * 4
    fast, loss = saturating(graph, Z, shape, True)
    slow, same = saturating_torch(graph, Z.double(), shape, True)
    Y = Z.double().requires_grad_()
    (wanted,) = torch.autograd.grad(total(graph, Y, shape), Y)
    size = float(wanted.abs().max())
    torch.testing.assert_close(slow / size, wanted / size)
    torch.testing.assert_close(fast.double() / size, wanted / size, rtol=1e-4, atol=1e-6)
    assert loss == pytest.approx(float(same), rel=1e-6)


def test_a_problem_keeps_its_pairs_while_a_metric_fades():
    """Their edges are listed once, not at every iteration, and count as memory."""
    pairs, near = counted(partners()), counted(partners(seed=3))
    problem = Problem.of(None, near, parts_of("mid", pairs), fading=counted(partners(seed=4)))
    before = {id(tensor) for tensor in problem.tensors()}
    mid = problem.pairs("mid")
    assert mid.digest() == pairs.digest()
    listed = {id(tensor) for tensor in (*mid.edges.tensors(), mid.weights)}
    assert problem.pairs("mid") is problem.blended(3).pairs("mid") is mid
    assert listed <= {id(tensor) for tensor in problem.tensors()} - before


def test_pairs_are_counted():
    graph = counted(torch.tensor([[1, 2], [0, 2], [1, 1]]))
    dense = torch.zeros(3, 3)
    dense[graph.rows, graph.indices.long()] = graph.values
    assert torch.equal(dense, torch.tensor([[0.0, 2, 1], [2, 0, 3], [1, 3, 0]]))


# phases


def test_weights_follow_the_phases_to_the_step():
    run = ne.Stepper(data(), PACMAP(iter_per_phase=4, random_state=0))
    seen = []
    for _ in range(10):
        seen.append((run.params["near_weight"], run.params["mid_weight"]))
        run.step()
    assert seen[:5] == [(2, 1000), (2, 750.75), (2, 501.5), (2, 252.25), (3, 3)]
    assert seen[5:] == [(3, 3), (3, 3), (3, 3), (1, 0), (1, 0)]
    assert run.max_iter == 258


def test_no_phases_at_all_begin_with_the_last():
    run = ne.Stepper(data(), PACMAP(iter_per_phase=0, random_state=0))
    assert (run.params["near_weight"], run.params["mid_weight"]) == (1, 0)
    run.step(3)


def test_a_second_fit_of_one_object_is_the_first():
    method = PACMAP(random_state=0, max_iter=220)
    assert np.array_equal(method.fit_transform(data()), method.fit_transform(data()))


@pytest.mark.parametrize("n", [12, 13, 30, 61])
@pytest.mark.parametrize("method", [PACMAP, LocalMAP])
def test_few_points_embed(method, n):
    Z = method(random_state=0, iter_per_phase=30, max_iter=100).fit_transform(data(n))
    assert np.isfinite(Z).all()
    assert Z.std() > 0.1


@pytest.mark.parametrize("n", [12, 40, 150])
def test_the_whole_push_does_not_depend_on_how_many_pairs_there_are(n):
    run = ne.Stepper(data(n), PACMAP(random_state=0, n_neighbors=10))
    run._core.settle()
    at = evaluated(run._core.method, run._core.problem, run._core.state)
    together = torch.zeros(n, 2, dtype=torch.float64)  # every pair counts 1 / 2
    assert float(run._core.method.repulsion(together, at)) == pytest.approx(20 * n / 2, rel=1e-6)


def test_too_many_neighbours_are_refused():
    with pytest.raises(ne.ParameterError, match=r"n_neighbors must lie in \[1, 9\] for 11 points .*; got 10"):
        PACMAP().fit(data(11))


def test_given_affinities_pull_as_strongly_as_counted_pairs():
    X = data()
    P = ScaledNearest(n_neighbors=10).graph(find_neighbors(torch.from_numpy(X), 60))
    A = np.zeros((150, 150))
    A[P.rows, P.indices.long()] = P.values
    own = ne.Stepper(X, PACMAP(random_state=0))
    given = ne.Stepper(X, PACMAP(random_state=0, affinity_in=A * 7))
    for run in (own, given):
        run.step(5)
    # further pairs avoid the neighbours, which are the same: so is everything else
    np.testing.assert_allclose(given.embedding, own.embedding, rtol=1e-3, atol=1e-4)


# LocalMAP


@pytest.mark.parametrize("share", [1.0, 0.4])
def test_partners_are_drawn_from_near_and_both_versions_agree(share):
    Z = torch.rand((400, 2), generator=torch.Generator().manual_seed(0)) * 20
    old, graph = partners(400, 10), counted(partners(400, 5, seed=1))
    found = nearby(Z, old, graph, 1234, 6.0, share)
    assert torch.equal(found, nearby_torch(Z, old, graph, 1234, 6.0, share))
    far = (Z[:, None] - Z[found]).norm(dim=2) > 6.0
    kept = found == old
    local = round(share * 10)
    assert not bool((far & ~kept)[:, :local].any())
    assert float(kept[:, :local].float().mean()) < 0.2
    if share < 1:
        assert float(far[:, local:].float().mean()) > 0.5
    edges = set(zip(graph.rows.tolist(), graph.indices.tolist(), strict=True))
    new = [(i, int(j)) for i in range(400) for j in found[i][~kept[i]]]
    assert not edges & set(new)
    assert all(i != j for i, j in new)


@pytest.mark.parametrize("c", [1, 2, 3])
@pytest.mark.parametrize("distance", [1.0, 3.0, 30.0])
def test_both_versions_agree_where_few_are_near_and_many_are_neighbours(distance, c):
    """All of 100 draws may fail, the last be the right one, and some be neighbours: then drawing goes on."""
    Z = torch.rand((300, c), generator=torch.Generator().manual_seed(c)) * 20
    old, graph = partners(300, 7), counted(partners(300, 60, seed=1))
    found = nearby(Z, old, graph, 77, distance)
    assert torch.equal(found, nearby_torch(Z, old, graph, 77, distance))
    assert not torch.equal(found, old)


def test_where_nobody_is_near_partners_stay():
    Z = torch.arange(50.0)[:, None] * 100
    old = partners(50, 4)
    assert torch.equal(nearby(Z, old, counted(partners(50, 2, seed=2)), 5, 1.0), old)


def test_locality_is_eased_in_and_out():
    X = data()
    local, plain = (ne.Stepper(X, m(random_state=0, iter_per_phase=10)) for m in (LocalMAP, PACMAP))
    for run in (local, plain):
        run.step(20)
    assert np.array_equal(local.embedding, plain.embedding)
    assert local.params["locality"] == 1
    local.step(15)
    assert "further" in local._core.state.memory
    extras = local._core.problem.extras
    start = ring.partners(ring.Ring(extras["order"], extras["offsets"]))
    assert not torch.equal(local._core.state.memory["further"], start)
    local.tune(locality=0)
    local.step(15)
    assert not local._core.state.memory
    local.tune(locality=0.5)
    local.step(15)
    assert np.isfinite(local.embedding).all()
    local.tune(FP_ratio=4.0)  # other numbers of pairs: those drawn before no longer fit
    local.step(15)
    assert local._core.state.memory["further"].shape == (150, 40)


def test_local_adjustment_separates_more_neighbours_on_digits():
    found = ne.datasets.digits()
    figures = [
        ne.metrics.recall(found.X, m(random_state=0).fit_transform(found.X), k=10) for m in (PACMAP, LocalMAP)
    ]
    assert figures[1] > figures[0] + 0.03
