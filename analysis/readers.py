"""Trajectories from whatever a run left behind.

`open_trajectory` is the function one came for. Truncated files give every complete
frame and say how many and why it stopped; the time between frames is read from the
files, or demanded.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .ase_files import read_ase
from .errors import AnalysisError
from .files import open_binary, plain_name
from .frames import FloatArray, Segment, Skipped
from .trajectory import Trajectory
from .trajectory_format import MAGIC
from .vasprun import VasprunStream, VaspSettings
from .xdatcar import XdatcarStream

PathLike = str | os.PathLike[str]

_DIRECTORY_ORDER = ("*.ionf", "vasprun.xml*", "XDATCAR*", "*.traj", "*.extxyz", "*.xyz")


def open_trajectory(
    path: PathLike | Sequence[PathLike], timestep_fs: float | None = None
) -> Trajectory:
    """Return the trajectory of a file, of the best file of a directory, or of segments.

    Reads our own store, vasprun.xml, XDATCAR (plain or compressed), ASE .traj, extxyz.

    Args:
        path: a file or a directory; or several, segments in the order of time.
        timestep_fs: time between stored frames, fs; needed only where the files do not
            tell it, and used instead of what they tell, which is then noted.

    Raises:
        AnalysisError: nothing readable is there, the time between frames is unknown,
            or segments do not have the same atoms.
    """
    if timestep_fs is not None and not (np.isfinite(timestep_fs) and timestep_fs > 0):
        raise AnalysisError(f"the time between frames must be positive, {timestep_fs=}")
    if isinstance(path, str | os.PathLike):
        return _open(Path(path), timestep_fs)
    return Trajectory.join([_open(Path(part), timestep_fs) for part in path])


def _open(path: Path, timestep_fs: float | None) -> Trajectory:
    if path.is_dir():
        return _open_directory(path, timestep_fs)
    with open_binary(path) as stream:
        start = _first_bytes(stream.read)
    name = plain_name(path).lower()
    if start.startswith(MAGIC):
        return Trajectory.open(path)
    if b"<modeling" in start or name.startswith("vasprun"):
        return _open_vasprun(path, timestep_fs)
    if start.startswith(b"\x89HDF"):
        raise AnalysisError(
            f"{path} is an HDF5 file, which this version does not read; give the "
            "vasprun.xml or XDATCAR of the same run"
        )
    if start.startswith(b"- of Ulm") or name.endswith((".traj", ".xyz", ".extxyz")):
        return read_ase(path, timestep_fs)
    return _open_xdatcar(path, timestep_fs)


def _first_bytes(read: Callable[[int], bytes]) -> bytes:
    try:
        return read(512)
    except Exception as error:  # noqa: BLE001 - any damage shows when it is read again
        return str(error).encode()[:0]


def _open_directory(folder: Path, timestep_fs: float | None) -> Trajectory:
    """Return the first usable file in the order of what files tell."""
    files = [p for pattern in _DIRECTORY_ORDER for p in sorted(folder.glob(pattern))]
    empty, complaints = None, []
    for file in files:
        try:
            found = _open(file, timestep_fs)
        except AnalysisError as error:
            complaints.append(str(error))
            continue
        if len(found):
            note = f"{file.name} was chosen of {', '.join(p.name for p in files)}"
            return replace(found, notes=(*found.notes, note))
        empty = empty or found
    if empty is not None:
        return empty
    raise AnalysisError(
        "; ".join(complaints)
        or f"no trajectory in {folder}: looked for {', '.join(_DIRECTORY_ORDER)}"
    )


def _open_vasprun(path: Path, timestep_fs: float | None) -> Trajectory:
    stream = VasprunStream(path)
    settings = stream.settings
    if settings.incar.get("ML_LMLFF"):
        stream.close()
        raise AnalysisError(
            f"{path} is a run with machine-learned forces (ML_LMLFF): it holds "
            "only the steps that were computed from first principles; give the XDATCAR"
        )
    steps = list(stream.steps())
    interval, notes = _interval(path, timestep_fs, _potim(settings), len(steps))
    scalars = {
        "potential_energy": [s.energies.get("e_fr_energy", np.nan) for s in steps],
        "kinetic_energy": [s.energies.get("kinetic", np.nan) for s in steps],
        "conserved": [s.energies.get("total", np.nan) for s in steps],
    }
    return _trajectory(
        settings.species,
        [step.lattice for step in steps],
        [step.fractional for step in steps],
        interval=interval,
        stride=1,
        scalars=scalars,
        source=path,
        reason=stream.reason,
        notes=notes,
    )


def _open_xdatcar(path: Path, timestep_fs: float | None) -> Trajectory:
    stream = XdatcarStream(path)
    frames = list(stream.frames())
    labels = [frame.label for frame in frames if frame.label is not None]
    jumps = set(np.diff(labels).tolist()) if len(labels) == len(frames) else set()
    stride = jumps.pop() if len(jumps) == 1 and min(jumps) > 0 else 1
    told = _timestep_beside(path)
    interval, notes = _interval(path, timestep_fs, told and told * stride, len(frames))
    return _trajectory(
        stream.species,
        [frame.lattice for frame in frames],
        [frame.fractional for frame in frames],
        interval=interval,
        stride=stride,
        scalars={},
        source=path,
        reason=stream.reason,
        notes=notes,
    )


def _timestep_beside(path: Path) -> float | None:
    """Return POTIM of the vasprun.xml or INCAR in the same folder, fs."""
    for file in sorted(path.parent.glob("vasprun.xml*")):
        try:
            stream = VasprunStream(file)
        except AnalysisError:
            continue
        stream.close()
        return _potim(stream.settings)
    incar = path.parent / "INCAR"
    if not incar.is_file():
        return None
    tags = {}
    for line in incar.read_text("utf-8", "replace").splitlines():
        for part in line.split("#")[0].split("!")[0].split(";"):
            name, equals, value = part.partition("=")
            if equals and value.split():
                tags[name.strip().upper()] = value.split()[0]
    if tags.get("IBRION") != "0":
        return None
    try:
        return float(tags["POTIM"])
    except (KeyError, ValueError):
        return None


def _potim(settings: VaspSettings) -> float | None:
    """Return the time step, fs, of a molecular dynamics; POTIM is none elsewhere."""
    is_md = settings.tag("IBRION") == 0
    return float(settings.tag("POTIM")) if is_md and settings.tag("POTIM") else None


def _interval(
    path: Path, given: float | None, told: float | None, count: int
) -> tuple[float, tuple[str, ...]]:
    if given is None and told is None and count > 1:
        raise AnalysisError(
            f"the time between the frames of {path} is in no file (POTIM of a "
            "vasprun.xml or INCAR with IBRION = 0 beside it); give it: --timestep FS, "
            "the time step times the steps between stored frames"
        )
    if given is not None and told is not None and not np.isclose(given, told):
        note = f"{path.name}: {given:g} fs between frames as given; files say {told:g}"
        return given, (note,)
    return given or told or 0.0, ()


def _trajectory(
    species: Sequence[str],
    lattices: Sequence[FloatArray],
    fractional: Sequence[FloatArray],
    *,
    interval: float,
    stride: int,
    scalars: dict[str, Any],
    source: Path,
    reason: str,
    notes: Iterable[str],
) -> Trajectory:
    count = len(fractional)
    cells = np.array(lattices, dtype=np.float64).reshape(-1, 3, 3)
    constant = count > 0 and bool((cells == cells[0]).all())
    cells = cells[:1] if constant else cells
    segment = Segment(
        steps=np.arange(count) * stride,
        times_fs=np.arange(count, dtype=np.float64) * interval,
        lattices=cells,
        positions=np.array(fractional).reshape(count, len(species), 3) @ cells,
        scalars={name: np.array(values) for name, values in scalars.items()},
    )
    return Trajectory(
        species=tuple(species),
        segments=(segment,) if count else (),
        sources=(str(source),),
        skipped=Skipped(1, reason) if reason else Skipped(),
        notes=tuple(notes),
    )
