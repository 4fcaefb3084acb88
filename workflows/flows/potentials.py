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
"""By element: eV per atom, or the energy of its relaxed crystal."""


def potential_jobs(
    given: Mapping[str, float | str],
    energy: Callable[[CrystalLayer], tuple[OutputReference, list[Job | Flow]]],
) -> tuple[Potentials, list[Job | Flow]]:
    """Return a study's chemical potentials, and the jobs that they wait for.

    Args:
        given: by element, eV per atom or the name of a crystal.
        energy: returns that of a layer's relaxed crystal, and the new jobs for it.
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
        potentials[element], new = energy(layer)
        jobs += new
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
