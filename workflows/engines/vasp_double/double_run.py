"""What a run is: its inputs, read and checked, and what one ionic step of it holds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double import (
    incar_reader,
    kpoints_reader,
    pseudopotentials,
)
from ionface.workflows.engines.vasp_double import poscar_reader as poscar
from ionface.workflows.engines.vasp_double.calculators import Point
from ionface.workflows.engines.vasp_double.double_motion import Thermo
from ionface.workflows.engines.vasp_double.double_settings import (
    Settings,
    degrees_of_freedom,
    nose_mass,
    resolve,
)
from ionface.workflows.engines.vasp_double.electrons import ScfStep
from ionface.workflows.engines.vasp_double.kpoints_reader import KPoints
from ionface.workflows.engines.vasp_double.poscar_reader import FloatArray, Poscar
from ionface.workflows.engines.vasp_double.pseudopotentials import Pseudopotential


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
    def masses(self) -> FloatArray:
        """Return the mass of each atom, amu, shape (n_atoms,)."""
        return np.repeat([p.mass for p in self.potentials], self.poscar.counts)

    @property
    def smass(self) -> float:
        """Return the thermostat's mass as VASP reports it."""
        freedom = degrees_of_freedom(self.poscar.free, len(self.poscar.fractional))
        return nose_mass(self.settings, self.poscar.lattice, freedom)

    @property
    def title(self) -> str:
        """Return SYSTEM."""
        return str(self.settings.tags.get("SYSTEM", "unknown system"))


@dataclass(frozen=True)
class Step:
    """One ionic step, complete.

    Attributes:
        number: from 1.
        lattice: Å, shape (3, 3).
        fractional: shape (n_atoms, 3).
        point: energy, forces, stress.
        scf: its electronic steps.
        thermo: energies of dynamics, else None.
        change: of the energy since the last step, eV.
        last: nothing follows.
        converged: the electrons settled.
        cpu_s: seconds it took.
        wall_s: seconds it took.
    """

    number: int
    lattice: FloatArray
    fractional: FloatArray
    point: Point
    scf: Sequence[ScfStep]
    thermo: Thermo | None
    change: float
    last: bool
    converged: bool = True
    cpu_s: float = 0.0
    wall_s: float = 0.0


@dataclass
class Clock:
    """Time since the start and since the last look."""

    started: tuple[float, float] = field(
        default_factory=lambda: (time.process_time(), time.monotonic())
    )
    looked: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        """Begin the first lap."""
        self.looked = self.started

    def lap(self) -> tuple[float, float]:
        """Return CPU and wall seconds since the last lap."""
        now = time.process_time(), time.monotonic()
        lap = now[0] - self.looked[0], now[1] - self.looked[1]
        self.looked = now
        return lap

    def total(self) -> tuple[float, float]:
        """Return CPU and wall seconds since the start."""
        now = time.process_time(), time.monotonic()
        return now[0] - self.started[0], now[1] - self.started[1]


def read_inputs(folder: Path, model: str) -> Run:
    """Return the inputs of a folder.

    Raises:
        InputError: one is missing, wrong, or asks for what is not emulated.
    """
    tags = incar_reader.read(folder / "INCAR")
    potentials = pseudopotentials.read(folder)
    structure = poscar.read(folder / "POSCAR", tuple(p.element for p in potentials))
    matched = _matched(potentials, structure)
    settings = resolve(tags, matched, structure.counts)
    gamma = bool(tags.get("KGAMMA", True))
    spacing = float(tags.get("KSPACING", 0.5))
    points = kpoints_reader.read(folder, structure.lattice, spacing, gamma)
    return Run(folder, structure, settings, points, tuple(matched), model)


def _matched(
    potentials: Sequence[Pseudopotential], structure: Poscar
) -> Sequence[Pseudopotential]:
    """Check that POTCAR and POSCAR name the same species in the same order."""
    elements = [p.element for p in potentials]
    if len(elements) != len(structure.counts) or elements != list(structure.symbols):
        raise InputError(
            "ERROR: the species of POTCAR and POSCAR are not the same: POTCAR has "
            f"{' '.join(elements)}, POSCAR has {' '.join(structure.symbols)}; write "
            "one pseudopotential for each group of atoms, in POSCAR's order"
        )
    return potentials
