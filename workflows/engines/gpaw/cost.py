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
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import yaml
from pymatgen.core import Structure

from ionface.errors import IonfaceError
from ionface.structures.ledger_cell import context
from ionface.workflows.engines.contract import StepCost
from ionface.workflows.engines.k_mesh import irreducible

if TYPE_CHECKING:
    from ionface.workflows.engines.gpaw.program import GpawProgram

SCF_STEPS = {"energy": 18, "bulk": 10, "relaxation": 10, "dynamics": 8}
"""Electronic steps of one ionic step: from atoms, and from the step before."""

WORK_COPIES = 3  # of one k-point's wave functions: residuals, projected, work space
BYTES = 16
RESERVE_S = 300  # of a batch job's wall time, in which no step can end


def size(program: GpawProgram, structure: Structure) -> tuple[int, float, float, float]:
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


def step_cost(program: GpawProgram, structure: Structure) -> StepCost:
    """Return what one ionic step costs.

    Raises:
        IonfaceError: it fits neither the memory nor the wall time.
    """
    fit = fitted()["fit"]
    points, bands, waves, grid = size(program, structure)
    per_scf = np.dot(fit["seconds"], work(points, bands, waves, grid))
    speedup = program.ranks ** fit["parallel"]
    seconds = SCF_STEPS[program.job] * per_scf / speedup
    memory = BYTES * ((points + WORK_COPIES) * bands * waves + 40 * grid)
    cost = StepCost(
        seconds=float(seconds),
        memory_gb=float(memory / 1e9 + fit["process_gb"] * program.ranks),
        ranks=program.ranks,
    )
    _check(program, structure, cost)
    return cost


def _check(program: GpawProgram, structure: Structure, cost: StepCost) -> None:
    available = program.memory or psutil.virtual_memory().total / 1e9
    if cost.memory_gb > available:
        told = "dft.memory allows" if program.memory else "this machine has"
        raise IonfaceError(
            f"{structure.formula} needs about {cost.memory_gb:.1f} GB with GPAW, more "
            f"than the {available:.1f} GB that {told}; make the model smaller, widen "
            "vasp.k_spacing, or set dft.memory to what a node has where it will run"
        )
    if program.walltime is None:
        return
    usable = 3600 * program.walltime - RESERVE_S
    if cost.seconds > usable:
        raise IonfaceError(
            f"one step of {structure.formula} takes about {cost.seconds / 3600:.1f} h "
            f"with GPAW on {program.ranks} ranks, longer than vasp.walltime of "
            f"{program.walltime:g} h allows; give dft.ranks more, or more hours"
        )
