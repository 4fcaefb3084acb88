"""What a bond is, and how many there are in each frame.

`bond_length` and `BondRule` are the one rule of all that counts bonds: `bonds` here,
the reactions (with hysteresis), a dynamics that stops itself, the state of a running
job. The count needs no volume and no density; it is what grows when an interface
reacts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ionface.analysis.pairs import pair_name, parse_pair
from ionface.analysis.rdf.kernels.counting import Backend, tally
from ionface.analysis.rdf.kernels.images import Bins, Counts
from ionface.analysis.readers import open_trajectory
from ionface.analysis.result import Provenance, Result, plain
from ionface.analysis.trajectory.frames import FloatArray
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

BOND_LENGTHS = {"In-S": 3.0, "In-Cl": 3.1, "P-S": 2.6}
"""Longest distance that counts as a bond, Å. Crystalline InS bonds at 2.56-2.58 Å, InCl
at 2.84-2.87 Å and next at 3.20 Å, PS4 at 2.05 Å with the next shell beyond 3.5 Å."""

RADII_FACTOR = 1.2
"""Other pairs are bonded within so many times the sum of their covalent radii
(Cordero et al., Dalton Trans. 2008, 2832, doi:10.1039/b801115j)."""

RELEASE_FACTOR = 1.15
"""A bond breaks beyond so many times the length within which it forms: In-S forms
within 3.0 Å and breaks beyond 3.45 Å, In-Cl 3.1 and 3.57 Å, P-S 2.6 and 2.99 Å."""

RESIDENCE = 100.0
"""fs; about one period of an In-S or In-Cl stretch (250-300 cm⁻¹: 110-130 fs)."""


def bond_length(pair: str | tuple[str, str]) -> float:
    """Return the longest distance that counts as a bond, Å.

    Raises:
        AnalysisError: a symbol is no element.
    """
    from ase.data import atomic_numbers, covalent_radii

    first, second = parse_pair(pair)
    for name in (f"{first}-{second}", f"{second}-{first}"):
        if name in BOND_LENGTHS:
            return BOND_LENGTHS[name]
    if unknown := [s for s in (first, second) if s not in atomic_numbers]:
        raise AnalysisError(
            f"{unknown} are no chemical elements; check the pair {pair!r}"
        )
    numbers = [atomic_numbers[symbol] for symbol in (first, second)]
    return float(RADII_FACTOR * covalent_radii[numbers].sum())


@dataclass(frozen=True)
class BondRule:
    """What counts as a bond of a pair.

    Attributes:
        form: a bond forms within this distance, Å.
        release: it breaks beyond this distance, Å; at least `form`.
        residence_fs: shorter gaps are bridged, shorter bonds are none.
    """

    form: float
    release: float
    residence_fs: float = RESIDENCE

    def __post_init__(self) -> None:
        """Refuse lengths in the wrong order."""
        if not (0 < self.form <= self.release < np.inf and self.residence_fs >= 0):
            raise AnalysisError(
                "a bond forms within a positive distance and breaks beyond one that is "
                f"not shorter; got form={self.form} Å, release={self.release} Å, "
                f"residence={self.residence_fs} fs"
            )

    @classmethod
    def of(
        cls, pair: str | tuple[str, str], residence_fs: float = RESIDENCE
    ) -> BondRule:
        """Return the default rule of a pair: `bond_length` and RELEASE_FACTOR."""
        length = bond_length(pair)
        return cls(length, RELEASE_FACTOR * length, residence_fs)


@dataclass(frozen=True, repr=False)
class BondCounts(Result):
    """Number of bonds in each frame.

    Attributes:
        times_fs: fs, shape (n_frames,); NaN without a time axis.
        counts: by pair, as in "In-S": bonds, each counted once, shape (n_frames,).
        cutoffs: by pair: the longest distance of a bond, Å.
        atoms: by pair: number of atoms of the first species.
        windows: of time, for tables.
    """

    kind: ClassVar[str] = "bonds"
    figure: ClassVar[str] = "ionface.analysis.figures.bonds_figure:figure_bonds"

    times_fs: FloatArray
    counts: Mapping[str, Counts]
    cutoffs: Mapping[str, float]
    atoms: Mapping[str, int]
    windows: int = 10

    def window_means(self, windows: int) -> dict[str, FloatArray]:
        """Return the mean number of bonds in equal windows of frames.

        Returns:
            By pair, shape (n_windows,); fewer windows if there are fewer frames.
        """
        return {
            name: window_means(series, windows) for name, series in self.counts.items()
        }

    def values(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "times_fs": plain(self.times_fs),
            "counts": plain(self.counts),
            "cutoffs": dict(self.cutoffs),
            "atoms": dict(self.atoms),
            "windows": self.windows,
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the counts that `values` wrote."""
        return cls(
            times_fs=np.array(data["times_fs"], dtype=np.float64),
            counts={k: np.array(v, dtype=np.int64) for k, v in data["counts"].items()},
            cutoffs=data["cutoffs"],
            atoms=data["atoms"],
            windows=data.get("windows", cls.windows),
            provenance=provenance,
        )

    def rows(self) -> Iterator[dict[str, float]]:
        """Yield one row per frame."""
        for frame, time in enumerate(self.times_fs):
            numbers = {name: int(row[frame]) for name, row in self.counts.items()}
            yield {"time_fs": float(time), **numbers}

    def summary(self) -> str:
        """Return how many bonds there are in the first and the last frame."""
        return ", ".join(
            f"{name} {row[0]} to {row[-1]}" for name, row in self.counts.items()
        )

    @classmethod
    def of(
        cls, trajectory: Trajectory, lengths: Mapping[str, float], counts: Counts
    ) -> BondCounts:
        """Return the counts of pairs, shape (n_pairs, n_frames), with their names."""
        return cls(
            times_fs=trajectory.times_or_nan_fs,
            counts=dict(zip(lengths, counts, strict=True)),
            cutoffs=dict(lengths),
            atoms={
                name: len(trajectory.indices(parse_pair(name)[0])) for name in lengths
            },
            provenance=Provenance.of(trajectory),
        )


