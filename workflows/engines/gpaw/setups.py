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
    looked = list(folders())
    for folder in looked:
        for name in (f"{symbol}.{functional}.gz", f"{symbol}.{functional}"):
            if (file := folder / name).is_file():
                return Setup(symbol, file, _valence(file))
    if not looked:
        raise NotInstalledError(f"GPAW's PAW data are not installed here; {INSTALL}")
    raise IonfaceError(
        f"GPAW has no PAW data set for {symbol} with {functional} in {looked[0]}; put "
        f"{symbol}.{functional}.gz into a folder that GPAW_SETUP_PATH names, or choose "
        "another engine"
    )


def _valence(file: Path) -> float:
    packed = file.read_bytes()
    text = gzip.decompress(packed) if file.suffix == ".gz" else packed
    found = _ATOM.search(text[:HEADER].decode(errors="replace"))
    if found is None:
        raise IonfaceError(f"{file} is no PAW data set of GPAW: it names no valence")
    return float(found[1])
