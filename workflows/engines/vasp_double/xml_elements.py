"""Elements of vasprun.xml that several of its parts need."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from ionface.workflows.engines.vasp_double.fortran import fixed, integer
from ionface.workflows.engines.vasp_double.incar_reader import FLOATS
from ionface.workflows.engines.vasp_double.poscar_reader import FloatArray


def numbers(values: Iterable[float]) -> str:
    """Return numbers in columns."""
    return "".join(fixed(float(x), 16, 8) + " " for x in values)


def varray(name: str, values: NDArray[np.floating[Any]], indent: int) -> str:
    """Return rows of numbers, shape (n, m)."""
    lead = " " * indent
    rows = "".join(f"{lead} <v> {numbers(row)}</v>\n" for row in values)
    return f'{lead}<varray name="{name}" >\n{rows}{lead}</varray>\n'


def structure(
    lattice: FloatArray,
    fractional: FloatArray,
    *,
    name: str = "",
    velocities: FloatArray | None = None,
    selective: NDArray[np.bool_] | None = None,
    indent: int = 1,
) -> str:
    """Return a structure element.

    Args:
        lattice: Å, shape (3, 3).
        fractional: shape (n_atoms, 3).
        name: as in "finalpos".
        velocities: fractional per step, shape (n_atoms, 3).
        selective: flags, shape (n_atoms, 3).
        indent: blanks before it.
    """
    lead = " " * indent
    head = f'{lead}<structure name="{name}" >\n' if name else f"{lead}<structure>\n"
    volume = fixed(abs(float(np.linalg.det(lattice))), 16, 8)
    parts = [
        head,
        f"{lead} <crystal>\n",
        varray("basis", lattice, indent + 2),
        f'{lead}  <i name="volume">{volume} </i>\n',
        varray("rec_basis", np.linalg.inv(lattice).T, indent + 2),
        f"{lead} </crystal>\n",
        varray("positions", fractional, indent + 1),
    ]
    if selective is not None:
        flags = "".join(
            f'{lead}  <v type="logical" > {"".join(" T " if f else " F " for f in row)}'
            "</v>\n"
            for row in selective
        )
        parts.append(
            f'{lead} <varray name="selective"  type="logical" >\n{flags}'
            f"{lead} </varray>\n"
        )
    if velocities is not None:
        parts.append(varray("velocities", velocities, indent + 1))
    return "".join([*parts, f"{lead}</structure>\n"])


def entry(name: str, value: Any, indent: int) -> str:
    """Return a tag as VASP writes it, typed."""
    lead = " " * indent
    if isinstance(value, list | tuple):
        kind = ' type="logical"' if value and isinstance(value[0], bool) else ""
        words = "".join(_word(x) for x in value)
        return f'{lead}<v{kind} name="{name}">{words}</v>\n'
    if isinstance(value, bool):
        return f'{lead}<i type="logical" name="{name}"> {"T" if value else "F"}  </i>\n'
    if isinstance(value, int) and name not in FLOATS:
        return f'{lead}<i type="int" name="{name}">{integer(value, 6)}</i>\n'
    if isinstance(value, int | float):
        return f'{lead}<i name="{name}">{fixed(value, 16, 8)}</i>\n'
    return f'{lead}<i type="string" name="{name}">{escape(str(value))}</i>\n'


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "  T" if value else "  F"
    return fixed(float(value), 16, 8)
