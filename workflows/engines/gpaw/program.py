"""What GPAW is told: a pure function of a study's settings and a structure.

Data flow: study -> `GpawProgram`, plain data that jobs carry -> `parameters` of one
structure, as GPAW's own keywords. Spin, moments, U, k-points, smearing and dipole are
read from the study's section `vasp`, by the same words as VASP's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal, Self

from ase.calculators.calculator import Calculator
from pymatgen.core import Structure

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.errors import IonfaceError, NotInstalledError
from ionface.structures.ledger_cell import dipole_center
from ionface.workflows.engines.contract import StepCost, StudySettings
from ionface.workflows.engines.dft.program import DftProgram, shared_settings
from ionface.workflows.engines.gpaw.client import GpawCalculator
from ionface.workflows.engines.gpaw.cost import step_cost
from ionface.workflows.engines.gpaw.setups import INSTALL, check_basis, setup
from ionface.workflows.engines.vasp.hubbard import hubbard_keys

HARD = frozenset({"O", "C", "H", "N", "F"})
HARD_CUTOFF, CUTOFF = 550.0, 450.0
"""eV. Forces with C, O and H change by 0.004 eV/Å from 550 to 700 eV, by 0.03 from 480;
those of Li, P, S, Cl are converged at 400 (measured; N and F are as hard)."""

LEAST_CUTOFF = 200.0
"""eV, 15 Ry. No element of the data sets is described below; it was meant for Ry."""

CONVERGENCE = {"density": 1e-5, "energy": 2e-5}
"""Electrons per valence electron, eV per valence electron."""

READ = ("ENCUT", "ISPIN", "MAGMOM", "LDAUU", "LDAUJ", "LDAUL", "SIGMA")
"""Keys of vasp.incar that have the same meaning here."""

SHELLS = "spdf"


@dataclass(frozen=True)
class GpawProgram(DftProgram):
    """GPAW with a study's settings.

    Attributes:
        cutoff: of the plane waves, eV.
        mode: plane waves or atomic orbitals.
        basis: of the orbitals.
        hubbard: U - J in eV and shell of each element, as in {"Ti": (4.2, "d")}.
    """

    cutoff: float = HARD_CUTOFF
    mode: Literal["pw", "lcao"] = "pw"
    basis: str = "dzp"
    hubbard: dict[str, tuple[float, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: StudySettings) -> Self:
        """Return GPAW with what a study sets.

        Raises:
            IonfaceError: a setting that GPAW does not know, or too low a cutoff.
        """
        shared = shared_settings(settings, "gpaw", READ)
        dft, incar = settings.dft, settings.vasp.incar
        usual = HARD_CUTOFF if HARD.intersection(settings.elements()) else CUTOFF
        cutoff = float(dft.cutoff or incar.get("ENCUT") or usual)
        if cutoff < LEAST_CUTOFF:
            key = "dft.cutoff" if dft.cutoff else "vasp.incar: ENCUT"
            raise IonfaceError(
                f"{key} of {cutoff:g} eV is too low for gpaw, where it is that of wave "
                f"functions in eV; leave it out for {usual:g} eV, or give "
                f"{LEAST_CUTOFF:g} eV at least"
            )
        return cls(
            cutoff=cutoff,
            mode=dft.mode,
            basis=dft.basis or "dzp",
            hubbard=_hubbard(incar),
            **shared,
        )

    @property
    def name(self) -> str:
        """Return how users call the engine."""
        return "gpaw"

    def valence(self, symbol: str) -> float:
        """Return how many electrons of an element are computed."""
        return setup(symbol, self.functional).valence

    def check_data(self, symbol: str) -> None:
        """Refuse an element without a data set, or without the orbitals' basis."""
        super().check_data(symbol)
        if self.mode == "lcao":
            check_basis(symbol, self.basis)

    def step_cost(self, structure: Structure) -> StepCost:
        """Return what one ionic step costs, from runs that were measured."""
        return step_cost(self, structure)

    def parameters(self, structure: Structure) -> dict[str, Any]:
        """Return GPAW's keywords for a structure."""
        fixed = any(structure.site_properties.get("fixed") or [])
        symmetric = self.job in ("energy", "bulk") and not fixed
        waves = {"name": "pw", "ecut": self.cutoff}
        keywords: dict[str, Any] = {
            "mode": waves if self.mode == "pw" else {"name": "lcao"},
            "xc": self.functional,
            "kpts": {"size": self.divisions(structure), "gamma": True},
            "occupations": {"name": "fermi-dirac", "width": self.width},
            "convergence": CONVERGENCE,
            "maxiter": self.iterations,
            "symmetry": {"point_group": symmetric},
            "setups": {
                element: f":{shell},{energy}"
                for element, (energy, shell) in self.hubbard.items()
                if element in structure.symbol_set and energy
            },
        }
        if self.mode == "lcao":
            keywords["basis"] = self.basis
        if self.has_dipole(structure):
            keywords["poissonsolver"] = {"dipolelayer": "xy"}
        return keywords

    @contextmanager
    def opened(self, structure: Structure) -> Iterator[Calculator]:
        """Lend a calculator whose work a process of its own does.

        Raises:
            IonfaceError: GPAW is not installed, or the electrons cannot be.
        """
        gpaw_version()
        self.check_electrons(structure)
        calculator = self.calculator(structure)
        try:
            yield calculator
        finally:
            calculator.close()

    def calculator(self, structure: Structure) -> GpawCalculator:
        """Return a calculator of a structure; it starts GPAW when it is first asked."""
        dipole = self.has_dipole(structure)
        start = {
            "parameters": self.parameters(structure),
            "symbols": [site.specie.symbol for site in structure],
            "pbc": [True, True, not dipole],
            "moments": self.magnetic_moments(structure),
        }
        # GPAW's dipole layer lies at the cell's end, which atoms must not cross
        lift = 0.5 - dipole_center(structure)[2] if dipole else 0.0
        return GpawCalculator(start, self, lift)

    def level_of_theory(self, structure: Structure | None = None) -> LevelOfTheory:
        """Return what fixes the energies, with the data sets of a structure's elements.

        Raises:
            IonfaceError: GPAW is not installed here.
        """
        elements = [] if structure is None else sorted(structure.symbol_set)
        plane = self.mode == "pw"
        waves = self.mode if plane else f"{self.mode}({self.basis})"
        return LevelOfTheory(
            code="gpaw",
            version=gpaw_version(),
            functional=self.functional,
            model=None if plane else f"LCAO({self.basis})",
            cutoff_ev=self.cutoff if plane else None,
            k_points=self.k_rule,
            smearing=f"Fermi-Dirac {self.width} eV",
            pseudopotentials=tuple(setup(e, self.functional).title for e in elements),
            details=(
                f"mode={waves}",
                f"ISPIN={1 + self.spin}",
                f"dipole={self.dipole}",
                *(f"{name}={value:g}" for name, value in CONVERGENCE.items()),
            ),
            by_element={
                e: f"U-J={self.hubbard[e][0]} l={self.hubbard[e][1]}"
                if e in self.hubbard
                else ""
                for e in elements or self.hubbard
            },
        )


def gpaw_version() -> str:
    """Return the version of the GPAW that is installed.

    Raises:
        NotInstalledError: there is none.
    """
    try:
        return version("gpaw")
    except PackageNotFoundError:
        raise NotInstalledError(
            f"engine 'gpaw' needs GPAW, which is not installed here; {INSTALL}"
        ) from None


def _hubbard(incar: dict[str, Any]) -> dict[str, tuple[float, str]]:
    """Return U - J and shell by element, as Dudarev's form takes them."""
    keys = hubbard_keys(incar) | incar
    less, shells = keys.get("LDAUJ", {}), keys.get("LDAUL", {})
    return {
        element: (float(u) - float(less.get(element, 0.0)), SHELLS[shells[element]])
        for element, u in keys.get("LDAUU", {}).items()
    }
