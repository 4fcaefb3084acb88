"""A first-principles program as an engine: the Makers of `ase`, with the program."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import psutil
from jobflow import Maker
from monty.json import MSONable
from pymatgen.core import Structure

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.errors import IonfaceError
from ionface.workflows.engines.ase.relax import Curvature, PotentialRelaxMaker
from ionface.workflows.engines.contract import (
    Engine,
    RelaxSettings,
    StepCost,
    StudySettings,
)
from ionface.workflows.engines.dft.curvature import curvature
from ionface.workflows.engines.dft.program import DftProgram
from ionface.workflows.engines.pre_relaxation import (
    SETTINGS,
    check_potential,
    prerelaxed,
)
from ionface.workflows.engines.records import RunRecord

RESERVE_S = 300  # of a batch job's wall time, in which no step can end


@dataclass(frozen=True, repr=False)
class DftEngine(MSONable, Engine):
    """A program with one study's settings; dynamics are each program's own.

    Attributes:
        program: and what it is told.
        prerelax: potential that relaxes atoms before the program does; None for none.
    """

    program: DftProgram
    prerelax: Engine | None = None

    @property
    def name(self) -> str:  # type: ignore[override]  # nobody sets it
        """Return how users call it."""
        return self.program.name

    def configured(
        self, settings: StudySettings, find: Callable[[str], Engine]
    ) -> Self:
        """Return the engine with a study's protocol and sections `vasp` and `dft`."""
        chosen = settings.vasp.prerelax or "off"
        return replace(
            self,
            program=type(self.program).of(settings),
            prerelax=None if chosen == "off" else find(chosen),
        )

    def level_of_theory(self) -> LevelOfTheory:
        """Return what is asked for; records have the data of their elements."""
        return self.program.level_of_theory()

    def check_elements(self, symbols: Iterable[str], where: str) -> None:
        """Refuse elements that the program has no data for."""
        self.program.check_elements(symbols, where)

    def check_start(self, maker: Maker, *, here: bool) -> None:
        """Refuse more ranks than this machine has cores, if the job runs here.

        And a job without the potential that begins it.
        """
        if isinstance(maker, PrerelaxedMaker) and self.prerelax:
            check_potential(self.prerelax, here=here)
        program = self.program
        # Open MPI counts cores, not their threads
        cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
        # another command may reach further: srun inside of an allocation
        if here and program.ranks > cores and program.mpi == DftProgram.mpi:
            raise IonfaceError(
                f"dft.ranks: {program.ranks} are more than the {cores} cores of this "
                "machine; give as many as it has, or in dft.mpi the command that "
                "starts so many"
            )

    def relax(self, settings: RelaxSettings) -> Maker:
        """Return the Maker of relaxations."""
        job = "bulk" if settings.cell == "full" else "relaxation"
        program = self.program_for("dynamics" if settings.like_dynamics else job)
        if self.prerelax is None or job == "bulk":  # a crystal is near its minimum
            return PotentialRelaxMaker(program, settings, name="relax")
        return PrerelaxedMaker(program, settings, prerelax=self.prerelax)

    def static(self) -> Maker:
        """Return the Maker of single-point calculations."""
        return PotentialRelaxMaker(self.program_for("energy"), name="static")

    def step_cost(self, maker: Maker, structure: Structure) -> StepCost | None:
        """Return what one ionic step costs, from runs that were measured.

        Raises:
            IonfaceError: no data for an element, an odd number of electrons, or it fits
                neither the memory nor the wall time.
        """
        program = getattr(maker, "potential", None)
        if not isinstance(program, DftProgram):
            return None
        program.check_elements(structure.symbol_set, structure.formula)
        program.check_electrons(structure)
        cost = program.step_cost(structure)
        _check_fits(program, structure, cost)
        return cost

    def program_for(self, job: Any) -> Any:
        """Return the program for a kind of job."""
        return replace(self.program, job=job)


@dataclass
class PrerelaxedMaker(PotentialRelaxMaker):
    """Relax atoms with a potential, and go on from there with the program.

    The program's steps are made by the potential's curvature.

    Attributes:
        prerelax: the potential's engine.
    """

    prerelax: Engine | None = None

    def _computed(self, structure: Structure) -> RunRecord:
        assert self.prerelax is not None
        first = self.prerelax.relax(SETTINGS)
        moved, told = prerelaxed(structure, first, Path.cwd())
        record = super()._computed(moved)
        record.provenance.update(told)
        return record

    def _curvature(self, structure: Structure) -> Curvature:
        assert self.prerelax is not None
        engine, folder = self.prerelax, Path.cwd()
        return lambda: curvature(structure, engine.calculator, folder)


def _check_fits(program: DftProgram, structure: Structure, cost: StepCost) -> None:
    available = program.memory or psutil.virtual_memory().total / 1e9
    if cost.memory_gb > available:
        told = "dft.memory allows" if program.memory else "this machine has"
        raise IonfaceError(
            f"{structure.formula} needs about {cost.memory_gb:.1f} GB with "
            f"{program.name}, more than the {available:.1f} GB that {told}; make the "
            "model smaller, widen vasp.k_spacing, or set dft.memory to what a node has "
            "where it will run"
        )
    if program.walltime is None:
        return
    usable = 3600 * program.walltime - RESERVE_S
    if cost.seconds > usable:
        raise IonfaceError(
            f"one step of {structure.formula} takes about {cost.seconds / 3600:.1f} h "
            f"with {program.name} on {program.ranks} ranks, longer than vasp.walltime "
            f"of {program.walltime:g} h allows; give dft.ranks more, or more hours"
        )
