"""What a running job has done so far, read from its own files.

Only the ends of files are read, so that ten thousand steps cost what ten do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TAIL = 60_000
OSZICAR_STEP = re.compile(
    r"^\s*(\d+)\s+(?:T=\s*([\d.]+)\.?\s+E=\s*\S+\s+)?F=\s*(\S+)", re.MULTILINE
)
FORCE = re.compile(r"FORCES: max atom, RMS\s+([\d.]+)")
SAID = re.compile(
    rb"forrtl: severe|ERROR|VERY BAD NEWS|ZBRENT: fatal|BRMIX|segmentation",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Seen:
    """How far a running job is.

    Attributes:
        step: ionic steps, or steps of dynamics.
        energy: of the last step, eV.
        max_force: of the last step, eV/Å; None where it is not known.
        temperature: K; of dynamics.
        bonds: number of a pair's bonds in the last frame, as {"In-S": 12}.
    """

    step: int
    energy: float | None = None
    max_force: float | None = None
    temperature: float | None = None
    bonds: dict[str, int] | None = None

    def line(self) -> str:
        """Return it in a few words."""
        words = [f"step {self.step}"]
        if self.energy is not None:
            words.append(f"{self.energy:.4f} eV")
        if self.max_force is not None:
            words.append(f"{self.max_force:.3f} eV/Å")
        if self.temperature is not None:
            words.append(f"{self.temperature:.0f} K")
        words += [f"{pair} {number}" for pair, number in (self.bonds or {}).items()]
        return ", ".join(words)


def last_run(folder: Path) -> Path | None:
    """Return the folder of the newest VASP run of a job."""
    found = sorted(folder.glob("part-[0-9][0-9][0-9]"))
    if found:
        return found[-1]
    return folder / "first" if (folder / "first").is_dir() else None


def said_error(run: Path) -> bool:
    """Tell whether VASP gave a reason before it ended."""
    for name in ("vasp.out", "std_err.txt"):
        try:
            if SAID.search((run / name).read_bytes()[-TAIL:]):
                return True
        except OSError:
            continue
    return False


def look(folder: Path, pairs: tuple[str, ...] = ()) -> Seen | None:
    """Return how far a job is, or None if its files do not tell.

    Args:
        folder: of the job.
        pairs: whose bonds are counted, as in "In-S".
    """
    if (folder / "trajectory.ionf").is_file() and last_run(folder) is None:
        return _from_trajectory(folder / "trajectory.ionf", pairs)
    run = last_run(folder)
    if run is None:
        return _from_history(folder / "relax.traj")
    steps = OSZICAR_STEP.findall(_tail(run / "OSZICAR"))
    if not steps:
        return None
    number, temperature, energy = steps[-1]
    forces = FORCE.findall(_tail(run / "OUTCAR"))
    return Seen(
        int(number),
        _number(energy),
        _number(forces[-1]) if forces else None,
        _number(temperature) if temperature else None,
        _bonds_of_xdatcar(run / "XDATCAR", pairs) if temperature and pairs else None,
    )


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - TAIL))
            return stream.read().decode(errors="replace")
    except OSError:
        return ""


def _number(text: str) -> float | None:
    try:
        return float(text.rstrip("."))
    except ValueError:
        return None


def _from_history(path: Path) -> Seen | None:
    """Read the relaxation of a potential."""
    if not path.is_file() or not path.stat().st_size:
        return None
    import numpy as np
    from ase.io.trajectory import Trajectory

    try:
        with Trajectory(str(path)) as history:
            if not len(history):
                return None
            atoms = history[-1]
            number = len(history) - 1
    except (OSError, ValueError, KeyError):
        return None  # it is being written
    force = float(np.linalg.norm(atoms.get_forces(), axis=1).max())
    return Seen(number, float(atoms.get_potential_energy()), force)


def _from_trajectory(path: Path, pairs: tuple[str, ...]) -> Seen | None:
    from ionface.analysis.trajectory.trajectory import Trajectory

    try:
        found = Trajectory.open(path)
        if not found.n_frames:
            return None
        frame = found.frame(-1)
    except ValueError:
        return None
    scalars: Mapping[str, Any] = frame.scalars
    return Seen(
        int(frame.step),
        scalars.get("potential_energy"),
        None,
        scalars.get("temperature"),
        _bonds(found.species, found.lattice, frame.positions, pairs) or None,
    )


def _bonds_of_xdatcar(path: Path, pairs: tuple[str, ...]) -> dict[str, int] | None:
    """Count bonds in the last whole frame of an XDATCAR."""
    import numpy as np

    try:
        with path.open() as stream:
            head = [next(stream) for _ in range(7)]
    except (OSError, StopIteration, UnicodeDecodeError):
        return None
    try:
        lattice = float(head[1]) * np.array([row.split() for row in head[2:5]], float)
        counts = [int(word) for word in head[6].split()]
        species = np.repeat(head[5].split(), counts)
        frames = _tail_of(path, 60 * sum(counts) * 3).split("Direct configuration")[1:]
        for text in reversed(frames):
            rows = text.splitlines()[1 : 1 + sum(counts)]
            if len(rows) == sum(counts) and all(len(r.split()) == 3 for r in rows):
                places = np.array([row.split() for row in rows], float) @ lattice
                return _bonds(species, lattice, places, pairs)
    except (ValueError, IndexError):
        return None
    return None


def _tail_of(path: Path, size: int) -> str:
    with path.open("rb") as stream:
        stream.seek(0, 2)
        stream.seek(max(0, stream.tell() - size))
        return stream.read().decode(errors="replace")


def _bonds(
    species: Any, lattice: Any, positions: Any, pairs: tuple[str, ...]
) -> dict[str, int]:
    """Count neighbors closer than 1.3 times the sum of covalent radii.

    Args:
        species: symbols, shape (n_atoms,).
        lattice: Å, shape (3, 3).
        positions: Å, shape (n_atoms, 3).
        pairs: as in "In-S".
    """
    import numpy as np
    from ase.data import atomic_numbers, covalent_radii

    names = np.asarray([str(s) for s in species])
    inverse = np.linalg.inv(np.asarray(lattice, float))
    found = {}
    for pair in pairs:
        first, second = pair.split("-")
        reach = 1.3 * sum(covalent_radii[atomic_numbers[e]] for e in (first, second))
        a, b = positions[names == first], positions[names == second]
        apart = (a[:, None] - b[None]) @ inverse  # (n_first, n_second, 3)
        apart = (apart - np.round(apart)) @ lattice
        near = np.linalg.norm(apart, axis=2) < reach
        if first == second:
            near = np.triu(near, k=1)
        found[pair] = int(near.sum())
    return found
