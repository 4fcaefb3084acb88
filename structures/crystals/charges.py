"""Formal charges of a crystal's elements, or the plain word that none are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import log10

from pymatgen.core import Composition, Element

# e per atom. Ordered crystals are neutral; refined occupancies are off by a few percent
NEUTRAL, REFINED = 1e-3, 0.05
USUAL = 5  # states of an element that are tried, the most frequent in the ICSD


def formal_charges(
    composition: Composition, ordered: bool, stated: Mapping[str, float]
) -> dict[str, float]:
    """Return the charge of each element, e; zero in metals, empty if none are known.

    Args:
        composition: elements without charges.
        ordered: every site holds a whole atom.
        stated: charges that a file gives; taken if they are neutral.
    """
    amounts = {e.symbol: float(n) for e, n in composition.items()}
    if all(Element(s).is_metal or Element(s).is_metalloid for s in amounts):
        return dict.fromkeys(amounts, 0.0)
    if len(amounts) == 1:
        return dict.fromkeys(amounts, 0.0)
    limit = NEUTRAL if ordered else REFINED
    if set(stated) == set(amounts) and _off(amounts, stated) < limit:
        return dict(stated)
    return _likeliest(amounts, limit) or _mixed_valence(amounts)


def _off(amounts: Mapping[str, float], charges: Mapping[str, float]) -> float:
    """Return the charge per atom, without its sign."""
    total = sum(n * charges[s] for s, n in amounts.items())
    return abs(total) / sum(amounts.values())


def _states(symbol: str) -> dict[float, float]:
    """Return the usual charges of an element and how frequent they are, 0 to 1."""
    # here: pymatgen reads this table from YAML for half a second when it is imported
    from pymatgen.analysis.bond_valence import PRIOR_PROB

    found = {
        float(species.oxi_state): number
        for species, number in PRIOR_PROB.items()
        if species.symbol == symbol and species.oxi_state
    }
    if not found:
        found = {float(z): 1 for z in Element(symbol).common_oxidation_states}
    usual = sorted(found, key=lambda z: -found[z])[:USUAL]
    return {z: found[z] / sum(found.values()) for z in usual}


def _likeliest(amounts: Mapping[str, float], limit: float) -> dict[str, float]:
    """Return the most frequent charges that leave almost no net charge."""
    states = [_states(symbol) for symbol in amounts]
    best, least = {}, float("inf")
    for choice in product(*states):
        charges = dict(zip(amounts, choice, strict=True))
        off = _off(amounts, charges)
        rare = -sum(log10(own[z]) for own, z in zip(states, choice, strict=True))
        # a tenth of what may be missing outweighs a state ten times as frequent
        if off < limit and (cost := off / (limit / 10) + rare) < least:
            best, least = charges, cost
    return best


def _mixed_valence(amounts: Mapping[str, float]) -> dict[str, float]:
    """Return charges with one metal between two of its states, as Mn in LiMn2O4."""
    best, least = {}, float("inf")
    for metal in (s for s in amounts if Element(s).is_metal):
        positive = [z for z in _states(metal) if z > 0]
        others = {s: n for s, n in amounts.items() if s != metal}
        states = [_states(symbol) for symbol in others]
        for choice in product(*states):
            charges = dict(zip(others, choice, strict=True))
            own = -sum(n * charges[s] for s, n in others.items()) / amounts[metal]
            rare = -sum(log10(s[z]) for s, z in zip(states, choice, strict=True))
            if positive and min(positive) <= own <= max(positive) and rare < least:
                best, least = {**charges, metal: own}, rare
    return best


def unknown_charges(formula: str, elements: Sequence[str]) -> str:
    """Return what is said where no charges are known."""
    return (
        f"neutrality and dipoles are not checked: no usual oxidation states of "
        f"{', '.join(elements)} make {formula} neutral"
    )
