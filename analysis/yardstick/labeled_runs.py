"""Labels from a run of VASP: which runs give some, and which of their steps.

A run whose energies are no neutral, self-consistent cell's is refused with its reason;
single steps whose electrons did not converge are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from ase import Atoms

from ionface.analysis.readers.vasp_level import departure, vasp_level
from ionface.analysis.readers.vasp_terms import is_self_consistent
from ionface.analysis.readers.vasprun import IonicStep, VasprunStream
from ionface.analysis.yardstick.labeled_frames import LabeledFrame, settings_of
from ionface.errors import AnalysisError

MOST_PER_RUN = 10
"""Steps that are taken of one run: neighbors in a relaxation say the same twice."""


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
