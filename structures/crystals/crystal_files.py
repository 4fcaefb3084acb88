"""Structure files of users: CIF and POSCAR, read to the letter or refused."""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

from monty.io import zopen
from pymatgen.core import Element, Structure

from ionface.errors import StructureError
from ionface.structures.crystals.cif import read_cif
from ionface.symbols import element_of

LARGEST = 20_000_000
"""Bytes, unpacked: a hundred thousand atoms. A compressed file may hold any number."""


@dataclass(frozen=True)
class CrystalFile:
    """What a file holds.

    Attributes:
        structure: elements without charges; partly occupied sites as they are.
        charges: formal charge of each element as the file states it, the mean of its
            atoms; empty if it states none.
        notes: what the file left open, and how it was taken.
    """

    structure: Structure
    charges: dict[str, float]
    notes: tuple[str, ...]


def read_file(path: Path) -> CrystalFile:
    """Return the structure of a CIF or POSCAR file, also a compressed one.

    Raises:
        StructureError: no such file, unreadable, or not a crystal of elements; why.
    """
    if not path.is_file():
        raise StructureError(
            f"{str(path)!r} is neither a library name nor a file that exists"
        )
    kind = "POSCAR"
    try:
        text = _text(path)
        if ".cif" in path.name.lower() or re.search(r"^data_", text, re.MULTILINE):
            kind = "CIF"
            structure, notes = read_cif(text, f"file {path}")
        else:
            structure, notes = _read_poscar(text, f"file {path}"), []
    except StructureError:
        raise
    except Exception as error:
        raise StructureError(
            f"cannot read {path} as {kind}: {type(error).__name__}: {error}"
        ) from error
    plain, renamed = _plain(structure, f"file {path}")
    return CrystalFile(plain, _charges(structure), (*notes, *renamed))


def _text(path: Path) -> str:
    with zopen(path, mode="rb") as file:
        data = bytes(file.read(LARGEST + 1))
    if len(data) > LARGEST:
        raise StructureError(
            f"{path} unpacks to more than {LARGEST // 10**6} MB, which no crystal "
            "needs; give the file of one crystal"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:  # names of authors and towns, in the way of old systems
        return data.decode("latin-1")


def _read_poscar(text: str, where: str) -> Structure:
    lines = text.rstrip().splitlines()
    if len(lines) < 6:
        raise StructureError(
            f"cannot read {where} as POSCAR: it has {len(lines)} lines, and no atom"
        )
    row = 5
    for row in range(5, len(lines)):  # more than 20 species stand on several lines
        names = lines[row].split()
        if not names or names[0].isdigit():
            break
        elements = [element_of(name) for name in names]
        if None in elements:
            raise StructureError(
                f"{where}: {names[elements.index(None)]!r} in line {row + 1} is no "
                "element; write the symbols of the elements there, in the order of "
                "their atoms"
            )
        lines[row] = " ".join(map(str, elements))
    _check_scale(lines[1].split(), where)
    lines = lines[: _check_rows(lines, row, where)]  # velocities are of no use here
    # here: with it come all of VASP's outputs and scipy.signal, a second of every start
    from pymatgen.io.vasp import Poscar

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        poscar = Poscar.from_str("\n".join(lines))
    if not poscar.true_names:
        raise StructureError(
            f"{where} names no elements (the form of VASP 4); write their symbols as a "
            f"line above the numbers of atoms ({lines[5].strip()})"
        )
    return poscar.structure


def _check_scale(words: list[str], where: str) -> None:
    if len(words) == 3 and all(map(_number, words)):
        raise StructureError(
            f"{where} scales x, y and z by {', '.join(words)}; multiply them into the "
            "cell vectors, and write 1.0 in line 2"
        )


def _check_rows(lines: list[str], counted: int, where: str) -> int:
    """Return where the atoms end; refuse rows that are not three coordinates.

    Args:
        lines: of the file.
        counted: where the numbers of atoms stand.
        where: named in messages.
    """
    words = lines[counted].split()
    atoms = sum(int(word) for word in words if word.isdigit())
    first = counted + 2
    if len(lines) > first and lines[counted + 1].strip()[:1] in ("S", "s"):
        first += 1  # selective dynamics
    rows = lines[first : first + atoms]
    if len(rows) < atoms:
        raise StructureError(
            f"{where} ends after {len(rows)} of its {atoms} atoms; give the whole file"
        )
    for number, line in enumerate(rows, first + 1):
        coordinates = line.split()[:3]
        if len(coordinates) < 3 or not all(map(_number, coordinates)):
            raise StructureError(
                f"{where}: line {number} has no three coordinates ({line.strip()!r}), "
                f"but line {counted + 1} counts {atoms} atoms; correct one of them"
            )
    return first + atoms


def _number(word: str) -> bool:
    """Tell whether a word is a finite number."""
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


def _plain(structure: Structure, where: str) -> tuple[Structure, list[str]]:
    """Return the structure with elements only, and what was renamed."""
    symbols = {e: element_of(e.symbol) for e in structure.composition.elements}
    for element, symbol in symbols.items():
        if symbol is None:
            raise StructureError(f"{where}: {element.symbol!r} is no element")
    species = []
    for site in structure:
        own: dict[str, float] = {}
        for element, share in site.species.items():
            symbol = str(symbols[element])
            own[symbol] = own.get(symbol, 0.0) + float(share)
        species.append(own)
    heavy = any(getattr(e, "element", e) == Element.D for e in symbols)
    plain = Structure(structure.lattice, species, structure.frac_coords)
    return plain, ["D is taken for H"] if heavy else []


def _charges(structure: Structure) -> dict[str, float]:
    """Return the mean charge that each element is given; empty if one has none."""
    totals: dict[str, list[float]] = {}
    for element, amount in structure.composition.items():
        charge = getattr(element, "oxi_state", None)
        if charge is None:
            return {}
        totals.setdefault(element.symbol, []).append(float(amount) * float(charge))
    amounts = structure.composition.get_el_amt_dict()
    if not any(any(parts) for parts in totals.values()):
        return {}  # a column of zeros says nothing
    return {symbol: sum(parts) / amounts[symbol] for symbol, parts in totals.items()}
