"""What other files of a run's folder tell about a file that does not tell it itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.readers.incar import parse_incar
from ionface.analysis.readers.text import BROKEN_STREAM, open_binary, plain_name
from ionface.analysis.readers.vasprun import VasprunStream
from ionface.analysis.readers.vasprun_settings import VaspSettings
from ionface.errors import AnalysisError
from ionface.symbols import element_of

LARGEST_POSCAR = 1 << 27
"""Bytes; what is larger is no INCAR and no POSCAR."""


@dataclass(frozen=True)
class Clock:
    """How a run counts its time.

    Attributes:
        timestep_fs: POTIM, fs; None where it is unknown or no time (IBRION is not 0).
        block: NBLOCK, steps between the frames of XDATCAR; None where it is unknown.
        motion: IBRION, where it says that the run is no molecular dynamics.
    """

    timestep_fs: float | None = None
    block: int | None = None
    motion: int | None = field(default=None, compare=False)


def clock_of(settings: VaspSettings) -> Clock:
    """Return the clock of a vasprun.xml."""
    return _clock(
        settings.tag("IBRION"), settings.tag("POTIM"), settings.tag("NBLOCK", 1)
    )


def clock_of_tags(tags: dict[str, str]) -> Clock:
    """Return the clock of an INCAR's tags, as text, by upper-case name."""
    return _clock(tags.get("IBRION"), tags.get("POTIM"), tags.get("NBLOCK"))


@dataclass(frozen=True)
class Neighbors:
    """What lies beside a file of a run, and tells what the file does not.

    Attributes:
        path: of the file.
        species: of its atoms.
        settings: of the vasprun.xml beside it, which is read once; None where there is
            none, or where it has other atoms: then it belongs to another run.
    """

    path: Path
    species: tuple[str, ...]
    settings: VaspSettings | None

    @classmethod
    def of(cls, path: Path, species: tuple[str, ...]) -> Self:
        """Look for the vasprun.xml of a file's run."""
        return cls(path, species, _settings_beside(path, species))

    def clock(self) -> Clock:
        """Return the clock that the vasprun.xml or the INCAR tells."""
        if self.settings is not None:
            return clock_of(self.settings)
        folder = self.path.parent
        return clock_of_tags(incar_tags(next(iter(beside(self.path, "INCAR")), folder)))

    def fixed(self) -> NDArray[np.bool_] | None:
        """Return which coordinates the run held fixed, shape (n_atoms, 3), if told.

        From vasprun.xml, POSCAR or CONTCAR, if they have these atoms.
        """
        if self.settings is not None:
            return fixed_of(self.settings.free)
        for file in (*beside(self.path, "POSCAR"), *beside(self.path, "CONTCAR")):
            found = _flags(file, self.species)
            if found is not None:
                return fixed_of(found)
        return None


def beside(path: Path, kind: str) -> list[Path]:
    """Return the files of a kind that belong to the run of a file, likeliest first.

    Runs that are kept in one folder have names such as 300K_XDATCAR, with what stands
    before, or XDATCAR.relax2.gz, with a number behind: neighbors share both, or lack
    them.

    Args:
        path: of the file.
        kind: "vasprun", "INCAR", "POSCAR" or "CONTCAR".
    """
    own = _affixes(path, r"vasprun|xdatcar|outcar|vaspout") or ("", "")
    behind = {"vasprun": r".*\.xml(?:\.relax\d+)?"}.get(kind, r"(?:\.relax\d+)?")
    found = []
    for file in sorted(path.parent.iterdir()):
        affixes = _affixes(file, kind, behind)
        if affixes and all(a in (b, "") for a, b in zip(affixes, own, strict=True)):
            found.append((affixes != own, file))
    return [file for _, file in sorted(found) if file.is_file()]


def _affixes(path: Path, kind: str, behind: str = ".*") -> tuple[str, str] | None:
    """Return what stands before a kind of name, and ".relax2" behind it."""
    found = re.fullmatch(rf"(.*?)(?:{kind})({behind})", plain_name(path), re.IGNORECASE)
    number = re.search(r"\.relax\d+", found[2]) if found else None
    return (found[1], number[0] if number else "") if found else None


def fixed_of(free: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """Return the fixed coordinates of the free ones; None where none is fixed."""
    if free is None or free.all():
        return None
    fixed: NDArray[np.bool_] = ~free
    return fixed


def incar_tags(path: Path) -> dict[str, str]:
    """Return the first word of each tag of an INCAR; nothing if there is no file."""
    tags = parse_incar(_text(path))
    return {name: value.split()[0] for name, value in tags.items() if value.split()}


def _clock(ibrion: object, potim: object, block: object) -> Clock:
    steps, kind = _number(block), _number(ibrion)
    if kind != 0:  # POTIM of a relaxation scales its steps: no time
        motion = None if kind is None else int(kind)
        return Clock(None, int(steps) if steps else None, motion)
    step = _number(potim)
    return Clock(step if step and step > 0 else None, int(steps) if steps else None)


def _number(value: object) -> float | None:
    try:
        number = float(str(value).lower().replace("d", "e"))
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _settings_beside(path: Path, species: tuple[str, ...]) -> VaspSettings | None:
    """Return the settings of the vasprun.xml beside a file, if it has these atoms."""
    for file in beside(path, "vasprun"):
        try:
            stream = VasprunStream(file)
        except AnalysisError:
            continue
        stream.close()
        if stream.settings.species == species:
            return stream.settings
    return None


def _text(path: Path) -> str:
    try:
        with open_binary(path) as stream:
            text = stream.read(LARGEST_POSCAR)
    except (AnalysisError, *BROKEN_STREAM):
        return ""
    return text.decode("utf-8", "replace")


def _flags(path: Path, species: tuple[str, ...]) -> NDArray[np.bool_] | None:
    """Return which coordinates a POSCAR sets free; None if it has no flags."""
    lines = _text(path).splitlines()[5:]
    counts = next((i for i in range(2) if i < len(lines) and _counts(lines[i])), None)
    if counts is None or len(lines) < counts + 3 + len(species):
        return None
    if sum(_counts(lines[counts])) != len(species):
        return None
    names = lines[0].split() if counts else []
    numbers = _counts(lines[counts])
    told = [n for name, k in zip(names, numbers, strict=False) for n in [name] * k]
    if names and [element_of(name) for name in told] != list(species):
        return None
    if not lines[counts + 1].strip().upper().startswith("S"):
        return None
    rows = [line.split()[3:6] for line in lines[counts + 3 :][: len(species)]]
    words = [[word.strip(".").upper()[:1] for word in row] for row in rows]
    if any(len(row) != 3 or not set(row) <= {"T", "F"} for row in words):
        return None
    return np.array([[word == "T" for word in row] for row in words])


def _counts(line: str) -> list[int]:
    words = line.split()
    return [int(word) for word in words] if words and all(map(_whole, words)) else []


def _whole(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 10
