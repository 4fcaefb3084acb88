"""A trajectory as a file of other programs: extended XYZ, XDATCAR, ASE's .traj.

Frames pass through one after the other, so that a long run needs no memory.
"""

from __future__ import annotations

from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import IO

import numpy as np

from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import TrajectoryError
from ionface.files import atomic_path


def export(trajectory: Trajectory, path: Path, form: str) -> Path:
    """Write a trajectory in another program's form, whole or not at all.

    Energies (eV) and velocities go along where the form has room for them; extended
    XYZ also tells step, time (fs) and temperature (K) of each frame.

    Args:
        trajectory: of any source.
        path: of the file; what is there is replaced.
        form: one of `FORMS`.

    Raises:
        TrajectoryError: no frame.
        IonfaceError: the disk refuses.
    """
    if not len(trajectory):
        raise TrajectoryError(f"{trajectory!r} has no frame to write into {path}")
    with atomic_path(path) as part, part.open("wb") as file:
        FORMS[form](trajectory, file)
    return path


def _extxyz(trajectory: Trajectory, file: IO[bytes]) -> None:
    from ase.io import write

    text = TextIOWrapper(file, encoding="utf-8")
    for frame, atoms in zip(trajectory, trajectory.images(), strict=True):
        told = {"step": frame.step, "temperature_K": frame.scalars.get("temperature")}
        if trajectory.timed:
            told["time_fs"] = frame.time_fs
        # what nobody knows is None, or NaN, which is not itself
        atoms.info = {k: v for k, v in told.items() if v is not None and v == v}  # noqa: PLR0124
        write(text, atoms, format="extxyz")
    text.detach()


def _xdatcar(trajectory: Trajectory, file: IO[bytes]) -> None:
    from ase.io.vasp import write_vasp_xdatcar

    text = TextIOWrapper(file, encoding="utf-8")
    label = trajectory.formula
    if trajectory.timed and len(trajectory) > 1:  # the form has no place for times
        label += f", {np.diff(trajectory.times_fs[:2])[0]:g} fs between frames"
    write_vasp_xdatcar(text, trajectory.images(), label=label)
    text.detach()


def _traj(trajectory: Trajectory, file: IO[bytes]) -> None:
    from ase.io.trajectory import TrajectoryWriter

    writer = TrajectoryWriter(file)
    for atoms in trajectory.images():
        writer.write(atoms)


FORMS: dict[str, Callable[[Trajectory, IO[bytes]], None]] = {
    "extxyz": _extxyz,
    "traj": _traj,
    "xdatcar": _xdatcar,
}
"""What writes each form."""


def file_name(name: str, form: str) -> str:
    """Return how the file of a form is called, so that programs know it by its name."""
    return f"XDATCAR-{name}" if form == "xdatcar" else f"{name}.{form}"
