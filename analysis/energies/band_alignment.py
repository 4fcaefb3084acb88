"""Band edges of both sides of an interface against one level: the potential line-up.

edge = (edge - V)_bulk + V_side - V_vacuum: a bulk run knows its edges above its own
mean potential, and the interface's potential how high the interior of each side stands.
Both potentials are LOCPOTs with LVHAR (`planar_potential`), at one level of theory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ionface.analysis.energies.planar_potential import PlanarPotential
from ionface.errors import AnalysisError


@dataclass(frozen=True)
class Side:
    """One side of an interface and its bulk crystal.

    Attributes:
        interior: heights in the interface's cell between which the side is like its
            bulk, Å: some planes away from interface and surface.
        spacing: distance of planes that repeat along the normal, Å.
        bulk: the potential of the bulk crystal.
        valence: highest occupied energy of the bulk run, eV; of a metal, its Fermi
            energy.
        conduction: lowest empty one, eV.
    """

    interior: tuple[float, float]
    spacing: float
    bulk: PlanarPotential
    valence: float
    conduction: float


@dataclass(frozen=True)
class BandEdges:
    """Band edges of one side, eV, against the vacuum above the interface's upper side.

    Without a vacuum they count from the mean potential of the cell, and only the
    differences of both sides have a meaning.

    Attributes:
        valence: highest occupied energy.
        conduction: lowest empty one.
        ripple: how much the macroscopic average varies over the interior: so uncertain
            are both.
    """

    valence: float
    conduction: float
    ripple: float


def band_alignment(
    interface: PlanarPotential, sides: Mapping[str, Side]
) -> dict[str, BandEdges]:
    """Return the band edges of each side of an interface.

    Args:
        interface: its potential.
        sides: by the name of their phases.

    Raises:
        AnalysisError: an interior lies out of the cell, holds less than one spacing, or
            edges are the wrong way round.
    """
    level = interface.vacuum[0] if interface.vacuum else interface.potential.mean()
    return {
        name: _edges(name, interface, side, float(level))
        for name, side in sides.items()
    }


def _edges(
    name: str, interface: PlanarPotential, side: Side, level: float
) -> BandEdges:
    low, high = side.interior
    if not (low >= 0 and low + side.spacing <= high <= interface.period):
        raise AnalysisError(
            f"{name}: interior={side.interior} Å must lie in the cell, which is "
            f"{interface.period:.2f} Å high, and hold one spacing of "
            f"{side.spacing:.2f} Å at least; take planes in the middle of the side"
        )
    if not side.valence <= side.conduction:
        raise AnalysisError(
            f"{name}: valence={side.valence:g} lies above "
            f"conduction={side.conduction:g} eV; of a metal, its Fermi energy is both"
        )
    smooth = interface.macroscopic(side.spacing)
    inside = smooth[(interface.heights >= low) & (interface.heights <= high)]
    shift = float(inside.mean() - side.bulk.potential.mean()) - level
    ripple = float(inside.max() - inside.min())
    return BandEdges(side.valence + shift, side.conduction + shift, ripple)
