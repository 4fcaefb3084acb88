"""GPAW as an engine: the Makers of `ase`, with a program in the potential's place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Self

from jobflow import Maker
from monty.json import MSONable
from pymatgen.core import Structure

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.workflows.engines.ase.md import PotentialDynamicsMaker
from ionface.workflows.engines.ase.relax import PotentialRelaxMaker
from ionface.workflows.engines.contract import (
    DynamicsSettings,
    Engine,
    RelaxSettings,
    StepCost,
    StudySettings,
)
from ionface.workflows.engines.gpaw.cost import step_cost
from ionface.workflows.engines.gpaw.program import GpawProgram


@dataclass(frozen=True)
class GpawEngine(MSONable, Engine):
    """GPAW with one study's settings.

    Attributes:
        program: GPAW and what it is told.
    """

    program: GpawProgram = field(default_factory=GpawProgram)

    @property
    def name(self) -> str:  # type: ignore[override]  # nobody sets it
        """Return how users call it."""
        return self.program.name

    def configured(
        self, settings: StudySettings, find: Callable[[str], Engine]
    ) -> Self:
        """Return the engine with a study's protocol and sections `vasp` and `dft`."""
        del find
        return replace(self, program=GpawProgram.of(settings))

    def level_of_theory(self) -> LevelOfTheory:
        """Return what is asked for; records have the data sets of their elements."""
        return self.program.level_of_theory()

    def check_elements(self, symbols: Iterable[str], where: str) -> None:
        """Refuse elements without a PAW data set."""
        self.program.check_elements(symbols, where)

    def relax(self, settings: RelaxSettings) -> Maker:
        """Return the Maker of relaxations."""
        job = "bulk" if settings.cell == "full" else "relaxation"
        program = self._for("dynamics" if settings.like_dynamics else job)
        return PotentialRelaxMaker(program, settings, name="relax")

    def static(self) -> Maker:
        """Return the Maker of single-point calculations."""
        return PotentialRelaxMaker(self._for("energy"), name="static")

    def dynamics(self, settings: DynamicsSettings) -> Maker:
        """Return the Maker of one segment of NVT dynamics, on the ground state."""
        return PotentialDynamicsMaker(self._for("dynamics"), settings)

    def step_cost(self, maker: Maker, structure: Structure) -> StepCost | None:
        """Return what one ionic step costs, from runs that were measured.

        Raises:
            IonfaceError: an odd number of electrons, or too few ranks or memory.
        """
        program = getattr(maker, "potential", None)
        if not isinstance(program, GpawProgram):
            return None
        program.check_electrons(structure)
        return step_cost(program, structure)

    def _for(self, job: Any) -> GpawProgram:
        return replace(self.program, job=job)


def gpaw() -> GpawEngine:
    """Return the engine `gpaw`."""
    return GpawEngine()
