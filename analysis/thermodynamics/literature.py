"""What is known of a chemical system besides the energies: phases that a hull lacks.

A hull without a phase that exists makes windows too wide and plateaus too few, and
nothing in its numbers shows it. So results name what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pymatgen.core import Composition, Element

from ionface.analysis.thermodynamics.diagram import Diagram
from ionface.analysis.thermodynamics.phases import PhaseSet, formula_of


@dataclass(frozen=True)
class Literature:
    """Phases that experiment knows, and what to know of some systems.

    Attributes:
        known: formulas of observed phases, each with what it decides, in words; empty
            words where it decides nothing in particular.
        remarks: by system, as in "Li-Zn": where its energies are known to fail.
    """

    known: Mapping[str, str] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)

    def lacking(self, diagram: Diagram) -> tuple[str, ...]:
        """Return the known phases of a system that its hull does not have."""
        return self.missing(diagram.phases, diagram.elements)

    def missing(self, phases: PhaseSet, elements: tuple[str, ...]) -> tuple[str, ...]:
        """Return the known phases of some elements that are not among the phases."""
        have, system = {phase.formula for phase in phases.phases}, set(elements)
        return tuple(
            f"{formula} ({decides})" if decides else formula
            for formula, decides in self.known.items()
            if _symbols_of(formula) <= system
            and formula_of(Composition(formula)) not in have
        )

    def remarks_on(self, elements: tuple[str, ...]) -> tuple[str, ...]:
        """Return what is known to fail in a system or a part of it."""
        system = set(elements)
        return tuple(
            f"{name}: {text}"
            for name, text in self.remarks.items()
            if set(name.split("-")) <= system
        )


NOTHING_KNOWN = Literature()


def _symbols_of(formula: str) -> set[str]:
    return {str(Element(e.symbol)) for e in Composition(formula).elements}
