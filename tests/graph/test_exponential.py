"""The exponential and the logarithm of compiled kernels, against numpy's in float64."""

import numba
import numpy as np

from ne_interactive.graph.exponential import exp_minus, logarithm


@numba.njit
def each(function, values, found):
    for i in range(len(values)):
        found[i] = function(values[i])


def computed(function, values):
    found = np.empty_like(values)
    each(function, values, found)
    return found.astype(np.float64)


def test_exp_minus():
    x = np.linspace(0, 86, 20_001, dtype=np.float32)
    found, true = computed(exp_minus, x), np.exp(-x.astype(np.float64))
    assert np.abs(found / true - 1).max() < 6e-6
    assert np.abs(found / true - 1)[x < 1].max() < 5e-7
    assert computed(exp_minus, np.array([87.5, 1e30], np.float32)).tolist() == [0, 0]


def test_logarithm():
    x = np.concatenate([np.linspace(1, 4, 20_001), np.geomspace(1, 3e38, 20_001)]).astype(np.float32)
    true = np.log(x.astype(np.float64))
    assert (np.abs(computed(logarithm, x) - true) <= 1.5e-7 * np.maximum(true, 1)).all()
