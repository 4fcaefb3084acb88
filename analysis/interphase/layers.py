"""Heights over the a-b plane, the layers that they form, and coordination by layer.

Heights come from wrapped coordinates: the cell's c vector may lean, and a layer may lie
across the cell's border. A mean height is a mean on a circle, which is cut open where
no atoms are: a slab around z = 0 has heights below zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.rdf.kernels.images import heights
from ionface.analysis.readers import open_trajectory
from ionface.analysis.result import (
    Provenance,
    Result,
    Windows,
    plain,
    windows_of,
)
from ionface.analysis.statistics import mean_error
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
    return np.array([heights(lattice)[2] for lattice in lattices])


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


CLEAR = 0.5
"""Å from an edge to the next atom: thermal motion widens an atomic plane by 0.3 Å."""


def first_height(trajectory: Trajectory) -> float:
    """Return where heights begin, Å: at the cell's border, if no atoms are there.

    Else in the middle of the widest layer without atoms in the first frame, a slab's
    vacuum or what is between two planes; at the border, too, where there is none, as in
    a liquid.
    """
    height = float(cell_height(trajectory.lattice[None])[0])
    places = np.sort(_first_places(trajectory))
    gaps = np.diff(places, append=places[:1] + 1.0)
    beside = min(places[0], 1.0 - places[-1])
    if not trajectory.pbc[2] or beside * height >= CLEAR:
        return 0.0
    if gaps.max() * height < 2 * CLEAR:
        return 0.0
    # a slab around z = 0 reaches to both sides of it, rather than up from half the cell
    middles = (places + gaps / 2 + 0.6) % 1.0 - 0.6
    widest = middles[gaps >= 0.9 * gaps.max()]  # a crystal's are all alike
    return float(widest[np.argmin(np.abs(widest))]) * height


def _first_places(
    trajectory: Trajectory, atoms: NDArray[np.intp] | None = None
) -> FloatArray:
    """Return the relative heights of atoms in the first frame, of all by default."""
    chosen = np.arange(trajectory.n_atoms) if atoms is None else atoms
    block = next(iter(trajectory.blocks(1)))
    return relative_heights(block, chosen, periodic=trajectory.pbc[2])[0]


def from_edge(
    places: FloatArray, height: float, first: float, *, periodic: bool
) -> FloatArray:
    """Return relative heights as heights, Å, counted on from a first one."""
    above = places * height - first
    return first + (np.mod(above, height) if periodic else above)


def equal_layers(
    trajectory: Trajectory, number: int, atoms: NDArray[np.intp]
) -> FloatArray:
    """Return the edges of layers of about equal height, Å, shape (number + 1,).

    An edge that would cut a plane of the given atoms lies beside it.
    """
    height = float(cell_height(trajectory.lattice[None])[0])
    first = first_height(trajectory)
    edges = first + np.linspace(0, height, number + 1)
    places, periodic = _first_places(trajectory, atoms), trajectory.pbc[2]
    planes = from_edge(places, height, first, periodic=periodic)
    moves = 0.4 * height / number * np.linspace(-1, 1, 81)  # the nearest first
    moves = moves[np.argsort(np.abs(moves), kind="stable")]
    for spots, index in ((edges[i] + moves, i) for i in range(1, number)):
        room = np.abs(spots[:, None] - planes).min(axis=1)
        edges[index] = spots[np.argmax(room >= CLEAR)]
    return edges


def layer_edges(layers: Sequence[float], trajectory: Trajectory) -> FloatArray:
    """Return the edges of layers, Å, checked against the cell, shape (n_layers + 1,).

    Where the normal is periodic, the first may be below zero.

    Raises:
        AnalysisError: fewer than two edges, not ascending, or outside the cell.
    """
    edges = np.asarray(layers, dtype=np.float64)
    height = float(cell_height(trajectory.lattice[None])[0])
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise AnalysisError(
            f"layers need at least two ascending heights in Å, got {list(layers)}"
        )
    lowest = max(edges[0], -height) if trajectory.pbc[2] else 0.0
    if edges[0] < lowest or edges[-1] > lowest + height + 1e-9:
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
        heights = from_edge(places, scale, edges[0], periodic=trajectory.pbc[2])
        index = np.searchsorted(edges, heights, side="right") - 1
        for layer in range(layers):
            visits[layer] += (index == layer).sum(axis=0)
    means = np.mod(np.angle(turns) / (2 * np.pi), 1.0)
    means = from_edge(means, scale, edges[0], periodic=trajectory.pbc[2])
    home = np.searchsorted(edges, means, side="right") - 1
    home = np.where(home < layers, home, -1).astype(np.intp)
    inside = visits[home, np.arange(len(atoms))] / len(trajectory)
    return home, np.where(home >= 0, inside, 0.0)


def _column(inverse: FloatArray, block: Segment) -> FloatArray:
    return np.broadcast_to(inverse[:, :, 2], (len(block), 3))


@dataclass(frozen=True, repr=False)
class LayerCoordination(Result):
    """How many neighbors atoms have, by the height at which they are.

    Attributes:
        pair: central species and neighbor, as in "In-S".
        cutoff: of a neighbor's distance, Å.
        edges: of the layers, Å over the a-b plane, shape (n_layers + 1,).
        windows_fs: first and last time of each window, fs.
        numbers: mean coordination number, NaN where no atom is, shape
            (n_windows, n_layers).
        errors: standard error, correlation in time included (`statistics.mean_error`);
            NaN where a window is too short to tell it; same shape.
        atoms: mean number of central atoms, same shape.
    """

    kind: ClassVar[str] = "layers"
    figure: ClassVar[str] = "ionface.analysis.figures.layers_figure:figure_layers"
    units: ClassVar[Mapping[str, str]] = {
        "cutoff": "Å",
        "edges": "Å",
        "numbers": "atoms",
        "errors": "atoms",
        "atoms": "atoms",
    }

    pair: str
    cutoff: float
    edges: FloatArray
    windows_fs: Windows
    numbers: FloatArray
    errors: FloatArray
    atoms: FloatArray

    def rows(self) -> Iterator[dict[str, float]]:
        """Yield one row per window and layer, for a table."""
        for window, (start, end) in enumerate(self.windows_fs):
            for layer, (low, high) in enumerate(pairwise(self.edges)):
                yield {
                    "start_fs": start,
                    "end_fs": end,
                    "from (Å)": float(low),
                    "to (Å)": float(high),
                    f"{self.pair} neighbors": float(self.numbers[window, layer]),
                    "error": float(self.errors[window, layer]),
                    "atoms": float(self.atoms[window, layer]),
                }

    def values(self) -> dict[str, Any]:
        """Return plain JSON values; null where no atom is."""
        return {
            "pair": self.pair,
            "cutoff": self.cutoff,
            "edges": plain(self.edges),
            "windows_fs": plain(self.windows_fs),
            "numbers": plain(self.numbers),
            "errors": plain(self.errors),
            "atoms": plain(self.atoms),
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the numbers that `values` wrote."""
        arrays: dict[str, Any] = {
            name: np.array(data[name], dtype=np.float64)
            for name in ("edges", "numbers", "errors", "atoms")
        }
        return cls(
            pair=data["pair"],
            cutoff=data["cutoff"],
            windows_fs=windows_of(data["windows_fs"]),
            provenance=provenance,
            **arrays,
        )

    def summary(self) -> str:
        """Return the pair, its cutoff and the number of layers."""
        return f"{self.pair} < {self.cutoff:g} Å in {len(self.edges) - 1} layers"


