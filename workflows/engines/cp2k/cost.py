"""What a step of CP2K costs, fitted to runs that were measured.

CPU seconds of one electronic step = a N³ k + b (Σ α^-3/2)² / V (1 + d k) + c V, of N
basis functions and the atoms' smallest exponents α in a volume V with k points: the
eigenvalues of a dense matrix, complex with several k-points; the products of
neighbouring Gaussians, mapped onto the grid, and summed for each of several k-points;
the grid itself. Validity: a factor of two.
"""

from __future__ import annotations

from ase import units
from pymatgen.core import Structure

from ionface.workflows.engines.contract import StepCost
from ionface.workflows.engines.cp2k.settings import Cp2kSettings
from ionface.workflows.engines.k_mesh import irreducible

EIGENVALUES, PRODUCTS, GRID, SUMS = 3.75e-10, 1.8e-4, 7e-4, 0.045
"""Seconds; Å³ Bohr⁻⁶ s; s/Å³; 1. CP2K 2023.1 at 300 Ry on cores of AMD EPYC Zen 4: LiH
(8 atoms) 2.0 s on one, Li|P-DOL (90) 4.4 s on two, LPSCl|In (264) 46 s on one, Li
(1 atom, 868 points) 10 s."""

MEASURED_AT = 300 * units.Rydberg  # points of the grid go with its power of 3/2
COMPLEX = 4  # times the work of real matrices
SCF_STEPS = {"energy": 22, "bulk": 14, "relaxation": 14, "dynamics": 15}
"""Electronic steps of one ionic step: from atoms, and from the step before."""

PARALLEL = 0.82  # power of the ranks: two took 1.77 times less
DENSE = 30  # matrices of N² numbers that are kept: 264 atoms took 4.5 GB
PROCESS_GB = 0.25


def step_cost(program: Cp2kSettings, structure: Structure) -> StepCost:
    """Return what one ionic step costs."""
    spins, points = 1 + program.spin, irreducible(program.divisions(structure))
    functions = program.functions(structure)
    reach = sum(
        n * program.data_set(element).exponent ** -1.5
        for element, n in structure.composition.get_el_amt_dict().items()
    )
    matrices = points * (COMPLEX if points > 1 else 1)
    grid = (program.cutoff / MEASURED_AT) ** 1.5
    products = PRODUCTS * reach**2 / structure.volume
    mapped = grid * (products + GRID * structure.volume)
    summed = SUMS * products * points if points > 1 else 0.0
    per_scf = spins * (EIGENVALUES * functions**3 * matrices + mapped + summed)
    seconds = SCF_STEPS[program.job] * per_scf / program.ranks**PARALLEL
    numbers = 8 * DENSE * functions**2 * (2 * points if points > 1 else 1)
    return StepCost(
        seconds=float(seconds),
        memory_gb=float(spins * numbers / 1e9 + PROCESS_GB * program.ranks),
        ranks=program.ranks,
    )
