"""Heights along the normal of the a-b plane, and the layers that they form.

Heights come from wrapped coordinates: the cell's c vector may lean, and a layer may lie
across the cell's border. A mean height is a mean on a circle.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.trajectory.frames import FloatArray, Segment
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError


def cell_height(lattices: FloatArray) -> FloatArray:
    """Return the distance between the a-b faces of cells, Å, shape (n_cells,).

    Args:
        lattices: Å, shape (n_cells, 3, 3).

    Raises:
        AnalysisError: a cell has no volume.
    """
    area = cell_area(lattices)
    volumes = np.abs(np.linalg.det(lattices))
    if not (volumes > 1e-6).all():
        raise AnalysisError(
            "the cell has no volume, so that heights have no meaning; give the "
            "trajectory a cell with three independent vectors"
        )
    return np.asarray(volumes / area, dtype=np.float64)


def cell_area(lattices: FloatArray) -> FloatArray:
    """Return |a x b| of cells, Å², shape (n_cells,)."""
    crossed = np.cross(lattices[:, 0], lattices[:, 1])
    return np.asarray(np.linalg.norm(crossed, axis=1), dtype=np.float64)


def relative_heights(
    block: Segment, atoms: NDArray[np.intp], *, periodic: bool = True
) -> FloatArray:
    """Return heights in units of the cell's height, in [0, 1), shape (n_frames, n).

    Raises:
        AnalysisError: the normal is not periodic, and an atom is outside the cell.
    """
    inverse = np.linalg.inv(np.asarray(block.lattices, dtype=np.float64))
    # the third coordinate in units of the cell vectors is the height over the a-b plane
    places = np.einsum("tax,tx->ta", block.positions[:, atoms], _column(inverse, block))
    if periodic:
        places -= np.floor(places)
        places[places >= 1.0] = 0.0  # rounding of a height just below zero
    elif places.size and not (places.min() >= 0 and places.max() < 1):
        raise AnalysisError(
            f"heights reach from {places.min():.3f} to {places.max():.3f} of the cell, "
            "which is not periodic along c; give it a cell that holds all atoms"
        )
    return places


def layer_edges(layers: Sequence[float], trajectory: Trajectory) -> FloatArray:
    """Return the edges of layers, Å, checked against the cell, shape (n_layers + 1,).

    Raises:
        AnalysisError: fewer than two edges, not ascending, or outside the cell.
    """
    edges = np.asarray(layers, dtype=np.float64)
    height = float(cell_height(trajectory.lattice[None])[0])
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise AnalysisError(
            f"layers need at least two ascending heights in Å, got {list(layers)}"
        )
    if edges[0] < 0 or edges[-1] > height + 1e-9:
        raise AnalysisError(
            f"layers from {edges[0]:.2f} to {edges[-1]:.2f} Å reach out of the cell, "
            f"which is {height:.2f} Å high along its normal"
        )
    return edges


def layers_of_atoms(
    trajectory: Trajectory, atoms: NDArray[np.intp], edges: FloatArray
) -> tuple[NDArray[np.intp], FloatArray]:
    """Return the layer of each atom's mean height, and how long it is there.

    Returns:
        The index of the layer, -1 for none, shape (n_atoms,), and the fraction of
        frames that the atom spends in it, shape (n_atoms,).
    """
    layers = len(edges) - 1
    turns = np.zeros(len(atoms), dtype=np.complex128)
    visits = np.zeros((layers, len(atoms)))
    scale = float(cell_height(trajectory.lattice[None])[0])
    for block in trajectory.blocks(256):
        places = relative_heights(block, atoms, periodic=trajectory.pbc[2])
        turns += np.exp(2j * np.pi * places).sum(axis=0)
        index = np.searchsorted(edges, places * scale, side="right") - 1
        for layer in range(layers):
            visits[layer] += (index == layer).sum(axis=0)
    means = np.mod(np.angle(turns) / (2 * np.pi), 1.0) * scale
    home = np.searchsorted(edges, means, side="right") - 1
    home = np.where(home < layers, home, -1).astype(np.intp)
    inside = visits[home, np.arange(len(atoms))] / len(trajectory)
    return home, np.where(home >= 0, inside, 0.0)


def _column(inverse: FloatArray, block: Segment) -> FloatArray:
    return np.broadcast_to(inverse[:, :, 2], (len(block), 3))
