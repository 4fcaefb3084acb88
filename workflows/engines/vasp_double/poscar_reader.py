"""POSCAR and CONTCAR: geometry, velocities and the thermostat's variables.

The blocks after the positions are those that VASP writes: velocities in Å/fs, then a
flag, the time step, four variables of the Nosé thermostat, the next positions and two
blocks of the predictor. All numbers are read back exactly as they were written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double.fortran import exponential, fixed

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
        lattice: Å, shape (3, 3), scaled.
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
    bath: Bath | None = field(default=None)

    @property
    def species(self) -> tuple[str, ...]:
        """Return the symbol of each atom."""
        pairs = zip(self.symbols, self.counts, strict=True)
        return tuple(symbol for symbol, count in pairs for _ in range(count))


def read(path: Path, symbols: tuple[str, ...] = ()) -> Poscar:
    """Return the geometry of a file.

    Args:
        path: POSCAR or CONTCAR.
        symbols: of the groups, for files without a line of symbols (VASP 4).

    Raises:
        InputError: the file is missing or not whole.
    """
    try:
        return parse(path.read_text(errors="replace"), symbols)
    except OSError as error:
        raise InputError(f"cannot read {path.name}: {error.strerror}") from error
    except (ValueError, IndexError, StopIteration) as error:
        raise InputError(
            f"ERROR: there must be 1 or 3 items on line 2 of POSCAR, or {path.name} is "
            f"not whole ({error}); write it again"
        ) from error


def parse(text: str, symbols: tuple[str, ...] = ()) -> Poscar:
    """Return the geometry of a text; ValueError or IndexError where it is not whole."""
    lines = text.splitlines()
    lattice = _lattice(lines)
    at = 5
    if not lines[at].split()[0].isdigit():
        symbols = tuple(w.split("/")[0].split("_")[0] for w in lines[at].split())
        at += 1
    counts = _leading_integers(lines[at])
    at += 1
    if len(symbols) < len(counts):
        raise ValueError(f"{len(counts)} groups of atoms, but symbols {symbols}")
    selective = lines[at].strip()[:1] in ("s", "S")
    at += selective
    cartesian = lines[at].strip()[:1] in ("c", "C", "k", "K")
    total = sum(counts)
    words = [line.split() for line in lines[at + 1 : at + 1 + total]]
    if len(words) != total or not total:
        raise ValueError(f"{len(words)} of {total} atoms")
    places = np.array([row[:3] for row in words], dtype=float)
    if cartesian:
        places = np.linalg.solve(lattice.T, (places * _scale(lines)).T).T
    free = None
    if selective:
        free = np.array(
            [[w.lstrip(".")[:1] in ("T", "t") for w in r[3:6]] for r in words]
        )
    rest = iter(lines[at + 1 + total :])
    velocities = _velocities(rest, total, lattice)
    bath = _bath(rest) if velocities is not None else None
    return Poscar(
        lines[0].strip(), lattice, symbols[: len(counts)], counts, places, free,
        velocities, bath,
    )  # fmt: skip


def _scale(lines: list[str]) -> FloatArray:
    scale = np.array(lines[1].split()[:3], dtype=float)
    if len(scale) not in (1, 3):
        raise ValueError("scale")
    if scale[0] < 0:
        volume = abs(np.linalg.det(_vectors(lines)))
        scale = np.array([(-scale[0] / volume) ** (1 / 3)])
    return scale


def _vectors(lines: list[str]) -> FloatArray:
    vectors = np.array([line.split()[:3] for line in lines[2:5]], dtype=float)
    if vectors.shape != (3, 3):
        raise ValueError("lattice")
    return vectors


def _lattice(lines: list[str]) -> FloatArray:
    lattice: FloatArray = _vectors(lines) * _scale(lines)
    return lattice


def _leading_integers(line: str) -> tuple[int, ...]:
    counts = []
    for word in line.split():
        if not word.isdigit():
            break
        counts.append(int(word))
    return tuple(counts)


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
    if header[:1] in ("d", "D"):
        velocities = velocities @ lattice
    return velocities


def _bath(rest: Iterator[str]) -> Bath | None:
    next(rest, "")
    flag = next(rest, "").split()
    if not flag or flag[0] != "1":
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
    count = len(poscar.fractional)
    still = np.zeros((count, 3))
    moving = still if poscar.velocities is None else poscar.velocities
    parts = [geometry_text(poscar), "\n", _block(moving)]
    if poscar.bath is not None:
        bath = poscar.bath
        numbers = "".join(exponential(x, 16, 8) for x in (bath.scale, bath.rate, 0, 0))
        parts += ["\n           1\n", f"  {bath.timestep:.17f}     \n", f"{numbers}\n"]
        for block in (following, displacements, still):
            parts.append(_block(still if block is None else block))
    return "".join(parts)


def _block(values: FloatArray) -> str:
    return "".join(
        "".join(exponential(x, 16, VELOCITY_DIGITS) for x in row) + "\n"
        for row in values
    )


def xdatcar_header(poscar: Poscar, title: str) -> str:
    """Return XDATCAR's header."""
    vectors = "".join(
        " " + "".join(fixed(x, 12, 6) for x in row) + "\n" for row in poscar.lattice
    )
    symbols = "".join(f"   {symbol:2}" for symbol in poscar.symbols)
    counts = "".join(f"{count:6d}" for count in poscar.counts)
    return f"{title:40}\n           1\n{vectors}{symbols}\n{counts}\n"
