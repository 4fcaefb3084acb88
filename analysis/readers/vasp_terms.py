"""An energy term from a bare VASP directory: what it is worth, told truthfully.

VASP may have been run by anybody. The level of theory comes from the tags as VASP used
them and from the titles of the pseudopotentials, never from their content.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from pathlib import Path

import numpy as np

from ionface.analysis.energies.energy_term import EnergyTerm
from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.readers.emulation_mark import emulated_model, marked_model
from ionface.analysis.readers.run_metadata import settings_beside
from ionface.analysis.readers.vasprun import IonicStep, VasprunStream, VaspSettings
from ionface.errors import LedgerError

NAMES = ("vasprun.xml", "vasprun.xml.gz", "vasprun.xml.bz2", "vasprun.xml.xz")


_FUNCTIONALS = {"PE": "PBE", "PS": "PBEsol", "RP": "RPBE", "91": "PW91", "AM": "AM05"}
_SMEARINGS = {-5: "tetrahedron", -1: "Fermi", 0: "Gaussian"}
_PRECISIONS = {"a": "Accurate", "n": "Normal", "s": "Single", "l": "Low", "m": "Medium"}
_DISPERSIONS = {10: "D2", 1: "D2", 11: "D3", 12: "D3(BJ)", 20: "TS", 202: "MBD"}


def vasp_directory_term(
    path: str | os.PathLike[str], name: str | None = None
) -> EnergyTerm:
    """Return the energy (sigma -> 0) of the last complete ionic step of a VASP run.

    `finished` says that VASP closed its output; `converged` that the electrons of the
    last step and, in a relaxation, the forces or the energy met their criterion.

    Args:
        path: the directory, or its vasprun.xml, plain or compressed.
        name: of the term; the directory's name if None.

    Raises:
        LedgerError: there is no vasprun.xml, or it is a molecular dynamics, whose
            energy is thermal.
        AnalysisError: the file cannot be read.
    """
    file = _find(Path(path))
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
    unmet = unmet_criterion(settings, last, count) if last else ""
    return EnergyTerm(
        name=name or file.parent.name,
        energy=last.energies.get("e_0_energy", math.nan) if last else math.nan,
        composition=dict(Counter(settings.species)),
        lattice=(last.lattice if last else settings.lattice).tolist(),
        level=vasp_level(settings),
        finished=last is not None and not stream.reason,
        converged=last is not None and not unmet,
        unmet=unmet,
        max_force=_max_force(settings, last) if last else None,
        source=str(file),
    )


def vasp_level(settings: VaspSettings) -> LevelOfTheory:
    """Return the level of theory of a VASP run from its tags."""
    smearing = settings.tag("ISMEAR", 1)
    width = settings.tag("SIGMA", 0.2)
    scheme = _SMEARINGS.get(smearing, f"Methfessel-Paxton {smearing}")
    dispersion = settings.tag("IVDW") or (settings.tag("LVDW") and 1)
    model = marked_model(settings.build)
    return LevelOfTheory(
        code="vasp",
        version=settings.version,
        functional=_functional(settings),
        cutoff_ev=settings.tag("ENMAX") or settings.tag("ENCUT"),
        k_points=settings.k_points,
        smearing=scheme if smearing == -5 else f"{scheme} {width:g} eV",
        pseudopotentials=settings.pseudopotentials,
        dispersion=_DISPERSIONS.get(dispersion, f"IVDW={dispersion}")
        if dispersion
        else None,
        details=_details(settings),
        model=model,
        emulated=model is not None,
    )


def level_beside(path: Path, species: tuple[str, ...]) -> LevelOfTheory | None:
    """Return the level of theory of a run from what lies beside one of its files.

    From its vasprun.xml, if that has these atoms; else only whether a stand-in for VASP
    wrote the folder's outputs. None where nothing tells.
    """
    settings = settings_beside(path, species)
    if settings is not None:
        return vasp_level(settings)
    model = emulated_model(path) or emulated_model(path.parent)
    if model is None:
        return None
    return LevelOfTheory("vasp", "unknown", "unknown", model=model, emulated=True)


def _find(path: Path) -> Path:
    if path.is_file():
        return path
    for name in NAMES:
        if (path / name).is_file():
            return path / name
    raise LedgerError(
        f"no vasprun.xml (plain, gz, bz2, xz) in {path}; give the directory of a "
        "VASP run that wrote one"
    )


def _functional(settings: VaspSettings) -> str:
    given = str(settings.tag("GGA") or "--").strip().upper()
    from_titles = "PBE" if "PBE" in " ".join(settings.pseudopotentials) else "LDA"
    name = from_titles if given in ("--", "") else _FUNCTIONALS.get(given, given)
    meta = str(settings.tag("METAGGA") or "--").strip()
    if meta not in ("--", "", "None"):
        name = meta
    if settings.tag("LHFCALC"):
        mixing, screening = settings.tag("AEXX"), settings.tag("HFSCREEN")
        name += f" hybrid (AEXX={mixing}, HFSCREEN={screening})"
    if settings.tag("LDAU"):
        name += "+U"
    return name


def _details(settings: VaspSettings) -> tuple[str, ...]:
    names = ("PREC", "LREAL", "ISPIN", "LASPH", "ADDGRID", "LDIPOL", "IDIPOL")
    found = {name: settings.tag(name) for name in names}
    precision = str(found["PREC"] or "n")[0].lower()
    found["PREC"] = _PRECISIONS.get(precision, found["PREC"])
    if settings.tag("LDAU"):
        # Values go with the order of the species: name them by pseudopotential.
        values = settings.incar.get("LDAUU") or settings.tag("LDAUU")
        found |= {"LDAUU": values}
    return tuple(
        f"{name}={value}" for name, value in found.items() if value not in (None, False)
    )


def unmet_criterion(settings: VaspSettings, last: IonicStep, count: int) -> str:
    """Return which criterion the last step missed, with both numbers; empty if none.

    Args:
        settings: of the run.
        last: its last ionic step.
        count: of its ionic steps.
    """
    most = settings.tag("NELM") or 60
    if last.scf_steps >= most:
        return f"electrons: {last.scf_steps} of {most} steps (NELM)"
    limit = settings.tag("NSW") or 0
    if limit <= 1 or settings.tag("IBRION") == -1:
        return ""
    criterion = settings.tag("EDIFFG") or 0.0
    if criterion >= 0:
        # The change that VASP compares is that of its line search, which is not in the
        # file: that it stopped before its limit is what can be known.
        return f"ions: {count} of {limit} steps (NSW)" if count >= limit else ""
    force = _max_force(settings, last)
    if force is None:
        return "ions: the file holds no forces"
    if force > abs(criterion):
        return f"forces: {force:.3g} of {abs(criterion):g} eV/Å (EDIFFG)"
    return ""


def _max_force(settings: VaspSettings, step: IonicStep) -> float | None:
    if step.forces is None:
        return None
    forces = step.forces if settings.free is None else step.forces * settings.free
    return float(np.linalg.norm(forces, axis=1).max())
