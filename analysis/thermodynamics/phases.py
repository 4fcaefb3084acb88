"""Phases with their total energies: what a hull is made of.

`PhaseSet` holds phases whose energies may be combined: `PhaseSet.of` refuses what is
not of one level of theory, by the ledger's rule.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from itertools import combinations
from typing import Any, Self

from pymatgen.core import Composition, Element

from ionface.analysis.energies.energy_term import EnergyTerm
from ionface.analysis.energies.ledger import check_state
from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.result import Provenance, plain
from ionface.errors import AnalysisError, LedgerError

MESH = "k_points"
"""Of a level of theory: meshes belong to cells, and each phase has its own cell."""


@dataclass(frozen=True)
class Phase:
    """One compound or element with its total energy.

    Attributes:
        name: as messages call it.
        composition: atoms of each element.
        energy: of these atoms, eV, uncorrected.
        level: of theory.
        source: of the energy: a directory, a job, an entry's number.
        observed: known from experiment; None where nobody says.
        oxidation: charge of each element; None where it is not known.
        hubbards: U of each element, eV, of an entry of the Materials Project.
    """

    name: str
    composition: Mapping[str, float]
    energy: float
    level: LevelOfTheory
    source: str = ""
    observed: bool | None = None
    oxidation: Mapping[str, float] | None = None
    hubbards: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of_term(cls, term: EnergyTerm, **known: Any) -> Self:
        """Return the phase of a term of the ledger.

        Raises:
            LedgerError: unfinished, not converged, or no ground state.
        """
        check_state(term)
        return cls(
            term.name, term.composition, term.energy, term.level, term.source, **known
        )

    @property
    def formula(self) -> str:
        """Return the reduced formula, as in "Li6PS5Cl"."""
        return formula_of(self.composition)

    @property
    def elements(self) -> frozenset[str]:
        """Return the symbols that are there."""
        return frozenset(self.composition)

    @property
    def per_atom(self) -> float:
        """Return the energy, eV per atom."""
        return self.energy / math.fsum(self.composition.values())

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values, without the level."""
        told = plain(self)
        del told["level"]
        return {**told, "formula": self.formula}


