"""Relaxations by a potential that go before those from first principles.

Data flow: the structure of a job -> a potential's relaxation in a folder of its own,
kept in `FILE` -> the structure where it ended, and what a record tells of it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jobflow import Maker
from pymatgen.core import Structure

from ionface.documents import decode
from ionface.errors import IonfaceError
from ionface.files import write_atomically
from ionface.structures.ledger_cell import movable
from ionface.workflows.engines.contract import Engine, RelaxSettings
from ionface.workflows.engines.records import RunRecord

SETTINGS = RelaxSettings(fmax=0.1, steps=200, must_converge=False)
"""Takes out the worst forces of a built model; first principles do the rest."""

FILE = "pre-relaxed.json"


def prerelaxed(
    structure: Structure, maker: Maker, folder: Path
) -> tuple[Structure, dict[str, Any]]:
    """Return a structure where a potential relaxed it, once for each job.

    Args:
        structure: fixed sites stay where they are.
        maker: of relaxations, by a potential.
        folder: of the job; a relaxation that was killed goes on in it.

    Returns:
        The structure, with its own labels and periodic images, and the provenance of
        a RunRecord: {"prerelaxed": {"level", "steps", "max_force" in eV/Å}}.
    """
    path = folder / FILE
    if not path.is_file():
        record = _relaxed(structure, maker, folder / "pre-relax")
        write_atomically(path, record.to_json())
    record = decode(path.read_text(), str(path))
    moved = structure.copy()
    for index, coords in enumerate(record.structure.frac_coords):
        moved.translate_sites(
            [index], coords - moved[index].frac_coords, to_unit_cell=False
        )
    told = {
        "level": record.level,
        "steps": record.steps,
        "max_force": record.max_force,
    }
    return moved, {"prerelaxed": told}


def check_potential(engine: Engine, *, here: bool) -> None:
    """Refuse a pre-relaxation that could not start.

    Raises:
        IonfaceError: the engine is unknown, not installed, or no potential.
    """
    try:
        engine.check_start(engine.relax(SETTINGS), here=here)
        if not engine.in_process:
            raise IonfaceError(f"{engine.name} is no potential")
    except IonfaceError as error:
        raise IonfaceError(
            f"relaxations start from a pre-relaxation by {engine.name}: {error}; or "
            "switch it off in the study: vasp: {prerelax: 'off'}"
        ) from error


def _relaxed(structure: Structure, maker: Maker, folder: Path) -> RunRecord:
    free = [[bool(m)] * 3 for m in movable(structure)]
    held = Structure(
        structure.lattice,
        [site.specie for site in structure],
        structure.frac_coords,
        site_properties={
            "fixed": [not any(moves) for moves in free],
            "selective_dynamics": free,
        },
    )
    folder.mkdir(parents=True, exist_ok=True)
    before = Path.cwd()
    os.chdir(folder)  # Makers work where they are started
    try:
        job: Any = maker.make(held)
        record: RunRecord = job.function.original(job.maker, *job.function_args)
    finally:
        os.chdir(before)
    return record
