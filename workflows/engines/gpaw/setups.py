"""The PAW data sets that GPAW comes with: where they lie, what identifies them.

Read without GPAW, whose import takes seconds: a plan asks only how many electrons.
"""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from ionface.errors import IonfaceError, NotInstalledError
from ionface.files import file_digest

HEADER = 2000  # bytes that hold the line about the atom
_ATOM = re.compile(r'<atom symbol="\w+" Z="\d+" core="[\d.]+" valence="([\d.]+)"')
INSTALL = (
    "install it with: pip install 'ionface[dft]' (its README section names the system "
    "packages that it is built with)"
)


@dataclass(frozen=True)
class Setup:
    """One data set.

    Attributes:
        symbol: of the element.
        file: where it lies.
        valence: its valence electrons.
    """

    symbol: str
    file: Path
    valence: float

    @property
    def title(self) -> str:
        """Return what identifies it: element, functional and hash of the file."""
        name = self.file.name.removesuffix(".gz")
        return f"PAW {name} {file_digest(self.file)[:16]}"


def folders() -> Iterator[Path]:
    """Yield the folders that GPAW looks into, in its order."""
    for named in filter(None, os.environ.get("GPAW_SETUP_PATH", "").split(os.pathsep)):
        yield Path(named)
    spec = find_spec("gpaw_data")
    for folder in (spec and spec.submodule_search_locations) or ():
        yield Path(folder) / "setups"


@lru_cache(maxsize=256)
def setup(symbol: str, functional: str) -> Setup:
    """Return the data set of an element.

    Raises:
        IonfaceError: there is none, or no data at all is installed.
    """
    if file := _found(f"{symbol}.{functional}"):
        return Setup(symbol, file, _valence(file))
    raise IonfaceError(
        f"GPAW has no PAW data set for {symbol} with {functional} in "
        f"{next(folders())}; put {symbol}.{functional}.gz into a folder that "
        "GPAW_SETUP_PATH names, or choose another engine"
    )


def check_basis(symbol: str, basis: str) -> None:
    """Refuse a basis of atomic orbitals that an element has no file of.

    Args:
        symbol: of the element.
        basis: as in "dzp", or "sz(dzp)" for a part of it.

    Raises:
        IonfaceError: there is none, or no data at all is installed.
    """
    whole = basis.rpartition("(")[2].removesuffix(")")
    if _found(f"{symbol}.{whole}.basis"):
        return
    start, end = f"{symbol}.", ".basis"
    names = (p.name.removesuffix(".gz") for f in folders() for p in f.glob(f"{start}*"))
    there = {n[len(start) : -len(end)] for n in names if n.endswith(end)}
    raise IonfaceError(
        f"dft.basis: GPAW has no basis {basis} for {symbol} in {next(folders())}, only "
        f"{', '.join(sorted(there)) or 'none'}; name one that all elements have, or "
        "take plane waves (dft: {mode: pw})"
    )


def _found(name: str) -> Path | None:
    """Return the file of a name, packed or not, that GPAW would find first.

    Raises:
        NotInstalledError: no data at all is installed.
    """
    looked = list(folders())
    if not looked:
        raise NotInstalledError(f"GPAW's PAW data are not installed here; {INSTALL}")
    files = (folder / f"{name}{end}" for folder in looked for end in (".gz", ""))
    return next((file for file in files if file.is_file()), None)


def _valence(file: Path) -> float:
    packed = file.read_bytes()
    text = gzip.decompress(packed) if file.suffix == ".gz" else packed
    found = _ATOM.search(text[:HEADER].decode(errors="replace"))
    if found is None:
        raise IonfaceError(f"{file} is no PAW data set of GPAW: it names no valence")
    return float(found[1])
