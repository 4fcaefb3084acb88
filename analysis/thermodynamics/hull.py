"""The hull of a chemical system: what is stable, and how far the rest is from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

from ionface.analysis.thermodynamics.diagram import Diagram
from ionface.analysis.thermodynamics.hull_result import (
    ON_HULL,
    Hull,
    HullPhase,
    Plateau,
)
from ionface.analysis.thermodynamics.literature import NOTHING_KNOWN, Literature
from ionface.analysis.thermodynamics.phases import Phase, PhaseSet
from ionface.analysis.thermodynamics.voltage import steps
from ionface.analysis.thermodynamics.window_result import CHARGES
from ionface.analysis.thermodynamics.wording import Corrections


def hull(
    phases: PhaseSet,
    system: Iterable[str] | None = None,
    *,
    corrections: Corrections = "none",
    predicted: bool = False,
    literature: Literature = NOTHING_KNOWN,
) -> Hull:
    """Return the hull of a chemical system.

    Args:
        phases: of this system, among others.
        system: symbols; those of all phases if None.
        corrections: none, or mp2020.
        predicted: with phases that nobody has observed.
        literature: what is known of the system.

    Raises:
        AnalysisError: an element without reference, or corrections that these energies
            must not have.
    """
    diagram = Diagram.of(
        phases,
        phases.elements if system is None else system,
        corrections=corrections,
        predicted=predicted,
    )
    found = sorted(
        (_beside(diagram, phase) for phase in diagram.phases.phases),
        key=lambda each: (each.above_hull, each.formula, each.formation),
    )
    return Hull(
        system=diagram.name,
        corrections=corrections,
        phases=tuple(found),
        plateaus=plateaus(diagram),
        lacking=literature.lacking(diagram),
        remarks=literature.remarks_on(diagram.elements),
        provenance=phases.provenance,
    )


def _beside(diagram: Diagram, phase: Phase) -> HullPhase:
    above = diagram.above_hull(phase)
    total = sum(phase.composition.values())
    return HullPhase(
        name=phase.name,
        formula=phase.formula,
        composition={e: n / total for e, n in phase.composition.items()},
        formation=diagram.formation_energy(phase),
        above_hull=above,
        products=diagram.decomposition(phase.formula) if above >= ON_HULL else {},
        observed=phase.observed,
    )


def plateaus(diagram: Diagram) -> tuple[Plateau, ...]:
    """Return the plateaus of a binary system of an electrode's metal, high to low."""
    metals = [symbol for symbol in diagram.elements if symbol in CHARGES]
    if len(diagram.elements) != 2 or not metals:
        return ()
    metal = metals[0]  # the less electronegative one, where both are metals of an ion
    (other,) = (symbol for symbol in diagram.elements if symbol != metal)
    ladder = steps(diagram, other, metal)[::-1]
    found = []
    for poor, rich in pairwise(ladder):
        found.append(
            Plateau(
                potential=rich.to_v,
                poor=_only(poor.products),
                rich=_only(rich.products),
                metal_fraction=(_fraction(poor.uptake), _fraction(rich.uptake)),
            )
        )
    return tuple(found)


def _only(products: Mapping[str, float]) -> str:
    return max(products, key=lambda formula: products[formula])


def _fraction(uptake: float) -> float:
    return uptake / (1 + uptake)
