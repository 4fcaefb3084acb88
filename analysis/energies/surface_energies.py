"""Surface energies of the cuts of one facet: which end a crystal would rather have.

Of a slab of whole formula units both faces share what it costs against the bulk; where
they differ, as on a polar cut, the number is the mean of both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from ionface.analysis.energies.energy_term import EnergyTerm
from ionface.analysis.energies.interface_energy import interface_energy
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
    """

    termination: str
    tasker: int
    atoms: int
    cut: float | None
    relaxed: float


@dataclass(frozen=True, repr=False)
class SurfaceEnergies(Result):
    """Surface energies of a facet, the lowest first.

    Attributes:
        facet: as in "Li(110)".
        surfaces: its cuts.
        left_out: cuts without whole formula units, whose energy depends on chemical
            potentials.
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

    def values(self) -> dict[str, Any]:
        """Return plain JSON values; energies in J/m²."""
        return {
            "facet": self.facet,
            "surfaces": [asdict(surface) for surface in self.surfaces],
            "left_out": list(self.left_out),
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the energies of plain values."""
        return cls(
            data["facet"],
            tuple(SurfaceEnergy(**surface) for surface in data["surfaces"]),
            tuple(data["left_out"]),
            provenance=provenance,
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one row per cut."""
        for surface in self.surfaces:
            yield {"facet": self.facet, **asdict(surface)}

    def summary(self) -> str:
        """Return the lowest."""
        lowest = self.surfaces[0]
        return f"{self.facet}: {lowest.termination} {lowest.relaxed:.3f} J/m²"


def surface_energy(
    slab: EnergyTerm, bulk: EnergyTerm, energy_as_cut: float | None
) -> tuple[float, float | None]:
    """Return the energy of each face of a slab, relaxed and as it was cut, J/m².

    Args:
        slab: of whole formula units, relaxed, in a cell with vacuum.
        bulk: the crystal, relaxed at the same level of theory.
        energy_as_cut: of the slab before its relaxation, eV.

    Raises:
        LedgerError: what does not belong together, as `interface_energy`.
    """
    relaxed = interface_energy(slab, {"bulk": bulk}, n_interfaces=2)
    if energy_as_cut is None:
        return relaxed.j_per_m2, None
    gained = (energy_as_cut - slab.energy) / (2 * slab.area)
    scale = relaxed.j_per_m2 / relaxed.ev_per_a2
    return relaxed.j_per_m2, relaxed.j_per_m2 + gained * scale
