"""Every ionic step of a relaxation, read from what its engine left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.readers.vasp_terms import largest_force
from ionface.analysis.readers.vasprun import VasprunStream
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.workflows.engines.records import RunRecord

Array = NDArray[np.float64]
ASE_HISTORY = "relax.traj"
VASP_OUTPUT = "run-*/vasprun.xml"


@dataclass(frozen=True)
class RelaxationFrames:
    """The steps of a relaxation, those of interrupted attempts included.

    Attributes:
        energies: eV, shape (n_steps,).
        forces: largest norm on an atom that may move, eV/Å, shape (n_steps,).
        frames: positions.
    """

    energies: Array
    forces: Array
    frames: Trajectory


def relaxation_frames(record: RunRecord, runs: Path) -> RelaxationFrames | None:
    """Return the steps of a relaxation; None of an engine that leaves none.

    Args:
        record: of the relaxation.
        runs: the folder of all jobs' folders, which may have moved.
    """
    named = Path(record.directory)
    for folder in (runs / named.name, runs / named.parent.name, named, named.parent):
        if (history := folder / ASE_HISTORY).is_file():
            return _of_ase(history)
        if outputs := sorted(folder.glob(VASP_OUTPUT)):
            return _of_vasp(outputs)
    return None


def _of_ase(path: Path) -> RelaxationFrames:
    from ase.io import read

    images: list[Any] = list(read(path, ":"))
    forces = [np.linalg.norm(image.get_forces(), axis=1).max() for image in images]
    return RelaxationFrames(
        np.array([image.get_potential_energy() for image in images]),
        np.array(forces),
        Trajectory.from_arrays(
            images[0].get_chemical_symbols(),
            np.array([image.cell.array for image in images]),
            np.array([image.positions for image in images]),
        ),
    )


def _of_vasp(paths: list[Path]) -> RelaxationFrames:
    streams = [VasprunStream(path) for path in paths]
    known, forces = [], []
    for stream in streams:
        for step in stream.steps():
            force = largest_force(stream.settings, step)
            if force is not None:
                known.append(step)
                forces.append(force)
    return RelaxationFrames(
        np.array([step.energies.get("e_0_energy", np.nan) for step in known]),
        np.array(forces),
        Trajectory.from_arrays(
            streams[0].settings.species,
            np.array([step.lattice for step in known]),
            np.array([step.fractional @ step.lattice for step in known]),
        ),
    )
