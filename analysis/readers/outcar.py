"""Frames of an OUTCAR, the last resort: its positions have five decimals.

A step counts once its table of positions and forces is closed and its energies are
printed: below the table, up to VASP 5.2 above it. A run that died between the two has
no such frame.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ionface.analysis.readers.blocks import MOST_ATOMS, UNKNOWN, Block
from ionface.analysis.readers.run_metadata import clock_of_tags
from ionface.analysis.readers.species import Names, repeated, species_of
from ionface.analysis.readers.text import LongLineError, TextBuffer
from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError

LONGEST_STEP = 1 << 28
"""Bytes between two tables of positions; charges and bands of a step may be long."""

_FLOAT = rb"(-?\d+\.\d+)(?!\S)"
_TABLE = b"\n POSITION "
_RULE = re.compile(rb" *-+\s*\n")
# Columns may touch; their decimals are always five and six. Some dispersion corrections
# add the forces without them.
_FORCE = rb"(?: *-?\d+\.\d{6}){3}"
_ROW = re.compile(rb" *(-?\d+\.\d{5})" * 3 + _FORCE + rb"(?:%b)? *\n" % _FORCE)
_CELL = re.compile(rb"direct lattice vectors +reciprocal lattice vectors *\n")
_VECTOR = re.compile(rb" *(-?\d+\.\d{9})" * 6 + rb" *\n")
_STEP = re.compile(rb"Iteration +(\d+) *\(")
_TAG = re.compile(
    rb"^ +(IBRION|POTIM|NBLOCK|NSW|ML_LMLFF) *= *([^ ;\n]+)", re.MULTILINE
)
_SYMBOL = re.compile(rb"VRHFIN *=([^:\n]*):")
_TITLE = re.compile(rb"TITEL *= *(.+)\n")
_POTCAR = re.compile(rb"POTCAR: *(.+)\n")  # all that NWRITE = 0 leaves of it
# Ten in a line. One class of characters: digits within repeats take forever to fail.
_COUNTS = re.compile(rb"ions per type =((?:[ \d]{1,200}\n)+)")
_NIONS = re.compile(rb"NIONS = *(\d+)")
_SCALARS = {
    "potential_energy": re.compile(rb"free  energy   TOTEN  = +" + _FLOAT + rb" eV"),
    "e_0_energy": re.compile(rb"energy\(sigma->0\) = +" + _FLOAT),
    "kinetic_energy": re.compile(rb"kinetic energy EKIN   = +" + _FLOAT),
    "temperature": re.compile(rb"\(temperature +" + _FLOAT + rb" K\)"),
    "nosepot": re.compile(rb"nose potential ES     = +" + _FLOAT),
    "nosekinetic": re.compile(rb"nose kinetic   EPS    = +" + _FLOAT),
    "conserved": re.compile(rb"total energy   ETOTAL = +" + _FLOAT + rb" eV"),
}
_OF_ELECTRONS = ("potential_energy", "e_0_energy")


class OutcarStream:
    """Reads one file from its start to its end, once.

    Attributes:
        species: chemical symbol of each atom.
        clock: how the run counts time.
        reason: why frames ended early; empty if the run came to its end.
    """

    def __init__(self, path: Path, names: Names | None = None) -> None:
        """Read up to the first table of positions.

        Args:
            path: of the file.
            names: what the user says that the file's names of species are.

        Raises:
            AnalysisError: the file cannot be opened, tells no atoms, or is a run with
                machine-learned forces.
        """
        self.path = path
        self.reason = ""
        self._buffer = TextBuffer(path)
        start = self._buffer.seek(_TABLE, limit=LONGEST_STEP)
        head = self._buffer.get(0, len(self._buffer) if start < 0 else start)
        # Reversed, so that the first of several lines of one tag is taken.
        tags = {name.decode(): value.decode("ascii", "replace")
                for name, value in reversed(_TAG.findall(head))}  # fmt: skip
        try:
            if tags.get("ML_LMLFF", "F").strip(".").upper().startswith("T"):
                raise AnalysisError(
                    f"{path} is a run with machine-learned forces (ML_LMLFF): its "
                    "frames are not all from first principles; give the XDATCAR"
                )
            self.species = _species(path, head, names)
        except AnalysisError:
            self.close()
            raise
        self.clock = clock_of_tags({**tags, "NBLOCK": "1"})
        self._lattice = _lattice(head)
        self._label = _label(head)
        above = _energies(head)
        self._above = above if np.isfinite(above["potential_energy"]) else None
        self._buffer.advance(max(0, start))
        self._any = start >= 0

    def blocks(self) -> Iterator[Block]:
        """Yield every complete frame; then `reason` is final."""
        try:
            while self._any:
                yield self._frame()
        except _TornError as error:
            self.reason = f"an ionic step is incomplete: {error}"
        except LongLineError as error:
            self.reason = f"the file is damaged: {error}"
        else:
            self._judge_end()
        self.reason = self._buffer.failure or self.reason
        self.close()

    def close(self) -> None:
        """Release the file, where the frames are not wanted."""
        self._buffer.close()

    def _judge_end(self) -> None:
        end = b"General timing and accounting"
        if self._buffer.seek(end, limit=LONGEST_STEP) < 0 and not self.reason:
            self.reason = "the file ends before the run's closing statistics"

    def _frame(self) -> Block:
        """Take the step whose table begins where the window does."""
        following = self._buffer.seek(_TABLE, len(_TABLE), LONGEST_STEP)
        stop = following if following >= 0 else len(self._buffer)
        text = self._buffer.get(1, stop)
        positions, offset = self._table(text)
        below = text[offset:]
        scalars = _energies(below)
        if self._above is not None:  # below stand those of the next step
            following_step = {name: scalars[name] for name in _OF_ELECTRONS}
            scalars |= {name: self._above[name] for name in _OF_ELECTRONS}
            self._above = following_step
        if not np.isfinite(scalars["potential_energy"]) or self._lattice is None:
            raise _TornError("its energies or its cell were never printed")
        block = Block(
            labels=np.array([self._label]),
            lattices=self._lattice[None],
            positions=positions[None],
            scalars={name: np.array([value]) for name, value in scalars.items()},
        )
        self._any = following >= 0
        if self._any:
            self._buffer.advance(following)
            self._label = _label(below)
            self._lattice = _lattice(below)
        return block

    def _table(self, text: bytes) -> tuple[FloatArray, int]:
        """Return the positions, Å, and where the table ends."""
        lines = text.split(b"\n", len(self.species) + 3)
        if len(lines) < len(self.species) + 4 or not _RULE.fullmatch(lines[1] + b"\n"):
            raise _TornError("its table of positions is cut")
        rows = [_ROW.fullmatch(line + b"\n") for line in lines[2:-2]]
        if not all(rows) or not _RULE.fullmatch(lines[-2] + b"\n"):
            raise _TornError("its table of positions is damaged")
        values = [float(x) for row in rows if row for x in row.groups()[:3]]
        return np.array(values).reshape(-1, 3), len(text) - len(lines[-1])


class _TornError(Exception):
    """A step has not all that a frame needs."""


def _energies(text: bytes) -> dict[str, float]:
    """Return the energies, eV, and the temperature, K, in a text; NaN where absent."""
    found = {name: pattern.search(text) for name, pattern in _SCALARS.items()}
    return {name: float(m[1]) if m else np.nan for name, m in found.items()}


def _species(path: Path, head: bytes, given: Names | None) -> tuple[str, ...]:
    counts = _counts(head)
    names, titles, potcars = (
        [text.decode("ascii", "replace").strip() for text in pattern.findall(head)]
        for pattern in (_SYMBOL, _TITLE, _POTCAR)
    )
    # Old versions print the pseudopotentials twice, the second time without names.
    titles = titles if len(titles) >= len(counts) else potcars
    names = names or [""] * len(titles)
    if not counts or len(names) < len(counts) or sum(counts) > MOST_ATOMS:
        raise AnalysisError(
            f"{path} is no usable OUTCAR, it tells no atoms (pseudopotentials "
            f"{(names or titles)[:9]}, numbers {counts[:9]}); take vasprun.xml or "
            "XDATCAR of the same run"
        )
    known = species_of(path, names[: len(counts)], given, titles=titles[: len(counts)])
    return repeated(known, counts)


def _counts(head: bytes) -> list[int]:
    """Return the number of atoms of each type; none where the file contradicts itself.

    VASP prints them in fields of four characters, which touch from a thousand on.
    """
    found, told = _COUNTS.search(head), _NIONS.search(head)
    text = found[1] if found else b""
    lines = [line.rstrip() for line in text.splitlines()]
    fields = [line[i : i + 4] for line in lines for i in _starts(line)]
    apart = [int(word) for word in text.split()]
    touching = [int(field) for field in fields if field.strip().isdigit()]
    if told is None:
        return apart
    choices = (apart, touching)
    return next((counts for counts in choices if sum(counts) == int(told[1])), [])


def _starts(line: bytes) -> range:
    """Return where the fields of four characters of a line begin; the last ends it."""
    return range(len(line) % 4, len(line), 4)


def _lattice(text: bytes) -> FloatArray | None:
    """Return the last cell that is told, Å, shape (3, 3)."""
    found = list(_CELL.finditer(text))
    if not found:
        return None
    lines = text[found[-1].end() :].split(b"\n", 3)[:3]
    rows = [_VECTOR.fullmatch(line + b"\n") for line in lines]
    if len(rows) != 3 or not all(rows):
        return None
    values = [float(x) for row in rows if row for x in row.groups()[:3]]
    cell = np.array(values).reshape(3, 3)
    return cell if abs(np.linalg.det(cell)) > 0 else None


def _label(text: bytes) -> int:
    found = _STEP.findall(text)
    return int(found[-1]) if found and len(found[-1]) < 18 else UNKNOWN
