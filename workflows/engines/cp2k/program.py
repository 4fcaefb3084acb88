"""CP2K as what jobs carry: its settings, and what they are put to work by."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ase.calculators.calculator import Calculator
from pymatgen.core import Structure

from ionface.workflows.engines.contract import StepCost
from ionface.workflows.engines.cp2k.client import Cp2kCalculator
from ionface.workflows.engines.cp2k.cost import step_cost
from ionface.workflows.engines.cp2k.data_sets import program_path
from ionface.workflows.engines.cp2k.settings import Cp2kSettings


@dataclass(frozen=True)
class Cp2kProgram(Cp2kSettings):
    """CP2K with a study's settings; a `CalculatorSource`."""

    @contextmanager
    def opened(self, structure: Structure) -> Iterator[Calculator]:
        """Lend a calculator that runs CP2K for each geometry.

        Raises:
            IonfaceError: CP2K is not installed, or the electrons cannot be.
        """
        program_path()
        self.check_electrons(structure)
        yield Cp2kCalculator(self, structure)

    def step_cost(self, structure: Structure) -> StepCost:
        """Return what one ionic step costs, from runs that were measured."""
        return step_cost(self, structure)
