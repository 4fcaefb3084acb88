"""GPAW as an engine: the Makers of `ase`, with a program in the potential's place."""

from __future__ import annotations

from dataclasses import dataclass, field

from jobflow import Maker

from ionface.errors import IonfaceError
from ionface.workflows.engines.ase.md import PotentialDynamicsMaker
from ionface.workflows.engines.contract import DynamicsSettings, RelaxSettings
from ionface.workflows.engines.dft.engine import DftEngine
from ionface.workflows.engines.gpaw.program import GpawProgram


@dataclass(frozen=True, repr=False)
class GpawEngine(DftEngine):
    """GPAW with one study's settings.

    Attributes:
        program: GPAW and what it is told.
    """

    program: GpawProgram = field(default_factory=GpawProgram)

    def relax(self, settings: RelaxSettings) -> Maker:
        """Return the Maker of relaxations.

        Raises:
            IonfaceError: a cell is to be relaxed with orbitals, which give no stress.
        """
        if self.program.mode == "lcao" and settings.cell != "fixed":
            raise IonfaceError(
                "dft.mode: lcao gives no stress with GPAW, so it cannot relax a cell "
                f"(cell: {settings.cell}, as lattice: engine asks of crystals); take "
                "mode: pw, or lattice: literature and cell: fixed"
            )
        return super().relax(settings)

    def dynamics(self, settings: DynamicsSettings) -> Maker:
        """Return the Maker of one segment of NVT dynamics, on the ground state."""
        return PotentialDynamicsMaker(self.program_for("dynamics"), settings)


def gpaw() -> GpawEngine:
    """Return the engine `gpaw`."""
    return GpawEngine()
