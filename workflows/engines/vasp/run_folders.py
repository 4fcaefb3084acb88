"""The folder of one job: numbered parts, each one VASP run, never overwritten.

job.json      what the job is; a folder of another job is refused
pre-relax/    relaxation by a potential, where asked for
first/        convergence before the dipole correction
part-001/     the first run; part-002 goes on where it stopped, and so on
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from ionface.errors import IonfaceError
from ionface.files import digest
from ionface.workflows.engines.vasp.inputs import VaspRun

STAMP = "job.json"
FREE_TO_CHANGE = ("NSW", "NCORE", "KPAR", "DIPOL")


def stamp(folder: Path, run: VaspRun, kind: str) -> None:
    """Write what a job is, or compare it with what was written.

    Raises:
        IonfaceError: the folder holds another job.
    """
    mine = identity(run, kind)
    path = folder / STAMP
    if not path.is_file():
        path.write_text(json.dumps(mine, indent=2) + "\n")
        return
    theirs = json.loads(path.read_text())
    if changed := [key for key in mine if mine[key] != theirs.get(key)]:
        shown = "; ".join(f"{k}: {theirs.get(k)} -> {mine[k]}" for k in changed[:4])
        raise IonfaceError(
            f"{folder} holds another job ({shown}); runs of two studies are never "
            "mixed: give another directory"
        )


def identity(run: VaspRun, kind: str) -> dict[str, Any]:
    """Return what tells a job from others: kind, atoms, settings."""
    incar = {k: v for k, v in run.incar.items() if k not in FREE_TO_CHANGE}
    structure = run.structure
    atoms = json.dumps(
        [
            [round(float(x), 6) for x in structure.lattice.matrix.ravel()],
            [site.specie.symbol for site in structure],
            [[round(float(x), 5) for x in site.coords] for site in structure],
        ]
    )
    return {
        "kind": kind,
        "formula": structure.composition.formula,
        "start": digest(atoms)[:16],
        "k_points": "x".join(str(n) for n in run.kpoints().kpts[0]),
        "potcars": list(run.symbols.values()),
        **{key: str(value) for key, value in incar.items()},
    }


def parts(folder: Path) -> list[Path]:
    """Return the parts that were begun, in order."""
    return sorted(p for p in folder.glob("part-[0-9][0-9][0-9]") if p.is_dir())


def next_part(folder: Path) -> Path:
    """Return the folder of the next part; it is not made."""
    return folder / f"part-{len(parts(folder)) + 1:03d}"


def check_idle(folder: Path) -> None:
    """Refuse to go on where VASP still runs: it outlives a job that was killed.

    Looks at the processes of this machine only; a queue kills what a job leaves.

    Raises:
        IonfaceError: with the process that works in one of the parts.
    """
    for process in Path("/proc").glob("[0-9]*"):
        try:
            where = (process / "cwd").resolve()
        except OSError:
            continue  # it has ended, or belongs to somebody else
        if where.parent == folder.resolve() and where.name != "pre-relax":
            raise IonfaceError(
                f"process {process.name} still runs in {where}, left by a job that was "
                f"killed; wait for it, or stop it with kill {process.name}, and run "
                "again"
            )


def carry_wavefunctions(source: Path, target: Path, *, keep: bool) -> bool:
    """Give a run the wavefunctions of the one before, to save electronic steps.

    Args:
        source: folder of the run before; nothing happens if it has no WAVECAR.
        target: folder of the next run.
        keep: copy instead of move.

    Returns:
        Whether there were any.
    """
    wavecar = source / "WAVECAR"
    if not wavecar.is_file() or not wavecar.stat().st_size:
        return False
    target.mkdir(parents=True, exist_ok=True)
    if keep:
        shutil.copy2(wavecar, target / "WAVECAR")
    else:
        shutil.move(wavecar, target / "WAVECAR")
    return True
