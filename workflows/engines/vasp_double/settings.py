"""INCAR: its tags as VASP reads them, and VASP's defaults for those that are not given.

What would run differently in VASP than here is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ionface.analysis.readers.incar import parse_incar
from ionface.errors import InputError
from ionface.workflows.engines.vasp_double.geometry import Poscar
from ionface.workflows.engines.vasp_double.potcars import Pseudopotential

BOLTZMANN = 8.617333262e-5  # eV/K
AMU = 103.642697  # 1 amu Å²/fs² in eV
SMASS_NVE = -3.0
PERIOD_STEPS = 40  # of the temperature's oscillation, for SMASS = 0
IALGO = {"v": 48, "f": 68, "a": 58, "c": 58, "d": 53}  # by the first letter of ALGO

GROUPS: Mapping[str, Mapping[str, Any]] = {
    "general": {"SYSTEM": "unknown system", "LCOMPAT": False},
    "electronic": {
        "PREC": "normal", "ENMAX": 0.0, "EDIFF": 1e-4, "IALGO": 38, "NBANDS": 0,
        "NELECT": 0.0,
    },
    "electronic smearing": {
        "ISMEAR": 1, "SIGMA": 0.2, "KSPACING": 0.5, "KGAMMA": True,
    },
    "electronic projectors": {"LMAXMIX": 2},
    "electronic startup": {"ISTART": 0, "ICHARG": 2},
    "electronic spin": {
        "ISPIN": 1, "LNONCOLLINEAR": False, "MAGMOM": [], "NUPDOWN": -1.0,
        "LSORBIT": False,
    },
    "electronic exchange-correlation": {"LASPH": False},
    "electronic convergence": {"NELM": 60, "NELMDL": -5, "NELMIN": 2},
    "electronic mixer": {"AMIX": 0.4, "BMIX": 1.0, "AMIN": 0.1},
    "electronic dipolcorrection": {"LDIPOL": False, "IDIPOL": 0, "DIPOL": [-100.0] * 3},
    "grids": {"ADDGRID": False},
    "ionic": {
        "NSW": 0, "IBRION": -1, "MDALGO": 0, "ISIF": 2, "PSTRESS": 0.0,
        "EDIFFG": 1e-3, "POTIM": 0.5, "SMASS": SMASS_NVE,
    },
    "ionic md": {"TEBEG": 0.0, "TEEND": 0.0, "NBLOCK": 1, "KBLOCK": 0},
    "symmetry": {"ISYM": 2, "SYMPREC": 1e-5},
    "dos": {"LORBIT": 0, "NEDOS": 301, "EFERMI": 0.0},
    "writing": {"LWAVE": True, "LCHARG": True, "LVTOT": False, "LVHAR": False},
    "other": {
        "GGA": "PE", "METAGGA": "--", "LHFCALC": False, "LDAU": False,
        "LUSE_VDW": False, "LEPSILON": False, "LCHIMAG": False,
    },
}  # fmt: skip
"""VASP's defaults by the groups of vasprun.xml; those that depend on others are filled
in by `resolve`. A default's type is its tag's type."""
DEFAULTS: dict[str, Any] = {
    "ENCUT": 0.0, "ALGO": "Normal", "LATTICE_CONSTRAINTS": [True] * 3,
    "RANDOM_SEED": [0], "ML_LMLFF": False, "LDAUTYPE": 2, "LDAUL": [2],
    "LDAUU": [0.0], "LDAUJ": [0.0],
}  # fmt: skip
for _group in GROUPS.values():
    DEFAULTS.update(_group)


def read(path: Path) -> dict[str, Any]:
    """Return the tags of a file with typed values.

    Raises:
        InputError: there is no file, or a value does not fit its tag.
    """
    try:
        text = path.read_text(errors="replace")
    except OSError as error:
        raise InputError(f"cannot read {path.name}: {error.strerror}") from error
    return {name: typed(name, value) for name, value in parse_incar(text).items()}


def typed(name: str, text: str) -> Any:
    """Return a value as int, float, bool, list or text, by its tag.

    Raises:
        InputError: in VASP's words, which tell custodian.
    """
    default = DEFAULTS.get(name)
    if isinstance(default, str):
        return text
    words = text.split()
    try:
        if isinstance(default, bool):
            return logical(words[0])
        if isinstance(default, int | float):
            return type(default)(_number(words[0]))
        if isinstance(default, list):
            return _expanded(words)
    except (ValueError, IndexError) as error:
        raise InputError(
            f" Error reading item '{name}' from file INCAR.\n Error code was IERR= 5 "
            f"({text!r} is no value for it)"
        ) from error
    return _guessed(text)


def logical(word: str) -> bool:
    """Return what .TRUE., T, .F. and the like stand for; ValueError for the rest."""
    letter = word.lstrip(".")[:1].upper()
    if letter not in ("T", "F"):
        raise ValueError(word)
    return letter == "T"


def _number(word: str) -> float:
    return float(re.sub(r"[dD]", "E", word))


def _guessed(text: str) -> Any:
    if text.upper().strip(".") in ("TRUE", "FALSE", "T", "F"):
        return logical(text)
    for convert in (int, _number):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


def _expanded(words: list[str]) -> list[Any]:
    """Return a list in which 3*0.5 stands for three numbers."""
    values: list[Any] = []
    for word in words:
        times, star, value = word.rpartition("*")
        values += [_guessed(value)] * (int(times) if star else 1)
    return values


def in_words(value: Any) -> str:
    """Return a value as VASP reads it."""
    if isinstance(value, bool):
        return ".TRUE." if value else ".FALSE."
    if isinstance(value, list):
        return " ".join(in_words(item) for item in value)
    return str(value)


@dataclass(frozen=True)
class Settings:
    """A run's parameters.

    Attributes:
        given: the user's tags.
        tags: all of `GROUPS`, defaults filled in. ENMAX is the cutoff in use, NELECT
            and NBANDS are numbers, SMASS of a Nosé thermostat is its mass.
    """

    given: Mapping[str, Any]
    tags: Mapping[str, Any]

    @property
    def dynamics(self) -> bool:
        """Tell whether ions move by Newton's laws."""
        return bool(self.tags["IBRION"] == 0)

    @property
    def relaxation(self) -> bool:
        """Tell whether ions move downhill."""
        return bool(self.tags["IBRION"] > 0)

    @property
    def relaxes_cell(self) -> bool:
        """Tell whether the cell moves."""
        return self.relaxation and self.tags["ISIF"] == 3

    @property
    def steps(self) -> int:
        """Return the largest number of ionic steps, at least 1."""
        return max(int(self.tags["NSW"]), 1) if self.tags["IBRION"] != -1 else 1


