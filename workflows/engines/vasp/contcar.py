"""CONTCAR as the state of a run: is it whole, and where are its atoms.

In dynamics it holds positions, velocities and the integrator's and the thermostat's own
variables. It is copied byte for byte, so that VASP finds again what it wrote.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FRACTIONAL = 3  # numbers in a row of positions or velocities


def is_complete(data: bytes, *, dynamics: bool) -> bool:
    """Tell whether a CONTCAR was written to its end.

    VASP rewinds and rewrites the file at every step; one that was killed meanwhile
    leaves a piece.

    Args:
        data: its content.
        dynamics: velocities of all atoms are demanded, and the rows of the
            integrator's variables are counted where there are any.
    """
    try:
        rows = data.decode("ascii").splitlines()
        count, start = _layout(rows)
        _numbers(rows[start : start + count])
        if not dynamics:
            return len(rows) >= start + count
        velocities = _numbers(rows[start + count + 1 : start + 2 * count + 1])
        if len(velocities) != count:
            return False
        tail = [row for row in rows[start + 2 * count + 1 :] if row.strip()]
        return data.endswith(b"\n") and _whole_tail(tail, count)
    except (ValueError, IndexError, UnicodeDecodeError):
        return False


def positions(path: Path) -> NDArray[np.float64]:
    """Return the fractional positions of a CONTCAR, shape (n_atoms, 3)."""
    rows = path.read_text().splitlines()
    count, start = _layout(rows)
    return _numbers(rows[start : start + count])


def last_state(folder: Path) -> bytes | None:
    """Return the state that a dynamics run in this folder can be continued from."""
    for name in ("CONTCAR", "CONTCAR.kept"):
        path = folder / name
        if path.is_file() and is_complete(data := path.read_bytes(), dynamics=True):
            return data
    return None


def _layout(rows: list[str]) -> tuple[int, int]:
    """Return the number of atoms and the first row of the positions."""
    counts = 6 if rows[5].split()[0].isdigit() is False else 5
    count = sum(int(word) for word in rows[counts].split())
    start = counts + 2 if rows[counts + 1].strip()[:1] not in "sS" else counts + 3
    if count < 1:
        raise ValueError("no atoms")
    return count, start


def _numbers(rows: list[str]) -> NDArray[np.float64]:
    values = np.array([row.split()[:FRACTIONAL] for row in rows], dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != FRACTIONAL:
        raise ValueError("a row is not whole")
    return values


def _whole_tail(tail: list[str], count: int) -> bool:
    """Tell whether the variables of the integrator are all there.

    They are a flag, the time step, the thermostat's variables in one row or several,
    and three blocks of one row per atom; or nothing.
    """
    if not tail:
        return True
    blocks = [row for row in tail if len(row.split()) == FRACTIONAL]
    return len(blocks) >= 3 * count
