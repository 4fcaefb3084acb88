"""Surface energies of the cuts of one facet: which end a crystal would rather have.

Of a slab of whole formula units both faces share what it costs against the bulk; where
they differ, as on a polar cut, the number is the mean of both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from ionface.analysis.energies.interface_energy import InterfaceEnergy, atoms_told
from ionface.analysis.result import Provenance, Result


@dataclass(frozen=True)
class SurfaceEnergy:
    """One cut of a facet.

    Attributes:
        termination: its label, "top/bottom".
        tasker: Tasker's class; 3 is polar.
        atoms: of the slab.
        cut: as it is cut, J/m²; None if that was not kept.
        relaxed: after its relaxation, J/m².
        beyond_bulk: atoms beyond whole formula units, by element; below zero where
            some are missing.
    """

    termination: str
    tasker: int
    atoms: int
    cut: float | None
    relaxed: float
    beyond_bulk: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class SurfaceEnergies(Result):
    """Surface energies of a facet, the lowest first.

    Attributes:
        facet: as in "Li(110)".
        surfaces: its cuts.
        left_out: cuts without whole formula units, whose energy depends on chemical
            potentials that are not known.
        chemical_potentials: of the atoms beyond whole formula units, eV per atom.
        turned_over: cuts whose slab is another one's upside down, to that one's label.
    """

    kind = "surfaces"
    figure = "ionface.analysis.figures.surfaces_figure:figure_surfaces"
    units = {  # noqa: RUF012
        "cut": "J/m²",
        "relaxed": "J/m²",
    }

    facet: str
    surfaces: tuple[SurfaceEnergy, ...]
    left_out: tuple[str, ...] = ()
    chemical_potentials: Mapping[str, float] = field(default_factory=dict)
    turned_over: Mapping[str, str] = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        """Return plain JSON values; energies in J/m²."""
        return {
            "facet": self.facet,
            "surfaces": [asdict(surface) for surface in self.surfaces],
            "left_out": list(self.left_out),
            "chemical_potentials": dict(self.chemical_potentials),
            "turned_over": dict(self.turned_over),
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the energies of plain values."""
        return cls(
            data["facet"],
            tuple(SurfaceEnergy(**surface) for surface in data["surfaces"]),
            tuple(data["left_out"]),
            data.get("chemical_potentials", {}),
            data.get("turned_over", {}),
            provenance=provenance,
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one row per cut."""
        for surface in self.surfaces:
            beyond = atoms_told(surface.beyond_bulk)
            yield {"facet": self.facet, **asdict(surface), "beyond_bulk": beyond}

    def summary(self) -> str:
        """Return the lowest."""
        lowest = self.surfaces[0]
        return f"{self.facet}: {lowest.termination} {lowest.relaxed:.3f} J/m²"


def as_cut(relaxed: InterfaceEnergy, gained: float | None) -> float | None:
    """Return the energy of each face of a slab as it was cut, J/m².

    Args:
        relaxed: its energy after the relaxation.
        gained: by the relaxation, eV; None where that was not kept.
    """
    if gained is None:
        return None
    return replace(relaxed, excess=relaxed.excess + gained).j_per_m2
