"""Phases from files: our own, a folder of VASP runs, a file of the Materials Project.

Each source is asked for total energies and what they are worth; `PhaseSet.of` decides
whether they belong together.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pymatgen.core import Composition

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.readers.vasp_terms import find_vasprun, vasp_directory_term
from ionface.analysis.thermodynamics.phases import Phase, PhaseSet
from ionface.documents import read_json
from ionface.errors import AnalysisError, IonfaceError, LedgerError

RUN_TYPES = {"GGA": "PBE", "GGA+U": "PBE", "R2SCAN": "r2SCAN", "SCAN": "SCAN"}
"""Functional of a run type of the Materials Project, as VASP folders name it."""

_TASK = re.compile(r"\d\d-")
"""How `ionface inputs` begins the names of the folders of one phase."""

HOW = (
    "write one with mp-api: json.dump([e.as_dict() for e in "
    "mpr.get_entries_in_chemsys('Li-P-S')], open('entries.json', 'w'))"
)


def read_phases(
    path: Path, *, exclude: Sequence[str] = (), corrections: str = "none"
) -> PhaseSet:
    """Return the phases of a JSON file or of a folder of VASP runs.

    Args:
        path: phases.json of a project, entries.json of the Materials Project, or a
            folder with a run in each of its subfolders, at any depth.
        exclude: names or formulas that are left out; of a folder, subfolders as well,
            which are then not read at all.
        corrections: that will be applied; mp2020 makes a file's energies with and
            without U comparable.

    Raises:
        AnalysisError: nothing can be read there, or an energy is no total energy.
        LedgerError: two levels of theory, or a run that is not finished or converged.
    """
    if path.is_dir():
        return _of_folder(path, exclude)
    return _of_file(path, corrections).without(exclude)


# --- folders of VASP runs -------------------------------------------------------------


def _of_folder(folder: Path, exclude: Sequence[str]) -> PhaseSet:
    phases = []
    left = set(exclude)
    for run in vasp_runs(folder):
        named = run.parent if _TASK.match(run.name) else run
        name = named.name if run == folder else str(named.relative_to(folder))
        if name in exclude:
            left.discard(name)
            continue
        phases.append(Phase.of_term(vasp_directory_term(run, name)))
    if not phases:
        raise AnalysisError(
            f"no VASP run in the subfolders of {folder}; give a folder that has one "
            "folder with a vasprun.xml for each phase"
        )
    return PhaseSet.of(phases, sources=(str(folder),)).without(sorted(left))


def vasp_runs(folder: Path) -> Iterator[Path]:
    """Yield the folders below a folder that hold a run each, in their order.

    Runs that go on from each other (run-001, run-002) are one; of the tasks of
    `ionface inputs` (01-relax, 02-static) the last counts.
    """
    try:
        find_vasprun(folder)
    except LedgerError:
        children = sorted(path for path in folder.iterdir() if path.is_dir())
        tasks = [path for path in children if _TASK.match(path.name)]
        for child in tasks[-1:] or children:
            yield from vasp_runs(child)
    else:
        yield folder


# --- files ----------------------------------------------------------------------------


def _of_file(path: Path, corrections: str) -> PhaseSet:
    try:
        data = read_json(path.read_text("utf-8"), str(path))
    except (OSError, ValueError, IonfaceError) as error:
        raise AnalysisError(
            f"{path} is no JSON file of phases ({error}); {HOW}"
        ) from error
    if isinstance(data, Mapping) and "phases" in data:
        return PhaseSet.from_dict(data)
    if isinstance(data, Mapping) and isinstance(data.get("entries"), list):
        data = data["entries"]  # how pymatgen writes an EntrySet
    if not isinstance(data, list) or not data:
        raise AnalysisError(
            f"{path} holds neither phases of ionface nor a list of entries of the "
            f"Materials Project; {HOW}"
        )
    _check_run_types(path, data, corrections)
    phases = [_of_entry(path, number, entry) for number, entry in enumerate(data)]
    corrected = corrections == "mp2020"
    return PhaseSet.of(phases, sources=(str(path),), corrected=corrected)


def _check_run_types(path: Path, entries: list[Any], corrections: str) -> None:
    """Refuse a file that mixes functionals, by the words that it has for them."""
    counts = Counter(map(_run_type, entries))
    if len(counts) < 2:
        return
    told = ", ".join(f"{number} {name}" for name, number in counts.most_common())
    if counts.keys() <= {"GGA", "GGA+U"}:
        if corrections == "mp2020":
            return
        raise LedgerError(
            f"{path} mixes run types ({told}), whose energies are comparable only with "
            "corrections=mp2020"
        )
    raise LedgerError(
        f"{path} mixes run types ({told}), whose energies must not be combined; keep "
        "the entries of one run_type"
    )


def _run_type(entry: Any) -> str:
    parameters = entry.get("parameters") if isinstance(entry, Mapping) else None
    return str((parameters or {}).get("run_type") or "GGA")


def _of_entry(path: Path, number: int, entry: Any) -> Phase:
    """Return the phase of a ComputedEntry as a dict, without its corrections."""
    try:
        composition = Composition(entry["composition"]).get_el_amt_dict()
        energy = float(entry["energy"])
        data, parameters = entry.get("data") or {}, entry.get("parameters") or {}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise AnalysisError(
            f"entry {number} of {path} has no composition or no energy ({error!r}); "
            f"{HOW}"
        ) from error
    hubbards = {k: float(v) for k, v in (parameters.get("hubbards") or {}).items() if v}
    theoretical = data.get("theoretical")
    return Phase(
        name=str(entry.get("entry_id") or data.get("material_id") or f"entry {number}"),
        composition=composition,
        energy=energy,
        level=_level(_run_type(entry), composition, hubbards),
        source=str(path),
        observed=None if theoretical is None else not theoretical,
        oxidation=data.get("oxidation_states") or None,
        hubbards=hubbards,
    )


def _level(
    run_type: str, composition: Mapping[str, float], hubbards: Mapping[str, float]
) -> LevelOfTheory:
    told = {symbol: f"U={u:g}" for symbol, u in hubbards.items()}
    return LevelOfTheory(
        code="vasp",
        version="of the Materials Project",
        functional=RUN_TYPES.get(run_type, run_type),
        by_element={symbol: told.get(symbol, "") for symbol in composition},
    )
