"""In-plane strains and the cells that two sides share."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int_]
# changes of basis among which the plainest is sought, handedness kept
RECASTS = np.array(
    [
        [[i, j], [k, m]]
        for i, j, k, m in product((-1, 0, 1), repeat=4)
        if i * m - j * k == 1
    ]
)


def strain(start: Array, end: Array) -> Array:
    """Return the Biot strain U - 1 that takes in-plane cells to others.

    Args:
        start: vectors as rows, Å, shape (..., 2, 2).
        end: likewise; a rotation between both is no strain.
    """
    deformation = np.linalg.solve(start, end)  # rows: end = start F
    values, vectors = np.linalg.eigh(deformation @ np.swapaxes(deformation, -1, -2))
    stretch = (vectors * np.sqrt(values)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return np.asarray(stretch - np.eye(2))


def von_mises(tensor: Array) -> float:
    """Return the von Mises strain of an in-plane strain tensor, shape (2, 2)."""
    full = np.zeros((3, 3))
    full[:2, :2] = tensor
    deviator = full - np.trace(full) / 3 * np.eye(3)
    return float(np.sqrt(2 / 3 * (deviator * deviator).sum()))


def largest(tensor: Array) -> float:
    """Return the largest principal strain of a tensor, shape (2, 2)."""
    middle, shear = (tensor[0, 0] + tensor[1, 1]) / 2, tensor[0, 1]
    split = np.hypot((tensor[0, 0] - tensor[1, 1]) / 2, shear)
    return float(abs(middle) + split)


def along_x(vectors: Array) -> Array:
    """Return the same cells turned so that a lies along x, shape (n, 2, 2)."""
    cosine, sine = (vectors[:, 0] / np.linalg.norm(vectors[:, 0], axis=1)[:, None]).T
    turn = np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], -2)
    turned = vectors @ turn
    turned[:, 0, 1] = 0.0  # exactly, by construction
    return np.asarray(np.where(np.abs(turned) < 1e-10, 0.0, turned))


def shared_cell(film: Array, substrate: Array, share: float) -> Array:
    """Return the cells that two sides meet in, shape (n, 2, 2).

    Their metric tensors are averaged: to first order, the film's strain is `share` of
    the misfit.

    Args:
        film: cells, a along x, Å, shape (n, 2, 2).
        substrate: likewise.
        share: part of the misfit that the film takes, 0 to 1.
    """
    if share == 1:
        return substrate
    if share == 0:
        return film
    first, second = (c @ np.swapaxes(c, -1, -2) for c in (film, substrate))
    return np.asarray(np.linalg.cholesky((1 - share) * first + share * second))


def plainest(matrices: Integers, cell: Array) -> Integers:
    """Return what recasts superlattices in bases short and close to plain repeats.

    Args:
        matrices: bases of the superlattices, shape (n, 2, 2).
        cell: vectors, Å, shape (2, 2).

    Returns:
        Matrices of determinant 1, shape (n, 2, 2); recast @ matrices are the bases.
    """
    options = RECASTS[None] @ matrices[:, None]  # (n, n_recasts, 2, 2)
    length = np.linalg.norm(options @ cell, axis=3).sum(axis=2).round(3)
    crossed = np.abs(options[..., 0, 1]) + np.abs(options[..., 1, 0])
    trace = np.trace(options, axis1=2, axis2=3)
    keys = (-options[..., 0, 1], -options[..., 0, 0], -trace, crossed, length)
    ranked = np.lexsort(keys, axis=1)
    return np.asarray(RECASTS[ranked[:, 0]])
