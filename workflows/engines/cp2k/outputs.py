"""What a run of CP2K left: one point's energy and forces, or the steps of dynamics."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import units
from numpy.typing import NDArray

from ionface.errors import IonfaceError
from ionface.workflows.engines.cp2k.inputs import PROJECT

Array = NDArray[np.float64]
OUTPUT = "cp2k.out"
UNCONVERGED = "SCF run NOT converged"
RESTART = f"{PROJECT}-1.restart"
_ENERGY = re.compile(r"ENERGY\| Total FORCE_EVAL.*:\s+(-?\d+\.\d+)")
_ENTROPY = re.compile(r"Electronic entropic energy:\s+(-?\d+\.\d+)")
_FORCE = re.compile(r"^\s+\d+\s+\d+\s+[A-Z][a-z]?((?:\s+-?\d+\.\d+){3})\s*$", re.M)
_STRESS = re.compile(
    r"stress tensor \[GPa\]\n.*\n((?: STRESS\|\s+[xyz](?:\s+-?\d\S+){3}\s*\n){3})"
)
_WHOLE = re.compile(
    r"^ &END FORCE_EVAL(\n &EXT_RESTART[^&]*&END EXT_RESTART)?\s*\Z", re.M
)
_STEP = re.compile(r"^\s*STEP_START_VAL\s+(\d+)\s*$", re.M)


def point(text: str) -> dict[str, Any]:
    """Return what an output says of one geometry, in ASE's units.

    An output without a stress in GPa has none here.

    Raises:
        IonfaceError: it has no energy or no forces.
    """
    energy, forces = _ENERGY.findall(text), _FORCE.findall(text)
    if not energy or not forces:
        raise IonfaceError("CP2K's output has no energy or no forces")
    free = float(energy[-1]) * units.Hartree
    entropy = float((_ENTROPY.findall(text) or ["0"])[-1]) * units.Hartree  # -TS
    found = {
        # half of the entropy is what is lost where the width goes to zero
        "energy": free - entropy / 2,
        "free_energy": free,
        "forces": np.array([row.split() for row in forces], dtype=float)
        * (units.Hartree / units.Bohr),
    }
    if told := _STRESS.search(text):
        rows = [row.split()[2:] for row in told[1].splitlines()]
        stress = np.array(rows, dtype=float)
        # CP2K's is above zero under pressure
        voigt = stress[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
        found["stress"] = -voigt * units.GPa
    return found


@dataclass(frozen=True)
class Steps:
    """The whole steps of a run that were written, and the state behind the last one.

    Attributes:
        numbers: of the steps, counted over all runs, shape (n,).
        times: fs.
        kinetic: eV.
        temperatures: K.
        potential: eV, the free energy of the electrons.
        conserved: eV.
        positions: Å, shape (n, n_atoms, 3).
        velocities: Å/fs, shape (n, n_atoms, 3).
        restart: file that a next run goes on from.
    """

    numbers: NDArray[np.int64]
    times: Array
    kinetic: Array
    temperatures: Array
    potential: Array
    conserved: Array
    positions: Array
    velocities: Array
    restart: Path


def steps_of(folder: Path, n_atoms: int) -> Steps | None:
    """Return the steps of a run that another one can go on from; None if it has none.

    A run that was killed may have written a frame more, or less, than the state.
    """
    energies = _energies(folder)
    frames = [_frames(folder, kind, n_atoms) for kind in ("pos", "vel")]
    whole = min(len(energies), *map(len, frames))
    numbers = energies[:whole, 0].astype(int)
    states = [each for each in _states(folder) if each[1] in numbers]
    if not states:
        return None
    restart, last = states[0]
    upto = int(np.flatnonzero(numbers == last)[0]) + 1
    _, times, kinetic, temperatures, potential, conserved = energies[:upto, :6].T
    return Steps(
        numbers=numbers[:upto],
        times=times,
        kinetic=kinetic * units.Hartree,
        temperatures=temperatures,
        potential=potential * units.Hartree,
        conserved=conserved * units.Hartree,
        positions=frames[0][:upto],
        velocities=frames[1][:upto] * (units.Bohr / units.AUT * units.fs),
        restart=restart,
    )


def progress_of(folder: Path) -> tuple[int, float, float] | None:
    """Return number, time (fs) and temperature (K) of a run's last step."""
    energies = _energies(folder)
    if not len(energies):
        return None
    return int(energies[-1, 0]), float(energies[-1, 1]), float(energies[-1, 3])


def _energies(folder: Path) -> Array:
    """Return the rows of the file of energies, atomic units; a torn last one not."""
    path = folder / f"{PROJECT}-1.ener"
    lines = path.read_text().split("\n")[:-1] if path.is_file() else []
    rows = [line.split() for line in lines if not line.lstrip().startswith("#")]
    return np.array([row for row in rows if len(row) == 7], dtype=float).reshape(-1, 7)


def _frames(folder: Path, kind: str, n_atoms: int) -> Array:
    """Return the whole frames of an XYZ file."""
    path = folder / f"{PROJECT}-{kind}-1.xyz"
    lines = path.read_text().split("\n")[:-1] if path.is_file() else []
    size = n_atoms + 2
    rows = [
        line.split()[1:]
        for begin in range(0, len(lines) - size + 1, size)
        for line in lines[begin + 2 : begin + size]
    ]
    return np.array(rows, dtype=float).reshape(-1, n_atoms, 3)


def _states(folder: Path) -> list[tuple[Path, int]]:
    """Return the whole states of a run with their steps, the newest first.

    CP2K moves the last state aside before it writes the next one.
    """
    found = []
    for path in (folder / RESTART, folder / f"{RESTART}.bak-1"):
        text = path.read_text() if path.is_file() else ""
        step = _STEP.search(text)
        if step and _WHOLE.search(text):
            found.append((path, int(step[1])))
    return found
