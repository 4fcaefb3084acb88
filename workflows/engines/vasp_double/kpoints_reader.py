"""The k-points of a run: from KPOINTS or KSPACING, halved by time reversal."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ionface.errors import InputError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class KPoints:
    """A mesh or a list.

    Attributes:
        style: "Gamma", "Monkhorst-Pack", or "Reciprocal" for a list.
        divisions: of the mesh; None for a list.
        shift: of the mesh.
        points: fractional, shape (n, 3).
        weights: they sum to 1, shape (n,).
        comment: first line of KPOINTS.
    """

    style: str
    divisions: tuple[int, int, int] | None
    shift: tuple[float, float, float]
    points: FloatArray
    weights: FloatArray
    comment: str = "automatic mesh"


def read(
    folder: Path, lattice: FloatArray, spacing: float = 0.5, gamma: bool = True
) -> KPoints:
    """Return the k-points: of KPOINTS where it is, else of the spacing.

    Args:
        folder: of the run.
        lattice: Å, shape (3, 3).
        spacing: KSPACING, Å⁻¹, 2π included.
        gamma: KGAMMA.

    Raises:
        InputError: KPOINTS is not understood.
    """
    path = folder / "KPOINTS"
    if not path.is_file():
        lengths = 2 * np.pi * np.linalg.norm(np.linalg.inv(lattice), axis=0)
        n1, n2, n3 = (max(1, int(np.ceil(b / spacing - 1e-9))) for b in lengths)
        return mesh("Gamma" if gamma else "Monkhorst-Pack", (n1, n2, n3))
    try:
        return parse(path.read_text(errors="replace"), lattice)
    except (ValueError, IndexError) as error:
        raise InputError(
            f"Error reading KPOINTS file: {error}; write a Gamma or Monkhorst-Pack "
            "mesh, or a list of points with weights"
        ) from error


def parse(text: str, lattice: FloatArray) -> KPoints:
    """Return the k-points of a file; ValueError or IndexError if it is not valid."""
    lines = text.splitlines()
    number = int(lines[1].split()[0])
    letter = lines[2].strip()[:1].lower()
    if number > 0:
        return _listed(lines, number, letter, lattice)
    if letter == "a":
        length = float(lines[3].split()[0])
        lengths = np.linalg.norm(np.linalg.inv(lattice), axis=0)
        n1, n2, n3 = (max(1, int(length * b + 0.5)) for b in lengths)
        return mesh("Gamma", (n1, n2, n3), comment=lines[0])
    if letter not in ("g", "m"):
        raise ValueError(f"style {lines[2].strip()!r} is not emulated")
    n1, n2, n3 = (int(word) for word in lines[3].split()[:3])
    words = lines[4].split()[:3] if len(lines) > 4 else []
    s1, s2, s3 = (float(w) for w in words) if len(words) == 3 else (0.0, 0.0, 0.0)
    style = "Gamma" if letter == "g" else "Monkhorst-Pack"
    return mesh(style, (n1, n2, n3), (s1, s2, s3), lines[0])


def mesh(
    style: str,
    divisions: tuple[int, int, int],
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0),
    comment: str = "automatic mesh",
) -> KPoints:
    """Return a mesh without the points that time reversal repeats.

    Raises:
        ValueError: a division below 1.
    """
    if min(divisions) < 1:
        raise ValueError(f"mesh {divisions}")
    offsets = [
        s + ((n + 1) % 2) / 2 if style == "Monkhorst-Pack" else s
        for n, s in zip(divisions, shift, strict=True)
    ]
    counts: dict[tuple[int, ...], int] = {}
    kept: list[FloatArray] = []
    for steps in product(*(range(n) for n in reversed(divisions))):
        point = (np.array(steps[::-1]) + offsets) / divisions
        point -= np.round(point - 1e-9)  # into (-1/2, 1/2]
        own, mirrored = (_key(sign * point) for sign in (1, -1))
        if mirrored in counts and own != mirrored:
            counts[mirrored] += 1
        else:
            counts[own] = 1
            kept.append(point)
    weights = np.array([counts[_key(point)] for point in kept], dtype=float)
    return KPoints(
        style, divisions, shift, np.array(kept), weights / weights.sum(), comment
    )


def _key(point: FloatArray) -> tuple[int, ...]:
    return tuple(int(x) for x in np.round(point * 1e6) % 1_000_000)


def _listed(lines: list[str], number: int, letter: str, lattice: FloatArray) -> KPoints:
    if letter == "l":
        raise ValueError("line mode is not emulated")
    words = [line.split() for line in lines[3 : 3 + number]]
    table = np.array([row[:4] if len(row) > 3 else [*row, 1] for row in words], float)
    points = table[:, :3]
    if letter in ("c", "k"):
        points = points @ lattice.T
    return KPoints(
        "Reciprocal", None, (0, 0, 0), points, table[:, 3] / table[:, 3].sum(), lines[0]
    )


def ibzkpt_text(k_points: KPoints) -> str:
    """Return IBZKPT."""
    smallest = k_points.weights.min()
    weights = np.round(k_points.weights / smallest).astype(int)
    lines = [
        "".join(f"{x:20.14f}" for x in point) + f"{weight:14d}\n"
        for point, weight in zip(k_points.points, weights, strict=True)
    ]
    head = f"Automatically generated mesh\n{len(lines):8d}\nReciprocal lattice\n"
    return head + "".join(lines)
