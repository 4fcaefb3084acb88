"""POSCAR and CONTCAR: geometry, velocities and the thermostat's variables.

The blocks after the positions are those that VASP writes: velocities in Å/fs, then a
flag, the time step, four variables of the Nosé thermostat, the next positions and two
blocks of the predictor. All numbers are read back exactly as they were written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double.fortran import as_printed, exponential, rows

FloatArray = NDArray[np.float64]
VELOCITY_DIGITS = 8  # significant
POSITION_DIGITS = 16  # after the point


@dataclass(frozen=True)
class Bath:
    """The Nosé thermostat as a CONTCAR holds it.

    Attributes:
        timestep: fs, of the run that wrote it.
        scale: Nosé's s, exp of the bath's coordinate.
        rate: change of ln s per time step.
    """

    timestep: float
    scale: float
    rate: float


@dataclass(frozen=True)
class Poscar:
    """One geometry.

    Attributes:
        comment: first line.
        lattice: Å, shape (3, 3).
        symbols: of each group of atoms, in the file's order; may repeat.
        counts: atoms of each group.
        fractional: shape (n_atoms, 3).
        free: which coordinates may move, shape (n_atoms, 3), or None for all.
        velocities: Å/fs, shape (n_atoms, 3), or None.
        bath: the thermostat, or None.
    """

    comment: str
    lattice: FloatArray
    symbols: tuple[str, ...]
    counts: tuple[int, ...]
    fractional: FloatArray
    free: NDArray[np.bool_] | None = None
    velocities: FloatArray | None = None
    bath: Bath | None = None

    @property
    def species(self) -> tuple[str, ...]:
        """Return the symbol of each atom."""
        pairs = zip(self.symbols, self.counts, strict=True)
        return tuple(symbol for symbol, count in pairs for _ in range(count))

    @property
    def freedom(self) -> int:
        """Return how many coordinates carry temperature."""
        if self.free is not None:
            return int(np.sum(self.free))
        return max(3 * len(self.fractional) - 3, 1)  # the center of mass rests


def read(path: Path) -> Poscar:
    """Return the geometry of a file.

    Raises:
        InputError: the file is missing or not whole.
    """
    try:
        return parse(path.read_text(errors="replace"))
    except OSError as error:
        raise InputError(f"cannot read {path.name}: {error.strerror}") from error
    except (ValueError, IndexError, StopIteration) as error:
        raise InputError(
            f"ERROR: there must be 1 or 3 items on line 2 of POSCAR, or {path.name} is "
            f"not whole ({error}); write it again"
        ) from error


def parse(text: str) -> Poscar:
    """Return the geometry of a text; ValueError or IndexError where it is not whole."""
    lines = text.splitlines()
    scale = float(lines[1])
    if scale <= 0:
        raise ValueError(f"scale {scale:g} is not emulated")
    vectors = [[float(word) for word in line.split()[:3]] for line in lines[2:5]]
    lattice = as_printed(np.array(vectors) * scale, POSITION_DIGITS)
    # VASP 6.4 adds the POTCAR's name and hash, as in Mg_pv/f474ac0d
    symbols = tuple(w.split("/")[0].split("_")[0] for w in lines[5].split())
    counts = tuple(int(word) for word in lines[6].split())
    if len(symbols) != len(counts):
        raise ValueError(f"{len(counts)} groups of atoms, but symbols {symbols}")
    selective = lines[7].strip()[:1] in ("s", "S")
    first = 9 if selective else 8
    atoms = [line.split() for line in lines[first : first + sum(counts)]]
    places = np.array([row[:3] for row in atoms], dtype=float)
    if not sum(counts) or places.shape != (sum(counts), 3):
        raise ValueError(f"{len(atoms)} of {sum(counts)} atoms")
    if lines[first - 1].strip()[:1] in ("c", "C", "k", "K"):
        places = places * scale @ np.linalg.inv(lattice)
    free = np.array([[w == "T" for w in r[3:6]] for r in atoms]) if selective else None
    rest = iter(lines[first + sum(counts) :])
    velocities = _velocities(rest, len(atoms), lattice)
    bath = _bath(rest) if velocities is not None else None
    comment = lines[0].strip()
    return Poscar(comment, lattice, symbols, counts, places, free, velocities, bath)


def _velocities(
    rest: Iterator[str], total: int, lattice: FloatArray
) -> FloatArray | None:
    header = next(rest, "").strip()
    if header[:1] in ("l", "L"):
        raise ValueError("lattice velocities are not emulated")
    words = [line.split()[:3] for _, line in zip(range(total), rest, strict=False)]
    if not any(words):
        return None
    velocities = np.array(words, dtype=float)
    if velocities.shape != (total, 3):
        raise ValueError("velocities")
    return velocities @ lattice if header[:1] in ("d", "D") else velocities


def _bath(rest: Iterator[str]) -> Bath | None:
    next(rest, "")
    if next(rest, "").split()[:1] != ["1"]:  # the flag of the predictor's block
        return None
    timestep = float(next(rest).split()[0])
    scale, rate = (float(word) for word in next(rest).split()[:2])
    return Bath(timestep, scale, rate)


def geometry_text(poscar: Poscar) -> str:
    """Return the file up to its positions, as VASP writes CONTCAR."""
    head = [f"{poscar.comment[:40]:40}", f"   {1.0:.16f}     "]
    head += ["".join(f"{x:23.16f}" for x in row) for row in poscar.lattice]
    head.append("".join(f"  {symbol:2} " for symbol in poscar.symbols))
    head.append("".join(f"{count:6d}" for count in poscar.counts))
    if poscar.free is not None:
        head.append("Selective dynamics")
    head.append("Direct")
    body = ["".join(f"{x:20.16f}" for x in row) for row in poscar.fractional]
    if poscar.free is not None:
        flags = ["".join("   T" if f else "   F" for f in row) for row in poscar.free]
        body = [line + flag for line, flag in zip(body, flags, strict=True)]
    return "\n".join([*head, *body]) + "\n"


def contcar_text(
    poscar: Poscar,
    following: FloatArray | None = None,
    displacements: FloatArray | None = None,
) -> str:
    """Return a CONTCAR.

    Args:
        poscar: with velocities; without, zeros are written, as VASP does.
        following: fractional positions one step ahead, shape (n_atoms, 3).
        displacements: fractional, per step, shape (n_atoms, 3).
    """
    still = np.zeros((len(poscar.fractional), 3))
    moving = still if poscar.velocities is None else poscar.velocities
    blocks = [geometry_text(poscar), "\n", _block(moving)]
    if poscar.bath is not None:
        bath = poscar.bath
        numbers = "".join(exponential(x, 16, 8) for x in (bath.scale, bath.rate, 0, 0))
        blocks += ["\n           1\n", f"  {bath.timestep:.17f}     \n", f"{numbers}\n"]
        blocks += [
            _block(still if values is None else values)
            for values in (following, displacements, still)
        ]
    return "".join(blocks)


def _block(values: FloatArray) -> str:
    return "".join(
        "".join(exponential(x, 16, VELOCITY_DIGITS) for x in row) + "\n"
        for row in values
    )


def xdatcar_header(poscar: Poscar, title: str) -> str:
    """Return XDATCAR's header."""
    symbols = "".join(f"   {symbol:2}" for symbol in poscar.symbols)
    counts = "".join(f"{count:6d}" for count in poscar.counts)
    vectors = rows(poscar.lattice, 12, 6, lead=" ")
    return f"{title:40}\n           1\n{vectors}{symbols}\n{counts}\n"


def along_free(
    vectors: FloatArray, free: NDArray[np.bool_] | None, lattice: FloatArray
) -> FloatArray:
    """Return the part of each vector that lies along the free cell vectors.

    Args:
        vectors: Cartesian, shape (n_atoms, 3).
        free: which fractional coordinates may move, shape (n_atoms, 3); None for all.
        lattice: shape (3, 3).
    """
    if free is None:
        return vectors
    allowed = np.where(np.all(free, axis=1, keepdims=True), vectors, 0.0)
    counts = free.sum(axis=1)
    for atom in np.flatnonzero((counts > 0) & (counts < 3)):
        basis = np.linalg.qr(lattice[free[atom]].T)[0]  # orthonormal columns
        allowed[atom] = basis @ (basis.T @ vectors[atom])
    return allowed
