"""The inputs of a run: INCAR, KPOINTS, POSCAR and POTCAR, read and checked together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from ionface.analysis.readers.emulation_mark import EMULATED_MARK
from ionface.errors import InputError
from ionface.workflows.engines.vasp_double import geometry, settings
from ionface.workflows.engines.vasp_double.geometry import FloatArray, Poscar
from ionface.workflows.engines.vasp_double.potcars import Pseudopotential, read_potcar
from ionface.workflows.engines.vasp_double.settings import Settings

VERSION = "6.4.3"  # whose formats are written
SAME_POINT = 1e-6  # fractions of a reciprocal vector


@dataclass(frozen=True)
class KPoints:
    """A mesh, halved by time reversal.

    Attributes:
        style: "Gamma" or "Monkhorst-Pack".
        divisions: along the reciprocal vectors.
        shift: in fractions of a division.
        points: fractional, shape (n, 3).
        weights: they sum to 1, shape (n,).
    """

    style: str
    divisions: tuple[int, ...]
    shift: tuple[float, ...]
    points: FloatArray
    weights: FloatArray


@dataclass(frozen=True)
class Run:
    """The inputs of one run.

    Attributes:
        folder: where it runs.
        poscar: the first geometry.
        settings: INCAR with defaults.
        k_points: of KPOINTS or KSPACING.
        potentials: of each group of atoms.
        model: name of what stands in for the electrons.
    """

    folder: Path
    poscar: Poscar
    settings: Settings
    k_points: KPoints
    potentials: tuple[Pseudopotential, ...]
    model: str

    @property
    def mark(self) -> str:
        """Return what every output says of its origin."""
        return f"{EMULATED_MARK} ({self.model})"

    @property
    def masses(self) -> FloatArray:
        """Return the mass of each atom, amu, shape (n_atoms,)."""
        return np.repeat([p.mass for p in self.potentials], self.poscar.counts)


def read_inputs(folder: Path, model: str) -> Run:
    """Return the inputs of a folder.

    Args:
        folder: with INCAR, POSCAR, POTCAR and KPOINTS, unless KSPACING is to be used.
        model: name of what stands in for the electrons.

    Raises:
        InputError: one is missing, wrong, or asks for what is not emulated.
    """
    tags = settings.read(folder / "INCAR")
    potentials = read_potcar(folder / "POTCAR")
    poscar = geometry.read(folder / "POSCAR")
    elements = tuple(p.element for p in potentials)
    if elements != poscar.symbols:
        raise InputError(
            "ERROR: the species of POTCAR and POSCAR are not the same: POTCAR has "
            f"{' '.join(elements)}, POSCAR has {' '.join(poscar.symbols)}; write one "
            "pseudopotential for each group of atoms, in POSCAR's order"
        )
    resolved = settings.resolve(tags, potentials, poscar)
    k_points = read_k_points(folder / "KPOINTS", poscar.lattice, resolved)
    return Run(folder, poscar, resolved, k_points, potentials, model)


def read_k_points(path: Path, lattice: FloatArray, settings: Settings) -> KPoints:
    """Return the k-points: of KPOINTS where it is, else of KSPACING.

    Raises:
        InputError: KPOINTS is not understood.
    """
    if not path.is_file():
        lengths = 2 * np.pi * np.linalg.norm(np.linalg.inv(lattice), axis=0)  # Å⁻¹
        # a cell changed by rounding must not gain a point
        divisions = np.ceil(lengths / settings.tags["KSPACING"] - 1e-9).astype(int)
        style = "Gamma" if settings.tags["KGAMMA"] else "Monkhorst-Pack"
        return mesh(style, tuple(int(n) for n in np.maximum(divisions, 1)))
    try:
        lines = path.read_text(errors="replace").splitlines()
        style = {"g": "Gamma", "m": "Monkhorst-Pack"}[lines[2].strip()[:1].lower()]
        divisions = tuple(int(word) for word in lines[3].split()[:3])
        words = lines[4].split()[:3] if len(lines) > 4 else []
        return mesh(style, divisions, tuple(float(w) for w in words) or (0.0, 0.0, 0.0))
    except (ValueError, IndexError, KeyError) as error:
        raise InputError(
            f"Error reading KPOINTS file: {error}; write a Gamma or Monkhorst-Pack mesh"
        ) from error


def mesh(
    style: str,
    divisions: tuple[int, ...],
    shift: tuple[float, ...] = (0.0, 0.0, 0.0),
) -> KPoints:
    """Return a mesh without the points that time reversal repeats.

    Raises:
        ValueError: not three divisions of at least 1.
    """
    if len(divisions) != 3 or len(shift) != 3 or min(divisions) < 1:
        raise ValueError(f"mesh {divisions}")
    counts = np.array(divisions)
    # Monkhorst and Pack's even meshes lie around Γ, not on it
    offsets = np.array(shift) + (style != "Gamma") * (counts + 1) % 2 / 2
    steps = np.array(list(product(*(range(n) for n in divisions[::-1]))))[:, ::-1]
    points = (steps + offsets) / counts
    points -= np.round(points - 1e-9)  # into (-1/2, 1/2]
    places = round(1 / SAME_POINT)
    digits = np.array([1, places, places**2])
    codes = [np.round(sign * points * places).astype(int) % places for sign in (1, -1)]
    pairs = np.minimum(codes[0] @ digits, codes[1] @ digits)  # k and -k have one code
    _, first, times = np.unique(pairs, return_index=True, return_counts=True)
    order = np.argsort(first)
    weights = times[order] / len(points)
    return KPoints(style, divisions, shift, points[first[order]], weights)