def layer_coordination(
    trajectory: Any,
    pair: tuple[str, str],
    cutoff: float,
    layers: Sequence[float] | int = 10,
    *,
    windows: int = 1,
    stride: int = 1,
) -> LayerCoordination:
    """Return the mean coordination number of a species in layers of height.

    Args:
        trajectory: whatever `open_trajectory` takes, wrapped or not; the cell may
            change.
        pair: central species and neighbors.
        cutoff: Å; may exceed half the cell.
        layers: edges in Å, ascending, or how many layers of about equal height, whose
            edges cut no atomic plane.
        windows: of time.
        stride: every how many frames are looked at; neighbors change slowly.

    Raises:
        AnalysisError: the cutoff, the stride or the layers make no sense, or a species
            is missing.

    >>> cell, here = np.diag([9.0, 9.0, 9.0]), [[[0, 0, 1.0], [0, 0, 3.5]]]
    >>> run = Trajectory.from_arrays(["In", "S"], cell, here)
    >>> layer_coordination(run, ("In", "S"), 3.0, layers=3).numbers.tolist()
    [[1.0, nan, nan]]
    """
    trajectory = open_trajectory(trajectory)
    if not (0 < cutoff < np.inf and windows >= 1 and stride >= 1):
        raise AnalysisError(
            "coordination numbers need cutoff > 0 Å, windows >= 1 and stride >= 1, got "
            f"{cutoff=}, {windows=}, {stride=}"
        )
    edges = _edges(layers, trajectory, pair[0])
    looked = np.arange(0, len(trajectory), stride)
    windows = min(windows, len(looked))
    bounds = np.linspace(0, len(looked), windows + 1).round().astype(int)
    frames = _frames(trajectory, pair, cutoff, stride)
    sums, atoms = _sums_in_layers(trajectory, frames, edges, len(looked))
    parts = [(sums[low:high], atoms[low:high]) for low, high in pairwise(bounds)]
    times = trajectory.times_or_nan_fs[looked]
    return LayerCoordination(
        pair="-".join(pair),
        cutoff=cutoff,
        edges=edges,
        windows_fs=tuple(
            (float(times[low]), float(times[high - 1]))
            for low, high in pairwise(bounds)
        ),
        numbers=np.array([_ratio(n.sum(0), held.sum(0)) for n, held in parts]),
        errors=np.array([_ratio_error(n, held) for n, held in parts]),
        atoms=np.array([held.mean(0) for _, held in parts]),
        provenance=Provenance.of(trajectory),
    )


