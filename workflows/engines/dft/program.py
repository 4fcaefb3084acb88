"""What a first-principles program is told, by the words of VASP, whatever it is.

Data flow: study -> `shared_settings` -> a program's own class -> keywords of one
structure. A program is plain data that jobs carry.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from ase.calculators.calculator import Calculator
from monty.json import MSONable
from pymatgen.core import Structure

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.errors import IonfaceError, KilledError, NotInstalledError
from ionface.structures.clusters import CORE
from ionface.structures.ledger_cell import context
from ionface.workflows.engines.contract import StepCost, StudySettings
from ionface.workflows.engines.k_mesh import mesh
from ionface.workflows.engines.vasp.hubbard import hubbard_keys

METAL_SPACING, SPACING = 0.25, 0.3
"""Å⁻¹, 2π included. At twice the spacing forces were wrong by 0.03 (an electrolyte) to
0.13 eV/Å (an indium slab)."""

KILLED = (-9, -15, 137, 143)
"""Exit statuses of SIGKILL and SIGTERM: of a program, and as shells and MPI tell it."""

WIDTH = 0.05  # eV; Li(100) and In(001) move by less than 1 meV per atom

Job = Literal["energy", "bulk", "relaxation", "dynamics"]
"""What a calculation is for: a single point, the relaxation of a crystal with its
symmetry, any other relaxation, dynamics (at Γ alone, as with VASP)."""


@dataclass(frozen=True)
class DftProgram(MSONable, ABC):
    """A program with a study's settings; a `CalculatorSource`.

    Attributes:
        cutoff: of the plane waves (CP2K: of the density's), eV.
        functional: of exchange and correlation.
        spacing: largest distance between k-points, Å⁻¹; None for the rule above.
        width: of the Fermi-Dirac smearing, eV.
        dipole: auto (slabs with vacuum), on, off.
        spin: whether electrons of both spins differ.
        moments: starting moment of each element, Bohr magnetons.
        iterations: of the electrons at most, before the mixing is changed.
        ranks: MPI processes.
        memory: that a job may take, GB.
        mpi: the command that starts so many processes.
        walltime: of one batch job, h.
        job: what it is for.
    """

    cutoff: float = 0.0
    functional: str = "PBE"
    spacing: float | None = None
    width: float = WIDTH
    dipole: str = "auto"
    spin: bool = False
    moments: dict[str, float] = field(default_factory=dict)
    iterations: int = 150
    ranks: int = 1
    memory: float | None = None
    mpi: str = "mpiexec --bind-to none -n {ranks}"
    walltime: float | None = None
    job: Job = "energy"

    @classmethod
    @abstractmethod
    def of(cls, settings: StudySettings) -> Self:
        """Return the program with what a study sets.

        Raises:
            IonfaceError: a setting that the program does not know.
        """

    @property
    @abstractmethod
    def name(self) -> str:
        """Return how users call the engine."""

    @abstractmethod
    def valence(self, symbol: str) -> float:
        """Return how many electrons of an element are computed.

        Raises:
            IonfaceError: there are no data for the element.
        """

    @abstractmethod
    def level_of_theory(self, structure: Structure | None = None) -> LevelOfTheory:
        """Return what fixes the energies, with the data of a structure's elements."""

    @abstractmethod
    def opened(self, structure: Structure) -> AbstractContextManager[Calculator]:
        """Lend a calculator for one job."""

    @abstractmethod
    def step_cost(self, structure: Structure) -> StepCost:
        """Return what one ionic step costs, from runs that were measured."""

    def check_elements(self, symbols: Iterable[str], where: str) -> None:
        """Refuse elements without data; tell nothing where no data are installed."""
        for symbol in sorted(set(symbols)):
            try:
                self.check_data(symbol)
            except NotInstalledError:
                return
            except IonfaceError as error:
                raise IonfaceError(f"{where}: {error}") from error

    def check_data(self, symbol: str) -> None:
        """Refuse an element without data.

        Raises:
            IonfaceError: there are none.
        """
        self.valence(symbol)

    def electrons(self, structure: Structure) -> float:
        """Return the number of valence electrons.

        Raises:
            IonfaceError: there are no data for an element.
        """
        amounts = structure.composition.get_el_amt_dict()
        return sum(n * self.valence(element) for element, n in amounts.items())

    def check_electrons(self, structure: Structure) -> None:
        """Refuse an odd number of electrons in closed shells, but in a metal.

        A cluster that was cut out of a cell has cut bonds at its rim, which do not
        count: there the smearing may hold half an electron, too.

        Raises:
            IonfaceError: names the number.
        """
        electrons = round(self.electrons(structure))
        cut = not all(structure.site_properties.get(CORE, [True]))
        smeared = context(structure).metal or cut
        if electrons % 2 and not self.spin and not smeared:
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

    @property
    def k_rule(self) -> str:
        """Return the rule of the k-mesh in words, for the level of theory."""
        rule = f"{SPACING} per Å, {METAL_SPACING} with a metal"
        spacing = f"{self.spacing:g} per Å" if self.spacing else rule
        return "Gamma" if self.job == "dynamics" else f"Gamma, {spacing}"

    def has_dipole(self, structure: Structure) -> bool:
        """Tell whether the field of a slab's dipole in the vacuum is taken out.

        A cluster's points anywhere, and no layer of dipoles takes it out. Relaxations
        that only prepare dynamics do without, as these do.
        """
        if self.dipole == "off" or self.job == "dynamics":
            return False
        cell = context(structure)
        return cell.vacuum > 0 and not cell.isolated

    def magnetic_moments(self, structure: Structure) -> list[float] | None:
        """Return the starting moment of each atom; None without spin.

        Of 1 Bohr magneton each if none is given, as in VASP.
        """
        if not self.spin:
            return None
        other = 0.0 if self.moments else 1.0
        return [self.moments.get(site.specie.symbol, other) for site in structure]


def shared_settings(
    settings: StudySettings, name: str, read: Sequence[str]
) -> dict[str, Any]:
    """Return the attributes of `DftProgram` that a study sets.

    Args:
        settings: of the study.
        name: of the engine.
        read: the keys of vasp.incar that have the same meaning for it.

    Raises:
        IonfaceError: a key, or a dispersion, that it does not know.
    """
    vasp, dft, incar = settings.vasp, settings.dft, settings.vasp.incar
    if unknown := sorted(incar.keys() - set(read)):
        raise IonfaceError(
            f"vasp.incar: {unknown[0]} has no meaning for the engine {name}, which "
            f"reads {', '.join(read)}; remove it, or compute with vasp"
        )
    if vasp.dispersion:
        raise IonfaceError(
            f"vasp.dispersion: {vasp.dispersion} is not available with the engine "
            f"{name}; leave it out, or compute with vasp"
        )
    return {
        "functional": settings.protocol.functional,
        "spacing": vasp.k_spacing,
        "width": float(incar.get("SIGMA", WIDTH)),
        "dipole": str(vasp.dipole),
        "spin": int((hubbard_keys(incar) | incar).get("ISPIN", 1)) == 2,
        "moments": dict(incar.get("MAGMOM", {})),
        "iterations": dft.iterations,
        "ranks": dft.ranks,
        "memory": dft.memory,
        "mpi": dft.mpi,
        "walltime": vasp.walltime,
    }


MPI_ENVIRONMENT = {
    # containers often know no other user, and Open MPI refuses this one
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
}


KEEP_FREED_MEMORY = {
    # glibc asks the system for large arrays anew in every electronic step: a fifth of
    # the processor time of 90 atoms in plane waves went into clearing its pages
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
}


def command(program: DftProgram, words: Sequence[str]) -> list[str]:
    """Return the command that starts a program's processes, one or several."""
    if program.ranks == 1:
        return list(words)
    return [*shlex.split(program.mpi.format(ranks=program.ranks)), *words]


@contextmanager
def starting(program: DftProgram, words: Sequence[str]) -> Iterator[dict[str, str]]:
    """Lend the environment in which a command is started.

    Raises:
        IonfaceError: what starts MPI processes is not there.
    """
    try:
        yield {
            **KEEP_FREED_MEMORY,
            **os.environ,
            "OMP_NUM_THREADS": "1",
            **MPI_ENVIRONMENT,
        }
    except FileNotFoundError:
        raise IonfaceError(
            f"{words[0]} is not on the PATH, and {program.ranks} ranks need it; "
            "install Open MPI, set dft.mpi to the command of this machine, or "
            "dft.ranks to 1"
        ) from None


def failure(message: str, process: subprocess.Popen[Any]) -> IonfaceError:
    """Return the error of a program that has ended, of another kind if it was killed.

    Args:
        message: what is told.
        process: that has ended, or is about to.
    """
    kind = KilledError if process.wait() in KILLED else IonfaceError
    return kind(message)
