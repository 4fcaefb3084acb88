"""The energy of one reaction that is written down, as in LiCl + In -> InCl + LiIn."""

from __future__ import annotations

import re

from pymatgen.analysis.reaction_calculator import BalancedReaction, Reaction
from pymatgen.core import Composition

from ionface.analysis.thermodynamics.corrections import check_corrections, correction
from ionface.analysis.thermodynamics.phases import PhaseSet
from ionface.analysis.thermodynamics.wording import Corrections
from ionface.errors import AnalysisError


def reaction_energy(
    phases: PhaseSet, text: str, *, corrections: Corrections = "none"
) -> float:
    """Return the energy of a reaction per formula unit of its first reactant, eV.

    Args:
        phases: every compound of the reaction among them; the lowest polymorph counts.
        text: as in "LiCl + In -> InCl + LiIn"; it is balanced here.
        corrections: none, or mp2020.

    Returns:
        Below 0 where the reaction runs by itself.

    Raises:
        AnalysisError: a compound that is not there, or no reaction balances them.
    """
    check_corrections(phases.phases, corrections)
    sides = [
        [re.sub(r"^[\d.]+ *", "", word.strip()) for word in part.split("+")]
        for part in text.split("->")
    ]
    if len(sides) != 2 or not all(map(all, sides)):
        raise AnalysisError(
            f"{text!r} is no reaction; write it as LiCl + In -> InCl + LiIn"
        )
    balanced = _balanced(text, sides)
    first = Composition(sides[0][0])
    energy = 0.0
    for name in dict.fromkeys(name for names in sides for name in names):
        phase = phases.lowest(name)
        total = phase.energy + correction(phase, corrections)
        per_atom = total / sum(phase.composition.values())
        composition = Composition(name)
        energy += balanced.get_coeff(composition) * composition.num_atoms * per_atom
    return float(energy / abs(balanced.get_coeff(first)))


def _balanced(text: str, sides: list[list[str]]) -> BalancedReaction:
    reactants, products = ([Composition(name) for name in names] for names in sides)
    try:
        found = Reaction(reactants, products)
    except Exception as error:  # pymatgen raises its own kind
        raise AnalysisError(
            f"{text!r} cannot be balanced: {error}; name every compound of it"
        ) from error
    if set(found.reactants) != set(reactants) or set(found.products) != set(products):
        raise AnalysisError(
            f"{text!r} balances only as {found}; name every compound of it"
        )
    return found
