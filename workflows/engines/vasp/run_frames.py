"""What one run of dynamics left: its complete steps, and the state it can go on from.

The steps stand in vasprun.xml. VASP buffers that file; a run that was killed, or whose
disk was full, may have written CONTCAR and XDATCAR several steps further. Those steps
have positions in XDATCAR (the same eight digits) and energies in OSZICAR.

The state is CONTCAR: positions, velocities and the integrator's and the thermostat's
own variables. It is copied byte for byte, so that VASP finds again what it wrote.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pymatgen.io.vasp import Poscar

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.readers.vasp_level import vasp_level
from ionface.analysis.readers.vasp_terms import is_self_consistent
from ionface.analysis.readers.vasprun import IonicStep, VasprunStream
from ionface.analysis.readers.xdatcar import XdatcarStream
from ionface.analysis.trajectory.joining import SAME_FRAME
from ionface.errors import AnalysisError
from ionface.workflows.engines.vasp.inputs import VaspRun

RESTART_JUMP = 0.5  # Å; no atom moves that far in one step at battery temperatures

# Relative changes of the velocities. Two unrelated sets differ by sqrt(2); within one
# step they change by the forces alone, a few percent for ions, more for hydrogen.
RESTART_TURN = 0.7  # across a restart that repeats a frame: two steps lie between
NEXT_TURN = 0.4  # between two steps in a row; 0.63 if one is missing

UNCONVERGED = 0.05  # share of the steps; single ones among many do no harm

_NUMBER = r"\s*([-+]?\d*\.\d+(?:E[-+]?\d+)?)"
_OSZICAR = re.compile(
    rf"^\s*(\d+)\s+T=.*?\bE={_NUMBER}\s*F={_NUMBER}\s*E0={_NUMBER}\s*EK={_NUMBER}", re.M
)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RunFrames:
    """The steps of one run.

    Attributes:
        steps: complete ones, in order; those that only XDATCAR has are without forces.
        level: of theory, as the output tells.
        unconverged: in how many the electrons took all steps that they may.
    """

    steps: list[IonicStep]
    level: LevelOfTheory
    unconverged: int

    @property
    def wanting(self) -> bool:
        """Tell whether the electrons failed to converge more than now and then."""
        return self.unconverged > max(2, UNCONVERGED * len(self.steps))


def run_frames(run_folder: Path) -> RunFrames | None:
    """Return the complete steps of a run's folder; None if there are none."""
    try:
        stream = VasprunStream(run_folder / "vasprun.xml")
        steps = list(stream.steps())
    except (AnalysisError, OSError):
        return None
    if not steps:
        return None
    level = vasp_level(stream.settings)
    # a file that was closed has all steps; only a torn one may lie behind XDATCAR
    more = _from_xdatcar(run_folder, steps) if stream.reason else []
    unconverged = sum(not is_self_consistent(stream.settings, step) for step in steps)
    return RunFrames([*steps, *more], level, unconverged)


def _from_xdatcar(run_folder: Path, steps: list[IonicStep]) -> list[IonicStep]:
    """Return the steps after those of vasprun.xml, as far as both files have them."""
    try:
        frames = list(XdatcarStream(run_folder / "XDATCAR").frames())
        text = (run_folder / "OSZICAR").read_text(errors="replace")
    except (AnalysisError, OSError):
        return []
    energies = {int(n): values for n, *values in _OSZICAR.findall(text)}
    known = len(steps)
    if len(frames) <= known or not _is_same(frames[known - 1].fractional, steps[-1]):
        return []  # written every NBLOCK steps, or by another run
    more = []
    for number, frame in enumerate(frames[known:], known + 1):
        if number not in energies:
            break
        total, free, at_zero, kinetic = map(float, energies[number])
        more.append(
            IonicStep(
                lattice=frame.lattice,
                fractional=frame.fractional,
                forces=None,
                energies={
                    "e_fr_energy": free,
                    "e_0_energy": at_zero,
                    "kinetic": kinetic,
                    "total": total,
                },
                scf_steps=0,
            )
        )
    return more


