"""The hull of a chemical system as a result: phases, distances, plateaus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from ionface.analysis.result import Provenance, Result, plain
from ionface.analysis.thermodynamics.wording import Corrections, side

ON_HULL = 1e-5
"""eV per atom; a phase this close to the hull is on it."""


@dataclass(frozen=True)
class HullPhase:
    """A phase beside the hull of its system.

    Attributes:
        name: of the phase.
        formula: reduced.
        composition: fraction of atoms of each element.
        formation: energy of formation from the elements, eV per atom.
        above_hull: eV per atom; 0 on the hull.
        products: stable phases it decomposes into, formula units per formula unit;
            empty on the hull.
        observed: known from experiment; None where nobody says.
    """

    name: str
    formula: str
    composition: Mapping[str, float]
    formation: float
    above_hull: float
    products: Mapping[str, float]
    observed: bool | None = None

    @property
    def stable(self) -> bool:
        """Tell whether it is on the hull."""
        return self.above_hull < ON_HULL


@dataclass(frozen=True)
class Plateau:
    """A potential at which one phase turns into the next as an electrode is charged.

    Attributes:
        potential: V against the metal.
        poor: phase that has less of the metal.
        rich: phase that has more.
        metal_fraction: of the atoms of `poor` and of `rich`.
    """

    potential: float
    poor: str
    rich: str
    metal_fraction: tuple[float, float]


@dataclass(frozen=True, repr=False)
class Hull(Result):
    """The hull of a chemical system.

    Attributes:
        system: as in "Li-In".
        corrections: that the energies carry.
        phases: every one, by energy above the hull.
        plateaus: of a binary system of an electrode's metal, from high to low; else
            empty.
        lacking: known phases that are not among them.
        remarks: where the energies of this system are known to fail.
    """

    kind = "hull"
    figure = "ionface.analysis.figures.hull_figure:figure_hull"

    system: str
    corrections: Corrections
    phases: tuple[HullPhase, ...]
    plateaus: tuple[Plateau, ...] = ()
    lacking: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def elements(self) -> tuple[str, ...]:
        """Return the symbols of the system."""
        return tuple(self.system.split("-"))

    @property
    def stable(self) -> tuple[HullPhase, ...]:
        """Return the phases on the hull, each formula once."""
        found: dict[str, HullPhase] = {}
        for phase in self.phases:
            if phase.stable:
                found.setdefault(phase.formula, phase)
        return tuple(found.values())

    def values(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "system": self.system,
            "corrections": self.corrections,
            "phases": [
                {**plain(phase), "stable": phase.stable} for phase in self.phases
            ],
            "plateaus": plain(self.plateaus),
            "lacking": list(self.lacking),
            "remarks": list(self.remarks),
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the hull of plain values."""
        phases = [
            HullPhase(**{k: v for k, v in each.items() if k != "stable"})
            for each in data["phases"]
        ]
        plateaus = [
            Plateau(**{**each, "metal_fraction": tuple(each["metal_fraction"])})
            for each in data["plateaus"]
        ]
        return cls(
            system=data["system"],
            corrections=data["corrections"],
            phases=tuple(phases),
            plateaus=tuple(plateaus),
            lacking=tuple(data["lacking"]),
            remarks=tuple(data["remarks"]),
            provenance=provenance,
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one row per phase."""
        for phase in self.phases:
            yield {
                "phase": phase.name,
                "formula": phase.formula,
                "formation energy (eV/atom)": phase.formation,
                "above hull (eV/atom)": phase.above_hull,
                "decomposes into": side(phase.products),
            }

    def summary(self) -> str:
        """Return how many phases are stable."""
        names = ", ".join(phase.formula for phase in self.stable)
        return f"{self.system}: {len(self.stable)} stable phases ({names})"
