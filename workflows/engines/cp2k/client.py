"""CP2K as an ASE calculator: one run for each geometry, from the electrons before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor

from ionface.errors import IonfaceError
from ionface.workflows.engines.cp2k.inputs import (
    CAREFUL,
    DENSITY,
    USUAL,
    Mixing,
    single_point,
)
from ionface.workflows.engines.cp2k.outputs import OUTPUT, UNCONVERGED, point
from ionface.workflows.engines.cp2k.run import density_in, run
from ionface.workflows.engines.cp2k.settings import Cp2kSettings

FOLDER = "scf"  # below the job's


class Cp2kCalculator(Calculator):
    """CP2K with what a structure is told, in a folder of the job's own.

    Args:
        program: with a study's settings.
        structure: whose place in a ledger decides mesh and dipole correction.
    """

    def __init__(self, program: Cp2kSettings, structure: Structure) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.implemented_properties = ["energy", "free_energy", "forces", "stress"]
        self.program, self.structure = program, structure
        self.folder = Path(FOLDER).resolve()

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Any = None,
        system_changes: Any = all_changes,
    ) -> None:
        """Compute energy, forces and stress.

        Raises:
            IonfaceError: CP2K failed, or its electrons did not converge.
        """
        super().calculate(  # type: ignore[no-untyped-call]
            atoms, properties, system_changes
        )
        assert atoms is not None
        moved = AseAtomsAdaptor.get_structure(atoms)
        moved.properties = self.structure.properties
        for mixing in (USUAL, CAREFUL):
            said = self._said(moved, mixing)
            if UNCONVERGED not in said:
                self.results |= point(said)
                return
        raise IonfaceError(self._unconverged())

    def _said(self, structure: Structure, mixing: Mixing) -> str:
        gamma = self.program.divisions(structure) == (1, 1, 1)
        restarted = density_in(self.folder, gamma)
        text = single_point(self.program, structure, mixing, restarted)
        try:
            return run(self.program, self.folder, text)
        except IonfaceError:
            if not restarted:
                raise
        # a run that was killed may have torn its wave functions: do without
        (self.folder / DENSITY[gamma]).unlink()
        text = single_point(self.program, structure, mixing, restarted=False)
        return run(self.program, self.folder, text)

    def _unconverged(self) -> str:
        most = self.program.iterations
        return (
            f"the electrons did not converge in {most} iterations of Broyden's mixing "
            f"with {USUAL.alpha:g} of the change, nor in {most} with "
            f"{CAREFUL.alpha:g}; see {self.folder / OUTPUT}. Run the same command "
            "again to go on from their density, or smear more in a project of its "
            "own, as in vasp: {incar: {SIGMA: 0.1}}"
        )
