"""Rigid molecules put into a film loosely: by Packmol, or one by one in skewed cells.

Packmol (Martínez et al., J. Comput. Chem. 30, 2157 (2009), doi:10.1002/jcc.21224) knows
rectangular periodic cells only, keeps every atom inside the cell and does not see a
molecule's own images. `insert` places molecules one by one in cells of any angle.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ionface.errors import StructureError
from ionface.structures.periodic import perpendicular_widths
from ionface.structures.slabs.plane_lattice import short_basis

Array = NDArray[np.float64]
TIME_LIMIT = 60.0  # s
TRIALS = 400  # positions and turns tried for each molecule
RECTANGULAR = 1e-3  # cosine of the angle between the short vectors


def packmol_executable() -> Path:
    """Return where Packmol is.

    Raises:
        StructureError: it is not installed.
    """
    import shutil
    import sys

    beside = Path(sys.executable).parent / "packmol"
    found = shutil.which("packmol") or (str(beside) if beside.exists() else None)
    if found is None:
        raise StructureError(
            "films are packed by Packmol, which is not installed; `pip install "
            "packmol` brings it, or put the packmol executable on the PATH"
        )
    return Path(found)


def rectangle(cell: Array) -> Array | None:
    """Return a rectangular basis of an in-plane lattice, or None if it has none.

    Args:
        cell: in-plane vectors, rows, Å, shape (2, 2).
    """
    short = short_basis(np.asarray(cell, dtype=float))
    lengths = np.linalg.norm(short, axis=1)
    if abs(float(short[0] @ short[1])) > RECTANGULAR * float(lengths.prod()):
        return None
    return short


def packmol(
    molecules: Sequence[tuple[Sequence[str], Array]],
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
        cell: in-plane vectors that have a rectangular basis, Å, shape (2, 2).
        height: of the space between the walls, 0 <= z <= height, Å; Packmol's walls
            yield by up to 0.1 Å.
        tolerance: smallest distance between atoms of different molecules, Å.
        seed: of Packmol.
        time_limit: after which it is stopped, s.
        executable: which Packmol; the installed one if not given.

    Raises:
        StructureError: no Packmol, a skewed cell, or input that Packmol refuses.
    """
    basis = rectangle(cell)
    if basis is None:
        raise StructureError(
            "Packmol packs rectangular cells only; use packing.insert in a skewed one"
        )
    executable = executable or packmol_executable()
    lengths = np.linalg.norm(basis, axis=1)
    with tempfile.TemporaryDirectory(prefix="packmol-") as folder:
        script = _script(Path(folder), molecules, lengths, height, tolerance, seed)
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
        if done.returncode in (170, 171, 172):  # its codes of faulty input and files
            raise StructureError(
                f"Packmol refused its input:\n{script}\n{done.stdout[-800:]}"
            )
        if done.returncode:
            return None
        packed = _read(Path(folder) / "film.xyz", [len(x) for _, x in molecules])
    axes = np.vstack([basis / lengths[:, None], np.zeros(2)])
    turn = np.hstack([axes, [[0.0], [0.0], [1.0]]])
    if np.linalg.det(turn) < 0:  # a turn, never a mirror: chirality stays
        turn[0] *= -1
    return [part @ turn for part in packed]


def _script(
    folder: Path,
    molecules: Sequence[tuple[Sequence[str], Array]],
    lengths: Array,
    height: float,
    tolerance: float,
    seed: int,
) -> str:
    """Write Packmol's input files; return the main one."""
    a, b = lengths
    lines = [
        f"tolerance {tolerance:.3f}",
        f"seed {seed % 10_000_000 + 1}",
        "filetype xyz",
        # the third period is longer than the film, so that its walls do not see images
        f"pbc 0.0 0.0 {-tolerance:.4f} {a:.6f} {b:.6f} {height + tolerance:.4f}",
    ]
    for k, (symbols, coords) in enumerate(molecules):
        rows = [
            f"{s} {x:.6f} {y:.6f} {z:.6f}"
            for s, (x, y, z) in zip(symbols, coords, strict=True)
        ]
        text = "\n".join([str(len(rows)), "", *rows, ""])
        (folder / f"m{k}.xyz").write_text(text, encoding="ascii")
        lines += [
            f"structure m{k}.xyz",
            "  number 1",
            "  above plane 0. 0. 1. 0.",
            f"  below plane 0. 0. 1. {height:.4f}",
            "end structure",
        ]
    script = "\n".join([*lines, ""])
    (folder / "film.inp").write_text(script, encoding="ascii")
    return script


