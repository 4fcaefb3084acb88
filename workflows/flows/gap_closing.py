"""Rigid sides brought together until their energy is lowest.

The gap that radii suggest is too wide by about an Å, lest anything be bonded that no
run has bonded. Atoms that far apart may not even feel each other: a relaxation that is
content with small forces ends where it began, and in a sandwich the gaps fix the cell.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ionface.structures.film_registry import with_gap
from ionface.structures.model import InterfaceModel
from ionface.workflows.engines import progress
from ionface.workflows.engines.contract import Engine
from ionface.workflows.engines.durable import durable_job
from ionface.workflows.flows.jobs import BuiltInterface
from ionface.workflows.flows.registry_scan import LEAST_GAP, rigid_energy

WIDER = 0.45  # Å beyond the touching gap, where the search begins
STEP = 0.15  # Å; a parabola through three such points finds the minimum to 0.01 Å


@durable_job
def close_gap(model: InterfaceModel, engine: Engine) -> BuiltInterface:
    """Return the model at the gap of lowest energy, both sides rigid.

    Args:
        model: with the touching gap.
        engine: that computes in process.
    """
    engine.check_elements(model.structure.symbol_set, model.name)
    calculator = engine.calculator()
    gap = closed_gap(model.gap, lambda g: rigid_energy(with_gap(model, g), calculator))
    told = f"lowest energy of the rigid sides, {engine.level_of_theory().label}"
    return BuiltInterface.of(with_gap(model, gap, told))


def closed_gap(touching: float, energy: Callable[[float], float]) -> float:
    """Return the first gap of lowest energy that is met from outside, Å.

    What lies further in is not looked at: potentials have false minima at distances
    that no structure has.

    Args:
        touching: gap at which radii touch, Å.
        energy: of a gap, eV.
    """
    gaps = [touching + WIDER]
    energies = [energy(gaps[0])]
    while gaps[-1] - STEP >= LEAST_GAP:
        gaps.append(gaps[-1] - STEP)
        energies.append(energy(gaps[-1]))
        progress.report(len(gaps), None, f"gap {gaps[-1]:.2f} Å")
        if energies[-1] > energies[-2]:
            break
    lowest = int(np.argmin(energies))
    if not 0 < lowest < len(gaps) - 1:
        return gaps[lowest]
    around = slice(lowest - 1, lowest + 2)
    bend, slope, _ = np.polyfit([STEP, 0, -STEP], energies[around], 2)
    return float(gaps[lowest] - slope / (2 * bend))