def _is_same(fractional: Array, step: IonicStep) -> bool:
    difference = fractional - step.fractional
    return bool(np.abs(difference - np.round(difference)).max() < SAME_FRAME)


# --- the state that a run can be continued from -------------------------------------


def read_state(data: bytes) -> Poscar | None:
    """Return a CONTCAR of dynamics; None if it was not written to its end.

    VASP rewinds and rewrites the file at every step; one that was killed meanwhile
    leaves a beginning of it, and an unwhole state must never be continued from.

    Args:
        data: its content. The velocities of all atoms are demanded, and the rows of
            the integrator's variables where there are any.
    """
    if not data.endswith(b"\n"):
        return None  # the last number may have lost its last digits
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pymatgen's, of selective dynamics
            # raises where an atom or a row of the integrator's variables is missing
            state = Poscar.from_str(data.decode("ascii"))
    except (ValueError, IndexError, UnicodeDecodeError, Warning):
        return None
    velocities = np.asarray(state.velocities, dtype=object)
    if velocities.shape != (len(state.structure), 3):
        return None
    return state


def last_state(run_folder: Path) -> bytes | None:
    """Return the state that a run of dynamics in this folder can be continued from."""
    for name in ("CONTCAR", "CONTCAR.kept"):
        path = run_folder / name
        if path.is_file() and read_state(data := path.read_bytes()) is not None:
            return data
    return None


def frames_up_to_state(run: VaspRun, run_folder: Path, fractional: Array) -> int:
    """Return how many frames lie before or at the state that a run left.

    The next run starts from that state: frames beyond it are not part of the history.

    Args:
        run: knows the order of the sites.
        run_folder: with CONTCAR.
        fractional: its frames, in the caller's order, shape (n_frames, n_atoms, 3).

    Returns:
        0 where the state is torn and no copy was kept, or where the frames do not lead
        to it: steps are missing between them, and nobody can say how many.
    """
    data = last_state(run_folder)
    if data is None:
        # a single run that wrote no state has all its frames; nothing follows them
        torn = any((run_folder / f"CONTCAR{kept}").is_file() for kept in ("", ".kept"))
        return 0 if torn else len(fractional)
    positions = read_state(data).structure.frac_coords  # type: ignore[union-attr]
    state = np.empty_like(fractional[0])
    state[run.order] = positions
    difference = state - fractional
    difference -= np.round(difference)
    same = np.flatnonzero(np.abs(difference).max(axis=(1, 2)) < SAME_FRAME)
    if len(same):
        return int(same[-1]) + 1
    matrix = run.structure.lattice.matrix
    return len(fractional) if _leads_to(fractional, difference[-1], matrix) else 0


def _leads_to(fractional: Array, across: Array, matrix: Array) -> bool:
    """Tell whether a state lies one step after the last frame."""
    if len(fractional) < 2:
        return float(np.linalg.norm(across @ matrix, axis=1).max()) < RESTART_JUMP
    change, scale = velocity_change(fractional[-1] - fractional[-2], across)
    # atoms at rest differ by the last digit alone, however large its share
    return change <= max(NEXT_TURN * scale, SAME_FRAME)


def velocity_change(earlier: Array, later: Array) -> tuple[float, float]:
    """Return how much the displacements of two steps differ, and how large they are.

    Args:
        earlier: of one step, fractional, shape (n_atoms, 3).
        later: of a step soon after it.

    Returns:
        Root mean squares. The first over the second is 0 for equal displacements and
        about sqrt(2) for unrelated ones.
    """
    scale = np.sqrt((np.mean(earlier**2) + np.mean(later**2)) / 2)
    return float(np.sqrt(np.mean((later - earlier) ** 2))), float(scale)
