"""CP2K as it is installed: the program, and an element's basis set and potential."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from ionface.errors import IonfaceError, NotInstalledError
from ionface.files import file_digest

PROGRAMS = ("cp2k.psmp", "cp2k.popt", "cp2k.ssmp", "cp2k")
INSTALL = "install it with: apt install cp2k cp2k-data"
POTENTIALS = "GTH_POTENTIALS"  # CP2K takes one file only
FIRST_BASES = "BASIS_MOLOPT"
BASIS = "DZVP-MOLOPT-SR-GTH"
Entry = tuple[list[str], list[str]]  # names, and the lines that follow
_CHARGE = re.compile(r"-q(\d+)$")


@dataclass(frozen=True)
class DataSet:
    """What CP2K computes an element with.

    Attributes:
        basis: name of its basis set.
        basis_file: where that stands.
        functions: of the basis, per atom.
        exponent: of its widest Gaussian, Bohr⁻².
        potential: name of its pseudopotential.
        potential_file: where that stands.
        valence: its electrons.
    """

    basis: str
    basis_file: Path
    functions: int
    exponent: float
    potential: str
    potential_file: Path
    valence: int

    def titles(self, symbol: str) -> tuple[str, str]:
        """Return what identifies both: element, name, file and the file's hash."""
        return (
            f"GTH {symbol} {self.potential} {_hashed(self.potential_file)}",
            f"basis {symbol} {self.basis} {_hashed(self.basis_file)}",
        )


def program_path() -> str:
    """Return CP2K's path.

    Raises:
        NotInstalledError: it is not on the PATH.
    """
    if path := next(filter(None, map(shutil.which, PROGRAMS)), None):
        return path
    raise NotInstalledError(
        f"engine 'cp2k' needs CP2K, and no {PROGRAMS[0]} is on the PATH; {INSTALL}"
    )


@lru_cache(maxsize=4)
def version_of(program: str) -> str:
    """Return the version that a program of CP2K says it has."""
    words = [program, "--version"]
    told = subprocess.run(words, check=False, capture_output=True, text=True)
    found = re.search(r"version\s+(\S+)", told.stdout)
    if found is None:
        raise IonfaceError(f"{program} --version names no version of CP2K; {INSTALL}")
    return found[1]


def data_folder() -> Path:
    """Return the folder of CP2K's basis sets and potentials.

    Raises:
        NotInstalledError: there is none.
    """
    named = os.environ.get("CP2K_DATA_DIR")
    looked = [Path(named)] if named else [Path("/usr/share/cp2k")]
    if program := next(filter(None, map(shutil.which, PROGRAMS)), None):
        root = Path(program).resolve().parents[1]
        looked += [root / "share" / "cp2k" / "data", root / "data"]
    if found := next((f for f in looked if (f / POTENTIALS).is_file()), None):
        return found
    raise NotInstalledError(
        f"CP2K's data are not in {looked[0]}; {INSTALL}, or let CP2K_DATA_DIR name the "
        f"folder that holds {POTENTIALS}"
    )


@cache
def data_set(symbol: str, functional: str, basis: str, folder: Path) -> DataSet:
    """Return what an element is computed with.

    Args:
        symbol: of the element.
        functional: that its potential was made for.
        basis: name of the basis set; the number of electrons may be left out.
        folder: of CP2K's data.

    Raises:
        IonfaceError: there is no basis set, or no potential.
    """
    usual = _entry(folder / POTENTIALS, symbol, f"GTH-{functional}")
    names = [basis]
    if usual and (charge := _charge(usual[0])):
        # newer files name the electrons of every basis set, and nothing shorter
        names.append(basis + charge)
    if (found := _basis(symbol, names, folder)) is None:
        raise IonfaceError(
            f"CP2K has no basis set {basis} for {symbol} in {folder}; name another one "
            "in dft.basis, or choose another engine"
        )
    basis_file, name, (aliases, lines) = found
    wanted = f"GTH-{functional}{_charge(aliases)}"
    potential = _entry(folder / POTENTIALS, symbol, wanted)
    if potential is None:
        raise IonfaceError(
            f"CP2K has no potential {wanted} for {symbol} in {folder / POTENTIALS}; "
            "choose another engine"
        )
    functions, exponent = _gaussians(lines)
    electrons = sum(int(n) for n in potential[1][0].split())
    return DataSet(
        basis=name,
        basis_file=basis_file,
        functions=functions,
        exponent=exponent,
        potential=wanted,
        potential_file=folder / POTENTIALS,
        valence=electrons,
    )


def _charge(names: list[str]) -> str:
    """Return how names of one entry end that tell its electrons, as in "-q3"."""
    return next((m[0] for m in map(_CHARGE.search, names) if m), "")


def _basis(
    symbol: str, names: list[str], folder: Path
) -> tuple[Path, str, Entry] | None:
    """Return the first basis set of some names: its file, its name, its entry."""
    first = folder / FIRST_BASES
    for file in [first, *sorted(set(folder.glob("*BASIS*")) - {first})]:
        for name in names:
            if entry := _entry(file, symbol, name):
                return file, name, entry
    return None


def _entry(file: Path, symbol: str, name: str) -> Entry | None:
    """Return the names of an element's entry, and the lines after them."""
    lines = _lines(file)
    for number, line in enumerate(lines):
        first, *names = line.split()
        if first == symbol and name in names:
            return names, lines[number + 1 :]
    return None


@lru_cache(maxsize=64)
def _lines(file: Path) -> list[str]:
    lines = file.read_text(errors="replace").splitlines()
    return [line for line in lines if line.strip() and line.strip()[0] != "#"]


def _gaussians(lines: list[str]) -> tuple[int, float]:
    """Return how many functions an entry has, and its smallest exponent.

    Its sets follow each other, each with a row for each exponent.
    """
    total, row, smallest = 0, 1, math.inf
    for _ in range(int(lines[0])):
        _, lowest, highest, exponents, *shells = map(int, lines[row].split())
        momenta = range(lowest, highest + 1)
        total += sum((2 * m + 1) * n for m, n in zip(momenta, shells, strict=True))
        rows = lines[row + 1 : row + 1 + exponents]
        smallest = min(smallest, *(float(each.split()[0]) for each in rows))
        row += 1 + exponents
    return total, float(smallest)


@lru_cache(maxsize=64)
def _hashed(file: Path) -> str:
    return f"{file.name} {file_digest(file)[:16]}"
