"""Streaming a vasprun.xml: its settings first, then one complete ionic step at a time.

A run that was killed leaves a file that ends anywhere; every step that was closed is
yielded, and `reason` then says why there are no more. A step that is damaged ends the
reading: what follows it would stand at a wrong time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from ionface.analysis.readers.buffered_file import ByteWindow
from ionface.analysis.readers.chunks import UNKNOWN, Chunk, to_cartesian
from ionface.analysis.readers.vasp_parameters import (
    DamagedError,
    Value,
    VaspSettings,
    read_settings,
    read_tags,
    read_vectors,
)
from ionface.analysis.readers.vasprun_blocks import (
    CLOSING,
    ENDING,
    ENERGIES,
    OPENING,
    StepBlocks,
    extrapolated,
)
from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError

LONGEST_HEADER = 1 << 26
"""Bytes before the first ionic step; lists of k-points may be long, this is no list."""

__all__ = ["DamagedError", "IonicStep", "Value", "VaspSettings", "VasprunStream"]

ENDS_INSIDE = "the file ends inside an ionic step or before its closing tag"


@dataclass(frozen=True)
class IonicStep:
    """One complete step.

    Attributes:
        lattice: Å, shape (3, 3).
        fractional: positions in units of the cell vectors, shape (n_atoms, 3).
        forces: eV/Å, shape (n_atoms, 3), or None.
        energies: as VASP names them (e_fr_energy, e_0_energy, kinetic, ...), eV.
        scf_steps: electronic steps that it took.
    """

    lattice: FloatArray
    fractional: FloatArray
    forces: FloatArray | None
    energies: Mapping[str, float]
    scf_steps: int


class VasprunStream:
    """Reads one file from its start to its end, once.

    Attributes:
        settings: known as soon as the object exists.
        species: chemical symbol of each atom.
        reason: why the steps ended before the file's proper end; empty if they did not.
    """

    def __init__(self, path: Path, window: ByteWindow | None = None) -> None:
        """Read up to the first ionic step.

        Args:
            path: of the file, for messages.
            window: at the file's start; one is opened if None.

        Raises:
            AnalysisError: the file cannot be opened, or ends before its settings do.
        """
        self.path = path
        self.reason = ""
        self._window = ByteWindow(path) if window is None else window
        self._blocks = StepBlocks(self._window)
        start = self._window.seek(OPENING, limit=LONGEST_HEADER)
        try:
            stop = len(self._window) if start < 0 else start
            self.settings = read_settings(self._window.piece(0, stop), start < 0)
        except (ET.ParseError, DamagedError, ValueError, LookupError) as error:
            self.close()
            raise AnalysisError(
                f"{path} is no usable vasprun.xml, it ends or breaks before its first "
                f"ionic step ({self._window.failure or error}); take another output "
                "of this run, such as XDATCAR or OUTCAR"
            ) from error
        self.species = self.settings.species
        self._window.advance(stop)
        if start < 0:
            self.close()

    def close(self) -> None:
        """Release the file, where the steps are not wanted."""
        self._window.close()

    def steps(self) -> Iterator[IonicStep]:
        """Yield every complete ionic step; then `reason` is final."""
        for step in self._pieces(final=True, fast=False):
            assert isinstance(step, IonicStep)
            yield step

    def chunks(self, final: bool = True) -> Iterator[Chunk]:
        """Yield positions and energies of every complete step; then `reason` is final.

        Steps as VASP prints them are decoded many at a time; one that differs in any
        byte that matters is read as XML. Both give the same bits.

        Args:
            final: False for a file that grows: what is incomplete now is left for the
                next call, and the file stays open.
        """
        for part in self._pieces(final, fast=True):
            if isinstance(part, Chunk):
                yield part
                continue
            values = [part.energies.get(name, np.nan) for name in ENERGIES.values()]
            lattices = part.lattice[None]
            yield Chunk(
                labels=np.array([UNKNOWN]),
                lattices=lattices,
                positions=to_cartesian(part.fractional[None], lattices),
                scalars=dict(zip(ENERGIES, np.array(values)[:, None], strict=True)),
            )

    def _pieces(self, final: bool, fast: bool) -> Iterator[Chunk | IonicStep]:
        count = len(self.settings.species)
        try:
            while (stop := self._next(final)) > 0:
                self._window.top_up()
                if fast and (chunk := self._blocks.take(count, stop)) is not None:
                    yield chunk
                    continue
                yield _step(_element(self._window.piece(0, stop)), count)
                self._window.advance(stop)
        except ET.ParseError as error:
            self.reason = f"the file is damaged: an ionic step is no XML ({error})"
        except DamagedError as error:
            self.reason = f"the file is damaged: {error}"
        if final or self.reason:
            self.reason = self._window.failure or self.reason
            self.close()

    def _next(self, final: bool) -> int:
        """Move to the next complete step; return its length, or 0 if there is none."""
        start = self._window.seek(OPENING, limit=LONGEST_HEADER)
        if start < 0:
            self._finish(final)
            return 0
        if self._window.find(ENDING, 0, start) >= 0:
            return 0
        if gap := self._window.piece(0, start).strip():
            _element(b"<gap>" + gap + b"</gap>")  # raises where a tag is broken
        self._window.advance(start)
        stop = self._closing()
        if stop < 0 and final:
            self.reason = ENDS_INSIDE
        return max(0, stop)

    def _closing(self) -> int:
        """Return the offset behind the step that begins here, -1 if it has no end."""
        start, stop = len(OPENING), -1
        while stop < 0:
            stop = self._window.find(CLOSING, start)
            reach = stop if stop >= 0 else len(self._window)
            if self._window.find(OPENING, start, reach) >= 0:
                raise DamagedError("an ionic step begins inside another")
            start = max(start, reach - len(CLOSING))
            if stop < 0 and not self._window.more():
                return -1
        return stop + len(CLOSING)

    def _finish(self, final: bool) -> None:
        """Note whether the file ended as it should, and let go of what follows."""
        if final and self._window.find(ENDING) < 0:
            self.reason = ENDS_INSIDE


def _element(text: bytes) -> ET.Element:
    """Return the tree of a piece; what the header says of its bytes is no news."""
    return ET.fromstring(text, parser=ET.XMLParser(encoding="ISO-8859-1"))


def _step(calculation: ET.Element, n_atoms: int) -> IonicStep:
    structure = calculation.find("structure")
    if structure is None:
        raise DamagedError("an ionic step has no structure")
    forces = calculation.find("varray[@name='forces']")
    electronic = calculation.findall("scstep")
    energies = _energies(calculation.find("energy"))
    if electronic:
        energies = extrapolated(energies, _energies(electronic[-1].find("energy")))
    return IonicStep(
        lattice=read_vectors(structure.find("crystal/varray[@name='basis']"), 3),
        fractional=read_vectors(structure.find("varray[@name='positions']"), n_atoms),
        forces=None if forces is None else read_vectors(forces, n_atoms),
        energies=energies,
        scf_steps=len(electronic),
    )


def _energies(element: ET.Element | None) -> dict[str, float]:
    return {
        name: value
        for name, value in read_tags(element).items()
        if isinstance(value, float)
    }
