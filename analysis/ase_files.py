"""Trajectories that ASE reads: .traj, extxyz."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from .errors import AnalysisError
from .frames import Segment, Skipped
from .trajectory import Trajectory


def read_ase(path: Path, timestep_fs: float | None) -> Trajectory:
    """Return all complete frames of a file that ASE reads.

    Args:
        path: of the file.
        timestep_fs: time between stored frames, fs; these formats do not tell it.

    Raises:
        AnalysisError: the time between frames is not given, or the number or order of
            atoms changes.
    """
    if timestep_fs is None:
        raise AnalysisError(
            f"{path} does not tell the time between its frames; give it: --timestep FS"
        )
    images, reason = _images(path)
    symbols = [tuple(image.get_chemical_symbols()) for image in images]
    if len(set(symbols)) > 1:
        raise AnalysisError(
            f"the atoms of {path} change between frames; write frames of one system, "
            "with its atoms in one order"
        )
    segments = (_segment(images, timestep_fs),) if images else ()
    return Trajectory(
        species=symbols[0] if symbols else (),
        segments=segments,
        pbc=tuple(bool(x) for x in images[0].pbc) if images else (True, True, True),  # type: ignore[arg-type]
        sources=(str(path),),
        skipped=Skipped(1, reason) if reason else Skipped(),
    )


def _images(path: Path) -> tuple[list[Any], str]:
    """Return the frames before the first that cannot be read, and why it can't."""
    from ase.io import iread

    images: list[Any] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for image in iread(path, index=":"):
                images.append(image)
    except Exception as error:  # noqa: BLE001 - ASE raises anything on damaged files
        return images, f"frame {len(images) + 1} cannot be read: {error!r}"
    return images, ""


def _segment(images: list[Any], timestep_fs: float) -> Segment:
    steps = np.arange(len(images))
    energies = [
        image.calc.results.get("energy", np.nan) if image.calc else np.nan
        for image in images
    ]
    cells = np.array([image.cell.array for image in images])
    return Segment(
        steps=steps,
        times_fs=steps.astype(np.float64) * timestep_fs,
        lattices=cells[:1] if (cells == cells[0]).all() else cells,
        positions=np.array([image.positions for image in images]),
        scalars={"potential_energy": np.array(energies, dtype=np.float64)},
    )
