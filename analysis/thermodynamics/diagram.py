"""The convex hull of some phases: pymatgen's phase diagram, asked in our terms.

Everything else in this folder asks a `Diagram`: what is stable at a composition, and at
what energy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition, Element

from ionface.analysis.thermodynamics.corrections import check_corrections, correction
from ionface.analysis.thermodynamics.phases import (
    Phase,
    PhaseSet,
    by_electronegativity,
    formula_of,
)
from ionface.analysis.thermodynamics.wording import TRACE, Corrections
from ionface.errors import AnalysisError


@dataclass(frozen=True)
class Diagram:
    """The hull of the phases of a chemical system.

    Attributes:
        phases: of these elements alone.
        elements: symbols, every one with its pure phase.
        corrections: that the energies carry.
    """

    phases: PhaseSet
    elements: tuple[str, ...]
    corrections: Corrections = "none"

    @classmethod
    def of(
        cls,
        phases: PhaseSet,
        elements: Iterable[str],
        *,
        corrections: Corrections = "none",
        predicted: bool = False,
        asked: Iterable[Phase] = (),
    ) -> Diagram:
        """Return the hull of a chemical system.

        Args:
            phases: of this system, among others.
            elements: symbols of the system.
            corrections: none, or mp2020.
            predicted: with phases that nobody has observed.
            asked: phases that are there in any case.

        Raises:
            AnalysisError: an element without reference, or corrections that these
                energies must not have.
        """
        symbols = _symbols(elements)
        inside = phases.within(symbols, predicted=predicted, asked=asked)
        pure = {phase.formula for phase in inside.phases if len(phase.elements) == 1}
        have = {e.symbol for text in pure for e in Composition(text).elements}
        if missing := [symbol for symbol in symbols if symbol not in have]:
            raise AnalysisError(
                f"no reference for {', '.join(missing)} in the hull of "
                f"{'-'.join(symbols)}; add the energy of the pure element"
            )
        check_corrections(inside.phases, corrections)
        return cls(inside, symbols, corrections)

    @property
    def name(self) -> str:
        """Return the system, as in "Li-P-S-Cl"."""
        return "-".join(self.elements)

    @cached_property
    def entries(self) -> tuple[PDEntry, ...]:
        """Return pymatgen's entries, in the order of the phases.

        They have no names: pymatgen takes an entry's name for its formula.
        """
        return tuple(
            PDEntry(
                Composition(dict(phase.composition)),
                phase.energy + correction(phase, self.corrections),
            )
            for phase in self.phases.phases
        )

    @cached_property
    def hull(self) -> PhaseDiagram:
        """Return the phase diagram."""
        return PhaseDiagram(list(self.entries), list(map(Element, self.elements)))

    def with_stable(self, formula: str) -> PhaseDiagram:
        """Return the phase diagram with a compound put on its own hull.

        What a metastable compound does at some potential is asked as if it were there:
        a kinetically hindered decomposition of its own is left out.
        """
        compound = Composition(formula)
        if list(self.decomposition(formula)) == [formula_of(compound)]:
            return self.hull
        lowered = self.hull_energy(formula) - STABLE * compound.num_atoms
        entries = [*self.entries, PDEntry(compound, lowered)]
        return PhaseDiagram(entries, list(map(Element, self.elements)))

    # --- energies, eV ---------------------------------------------------------------

    def entry(self, phase: Phase) -> PDEntry:
        """Return the entry of a phase."""
        places = [i for i, known in enumerate(self.phases.phases) if known is phase]
        return self.entries[places[0]]

    def energy(self, phase: Phase) -> float:
        """Return the corrected energy of a phase, eV per atom."""
        return float(self.entry(phase).energy_per_atom)

    def hull_energy(self, formula: str) -> float:
        """Return the energy of the stable phases of a formula unit together, eV."""
        return float(self.hull.get_hull_energy(Composition(formula)))

    def above_hull(self, phase: Phase) -> float:
        """Return how far a phase lies above the hull, eV per atom."""
        entry = self.entry(phase)
        above = self.hull.get_e_above_hull(entry, allow_negative=True)
        return max(0.0, float(above or 0.0))

    def formation_energy(self, phase: Phase) -> float:
        """Return the energy of formation from the elements, eV per atom."""
        return float(self.hull.get_form_energy_per_atom(self.entry(phase)))

    def reference(self, symbol: str) -> float:
        """Return the energy of a pure element, eV per atom."""
        return float(self.hull.el_refs[Element(symbol)].energy_per_atom)

    def decomposition(self, formula: str) -> dict[str, float]:
        """Return the stable phases that a formula unit decomposes into."""
        return amounts(self.hull, Composition(formula))


STABLE = 1e-6
"""eV per atom; puts a compound below its competitors, and no more than rounding."""


def amounts(hull: PhaseDiagram, composition: Composition) -> dict[str, float]:
    """Return the formula units of the stable phases of a composition."""
    found: dict[str, float] = {}
    for entry, share in hull.get_decomposition(composition).items():
        if share > TRACE:
            formula = formula_of(entry.composition)
            units = share * composition.num_atoms / Composition(formula).num_atoms
            found[formula] = found.get(formula, 0.0) + float(units)
    return found


def atoms_of(formula: str) -> float:
    """Return the number of atoms of a formula unit."""
    return float(Composition(formula).num_atoms)


def _symbols(elements: Iterable[str]) -> tuple[str, ...]:
    given = list(dict.fromkeys(elements))
    if unknown := [text for text in given if not Element.is_valid_symbol(text)]:
        raise AnalysisError(
            f"{unknown[0]!r} is no element; write a system as Li-P-S-Cl"
        )
    return by_electronegativity(given)
