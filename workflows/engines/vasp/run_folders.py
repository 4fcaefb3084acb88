"""The folder of one job: numbered VASP runs, none of them ever overwritten.

job.json      what the job is; a folder of another job is refused
pre-relax/    relaxation by a potential, where asked for
first/        convergence before the dipole correction
run-001/      the first run; run-002 goes on where it stopped, and so on
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import psutil

from ionface.errors import IonfaceError
from ionface.files import digest
from ionface.workflows.engines.vasp.inputs import VaspRun

STAMP = "job.json"

# Where a run starts anew from other positions these follow; they make no other job.
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
    # rounded, so that a structure that went through JSON or a CIF is the same job
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


def run_folders(job_folder: Path) -> list[Path]:
    """Return the folders of the runs that were begun, in order."""
    return sorted(p for p in job_folder.glob("run-[0-9][0-9][0-9]") if p.is_dir())


def next_run_folder(job_folder: Path) -> Path:
    """Return the folder of the next run; it is not made."""
    return job_folder / f"run-{len(run_folders(job_folder)) + 1:03d}"


def check_idle(job_folder: Path) -> None:
    """Refuse to go on where VASP still runs: it outlives a job that was killed.

    Looks at the processes of this machine only; a queue kills what a job leaves.

    Raises:
        IonfaceError: with the process that works in one of the run folders.
    """
    for process in psutil.process_iter():
        try:
            where = Path(process.cwd())
        except (psutil.Error, OSError):
            continue  # it has ended, or belongs to somebody else
        if where.parent == job_folder.resolve() and where.name != "pre-relax":
            raise IonfaceError(
                f"process {process.pid} still runs in {where}, left by a job that was "
                f"killed; wait for it, or stop it with kill {process.pid}, and run "
                "again"
            )


def carry_wavefunctions(source: Path, target: Path, *, keep: bool) -> bool:
    """Give a run the wavefunctions of the one before, to save electronic steps.

    Args:
        source: folder of the run before; nothing happens if it has no WAVECAR.
        target: folder of the next run.
        keep: copy instead of move. WAVECARs are the largest files there are, so one
            that only the next run needs is moved.

    Returns:
        Whether there were any.
    """
    wavecar = source / "WAVECAR"
    # VASP makes the file when it starts: one of no bytes comes from a killed run
    if not wavecar.is_file() or not wavecar.stat().st_size:
        return False
    target.mkdir(parents=True, exist_ok=True)
    if keep:
        shutil.copy2(wavecar, target / "WAVECAR")
    else:
        shutil.move(wavecar, target / "WAVECAR")
    return True
