"""Text of one frame at a time for ASE to read: xyz of every kind, and LAMMPS dumps.

ASE knows the columns; what it does not do is done here. A line or a frame that never
ends is no frame, names of species are those of elements or what the user says they are,
and times and energies are found where programs write them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from ionface.analysis.readers.blocks import MOST_ATOMS, UNKNOWN
from ionface.analysis.readers.species import Names, species_of
from ionface.analysis.readers.text import TextBuffer
from ionface.errors import AnalysisError

HARTREE = 27.211386245988
"""eV; CP2K writes energies in Hartree (CODATA 2018)."""

TIMES = {"time_fs": 1.0, "time_ps": 1000.0, "time": 1.0}
"""Keys of an xyz comment that are times, and how many fs their unit is."""

STEPS = ("step", "i")
"""Keys of an xyz comment that number its frame."""

LAMMPS_TIMES = {"metal": 1000.0, "real": 1.0}
"""fs of the unit of time of LAMMPS's unit styles that are in Å."""

# Python reads more as a number than programs print: 1_0, 1e0, and .5 lost a digit.
_NUMBER = r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]\d{2,3})?"
_ROW = re.compile(rf"\s*(?:(?:{_NUMBER}|[A-Za-z]\S*)(?:\s+|$))+")
_PROPERTIES = re.compile(r"Properties=\"?([\w:]+)")


class DamagedFrameError(Exception):
    """A frame is incomplete or makes no sense; why, in words."""


@dataclass(frozen=True)
class Image:
    """One frame as ASE has it, and what its Atoms have no place for.

    Attributes:
        atoms: ASE Atoms.
        label: the step that the file gives; UNKNOWN where it gives none.
        time_fs: fs; NaN where the file tells none.
        energy: potential energy, eV; NaN where the file tells none.
    """

    atoms: Any
    label: int = UNKNOWN
    time_fs: float = np.nan
    energy: float = np.nan


def told(atoms: Any) -> Image:
    """Return a frame with what its `info` and its calculator tell."""
    info = {key.lower(): value for key, value in atoms.info.items()}
    time = next(
        (_number(info.get(k)) * fs for k, fs in TIMES.items() if k in info), None
    )
    step = next((_number(info.get(key)) for key in STEPS if key in info), np.nan)
    energy = energy_of(atoms)
    if np.isnan(energy) and {"i", "time", "e"} <= info.keys():
        energy = _number(info["e"]) * HARTREE  # a comment line of CP2K
    label = int(step) if np.isfinite(step) and step == int(step) else UNKNOWN
    return Image(atoms, label, np.nan if time is None else time, energy)


def energy_of(atoms: Any) -> float:
    """Return the energy that was stored with ASE Atoms, eV; NaN where none was."""
    return float(atoms.calc.results.get("energy", np.nan)) if atoms.calc else np.nan


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.nan


# --- xyz ------------------------------------------------------------------------------


def xyz_images(path: Path, buffer: TextBuffer, names: Names | None) -> Iterator[Image]:
    """Yield the frames of an xyz or extended xyz file.

    Raises:
        DamagedFrameError: the file ends inside a frame, or one makes no sense.
        AnalysisError: a name of a species is that of no element.
    """
    from ase.io.extxyz import read_xyz

    while lines := _xyz_lines(buffer):
        head, comment, *rows = lines
        column = _species_column(comment)
        if column is not None:
            count = int(head)
            rows[:count] = _renamed(path, rows[:count], column, names)
        # words without a meaning, as any program may leave them, are no properties
        comment = comment if "=" in comment else "\n"
        yield told(next(read_xyz(StringIO("".join([head, comment, *rows])), index=0)))


def _xyz_lines(buffer: TextBuffer) -> list[str]:
    """Take the lines of the next frame; none where the file ends."""
    head, offset = buffer.lines(0, 1)
    first = head[0] if head else b""
    if not first.strip():
        rest = buffer.lines(offset, 2)[0]
        if any(line.strip() for line in rest):
            raise DamagedFrameError("text follows an empty line")
        return []
    count = _count(first)
    lines, offset = buffer.lines(offset, count + 1)
    if len(lines) < count + 1 or not lines[-1].endswith(b"\n"):
        # without its line end, the last number may have lost digits
        raise DamagedFrameError("the file ends inside it")
    while (more := buffer.line(offset)) and more[0].lstrip().startswith(b"VEC"):
        lines, offset = [*lines, more[0]], more[1]
    following = buffer.line(offset)
    if following and following[0].strip() not in (b"", first.strip()):
        if following[0].strip().isdigit():  # or the end of a number that was cut
            raise DamagedFrameError(f"then {_start(following[0])} atoms, not {count}")
        raise DamagedFrameError(f"{_start(following[0])} follows, and no next frame")
    buffer.advance(offset)
    return [line.decode("utf-8", "replace") for line in (first, *lines)]


def _species_column(comment: str) -> int | None:
    """Return the column of the names; None where there are atomic numbers instead.

    Raises:
        DamagedFrameError: there are no positions, for which ASE takes zeros.
    """
    found = _PROPERTIES.search(comment)
    if found is None:
        return 0
    column, words = 0, found[1].split(":")
    each = list(zip(words[::3], words[1::3], words[2::3], strict=False))
    if len(words) % 3 or ("pos", "R", "3") not in each:
        raise DamagedFrameError(f"its properties {found[1][:80]!r} name no positions")
    for name, _, count in each:
        if name == "species":
            return column
        column += int(count) if count.isdigit() else 1
    return None


