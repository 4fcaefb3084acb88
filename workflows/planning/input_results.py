"""What runs in the directories of `ionface inputs` have given: energies and frames."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ionface.analysis.energies.against_bulk import with_bulk
from ionface.analysis.energies.energy_term import EnergyTerm
from ionface.analysis.energies.ledger import LedgerEntry, book_sides
from ionface.analysis.readers.vasp_terms import vasp_directory_term
from ionface.errors import IonfaceError
from ionface.workflows.planning.walk import PlannedJob
from ionface.workflows.study.study import Study

IDENTITY = "study.json"


def identity(
    study: Study, written: list[tuple[PlannedJob, Path]], out: Path
) -> dict[str, Any]:
    """Return what a root of inputs tells of itself, as plain data.

    Args:
        study: that was written.
        written: each job with its folder.
        out: the root.
    """
    folders: dict[str, dict[str, str]] = {}
    for job, folder in written:
        own = folders.setdefault(job.subject, {})
        own[job.task] = str(folder.relative_to(out))
    specs = {spec.name: spec for spec in study.interfaces}
    return {
        "study": study.name,
        "interfaces": {
            name: {
                "film": specs[name].film.phase,
                "substrate": specs[name].substrate.phase,
                "n_interfaces": 2 if specs[name].vacuum == 0 else 1,
                "folders": tasks,
            }
            for name, tasks in folders.items()
            if name in specs
        },
        "crystals": {n: tasks for n, tasks in folders.items() if n not in specs},
        "chemical_potentials": {
            element: Path(value).stem if isinstance(value, str) else value
            for element, value in study.chemical_potentials.items()
        },
    }


def folder_of(root: Path, subject: str, task: str) -> Path | None:
    """Return the directory of a job in a root; None if it has none.

    Args:
        root: of inputs.
        subject: the job's interface, facet or crystal.
        task: of the job.
    """
    known = _told(root)
    told = known.get("interfaces", {}).get(subject, {}).get("folders", {})
    told = told or known.get("crystals", {}).get(subject, {})
    return root / told[task] if task in told else None


def is_root(path: Path) -> bool:
    """Tell whether a directory is a root of inputs that tells of its interfaces."""
    return "interfaces" in _told(path)


def by_hand_energies(root: Path) -> list[LedgerEntry]:
    """Return the formation energies of a root of inputs.

    Where the bulk crystals of both sides were relaxed, with what is against bulk.
    Interfaces whose runs have not all begun are left out.

    Raises:
        LedgerError: terms do not belong together, are not finished or not converged.
        IonfaceError: no interface is complete.
    """
    entries, missing = [], []
    known = _told(root)
    for name, told in known["interfaces"].items():
        wanted = [t for t in told["folders"] if t.startswith("static ")]
        absent = [t for t in wanted if not _has_run(root / told["folders"][t])]
        if absent:
            missing.append(f"{name}: {', '.join(absent)}")
        elif wanted:
            entries.append(_entry(root, name, told, known))
    if not entries:
        raise IonfaceError(
            f"no interface of {root} has all its energies yet; missing are "
            f"{'; '.join(missing) or 'all: the study has no formation energy'}"
        )
    return entries


def dynamics_parts(path: Path) -> list[Path]:
    """Return the run folders of dynamics in a root of inputs, or in one job's folder.

    Returns:
        Those that have begun, in order; nothing where there are none.

    Raises:
        IonfaceError: several interfaces of a root have dynamics.
    """
    if is_root(path):
        told = _told(path)["interfaces"].values()
        found = [t["folders"]["dynamics"] for t in told if "dynamics" in t["folders"]]
        if len(found) > 1:
            raise IonfaceError(
                f"{path} holds dynamics of several interfaces; name one of "
                f"{', '.join(found)}"
            )
        path = path / found[0] if found else path
    return sorted(run for run in path.glob("run-[0-9]*") if _has_run(run))


def _entry(
    root: Path, name: str, told: dict[str, Any], known: dict[str, Any]
) -> LedgerEntry:
    parts = {
        task.removeprefix("static "): _term(root, name, told["folders"], task)
        for task in told["folders"]
        if task.startswith("static ")
    }
    phases = {side: told[side] for side in ("film", "substrate")}
    entry = book_sides(name, parts, phases, n_interfaces=told["n_interfaces"])
    crystals = known["crystals"]
    relaxed = {s: _bulk(root, crystals, phase) for s, phase in phases.items()}
    bulks = {side: bulk for side, bulk in relaxed.items() if bulk is not None}
    given = {
        element: _bulk(root, crystals, value) if isinstance(value, str) else value
        for element, value in known.get("chemical_potentials", {}).items()
    }
    potentials = {element: mu for element, mu in given.items() if mu is not None}
    return with_bulk(entry, parts, phases, bulks, potentials)


def _bulk(
    root: Path, crystals: dict[str, dict[str, str]], phase: str
) -> EnergyTerm | None:
    """Return the energy of a relaxed crystal; None where it has not been computed."""
    folders, task = crystals.get(phase, {}), "static bulk"
    if task not in folders or not _has_run(root / folders[task]):
        return None
    return _term(root, phase, folders, task)


def _term(root: Path, name: str, folders: dict[str, str], task: str) -> EnergyTerm:
    """Return a single point; what counts as converged is the relaxation before it."""
    part = task.removeprefix("static ")
    term = vasp_directory_term(root / folders[task], f"{name}, {part}")
    before = folders.get(f"relax {part}")
    if before is None:
        return term
    relaxed = vasp_directory_term(root / before, f"{name}, relax {part}")
    return replace(
        term,
        converged=term.converged and relaxed.converged,
        unmet=term.unmet or relaxed.unmet,
        max_force=relaxed.max_force,
    )


def _told(path: Path) -> dict[str, Any]:
    try:
        told = json.loads((path / IDENTITY).read_text())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _has_run(folder: Path) -> bool:
    return any(folder.glob("vasprun.xml*"))
