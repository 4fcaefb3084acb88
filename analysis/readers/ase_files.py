"""Trajectories that ASE reads: .traj, extxyz."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.readers.blocks import UNKNOWN, Block
from ionface.analysis.readers.text import LONGEST_LINE, plain_file
from ionface.errors import AnalysisError
from ionface.files import Closing

AT_ONCE = 256
"""Frames that are in memory at once."""


class AseStream(Closing):
    """Reads one file from its start to its end, once; use it in a `with` statement.

    Attributes:
        species: chemical symbol of each atom.
        pbc: periodic along each cell vector.
        free: which coordinates may move, shape (n_atoms, 3), or None if all may.
        reason: why frames ended early; empty if they did not.
    """

    def __init__(self, path: Path) -> None:
        """Read the first frame.

        Raises:
            AnalysisError: the file cannot be opened or decompressed, or has no frame
                that can be read.
        """
        self.path = path
        self.reason = ""
        self._stack = ExitStack()
        try:
            plain, failure = self._stack.enter_context(plain_file(path))
            self._images = self._read(plain, failure)
            first = next(self._images, None)
        except BaseException:
            self._stack.close()
            raise
        if first is None:
            self._stack.close()
            raise AnalysisError(
                f"{path} has no frame that ASE can read: {self.reason or 'it is empty'}"
            )
        self._first = first
        self.species = tuple(first.get_chemical_symbols())
        self.pbc = (bool(first.pbc[0]), bool(first.pbc[1]), bool(first.pbc[2]))
        self.free = free_coordinates(first)

    def blocks(self) -> Iterator[Block]:
        """Yield every complete frame; then `reason` is final.

        Raises:
            AnalysisError: the number or the order of atoms changes.
        """
        images = self._all()
        while held := list(islice(images, AT_ONCE)):
            yield _block(held)

    def close(self) -> None:
        """Release the file."""
        self._images.close()
        self._stack.close()

    def _all(self) -> Iterator[Any]:
        yield self._first
        for image in self._images:
            if tuple(image.get_chemical_symbols()) != self.species:
                raise AnalysisError(
                    f"the atoms of {self.path} change between frames; write frames of "
                    "one system, with its atoms in one order"
                )
            yield image

    def _read(self, plain: Path, failure: str) -> Any:
        """Yield the frames before the first that cannot be read, and note why."""
        # Without its last line end, a number of the last frame may have lost digits.
        is_text = plain.name.endswith("xyz")
        if is_text and not _begins_with_a_line(plain):
            self.reason = failure or "it is no text: its first line has no end"
            return
        torn = is_text and not _ends_with_a_line(plain)
        # A frame is handed on when the next one was looked at: the last may be torn.
        count, held = 0, None
        images = _attempts(plain)
        while True:
            following, problem = next(images)
            if held is not None and following is None and not problem and torn:
                problem = "the file ends inside its last line"
            elif held is not None:
                yield held
                count += 1
            if problem:
                self.reason = f"frame {count + 1} cannot be read: {problem}"
            if following is None:
                self.reason = failure or self.reason
                return
            held = following


def _attempts(plain: Path) -> Iterator[tuple[Any, str]]:
    """Yield each frame and an empty text, then no frame and why there is none."""
    from ase.io import iread

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for image in iread(plain, index=":"):
                _check(image)
                yield image, ""
    except Exception as error:  # noqa: BLE001 - ASE raises anything on damaged files
        yield None, repr(error)
    yield None, ""


def _check(image: Any) -> None:
    if not len(image.get_chemical_symbols()) or not np.isfinite(image.positions).all():
        raise ValueError("it has no atoms, or a position that is no number")
    if not np.isfinite(image.cell.array).all():
        raise ValueError("a cell vector is no number")


def _begins_with_a_line(plain: Path) -> bool:
    """Return whether the first line ends soon; ASE would read on until memory ends."""
    with plain.open("rb") as stream:
        return b"\n" in stream.read(LONGEST_LINE)


def _ends_with_a_line(plain: Path) -> bool:
    with plain.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - 1))
        return stream.read(1) == b"\n"


def free_coordinates(image: Any) -> NDArray[np.bool_] | None:
    """Return which coordinates the constraints leave free; None if all are."""
    free = np.ones((len(image), 3), dtype=bool)
    for constraint in image.constraints:
        kind = type(constraint).__name__
        if kind == "FixAtoms":
            free[constraint.index] = False
        elif kind in ("FixCartesian", "FixScaled"):
            free[constraint.index] &= ~np.asarray(constraint.mask, dtype=bool)
    return None if free.all() else free


def energy_of(image: Any) -> float:
    """Return the energy that was stored with ASE Atoms, eV; NaN where none was."""
    return float(image.calc.results.get("energy", np.nan)) if image.calc else np.nan


def _block(images: list[Any]) -> Block:
    energies = [energy_of(image) for image in images]
    cells = np.array([image.cell.array for image in images], dtype=np.float64)
    return Block(
        labels=np.full(len(images), UNKNOWN),
        lattices=cells[:1] if (cells == cells[0]).all() else cells,
        positions=np.array([image.positions for image in images], dtype=np.float64),
        scalars={"potential_energy": np.array(energies, dtype=np.float64)},
    )
