"""Stand-ins for POTCARs, and what the executable reads of them.

They hold public facts only (element, valence, recommended cutoff) and the word STANDIN
as their date. VASP itself cannot use them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ionface.errors import InputError
from ionface.workflows.engines.vasp.potcar_facts import FACTS


def stand_in(symbol: str) -> str:
    """Return the text of a stand-in, enough for pymatgen and atomate2 to run offline.

    Args:
        symbol: POTCAR name, as in "Li" or "Ge_d".

    Raises:
        InputError: its valence and cutoff are not known.
    """
    facts = FACTS.get(symbol)
    if facts is None:
        raise InputError(
            f"no valence and cutoff are known for {symbol!r}; known are "
            f"{', '.join(sorted(FACTS))}"
        )
    from ase.data import atomic_masses, atomic_numbers

    element = symbol.partition("_")[0]
    mass = float(atomic_masses[atomic_numbers[element]])
    title = f"PAW_PBE {symbol} STANDIN"
    return (
        f"  {title}\n   {facts.valence:.5f}\n parameters from PSCTR are:\n"
        f"   VRHFIN ={element}: stand-in\n   LEXCH  = PE\n   EATOM  = 0.0000 eV\n\n"
        f"   TITEL  = {title}\n   LULTRA =        F    use ultrasoft PP ?\n"
        "   IUNSCR =        0    unscreen: 0-lin 1-nonlin 2-no\n"
        "   RPACOR =    0.000    partial core radius\n"
        f"   POMASS ={mass:9.3f}; ZVAL   ={facts.valence:9.3f}    mass and valenz\n"
        "   RCORE  =    1.000    outmost cutoff radius\n"
        f"   ENMAX  ={facts.enmax:9.3f}; ENMIN  ={0.75 * facts.enmax:9.3f} eV\n"
        "   LCOR   =        T    correct aug charges\n"
        "   LPAW   =        T    paw PP\n   EAUG   =  400.000\n"
        "END of PSCTR-controll parameters\n stand-in without data\n"
        f"  {facts.valence:.5f}  {facts.enmax:.5f}\nEnd of Dataset\n"
    )


@dataclass(frozen=True)
class Pseudopotential:
    """What a run knows of one POTCAR: nothing of its data.

    Attributes:
        title: as in "PAW_PBE Li 17Jan2003".
        valence: electrons.
        enmax: eV.
        mass: amu.
    """

    title: str
    valence: float
    enmax: float
    mass: float

    @property
    def element(self) -> str:
        """Return the chemical symbol."""
        return re.split(r"[_.]", self.title.split()[1])[0]


def read_potcar(path: Path) -> tuple[Pseudopotential, ...]:
    """Return the pseudopotentials of a POTCAR, real or stand-ins.

    Raises:
        InputError: there is none, or one lacks a number.
    """
    text = path.read_text(errors="replace") if path.is_file() else ""
    headers = re.split(r"TITEL\s*=\s*", text)[1:]
    if not headers:
        raise InputError("ERROR: no POTCAR, or none with a TITEL; write it again")
    return tuple(_pseudopotential(header) for header in headers)


def _pseudopotential(header: str) -> Pseudopotential:
    title = header.partition("\n")[0].strip()

    def number(key: str) -> float:
        found = re.search(rf"\b{key}\s*=\s*([-+.\dEe]+)", header)
        if found is None:
            raise InputError(f"ERROR: POTCAR {title} has no {key}; write it again")
        return float(found[1])

    return Pseudopotential(title, number("ZVAL"), number("ENMAX"), number("POMASS"))
