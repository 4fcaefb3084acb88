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
from ionface.workflows.engines.vasp.potcar_facts import FACTS

WITH_SEMICORE = """
Ba_sv Bi_d Ca_sv Cr_pv Cs_sv Ga_d Ge_d Hf_pv In_d K_sv Mn_pv Mo_sv Na_pv Nb_sv Pb_d
Rb_sv Sc_sv Sn_d Sr_sv Ta_pv Ti_sv V_sv W_pv Y_sv Zr_sv
"""
RECOMMENDED = {name: name for name in FACTS if "_" not in name} | {
    name.partition("_")[0]: name for name in WITH_SEMICORE.split()
}
"""VASP's recommendations for PBE, but plain Li: Li_sv needs 499 eV, above both papers'
cutoffs. In_d and Ge_d keep the d shell that lies 15 to 30 eV below the Fermi level."""


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
    """Return the number of valence electrons, known or from the POTCARs.

    Args:
        composition: number of atoms of each element.
        overrides: names of POTCARs that replace the recommended ones.
        read: returns the POTCAR of a name.

    Raises:
        IonfaceError: neither knows a POTCAR.
    """
    total = 0.0
    for element, symbol in potcar_symbols(composition, overrides).items():
        known = FACTS.get(symbol) or PotcarRecord.of(element, symbol, read(symbol))
        total += known.valence * composition[element]
    return total
