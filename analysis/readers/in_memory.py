"""Trajectories of what a user has in memory: ASE Atoms, pymatgen Structures, arrays."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionface.analysis.readers.ase_files import free_coordinates
from ionface.analysis.readers.atom_texts import energy_of
from ionface.analysis.readers.run_metadata import fixed_of
from ionface.analysis.readers.species import species_of
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import TrajectoryError
from ionface.symbols import element_of


def of_memory(
    source: Any,
    timestep_fs: float | None,
    species: Sequence[str | int] | None = None,
    lattice: ArrayLike | None = None,
) -> Trajectory:
    """Return the trajectory of frames or positions; see `open_trajectory`.

    Raises:
        TrajectoryError: these are no frames, the atoms change between them, or an
            array came without species and lattice, or with species that are none.
    """
    if isinstance(source, np.ndarray):
        if species is None or lattice is None:
            raise TrajectoryError(
                "an array of positions needs species=... (a symbol for each atom) and "
                "lattice=... (three cell vectors in Å)"
            )
        symbols = [_symbol(each) for each in species]
        return Trajectory.from_arrays(symbols, lattice, source, timestep_fs)
    if hasattr(source, "get_structure") and hasattr(source, "time_step"):
        # pymatgen's Trajectory, which iterates over Molecules or Structures by index
        structures = [source.get_structure(index) for index in range(len(source))]
        return _of_structures(structures, timestep_fs or source.time_step)
    listed = hasattr(source, "__iter__") or hasattr(source, "__getitem__")
    frames = list(source) if listed and not _is_frame(source) else [source]
    if not frames or not all(map(_is_frame, frames)):
        kinds = sorted({type(frame).__name__ for frame in frames}) or "nothing"
        raise TrajectoryError(
            "give paths, ASE Atoms, pymatgen Structures, a trajectory of either, or an "
            f"array of positions; got {kinds}"
        )
    if hasattr(frames[0], "get_positions"):
        return _of_atoms(frames, timestep_fs)
    return _of_structures(frames, timestep_fs)


def _symbol(given: str | int) -> str:
    """Return the symbol of an element by its symbol or atomic number."""
    from ase.data import chemical_symbols

    numbered = isinstance(given, Integral) and 0 < given < len(chemical_symbols)
    symbol = chemical_symbols[int(given)] if numbered else element_of(str(given))
    if symbol is None:
        raise TrajectoryError(
            f"species has {given!r}, which is no chemical element; give a symbol, as "
            "'Li', or an atomic number for each atom"
        )
    return str(symbol)


def _is_frame(value: object) -> bool:
    """Return whether this is one ASE Atoms or one pymatgen Structure."""
    return hasattr(value, "get_positions") or hasattr(value, "frac_coords")


def _of_atoms(images: list[Any], timestep_fs: float | None) -> Trajectory:
    free, notes = free_coordinates(images[0])
    return _of_arrays(
        [image.get_chemical_symbols() for image in images],
        np.array([image.cell.array for image in images]),
        [image.get_positions() for image in images],
        timestep_fs,
        pbc=tuple(map(bool, images[0].pbc)),
        scalars={"potential_energy": np.array([energy_of(i) for i in images])},
        fixed=fixed_of(free),
        notes=notes,
    )


def _of_structures(frames: list[Any], timestep_fs: float | None) -> Trajectory:
    if not all(frame.is_ordered for frame in frames):
        raise TrajectoryError(
            "a structure has sites that several species share; order it first"
        )
    return _of_arrays(
        [[site.specie.symbol for site in frame] for frame in frames],
        np.array([frame.lattice.matrix for frame in frames]),
        [frame.cart_coords for frame in frames],
        timestep_fs,
        pbc=tuple(map(bool, frames[0].lattice.pbc)),
    )


def _of_arrays(
    species: list[list[str]],
    cells: NDArray[np.float64],
    positions: list[NDArray[np.float64]],
    timestep_fs: float | None,
    **attributes: Any,
) -> Trajectory:
    if other := next((i for i, s in enumerate(species) if s != species[0]), None):
        raise TrajectoryError(
            f"the atoms of frame {other} are others than those of the first, or in "
            "another order; give frames of one system, with its atoms in one order"
        )
    symbols = species_of("this trajectory", species[0])
    constant = bool((cells == cells[0]).all())
    return Trajectory.from_arrays(
        symbols,
        cells[0] if constant else cells,
        np.array(positions),
        timestep_fs,
        **attributes,
    )
