"""vasprun.xml: what a run was asked to do, then one complete ionic step at a time.

A run that was killed leaves a file that ends anywhere; every step that was closed is
yielded, and `reason` then says why there are no more. A step that is damaged ends the
reading: what follows it would stand at a wrong time.

XML parsers spend their time on the hundreds of rows of coordinates and forces of each
step. VASP always prints the same tags around them, with the same spaces: where a step
has these, its rows are decoded as a table, many steps at a time; where it differs in
any byte that matters, it is parsed as XML. Both give the same bits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

from ionface.analysis.readers.blocks import UNKNOWN, Block, to_cartesian
from ionface.analysis.readers.fixed_width import RowLayout, decode_blocks, row_layout
from ionface.analysis.readers.species import Names, species_of
from ionface.analysis.readers.text import TextBuffer
from ionface.analysis.readers.vasprun_settings import (
    DamagedError,
    read_settings,
    read_tags,
    read_vectors,
)
from ionface.analysis.trajectory.frames import FloatArray
from ionface.analysis.trajectory.store import STRESSES
from ionface.errors import AnalysisError

LONGEST_HEADER = 1 << 26
"""Bytes before the first ionic step; lists of k-points may be long, this is no list."""

AT_ONCE = 1 << 22
"""Bytes of steps that are held until their rows are decoded together."""

OPENING = b"<calculation>"
CLOSING = b"</calculation>"
ENDING = b"</modeling>"
ENDS_INSIDE = "the file ends inside an ionic step or before its closing tag"

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

KBAR = -0.1
"""GPa under tension of one kB of pressure, which is what VASP prints."""

# How VASP prints a step. Forces are indented by one space less than positions.
_STRUCTURE = b'\n  <structure>\n   <crystal>\n    <varray name="basis" >\n'
_POSITIONS = b'\n   <varray name="positions" >\n'
_CLOSED = b"   </varray>\n  </structure>\n"
_FORCES = b'  <varray name="forces" >\n'
_FORCES_CLOSED = b"  </varray>\n"
_STRESS = re.compile(
    rb'  <varray name="stress" >\n'
    + (rb"   <v>" + rb" +(-?\d+\.\d+)" * 3 + rb" </v>\n") * 3
    + rb"  </varray>\n"
)
_PRINTED = rb" *(-?\d+\.\d+) *"
_BASIS = re.compile(
    (rb"     <v>" + rb" +(-?\d+\.\d+)" * 3 + rb" </v>\n") * 3 + rb"    </varray>\n"
)
_ENERGY = re.compile(
    rb'\n  <energy>\n((?: *<i name="[\w ]+">%b</i>\n)+)  </energy>\n' % _PRINTED
)
_ENTRY = re.compile(rb'<i name="([\w ]+)">%b<' % _PRINTED)


@dataclass(frozen=True)
class IonicStep:
    """One complete step.

    Attributes:
        lattice: Å, shape (3, 3).
        fractional: positions in units of the cell vectors, shape (n_atoms, 3).
        forces: eV/Å, shape (n_atoms, 3), or None.
        energies: as VASP names them (e_fr_energy, e_0_energy, kinetic, ...), eV.
        scf_steps: electronic steps that it took.
        added: the energy less that of the last electronic step, eV: a correction that
            does not act on the electrons, as for dispersion.
        stress: GPa, above zero under tension, shape (3, 3), or None.
    """

    lattice: FloatArray
    fractional: FloatArray
    forces: FloatArray | None
    energies: Mapping[str, float]
    scf_steps: int
    added: float = 0.0
    stress: FloatArray | None = None


class VasprunStream:
    """Reads one file from its start to its end, once.

    Attributes:
        settings: known as soon as the object exists.
        species: chemical symbol of each atom.
        reason: why the steps ended before the file's proper end; empty if they did not.
    """

    def __init__(
        self, path: Path, buffer: TextBuffer | None = None, names: Names | None = None
    ) -> None:
        """Read up to the first ionic step.

        Args:
            path: of the file, for messages.
            buffer: at the file's start; one is opened if None.
            names: what the user says that the file's names of species are.

        Raises:
            AnalysisError: the file cannot be opened, ends before its settings do, or
                has a species that is no element.
        """
        self.path = path
        self.reason = ""
        self._buffer = TextBuffer(path) if buffer is None else buffer
        start = self._buffer.seek(OPENING, limit=LONGEST_HEADER)
        try:
            stop = len(self._buffer) if start < 0 else start
            settings = read_settings(self._buffer.get(0, stop), start < 0)
        except (ET.ParseError, DamagedError, ValueError, LookupError) as error:
            self.close()
            raise AnalysisError(
                f"{path} is no usable vasprun.xml, it ends or breaks before its first "
                f"ionic step ({self._buffer.failure or error}); take another output "
                "of this run, such as XDATCAR or OUTCAR"
            ) from error
        try:
            self.species = species_of(path, settings.species, names)
        except AnalysisError:
            self.close()
            raise
        self.settings = replace(settings, species=self.species)
        self._printed = _PrintedSteps(len(self.species))
        self._buffer.advance(stop)
        if start < 0:
            self.close()

    def close(self) -> None:
        """Release the file, where the steps are not wanted."""
        self._buffer.close()

    def steps(self) -> Iterator[IonicStep]:
        """Yield every complete ionic step; then `reason` is final."""
        count = len(self.species)
        steps = (_step(_element(text), count) for text in self._texts(final=True))
        yield from self._until_damage(steps, final=True)

    def blocks(self, final: bool = True) -> Iterator[Block]:
        """Yield positions and energies of every complete step; then `reason` is final.

        Args:
            final: False for a file that grows: what is incomplete now is left for the
                next call, and the file stays open.
        """
        yield from self._until_damage(self._blocks(final), final)

    def _until_damage(self, items: Iterator[Any], final: bool) -> Iterator[Any]:
        """Yield items; note why they end, and let go of the file."""
        try:
            yield from items
        except (ET.ParseError, DamagedError) as error:
            self.reason = _damage(error)
        if final or self.reason:
            self.reason = self._buffer.failure or self.reason
            self.close()

    def _blocks(self, final: bool) -> Iterator[Block]:
        waiting: list[bytes] = []
        size = 0
        for text in self._texts(final):
            waiting.append(text)
            size += len(text)
            if size > AT_ONCE:
                yield from self._decoded(waiting)
                waiting, size = [], 0
        yield from self._decoded(waiting)

    def _decoded(self, texts: list[bytes]) -> Iterator[Block]:
        """Yield steps as VASP prints them together, and each other one by itself."""
        while texts:
            block = self._printed.take(texts)
            if block is None:
                block = _block([_step(_element(texts[0]), len(self.species))])
            yield block
            texts = texts[len(block) :]

    def _texts(self, final: bool) -> Iterator[bytes]:
        """Yield the text of every complete step; damage between steps ends them."""
        try:
            while (stop := self._next(final)) > 0:
                yield self._buffer.get(0, stop)
                self._buffer.advance(stop)
        except (ET.ParseError, DamagedError) as error:
            self.reason = _damage(error)

    def _next(self, final: bool) -> int:
        """Move to the next complete step; return its length, or 0 if there is none."""
        start = self._buffer.seek(OPENING, limit=LONGEST_HEADER)
        if start < 0:
            if final and self._buffer.find(ENDING) < 0:
                self.reason = ENDS_INSIDE
            return 0
        if self._buffer.find(ENDING, 0, start) >= 0:
            self.reason = (
                "another run follows in the same file; give it a file of its own"
            )
            return 0
        if gap := self._buffer.get(0, start).strip():
            _element(b"<gap>" + gap + b"</gap>")  # raises where a tag is broken
        self._buffer.advance(start)
        stop = self._closing()
        if stop < 0 and final:
            self.reason = ENDS_INSIDE
        return max(0, stop)

    def _closing(self) -> int:
        """Return the offset behind the step that begins here, -1 if it has no end."""
        start, stop = len(OPENING), -1
        while stop < 0:
            stop = self._buffer.find(CLOSING, start)
            reach = stop if stop >= 0 else len(self._buffer)
            if self._buffer.find(OPENING, start, reach) >= 0:
                raise DamagedError("an ionic step begins inside another")
            start = max(start, reach - len(CLOSING))
            if stop < 0 and not self._buffer.more():
                return -1
        return stop + len(CLOSING)


# --- steps as VASP prints them ------------------------------------------------------


class _PrintedSteps:
    """Decodes ionic steps for as long as they are as VASP prints them."""

    def __init__(self, n_atoms: int) -> None:
        self._n_atoms = n_atoms
        self._layout: RowLayout | None = None
        self._basis: tuple[bytes, FloatArray] = (b"", np.zeros((3, 3)))

    def take(self, texts: list[bytes]) -> Block | None:
        """Return the first steps that are as VASP prints them, None if none is."""
        steps, rows = [], []
        for text in texts:
            if (located := self._located(text)) is None:
                break
            steps.append(located[0])
            rows.append(located[1])
        if not steps or self._layout is None:
            return None
        raw = np.frombuffer(b"".join(rows), np.uint8)
        shape = (len(rows), self._n_atoms)
        values, good = decode_blocks(raw, 0, len(rows[0]), shape, self._layout)
        if not good:
            return None
        lattices, energies = zip(*steps[:good], strict=True)
        return _block_of(lattices, values[:good], energies)

    def _located(
        self, text: bytes
    ) -> tuple[tuple[FloatArray, Mapping[str, float]], bytes] | None:
        """Return the cell, the energies and the rows of positions of a step."""
        structure = text.find(_STRUCTURE)
        basis = structure + len(_STRUCTURE)
        start = text.find(_POSITIONS, basis) + len(_POSITIONS)
        if structure < 0 or start < len(_POSITIONS):
            return None
        lattice = self._lattice(text, basis)
        if self._layout is None:
            self._layout = row_layout(text[start : text.find(b"\n", start) + 1])
        if lattice is None or self._layout is None:
            return None
        width = self._layout.width
        stop = start + self._n_atoms * width
        if not text.startswith(_CLOSED, stop):
            return None
        behind = stop + len(_CLOSED)
        forces_stop = behind + len(_FORCES) + self._n_atoms * (width - 1)
        if text.startswith(_FORCES, behind) and text.startswith(
            _FORCES_CLOSED, forces_stop
        ):
            behind = forces_stop
        energies = _printed_energies(text, structure, behind)
        if energies is not None and (pressing := _STRESS.match(text, behind)):
            stress = np.array([float(x) for x in pressing.groups()]).reshape(3, 3)
            energies |= _components(KBAR * stress)
        return None if energies is None else ((lattice, energies), text[start:stop])

    def _lattice(self, text: bytes, start: int) -> FloatArray | None:
        """Return the cell; most steps print the one of the step before."""
        known, lattice = self._basis
        if known and text.startswith(known, start):
            return lattice
        found = _BASIS.match(text, start)
        if found is None:
            return None
        lattice = np.array([float(x) for x in found.groups()]).reshape(3, 3)
        self._basis = (found[0], lattice)
        return lattice


def _printed_energies(
    text: bytes, structure: int, behind: int
) -> dict[str, float] | None:
    """Return the energies of a step, None where they are not as VASP prints them.

    Args:
        text: of the step.
        structure: where its structure begins, behind the electronic steps.
        behind: where its forces end.
    """
    begin = text.find(b"\n  <energy>\n", behind - 1)
    found = _ENERGY.match(text, begin) if begin >= 0 else None
    if found is None:
        return None
    # A second step may stand there, if the tags between the two are damaged.
    for sign in (b"<scstep>", b"<structure"):
        if text.find(sign, behind) >= 0:
            return None
    electronic = text.rfind(b"<energy>", 0, structure)
    last = _entries(text[electronic:structure]) if electronic >= 0 else {}
    return extrapolated(_entries(found[1]), last)


def _entries(text: bytes) -> dict[str, float]:
    entries = reversed(_ENTRY.findall(text))  # the first of one name counts
    return {name.decode(): float(value) for name, value in entries}


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


def _block(steps: list[IonicStep]) -> Block:
    return _block_of(
        [step.lattice for step in steps],
        np.array([step.fractional for step in steps]),
        [{**step.energies, **_components(step.stress)} for step in steps],
    )


def _block_of(
    cells: Sequence[FloatArray],
    fractional: FloatArray,
    energies: Sequence[Mapping[str, float]],
) -> Block:
    constant = all(cell is cells[0] for cell in cells)
    lattices = cells[0][None] if constant else np.array(cells)
    scalars = {
        ours: np.array([found.get(theirs, np.nan) for found in energies])
        for ours, theirs in ENERGIES.items()
    }
    for name in STRESSES if STRESSES[0] in energies[0] else ():
        scalars[name] = np.array([found.get(name, np.nan) for found in energies])
    labels = np.full(len(fractional), UNKNOWN)
    return Block(labels, lattices, to_cartesian(fractional, lattices), scalars)


# --- steps as XML  ------------------------------------------------------


def _damage(error: Exception) -> str:
    if isinstance(error, DamagedError):
        return f"the file is damaged: {error}"
    return f"the file is damaged: an ionic step is no XML ({error})"


def _element(text: bytes) -> ET.Element:
    """Return the tree of an element; what the header says of its bytes is no news."""
    return ET.fromstring(text, parser=ET.XMLParser(encoding="ISO-8859-1"))


def _step(calculation: ET.Element, n_atoms: int) -> IonicStep:
    structures = calculation.findall("structure")
    if len(structures) != 1:
        raise DamagedError(f"an ionic step has {len(structures)} structures")
    structure = structures[0]
    forces = calculation.find("varray[@name='forces']")
    electronic = calculation.findall("scstep")
    energies, added = _energies(calculation.find("energy")), 0.0
    if electronic:
        last = _energies(electronic[-1].find("energy"))
        energies = extrapolated(energies, last)
        free = "e_fr_energy"
        added = energies.get(free, 0.0) - last.get(free, energies.get(free, 0.0))
    pressing = calculation.find("varray[@name='stress']")
    stress = None if pressing is None else KBAR * read_vectors(pressing, 3)
    return IonicStep(
        lattice=read_vectors(structure.find("crystal/varray[@name='basis']"), 3),
        fractional=read_vectors(structure.find("varray[@name='positions']"), n_atoms),
        forces=None if forces is None else read_vectors(forces, n_atoms),
        energies=energies,
        scf_steps=len(electronic),
        added=added,
        stress=stress,
    )


def _components(stress: FloatArray | None) -> dict[str, float]:
    """Return the components of a stress by their names; none of none."""
    if stress is None:
        return {}
    places = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
    return {n: float(stress[i]) for n, i in zip(STRESSES, places, strict=True)}


def _energies(element: ET.Element | None) -> dict[str, float]:
    return {
        name: value
        for name, value in read_tags(element).items()
        if isinstance(value, float)
    }
