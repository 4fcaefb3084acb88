"""Chemical potentials of a study: numbers, or crystals relaxed at the study's level.

They count the atoms that a slab has beyond whole formula units of its crystal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from jobflow import Flow, Job, OutputReference

from ionface.analysis.energies.energy_term import EnergyTerm
from ionface.structures.specs import CrystalLayer
from ionface.workflows.engines.records import RunRecord

Potentials: TypeAlias = Mapping[str, float | OutputReference]
"""By element: eV per atom, or the relaxation of its crystal."""


def potential_jobs(
    given: Mapping[str, float | str],
    bulk: Callable[[CrystalLayer], tuple[Job | Flow, bool]],
) -> tuple[Potentials, list[Job | Flow]]:
    """Return a study's chemical potentials, and the relaxations that they wait for.

    Args:
        given: by element, eV per atom or the name of a crystal.
        bulk: returns the relaxation of a layer's crystal, and whether it is known.
    """
    potentials: dict[str, float | OutputReference] = {}
    jobs: list[Job | Flow] = []
    for element, value in given.items():
        if not isinstance(value, str):
            potentials[element] = value
            continue
        # only its crystal counts, which all of its facets share
        layer = CrystalLayer(
            value, (1, 0, 0), layers=1, lattice="engine", name=Path(value).stem
        )
        step, known = bulk(layer)
        jobs += [] if known else [step]
        potentials[element] = step.output
    return potentials, jobs


def potential_terms(
    potentials: Mapping[str, float | RunRecord] | None,
) -> dict[str, float | EnergyTerm]:
    """Return chemical potentials as a ledger takes them."""
    return {
        element: value.term(f"crystal of {element}")
        if isinstance(value, RunRecord)
        else value
        for element, value in (potentials or {}).items()
    }