def resolve(
    given: Mapping[str, Any], potentials: Sequence[Pseudopotential], poscar: Poscar
) -> Settings:
    """Return the parameters of a run.

    Args:
        given: tags of INCAR, typed.
        potentials: of each group of atoms.
        poscar: the geometry that it starts from.

    Raises:
        InputError: what is asked for is wrong or not emulated.
    """
    steps = max(given.get("NSW", 0), 0)
    ibrion = given.get("IBRION", 0) if steps else -1
    _refuse(given, ibrion)
    counts = poscar.counts
    electrons = sum(p.valence * n for p, n in zip(potentials, counts, strict=True))
    electrons = float(given.get("NELECT", electrons))
    atoms = sum(counts)
    tebeg = given.get("TEBEG", 0.0)
    dependent = {
        "ISIF": 0 if ibrion == 0 else 2,
        "IALGO": IALGO.get(given.get("ALGO", "Normal")[:1].lower(), 38),
        "MAGMOM": [1.0] * atoms,
        "NBANDS": int(max(np.ceil(0.6 * electrons), np.ceil((electrons + atoms) / 2))),
        "TEEND": tebeg,
        "EDIFFG": 10 * given.get("EDIFF", DEFAULTS["EDIFF"]),
        "ENMAX": max(p.enmax for p in potentials),
        "KBLOCK": steps,
    }
    tags = {**DEFAULTS, **dependent, **given}
    tags |= {"NSW": steps, "IBRION": ibrion, "NELECT": electrons}
    tags["ENMAX"] = given.get("ENCUT", tags["ENMAX"])
    tags["NBLOCK"] = max(tags["NBLOCK"], 1)
    if ibrion == 0 and tags["SMASS"] == 0:
        tags["SMASS"] = nose_mass(tags, poscar)
    return Settings(given, tags)


def _refuse(given: Mapping[str, Any], ibrion: int) -> None:
    """Refuse what would run differently in VASP than here."""
    tags = {**DEFAULTS, **given}
    moves = ibrion == 0
    refused = {
        f"IBRION = {ibrion}": ibrion not in (-1, 0, 1, 2),
        f"ISIF = {tags['ISIF']}": tags["ISIF"] not in range(4),
        "IBRION = 0 without POTIM": moves and "POTIM" not in given,
        "IBRION = 0 with ISIF = 3": moves and tags["ISIF"] == 3,
        f"MDALGO = {tags['MDALGO']}": moves and tags["MDALGO"] not in (0, 2),
        f"SMASS = {tags['SMASS']}": tags["SMASS"] < 0 and tags["SMASS"] != SMASS_NVE,
        "NELM below 1": tags["NELM"] < 1,
        "IMAGES": "IMAGES" in given,
    }
    refused |= {
        name: bool(tags[name])
        for name in ("ML_LMLFF", "PSTRESS", "LSORBIT", "LNONCOLLINEAR")
    }
    if wrong := [name for name, is_so in refused.items() if is_so]:
        raise InputError(
            f"ERROR: {', '.join(wrong)} cannot be emulated; known are IBRION -1, 0, 1, "
            "2, ISIF 0 to 3 at zero pressure, and dynamics in NVT (Nosé) or NVE"
        )


def nose_mass(tags: Mapping[str, Any], poscar: Poscar) -> float:
    """Return the mass that SMASS = 0 stands for, amu times a² of the first cell vector.

    The temperature oscillates in 40 steps with it, ω² = 2 g k T / Q (S. Nosé, J. Chem.
    Phys. 81, 511 (1984), doi:10.1063/1.447334).
    """
    temperature = max(tags["TEBEG"], tags["TEEND"])
    angular = 2 * np.pi / (PERIOD_STEPS * tags["POTIM"])  # 1/fs
    energy = 2 * poscar.freedom * BOLTZMANN * temperature / angular**2  # eV fs²
    return float(energy / AMU / np.sum(poscar.lattice[0] ** 2))
