"""Data, and what the tests of affinities compute by themselves."""

import numpy as np

from ne_interactive.graph.csr import Graph
from ne_interactive.graph.matrices import dense_of_graph


def named(affinity):
    return type(affinity).__name__


def gaussian(n=200, d=10, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def matrix(P):
    return (dense_of_graph(P) if isinstance(P, Graph) else P).double().numpy()


def squares(X):
    X = np.asarray(X, np.float64)
    return ((X[:, None] - X[None]) ** 2).sum(2)


def perplexities(P):
    """Effective number of neighbours of every row, whatever its sum."""
    P = P / P.sum(1, keepdims=True)
    return np.exp(-(P * np.log(np.where(P > 0, P, 1))).sum(1))
