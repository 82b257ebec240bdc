"""Compiled CPU kernels of the contrastive forces.

The points are cut into a fixed number of slices, each with a buffer of its own for the pushes that its negatives get;
the buffers are added up in order. So the result is the same on any number of threads.
"""

import numpy as np
from numba import prange

from ne_interactive.forces.counter import draw
from ne_interactive.forces.planar import apart
from ne_interactive.graph.csr import place_of
from ne_interactive.graph.parallel import parallel, serial

SLICES = 8


@serial
def below(indptr, indices, i):
    """How many of the neighbours of i have a smaller index."""
    return place_of(indices, indptr[i], indptr[i + 1], i) - indptr[i]


@serial
def allowed(key, i, number, n, indptr, indices, own):
    """A point that is neither i nor its neighbour: an exact one-to-one map of a uniform draw."""
    first = indptr[i]
    count = indptr[i + 1] - first + 1
    chosen = draw(key, i, number, n - count)
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        excluded = i if middle == own else np.int64(indices[first + middle - (1 if middle > own else 0)])
        if excluded - middle <= chosen:
            low = middle + 1
        else:
            high = middle
    return chosen + low


@serial
def negative(key, i, number, n, discard, indptr, indices, own):
    """The number-th negative of point i."""
    if discard:
        return allowed(key, i, number, n, indptr, indices, own)
    chosen = draw(key, i, number, n - 1)
    return chosen + 1 if chosen >= i else chosen


@parallel
def draw_all(n, key, m, discard, indptr, indices, found):
    """All negatives of n points, (n, m)."""
    for i in prange(n):
        own = below(indptr, indices, i) if discard else 0
        for number in range(m):
            found[i, number] = negative(key, i, number, n, discard, indptr, indices, own)


