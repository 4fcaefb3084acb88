"""The ionic steps of a vasprun.xml as VASP prints them, decoded many at a time.

XML parsers spend their time on the hundreds of rows of coordinates and forces of each
step. VASP always prints the same tags around them, with the same spaces: these are
compared byte by byte, the rows are decoded as a table. Nothing is guessed: `take`
returns None at the first step that differs, and the caller parses it as XML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ionface.analysis.readers.buffered_file import ByteWindow
from ionface.analysis.readers.chunks import UNKNOWN, Chunk, to_cartesian
from ionface.analysis.readers.fixed_width import RowLayout, decode_blocks, row_layout
from ionface.analysis.trajectory.frames import FloatArray

OPENING = b"<calculation>"
CLOSING = b"</calculation>"
ENDING = b"</modeling>"

ENERGIES = {
    "potential_energy": "e_fr_energy",
    "kinetic_energy": "kinetic",
    "conserved": "total",
    "e_0_energy": "e_0_energy",
    "nosepot": "nosepot",
    "nosekinetic": "nosekinetic",
}
"""Our name and VASP's of each energy, eV. The potential energy is the one consistent
with the forces; e_0_energy is extrapolated to zero smearing."""

_STRUCTURE = b'\n  <structure>\n   <crystal>\n    <varray name="basis" >\n'
_POSITIONS = b'\n   <varray name="positions" >\n'
_CLOSED = b"   </varray>\n  </structure>\n"
_FORCES = b'  <varray name="forces" >\n'
_NUMBER = rb" *(-?\d+\.\d+) *"
_BASIS = re.compile(
    (rb"     <v>" + rb" +(-?\d+\.\d+)" * 3 + rb" </v>\n") * 3 + rb"    </varray>\n"
)
_ENERGY = re.compile(rb'(?: *<i name="[\w ]+">%b</i>\n)+' % _NUMBER)
_ENTRY = re.compile(rb'<i name="([\w ]+)">%b<' % _NUMBER)


@dataclass(frozen=True)
class _Found:
    """Where things stand in one step.

    Attributes:
        start: offset of the rows of positions.
        stop: offset behind the step.
        lattice: Å, shape (3, 3).
        energies: by VASP's names, eV.
    """

    start: int
    stop: int
    lattice: FloatArray
    energies: dict[str, float]


class StepBlocks:
    """Takes ionic steps from a window for as long as they are as VASP prints them."""

    def __init__(self, window: ByteWindow) -> None:
        self._window = window
        self._layout: RowLayout | None = None
        self._basis: tuple[bytes, FloatArray] = (b"", np.zeros((3, 3)))

    def take(self, n_atoms: int, stop: int) -> Chunk | None:
        """Return the steps that are whole in the window, or None.

        Args:
            n_atoms: rows of positions in each step.
            stop: offset behind the first step, which begins where the window does.
        """
        found: list[_Found] = []
        start = 0
        while stop > 0 and (step := self._locate(start, stop, n_atoms)) is not None:
            found.append(step)
            start, stop = self._following(stop)
        if not found:
            return None
        fractional = self._decode(found, n_atoms)
        if not len(fractional):
            return None
        found = found[: len(fractional)]
        self._window.advance(found[-1].stop)
        return _chunk(found, fractional)

    def _following(self, stop: int) -> tuple[int, int]:
        """Return where the next step begins and ends, if it is there; else (0, 0)."""
        if not self._window.starts_with(b"\n " + OPENING, stop):
            return 0, 0
        start = stop + 2
        end = self._window.find(CLOSING, start)
        if end < 0 or self._window.find(OPENING, start + len(OPENING), end) >= 0:
            return 0, 0
        return start, end + len(CLOSING)

    def _locate(self, start: int, stop: int, n_atoms: int) -> _Found | None:
        window = self._window
        structure = window.find(_STRUCTURE, start, stop)
        basis = structure + len(_STRUCTURE)
        rows = window.find(_POSITIONS, basis, stop)
        if structure < 0 or rows < 0:
            return None
        rows += len(_POSITIONS)
        lattice = self._lattice(basis, rows)
        layout = self._layout or self._first_layout(rows)
        if lattice is None or layout is None:
            return None
        end = rows + n_atoms * layout.width
        if not window.starts_with(_CLOSED, end):
            return None
        energies = self._energies(end + len(_CLOSED), stop, layout, n_atoms)
        if energies is None:
            return None
        electronic = self._electronic(start, structure)
        return _Found(rows, stop, lattice, extrapolated(energies, electronic))

    def _first_layout(self, start: int) -> RowLayout | None:
        line = self._window.line(start)
        self._layout = row_layout(line[0]) if line else None
        return self._layout

    def _lattice(self, start: int, stop: int) -> FloatArray | None:
        """Return the cell; most steps print the one of the step before."""
        text, lattice = self._basis
        if text and self._window.starts_with(text, start):
            return lattice
        end = self._window.find(b"</varray>\n", start, stop) + len(b"</varray>\n")
        found = self._window.search(_BASIS, start, end)
        if found is None:
            return None
        lattice = np.array([float(x) for x in found.groups()]).reshape(3, 3)
        self._basis = (self._window.piece(start, end), lattice)
        return lattice

    def _energies(
        self, start: int, stop: int, layout: RowLayout, n_atoms: int
    ) -> dict[str, float] | None:
        """Return the energies of the step, which follow the forces."""
        if self._window.starts_with(_FORCES, start):
            # The forces are indented by one space less than the positions.
            behind = start + len(_FORCES) + n_atoms * (layout.width - 1)
            if self._window.starts_with(b"  </varray>\n", behind):
                start = behind
        opening, closing = b"\n  <energy>\n", b"  </energy>\n"
        begin = self._window.find(opening, start - 1, stop)
        end = self._window.find(closing, begin + 1, stop) if begin >= 0 else -1
        if end < 0 or self._another(start, begin) or self._another(end, stop):
            return None
        begin += len(opening)
        if self._window.search(_ENERGY, begin, end) is None:
            return None
        return _entries(self._window.piece(begin, end))

    def _another(self, start: int, stop: int) -> bool:
        """Return whether a second step stands there, the tags between them damaged."""
        signs = (b"<scstep>", b"<structure")
        return any(self._window.find(sign, start, stop) >= 0 for sign in signs)

    def _electronic(self, start: int, stop: int) -> dict[str, float]:
        """Return the energies of the last electronic step."""
        begin = self._window.rfind(b"<energy>", start, stop)
        return _entries(self._window.piece(begin, stop)) if begin >= 0 else {}

    def _decode(self, found: list[_Found], n_atoms: int) -> FloatArray:
        layout = self._layout
        if layout is None:
            return np.zeros((0, n_atoms, 3))
        size = n_atoms * layout.width
        raw = self._window.array()
        gathered = np.empty((len(found), size), np.uint8)
        for row, step in zip(gathered, found, strict=True):
            row[:] = raw[step.start : step.start + size]
        del raw
        shape = (len(found), n_atoms)
        values, good = decode_blocks(gathered.ravel(), 0, size, shape, layout)
        return values[:good]


def extrapolated(
    energies: Mapping[str, float], electronic: Mapping[str, float]
) -> dict[str, float]:
    """Return the energies with e_0_energy mended from the last electronic step.

    Some versions of VASP repeat e_fr_energy, or print a value without corrections, as
    e_0_energy of the ionic step (VASP forum, topic 16942).
    """
    zero, free = "e_0_energy", "e_fr_energy"
    if zero in electronic and free in electronic and free in energies:
        entropy = electronic[zero] - electronic[free]
        return {**energies, zero: energies[free] + entropy}
    return dict(energies)


def _entries(text: bytes) -> dict[str, float]:
    return {name.decode(): float(value) for name, value in _ENTRY.findall(text)}


def _chunk(found: list[_Found], fractional: FloatArray) -> Chunk:
    first = found[0].lattice
    constant = all(step.lattice is first for step in found)
    lattices = first[None] if constant else np.array([s.lattice for s in found])
    scalars = {
        ours: np.array([s.energies.get(theirs, np.nan) for s in found])
        for ours, theirs in ENERGIES.items()
    }
    labels = np.full(len(found), UNKNOWN)
    return Chunk(labels, lattices, to_cartesian(fractional, lattices), scalars)
