"""Mean squared displacements at every lag, per species and direction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.diffusion.msd_fit import Diffusion
from ionface.analysis.diffusion.unwrapped_positions import Drift, paths
from ionface.analysis.result import Provenance, Result, plain
from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError

_BLOCK = 4_000_000
"""Numbers that are transformed at once: 64 MB with their spectrum."""

DIRECTIONS = {"3d": (0, 1, 2), "in-plane": (0, 1), "normal": (2,)}
"""Axes of the interface's frame that count."""


def axis_msd(positions: FloatArray) -> FloatArray:
    """Return the MSD of every lag along each axis, over atoms and time origins, in Å².

    Uses the FFT form of the windowed average, O(N log N) in frames (Kneller et al.,
    Comput. Phys. Commun. 91, 191 (1995), doi:10.1016/0010-4655(95)00048-K). Memory is
    bounded: atoms are taken a few at a time.

    Args:
        positions: unwrapped and free of center-of-mass drift, Å,
            shape (n_frames, n_atoms, 3).

    Returns:
        Shape (n_frames, 3), whose sum over axes is the MSD; entry m is that at a lag of
        m frames. Entries near the end average few origins: fit the first half at most.

    Raises:
        AnalysisError: the shape is wrong, or there is no atom.
    """
    n_frames, n_atoms = _shape(positions)
    squares = np.zeros((n_frames, 3))
    spectrum: FloatArray | None = None
    for _, block in _blocks(positions):
        squares += np.einsum("tax,tax->tx", block, block)
        power = _power(block).sum(axis=1)
        spectrum = power if spectrum is None else spectrum + power
    assert spectrum is not None  # _shape refuses an empty set of atoms
    products = _correlation(spectrum, n_frames)
    return _displacements(squares, products) / n_atoms


def msd_by_atom(positions: FloatArray, lags: NDArray[np.intp]) -> FloatArray:
    """Return the MSD of each atom along each axis at some lags, Å².

    Args:
        positions: as in `axis_msd`.
        lags: in frames, shape (n_lags,).

    Returns:
        Shape (n_lags, n_atoms, 3).
    """
    n_frames, n_atoms = _shape(positions)
    result = np.empty((len(lags), n_atoms, 3))
    for atoms, block in _blocks(positions):
        products = _correlation(_power(block), n_frames)
        result[:, atoms] = _displacements(block * block, products)[lags]
    return result