@parallel
def push2(Z, key, m, discard, indptr, indices, odds, parts, losses, forces):
    """`push` in two dimensions; positions, parts and forces are `planar`."""
    one = np.float32(1)
    n, slices = len(Z), len(parts)
    scale = np.float32(2 / n)
    for s in prange(slices):
        part = parts[s]
        part[:] = 0
        total = 0.0
        for i in range(s * n // slices, (s + 1) * n // slices):
            own = below(indptr, indices, i) if discard else 0
            x, y = Z[i].real, Z[i].imag
            fx, fy, loss = np.float32(0), np.float32(0), np.float32(0)
            for number in range(m):
                j = np.uint64(negative(key, i, number, n, discard, indptr, indices, own))
                other = Z[j]
                dx, dy = x - other.real, y - other.imag
                stretched = one + (dx * dx + dy * dy)
                strength = -one / (stretched * (one + odds * stretched))
                fx += strength * dx
                fy += strength * dy
                part[j] -= complex(strength * dx, strength * dy)
                if len(losses):
                    loss += np.log(one + one / (odds * stretched))
            part[i] += complex(fx, fy)
            total += loss
        if len(losses):
            losses[s] = total
    for i in prange(n):
        force = np.complex64(0)
        for s in range(slices):
            force += parts[s, i]
        forces[i] = complex(scale * force.real, scale * force.imag)


@parallel
def push(Z, key, m, discard, indptr, indices, odds, parts, losses, forces):
    """Gradient of the sum over negatives of log(1 + 1 / (odds (1 + d^2))), over n."""
    one = np.float32(1)
    n, c = Z.shape
    slices = len(parts)
    for s in prange(slices):
        part = parts[s]
        part[:] = 0
        total = 0.0
        for i in range(s * n // slices, (s + 1) * n // slices):
            own = below(indptr, indices, i) if discard else 0
            for number in range(m):
                j = negative(key, i, number, n, discard, indptr, indices, own)
                stretched = one + apart(Z, i, j)
                strength = -one / (stretched * (one + odds * stretched))
                for k in range(c):
                    part[i, k] += strength * (Z[i, k] - Z[j, k])
                    part[j, k] -= strength * (Z[i, k] - Z[j, k])
                if len(losses):
                    total += np.log(one + one / (odds * stretched))
        if len(losses):
            losses[s] = total
    scale = np.float32(2 / n)
    for i in prange(n):
        for k in range(c):
            pushed = np.float32(0)
            for s in range(slices):
                pushed += parts[s, i, k]
            forces[i, k] = scale * pushed


@serial
def _kernel(squared, power):
    """w = 1 / (1 + d^2) and q = w^power."""
    w = np.float32(1) / (np.float32(1) + squared)
    return w, (w if power == np.float32(1) else w**power)


@parallel
def contrast2(
    Z, indptr, indices, values, key, m, discard, forbidden, columns, power, sums, parts, losses, pull, push
):
    """`contrast` in two dimensions; positions, parts and gradients are `planar`."""
    one, zero = np.float32(1), np.float32(0)
    n, slices = len(Z), len(parts)
    for s in prange(slices):
        part = parts[s]
        part[:] = 0
        drawn, slope = np.empty(m, np.uint64), np.empty(m, np.complex64)
        attracted, repelled = 0.0, 0.0
        for i in range(s * n // slices, (s + 1) * n // slices):
            own = below(forbidden, columns, i) if discard else 0
            x, y, total = Z[i].real, Z[i].imag, zero
            for number in range(m):
                j = np.uint64(negative(key, i, number, n, discard, forbidden, columns, own))
                other = Z[j]
                dx, dy = x - other.real, y - other.imag
                w, q = _kernel(dx * dx + dy * dy, power)
                drawn[number] = j
                slope[number] = complex(q * w * dx, q * w * dy)
                total += q
            sums[i] = total
            weight, loss, cross = zero, zero, zero
            for e in range(indptr[i], indptr[i + 1]):
                other = Z[indices[e]]
                dx, dy = x - other.real, y - other.imag
                w, q = _kernel(dx * dx + dy * dy, power)
                weight += values[e] / (q + total)
                if len(losses):
                    cross -= values[e] * power * np.log(w)
                    loss += values[e] * np.log(q + total)
            attracted += cross
            repelled += loss
            fx, fy = zero, zero
            for number in range(m):
                gx, gy = weight * slope[number].real, weight * slope[number].imag
                fx += gx
                fy += gy
                part[drawn[number]] += complex(gx, gy)
            part[i] -= complex(fx, fy)
        if len(losses):
            losses[s, 0], losses[s, 1] = attracted, repelled
    two = np.float32(2) * power
    for i in prange(n):
        x, y, own_sum = Z[i].real, Z[i].imag, sums[i]
        px, py, fx, fy = zero, zero, zero, zero
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            other = Z[j]
            dx, dy = x - other.real, y - other.imag
            w, q = _kernel(dx * dx + dy * dy, power)
            weight = values[e] * w
            back = weight * q * (one / (q + own_sum) + one / (q + sums[j]))
            px += weight * dx
            py += weight * dy
            fx -= back * dx
            fy -= back * dy
        for s in range(slices):
            fx += parts[s, i].real
            fy += parts[s, i].imag
        pull[i] = complex((two + two) * px, (two + two) * py)
        push[i] = complex(two * fx, two * fy)


@parallel
def contrast(
    Z, indptr, indices, values, key, m, discard, forbidden, columns, power, sums, parts, losses, pull, push
):
    """Gradients of -sum P log q and of sum_ij P_ij log(q_ij + S_i), q = (1 + d^2)^-power."""
    one, zero = np.float32(1), np.float32(0)
    n, c = Z.shape
    slices = len(parts)
    for s in prange(slices):  # the negatives: each weighs A_i = sum_j P_ij / (q_ij + S_i)
        part = parts[s]
        part[:] = 0
        drawn, kernel, slope = np.empty(m, np.int64), np.empty(m, np.float32), np.empty(m, np.float32)
        attracted, repelled = 0.0, 0.0
        for i in range(s * n // slices, (s + 1) * n // slices):
            own = below(forbidden, columns, i) if discard else 0
            total = zero
            for number in range(m):
                j = negative(key, i, number, n, discard, forbidden, columns, own)
                w, q = _kernel(apart(Z, i, j), power)
                drawn[number], kernel[number], slope[number] = j, q, q * w
                total += q
            sums[i] = total
            weight, loss, cross = zero, zero, zero
            for e in range(indptr[i], indptr[i + 1]):
                w, q = _kernel(apart(Z, i, indices[e]), power)
                weight += values[e] / (q + total)
                if len(losses):
                    cross -= values[e] * power * np.log(w)
                    loss += values[e] * np.log(q + total)
            attracted += cross
            repelled += loss
            for number in range(m):
                j = drawn[number]
                strength = -weight * slope[number]
                for k in range(c):
                    part[i, k] += strength * (Z[i, k] - Z[j, k])
                    part[j, k] -= strength * (Z[i, k] - Z[j, k])
        if len(losses):
            losses[s, 0], losses[s, 1] = attracted, repelled
    two = np.float32(2) * power
    for i in prange(n):  # the edges, seen from both ends at once
        for k in range(c):
            pull[i, k] = 0
            push[i, k] = 0
            for s in range(slices):
                push[i, k] += parts[s, i, k]
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            w, q = _kernel(apart(Z, i, j), power)
            weight = values[e] * w
            back = weight * q * (one / (q + sums[i]) + one / (q + sums[j]))
            for k in range(c):
                pull[i, k] += weight * (Z[i, k] - Z[j, k])
                push[i, k] -= back * (Z[i, k] - Z[j, k])
        for k in range(c):
            pull[i, k] *= two + two
            push[i, k] *= two
