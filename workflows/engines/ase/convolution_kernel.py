"""The loops of an equivariant convolution over neighbors, compiled (numba).

What an edge of the graph adds to an atom's features is, path by path (l1, l2 -> l3),

    out[n, u, k] += w[e, u] · Σ_i x[s, u, i] · Σ_j C[i, j, k] · y[e, j]

with x the features of the neighbor s, y the spherical harmonics of the edge e, w its
radial weights and C the Clebsch-Gordan coefficients (e3nn's "uvu" with one harmonic of
each l). Written with arrays, each factor becomes an array over all edges that is larger
than any cache, and the memory decides how long it takes; here an edge is taken from
beginning to end, and what it adds stays in the cache. Channels u lie next to one
another, unlike in e3nn, so that the innermost loops are vectorized.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ionface.compiled import compiled

IntArray = NDArray[np.int64]


class Paths(NamedTuple):
    """The paths of one convolution, and their coefficients.

    Attributes:
        paths: shape (n_paths, 8): channels, where x, y, out and w start, and the sizes
            2l+1 of x, y and out.
        coefficients: not zero, in the order of the paths, shape (n,).
        indices: i, j and k of each, shape (n, 3).
        starts: of each path among the coefficients, shape (n_paths + 1,).
    """

    paths: IntArray
    coefficients: NDArray[Any]
    indices: IntArray
    starts: IntArray


class Edges(NamedTuple):
    """Edges in the order of the atoms that they end on, or start from.

    Attributes:
        starts: of each atom among the edges, shape (n_atoms + 1,).
        order: numbers of the edges, shape (n_edges,).
        partners: the other atom of each of these, shape (n_edges,).
    """

    starts: IntArray
    order: IntArray
    partners: IntArray


@compiled(any_order=True)
def gather(
    first: int, last: int, edges: Any, paths: Any, x: Any, y: Any, w: Any, out: Any
) -> None:
    """Add to the atoms [first, last) what their neighbors send them.

    Args:
        first: atom.
        last: atom, not included.
        edges: by the atoms that they end on.
        paths: of the convolution.
        x: features of all atoms, channels last in each l, shape (n_atoms, n_x).
        y: spherical harmonics, shape (n_edges, n_y).
        w: radial weights, shape (n_edges, n_w).
        out: zeros, shape (n_atoms, n_out); written.
    """
    starts, order, partners = edges
    table, coefficients, indices, first_of = paths
    mixed = np.empty((table[:, 5].max(), table[:, 7].max()), x.dtype)
    total = np.empty(x.shape[1], x.dtype)
    for n in range(first, last):
        to = out[n]
        for t in range(starts[n], starts[n + 1]):
            e = order[t]
            of = x[partners[t]]
            for p in range(len(table)):
                mul, x0, y0, out0, w0, n1, _, n3 = table[p]
                _mix(p, n1, n3, y0, y[e], coefficients, indices, first_of, mixed)
                weights = _channels(w[e], w0, mul, 0)
                for k in range(n3):
                    a, xi = mixed[0, k], _channels(of, x0, mul, 0)
                    for u in range(mul):
                        total[u] = a * xi[u]
                    for i in range(1, n1, 2):  # two at a time, as 2l+1 is odd
                        a, xi = mixed[i, k], _channels(of, x0, mul, i)
                        b, xj = mixed[i + 1, k], _channels(of, x0, mul, i + 1)
                        for u in range(mul):
                            total[u] += a * xi[u] + b * xj[u]
                    to_k = _channels(to, out0, mul, k)
                    for u in range(mul):
                        to_k[u] += weights[u] * total[u]


@compiled(any_order=True)
def scatter(
    first: int, last: int, edges: Any, paths: Any, x: Any, y: Any, w: Any, slope: Any,
    slopes: Any,
) -> None:  # fmt: skip
    """Write the derivatives of Σ `slope` · `out` that belong to the given atoms.

    Args:
        first: atom.
        last: atom, not included.
        edges: by the atoms that they start from.
        paths: of the convolution.
        x: as in `gather`.
        y: as in `gather`.
        w: as in `gather`.
        slope: derivative by `out`, shape (n_atoms, n_out).
        slopes: by x, y and w, of their shapes, zeros; written: of x the rows of the
            atoms, of y and w those of the edges that start from them.
    """
    starts, order, partners = edges
    table, coefficients, indices, first_of = paths
    by_x, by_y, by_w = slopes
    mixed = np.empty((table[:, 5].max(), table[:, 7].max()), x.dtype)
    weighted = np.empty(x.shape[1], x.dtype)
    back = np.empty(x.shape[1], x.dtype)
    for n in range(first, last):
        for t in range(starts[n], starts[n + 1]):
            e = order[t]
            g = slope[partners[t]]
            for p in range(len(table)):
                mul, x0, y0, out0, w0, n1, _, n3 = table[p]
                _mix(p, n1, n3, y0, y[e], coefficients, indices, first_of, mixed)
                weights, to_w = (
                    _channels(w[e], w0, mul, 0),
                    _channels(by_w[e], w0, mul, 0),
                )
                for i in range(n1):
                    of, to = _channels(x[n], x0, mul, i), _channels(by_x[n], x0, mul, i)
                    for u in range(mul):
                        weighted[u] = weights[u] * of[u]
                    _back(mixed[i], weighted, g, out0, mul, n3, back)
                    for u in range(mul):
                        to[u] += weights[u] * back[u]
                        to_w[u] += of[u] * back[u]
                for c in range(first_of[p], first_of[p + 1]):
                    i, j, k = indices[c, 0], indices[c, 1], indices[c, 2]
                    by_y[e, y0 + j] += coefficients[c] * mixed[i, k]


@compiled(any_order=True, inline=True)
def _back(
    mixed: Any, weighted: Any, g: Any, out0: int, mul: int, n3: int, back: Any
) -> None:
    """Write Σ_k mixed[k] · g[u, k] to `back`, Σ_u weighted[u] · g[u, k] to `mixed`."""
    a, gk = mixed[0], _channels(g, out0, mul, 0)
    s = r = weighted.dtype.type(0)
    for u in range(mul):
        back[u] = a * gk[u]
        s += weighted[u] * gk[u]
    mixed[0] = s
    for k in range(1, n3, 2):
        a, gk = mixed[k], _channels(g, out0, mul, k)
        b, gm = mixed[k + 1], _channels(g, out0, mul, k + 1)
        s = r = weighted.dtype.type(0)
        for u in range(mul):
            back[u] += a * gk[u] + b * gm[u]
            s += weighted[u] * gk[u]
            r += weighted[u] * gm[u]
        mixed[k], mixed[k + 1] = s, r


@compiled(inline=True)
def _channels(row: Any, start: int, mul: int, component: int) -> Any:
    """Return the channels of one component of a part of a row."""
    return row[start + component * mul : start + (component + 1) * mul]


@compiled(any_order=True)
def _mix(
    p: int, n1: int, n3: int, y0: int, y: Any, coefficients: Any, indices: Any,
    first_of: Any, mixed: Any,
) -> None:  # fmt: skip
    """Write Σ_j C[i, j, k] · y[j] of one path and one edge, shape (n1, n3)."""
    mixed[:n1, :n3] = 0
    for c in range(first_of[p], first_of[p + 1]):
        mixed[indices[c, 0], indices[c, 2]] += coefficients[c] * y[y0 + indices[c, 1]]
