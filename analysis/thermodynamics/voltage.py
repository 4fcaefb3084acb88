"""What a composition turns into as an element is offered or taken away.

At each chemical potential of the element one set of phases is stable; between two
potentials at which the set changes it takes up or gives off nothing. For Li the
potentials are voltages: V = -(mu - mu of the metal) / e.
"""

from __future__ import annotations

import math

from pymatgen.analysis.phase_diagram import PhaseDiagram
from pymatgen.core import Composition, Element

from ionface.analysis.thermodynamics.diagram import Diagram, amounts
from ionface.analysis.thermodynamics.window_result import CHARGES, UNCHANGED, Step
from ionface.errors import AnalysisError


def steps(
    diagram: Diagram, formula: str, element: str, *, energy: float | None = None
) -> tuple[Step, ...]:
    """Return every step of a composition, from the pure element up.

    Args:
        diagram: with the element and those of the composition.
        formula: of the composition; if the diagram has no such stable phase it is put
            on its hull, so that its own decomposition is no step.
        element: that is offered or taken away.
        energy: of a formula unit, eV; of the stable phases together if None.

    Raises:
        AnalysisError: the composition is the element itself.
    """
    whole = Composition(formula)
    host = Composition({e: n for e, n in whole.items() if e.symbol != element})
    if not host:
        raise AnalysisError(
            f"{formula} is {element} itself; ask for the window of a compound"
        )
    hull = diagram.with_stable(formula)
    own = diagram.hull_energy(formula) if energy is None else energy
    pure, charge = diagram.reference(element), CHARGES.get(element, 1)
    critical = hull.get_critical_compositions(Composition(element), host)[1:]
    # just beside each critical composition, on the side that is rich in the element
    levels = [
        float(
            hull.get_composition_chempots(each + Composition({element: 1e-5}))[
                Element(element)
            ]
        )
        for each in critical
    ]
    starts = [max(0.0, -(level - pure) / charge) for level in levels]
    found = []
    for each, start, end in zip(critical, starts, [*starts[1:], math.inf], strict=True):
        unit = _per_formula(each, whole, element)
        taken = float(unit[element] - whole[element])
        total = float(hull.get_hull_energy(unit)) - own - taken * pure
        found.append(
            Step(
                from_v=start,
                to_v=end,
                uptake=0.0 if abs(taken) < UNCHANGED else taken,
                products=_products(hull, unit, formula),
                energy=total / whole.num_atoms,
                slope=taken * charge / whole.num_atoms,
            )
        )
    return tuple(_merged(found))


def _per_formula(
    critical: Composition, whole: Composition, element: str
) -> Composition:
    """Return a composition with as much of the other elements as a formula unit has."""
    others = [e for e in whole.elements if e.symbol != element]
    scale = sum(whole[e] for e in others) / sum(critical[e] for e in others)
    return critical * scale


def _products(hull: PhaseDiagram, unit: Composition, formula: str) -> dict[str, float]:
    """Return the stable phases of a composition, the compound by its own formula."""
    own = Composition(formula).reduced_formula
    return {
        formula if name == own else name: n for name, n in amounts(hull, unit).items()
    }


def _merged(found: list[Step]) -> list[Step]:
    """Return the steps without those of no width, which rounding makes."""
    kept = [step for step in found if step.to_v - step.from_v > 1e-6]
    return kept or found[-1:]
