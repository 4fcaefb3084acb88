"""Surface energies: every cut of a facet whose atoms are accounted for, by any engine.

Data flow: bulk relaxed, its static energy -> each cut as a slab with its lattice ->
relaxed, its static energy -> energies per area against the bulk and, of cuts without
whole formula units, against chemical potentials.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from jobflow import Flow, Job
from pymatgen.core import Structure

from ionface.analysis.energies.interface_energy import needed, slab_energy
from ionface.analysis.energies.surface_energies import (
    SurfaceEnergies,
    SurfaceEnergy,
    as_cut,
)
from ionface.analysis.result import Provenance
from ionface.structures.disorder.decoration import bulk as crystal_of
from ionface.structures.slabs.crystal_layer import cut_slab, facet_slabs, in_supercell
from ionface.structures.slabs.polarity import COMPENSATED, compensated_label
from ionface.structures.slabs.terminations import FacetSlabs, Termination
from ionface.structures.specs import CrystalLayer
from ionface.workflows.engines.contract import Engine, RelaxSettings
from ionface.workflows.engines.durable import durable_job
from ionface.workflows.engines.records import RunRecord, runs_folder
from ionface.workflows.engines.relaxation_frames import relaxation_frames
from ionface.workflows.flows.lattices import lengths_of
from ionface.workflows.flows.naming import named
from ionface.workflows.flows.potentials import Potentials, potential_terms

ONE = np.eye(2, dtype=int)


@durable_job
def cut(layer: CrystalLayer, bulk: RunRecord) -> Structure:
    """Return the slab of one termination, with the lattice of the relaxed bulk."""
    if layer.lattice == "engine":
        layer = replace(layer, lattice=lengths_of(layer, bulk))
    return in_supercell(layer, cut_slab(layer), ONE, film=False).structure


@durable_job
def book_surfaces(
    facet: str,
    bulk: RunRecord,
    static: Mapping[str, RunRecord],
    relaxed: Mapping[str, RunRecord],
    told: Mapping[str, Any],
    chemical_potentials: Mapping[str, float | RunRecord] | None = None,
) -> dict[str, Any]:
    """Return the surface energies of a facet as plain data, the lowest first.

    Args:
        facet: as in "Li(110)".
        bulk: static energy of the relaxed crystal.
        static: energies of the relaxed slabs, by termination.
        relaxed: their relaxations.
        told: Tasker's class by termination as "tasker", "left_out", "turned_over",
            "quick".
        chemical_potentials: by element, eV per atom or its relaxed crystal.
    """
    surfaces, used = [], dict[str, float]()
    known = potential_terms(chemical_potentials)
    for label, record in static.items():
        path = relaxation_frames(relaxed[label], runs_folder())
        first = None if path is None else float(path.energies[0])
        slab = record.term(f"{facet} {label}", relaxed[label])
        energy = slab_energy(slab, facet, bulk.term("bulk"), known)
        used |= energy.chemical_potentials
        surfaces.append(
            SurfaceEnergy(
                label,
                told["tasker"][label],
                atoms=len(record.structure),
                cut=as_cut(energy, None if first is None else first - slab.energy),
                relaxed=energy.j_per_m2,
                beyond_bulk=energy.beyond_bulk,
            )
        )
    surfaces.sort(key=lambda surface: surface.relaxed)
    level = bulk.level
    emulated = bool(level.get("emulated"))
    return SurfaceEnergies(
        facet,
        tuple(surfaces),
        tuple(told["left_out"]),
        used,
        told.get("turned_over", {}),
        provenance=Provenance(level, emulated=emulated, quick=bool(told["quick"])),
    ).as_dict()


def surface_flow(
    layer: CrystalLayer,
    bulk: Job | Flow,
    engine: Engine,
    settings: RelaxSettings,
    *,
    quick: bool = False,
    chemical_potentials: Potentials | None = None,
) -> Flow:
    """Return the flow of one facet.

    Args:
        layer: its crystal, facet and thickness; all terminations are taken, of two that
            give one slab and the same upside down the first.
        bulk: relaxation of its crystal.
        engine: of all energies.
        settings: when a slab is relaxed.
        quick: it is a rehearsal.
        chemical_potentials: by element, eV per atom or the energy of its crystal.

    Raises:
        LedgerError: the chemical potentials account for a cut in more than one way.
    """
    facet = _facet_name(layer)
    slabs = facet_slabs(layer)
    known = chemical_potentials or {}
    atoms = crystal_of(layer).composition.get_el_amt_dict()
    whole = [
        t
        for t in slabs.terminations
        if not t.cut.moved and needed(t.excess, atoms, [*known]) is not None
    ]
    distinct = [t for t in whole if t.label not in slabs.turned_over]
    tells = {"role": "formation", "part": "surface"}
    moves, most = {**tells, "kind": "relax"}, settings.steps
    energy = engine.static().make(bulk.output.structure)
    named(energy, facet, "static bulk", kind="static", **tells)
    jobs: list[Job | Flow] = [energy]
    static, relaxed = {}, {}
    for option in distinct:
        label = _label(layer, option)
        slab = cut(replace(layer, termination=option.index), bulk.output)
        relax = engine.relax(settings).make(slab.output)
        last = engine.static().make(relax.output.structure)
        jobs.append(named(slab, facet, f"cut {label}", takes="positions"))
        task = f"relax {label}"
        jobs.append(named(relax, facet, task, most_steps=most, **moves))
        task = f"static {label}"
        jobs.append(named(last, facet, task, kind="static", **tells))
        static[label], relaxed[label] = last.output, relax.output
    told = {**_told(layer, slabs, whole), "quick": quick}
    booked = book_surfaces(facet, energy.output, static, relaxed, told, known)
    jobs.append(named(booked, facet, "surface energies", result="surfaces"))
    return Flow(jobs, output=booked.output, name=f"{facet} surfaces")


def _facet_name(layer: CrystalLayer) -> str:
    indices = "".join(str(i) if i >= 0 else f"-{-i}" for i in layer.miller)
    return f"{layer.phase}({indices})"


def _compensated(layer: CrystalLayer, option: Termination) -> bool:
    return layer.compensate and option.polar


def _label(layer: CrystalLayer, option: Termination) -> str:
    """Return what the slab of a termination is called, compensated or as it is cut."""
    compensated = _compensated(layer, option)
    return compensated_label(option.label) if compensated else option.label


def _told(
    layer: CrystalLayer, slabs: FacetSlabs, whole: list[Termination]
) -> dict[str, Any]:
    """Return what a table says of cuts besides their energies."""
    every, kept = slabs.terminations, {termination.index for termination in whole}
    names = {t.label: _label(layer, t) for t in whole}
    turned = slabs.turned_over
    return {
        "tasker": {names[t.label]: COMPENSATED if _compensated(layer, t) else t.tasker
                   for t in whole},
        "left_out": [t.label for t in every if t.index not in kept],
        "turned_over": {names[t]: names[turned[t]] for t in names if t in turned},
    }  # fmt: skip