@dataclass(frozen=True)
class PhaseSet:
    """Phases of one level of theory.

    Attributes:
        phases: all of them, polymorphs included.
        provenance: what their energies are worth.
    """

    phases: tuple[Phase, ...]
    provenance: Provenance

    @classmethod
    def of(
        cls,
        phases: Iterable[Phase],
        *,
        sources: Sequence[str] = (),
        quick: bool = False,
        corrected: bool = False,
    ) -> Self:
        """Return phases that belong together.

        Args:
            phases: at least one.
            sources: files or folders that they come from.
            quick: they are those of a rehearsal.
            corrected: energies with and without U are made comparable by corrections.

        Raises:
            AnalysisError: there is none, or one has no finite energy.
            LedgerError: two levels of theory.
        """
        each = tuple(phases)
        if not each:
            raise AnalysisError(
                f"no phase in {', '.join(sources) or 'what was given'}; a hull needs "
                "each element and the compounds between them"
            )
        if lost := [phase.name for phase in each if not math.isfinite(phase.energy)]:
            raise AnalysisError(
                f"{lost[0]!r} has no finite energy; compute it again or leave it out"
            )
        check_levels(each, corrected=corrected)
        level = each[0].level
        provenance = Provenance(
            level_of_theory=level.as_dict(),
            emulated=level.emulated,
            quick=quick,
            sources=tuple(sources),
        )
        return cls(each, provenance)

    @property
    def level(self) -> LevelOfTheory:
        """Return the level of theory that they share."""
        return self.phases[0].level

    @property
    def elements(self) -> tuple[str, ...]:
        """Return the symbols of all phases, by electronegativity."""
        every = frozenset[str]().union(*(phase.elements for phase in self.phases))
        return by_electronegativity(every)

    def within(
        self,
        elements: Iterable[str],
        *,
        predicted: bool = False,
        asked: Iterable[Phase] = (),
    ) -> PhaseSet:
        """Return the phases that consist of some elements.

        Args:
            elements: symbols.
            predicted: with those that nobody has observed.
            asked: phases that are kept in any case.
        """
        allowed, wanted = frozenset(elements), tuple(asked)
        kept = tuple(
            phase
            for phase in self.phases
            if phase.elements <= allowed
            and (predicted or phase.observed is not False or phase in wanted)
        )
        return replace(self, phases=kept)

    def without(self, names: Iterable[str]) -> PhaseSet:
        """Return all but the phases of some names or formulas.

        Raises:
            AnalysisError: there is none of this name.
        """
        left = self
        for name in names:
            dropped = set(map(id, self.called(name)))
            kept = tuple(p for p in left.phases if id(p) not in dropped)
            left = replace(left, phases=kept)
        return left

    def called(self, name: str) -> tuple[Phase, ...]:
        """Return all polymorphs of a formula, or the phase of a name.

        Raises:
            AnalysisError: there is none.
        """
        named = tuple(phase for phase in self.phases if phase.name == name)
        if found := self._of_formula(name) or named:
            return found
        have = sorted({phase.formula for phase in self.phases})
        names = [phase.name for phase in self.phases]
        close = get_close_matches(name, dict.fromkeys([*names, *have]), n=3)
        hint = f"did you mean {' or '.join(close)}? " if close else ""
        raise AnalysisError(
            f"{name!r} is not among the phases, neither as a name nor as a formula; "
            f"{hint}add its energy, or take one of {', '.join(have)}"
        )

    def lowest(self, name: str) -> Phase:
        """Return the lowest polymorph of a formula, or the phase of a name.

        Raises:
            AnalysisError: there is none.
        """
        return min(self.called(name), key=lambda phase: phase.per_atom)

    def _of_formula(self, text: str) -> tuple[Phase, ...]:
        try:
            wanted = Composition(text).reduced_formula
        except ValueError:
            return ()
        return tuple(phase for phase in self.phases if phase.formula == wanted)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "kind": "phases",
            **self.provenance.as_dict(),
            "phases": [phase.as_dict() for phase in self.phases],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the phases that `as_dict` wrote.

        Raises:
            AnalysisError: this is no such file.
        """
        try:
            provenance = Provenance.from_dict(data)
            level = LevelOfTheory.from_dict(data["level_of_theory"])
            phases = tuple(_restored(each, level) for each in data["phases"])
        except (KeyError, TypeError, AttributeError) as error:
            raise AnalysisError(
                f"these are no phases of ionface ({error!r}); a report of a study "
                "with `phases:` writes results/phases.json"
            ) from error
        return cls(phases, provenance)


def _restored(data: Mapping[str, Any], level: LevelOfTheory) -> Phase:
    given = {key: value for key, value in data.items() if key != "formula"}
    return Phase(**given, level=level)


def formula_of(composition: Mapping[str, float] | Composition) -> str:
    """Return the reduced formula, with elements as they stand: Cl2, O2."""
    return str(Composition(dict(composition)).reduced_formula)


def by_electronegativity(symbols: Iterable[str]) -> tuple[str, ...]:
    """Return symbols as formulas have them, as in Li, P, S, Cl."""
    return tuple(sorted(symbols, key=lambda symbol: (Element(symbol).X, symbol)))


def check_levels(phases: Sequence[Phase], *, corrected: bool = False) -> None:
    """Refuse energies of different levels of theory.

    The rule is the ledger's, but for k-meshes: they belong to a cell, and each phase
    has its own.

    Args:
        phases: in any order.
        corrected: corrections make energies with and without U comparable.

    Raises:
        LedgerError: names two phases and what differs.
    """
    firsts: list[Phase] = []  # one of each level: phases are many, levels are few
    for phase in phases:
        if all(phase.level != known.level for known in firsts):
            firsts.append(phase)
    for first, second in combinations(firsts, 2):
        differences = first.level.differences(second.level)
        differences.pop(MESH, None)
        if corrected:
            for symbol in first.level.by_element:
                differences.pop(symbol, None)
        if differences:
            told = "; ".join(
                f"{key}: {mine!r} against {other!r}"
                for key, (mine, other) in differences.items()
            )
            raise LedgerError(
                f"{first.name!r} and {second.name!r} have different levels of theory "
                f"({told}); give phases of one level"
            )
