"""CP2K as an engine: relaxations by ASE, dynamics by CP2K itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from jobflow import Maker

from ionface.workflows.engines.contract import DynamicsSettings
from ionface.workflows.engines.cp2k.dynamics import Cp2kDynamicsMaker
from ionface.workflows.engines.cp2k.program import Cp2kProgram
from ionface.workflows.engines.dft.engine import DftEngine


@dataclass(frozen=True, repr=False)
class Cp2kEngine(DftEngine):
    """CP2K with one study's settings.

    Attributes:
        program: CP2K and what it is told.
    """

    program: Cp2kProgram = field(default_factory=Cp2kProgram)

    def dynamics(self, settings: DynamicsSettings) -> Maker:
        """Return the Maker of one segment of NVT dynamics, which CP2K integrates."""
        return Cp2kDynamicsMaker(self.program_for("dynamics"), settings)


def cp2k() -> Cp2kEngine:
    """Return the engine `cp2k`."""
    return Cp2kEngine()
