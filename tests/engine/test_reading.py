"""What a run tells of the data: who is near whom."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

import ne_interactive as ne
from ne_interactive.params.errors import ParameterError, StateError

X = np.random.default_rng(0).normal(size=(200, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def run():
    run = ne.Stepper(X, ne.TSNE(perplexity=10, random_state=0))
    run.step(1)
    return run


def test_neighbours_are_those_in_the_data(run):
    distances, indices = NearestNeighbors(n_neighbors=16).fit(X).kneighbors(X)
    for point in (0, 7, 199):
        found, far = run.neighbors_of(point)
        assert found.tolist() == indices[point, 1:].tolist()
        np.testing.assert_allclose(far, distances[point, 1:], rtol=1e-4)
        assert found.dtype == np.int64


def test_as_many_as_are_asked_for_or_kept(run):
    assert [len(run.neighbors_of(3, k)[0]) for k in (1, 5, 10_000)] == [1, 5, 30]


def test_what_is_told_belongs_to_the_caller(run):
    run.neighbors_of(0)[0][:] = -1
    assert (run.neighbors_of(0)[0] >= 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((200,), "point must be a whole number from 0 to 199; got 200"),
        ((-1,), "from 0 to 199; got -1"),
        ((True,), "got True"),
        ((1.5,), "got 1.5"),
        ((0, 0), "k must be a whole number from 1; got 0"),
    ],
)
def test_what_names_no_point_is_refused(run, arguments, message):
    with pytest.raises(ParameterError, match=message):
        run.neighbors_of(*arguments)


def test_before_the_first_iteration_there_are_none():
    with pytest.raises(StateError, match="not been found yet"):
        ne.Stepper(X, ne.TSNE(perplexity=10)).neighbors_of(0)


def test_a_method_without_neighbours_says_so():
    run = ne.Stepper(X, ne.SNEkhorn(perplexity=10, random_state=0))
    run.step(1)
    with pytest.raises(StateError, match="SNEkhorn keeps no neighbours"):
        run.neighbors_of(0)
