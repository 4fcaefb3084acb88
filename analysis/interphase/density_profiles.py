"""Densities of species along the normal, in windows of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ionface.analysis.diffusion.unwrapped_positions import (
    Drift,
    reference,
    unwrapped_blocks,
)
from ionface.analysis.interphase.layers import cell_area, cell_height, relative_heights
from ionface.analysis.trajectory.frames import FloatArray
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError


@dataclass(frozen=True)
class Profiles:
    """How many atoms there are at each height, species by species.

    Attributes:
        heights: middle of each slice over the a-b plane, Å, shape (n_slices,).
        windows_fs: first and last time of each window, fs.
        densities: by species, atoms/Å³, shape (n_windows, n_slices).
        height: of the cell along the normal, Å, mean over the frames.
        area: |a x b|, Å², mean over the frames.
        smearing: standard deviation of the Gaussian that blurs each atom, Å.
        frames: in each window.
        periodic: the first slice continues the last.
        drift: what was subtracted, in words.
        sources: the files.
    """

    heights: FloatArray
    windows_fs: tuple[tuple[float, float], ...]
    densities: Mapping[str, FloatArray]
    height: float
    area: float
    smearing: float
    frames: tuple[int, ...]
    periodic: bool = True
    drift: str = ""
    sources: tuple[str, ...] = ()

    @property
    def slice_volume(self) -> float:
        """Return the volume of a slice, Å³; density times it is a number of atoms."""
        return self.area * self.height / len(self.heights)

    def composition(self) -> dict[str, FloatArray]:
        """Return the share of each species in each slice; NaN where no atom ever is.

        Returns:
            By species, shape (n_windows, n_slices).
        """
        total = np.sum(list(self.densities.values()), axis=0)
        empty = total * self.slice_volume < 1e-6
        safe = np.where(empty, np.nan, total)
        return {name: density / safe for name, density in self.densities.items()}

    def rows(self) -> Iterator[dict[str, float]]:
        """Yield one row per window and slice, for a table."""
        for window, (start, end) in enumerate(self.windows_fs):
            for index, height in enumerate(self.heights):
                row = {"start_fs": start, "end_fs": end, "height (Å)": float(height)}
                for name, density in self.densities.items():
                    row[f"{name} (atoms/Å³)"] = float(density[window, index])
                yield row

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "heights": self.heights.tolist(),
            "windows_fs": [list(window) for window in self.windows_fs],
            "densities": {k: v.tolist() for k, v in self.densities.items()},
            "cell_height": self.height,
            "area": self.area,
            "smearing": self.smearing,
            "frames": list(self.frames),
            "periodic": self.periodic,
            "drift": self.drift,
            "sources": list(self.sources),
        }


def density_profile(
    places: FloatArray, slices: int, smearing: float = 0.0, *, periodic: bool = True
) -> FloatArray:
    """Return how many atoms each slice holds, blurred; the sum is the number of atoms.

    Args:
        places: heights in units of the cell's height, in [0, 1), any shape.
        slices: how many.
        smearing: standard deviation of a Gaussian, in units of the cell's height.
        periodic: what is blurred over one end comes in at the other; else it stays.

    Returns:
        Shape (slices,).
    """
    index = np.minimum((places * slices).astype(np.intp).ravel(), slices - 1)
    counts = np.bincount(index, minlength=slices).astype(np.float64)
    return blurred(counts, smearing * slices, periodic=periodic)


def profiles(
    trajectory: Trajectory,
    species: Sequence[str] | None = None,
    *,
    resolution: float = 0.2,
    windows: int = 10,
    smearing: float = 0.3,
    drift: Drift = "auto",
) -> Profiles:
    """Return densities along the normal of the a-b plane against time.

    Heights are those of wrapped coordinates, less the drift along the normal, so that a
    slab that moves as a whole does not blur.

    Args:
        trajectory: wrapped or not; the cell may change.
        species: symbols; all by default.
        resolution: of the slices, Å.
        windows: how many, of equal numbers of frames; fewer if there are fewer frames.
        smearing: standard deviation of the Gaussian of each atom, Å; 0 for none.
        drift: see `drift.reference`.

    Raises:
        AnalysisError: there is no frame, a species is missing, the resolution is not
            positive, or an atom leaves a cell that is not periodic along c.
    """
    if not (resolution > 0 and windows >= 1 and smearing >= 0):
        raise AnalysisError(
            "profiles need resolution > 0, windows >= 1 and smearing >= 0, got "
            f"{resolution=}, {windows=}, {smearing=}"
        )
    names = list(species or dict.fromkeys(trajectory.species))
    atoms = {name: trajectory.indices(name) for name in names}
    number = len(trajectory)
    height = float(cell_height(trajectory.lattice[None])[0])
    slices = max(1, round(height / resolution))
    windows = min(windows, number)
    bounds = np.linspace(0, number, windows + 1).round().astype(int)
    shifts = normal_drift(trajectory, drift)
    counts = {name: np.zeros((windows, slices)) for name in names}
    heights, areas = 0.0, 0.0
    row = 0
    for block in trajectory.blocks(256):
        lattices = np.asarray(block.lattices)
        heights += len(block) * float(cell_height(lattices).mean())
        areas += len(block) * float(cell_area(lattices).mean())
        window = np.searchsorted(bounds, np.arange(row, row + len(block)), "right") - 1
        for name, chosen in atoms.items():
            places = relative_heights(block, chosen, periodic=trajectory.pbc[2])
            if trajectory.pbc[2]:
                places = np.mod(places - shifts[row : row + len(block), None], 1.0)
                places[places >= 1.0] = 0.0
            for one in np.unique(window):
                counts[name][one] += density_profile(places[window == one], slices)
        row += len(block)
    return _assemble(
        trajectory, counts, bounds, heights / row, areas / row, smearing, drift
    )


def normal_drift(trajectory: Trajectory, drift: Drift = "auto") -> FloatArray:
    """Return how far the reference has moved along the normal, in cell heights.

    Returns:
        Shape (n_frames,).

    Raises:
        AnalysisError: atoms cannot be followed, or a species is missing.
    """
    base = reference(trajectory, drift)
    if not len(base.atoms):
        return np.zeros(len(trajectory))
    moved = []
    start: FloatArray | None = None
    for block in unwrapped_blocks(trajectory):
        center = base.of(block.positions)
        start = center[0] if start is None else start
        inverse = np.linalg.inv(block.lattices)[:, :, 2]
        moved.append(np.sum((center - start) * inverse, axis=1))
    return np.concatenate(moved)


def _assemble(
    trajectory: Trajectory,
    counts: Mapping[str, FloatArray],
    bounds: FloatArray,
    height: float,
    area: float,
    smearing: float,
    drift: Drift,
) -> Profiles:
    frames = np.diff(bounds)
    slices = next(iter(counts.values())).shape[1]
    times = trajectory.times_or_nan_fs
    volume = area * height / slices
    return Profiles(
        heights=(np.arange(slices) + 0.5) * height / slices,
        windows_fs=tuple(
            (float(times[low]), float(times[high - 1]))
            for low, high in pairwise(bounds)
        ),
        densities={
            name: blurred(
                number / frames[:, None] / volume,
                smearing * slices / height,
                periodic=trajectory.pbc[2],
            )
            for name, number in counts.items()
        },
        height=height,
        area=area,
        smearing=smearing,
        frames=tuple(int(n) for n in frames),
        periodic=bool(trajectory.pbc[2]),
        drift=reference(trajectory, drift).label,
        sources=trajectory.sources,
    )


def blurred(values: FloatArray, sigma: float, *, periodic: bool) -> FloatArray:
    """Return values blurred along the last axis by sigma slices; their sum stays."""
    if sigma < 0.01:  # narrower than a slice by far: no neighbor gets anything
        return values
    from scipy.ndimage import gaussian_filter1d

    mode = "wrap" if periodic else "reflect"
    blurred = gaussian_filter1d(values, sigma, axis=-1, mode=mode, truncate=6.0)
    return np.asarray(blurred, dtype=np.float64)