def _read(path: Path, sizes: list[int]) -> list[Array]:
    lines = path.read_text(encoding="ascii").splitlines()[2:]
    rows = [[float(x) for x in line.split()[1:4]] for line in lines if line.strip()]
    ends = np.cumsum(sizes)[:-1]
    return list(np.split(np.array(rows), ends))


def insert(
    molecules: Sequence[Array],
    cell: Array,
    height: float,
    tolerance: float,
    rng: np.random.Generator,
) -> list[Array] | None:
    """Return the molecules placed one by one, or None if one found no place.

    Distances count all periodic images, a molecule's own among them.

    Args:
        molecules: coordinates of each, Å; rigid.
        cell: in-plane vectors at any angle, Å, shape (2, 2).
        height: 0 <= z <= height for all atoms, Å.
        tolerance: smallest distance between atoms of different molecules or images, Å.
        rng: of places and turns.
    """
    placed: list[Array] = []
    for molecule in molecules:
        found = _place(molecule, placed, cell, height, tolerance, rng)
        if found is None:
            return None
        placed.append(found)
    return placed


def _place(
    molecule: Array,
    placed: list[Array],
    cell: Array,
    height: float,
    tolerance: float,
    rng: np.random.Generator,
) -> Array | None:
    from scipy.spatial import KDTree

    centered = molecule - molecule.mean(axis=0)
    reach = float(np.linalg.norm(centered, axis=1).max()) + tolerance
    shifts = _images(cell, 2 * reach)
    others = None
    if placed:
        here = np.vstack(placed)
        inside = np.floor(here[:, :2] @ np.linalg.inv(cell)) @ cell
        here = here - np.pad(inside, ((0, 0), (0, 1)))
        around = np.vstack([np.zeros(3), _images(cell, reach + np.abs(cell).sum())])
        others = KDTree((here[:, None] + around).reshape(-1, 3))
    for _ in range(TRIALS):
        turned = centered @ random_rotation(rng).T
        low, high = turned[:, 2].min(), turned[:, 2].max()
        if high - low > height or _meets_itself(turned, shifts, tolerance):
            continue
        turned[:, :2] += rng.random(2) @ cell
        turned[:, 2] += rng.uniform(-low, height - high)
        nearest = others.query(turned)[0].min() if others else np.inf
        if nearest >= tolerance:
            return np.asarray(turned)
    return None


def _images(cell: Array, reach: float) -> Array:
    """Return the in-plane lattice vectors up to a length, without 0, Å, (n, 3)."""
    most = np.ceil(reach / perpendicular_widths(cell)).astype(int)
    ranges = [np.arange(-n, n + 1) for n in most]
    steps = np.array(np.meshgrid(*ranges, indexing="ij")).reshape(2, -1).T
    vectors = np.pad(steps @ cell, ((0, 0), (0, 1)))
    lengths = np.linalg.norm(vectors, axis=1)
    return np.asarray(vectors[(lengths > 0) & (lengths <= reach)])


def _meets_itself(coords: Array, shifts: Array, tolerance: float) -> bool:
    from scipy.spatial import KDTree

    if not len(shifts):
        return False
    images = (coords[:, None] + shifts).reshape(-1, 3)
    return bool(KDTree(images).query(coords)[0].min() < tolerance)


def random_rotation(rng: np.random.Generator) -> Array:
    """Return a rotation drawn uniformly, shape (3, 3): a quaternion of Gaussians."""
    w, x, y, z = (q := rng.normal(size=4)) / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
