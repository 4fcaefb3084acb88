"""Opening what a user has: a file, the best file of a folder, segments, frames, arrays.

Truncated files give every complete frame and say how many and why they end; the time
between frames is read from the files, given, or unknown.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.readers.ase_files import AseStream
from ionface.analysis.readers.blocks import Block, FrameReader, gather
from ionface.analysis.readers.in_memory import of_memory
from ionface.analysis.readers.outcar import OutcarStream
from ionface.analysis.readers.run_metadata import (
    Clock,
    clock_beside,
    clock_of,
    fixed_beside,
    fixed_of,
)
from ionface.analysis.readers.text import BROKEN_STREAM, open_binary, plain_name
from ionface.analysis.readers.time_axis import SegmentTimes, time_axis
from ionface.analysis.readers.vasp_level import level_beside, vasp_level
from ionface.analysis.readers.vaspout import VaspoutStream
from ionface.analysis.readers.vasprun import VasprunStream, VaspSettings
from ionface.analysis.readers.xdatcar import XdatcarStream
from ionface.analysis.trajectory.frames import Segment, Skipped
from ionface.analysis.trajectory.joining import join
from ionface.analysis.trajectory.store import MAGIC
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

PathLike = str | os.PathLike[str]

PATTERNS = (
    "*.ionf",
    "vaspout*.h5*",
    "vasprun*.xml*",
    "*xdatcar*",
    "*.traj*",
    "*.extxyz*",
    "*.xyz*",
    "*outcar*",
)
"""Names of files with frames, in lower case and without a compression's suffix: from
those that tell most to those that tell least."""


@dataclass(frozen=True)
class _Source:
    """A file about to be read.

    Attributes:
        reader: of its frames.
        clock: how it counts time; `block` is that of this very file.
        fixed: coordinates that the run held fixed.
        level: its level of theory, where the files tell.
        pbc: periodic along each cell vector.
    """

    reader: FrameReader
    clock: Clock = Clock()  # noqa: RUF009 - frozen
    fixed: NDArray[np.bool_] | None = None
    level: LevelOfTheory | None = None
    pbc: tuple[bool, bool, bool] = (True, True, True)


def open_trajectory(
    source: Any,
    timestep_fs: float | None = None,
    *,
    species: Sequence[str] | None = None,
    lattice: ArrayLike | None = None,
) -> Trajectory:
    """Return a trajectory of files, of frames in memory, or of arrays.

    Reads our own store, vasprun.xml, XDATCAR, vaspout.h5, OUTCAR, ASE .traj, extxyz,
    each plain or compressed (.gz, .bz2, .xz). Memory does not grow with their length.

    Args:
        source: a file, or a folder, whose best file is taken; several of them, segments
            in the order of time. Or frames: ASE Atoms or pymatgen Structures, one or a
            list; an ASE trajectory reader; a pymatgen Trajectory; a Trajectory. Or
            Cartesian positions, Å, shape (n_frames, n_atoms, 3).
        timestep_fs: time between stored frames, fs, where the files do not tell it; it
            is used instead of what they tell, which is then noted. Where nothing tells
            it, only what needs times asks for it.
        species: chemical symbol of each atom, with an array of positions.
        lattice: rows are the cell vectors, Å, with an array of positions.

    Raises:
        AnalysisError: nothing readable is there, or segments or frames do not have the
            same atoms.

    Examples:
        >>> from ase.build import bulk
        >>> open_trajectory([bulk("Al", cubic=True)] * 3)
        <Trajectory: 3 frames of Al4; unknown times>
        >>> open_trajectory([bulk("Al", cubic=True)] * 3, timestep_fs=2.0).times_fs
        array([0., 2., 4.])
    """
    check_timestep(timestep_fs)
    if isinstance(source, Trajectory):
        return source
    if isinstance(source, str | os.PathLike):
        return _open(Path(source), timestep_fs)
    if _are_segments(source):
        return join([open_trajectory(segment, timestep_fs) for segment in source])
    return of_memory(source, timestep_fs, species, lattice)


def _are_segments(source: Any) -> bool:
    if not isinstance(source, Sequence):
        return False
    kinds = (str, os.PathLike, Trajectory)
    return bool(source) and all(isinstance(item, kinds) for item in source)


def check_timestep(timestep_fs: float | None) -> None:
    """Refuse a time between frames that does not run forward.

    Raises:
        AnalysisError: it is not positive and finite.
    """
    if timestep_fs is not None and not (np.isfinite(timestep_fs) and timestep_fs > 0):
        raise AnalysisError(f"the time between frames must be positive, {timestep_fs=}")


def _open(path: Path, timestep_fs: float | None) -> Trajectory:
    if path.is_dir():
        return _open_directory(path, timestep_fs)
    # By its content: names of outputs are changed when they are kept.
    with open_binary(path) as stream:
        start = _first_bytes(stream.read)
    if start.startswith(MAGIC):
        return Trajectory.open(path)
    source = _format(path, start)(path)
    return _trajectory(path, source, timestep_fs)


def _first_bytes(read: Callable[[int], bytes]) -> bytes:
    try:
        return read(4096)
    except BROKEN_STREAM:  # told when it is read again
        return b""


def _format(path: Path, start: bytes) -> Callable[[Path], _Source]:
    """Return what reads a file, by its first bytes rather than by its name."""
    name = plain_name(path).lower()
    if b"<modeling" in start or name.startswith("vasprun"):
        return _vasprun
    if start.startswith(b"\x89HDF") or name.endswith(".h5"):
        return _vaspout
    if start.startswith(b"- of Ulm") or name.endswith((".traj", ".xyz", ".extxyz")):
        return _ase
    if start.lstrip().startswith(b"vasp.") or name.startswith("outcar"):
        return _outcar
    return _xdatcar


def _vasprun(path: Path) -> _Source:
    reader = VasprunStream(path)
    settings = reader.settings
    try:
        refuse_learned_forces(path, settings)
    except AnalysisError:
        reader.close()
        raise
    clock = replace(clock_of(settings), block=1)  # it holds every step
    return _Source(reader, clock, fixed_of(settings.free), vasp_level(settings))


def refuse_learned_forces(path: Path, settings: VaspSettings) -> None:
    """Refuse the vasprun.xml of a run whose forces were machine-learned.

    Raises:
        AnalysisError: it was one.
    """
    if settings.tag("ML_LMLFF"):
        raise AnalysisError(
            f"{path} is a run with machine-learned forces (ML_LMLFF): it holds "
            "only the steps that were computed from first principles; give the XDATCAR"
        )


def _xdatcar(path: Path) -> _Source:
    reader = XdatcarStream(path)
    return _beside(path, reader, clock_beside(path, reader.species))


def _outcar(path: Path) -> _Source:
    reader = OutcarStream(path)
    return _beside(path, reader, reader.clock)


def _beside(path: Path, reader: FrameReader, clock: Clock) -> _Source:
    """Return a source whose neighbors in the folder tell what it does not."""
    fixed = fixed_beside(path, reader.species)
    return _Source(reader, clock, fixed, level_beside(path, reader.species))


def _vaspout(path: Path) -> _Source:
    reader = VaspoutStream(path)
    return _Source(reader, reader.clock, fixed_of(reader.free))


def _ase(path: Path) -> _Source:
    reader = AseStream(path)
    return _Source(reader, fixed=fixed_of(reader.free), pbc=reader.pbc)


def _trajectory(path: Path, source: _Source, given: float | None) -> Trajectory:
    frames = gather(path, source.reader)
    axis = time_axis(path, frames.labels, source.clock, given)
    reason = source.reader.reason
    if reason:
        count = f"{len(frames)} complete frame{'' if len(frames) == 1 else 's'}"
        reason = f"{path.name}: {count}, then {reason}"
    whole = Trajectory(
        species=tuple(source.reader.species),
        segments=(),
        pbc=source.pbc,
        sources=(str(path),),
        skipped=Skipped(1, reason) if reason else Skipped(),
        notes=axis.notes,
        fixed=source.fixed,
        untimed=axis.untimed,
        meta={"level_of_theory": source.level.as_dict()} if source.level else {},
    )
    segments = [_segment(frames, s) for s in axis.segments if s.stop > s.start]
    if len(segments) < 2:
        return replace(whole, segments=tuple(segments))
    # The count restarts inside the file: what is told of it is told once.
    runs = [replace(whole, segments=(segment,)) for segment in segments]
    again = [replace(run, notes=(), skipped=Skipped()) for run in runs[1:]]
    return join([runs[0], *again])


def _segment(frames: Block, times: SegmentTimes) -> Segment:
    chosen = slice(times.start, times.stop)
    constant = len(frames.lattices) == 1
    return Segment(
        steps=times.steps,
        times_fs=times.times_fs,
        lattices=frames.lattices if constant else frames.lattices[chosen],
        positions=frames.positions[chosen],
        scalars={name: values[chosen] for name, values in frames.scalars.items()},
    )


def outputs(folder: Path) -> list[Path]:
    """Return the files of a folder that may hold frames, what tells most first."""
    files = [file for file in sorted(folder.iterdir()) if file.is_file()]
    ordered = [
        file
        for pattern in PATTERNS
        for file in files
        if fnmatch(plain_name(file).lower(), pattern)
    ]
    return list(dict.fromkeys(ordered))


def _open_directory(folder: Path, timestep_fs: float | None) -> Trajectory:
    """Return the first usable file in the order of what files tell.

    One that has frames and their times, else one that has frames, else one without.
    """
    files = outputs(folder)
    opened: list[tuple[Path, Trajectory]] = []
    complaints = []
    for file in files:
        try:
            opened.append((file, _open(file, timestep_fs)))
        except AnalysisError as error:
            complaints.append(str(error))
            continue
        if len(opened[-1][1]) and opened[-1][1].timed:
            break
    if not opened:
        raise AnalysisError(
            "; ".join(complaints)
            or f"no trajectory in {folder}: looked for {', '.join(PATTERNS)}"
        )
    file, best = max(opened, key=lambda pair: (len(pair[1]) > 0, pair[1].timed))
    if not len(best):
        return best
    note = f"{file.name} was chosen of {', '.join(p.name for p in files)}"
    refused = tuple(f"refused: {complaint}" for complaint in complaints)
    return replace(best, notes=(*best.notes, note, *refused))