@dataclass(frozen=True, repr=False)
class Msd(Result):
    """Mean squared displacements of several species.

    Attributes:
        lags_fs: fs, shape (n_lags,).
        curves: by species and direction ('3d', 'in-plane', 'normal'), Å², (n_lags,).
        atoms: by species: how many.
        drift: what was subtracted, in words.
        notes: what else one should know.
        diffusion: coefficients of these and other groups of atoms.
    """

    kind: ClassVar[str] = "msd"
    figure: ClassVar[str] = "ionface.analysis.figures.msd_figure:figure_msd"
    units: ClassVar[Mapping[str, str]] = {
        "msd": "Å²",
    }

    lags_fs: FloatArray
    curves: Mapping[str, Mapping[str, FloatArray]]
    atoms: Mapping[str, int]
    drift: str
    notes: tuple[str, ...] = ()
    diffusion: tuple[Diffusion, ...] = ()

    @property
    def species(self) -> tuple[str, ...]:
        """Return the species."""
        return tuple(self.curves)

    def along(self, species: str, direction: str = "3d") -> FloatArray:
        """Return the MSD in '3d', 'in-plane' or 'normal' direction, Å², (n_lags,).

        Raises:
            AnalysisError: no such direction.
        """
        axes_of(direction)  # raises
        return self.curves[species][direction]

    def values(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "diffusion": [coefficient.as_dict() for coefficient in self.diffusion],
            "lags_fs": plain(self.lags_fs),
            "msd": plain(self.curves),
            "atoms": dict(self.atoms),
            "drift": self.drift,
            "notes": list(self.notes),
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the result that `values` wrote."""
        return cls(
            lags_fs=np.array(data["lags_fs"], dtype=np.float64),
            curves={
                name: {
                    d: np.array(curve, dtype=np.float64) for d, curve in each.items()
                }
                for name, each in data["msd"].items()
            },
            atoms=data["atoms"],
            drift=data["drift"],
            notes=tuple(data["notes"]),
            diffusion=tuple(Diffusion.from_dict(d) for d in data.get("diffusion", ())),
            provenance=provenance,
        )

    def rows(self) -> Iterator[dict[str, float]]:
        """Yield one row per lag."""
        for index, lag in enumerate(self.lags_fs):
            row = {"lag_fs": float(lag)}
            for name, curves in self.curves.items():
                for direction, curve in curves.items():
                    row[f"{name} {direction} (Å²)"] = float(curve[index])
            yield row

    def summary(self) -> str:
        """Return the species, and how they move if that was asked."""
        return "; ".join(map(str, self.diffusion)) or ", ".join(self.species)


def msd(
    trajectory: Any,
    species: str | Sequence[str] | None = None,
    *,
    drift: Drift = "auto",
) -> Msd:
    """Return the MSD of species at all lags, over all time origins.

    Args:
        trajectory: whatever `open_trajectory` takes, wrapped or not; equally spaced in
            time.
        species: a symbol or several; all by default.
        drift: what is subtracted, see `unwrapped_positions.reference`.

    Raises:
        TrajectoryError: see `unwrapped_positions.paths`.

    >>> from ionface.analysis.trajectory.trajectory import Trajectory
    >>> cell, steps = np.diag([9.0, 9.0, 9.0]), np.arange(5.0)
    >>> flight = steps[:, None, None] * np.array([[[0.5, 0, 0]]])
    >>> run = Trajectory.from_arrays(["Li"], cell, flight, timestep_fs=2.0)
    >>> msd(run, drift="none").along("Li").round(6).tolist()  # ballistic: (v t)²
    [0.0, 0.25, 1.0, 2.25, 4.0]
    """
    moved = paths(trajectory, species, drift=drift)
    names = list(dict.fromkeys(moved.species))
    return Msd(
        lags_fs=moved.interval_fs * np.arange(len(moved.positions), dtype=np.float64),
        curves={name: _by_direction(axis_msd(moved.of(name))) for name in names},
        atoms={name: moved.species.count(name) for name in names},
        drift=moved.drift,
        notes=moved.notes,
        provenance=moved.provenance,
    )


def _by_direction(axes: FloatArray) -> dict[str, FloatArray]:
    return {name: axes[:, list(kept)].sum(axis=1) for name, kept in DIRECTIONS.items()}


def axes_of(direction: str) -> list[int]:
    """Return the axes of the interface's frame that a direction counts.

    Raises:
        AnalysisError: no such direction.
    """
    if direction not in DIRECTIONS:
        raise AnalysisError(f"no direction {direction!r}; have {sorted(DIRECTIONS)}")
    return list(DIRECTIONS[direction])


def _shape(positions: FloatArray) -> tuple[int, int]:
    if positions.ndim != 3 or positions.shape[2] != 3 or 0 in positions.shape:
        raise AnalysisError(
            f"displacements need positions of shape (n_frames, n_atoms, 3) with at "
            f"least one of each, got {positions.shape}"
        )
    return positions.shape[0], positions.shape[1]


def _blocks(positions: FloatArray) -> Iterator[tuple[slice, FloatArray]]:
    """Yield a few atoms at a time, centered: large coordinates cost no digits."""
    number = max(1, _BLOCK // (12 * len(positions)))
    for start in range(0, positions.shape[1], number):
        atoms = slice(start, start + number)
        block = positions[:, atoms]
        yield atoms, block - block.mean(axis=0)


def _power(block: FloatArray) -> FloatArray:
    from scipy.fft import next_fast_len, rfft

    length = next_fast_len(2 * len(block) - 1, real=True)  # padded: no wrap-around
    spectrum = rfft(np.ascontiguousarray(block.transpose(1, 2, 0)), n=length)
    power = spectrum.real**2 + spectrum.imag**2
    return np.asarray(power.transpose(2, 0, 1), dtype=np.float64)


def _correlation(power: FloatArray, n_frames: int) -> FloatArray:
    from scipy.fft import irfft, next_fast_len

    length = next_fast_len(2 * n_frames - 1, real=True)
    products = irfft(np.ascontiguousarray(np.moveaxis(power, 0, -1)), n=length)
    return np.moveaxis(np.asarray(products, dtype=np.float64)[..., :n_frames], -1, 0)


def _displacements(squares: FloatArray, products: FloatArray) -> FloatArray:
    """Return <r(t+m)²> + <r(t)²> - 2 <r(t+m) r(t)> for every lag m, along axis 0."""
    n = len(squares)
    both = np.cumsum(squares, axis=0)[::-1] + np.cumsum(squares[::-1], axis=0)[::-1]
    origins = (n - np.arange(n)).reshape((n,) + (1,) * (squares.ndim - 1))
    result = (both - 2 * products) / origins
    result[0] = 0.0
    return np.asarray(np.maximum(result, 0.0), dtype=np.float64)
