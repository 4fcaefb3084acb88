"""What an interface costs against bulk crystals of both sides, from a ledger's terms.

γ = E_form + σ_film + σ_substrate: the formation energy against separated slabs, and the
energies of the surfaces that met. It does not hang on thickness; strain is in neither,
since slabs of the interface's cell cancel it and surfaces are those of slabs at rest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ionface.analysis.energies.energy_term import EnergyTerm
from ionface.analysis.energies.interface_energy import contact_angle, interface_energy
from ionface.analysis.energies.ledger import LedgerEntry


def against_bulk(
    entry: LedgerEntry,
    slabs: Mapping[str, EnergyTerm],
    bulks: Mapping[str, EnergyTerm],
    film: str,
) -> dict[str, Any]:
    """Return surface energies of both slabs and what follows, as plain data, J/m².

    A slab's surface energy is the mean of its two faces, which are alike in a metal
    and not in a polar slab. The contact angle orders materials (`contact_angle`).

    Args:
        entry: of the interface.
        slabs: each slab relaxed in its own lattice, by phase.
        bulks: the relaxed crystal of each, at the same level of theory.
        film: phase of the upper side.

    Returns:
        surface_energies_j_per_m2, and gamma_j_per_m2 where the slabs of the ledger are
        relaxed, contact_angle_deg where they are frozen.

    Raises:
        LedgerError: a slab is not made of its crystal, or levels differ.
    """
    surfaces = {
        phase: interface_energy(slab, {phase: bulks[phase]}, n_interfaces=2).j_per_m2
        for phase, slab in slabs.items()
    }
    told: dict[str, Any] = {"surface_energies_j_per_m2": surfaces}
    energy = entry.formation.j_per_m2
    if entry.slabs_state == "relaxed":
        told["gamma_j_per_m2"] = energy + math.fsum(surfaces.values())
    elif surfaces[film] > 0:
        told["contact_angle_deg"] = contact_angle(-energy, surfaces[film])
    return told
