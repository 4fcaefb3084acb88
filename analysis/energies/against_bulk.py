"""What an interface costs against bulk crystals of both sides, from a ledger's terms.

γ = E_form + σ_film + σ_substrate: the formation energy against separated slabs, and the
energies of the surfaces that met. It does not hang on thickness; strain is in neither,
since slabs of the interface's cell cancel it and surfaces are those of slabs at rest.
"""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ionface.analysis.energies.energy_term import EnergyTerm
from ionface.analysis.energies.interface_energy import (
    atoms_told,
    below_bulk,
    contact_angle,
    potentials_told,
    slab_energy,
)
from ionface.analysis.energies.ledger import LedgerEntry
from ionface.errors import AnalysisError

NO_BULK = (
    "no energy against bulk: chemical potentials are given, but not the bulk of both "
    "sides; it is relaxed of crystal layers with lattice: engine"
)


def with_bulk(
    entry: LedgerEntry,
    parts: Mapping[str, EnergyTerm],
    phases: Mapping[str, str],
    bulks: Mapping[str, EnergyTerm],
    chemical_potentials: Mapping[str, float | EnergyTerm] | None = None,
) -> LedgerEntry:
    """Return an entry with what it costs against bulk, or with why that is not known.

    Args:
        entry: of the interface.
        parts: as `book_sides` takes them.
        phases: name of the phase of "film" and of "substrate".
        bulks: the relaxed crystal of each side, where it is known.
        chemical_potentials: as `against_bulk` takes them.
    """
    if bulks.keys() != phases.keys():
        checks = (*entry.checks, NO_BULK) if chemical_potentials else entry.checks
        return replace(entry, checks=checks)
    slabs = {p: parts.get(f"{s}_unstrained", parts[s]) for s, p in phases.items()}
    crystals = {phase: bulks[side] for side, phase in phases.items()}
    film = phases["film"]
    try:
        told = against_bulk(entry, slabs, crystals, film, chemical_potentials)
    except AnalysisError as error:
        why = f"no energy against bulk: {error}"
        return replace(entry, checks=(*entry.checks, why))
    return replace(entry, bulk=told, checks=(*entry.checks, *bulk_notes(told)))


def against_bulk(
    entry: LedgerEntry,
    slabs: Mapping[str, EnergyTerm],
    bulks: Mapping[str, EnergyTerm],
    film: str,
    chemical_potentials: Mapping[str, float | EnergyTerm] | None = None,
) -> dict[str, Any]:
    """Return surface energies of both slabs and what follows, as plain data, J/m².

    A slab's surface energy is the mean of its two faces, which are alike in a metal
    and not in a polar slab. The contact angle orders materials (`contact_angle`).

    Args:
        entry: of the interface.
        slabs: each slab relaxed in its own lattice, by phase.
        bulks: the relaxed crystal of each, at the same level of theory.
        film: phase of the upper side.
        chemical_potentials: by element, eV per atom or the relaxed crystal of it; of
            the atoms that a slab has beyond whole formula units of its crystal.

    Returns:
        surface_energies_j_per_m2, and gamma_j_per_m2 where the slabs of the ledger are
        relaxed, contact_angle_deg where they are frozen. Where chemical potentials
        were needed, those as chemical_potentials_ev, and the atoms of each slab as
        beyond_bulk.

    Raises:
        LedgerError: a slab is not made of its crystal, or levels differ.
    """
    found = {
        phase: slab_energy(slab, phase, bulks[phase], chemical_potentials or {})
        for phase, slab in slabs.items()
    }
    surfaces = {phase: energy.j_per_m2 for phase, energy in found.items()}
    told: dict[str, Any] = {"surface_energies_j_per_m2": surfaces}
    beyond = {phase: energy.beyond_bulk for phase, energy in found.items()}
    if beyond := {phase: atoms for phase, atoms in beyond.items() if atoms}:
        used = (energy.chemical_potentials for energy in found.values())
        told["chemical_potentials_ev"] = dict(ChainMap(*map(dict, used)))
        told["beyond_bulk"] = beyond
    energy = entry.formation.j_per_m2
    if entry.slabs_state == "relaxed":
        told["gamma_j_per_m2"] = energy + math.fsum(surfaces.values())
    elif surfaces[film] > 0:
        told["contact_angle_deg"] = contact_angle(-energy, surfaces[film])
    return told


def bulk_notes(told: Mapping[str, Any]) -> list[str]:
    """Return what must be said of the numbers that `against_bulk` returned."""
    beyond = told.get("beyond_bulk", {})
    notes = [
        below_bulk(phase, energy)
        for phase, energy in told.get("surface_energies_j_per_m2", {}).items()
        if energy < 0 and phase not in beyond
    ]
    if not beyond:
        return notes
    slabs = "; ".join(f"{phase} {atoms_told(atoms)}" for phase, atoms in beyond.items())
    return [
        *notes,
        f"energies against bulk hold for chemical potentials "
        f"{potentials_told(told['chemical_potentials_ev'])} of the atoms beyond whole "
        f"formula units ({slabs})",
    ]
