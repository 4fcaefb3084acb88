"""All complete steps of one dynamics run: vasprun.xml, and XDATCAR where it ends early.

VASP buffers vasprun.xml; a run that was killed, or whose disk was full, may have
written CONTCAR and XDATCAR several steps further. Those steps have positions in XDATCAR
(the same eight digits) and energies in OSZICAR.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.readers.vasp_terms import vasp_level
from ionface.analysis.readers.vasprun import IonicStep, VasprunStream
from ionface.analysis.readers.xdatcar import XdatcarStream
from ionface.errors import AnalysisError
from ionface.workflows.engines.vasp.contcar import is_complete, positions
from ionface.workflows.engines.vasp.inputs import VaspRun

SAME_FRAME = 2e-7  # fractional; vasprun.xml and XDATCAR have 8 digits
SEAM_JUMP = 0.5  # Å; no atom moves that far in one step at battery temperatures
SEAM_TURN = 0.7  # relative change of velocities; two unrelated sets differ by 1.4
NEXT_TURN = 0.4  # the same between two steps in a row; 0.63 if one is missing
_NUMBER = r"\s*([-+]?\d*\.\d+(?:E[-+]?\d+)?)"
_OSZICAR = re.compile(
    rf"^\s*(\d+)\s+T=.*?\bE={_NUMBER}\s*F={_NUMBER}\s*E0={_NUMBER}\s*EK={_NUMBER}", re.M
)


UNCONVERGED = 0.05  # share of the steps; single ones among many do no harm

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PartFrames:
    """The steps of one run.

    Attributes:
        steps: complete ones, in order.
        level: of theory, as the output tells.
        recovered: how many of them only XDATCAR has.
        unconverged: in how many the electrons took all steps that they may.
    """

    steps: list[IonicStep]
    level: LevelOfTheory
    recovered: int
    unconverged: int

    @property
    def wanting(self) -> bool:
        """Tell whether the electrons failed to converge more than now and then."""
        return self.unconverged > max(2, UNCONVERGED * len(self.steps))


def part_frames(part: Path) -> PartFrames | None:
    """Return the complete steps of a run's folder; None if there are none."""
    try:
        stream = VasprunStream(part / "vasprun.xml")
        steps = list(stream.steps())
    except (AnalysisError, OSError):
        return None
    if not steps:
        return None
    level = vasp_level(stream.settings)
    more = _from_xdatcar(part, steps) if stream.reason else []
    most = int(stream.settings.tag("NELM") or 60)
    unconverged = sum(step.scf_steps >= most for step in steps)
    return PartFrames([*steps, *more], level, len(more), unconverged)


def _from_xdatcar(part: Path, steps: list[IonicStep]) -> list[IonicStep]:
    """Return the steps after those of vasprun.xml, as far as both files have them."""
    try:
        frames = list(XdatcarStream(part / "XDATCAR").frames())
        text = (part / "OSZICAR").read_text(errors="replace")
    except (AnalysisError, OSError):
        return []
    energies = {int(n): values for n, *values in _OSZICAR.findall(text)}
    known = len(steps)
    if len(frames) <= known or not _is_same(frames[known - 1].fractional, steps[-1]):
        return []  # written every NBLOCK steps, or by another run
    found = []
    for number, frame in enumerate(frames[known:], known + 1):
        if number not in energies:
            break
        total, free, at_zero, kinetic = map(float, energies[number])
        found.append(
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
    return found


def _is_same(fractional: Array, step: IonicStep) -> bool:
    difference = fractional - step.fractional
    return bool(np.abs(difference - np.round(difference)).max() < SAME_FRAME)


def kept_frames(run: VaspRun, part: Path, fractional: Array) -> int:
    """Return how many frames lie before or at the state that a run left.

    Args:
        run: knows the order of the sites.
        part: its folder, with CONTCAR.
        fractional: its frames, in the caller's order, shape (n_frames, n_atoms, 3).

    Returns:
        0 where the state is torn and no copy was kept, or where the frames do not lead
        to it: steps are missing between them, and nobody can say how many.
    """
    contcar = part / "CONTCAR"
    if not contcar.is_file() or not is_complete(contcar.read_bytes(), dynamics=True):
        contcar = part / "CONTCAR.kept"
    if not contcar.is_file():
        return 0 if (part / "CONTCAR").is_file() else len(fractional)
    state = np.empty_like(fractional[0])
    state[run.order] = positions(contcar)
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
        return float(np.linalg.norm(across @ matrix, axis=1).max()) < SEAM_JUMP
    last = fractional[-1] - fractional[-2]
    scale = np.sqrt((np.mean(last**2) + np.mean(across**2)) / 2)
    change = np.sqrt(np.mean((across - last) ** 2))
    return bool(change <= max(NEXT_TURN * scale, SAME_FRAME))
