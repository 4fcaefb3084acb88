"""An energy term from a bare VASP directory: what it is worth, told truthfully.

VASP may have been run by anybody, so each term says whether it is finished, converged
and a ground state, and at which level of theory.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ionface.analysis.energies.empty_layer import empty_layers
from ionface.analysis.energies.energy_term import EnergyTerm
from ionface.analysis.readers.vasp_level import departure, vasp_level
from ionface.analysis.readers.vasprun import IonicStep, VasprunStream
from ionface.analysis.readers.vasprun_settings import VaspSettings
from ionface.errors import LedgerError

COMPRESSED = ("", ".gz", ".bz2", ".xz")
_RELAXATION = re.compile(r"vasprun.*\.relax(\d+)\b")
"""How custodian's double relaxations name what a first and a second run left."""
_RUN = re.compile(r"(?:run|part)-(\d+)")
"""How runs that go on from each other are numbered, ours among them."""


def vasp_directory_term(
    path: str | os.PathLike[str], name: str | None = None
) -> EnergyTerm:
    """Return the energy (sigma -> 0) of the last complete ionic step of a VASP run.

    `finished` says that VASP closed its output; `converged` that the electrons of the
    last step and, in a relaxation, the forces or the energy met their criterion.

    Args:
        path: the directory, or its vasprun.xml, plain or compressed. Of several runs
            that go on from each other (run-001, run-002; vasprun.xml.relax1, .relax2)
            the last counts.
        name: of the term; the directory's name if None.

    Raises:
        LedgerError: there is no vasprun.xml, or it is a molecular dynamics, whose
            energy is thermal.
        AnalysisError: the file cannot be read.
    """
    file = find_vasprun(Path(path))
    stream = VasprunStream(file)
    settings = stream.settings
    last: IonicStep | None = None
    count = 0
    for step in stream.steps():
        last, count = step, count + 1
    if settings.tag("IBRION") == 0 and (settings.tag("NSW") or 0) > 1:
        raise LedgerError(
            f"{file} is a molecular dynamics (IBRION = 0): its energies are thermal; "
            "book a relaxation or a static calculation"
        )
    lattice = last.lattice if last else settings.lattice
    unmet = unmet_criterion(settings, last, count, stream.reason) if last else ""
    return EnergyTerm(
        name=name or file.parent.name,
        energy=last.energies.get("e_0_energy", math.nan) if last else math.nan,
        composition=dict(Counter(settings.species)),
        lattice=lattice.tolist(),
        level=vasp_level(settings, last.added if last else 0.0),
        finished=last is not None and not stream.reason,
        converged=last is not None and not unmet,
        unmet=unmet,
        max_force=largest_force(settings, last) if last else None,
        source=str(file),
        departure=departure(settings),
        gaps=empty_layers(lattice, last.fractional) if last else None,
        stress=None if last is None or last.stress is None else last.stress.tolist(),
    )


def term_names(paths: Sequence[Path]) -> list[str]:
    """Return what tells each path from the others: A and B for A/static and B/static.

    >>> term_names([Path("Li/part-001"), Path("LiF/part-001")])
    ['Li', 'LiF']
    """
    parts = [list(Path(os.path.normpath(path.absolute())).parts) for path in paths]
    for end in (0, -1):
        while min(map(len, parts)) > 1 and len({each[end] for each in parts}) == 1:
            for each in parts:
                each.pop(end)
    return ["/".join(each) for each in parts]


def find_vasprun(path: Path) -> Path:
    """Return the vasprun.xml of a directory, or the path itself if it is a file.

    Raises:
        LedgerError: there is none; names those of its subfolders.
    """
    if path.is_file():
        return path
    for ending in COMPRESSED:
        if (file := path / f"vasprun.xml{ending}").is_file():
            return file
    if last := _last(_RELAXATION, path.glob("vasprun*")):
        return last
    below = sorted({file.parent for file in path.glob("*/vasprun*")})
    if run := _last(_RUN, below):
        return find_vasprun(run)
    have = f" (there is one in {', '.join(map(str, below))})" if below else ""
    raise LedgerError(
        f"no vasprun.xml (plain, gz, bz2, xz) in {path}{have}; give the directory of a "
        "VASP run that wrote one"
    )


def _last(numbered: re.Pattern[str], paths: Iterable[Path]) -> Path | None:
    """Return the path of the highest number in its name; None if none has one."""
    found = [(int(m[1]), path) for path in paths if (m := numbered.match(path.name))]
    return max(found)[1] if found else None


def unmet_criterion(
    settings: VaspSettings, last: IonicStep, count: int, cut: str = ""
) -> str:
    """Return which criterion the last step missed, with both numbers; empty if none.

    Args:
        settings: of the run.
        last: its last ionic step.
        count: of its ionic steps.
        cut: why the file ends before the run does; empty if it does not.
    """
    if not is_self_consistent(settings, last):
        return f"electrons: {last.scf_steps} of {most_scf_steps(settings)} steps (NELM)"
    limit = settings.tag("NSW") or 0
    if limit <= 1 or settings.tag("IBRION") == -1:
        return ""
    criterion = settings.tag("EDIFFG") or 0.0
    if criterion >= 0:
        # The change that VASP compares is that of its line search, which is not in the
        # file: that it stopped before its limit is what can be known.
        return f"ions: {count} of {limit} steps (NSW)" if count >= limit else cut
    force = largest_force(settings, last)
    if force is None:
        return "ions: the file holds no forces"
    if force > abs(criterion):
        return f"forces: {force:.3g} of {abs(criterion):g} eV/Å (EDIFFG)"
    return ""


def is_self_consistent(settings: VaspSettings, step: IonicStep) -> bool:
    """Tell whether the electrons of a step converged before they took all they may."""
    return step.scf_steps < most_scf_steps(settings)


def most_scf_steps(settings: VaspSettings) -> int:
    """Return how many electronic steps an ionic one may take: NELM."""
    return int(settings.tag("NELM") or 60)


def largest_force(settings: VaspSettings, step: IonicStep) -> float | None:
    """Return the largest norm of a force on an atom that may move, eV/Å, if known."""
    if step.forces is None:
        return None
    forces = step.forces if settings.free is None else step.forces * settings.free
    return float(np.linalg.norm(forces, axis=1).max())
