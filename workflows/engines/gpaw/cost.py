"""What a step of GPAW costs: a model of its work, fitted to runs that were measured.

Seconds of one electronic step = k-points x spins x (a N_b² N_pw + b N_b N_fft log
N_fft) + c N_fft: the subspace's products, the bands' Fourier transforms, and density
and potential; on several ranks divided by their number to the power that was measured.
`cost.yaml` holds the runs, the fit, and the command that makes it anew. Validity: plane
waves, 10 to 110 bands, a factor of two.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import yaml
from pymatgen.core import Structure

from ionface.structures.ledger_cell import context
from ionface.workflows.engines.contract import StepCost
from ionface.workflows.engines.dft.program import DftProgram
from ionface.workflows.engines.k_mesh import irreducible

SCF_STEPS = {"energy": 18, "bulk": 10, "relaxation": 10, "dynamics": 8}
"""Electronic steps of one ionic step: from atoms, and from the step before."""

LONG, SLOSHING = 28.0, 2.0
"""Å; times as many electronic steps from atoms. Along longer cells the charge sloshes
at first: Li|P-DOL with vacuum (31.6 Å) took 30 to 40 steps; 18 met cells to 25 Å."""

WORK_COPIES = 3  # of one k-point's wave functions: residuals, projected, work space
BYTES = 16


def size(program: DftProgram, structure: Structure) -> tuple[int, float, float, float]:
    """Return k-points times spins, bands, plane waves and points of the FFT grid."""
    electrons = program.electrons(structure)
    bands = 1.1 * electrons / 2 + 4 * (1 + context(structure).metal)
    wavenumber = 0.5123167 * np.sqrt(program.cutoff)  # sqrt(2 m E) / hbar, Å⁻¹
    waves = structure.volume * wavenumber**3 / (6 * np.pi**2)
    points = irreducible(program.divisions(structure)) * (1 + program.spin)
    return points, bands, waves, 16 * waves


def work(points: float, bands: float, waves: float, grid: float) -> list[float]:
    """Return the three terms of the model, in units of 10⁹ and of 10⁶ for the last."""
    products = points * bands**2 * waves / 1e9
    transforms = points * bands * grid * np.log2(grid) / 1e9
    return [products, transforms, grid / 1e6]


@cache
def fitted() -> dict[str, Any]:
    """Return the runs that were measured, and the fit to them."""
    text = (files("ionface.workflows.engines.gpaw") / "cost.yaml").read_text()
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def step_cost(program: DftProgram, structure: Structure) -> StepCost:
    """Return what one ionic step costs."""
    fit = fitted()["fit"]
    points, bands, waves, grid = size(program, structure)
    per_scf = np.dot(fit["seconds"], work(points, bands, waves, grid))
    speedup = program.ranks ** fit["parallel"]
    steps = float(SCF_STEPS[program.job])
    if program.job == "energy" and max(structure.lattice.abc) > LONG:
        steps *= SLOSHING
    seconds = steps * per_scf / speedup
    memory = BYTES * ((points + WORK_COPIES) * bands * waves + 40 * grid)
    return StepCost(
        seconds=float(seconds),
        memory_gb=float(memory / 1e9 + fit["process_gb"] * program.ranks),
        ranks=program.ranks,
    )
