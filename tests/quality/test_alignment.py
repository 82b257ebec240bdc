"""Maps are laid over each other by what changes no shape, and by nothing else."""

import numpy as np
import pytest
from scipy.spatial import procrustes

import ne_interactive as ne
from ne_interactive.params.errors import DataError

RNG = np.random.default_rng(0)
MAP = RNG.normal(size=(80, 2)) * [3, 1] + [5, -2]
ANGLE = 0.7
TURN = np.array([[np.cos(ANGLE), -np.sin(ANGLE)], [np.sin(ANGLE), np.cos(ANGLE)]])
MIRROR = np.diag([1, -1])


def test_moved_turned_mirrored_and_stretched_maps_come_back():
    found = ne.metrics.aligned(4 * MAP @ MIRROR @ TURN + 100, MAP)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, MAP, atol=1e-4)


def test_what_is_left_is_the_disparity_of_scipy():
    other = MAP @ TURN + RNG.normal(size=MAP.shape)
    _, _, expected = procrustes(MAP, other)
    rest = ((ne.metrics.aligned(other, MAP) - MAP) ** 2).sum() / ((MAP - MAP.mean(0)) ** 2).sum()
    assert rest == pytest.approx(expected, rel=1e-5)


def test_what_is_not_allowed_is_not_done():
    unscaled = ne.metrics.aligned(4 * MAP @ TURN, MAP, scale=False)
    assert np.ptp(unscaled) == pytest.approx(np.ptp(4 * (MAP - MAP.mean(0))), rel=0.02)
    mirrored = MAP @ MIRROR @ TURN
    kept = ne.metrics.aligned(mirrored, MAP, reflection=False, scale=False)
    assert ((kept - MAP) ** 2).sum() > 10
    a, b = mirrored - mirrored.mean(0), kept - kept.mean(0)
    turn = np.linalg.lstsq(a, b, rcond=None)[0]
    assert np.linalg.det(turn) == pytest.approx(1, abs=1e-4)
    best = min(
        ((a @ [[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]] - (MAP - MAP.mean(0))) ** 2).sum()
        for t in np.linspace(0, 2 * np.pi, 3601)
    )
    assert ((kept - MAP) ** 2).sum() == pytest.approx(best, rel=1e-4)


def test_maps_in_three_dimensions_and_in_one_place():
    solid = RNG.normal(size=(50, 3))
    turn = np.linalg.qr(RNG.normal(size=(3, 3)))[0]
    np.testing.assert_allclose(ne.metrics.aligned(solid @ turn, solid), solid, atol=1e-5)
    assert np.isfinite(ne.metrics.aligned(np.zeros((80, 2)), MAP)).all()


def test_maps_of_other_shapes_are_refused():
    with pytest.raises(DataError, match=r"got \(79, 2\) and \(80, 2\)"):
        ne.metrics.aligned(MAP[:-1], MAP)
