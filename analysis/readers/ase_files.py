"""Trajectories that ASE reads: .traj, xyz and extended xyz, dumps of LAMMPS."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionface.analysis.readers.atom_texts import (
    DamagedFrameError,
    Image,
    lammps_images,
    told,
    xyz_images,
)
from ionface.analysis.readers.blocks import Block
from ionface.analysis.readers.species import Names, species_of
from ionface.analysis.readers.text import LongLineError, TextBuffer, plain_file
from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError
from ionface.files import Closing

AT_ONCE = 256
"""Frames that are in memory at once."""

TEXTS = {"xyz": xyz_images, "lammps": lammps_images}


class AseStream(Closing):
    """Reads one file from its start to its end, once; use it in a `with` statement.

    Attributes:
        species: chemical symbol of each atom.
        pbc: periodic along each cell vector.
        free: which coordinates may move, shape (n_atoms, 3), or None if all may.
        notes: what else one should know.
        reason: why frames ended early; empty if they did not.
    """

    def __init__(
        self,
        path: Path,
        form: str,
        names: Names | None = None,
        lattice: ArrayLike | None = None,
    ) -> None:
        """Read the first frame.

        Args:
            path: of the file.
            form: "traj", "xyz" or "lammps".
            names: what the user says that the file's names of species are.
            lattice: rows are the cell vectors, Å, of a file that tells none.

        Raises:
            AnalysisError: the file cannot be opened or decompressed, has no frame that
                can be read, a species that is no element, or tells its cell and one was
                given.
        """
        self.path, self.reason = path, ""
        self._names = names
        self._stack = ExitStack()
        try:
            self._images = self._read(form)
            first = next(self._images, None)
            if first is None:
                why = self.reason or "it is empty"
                raise AnalysisError(f"{path} has no frame that ASE can read: {why}")
            self._first = first
            self.species = self._species(first)
            self.free, notes = free_coordinates(first.atoms)
            self._lattice = self._given_cell(lattice)
        except BaseException:
            self._stack.close()
            raise
        open_cell = not first.atoms.cell.array.any()
        given = self._lattice is not None
        periodic = [(given and open_cell) or bool(flag) for flag in first.atoms.pbc]
        self.pbc = (periodic[0], periodic[1], periodic[2])
        if open_cell and not given:
            notes += (
                f"{path.name} tells no cell: its atoms are taken as they stand, and "
                "densities have no meaning; a cell can be given (`lattice`)",
            )
        keys = {key.lower() for key in first.atoms.info}
        if "time" in keys and not keys & {"time_fs", "time_ps", "i"}:  # i: CP2K
            notes += (f"{path.name}: the times of its frames were taken to be in fs",)
        self.notes = notes

    def blocks(self) -> Iterator[Block]:
        """Yield every complete frame; then `reason` is final.

        Raises:
            AnalysisError: the number or the order of atoms changes.
        """
        images = self._all()
        while held := list(islice(images, AT_ONCE)):
            yield self._block(held)
        self.close()

    def close(self) -> None:
        """Release the file."""
        self._stack.close()

    # --- frame by frame -------------------------------------------------------------

    def _read(self, form: str) -> Iterator[Image]:
        """Yield the frames before the first that cannot be read, and note why."""
        images: Iterator[Image]
        if form == "traj":
            plain, failure = self._stack.enter_context(plain_file(self.path))
            images = _of_database(plain)
        else:
            buffer = self._stack.enter_context(TextBuffer(self.path))
            images = TEXTS[form](self.path, buffer, self._names)
        count = 0
        try:
            while (image := _next(images)) is not None:
                yield image
                count += 1
        except (AnalysisError, DamagedFrameError, LongLineError) as error:
            if isinstance(error, AnalysisError) and not count:
                raise
            self.reason = f"frame {count + 1} cannot be read: {error}"
        except Exception as error:  # noqa: BLE001 - ASE raises anything on damaged files
            self.reason = f"frame {count + 1} cannot be read: {error!r}"
        broken = failure if form == "traj" else buffer.failure
        self.reason = broken or self.reason

    def _all(self) -> Iterator[Image]:
        yield self._first
        for image in self._images:
            if self._species(image) != self.species:
                raise AnalysisError(
                    f"the atoms of {self.path} change between frames; write frames of "
                    "one system, with its atoms in one order"
                )
            yield image

    def _species(self, image: Image) -> tuple[str, ...]:
        from ase.data import chemical_symbols

        numbers = image.atoms.numbers
        if numbers.min(initial=0) < 0 or numbers.max(initial=0) >= len(
            chemical_symbols
        ):
            raise AnalysisError(
                f"{self.path} holds atomic numbers from {numbers.min()} to "
                f"{numbers.max()}, which no elements have: it is damaged"
            )
        symbols = image.atoms.get_chemical_symbols()
        return species_of(self.path, symbols, self._names)

    def _given_cell(self, lattice: ArrayLike | None) -> FloatArray | None:
        if lattice is None:
            return None
        cell = self._first.atoms.cell
        if cell.rank == 3:
            raise AnalysisError(
                f"{self.path} tells its own cell, {np.round(cell.lengths(), 3)} Å; "
                "leave lattice=... out"
            )
        return np.asarray(lattice, dtype=np.float64)

    def _block(self, images: list[Image]) -> Block:
        cells = np.array([image.atoms.cell.array for image in images], dtype=np.float64)
        if self._lattice is not None:
            cells = self._lattice[None]
        return Block(
            labels=np.array([image.label for image in images]),
            lattices=cells[:1] if (cells == cells[0]).all() else cells,
            positions=np.array([image.atoms.positions for image in images], np.float64),
            scalars={
                "potential_energy": np.array([image.energy for image in images]),
                "time_fs": np.array([image.time_fs for image in images]),
            },
        )


def _of_database(plain: Path) -> Iterator[Image]:
    from ase.io import iread

    yield from map(told, iread(plain, index=":", format="traj"))


def _next(images: Iterator[Image]) -> Image | None:
    """Return the next frame, without what ASE warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = next(images, None)
    if image is not None:
        _check(image.atoms)
    return image


def _check(atoms: Any) -> None:
    if not len(atoms) or not np.isfinite(atoms.positions).all():
        raise DamagedFrameError("it has no atoms, or a position that is no number")
    if not np.isfinite(atoms.cell.array).all():
        raise DamagedFrameError("a cell vector is no number")


def free_coordinates(
    atoms: Any,
) -> tuple[NDArray[np.bool_] | None, tuple[str, ...]]:
    """Return which coordinates the constraints leave free, and what else they do.

    Returns:
        Shape (n_atoms, 3), or None if all are free; and a note on constraints that are
        not those of coordinates.
    """
    free = np.ones((len(atoms), 3), dtype=bool)
    unused = []
    for constraint in atoms.constraints:
        kind = type(constraint).__name__
        if kind == "FixAtoms":
            free[constraint.index] = False
        elif kind in ("FixCartesian", "FixScaled"):
            free[constraint.index] &= ~np.asarray(constraint.mask, dtype=bool)
        else:
            unused.append(kind)
    names = ", ".join(dict.fromkeys(unused))
    note = (
        f"constraints {names} are not followed: their atoms count as free, and degrees "
        "of freedom as more than they are"
    )
    return None if free.all() else free, (note,) if names else ()