# --- LAMMPS ---------------------------------------------------------------------------


def lammps_images(
    path: Path, buffer: TextBuffer, names: Names | None
) -> Iterator[Image]:
    """Yield the frames of a LAMMPS dump.

    Raises:
        DamagedFrameError: the file ends inside a frame, or one makes no sense.
        AnalysisError: the elements or the order of the atoms cannot be told, or lengths
            are not in Å.
    """
    from ase.io.lammpsrun import read_lammps_dump_text

    units = "metal"
    while sections := _lammps_sections(buffer):
        units = sections["UNITS"][1].strip() if "UNITS" in sections else units
        if units not in LAMMPS_TIMES:
            raise AnalysisError(
                f"{path} is in LAMMPS's units {units!r}; of these, only "
                f"{' and '.join(LAMMPS_TIMES)} are in Å"
            )
        rows = sections["ATOMS"]
        sections["ATOMS"] = _with_elements(path, rows, names)
        text = "".join(line for lines in sections.values() for line in lines)
        atoms = read_lammps_dump_text(StringIO(text), index=0)
        time = _number(sections.get("TIME", ["", "nan"])[1]) * LAMMPS_TIMES[units]
        yield Image(atoms, int(atoms.info["timestep"]), time)


def _lammps_sections(buffer: TextBuffer) -> dict[str, list[str]]:
    """Take the lines of the next frame by what they tell; none where the file ends."""
    sections: dict[str, list[str]] = {}
    offset, count = 0, 0
    while "ATOMS" not in sections:
        head, behind = buffer.lines(offset, 1)
        if not head or not head[0].strip():
            if sections:
                raise DamagedFrameError("the file ends inside it")
            return {}
        name = _item(head[0])
        wanted = {"ATOMS": count, "BOX BOUNDS": 3}.get(name, 1)
        lines, offset = buffer.lines(behind, wanted)
        if len(lines) < wanted or not (lines or head)[-1].endswith(b"\n"):
            raise DamagedFrameError("the file ends inside it")
        sections[name] = [x.decode("ascii", "replace") for x in (*head, *lines)]
        if name == "NUMBER OF ATOMS":
            count = _count(lines[0])
    following = buffer.line(offset)
    if following and not following[0].startswith((b"ITEM: ", b"\n")):
        raise DamagedFrameError(f"{_start(following[0])} follows, and no next frame")
    buffer.advance(offset)
    return sections


def _item(line: bytes) -> str:
    """Return what a line begins: "ITEM: BOX BOUNDS pp pp pp" tells BOX BOUNDS."""
    known = ("UNITS", "TIMESTEP", "TIME", "NUMBER OF ATOMS", "BOX BOUNDS", "ATOMS")
    words = line.decode("ascii", "replace").partition("ITEM: ")[2]
    found = next((name for name in known if re.match(rf"{name}\b", words)), "")
    if not found:
        raise DamagedFrameError(f"{_start(line)} is no item of a dump")
    return found


def _with_elements(path: Path, lines: list[str], names: Names | None) -> list[str]:
    """Return the table of the atoms with a column of elements for ASE to read.

    Raises:
        AnalysisError: elements or the order of the atoms cannot be told.
        DamagedFrameError: there are no positions.
    """
    columns = lines[0].split()[2:]
    if not any({f"x{s}", f"y{s}", f"z{s}"} <= {*columns} for s in ("", "s", "u", "su")):
        raise DamagedFrameError(f"its columns {columns} hold no positions")
    if "id" not in columns:
        raise AnalysisError(
            f"{path} tells no id of its atoms, and LAMMPS writes them in any order; "
            "dump the column id, too"
        )
    if "element" in columns:
        return [lines[0], *_renamed(path, lines[1:], columns.index("element"), names)]
    if names is None and "mass" in columns:
        return lines  # by which ASE knows elements
    if names is None or "type" not in columns:
        raise AnalysisError(
            f"{path} tells types of atoms, but no elements (columns {columns}); say "
            "which is which with species={'1': 'Li'}"
        )
    at = columns.index("type")
    head = " ".join(["ITEM: ATOMS", *columns[:at], "element", *columns[at + 1 :]])
    return [head + "\n", *_renamed(path, lines[1:], at, names)]


# --- both -----------------------------------------------------------------------------


def _renamed(
    path: Path, rows: list[str], column: int, names: Names | None
) -> list[str]:
    """Return rows whose names in a column are those of elements.

    Raises:
        DamagedFrameError: rows have other numbers of columns than the first, or a word
            that is neither a number as programs print them nor a name.
        AnalysisError: a name is that of no element.
    """
    words = [row.split() for row in rows]
    if {len(row) for row in words} - {max(len(words[0]), column + 1)}:
        raise DamagedFrameError("its rows have different numbers of columns")
    if wrong := next((row for row in rows if not _ROW.fullmatch(row)), None):
        raise DamagedFrameError(f"{wrong[:80].strip()!r} is no row of numbers")
    labels = [row[column] for row in words]
    symbols = species_of(path, labels, names)
    if tuple(labels) == symbols:
        return rows
    for row, symbol in zip(words, symbols, strict=True):
        row[column] = symbol
    return [" ".join(row) + "\n" for row in words]


def _count(line: bytes) -> int:
    number = int(line) if line.strip().isdigit() and len(line) < 20 else 0
    if not 0 < number <= MOST_ATOMS:
        raise DamagedFrameError(f"{_start(line)} is no number of atoms")
    return number


def _start(line: bytes) -> str:
    return repr(line[:40].decode("ascii", "replace").strip())
