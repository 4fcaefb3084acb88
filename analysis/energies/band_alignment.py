"""Band edges of both sides of an interface against one level: the potential line-up.

edge = (edge - V)_bulk + V_side - V_vacuum: a bulk run knows its edges above its own
mean potential, and the interface's potential how high the interior of each side stands.
Both potentials are LOCPOTs with LVHAR (`planar_potential`), at one level of theory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from ionface.analysis.energies.planar_potential import PlanarPotential
from ionface.analysis.result import Provenance, Result
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
    """Band edges of one side, eV, against the level that its alignment counts from.

    Attributes:
        interior: heights between which they were found, Å.
        valence: highest occupied energy.
        conduction: lowest empty one; as high as the other in a metal.
        ripple: how much the macroscopic average varies over the interior: so uncertain
            are both.
    """

    interior: tuple[float, float]
    valence: float
    conduction: float
    ripple: float


@dataclass(frozen=True, repr=False)
class BandAlignment(Result):
    """Band edges of the sides of an interface.

    Attributes:
        edges: of each side, by the name of its phase.
        potential: of the interface, eV, against the level.
        against_vacuum: the level is the vacuum above the interface's upper side. If
            not, energies count from the mean potential of the cell, and only the
            differences of both sides have a meaning.
    """

    kind = "band-alignment"
    figure = "ionface.analysis.figures.band_figure:figure_bands"
    units = {"edges": "eV; Å of interiors"}  # noqa: RUF012

    edges: Mapping[str, BandEdges]
    potential: PlanarPotential
    against_vacuum: bool

    def values(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "edges": {name: asdict(side) for name, side in self.edges.items()},
            "potential": self.potential.values(),
            "against_vacuum": self.against_vacuum,
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the alignment of plain values."""
        edges = {
            name: BandEdges(**{**side, "interior": tuple(side["interior"])})
            for name, side in data["edges"].items()
        }
        potential = PlanarPotential.restore(data["potential"], provenance)
        level = data["against_vacuum"]
        return cls(edges, potential, level, provenance=provenance)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one row per side."""
        for name, side in self.edges.items():
            yield {
                "side": name,
                "valence (eV)": side.valence,
                "conduction (eV)": side.conduction,
                "uncertain by (eV)": side.ripple,
            }

    def summary(self) -> str:
        """Return the edges of each side."""
        told = "; ".join(
            f"{name} {side.valence:.2f} and {side.conduction:.2f} eV"
            for name, side in self.edges.items()
        )
        level = "the vacuum" if self.against_vacuum else "the cell's mean potential"
        return f"{told}, against {level}"


def band_alignment(
    interface: PlanarPotential, sides: Mapping[str, Side]
) -> BandAlignment:
    """Return the band edges of each side of an interface.

    Args:
        interface: its potential.
        sides: by the name of their phases.

    Raises:
        AnalysisError: an interior lies out of the cell, holds less than one spacing, or
            edges are the wrong way round.
    """
    vacuum = interface.vacuum
    level = float(vacuum[0] if vacuum else interface.potential.mean())
    aligned = replace(
        interface,
        potential=interface.potential - level,
        fermi=None if interface.fermi is None else interface.fermi - level,
        vacuum=None if vacuum is None else (0.0, vacuum[1] - level),
    )
    edges = {name: _edges(name, aligned, side) for name, side in sides.items()}
    provenance = interface.provenance
    return BandAlignment(edges, aligned, vacuum is not None, provenance=provenance)


def _edges(name: str, interface: PlanarPotential, side: Side) -> BandEdges:
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
    shift = float(inside.mean() - side.bulk.potential.mean())
    return BandEdges(
        interior=(low, high),
        valence=side.valence + shift,
        conduction=side.conduction + shift,
        ripple=float(inside.max() - inside.min()),
    )
