"""Which element a name in a file stands for: one reading of names for all formats."""

from __future__ import annotations

import re
from functools import cache

ISOTOPES = {"D": "H", "T": "H"}
WATER = {"Hw": "H", "Ow": "O"}  # of water, in CIF files
NAME = re.compile(r"\s*([A-Za-z]+)")


@cache
def element_of(name: str, title: str = "") -> str | None:
    """Return the symbol of the element that a name stands for; None if it is none.

    >>> [element_of(n) for n in ("Li_sv", "Li/", "Cl1-", "SI2", "D", "r", "Vac", "X")]
    ['Li', 'Li', 'Cl', 'Si', 'H', None, None, None]
    >>> element_of("r", "PAW_PBE Zr_sv 04Jan2005")
    'Zr'

    Args:
        name: as a file has it: potential (Li_sv), hash behind a slash, charge, number,
            any case. Letters that make no symbol are no element: "Vac" is not V. A
            single small letter is the rest of a symbol: "n" is not N.
        title: of VASP's POTCAR, which is right where VASP prints half a name.
    """
    words = title.split()
    told = _element(words[1]) if len(words) > 1 else None
    return told or _element(name)


def _element(name: str) -> str | None:
    # here, and not pymatgen's: it takes longer to import than most files to read
    from ase.data import atomic_numbers

    found = NAME.match(name)
    letters = found[1] if found else ""
    if len(letters) == 1 and letters.islower():
        return None
    symbol = WATER.get(letters.capitalize(), letters.capitalize())
    symbol = ISOTOPES.get(symbol, symbol)
    return symbol if atomic_numbers.get(symbol) else None
