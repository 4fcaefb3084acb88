"""What CP2K is told by a study, and what fixes its energies: plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from ase import units
from pymatgen.core import Structure

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.errors import IonfaceError
from ionface.workflows.engines.contract import StudySettings
from ionface.workflows.engines.cp2k.data_sets import (
    BASIS,
    DataSet,
    data_folder,
    data_set,
    program_path,
    version_of,
)
from ionface.workflows.engines.dft.program import DftProgram, shared_settings

CUTOFF = 300 * units.Rydberg
RELATIVE = 40 / 300  # of it: the grid that Gaussians are mapped onto
LEAST_CUTOFF = 1500.0
"""eV, of the density; 110 Ry. What is below was meant for wave functions."""

PRECISION = 1e-8
"""Of all integrals. 1e-10 costs four times as much: the functions of Li are diffuse."""

EPS_SCF = 1e-6  # of the density matrix
EMPTY = 0.1  # empty bands for each one that is filled, and some more in small cells
LEAST_EMPTY = 8
READ = ("ISPIN", "MAGMOM", "SIGMA")


@dataclass(frozen=True)
class Cp2kSettings(DftProgram):
    """CP2K with a study's settings.

    Attributes:
        cutoff: of the density, eV.
        basis: name of the basis sets.
        precision: of the integrals.
    """

    cutoff: float = CUTOFF
    basis: str = BASIS
    precision: float = PRECISION

    @classmethod
    def of(cls, settings: StudySettings) -> Self:
        """Return CP2K with what a study sets.

        Raises:
            IonfaceError: a setting that CP2K does not know.
        """
        cutoff = float(settings.dft.cutoff or CUTOFF)
        if cutoff < LEAST_CUTOFF:
            raise IonfaceError(
                f"dft.cutoff of {cutoff:g} eV is too low for cp2k, where it is that of "
                f"the density; leave it out for {CUTOFF:.0f} eV (300 Ry), or give "
                f"{LEAST_CUTOFF:g} eV at least"
            )
        shared = shared_settings(settings, "cp2k", READ)
        return cls(cutoff=cutoff, basis=settings.dft.basis or BASIS, **shared)

    @property
    def name(self) -> str:
        """Return how users call the engine."""
        return "cp2k"

    @property
    def relative_cutoff(self) -> float:
        """Return the cutoff of the grid that a Gaussian is mapped onto, eV."""
        return RELATIVE * self.cutoff

    def data_set(self, symbol: str) -> DataSet:
        """Return what an element is computed with.

        Raises:
            IonfaceError: there are no data for it.
        """
        return data_set(symbol, self.functional, self.basis, data_folder())

    def valence(self, symbol: str) -> float:
        """Return how many electrons of an element are computed."""
        return self.data_set(symbol).valence

    def functions(self, structure: Structure) -> int:
        """Return the number of basis functions."""
        amounts = structure.composition.get_el_amt_dict()
        return round(sum(n * self.data_set(e).functions for e, n in amounts.items()))

    def empty_bands(self, structure: Structure) -> int:
        """Return how many bands are computed beyond those that are filled."""
        filled = (round(self.electrons(structure)) + 1) // 2
        wanted = LEAST_EMPTY + round(EMPTY * filled)
        return min(wanted, self.functions(structure) - filled)

    def level_of_theory(self, structure: Structure | None = None) -> LevelOfTheory:
        """Return what fixes the energies, with the data of a structure's elements.

        Raises:
            IonfaceError: CP2K is not installed here.
        """
        elements = [] if structure is None else sorted(structure.symbol_set)
        titles = [t for e in elements for t in self.data_set(e).titles(e)]
        return LevelOfTheory(
            code="cp2k",
            version=version_of(program_path()),
            functional=self.functional,
            cutoff_ev=round(self.cutoff, 3),
            k_points=self.k_rule,
            smearing=f"Fermi-Dirac {self.width} eV",
            pseudopotentials=tuple(titles),
            details=(
                f"basis={self.basis}",
                f"REL_CUTOFF={self.relative_cutoff:.3f} eV",
                f"EPS_DEFAULT={self.precision:g}",
                f"EPS_SCF={EPS_SCF:g}",
                f"ISPIN={1 + self.spin}",
                f"dipole={self.dipole}",
            ),
        )
