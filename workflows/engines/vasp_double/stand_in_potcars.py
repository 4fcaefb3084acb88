"""Stand-ins for a POTCAR library: enough for pymatgen and atomate2 to run offline.

They hold public facts only (element, valence, recommended cutoff) and the word
STANDIN as their date. VASP itself cannot use them.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double.valences import ELEMENTS, Facts

FUNCTIONALS = (
    "POT_GGA_PAW_PBE",
    "POT_GGA_PAW_PBE_52",
    "POTPAW_PBE_52",
    "POT_GGA_PAW_PBE_54",
    "POTPAW_PBE_54",
    "POT_PAW_PBE_64",
)
"""pymatgen's folders of the PBE releases, with and without hashes."""


def write_stand_ins(
    directory: Path | str, symbols: Iterable[str] | None = None
) -> Path:
    """Write a library for PMG_VASP_PSP_DIR, as POT_.../POTCAR.Li.gz.

    Args:
        directory: made if it is not there.
        symbols: names as in "Li" or "Ge_d"; all that are known if None.

    Returns:
        The directory.

    Raises:
        InputError: a symbol's valence and cutoff are not known.
    """
    root = Path(directory)
    for symbol in ELEMENTS if symbols is None else symbols:
        packed = gzip.compress(stand_in(symbol).encode(), mtime=0)
        for folder in FUNCTIONALS:
            (root / folder).mkdir(parents=True, exist_ok=True)
            (root / folder / f"POTCAR.{symbol}.gz").write_bytes(packed)
    return root


def stand_in(symbol: str) -> str:
    """Return one stand-in.

    Raises:
        InputError: its valence and cutoff are not known.
    """
    facts = ELEMENTS.get(symbol)
    if facts is None:
        raise InputError(
            f"no valence and cutoff are known for {symbol!r}; known are "
            f"{', '.join(sorted(ELEMENTS))}"
        )
    return _text(symbol, facts)


def _text(symbol: str, facts: Facts) -> str:
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
