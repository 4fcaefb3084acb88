"""Densities of species along the normal, in windows of time, and what they show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.diffusion.unwrapped_positions import (
    Drift,
    reference,
    unwrapped_blocks,
)
from ionface.analysis.interphase.layers import (
    cell_area,
    cell_height,
    first_height,
    relative_heights,
)
from ionface.analysis.pairs import each_species
from ionface.analysis.readers import open_trajectory
from ionface.analysis.result import (
    Provenance,
    Result,
    Windows,
    number_of,
    plain,
    windows_of,
)
from ionface.analysis.trajectory.frames import FloatArray
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

SHOWN = 2.0
"""Standard errors from which on a width or a rate is one; below, there is a limit."""


def growth_words(rate: float, error: float, unit: str) -> str:
    """Return a rate with its error, or that no growth is shown, and the limit of it."""
    if np.isnan(error):
        return f"{rate:+.3f} {unit} (too short for an error)"
    if not abs(rate) >= SHOWN * error:
        return f"no growth shown (|rate| < {abs(rate) + SHOWN * error:.2g} {unit})"
    return f"{rate:+.3f} ± {error:.3f} {unit}"


@dataclass(frozen=True)
class Growth:
    """How fast a width grows.

    Attributes:
        rate: Å/ps, as if it grew in proportion to time.
        rate_error: standard error, Å/ps.
        parabolic: of the width squared, Å²/ps, as behind a diffusing front.
        parabolic_error: standard error, Å²/ps.
    """

    rate: float
    rate_error: float
    parabolic: float
    parabolic_error: float


@dataclass(frozen=True)
class Interphase:
    """Width of the mixed region in windows of time.

    Attributes:
        first: marker species of the first phase.
        second: marker species of the second.
        windows_fs: first and last time, fs.
        positions: of the fronts, Å over the a-b plane, the lower end of the first phase
            before its upper end, shape (n_windows, n_fronts).
        widths: 10-90 width of each front, Å, shape (n_windows, n_fronts).
        errors: standard errors of the widths, Å, with the spacing of the atomic layers
            that no width resolves, shape (n_windows, n_fronts); NaN where the run is
            too short to tell, given how slowly the widths fluctuate.
        overlaps: height that holds both, all fronts together, Å, shape (n_windows,).
        growth: of each front; empty for fewer than three windows.
        notes: what else one should know.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    windows_fs: Windows
    positions: FloatArray
    widths: FloatArray
    errors: FloatArray
    overlaps: FloatArray
    growth: tuple[Growth, ...] = ()
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        growth = [
            {
                "rate_a_per_ps": g.rate,
                "rate_error": g.rate_error,
                "parabolic_a2_per_ps": g.parabolic,
                "parabolic_error": g.parabolic_error,
            }
            for g in self.growth
        ]
        return plain(vars(self) | {"growth": growth})

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Interphase:
        """Return what `as_dict` wrote."""
        names = ("positions", "widths", "errors", "overlaps")
        arrays = {name: np.array(data[name], dtype=np.float64) for name in names}
        return cls(
            first=tuple(data["first"]),
            second=tuple(data["second"]),
            windows_fs=windows_of(data["windows_fs"]),
            growth=tuple(Growth(*map(number_of, g.values())) for g in data["growth"]),
            notes=tuple(data["notes"]),
            **arrays,
        )


