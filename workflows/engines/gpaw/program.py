"""What GPAW is told: a pure function of a study's settings and a structure.

Data flow: study -> `GpawProgram`, plain data that jobs carry -> `parameters` of one
structure, as GPAW's own keywords. Spin, moments, U, k-points, smearing and dipole are
read from the study's section `vasp`, by the same words as VASP's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal, Self

from ase.calculators.calculator import Calculator
from monty.json import MSONable
from pymatgen.core import Structure

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.errors import IonfaceError, NotInstalledError
from ionface.structures.ledger_cell import context, dipole_center
from ionface.workflows.engines.contract import StudySettings
from ionface.workflows.engines.gpaw.client import GpawCalculator
from ionface.workflows.engines.gpaw.setups import INSTALL, setup
from ionface.workflows.engines.k_mesh import mesh
from ionface.workflows.engines.vasp.hubbard import hubbard_keys

HARD = frozenset({"O", "C", "H", "N", "F"})
HARD_CUTOFF, CUTOFF = 550.0, 450.0
"""eV. Forces with C, O and H change by 0.004 eV/Å from 550 to 700 eV, by 0.03 from 480;
those of Li, P, S, Cl are converged at 400 (measured; N and F are as hard)."""

METAL_SPACING, SPACING = 0.25, 0.3
"""Å⁻¹, 2π included. At twice the spacing forces were wrong by 0.03 (an electrolyte) to
0.13 eV/Å (an indium slab)."""

WIDTH = 0.05  # eV; Li(100) and In(001) move by less than 1 meV per atom
CONVERGENCE = {"density": 1e-5, "energy": 2e-5}
"""Electrons per valence electron, eV per valence electron."""

READ = ("ENCUT", "ISPIN", "MAGMOM", "LDAUU", "LDAUJ", "LDAUL", "SIGMA")
"""Keys of vasp.incar that have the same meaning here."""

SHELLS = "spdf"
Job = Literal["energy", "bulk", "relaxation", "dynamics"]
"""What a calculator is for: a single point, the relaxation of a crystal with its
symmetry, any other relaxation, dynamics (at Γ alone, as with VASP)."""


@dataclass(frozen=True)
class GpawProgram(MSONable):
    """GPAW with a study's settings; a `CalculatorSource`.

    Attributes:
        functional: of exchange and correlation.
        cutoff: of the plane waves, eV.
        mode: plane waves or atomic orbitals.
        basis: of the orbitals.
        spacing: largest distance between k-points, Å⁻¹; None for the rule above.
        width: of the Fermi-Dirac smearing, eV.
        dipole: auto (slabs with vacuum), on, off.
        spin: whether electrons of both spins differ.
        moments: starting moment of each element, Bohr magnetons.
        hubbard: U - J in eV and shell of each element, as in {"Ti": (4.2, "d")}.
        iterations: of the electrons at most, before the mixing is changed.
        ranks: MPI processes.
        memory: that a job may take, GB.
        mpi: the command that starts so many processes.
        walltime: of one batch job, h.
        job: what it is for.
    """

    functional: str = "PBE"
    cutoff: float = HARD_CUTOFF
    mode: Literal["pw", "lcao"] = "pw"
    basis: str = "dzp"
    spacing: float | None = None
    width: float = WIDTH
    dipole: str = "auto"
    spin: bool = False
    moments: dict[str, float] = field(default_factory=dict)
    hubbard: dict[str, tuple[float, str]] = field(default_factory=dict)
    iterations: int = 150
    ranks: int = 1
    memory: float | None = None
    mpi: str = "mpiexec --bind-to none -n {ranks}"
    walltime: float | None = None
    job: Job = "energy"

    @classmethod
    def of(cls, settings: StudySettings) -> Self:
        """Return GPAW with what a study sets.

        Raises:
            IonfaceError: a setting that GPAW does not know.
        """
        vasp, dft, incar = settings.vasp, settings.dft, settings.vasp.incar
        _check_known(incar, vasp.dispersion)
        given = dft.cutoff or incar.get("ENCUT")
        hard = HARD.intersection(settings.elements())
        return cls(
            functional=settings.protocol.functional,
            cutoff=float(given or (HARD_CUTOFF if hard else CUTOFF)),
            mode=dft.mode,
            basis=dft.basis,
            spacing=vasp.k_spacing,
            width=float(incar.get("SIGMA", WIDTH)),
            dipole=str(vasp.dipole),
            spin=int((hubbard_keys(incar) | incar).get("ISPIN", 1)) == 2,
            moments=dict(incar.get("MAGMOM", {})),
            hubbard=_hubbard(incar),
            iterations=dft.iterations,
            ranks=dft.ranks,
            memory=dft.memory,
            mpi=dft.mpi,
            walltime=vasp.walltime,
        )

    @property
    def name(self) -> str:
        """Return how users call the engine."""
        return "gpaw"

    def check_elements(self, symbols: Iterable[str], where: str) -> None:
        """Refuse elements without a PAW data set; tell nothing where none are."""
        for symbol in sorted(set(symbols)):
            try:
                setup(symbol, self.functional)
            except NotInstalledError:
                return
            except IonfaceError as error:
                raise IonfaceError(f"{where}: {error}") from error

    def electrons(self, structure: Structure) -> float:
        """Return the number of valence electrons.

        Raises:
            IonfaceError: an element has no PAW data set.
        """
        amounts = structure.composition.get_el_amt_dict()
        return sum(n * setup(e, self.functional).valence for e, n in amounts.items())

    def check_electrons(self, structure: Structure) -> None:
        """Refuse an odd number of electrons in closed shells, but in a metal.

        Raises:
            IonfaceError: names the number.
        """
        electrons = round(self.electrons(structure))
        if electrons % 2 and not self.spin and not context(structure).metal:
            raise IonfaceError(
                f"{structure.formula} has {electrons} valence electrons, an odd "
                "number, which closed shells cannot hold; correct the composition, or "
                "set vasp: {incar: {ISPIN: 2}}"
            )

    def divisions(self, structure: Structure) -> tuple[int, int, int]:
        """Return the k-mesh of a structure, centered on Γ."""
        if self.job == "dynamics":
            return (1, 1, 1)
        cell = context(structure)
        rule = METAL_SPACING if cell.metal else SPACING
        return mesh(cell, self.spacing or rule)

    def has_dipole(self, structure: Structure) -> bool:
        """Tell whether the field of a slab's dipole in the vacuum is taken out.

        Relaxations that only prepare dynamics do without, as these do.
        """
        return (
            self.dipole != "off"
            and self.job != "dynamics"
            and (context(structure).vacuum > 0)
        )

    def magnetic_moments(self, structure: Structure) -> list[float] | None:
        """Return the starting moment of each atom; None without spin.

        Of 1 Bohr magneton each if none is given, as in VASP.
        """
        if not self.spin:
            return None
        other = 0.0 if self.moments else 1.0
        return [self.moments.get(site.specie.symbol, other) for site in structure]

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
        return GpawCalculator(start, self.ranks, self.mpi, lift)

    def level_of_theory(self, structure: Structure | None = None) -> LevelOfTheory:
        """Return what fixes the energies, with the data sets of a structure's elements.

        Raises:
            IonfaceError: GPAW is not installed here.
        """
        elements = [] if structure is None else sorted(structure.symbol_set)
        rule = f"{SPACING} per Å, {METAL_SPACING} with a metal"
        spacing = f"{self.spacing:g} per Å" if self.spacing else rule
        waves = self.mode if self.mode == "pw" else f"{self.mode}({self.basis})"
        return LevelOfTheory(
            code="gpaw",
            version=gpaw_version(),
            functional=self.functional,
            cutoff_ev=self.cutoff,
            k_points="Gamma" if self.job == "dynamics" else f"Gamma, {spacing}",
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
                for e in elements
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


def _check_known(incar: dict[str, Any], dispersion: str | None) -> None:
    if unknown := sorted(incar.keys() - set(READ)):
        raise IonfaceError(
            f"vasp.incar: {unknown[0]} has no meaning for the engine gpaw, which reads "
            f"{', '.join(READ)}; remove it, or compute with vasp"
        )
    if dispersion:
        raise IonfaceError(
            f"vasp.dispersion: {dispersion} is not available with the engine gpaw; "
            "leave it out, or compute with vasp"
        )


def _hubbard(incar: dict[str, Any]) -> dict[str, tuple[float, str]]:
    """Return U - J and shell by element, as Dudarev's form takes them."""
    keys = hubbard_keys(incar) | incar
    less, shells = keys.get("LDAUJ", {}), keys.get("LDAUL", {})
    return {
        element: (float(u) - float(less.get(element, 0.0)), SHELLS[shells[element]])
        for element, u in keys.get("LDAUU", {}).items()
    }
