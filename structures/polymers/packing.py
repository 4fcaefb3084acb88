"""Rigid molecules put loosely into a film's cell by Packmol.

Packmol (Martínez et al., J. Comput. Chem. 30, 2157 (2009), doi:10.1002/jcc.21224) knows
rectangular periodic cells only. So the molecules are kept between the planes of one
cell of any angle, half the tolerance away from its borders: images are then as far
apart as molecules are.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ionface.errors import StructureError

Array = NDArray[np.float64]
Molecule = tuple[Sequence[str], Array]  # elements; coordinates, Å, shape (n, 3)
TIME_LIMIT = 60.0  # s; a packing that Packmol finds takes it seconds
FAULTY_INPUT = (170, 171, 172)  # Packmol's codes of faulty input and files


def packmol_executable() -> Path:
    """Return where Packmol is.

    Raises:
        StructureError: it is not installed.
    """
    beside = Path(sys.executable).parent / "packmol"
    path = shutil.which("packmol") or (str(beside) if beside.exists() else None)
    if path is None:
        raise StructureError(
            "films are packed by Packmol, which is not installed; `pip install "
            "packmol` brings it, or put the packmol executable on the PATH"
        )
    return Path(path)


def packmol(
    molecules: Sequence[Molecule],
    cell: Array,
    height: float,
    tolerance: float,
    seed: int,
    time_limit: float = TIME_LIMIT,
    executable: Path | None = None,
) -> list[Array] | None:
    """Return the molecules packed between two walls, or None if Packmol did not manage.

    Args:
        molecules: elements and coordinates, Å, of each; rigid.
        cell: in-plane vectors, Å, shape (2, 2).
        height: of the space between the walls, 0 <= z <= height, Å; Packmol's walls
            yield by up to 0.1 Å.
        tolerance: smallest distance between atoms of different molecules, Å.
        seed: of Packmol.
        time_limit: after which it is stopped, s.
        executable: which Packmol; the installed one if not given.

    Raises:
        StructureError: no Packmol, or input that Packmol refuses.
    """
    executable = executable or packmol_executable()
    with tempfile.TemporaryDirectory(prefix="packmol-") as folder:
        script = _script(Path(folder), molecules, cell, height, tolerance, seed)
        try:
            done = subprocess.run(
                [executable, "-i", "film.inp", "-o", "film.xyz"],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=time_limit,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None
        if done.returncode in FAULTY_INPUT:
            raise StructureError(
                f"Packmol refused its input:\n{script}\n{done.stdout[-800:]}"
            )
        if done.returncode:
            return None
        return _read(Path(folder) / "film.xyz", [len(x) for _, x in molecules])


def _script(
    folder: Path,
    molecules: Sequence[Molecule],
    cell: Array,
    height: float,
    tolerance: float,
    seed: int,
) -> str:
    """Write Packmol's input files; return the main one."""
    lines = [
        f"tolerance {tolerance:.3f}",
        f"seed {seed % 10_000_000 + 1}",
        "filetype xyz",
    ]
    planes = _planes(cell, height, tolerance / 2)
    for k, (symbols, coords) in enumerate(molecules):
        rows = [
            f"{s} {x:.6f} {y:.6f} {z:.6f}"
            for s, (x, y, z) in zip(symbols, coords, strict=True)
        ]
        text = "\n".join([str(len(rows)), "", *rows, ""])
        (folder / f"m{k}.xyz").write_text(text, encoding="ascii")
        lines += [f"structure m{k}.xyz", "  number 1", *planes, "end structure"]
    script = "\n".join([*lines, ""])
    (folder / "film.inp").write_text(script, encoding="ascii")
    return script


def _planes(cell: Array, height: float, margin: float) -> list[str]:
    """Return the planes that all atoms stay between, in Packmol's words."""
    area = float(np.linalg.det(cell))
    lines = ["  above plane 0. 0. 1. 0.", f"  below plane 0. 0. 1. {height:.4f}"]
    for along in (cell[1], -cell[0]):  # borders, and the normals that point inwards
        x, y = np.sign(area) * np.array([along[1], -along[0]]) / np.linalg.norm(along)
        width = abs(area) / float(np.linalg.norm(along))
        lines += [
            f"  above plane {x:.8f} {y:.8f} 0. {margin:.4f}",
            f"  below plane {x:.8f} {y:.8f} 0. {width - margin:.4f}",
        ]
    return lines


def _read(path: Path, sizes: list[int]) -> list[Array]:
    lines = path.read_text(encoding="ascii").splitlines()[2:]
    rows = [[float(x) for x in line.split()[1:4]] for line in lines if line.strip()]
    ends = np.cumsum(sizes)[:-1]
    return list(np.split(np.array(rows), ends))
