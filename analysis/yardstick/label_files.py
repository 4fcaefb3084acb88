"""Labels from files: extended XYZ, and runs of VASP.

A run whose energies are no neutral, self-consistent cell's is refused with its reason;
single steps whose electrons did not converge are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from ase import Atoms

from ionface.analysis.readers.vasp_level import departure, vasp_level
from ionface.analysis.readers.vasp_terms import is_self_consistent
from ionface.analysis.readers.vasprun import IonicStep, VasprunStream
from ionface.analysis.yardstick.labeled_frames import (
    LabeledFrame,
    distinct,
    read_extxyz,
    settings_of,
)
from ionface.errors import AnalysisError

MOST_PER_RUN = 10
"""Steps that are taken of one run: neighbors in a relaxation say the same twice."""


def read_frames(paths: Sequence[Path]) -> list[LabeledFrame]:
    """Return the structures of extended XYZ files and of folders of VASP runs.

    Args:
        paths: files, folders of runs, or folders of such folders.

    Returns:
        Structures whose names stand once.

    Raises:
        AnalysisError: nothing is there, it has no energies or forces, or a run of VASP
            is no usual one.
    """
    found: list[LabeledFrame] = []
    for path in paths:
        if not path.exists():
            raise AnalysisError(
                f"{path} does not exist; give an extended XYZ file or VASP folders"
            )
        runs = sorted(path.rglob("vasprun.xml*")) if path.is_dir() else []
        if path.is_dir() and not runs:
            raise AnalysisError(f"no vasprun.xml below {path}; give a folder that has")
        for file in runs or [path]:
            of_vasp = "vasprun" in file.name or file.suffix == ".xml"
            found += frames_of_run(file) if of_vasp else read_extxyz(file, {})
    return distinct(found)


def frames_of_run(path: Path) -> Iterator[LabeledFrame]:
    """Yield some steps of a VASP run, evenly spaced, its last one among them.

    Args:
        path: of its vasprun.xml, plain or compressed.

    Raises:
        AnalysisError: no step has forces and converged electrons, or the run is
            charged, under pressure, not self-consistent, or has learned forces.
    """
    with closing(VasprunStream(path)) as stream:
        if why := departure(stream.settings, displaced=False):
            raise AnalysisError(f"{path} {why}, or take it out of the data")
        steps = _steps(stream)
    level = vasp_level(stream.settings, steps[-1][1].added).as_dict()
    folder, species = path.resolve().parent, tuple(stream.settings.species)
    chosen = np.linspace(len(steps) - 1, 0, min(MOST_PER_RUN, len(steps)))
    for number, step in (steps[n] for n in chosen.round().astype(int)):
        assert step.forces is not None
        yield LabeledFrame(
            name=f"{folder.parent.name}/{folder.name}-{number}",
            group=Atoms(species).get_chemical_formula(empirical=True),
            species=species,
            lattice=step.lattice,
            positions=step.fractional @ step.lattice,
            energy=step.energies["e_0_energy"],
            forces=step.forces,
            settings=settings_of(level),
        )


def _steps(stream: VasprunStream) -> list[tuple[int, IonicStep]]:
    """Return the steps that are labels, each with its number in the run."""
    whole = [
        (number, step)
        for number, step in enumerate(stream.steps(), start=1)
        if step.forces is not None
    ]
    if not whole:
        raise AnalysisError(f"{stream.path} has no step with forces; let the run end")
    found = [each for each in whole if is_self_consistent(stream.settings, each[1])]
    if not found:
        raise AnalysisError(
            f"{stream.path} has no step whose electrons converged: each took all "
            f"{whole[-1][1].scf_steps} (NELM); run it with more, or take it out of the "
            "data"
        )
    return found