def window_means(series: Counts, windows: int) -> FloatArray:
    """Return the means of a series in equal windows, (n_windows,); never empty ones."""
    number = max(1, min(windows, len(series)))
    return np.array([part.mean() for part in np.array_split(series, number)])


def bonds(
    trajectory: Any,
    pairs: Iterable[str | tuple[str, str]] | Mapping[str, float],
    *,
    threads: int | None = None,
    backend: Backend = "auto",
) -> BondCounts:
    """Return the number of bonds of each pair in every frame, over all images.

    Args:
        trajectory: whatever `open_trajectory` takes; positions may be wrapped or not,
            the cell may change, and no time axis is needed.
        pairs: as in "In-S", with `bond_length` as the cutoff; or a mapping from such
            names to cutoffs, Å.
        threads: as in `RdfSettings`.
        backend: as in `RdfSettings`.

    Raises:
        AnalysisError: a species is missing, a pair is not written as A-B, a cutoff is
            not positive, or there is no frame.

    >>> cell = np.diag([10.0, 10.0, 10.0])
    >>> frames = [[[0, 0, 0], [4.0, 0, 0]], [[0, 0, 0], [2.6, 0, 0]]]
    >>> run = Trajectory.from_arrays(["In", "S"], cell, frames)
    >>> bonds(run, ["In-S"]).counts["In-S"].tolist()
    [0, 1]
    """
    frames = open_trajectory(trajectory)
    lengths = bond_lengths(pairs)
    if not lengths:
        raise AnalysisError("no pair whose bonds could be counted; name one, as In-S")
    counted = tally(
        frames,
        [parse_pair(name) for name in lengths],
        Bins(max(lengths.values()), 1),
        bonds=list(lengths.values()),
        threads=threads,
        backend=backend,
    )
    return BondCounts.of(frames, lengths, counted.bonds)


def bond_lengths(
    pairs: Iterable[str | tuple[str, str]] | Mapping[str, float],
) -> dict[str, float]:
    """Return the bond length of each pair, Å: the given one, or `bond_length`.

    Raises:
        AnalysisError: a pair is not written as A-B, or a length is not positive.
    """
    given = dict(pairs) if isinstance(pairs, Mapping) else {}
    parsed = [(pair, parse_pair(pair)) for pair in pairs]
    lengths = {pair_name(p): float(given.get(k) or bond_length(p)) for k, p in parsed}
    if wrong := {name: x for name, x in lengths.items() if not 0 < x < np.inf}:
        raise AnalysisError(f"bond lengths must be positive, in Å; got {wrong}")
    return lengths