def _edges(
    layers: Sequence[float] | int, trajectory: Trajectory, symbol: str
) -> FloatArray:
    if isinstance(layers, int):
        return equal_layers(trajectory, layers, trajectory.indices(symbol))
    return layer_edges([float(edge) for edge in layers], trajectory)


def _sums_in_layers(
    trajectory: Trajectory,
    frames: Iterable[tuple[FloatArray, NDArray[np.int64]]],
    edges: FloatArray,
    n_frames: int,
) -> tuple[FloatArray, FloatArray]:
    """Return sums of neighbors and numbers of atoms, shape (n_frames, n_layers).

    Args:
        trajectory: of the frames.
        frames: heights and numbers of neighbors of the central atoms, as `_frames`.
        edges: of the layers, Å.
        n_frames: how many they are.
    """
    height = float(cell_height(trajectory.lattice[None])[0])
    sums = np.zeros((n_frames, len(edges) - 1))
    atoms = np.zeros_like(sums)
    for frame, (places, counts) in enumerate(frames):
        here = from_edge(places, height, edges[0], periodic=trajectory.pbc[2])
        layer = np.searchsorted(edges, here, side="right") - 1
        held = (layer >= 0) & (layer < len(edges) - 1)
        np.add.at(sums[frame], layer[held], counts[held])
        np.add.at(atoms[frame], layer[held], 1)
    return sums, atoms


def neighbor_numbers(
    centers: FloatArray,
    neighbors: FloatArray,
    lattice: FloatArray,
    cutoff: float,
    *,
    same: bool,
    pbc: tuple[bool, bool, bool] = (True, True, True),
) -> NDArray[np.int64]:
    """Return how many neighbors lie within a cutoff of each atom, over all images.

    Args:
        centers: Å, shape (n, 3).
        neighbors: Å, shape (m, 3).
        lattice: rows in Å, shape (3, 3).
        cutoff: Å; any size.
        same: both are the same atoms, and an atom is no neighbor of itself, but of its
            own images.
        pbc: periodic along each cell vector.

    Returns:
        Shape (n,).
    """
    from scipy.spatial import cKDTree

    inverse = np.linalg.inv(lattice)
    wrap = np.array(pbc, dtype=bool)
    a, b = (p @ inverse for p in (centers, neighbors))
    a, b = (np.where(wrap, f - np.floor(f), f) for f in (a, b))
    reach = np.where(wrap, cutoff * np.linalg.norm(inverse, axis=0), 0.0)
    ranges = [range(-int(np.ceil(r)), int(np.ceil(r)) + 1) for r in reach]
    images = (b[None] + np.array(list(product(*ranges)))[:, None]).reshape(-1, 3)
    near = ((images >= -reach - 1e-9) & (images <= 1 + reach + 1e-9)) | ~wrap
    tree = cKDTree(images[near.all(axis=1)] @ lattice)
    found = tree.query_ball_point(a @ lattice, cutoff, return_length=True)
    return np.asarray(found, dtype=np.int64) - int(same)


def _frames(
    trajectory: Trajectory, pair: tuple[str, str], cutoff: float, stride: int
) -> Iterator[tuple[FloatArray, NDArray[np.int64]]]:
    """Yield relative heights and coordination numbers of every stride-th frame."""
    first, second = (trajectory.indices(symbol) for symbol in pair)
    row = 0
    for block in trajectory.blocks(256):
        places = relative_heights(block, first, periodic=trajectory.pbc[2])
        for index in range(-row % stride, len(block), stride):
            lattice = np.asarray(
                block.lattices[index if len(block.lattices) > 1 else 0]
            )
            positions = np.asarray(block.positions[index])
            yield (
                places[index],
                neighbor_numbers(
                    positions[first],
                    positions[second],
                    lattice,
                    cutoff,
                    same=pair[0] == pair[1],
                    pbc=trajectory.pbc,
                ),
            )
        row += len(block)


def _ratio(sums: FloatArray, atoms: FloatArray) -> FloatArray:
    return np.where(atoms > 0, sums / np.where(atoms > 0, atoms, 1), np.nan)


def _ratio_error(sums: FloatArray, atoms: FloatArray) -> FloatArray:
    """Return the standard error of the mean number per atom, over the frames of axis 0.

    Frames weigh by the atoms that they hold: it is the error of the mean of what each
    adds to the number.
    """
    number = _ratio(sums.sum(axis=0), atoms.sum(axis=0))
    added = sums - np.nan_to_num(number) * atoms
    return _ratio(mean_error(added), atoms.mean(axis=0))
