"""Measures against scikit-learn's and against hand-made maps."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import manifold
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from ne_interactive.data.datasets import digits
from ne_interactive.graph.neighbors import find_neighbors
from ne_interactive.graph.projection import pca
from ne_interactive.params.errors import DataError
from ne_interactive.quality.alignment import aligned
from ne_interactive.quality.divergence import kl_divergence
from ne_interactive.quality.metrics import label_accuracy, recall, triplet_accuracy, trustworthiness

DATA = digits()
X, Y = DATA.X[:600], DATA.y[:600]
Z = pca(torch.from_numpy(X), 2).numpy()


def neighbor_sets(values, k):
    return NearestNeighbors(n_neighbors=k).fit(values.astype(np.float64)).kneighbors(return_distance=False)


@pytest.mark.parametrize("k", [1, 10])
@pytest.mark.parametrize("c", [2, 5])
def test_recall_equals_sets(k, c):
    few = pca(torch.from_numpy(X), c).numpy() + np.random.default_rng(0).normal(0, 1e-3, (600, c))
    expected = np.mean(
        [
            len(np.intersect1d(a, b)) / k
            for a, b in zip(neighbor_sets(X, k), neighbor_sets(few, k), strict=True)
        ]
    )
    assert recall(X, few, k, sample=None) == pytest.approx(expected, abs=0.003)


def test_recall_ends():
    assert recall(X, X, 10) == pytest.approx(1)
    noise = np.random.default_rng(0).standard_normal((600, 2))
    assert recall(X, noise, 10) == pytest.approx(10 / 599, abs=0.012)


def test_recall_sample_and_given_neighbours():
    sampled = recall(X, Z, sample=300, seed=1)
    assert sampled == recall(X, Z, sample=300, seed=1)
    assert sampled == pytest.approx(recall(X, Z, sample=None), abs=0.03)
    found = find_neighbors(torch.from_numpy(X), 30)
    assert recall(None, Z, sample=300, seed=1, neighbors=found) == sampled


def test_label_accuracy_equals_scikit_learn():
    expected = cross_val_score(KNeighborsClassifier(5), Z[:300], Y[:300], cv=LeaveOneOut()).mean()
    assert label_accuracy(Z[:300], Y[:300], 5) == pytest.approx(expected, abs=0.011)


def test_label_accuracy_takes_any_labels():
    apart = np.repeat([[0.0, 0.0], [100.0, 0.0]], 30, 0) + np.random.default_rng(0).random((60, 2))
    names = np.array(["b", "a"]).repeat(30)
    assert label_accuracy(apart, names, 5) == 1
    swapped = names.copy()
    swapped[0] = "a"
    assert label_accuracy(apart, swapped, 5) == pytest.approx(59 / 60)
    assert label_accuracy(apart, list(names), 5, sample=20) == 1
    assert label_accuracy(apart, pd.Series(names, dtype="category"), 5) == 1


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA])
def test_label_accuracy_says_that_labels_are_missing(missing):
    names = pd.Series(["a", missing] * 30, dtype=object)
    with pytest.raises(DataError, match=r"30 of 60 are missing .*Leave these points out"):
        label_accuracy(Z[:60], names)
    with pytest.raises(DataError, match="labels must be of one kind"):
        label_accuracy(Z[:60], ["a", 1] * 30)


def test_duplicates_in_the_map_are_not_their_own_neighbours():
    same = np.zeros((40, 2))
    labels = np.arange(40)
    assert label_accuracy(same, labels, 5) == 0
    assert 0 <= recall(X[:40], same, 5) <= 1


@pytest.mark.parametrize("k", [1, 5, 20])
def test_trustworthiness_equals_scikit_learn(k):
    untied = X + np.random.default_rng(0).normal(
        0, 0.01, X.shape
    )  # grey levels alone give many equal distances
    expected = manifold.trustworthiness(untied, Z, n_neighbors=k)
    assert trustworthiness(untied, Z, k, sample=None) == pytest.approx(expected, abs=2e-5)
    assert trustworthiness(untied, Z, k, sample=300) == pytest.approx(expected, abs=0.02)
    assert trustworthiness(X, X, k) == pytest.approx(1, abs=1e-4)


def test_refused():
    with pytest.raises(DataError, match="got 600 and 599"):
        recall(X, Z[:-1])
    with pytest.raises(DataError, match="got 599 and 600"):
        label_accuracy(Z, Y[:-1])
    with pytest.raises(DataError, match="got 600 and 599"):
        trustworthiness(X, Z[:-1])
    with pytest.raises(DataError, match=r"\[1, 599\].*got 600"):
        recall(X, Z, 600)
    with pytest.raises(DataError, match=r"\[1, n / 2\) for n = 600 points; got 300"):
        trustworthiness(X, Z, 300)
    with pytest.raises(DataError, match="sample must be at least 1; got 0"):
        recall(X, Z, sample=0)


def test_trustworthiness_of_groups_far_apart_is_exact():
    draw = np.random.default_rng(0)
    far = draw.standard_normal((400, 5)).astype(np.float32)
    far[:, 0] += 1e5 * (np.arange(400) % 2)
    few = far[:, :2] + 0.3 * draw.standard_normal((400, 2))
    expected = manifold.trustworthiness(far.astype(float), few, n_neighbors=10)
    assert trustworthiness(far, few, 10, sample=None) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    "measure",
    [
        recall,
        trustworthiness,
        triplet_accuracy,
        lambda X, Z: kl_divergence(X, Z, perplexity=5),
        lambda X, Z: label_accuracy(Z, np.arange(len(X)) % 2),
        lambda X, Z: aligned(Z, X[:, :2]),
    ],
)
def test_what_is_wrong_with_a_map_is_said_of_the_map(measure):
    X = np.random.default_rng(0).normal(size=(60, 4))
    Z = X[:, :2].copy()
    Z[7, 1] = np.nan
    with pytest.raises(DataError, match=r"^Z must be finite.*row 7, column 1"):
        measure(X, Z)
    with pytest.raises(DataError, match=r"Z\.reshape"):
        measure(X, Z[:, 0])


def test_a_collapsed_map_is_measured_without_a_word_about_data(recwarn):
    X = np.random.default_rng(0).normal(size=(60, 4))
    assert 0 <= recall(X, np.zeros((60, 2))) < 1
    assert not recwarn.list
