"""Opening what a user has: a file, the best file of a folder, segments, frames, arrays.

Truncated files give every complete frame and say how many and why they end; the time
between frames is read from the files, given, or unknown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.readers.ase_files import AseStream
from ionface.analysis.readers.blocks import Block, FrameReader, gather
from ionface.analysis.readers.in_memory import of_memory
from ionface.analysis.readers.outcar import OutcarStream
from ionface.analysis.readers.run_metadata import (
    Clock,
    Neighbors,
    clock_of,
    fixed_of,
)
from ionface.analysis.readers.species import Names, checked_names
from ionface.analysis.readers.text import BROKEN_STREAM, open_binary, plain_name
from ionface.analysis.readers.time_axis import (
    SegmentTimes,
    TimeAxis,
    time_axis,
    told_axis,
)
from ionface.analysis.readers.vasp_level import level_beside, vasp_level
from ionface.analysis.readers.vaspout import VaspoutStream
from ionface.analysis.readers.vasprun import VasprunStream
from ionface.analysis.readers.vasprun_settings import VaspSettings
from ionface.analysis.readers.xdatcar import XdatcarStream
from ionface.analysis.trajectory.frames import FloatArray, Segment, Skipped
from ionface.analysis.trajectory.joining import join
from ionface.analysis.trajectory.store import MAGIC
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

if TYPE_CHECKING:
    from pymatgen.core import Lattice

PathLike = str | os.PathLike[str]

FORMATS = (
    "vasprun.xml, XDATCAR, vaspout.h5, OUTCAR, ASE's .traj, xyz and extended xyz, "
    "dumps of LAMMPS (.lammpstrj) and .ionf, each plain or as .gz, .bz2, .xz"
)
"""What is read, for messages."""

PATTERNS = (
    "*.ionf",
    "*vaspout*.h5*",
    "*vasprun*.xml*",
    "*xdatcar*",
    "*.traj*",
    "*.extxyz*",
    "*.xyz*",
    "*.lammpstrj*",
    "*.dump",
    "dump.*",
    "*outcar*",
)
"""Names of files with frames, in lower case and without a compression's suffix: from
those that tell most to those that tell least."""

_XYZ = re.compile(rb"\s*\d+[ \t]*\r?\n[^\n]*\n\s*[A-Za-z]\S*(?:[ \t]+[-+.\d]\S*){3}")
_RELAX = re.compile(r"\.relax\d+")


@dataclass(frozen=True)
class _Source:
    """A file about to be read.

    Attributes:
        reader: of its frames.
        clock: how it counts time; `block` is that of this very file.
        fixed: coordinates that the run held fixed.
        level: its level of theory, where the files tell.
        pbc: periodic along each cell vector.
        notes: what else one should know.
    """

    reader: FrameReader
    clock: Clock = Clock()  # noqa: RUF009 - frozen
    fixed: NDArray[np.bool_] | None = None
    level: LevelOfTheory | None = None
    pbc: tuple[bool, bool, bool] = (True, True, True)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Given:
    """What a user tells that the files may not.

    Attributes:
        timestep_fs: time between stored frames, fs.
        names: elements by the names that the files give them.
        lattice: rows are the cell vectors, Å, shape (3, 3).
        needs: species without which reading on is of no use.
    """

    timestep_fs: float | None = None
    names: Names | None = None
    lattice: FloatArray | None = None
    needs: frozenset[str] = frozenset()


def open_trajectory(
    source: Any,
    timestep_fs: float | None = None,
    *,
    species: Sequence[str | int] | Mapping[str, str] | None = None,
    lattice: ArrayLike | Lattice | None = None,
    needs: Collection[str] = (),
) -> Trajectory:
    """Return a trajectory of files, of frames in memory, or of arrays.

    Reads our own store, vasprun.xml, XDATCAR, vaspout.h5, OUTCAR, ASE .traj, xyz and
    extended xyz, LAMMPS dumps, each plain or compressed (.gz, .bz2, .xz). Memory does
    not grow with their length.

    Args:
        source: a file, or a folder, whose best file is taken; several of them, segments
            in the order of time. Or frames: ASE Atoms or pymatgen Structures, one or a
            list; an ASE trajectory reader; a pymatgen Trajectory; a Trajectory. Or
            Cartesian positions, Å, shape (n_frames, n_atoms, 3).
        timestep_fs: time between stored frames, fs, where the files do not tell it; it
            is used instead of what they tell, which is then noted. Where nothing tells
            it, only what needs times asks for it.
        species: chemical symbol or atomic number of each atom, with an array of
            positions; with files, elements by the names that they have there, as in
            {"1": "Li", "2": "O"}.
        lattice: of an array of positions, or of files that tell no cell: three cell
            vectors in rows, Å, or a pymatgen Lattice; with files also their lengths, Å,
            or lengths and angles, degrees.
        needs: species without which a file is refused before its frames are read.

    Raises:
        AnalysisError: nothing readable is there, segments or frames do not have the
            same atoms, or a species that is needed is missing.

    Examples:
        >>> from ase.build import bulk
        >>> open_trajectory([bulk("Al", cubic=True)] * 3)
        <Trajectory: 3 frames of Al4; unknown times>
        >>> open_trajectory([bulk("Al", cubic=True)] * 3, timestep_fs=2.0).times_fs
        array([0., 2., 4.])
    """
    check_timestep(timestep_fs)
    lattice = getattr(lattice, "matrix", lattice)  # pymatgen's
    if isinstance(source, Trajectory):
        return source
    segments = [source] if isinstance(source, str | os.PathLike) else source
    names = species if isinstance(species, Mapping) else None
    if not _are_segments(segments):
        symbols = None if isinstance(species, Mapping) else species
        return of_memory(source, timestep_fs, symbols, lattice)
    if species is not None and names is None:
        raise AnalysisError(
            "the species of files are given by their names there, as in "
            "species={'1': 'Li', '2': 'O'}"
        )
    cell = None if lattice is None else cell_vectors(lattice)
    given = _Given(timestep_fs, checked_names(names), cell, frozenset(needs))
    return join(
        [s if isinstance(s, Trajectory) else _open(Path(s), given) for s in segments]
    )


def _are_segments(source: Any) -> bool:
    if not isinstance(source, Sequence):
        return False
    kinds = (str, os.PathLike, Trajectory)
    return bool(source) and all(isinstance(item, kinds) for item in source)


def cell_vectors(lattice: ArrayLike) -> FloatArray:
    """Return three cell vectors, Å, shape (3, 3).

    Args:
        lattice: the vectors in rows; or their lengths, Å; or lengths and angles between
            b and c, a and c, a and b, degrees.

    Raises:
        AnalysisError: they span no volume.
    """
    from ase.geometry import cellpar_to_cell

    numbers = np.asarray(lattice, dtype=np.float64).ravel()
    cell = np.zeros((3, 3))
    if len(numbers) in (3, 6):
        with np.errstate(invalid="ignore"):
            cell = cellpar_to_cell(numbers)
    elif len(numbers) == 9:
        cell = numbers.reshape(3, 3)
    if not abs(np.linalg.det(cell)) > 1e-6:
        raise AnalysisError(
            f"lattice={numbers.tolist()} is no cell; give three lengths in Å, lengths "
            "and angles in degrees (6 numbers), or three vectors (9 numbers)"
        )
    return np.asarray(cell, dtype=np.float64)


def check_timestep(timestep_fs: float | None) -> None:
    """Refuse a time between frames that does not run forward.

    Raises:
        AnalysisError: it is not positive and finite.
    """
    if timestep_fs is not None and not (np.isfinite(timestep_fs) and timestep_fs > 0):
        raise AnalysisError(f"the time between frames must be positive, {timestep_fs=}")


def _open(path: Path, given: _Given) -> Trajectory:
    if path.is_dir():
        return _open_directory(path, given)
    # By its content: names of outputs are changed when they are kept.
    with open_binary(path) as stream:
        start = _first_bytes(stream.read)
    if start.startswith(MAGIC):
        return Trajectory.open(path)
    source = _source(path, start, given)
    if missing := sorted(given.needs - set(source.reader.species)):
        source.reader.close()
        raise AnalysisError(
            f"no {missing[0]!r} in {path}; it has {sorted(set(source.reader.species))}"
        )
    return _trajectory(path, source, given.timestep_fs)


def _first_bytes(read: Callable[[int], bytes]) -> bytes:
    try:
        return read(4096)
    except BROKEN_STREAM:  # told when it is read again
        return b""


def _source(path: Path, start: bytes, given: _Given) -> _Source:
    """Return a file about to be read, known by its first bytes before its name."""
    name = plain_name(path).lower()
    if b"<modeling" in start or "vasprun" in name:
        return _vasprun(path, given.names)
    if start.startswith(b"\x89HDF") or name.endswith(".h5"):
        return _vaspout(path, given.names)
    if form := _ase_form(name, start):
        return _ase(path, form, given)
    if given.lattice is not None:
        raise AnalysisError(f"{path} tells its own cell; leave lattice=... out")
    if start.lstrip().startswith(b"vasp.") or "outcar" in name:
        return _outcar(path, given.names)
    try:
        return _xdatcar(path, given.names)
    except AnalysisError as error:
        if "xdatcar" in name or not path.is_file():
            raise
        raise AnalysisError(
            f"{path} is none of the files that are read: {FORMATS}"
        ) from error


def _ase_form(name: str, start: bytes) -> str:
    """Return which of the forms that ASE reads this is; empty if it is none."""
    if start.startswith(b"- of Ulm") or name.endswith(".traj"):
        return "traj"
    if re.match(rb"ITEM: (?:UNITS|TIME|TIMESTEP)\b", start):
        return "lammps"
    if name.endswith(".lammpstrj"):
        return "lammps"
    return "xyz" if name.endswith("xyz") or _XYZ.match(start) else ""


def _vasprun(path: Path, names: Names | None) -> _Source:
    reader = VasprunStream(path, names=names)
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


def _xdatcar(path: Path, names: Names | None) -> _Source:
    reader = XdatcarStream(path, names=names)
    neighbors = Neighbors.of(path, reader.species)
    return _beside(reader, neighbors.clock(), neighbors)


def _outcar(path: Path, names: Names | None) -> _Source:
    reader = OutcarStream(path, names)
    return _beside(reader, reader.clock, Neighbors.of(path, reader.species))


def _beside(reader: FrameReader, clock: Clock, neighbors: Neighbors) -> _Source:
    """Return a source whose neighbors in the folder tell what it does not."""
    return _Source(reader, clock, neighbors.fixed(), level_beside(neighbors))


def _vaspout(path: Path, names: Names | None) -> _Source:
    reader = VaspoutStream(path, names)
    return _Source(reader, reader.clock, fixed_of(reader.free))


def _ase(path: Path, form: str, given: _Given) -> _Source:
    reader = AseStream(path, form, given.names, given.lattice)
    fixed, pbc, notes = fixed_of(reader.free), reader.pbc, reader.notes
    return _Source(reader, fixed=fixed, pbc=pbc, notes=notes)


def _trajectory(path: Path, source: _Source, given: float | None) -> Trajectory:
    frames = gather(path, source.reader)
    axis = _axis(path, frames, source.clock, given)
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
        notes=(*source.notes, *axis.notes),
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


def _axis(path: Path, frames: Block, clock: Clock, given: float | None) -> TimeAxis:
    """Return the time axis of frames: as each of them tells, or as the run counts."""
    times = frames.scalars.get("time_fs", np.full(len(frames), np.nan))
    told = told_axis(path.name, frames.labels, times)
    if told is None:
        return time_axis(path, frames.labels, clock, given)
    if given is None:
        return told
    interval = float(np.median(np.diff(times)))
    axis = time_axis(path, frames.labels, clock, given)
    if np.isclose(interval, given):
        return axis
    note = f"{path.name}: {given:g} fs between frames as given; it says {interval:g}"
    return replace(axis, notes=(*axis.notes, note))


def _segment(frames: Block, times: SegmentTimes) -> Segment:
    chosen = slice(times.start, times.stop)
    constant = len(frames.lattices) == 1
    return Segment(
        steps=times.steps,
        times_fs=times.times_fs,
        lattices=frames.lattices if constant else frames.lattices[chosen],
        positions=frames.positions[chosen],
        scalars={
            name: values[chosen]
            for name, values in frames.scalars.items()
            if name != "time_fs"
        },
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


def _open_directory(folder: Path, given: _Given) -> Trajectory:
    """Return the first usable file in the order of what files tell.

    One that has frames and their times, else one that has frames, else one without.
    Files as atomate keeps them, vasprun.xml.relax1 and .relax2, are segments.
    """
    files = outputs(folder)
    opened: list[tuple[str, Trajectory]] = []
    complaints = []
    for group in _segments(files):
        try:
            parts = [_open(file, given) for file in group]
            opened.append((" and ".join(file.name for file in group), join(parts)))
        except AnalysisError as error:
            complaints.append(str(error))
            continue
        if len(opened[-1][1]) and opened[-1][1].timed:
            break
    if not opened:
        # what is wrong with all outputs of a run in the same way is said once
        named = zip(complaints, files, strict=False)
        alike = {text.replace(str(file), str(folder)) for text, file in named}
        raise AnalysisError(
            "; ".join(alike if len(alike) == 1 else complaints)
            or f"no trajectory in {folder}; what is read: {FORMATS}"
        )
    name, best = max(opened, key=lambda pair: (len(pair[1]) > 0, pair[1].timed))
    if not len(best):
        return best
    others = len(files) > len(best.sources)
    chosen = f"{name} was chosen of {', '.join(p.name for p in files)}"
    refused = [f"refused: {complaint}" for complaint in complaints]
    return replace(best, notes=(*best.notes, *[chosen] * others, *refused))


def _segments(files: list[Path]) -> list[list[Path]]:
    """Return files, those that differ only in the number of .relaxN together."""
    groups: dict[str, list[Path]] = {}
    for file in files:
        groups.setdefault(_RELAX.sub(".relax", file.name), []).append(file)
    return list(groups.values())
