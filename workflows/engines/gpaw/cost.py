"""What a step of GPAW costs: a model of its work, fitted to runs that were measured.

Seconds of one electronic step = k-points x spins x a N_atoms N_bands N_pw + c N_fft:
products of wave functions with the atoms' projectors, density and potential; on several
ranks divided by their number to the power that was measured. At Γ alone wave functions
are real, and half the plane waves are kept. `cost.yaml` holds the runs, the fit, and
the command that makes it anew. Validity: plane waves, 10 to 110 bands, a factor of two.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
import yaml
from pymatgen.core import Structure

from ionface.structures.ledger_cell import context
from ionface.workflows.engines.contract import StepCost
from ionface.workflows.engines.dft.program import DftProgram
from ionface.workflows.engines.k_mesh import irreducible

SCF_STEPS = {"energy": 18, "bulk": 10, "relaxation": 10, "dynamics": 8}
"""Electronic steps of one ionic step: from atoms, and from the step before."""

LONG = 28.0
SLOSHING = {"energy": 2.5, "relaxation": 1.8}
"""Å; times as many electronic steps, from atoms and from the step before. Between the
sides of an interface charge sloshes along longer cells: Li|P-DOL with vacuum (31.6 Å)
took 30 to 49 steps, then 17 to 19 a step of its relaxation, its sides alone 12 and 20;
18 met cells to 25 Å."""

WORK_COPIES = 3  # of one k-point's wave functions: residuals, projected, work space
BYTES = 16


class Size(NamedTuple):
    """What the work depends on.

    Attributes:
        atoms: their number.
        points: k-points times spins.
        bands: of each.
        waves: plane waves that are kept of each band.
        real: half of them are, of real wave functions.
    """

    atoms: int
    points: int
    bands: float
    waves: float
    real: bool

    @property
    def grid(self) -> float:
        """Return the number of points of the FFT grid."""
        return 16 * self.waves * (1 + self.real)

    def work(self) -> list[float]:
        """Return the two terms of the model, in units of 10⁹ and of 10⁶."""
        products = self.points * self.atoms * self.bands * self.waves
        return [products / 1e9, self.grid / 1e6]


def size(program: DftProgram, structure: Structure) -> Size:
    """Return what the work on a structure depends on."""
    electrons = program.electrons(structure)
    bands = 1.1 * electrons / 2 + 4 * (1 + context(structure).metal)
    wavenumber = 0.5123167 * np.sqrt(program.cutoff)  # sqrt(2 m E) / hbar, Å⁻¹
    waves = structure.volume * wavenumber**3 / (6 * np.pi**2)
    divisions = program.divisions(structure)
    real = divisions == (1, 1, 1)
    points = irreducible(divisions) * (1 + program.spin)
    return Size(len(structure), points, bands, waves / (1 + real), real)


def electronic_steps(program: DftProgram, structure: Structure) -> float:
    """Return how many electronic steps an ionic step takes."""
    steps = float(SCF_STEPS[program.job])
    interface = context(structure).part == "interface"
    if interface and max(structure.lattice.abc) > LONG:
        steps *= SLOSHING.get(program.job, 1.0)
    return steps


@cache
def fitted() -> dict[str, Any]:
    """Return the runs that were measured, and the fit to them."""
    text = (files("ionface.workflows.engines.gpaw") / "cost.yaml").read_text()
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def work_of(run: dict[str, Any]) -> list[float]:
    """Return the terms of a run that was measured, in all its steps from atoms."""
    told = {"real": False, **run}
    need = Size(**{name: told[name] for name in Size._fields})
    steps = SCF_STEPS["energy"] * (SLOSHING["energy"] if run.get("sloshes") else 1.0)
    return [steps * term for term in need.work()]


def step_cost(program: DftProgram, structure: Structure) -> StepCost:
    """Return what one ionic step costs."""
    fit, need = fitted()["fit"], size(program, structure)
    per_scf = np.dot(fit["seconds"], need.work())
    speedup = program.ranks ** fit["parallel"]
    waves = (need.points + WORK_COPIES) * need.bands * need.waves
    memory = BYTES * (waves + 40 * need.grid)
    return StepCost(
        seconds=float(electronic_steps(program, structure) * per_scf / speedup),
        memory_gb=float(memory / 1e9 + fit["process_gb"] * program.ranks),
        ranks=program.ranks,
    )
