"""The electrostatic potential along the normal, and the work functions of a slab.

From LOCPOT as VASP writes it with LVHAR (ionic and Hartree potential, without exchange
and correlation, which die out slowly in vacuum), averaged over planes.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from ionface.analysis.energies.empty_layer import empty_layer
from ionface.analysis.readers.emulation_mark import emulated_model
from ionface.analysis.readers.text import open_binary
from ionface.analysis.readers.vasp_terms import COMPRESSED
from ionface.analysis.result import Provenance, Result, plain
from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError

PLATEAU = (0.3, 0.42)
"""Where the vacuum's level is read, in parts of the vacuum from the surface: beyond the
tails of the electrons, before the step of the dipole correction in the middle."""

THINNEST = 8.0
"""Å of vacuum; in a thinner one the plateaus lie within the tails of the surfaces."""

FLAT = 0.05
"""eV; a level that varies by more over its plateau is told as uncertain."""

_FERMI = re.compile(rb'<i name="efermi">\s*(-?\d+\.\d+)')


@dataclass(frozen=True, repr=False)
class PlanarPotential(Result):
    """The potential of an electron averaged over planes across the normal.

    Attributes:
        heights: along the normal, Å, shape (n,).
        potential: eV, shape (n,).
        atoms: heights of the atoms by species, Å.
        period: along the normal, Å; the cell's height.
        fermi: Fermi energy, eV; None where it is not known.
        vacuum: levels above the upper and below the lower surface, eV; None without
            a vacuum.
        ripple: how much the potential varies over the plateaus, eV.
    """

    kind = "potential"
    figure = "ionface.analysis.figures.potential_figure:figure_potential"
    units = {  # noqa: RUF012
        "heights": "Å",
        "potential": "eV",
        "atoms": "Å",
        "period": "Å",
        "fermi": "eV",
        "vacuum": "eV",
        "ripple": "eV",
        "work_functions": "eV",
    }

    heights: FloatArray
    potential: FloatArray
    atoms: Mapping[str, FloatArray]
    period: float
    fermi: float | None
    vacuum: tuple[float, float] | None
    ripple: float

    @property
    def work_functions(self) -> tuple[float, float] | None:
        """Return those of the upper and the lower surface, eV, if they are known."""
        if self.vacuum is None or self.fermi is None:
            return None
        upper, lower = self.vacuum
        return upper - self.fermi, lower - self.fermi

    def macroscopic(self, length: float) -> FloatArray:
        """Return the running mean over a length, twice: a step without its ripples.

        Baldereschi, Baroni and Resta, doi:10.1103/PhysRevLett.61.734. With the distance
        of two planes of a crystal as length its interior becomes flat.

        Args:
            length: Å, below the cell's height.

        Raises:
            AnalysisError: the length is none.
        """
        if not 0 < length < self.period:
            raise AnalysisError(
                "a macroscopic average is taken over a length between 0 and the cell's "
                f"height of {self.period:.2f} Å, got {length=}"
            )
        waves = np.fft.rfftfreq(len(self.heights), self.period / len(self.heights))
        box = np.sinc(waves * length)
        spectrum = np.fft.rfft(self.potential) * box**2
        return np.asarray(np.fft.irfft(spectrum, n=len(self.heights)))

    def values(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "heights": plain(self.heights),
            "potential": plain(self.potential),
            "atoms": plain(self.atoms),
            "period": self.period,
            "fermi": self.fermi,
            "vacuum": plain(self.vacuum),
            "ripple": self.ripple,
            "work_functions": plain(self.work_functions),
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the potential of plain values."""
        vacuum = data["vacuum"]
        return cls(
            heights=np.asarray(data["heights"], dtype=np.float64),
            potential=np.asarray(data["potential"], dtype=np.float64),
            atoms={
                s: np.asarray(z, dtype=np.float64) for s, z in data["atoms"].items()
            },
            period=data["period"],
            fermi=data["fermi"],
            vacuum=None if vacuum is None else (vacuum[0], vacuum[1]),
            ripple=data["ripple"],
            provenance=provenance,
        )

    def rows(self) -> Iterator[dict[str, float]]:
        """Yield one row per height."""
        for height, value in zip(self.heights, self.potential, strict=True):
            yield {"height (Å)": float(height), "potential (eV)": float(value)}

    def summary(self) -> str:
        """Return the work functions, or why there are none."""
        if self.vacuum is None:
            return f"no vacuum of {THINNEST:g} Å: no work function"
        if self.fermi is None:
            return "the Fermi energy is not known: no work function"
        upper, lower = self.work_functions or self.vacuum
        doubt = f", uncertain by {self.ripple:.2f} eV" if self.ripple > FLAT else ""
        return (
            f"work function {upper:.3f} eV of the upper and {lower:.3f} eV of the "
            f"lower surface{doubt}"
        )


