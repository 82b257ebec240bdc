"""Forces along the edges of a graph, eight edges at once, whatever their strength is a function of (`strengths`)."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import torch
from numba import prange
from torch import Tensor

from ne_interactive.forces.planar import planar
from ne_interactive.forces.strengths import cost, slope
from ne_interactive.forces.vectors import (
    WIDTH,
    alike,
    column,
    eight,
    first,
    gathered,
    squared,
    store,
    total,
)
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.parallel import NEXT, parallel

NOTHING = np.float32(0)


def along(graph: Graph, Z: Tensor, kernel: Any, want_cost: bool) -> tuple[Tensor, Tensor, float]:
    """What a graph's edges do to the points, compiled; the same on any number of threads.

    Args:
        graph: weights, symmetric, both directions stored.
        Z: (n, c) float32 positions on the CPU.
        kernel: one of `strengths`.
        want_cost: measure the cost as well; forces are the same bit for bit whether it is measured or not.

    Returns:
        forces (n, c): sum_j weight_ij slope(d_ij^2) (z_i - z_j);  stiffness (n,): sum_j weight_ij slope(d_ij^2);  the
        cost sum_ij weight_ij cost(d_ij^2), nan if not wanted.
    """
    edges, threads = graph.edges, numba.get_num_threads()
    forces, stiffness, costs = torch.empty_like(Z), torch.empty(len(Z)), np.zeros(threads)
    placed = edges.gathered(planar(Z.numpy()))
    listed = *edges.arrays(), graph.weights.numpy(), edges.shares(threads), placed
    loop = _planar if placed.ndim == 1 else _along
    loop(*listed, kernel, planar(forces.numpy()), stiffness.numpy(), costs, want_cost)
    return forces, stiffness, float(costs.sum()) if want_cost else math.nan


@parallel
def _planar(order, indptr, ends, weights, borders, placed, kernel, forces, stiffness, costs, want_cost):
    wide = np.uint64(WIDTH)
    for t in prange(len(costs)):
        summed = 0.0
        for p in range(borders[t], borders[t + 1]):
            here, pull, stiff = alike(placed[p]), alike(np.complex64(0)), alike(NOTHING)
            e, end = indptr[p], indptr[p + NEXT]
            while e < end:
                apart = here - gathered(placed, ends, e)
                w = first(eight(weights, e), end - e) * slope(kernel, squared(apart))
                pull, stiff = pull + apart * w, stiff + w
                e += wide
            forces[order[p]], stiffness[order[p]] = total(pull), total(stiff)
            if want_cost:
                e, paid = indptr[p], alike(NOTHING)
                while e < end:
                    lengths = squared(here - gathered(placed, ends, e))
                    paid = paid + first(eight(weights, e), end - e) * cost(kernel, lengths)
                    e += wide
                summed += total(paid)
        costs[t] = summed


@parallel
def _along(order, indptr, ends, weights, borders, placed, kernel, forces, stiffness, costs, want_cost):
    """In any number of dimensions; positions and forces are (n, c)."""
    c, wide = placed.shape[1], np.uint64(WIDTH)
    for t in prange(len(costs)):
        apart, pull = np.empty(c * WIDTH, np.float32), np.empty(c * WIDTH, np.float32)
        summed = 0.0
        for p in range(borders[t], borders[t + 1]):
            i, stiff = order[p], alike(NOTHING)
            e, end = indptr[p], indptr[p + NEXT]
            pull[:] = 0
            while e < end:
                lengths = alike(NOTHING)
                for k in range(c):
                    side = alike(placed[p, k]) - column(placed, k, ends, e)
                    lengths = lengths + side * side
                    store(apart, k * WIDTH, side)
                w = first(eight(weights, e), end - e) * slope(kernel, lengths)
                for k in range(c):
                    store(pull, k * WIDTH, eight(pull, k * WIDTH) + eight(apart, k * WIDTH) * w)
                stiff = stiff + w
                e += wide
            for k in range(c):
                forces[i, k] = total(eight(pull, k * WIDTH))
            stiffness[i] = total(stiff)
            if want_cost:
                e, paid = indptr[p], alike(NOTHING)
                while e < end:
                    lengths = alike(NOTHING)
                    for k in range(c):
                        side = alike(placed[p, k]) - column(placed, k, ends, e)
                        lengths = lengths + side * side
                    paid = paid + first(eight(weights, e), end - e) * cost(kernel, lengths)
                    e += wide
                summed += total(paid)
        costs[t] = summed
