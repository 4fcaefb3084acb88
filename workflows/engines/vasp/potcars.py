"""Which POTCAR each element gets, and where it is; recorded by title and hash only.

POTCARs are found as pymatgen finds them (PMG_VASP_PSP_DIR). Their content goes into
the run's own folder and nowhere else.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from pymatgen.core import SETTINGS
from pymatgen.io.vasp import PotcarSingle

from ionface.errors import IonfaceError
from ionface.files import digest

RECOMMENDED = {
    "Ag": "Ag",
    "Al": "Al",
    "Au": "Au",
    "B": "B",
    "Br": "Br",
    "C": "C",
    "Ca": "Ca_sv",
    "Cl": "Cl",
    "Cu": "Cu",
    "F": "F",
    "Ga": "Ga_d",
    "Ge": "Ge_d",
    "H": "H",
    "I": "I",
    "In": "In_d",
    "K": "K_sv",
    "La": "La",
    "Li": "Li",
    "Mg": "Mg",
    "N": "N",
    "Na": "Na_pv",
    "Nb": "Nb_sv",
    "Ni": "Ni",
    "O": "O",
    "P": "P",
    "S": "S",
    "Se": "Se",
    "Si": "Si",
    "Sn": "Sn_d",
    "Ta": "Ta_pv",
    "Ti": "Ti_sv",
    "Y": "Y_sv",
    "Zn": "Zn",
    "Zr": "Zr_sv",
}
"""VASP's recommendations for PBE, but plain Li: Li_sv needs 499 eV, above both papers'
cutoffs. In_d and Ge_d keep the d shell that lies 15 to 30 eV below the Fermi level."""

VALENCES = {
    "Ag": 11, "Al": 3, "Au": 11, "B": 3, "Br": 7, "C": 4, "Ca_sv": 10, "Cl": 7,
    "Cu": 11, "F": 7, "Ga_d": 13, "Ge_d": 14, "H": 1, "I": 7, "In_d": 13, "K_sv": 9,
    "La": 11, "Li": 1, "Mg": 2, "N": 5, "Na_pv": 7, "Nb_sv": 13, "Ni": 10, "O": 6,
    "P": 5, "S": 6, "Se": 6, "Si": 4, "Sn_d": 14, "Ta_pv": 11, "Ti_sv": 12,
    "Y_sv": 11, "Zn": 12, "Zr_sv": 12,
    "Ga": 3, "Ge": 4, "In": 3, "Li_sv": 3, "Sn": 4, "Ti": 4, "Ti_pv": 10,
}  # fmt: skip
"""Valence electrons, for plans on machines without a POTCAR library."""


@dataclass(frozen=True)
class PotcarRecord:
    """One POTCAR as it may be told to others.

    Attributes:
        element: chemical symbol.
        symbol: name in the library, as in "Ge_d".
        title: its TITEL.
        sha256: of its text.
        enmax: its recommended cutoff, eV.
        valence: its valence electrons.
    """

    element: str
    symbol: str
    title: str
    sha256: str
    enmax: float
    valence: float

    @classmethod
    def of(cls, element: str, symbol: str, potcar: PotcarSingle) -> Self:
        """Return what may be told of a POTCAR.

        Raises:
            IonfaceError: it lacks its cutoff or its valence.
        """
        keywords = potcar.keywords
        if absent := [key for key in ("ENMAX", "ZVAL") if key not in keywords]:
            raise IonfaceError(f"POTCAR {symbol} has no {absent[0]}; it is damaged")
        return cls(
            element=element,
            symbol=symbol,
            title=str(keywords.get("TITEL", symbol)),
            sha256=digest(potcar.data),
            enmax=float(keywords["ENMAX"]),
            valence=float(keywords["ZVAL"]),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def potcar_symbols(
    elements: Iterable[str], overrides: Mapping[str, str]
) -> dict[str, str]:
    """Return the name of each element's POTCAR.

    Raises:
        IonfaceError: an element without a recommendation and without an override.
    """
    chosen = {}
    for element in elements:
        symbol = overrides.get(element) or RECOMMENDED.get(element)
        if symbol is None:
            raise IonfaceError(
                f"no POTCAR is recommended here for {element}; name one in the study, "
                f"as in vasp: {{potcars: {{{element}: {element}}}}}"
            )
        chosen[element] = symbol
    return chosen


def library() -> Path:
    """Return the directory of POTCARs from pymatgen's settings.

    Raises:
        IonfaceError: it is not set, or no directory.
    """
    folder = SETTINGS.get("PMG_VASP_PSP_DIR")
    if not folder:
        raise IonfaceError(
            "no POTCAR directory: PMG_VASP_PSP_DIR is not set; run "
            "pmg config -p <your POTCARs> <target>, then "
            "pmg config --add PMG_VASP_PSP_DIR <target>"
        )
    path = Path(str(folder)).expanduser()
    if not path.is_dir():
        raise IonfaceError(
            f"no POTCAR directory: PMG_VASP_PSP_DIR is {folder}, which does not exist; "
            "correct it with pmg config --add PMG_VASP_PSP_DIR <directory>"
        )
    return path


def read_potcar(symbol: str, functional: str) -> PotcarSingle:
    """Return one POTCAR of the library.

    Args:
        symbol: as in "Ge_d".
        functional: release, as pymatgen names it.

    Raises:
        IonfaceError: the library has none of this name, or it cannot be read.
    """
    folder = library()
    known = {**PotcarSingle.functional_dir, **SETTINGS.get("PMG_VASP_PSP_SUB_DIRS", {})}
    if functional not in known:
        raise IonfaceError(
            f"vasp.potcar_functional: {functional!r} is unknown; have {sorted(known)}"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of potentials that pymatgen has not seen
            return PotcarSingle.from_symbol_and_functional(symbol, functional)
    except (OSError, KeyError, ValueError) as error:
        sub, element = known[functional], symbol.partition("_")[0]
        raise IonfaceError(
            f"no POTCAR {symbol} of {functional} below {folder} (looked for "
            f"{sub}/POTCAR.{symbol} and {sub}/{symbol}/POTCAR, plain or compressed); "
            f"add it, or name another in vasp: {{potcars: {{{element}: NAME}}}}"
        ) from error


def has_library() -> bool:
    """Tell whether there is a directory of POTCARs."""
    try:
        library()
    except IonfaceError:
        return False
    return True


def potcar_records(
    potcars: Mapping[str, tuple[str, PotcarSingle]], cutoff: float
) -> list[PotcarRecord]:
    """Return what may be told of each POTCAR, and refuse what does not converge.

    Args:
        potcars: name and content of each element's, in POSCAR's order.
        cutoff: ENCUT, eV.

    Raises:
        IonfaceError: one is damaged, or needs more than the cutoff.
    """
    records = []
    for element, (symbol, potcar) in potcars.items():
        record = PotcarRecord.of(element, symbol, potcar)
        if record.enmax > cutoff:
            raise IonfaceError(
                f"POTCAR {symbol} needs {record.enmax:g} eV, above the cutoff of "
                f"{cutoff:g} eV, and would be under-converged; name another in "
                "vasp.potcars, or raise vasp.incar: ENCUT"
            )
        records.append(record)
    return records


def valence_electrons(
    composition: Mapping[str, int],
    overrides: Mapping[str, str],
    read: Callable[[str], PotcarSingle],
) -> float:
    """Return the number of valence electrons, from `VALENCES` or from the POTCARs.

    Args:
        composition: number of atoms of each element.
        overrides: names of POTCARs that replace the recommended ones.
        read: returns the POTCAR of a name.

    Raises:
        IonfaceError: neither knows a POTCAR.
    """
    total = 0.0
    for element, symbol in potcar_symbols(composition, overrides).items():
        valence: float | None = VALENCES.get(symbol)
        if valence is None:
            valence = PotcarRecord.of(element, symbol, read(symbol)).valence
        total += valence * composition[element]
    return total