@dataclass(frozen=True, repr=False)
class Profiles(Result):
    """How many atoms there are at each height, species by species.

    Attributes:
        heights: middle of each slice over the a-b plane, Å, shape (n_slices,); they
            begin where no plane of atoms is cut, below zero for a slab around z = 0.
        windows_fs: first and last time of each window, fs.
        densities: by species, atoms/Å³, shape (n_windows, n_slices).
        height: of the cell along the normal, Å, mean over the frames.
        area: |a x b|, Å², mean over the frames.
        smearing: standard deviation of the Gaussian that blurs each atom, Å.
        frames: in each window.
        periodic: the first slice continues the last.
        drift: what was subtracted, in words.
        interphase: how wide the region is where two phases have mixed, if that was
            asked.
    """

    kind: ClassVar[str] = "profile"
    figure: ClassVar[str] = "ionface.analysis.figures.profile_figure:figure_profile"
    units: ClassVar[Mapping[str, str]] = {
        "heights": "Å",
        "densities": "1/Å³",
        "cell_height": "Å",
        "area": "Å²",
        "smearing": "Å",
    }

    heights: FloatArray
    windows_fs: Windows
    densities: Mapping[str, FloatArray]
    height: float
    area: float
    smearing: float
    frames: tuple[int, ...]
    periodic: bool = True
    drift: str = ""
    interphase: Interphase | None = None

    @property
    def edges(self) -> FloatArray:
        """Return the heights between slices, Å, shape (n_slices + 1,)."""
        step = self.height / len(self.heights)
        return np.append(self.heights, self.heights[-1] + step) - step / 2

    @property
    def slice_volume(self) -> float:
        """Return the volume of a slice, Å³; density times it is a number of atoms."""
        return self.area * self.height / len(self.heights)

    def rows(self) -> Iterator[dict[str, float]]:
        """Yield one row per window and slice, for a table."""
        for window, (start, end) in enumerate(self.windows_fs):
            for index, height in enumerate(self.heights):
                row = {"start_fs": start, "end_fs": end, "height (Å)": float(height)}
                for name, density in self.densities.items():
                    row[f"{name} (atoms/Å³)"] = float(density[window, index])
                yield row

    def values(self) -> dict[str, Any]:
        """Return plain JSON values."""
        mixed = self.interphase
        return {
            "heights": plain(self.heights),
            "windows_fs": plain(self.windows_fs),
            "densities": plain(self.densities),
            "cell_height": self.height,
            "area": self.area,
            "smearing": self.smearing,
            "frames": list(self.frames),
            "periodic": self.periodic,
            "drift": self.drift,
            **({} if mixed is None else {"interphase": mixed.as_dict()}),
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the profiles that `values` wrote."""
        mixed = data.get("interphase")
        return cls(
            heights=np.array(data["heights"], dtype=np.float64),
            windows_fs=windows_of(data["windows_fs"]),
            densities={k: np.array(v) for k, v in data["densities"].items()},
            height=data["cell_height"],
            area=data["area"],
            smearing=data["smearing"],
            frames=tuple(data["frames"]),
            periodic=data["periodic"],
            drift=data["drift"],
            interphase=None if mixed is None else Interphase.from_dict(mixed),
            provenance=provenance,
        )

    def summary(self) -> str:
        """Return the species and the windows."""
        return f"{', '.join(self.densities)} in {len(self.windows_fs)} windows"


def profiles(
    trajectory: Any,
    species: str | Sequence[str] | None = None,
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
        trajectory: whatever `open_trajectory` takes, wrapped or not; the cell may
            change.
        species: a symbol or several; all by default.
        resolution: of the slices, Å.
        windows: how many, of equal numbers of frames; fewer if there are fewer frames.
        smearing: standard deviation of the Gaussian of each atom, Å; 0 for none.
        drift: see `unwrapped_positions.reference`.

    Raises:
        AnalysisError: there is no frame, a species is missing, the resolution is not
            positive, or an atom leaves a cell that is not periodic along c.

    >>> cell, here = np.diag([2.0, 2.0, 4.0]), [[[0, 0, 0.5], [0, 0, 2.5]]]
    >>> run = Trajectory.from_arrays(["Li", "S"], cell, here)
    >>> found = profiles(run, resolution=1.0, smearing=0.0)
    >>> found.densities["Li"].round(6).tolist()  # one atom in a slice of 4 Å³
    [[0.25, 0.0, 0.0, 0.0]]
    """
    trajectory = open_trajectory(trajectory)
    if not (resolution > 0 and windows >= 1 and smearing >= 0):
        raise AnalysisError(
            "profiles need resolution > 0, windows >= 1 and smearing >= 0, got "
            f"{resolution=}, {windows=}, {smearing=}"
        )
    names = each_species(species or dict.fromkeys(trajectory.species))
    atoms = {name: trajectory.indices(name) for name in names}
    height = float(cell_height(trajectory.lattice[None])[0])
    slices = max(1, round(height / resolution))
    windows = min(windows, len(trajectory))
    bounds = np.linspace(0, len(trajectory), windows + 1).round().astype(int)
    first = first_height(trajectory)
    shifts = normal_drift(trajectory, drift) + first / height
    counts, mean_height, mean_area = _counted(trajectory, atoms, shifts, bounds, slices)
    # the first height breathes with the cell, as the atoms do
    first *= mean_height / height
    return _assemble(
        trajectory, counts, bounds, first, mean_height, mean_area, smearing, drift
    )


def _counted(
    trajectory: Trajectory,
    atoms: Mapping[str, NDArray[np.int_]],
    shifts: FloatArray,
    bounds: NDArray[np.int_],
    slices: int,
) -> tuple[dict[str, FloatArray], float, float]:
    """Return the atoms in each window and slice, and the cell's mean height and area.

    Args:
        trajectory: its frames.
        atoms: indices by species.
        shifts: of relative heights, of each frame, where the cell is periodic.
        bounds: of the windows, as numbers of frames.
        slices: how many.

    Returns:
        Counts by species, shape (n_windows, n_slices), Å and Å².
    """
    counts = {name: np.zeros((len(bounds) - 1, slices)) for name in atoms}
    heights, areas, row = 0.0, 0.0, 0
    for block in trajectory.blocks(256):
        lattices = np.asarray(block.lattices)
        heights += len(block) * float(cell_height(lattices).mean())
        areas += len(block) * float(cell_area(lattices).mean())
        rows = np.arange(row, row + len(block))
        window = np.searchsorted(bounds, rows, "right") - 1
        for name, chosen in atoms.items():
            places = relative_heights(block, chosen, periodic=trajectory.pbc[2])
            if trajectory.pbc[2]:
                places = np.mod(places - shifts[rows, None], 1.0)
                places[places >= 1.0] = 0.0
            for one in np.unique(window):
                counts[name][one] += _in_slices(places[window == one], slices)
        row += len(block)
    return counts, heights / row, areas / row


def _in_slices(places: FloatArray, slices: int) -> FloatArray:
    """Return how many of some relative heights each slice holds, shape (slices,)."""
    index = np.minimum((places * slices).astype(np.intp).ravel(), slices - 1)
    return np.bincount(index, minlength=slices).astype(np.float64)


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
    first: float,
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
        heights=first + (np.arange(slices) + 0.5) * height / slices,
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
        provenance=Provenance.of(trajectory),
    )


def blurred(values: FloatArray, sigma: float, *, periodic: bool) -> FloatArray:
    """Return values blurred along the last axis by sigma slices; their sum stays."""
    if sigma < 0.01:  # narrower than a slice by far: no neighbor gets anything
        return values
    from scipy.ndimage import gaussian_filter1d

    mode = "wrap" if periodic else "reflect"
    blurred = gaussian_filter1d(values, sigma, axis=-1, mode=mode, truncate=6.0)
    return np.asarray(blurred, dtype=np.float64)