def planar_potential(
    path: str | os.PathLike[str], *, fermi: float | None = None
) -> PlanarPotential:
    """Return the planar average of a LOCPOT along the third cell vector.

    Args:
        path: of LOCPOT, plain or compressed, or of its directory.
        fermi: Fermi energy, eV; read from the vasprun.xml beside it if None.

    Raises:
        AnalysisError: there is no LOCPOT, or it cannot be read.
    """
    from pymatgen.io.vasp import Locpot

    file = _find(Path(path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of names in old POSCAR headers
            grid = Locpot.from_file(file)
        average = np.asarray(grid.get_average_along_axis(2), dtype=np.float64)
    except (OSError, EOFError, ValueError, IndexError, KeyError) as error:
        raise AnalysisError(
            f"{file} is no whole LOCPOT ({error}); run the single point again with "
            "LVHAR = .TRUE. (vasp: {keep: [potential]})"
        ) from error
    structure = grid.structure
    lattice = structure.lattice.matrix
    area = float(np.linalg.norm(np.cross(lattice[0], lattice[1])))
    period = float(structure.volume) / area
    inside = structure.frac_coords[:, 2] % 1.0
    symbols = np.array([site.specie.symbol for site in structure])
    vacuum, ripple = _vacuum_levels(average, inside, period)
    return PlanarPotential(
        heights=np.arange(len(average)) / len(average) * period,
        potential=average,
        atoms={
            s: np.sort(inside[symbols == s]) * period for s in dict.fromkeys(symbols)
        },
        period=period,
        fermi=_fermi(file.parent) if fermi is None else fermi,
        vacuum=vacuum,
        ripple=ripple,
        provenance=Provenance(
            emulated=emulated_model(file.parent) is not None, sources=(str(file),)
        ),
    )


def _vacuum_levels(
    average: FloatArray, inside: FloatArray, period: float
) -> tuple[tuple[float, float] | None, float]:
    """Return the levels above the upper and below the lower surface, and the ripple.

    Args:
        average: potential, eV, shape (n,).
        inside: heights of the atoms, in parts of the period, shape (n_atoms,).
        period: Å.
    """
    top, gap = empty_layer(inside)
    if gap * period < THINNEST:
        return None, 0.0
    places = (np.arange(len(average)) / len(average) - top) % 1.0 / gap
    near, far = PLATEAU
    plateaus = [
        average[(places >= start) & (places <= stop)]
        for start, stop in ((near, far), (1 - far, 1 - near))
    ]
    upper, lower = (float(plateau.mean()) for plateau in plateaus)
    return (upper, lower), max(float(np.ptp(plateau)) for plateau in plateaus)


def _find(path: Path) -> Path:
    if path.is_file():
        return path
    for ending in COMPRESSED:
        if (file := path / f"LOCPOT{ending}").is_file():
            return file
    raise AnalysisError(
        f"no LOCPOT in {path}; a single point writes one with vasp: {{keep: "
        "[potential]}, which sets LVHAR"
    )


def _fermi(folder: Path) -> float | None:
    """Return the last Fermi energy of the vasprun.xml of a folder, eV."""
    for ending in COMPRESSED:
        file = folder / f"vasprun.xml{ending}"
        if file.is_file():
            with open_binary(file) as stream:
                found = [m for line in stream for m in _FERMI.findall(line)]
            return float(found[-1]) if found else None
    return None
