"""What a VASP run left behind, as records: energy, forces, level of theory, structure.

The level of theory is read from the output, so it is that of the machine where the job
ran, with whatever a handler changed, and says so where a stand-in for VASP ran.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.readers.vasp_terms import vasp_directory_term
from ionface.analysis.readers.vasprun import VasprunStream
from ionface.errors import AnalysisError, IonfaceError
from ionface.workflows.engines.vasp.inputs import RECORD_FILE, VaspRun

KEPT = 1e-4  # Å; what printing rounds a kept cell vector to


@dataclass(frozen=True)
class RunOutput:
    """The last complete ionic step of one VASP run.

    Attributes:
        structure: in the caller's site order with the caller's labels.
        energy: sigma -> 0, eV.
        max_force: on an atom that may move, eV/Å; infinite if there are no forces.
        converged: electrons, and in a relaxation the ions too.
        finished: VASP closed its output.
        steps: complete ionic steps.
        level: of theory.
        stress: as in RunRecord.
        forces: as in RunRecord.
    """

    structure: Structure
    energy: float
    max_force: float
    converged: bool
    finished: bool
    steps: int
    level: LevelOfTheory
    stress: list[list[float]] | None = None
    forces: list[list[float]] | None = None


def read_output(run: VaspRun, folder: Path) -> RunOutput | None:
    """Return what a run left, or None if it has not completed one ionic step.

    Args:
        run: what it was given.
        folder: where it ran.

    Raises:
        IonfaceError: the atoms are not those of the run, or the normal moved.
    """
    path = folder / "vasprun.xml"
    if not path.is_file():
        return None
    try:
        stream = VasprunStream(path)
        steps = list(stream.steps())
        if not steps:
            return None
        term = vasp_directory_term(path)
    except AnalysisError:
        return None
    structure = restored(run, steps[-1].lattice, steps[-1].fractional)
    _check_kept(run, structure, folder)
    assert isinstance(term.level, LevelOfTheory)
    stress = steps[-1].stress
    return RunOutput(
        structure=structure,
        energy=term.energy,
        max_force=np.inf if term.max_force is None else term.max_force,
        converged=term.converged
        and not (run.incar.get("NSW") == 0 and was_stopped(folder)),
        finished=term.finished,
        steps=len(steps),
        level=term.level,
        stress=None if stress is None else stress.tolist(),
        forces=_in_given_order(run, steps[-1].forces),
    )


def _in_given_order(
    run: VaspRun, forces: NDArray[np.float64] | None
) -> list[list[float]] | None:
    """Return forces in the caller's order of atoms; POSCAR has another."""
    if forces is None:
        return None
    back = np.empty_like(forces)
    back[run.order] = forces
    return [list(map(float, row)) for row in back]


def restored(
    run: VaspRun, lattice: NDArray[np.float64], fractional: NDArray[np.float64]
) -> Structure:
    """Return positions in POSCAR's order as the caller's structure, labels kept.

    Args:
        run: knows the order.
        lattice: Å, shape (3, 3).
        fractional: shape (n_atoms, 3).

    Raises:
        IonfaceError: another number of atoms.
    """
    original, order = run.structure, run.order
    if len(fractional) != len(original):
        raise IonfaceError(
            f"the output has {len(fractional)} atoms, the input {len(original)}; this "
            "folder belongs to another job: move it away and run again"
        )
    back = np.empty_like(fractional)
    back[order] = fractional
    return Structure(
        Lattice(lattice),
        original.species,
        back,
        site_properties=original.site_properties,
        properties=original.properties,
    )


def was_stopped(folder: Path) -> bool:
    """Tell whether VASP was stopped within its electronic steps (LABORT).

    It then closes its output like a run that has converged.
    """
    outcar = folder / "OUTCAR"
    if not outcar.is_file():
        return False
    text = outcar.read_bytes()
    if b"hard stop" in text:
        return True
    asked = any(
        "Walltime reached" in (found["errors"] or [])
        for found in provenance(folder).get("corrections", [])
    )
    return asked and b"EDIFF is reached" not in text


def provenance(folder: Path) -> dict[str, Any]:
    """Return POTCARs (title, hash) and what custodian corrected, of one run."""
    found: dict[str, Any] = {}
    potcars = folder / RECORD_FILE
    if potcars.is_file():
        found["potcars"] = json.loads(potcars.read_text())
    log = folder / "custodian.json"
    if log.is_file():
        entries = json.loads(log.read_text())
        corrections = [c for entry in entries for c in entry.get("corrections", [])]
        found["corrections"] = [
            {"errors": c.get("errors"), "actions": c.get("actions")}
            for c in corrections
        ]
    return found


def _check_kept(run: VaspRun, structure: Structure, folder: Path) -> None:
    """Refuse a cell that changed where it was to stay."""
    free = run.incar.get("LATTICE_CONSTRAINTS")
    if free is None:
        return
    held = [i for i in range(3) if not free[i]]
    change = structure.lattice.matrix - run.structure.lattice.matrix
    moved = np.abs(change[held]).max()
    if moved > KEPT:
        raise IonfaceError(
            f"a cell vector that was to stay changed by {moved:.4f} Å in {folder}: "
            "this VASP does not know LATTICE_CONSTRAINTS (it needs 6.4 or later); use "
            "a newer one, or set cell to fixed"
        )
