"""What two phases in contact react to, at every mixture of them.

The reactions are those of pymatgen's InterfacialReactivity (Richards et al., Chem.
Mater. 28, 266 (2016), doi:10.1021/acs.chemmater.5b04082): products change at kinks, and
between two kinks both reactions run side by side.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from pymatgen.analysis.interface_reactions import (
    GrandPotentialInterfacialReactivity,
    InterfacialReactivity,
)
from pymatgen.analysis.phase_diagram import GrandPotentialPhaseDiagram, PDEntry
from pymatgen.core import Composition, Element

from ionface.analysis.thermodynamics.contact_result import Contact, Kink
from ionface.analysis.thermodynamics.diagram import Diagram
from ionface.analysis.thermodynamics.literature import NOTHING_KNOWN, Literature
from ionface.analysis.thermodynamics.phases import Phase, PhaseSet, formula_of
from ionface.analysis.thermodynamics.window_result import CHARGES
from ionface.analysis.thermodynamics.wording import TRACE, Corrections
from ionface.errors import AnalysisError


def contact(
    phases: PhaseSet,
    first: str,
    second: str,
    *,
    potential: float | None = None,
    element: str = "Li",
    corrections: Corrections = "none",
    predicted: bool = False,
    literature: Literature = NOTHING_KNOWN,
) -> Contact:
    """Return the reactions of two phases in contact.

    Args:
        phases: both, the pure elements, and what they may turn into.
        first: name of a phase, or its formula.
        second: as `first`.
        potential: V against `element`, which is then offered from outside.
        element: as above.
        corrections: none, or mp2020.
        predicted: with phases that nobody has observed.
        literature: what is known of the system.

    Raises:
        AnalysisError: a phase that is not there, one phase twice, an element without
            reference, or corrections that these energies must not have.
    """
    pair = (phases.lowest(first), phases.lowest(second))
    if pair[0].formula == pair[1].formula:
        raise AnalysisError(
            f"{first} and {second} are one compound, {pair[0].formula}, which does not "
            "react with itself; name two"
        )
    symbols = pair[0].elements | pair[1].elements
    if potential is not None:
        symbols |= {element}
    diagram = Diagram.of(
        phases, symbols, corrections=corrections, predicted=predicted, asked=pair
    )
    if potential is None:
        kinks = _closed(diagram, pair)
    else:
        kinks = _open(diagram, pair, element, potential)
    return Contact(
        between=(pair[0].formula, pair[1].formula),
        corrections=corrections,
        kinks=kinks,
        above_hull=(diagram.above_hull(pair[0]), diagram.above_hull(pair[1])),
        potential=potential,
        element=element,
        lacking=literature.lacking(diagram),
        remarks=literature.remarks_on(diagram.elements),
    )


Pair = tuple[Phase, Phase]


def _closed(diagram: Diagram, pair: Pair) -> tuple[Kink, ...]:
    """Return the kinks where nothing is offered from outside."""
    first, second = (Composition(phase.formula) for phase in pair)
    hull_energies = InterfacialReactivity(
        first, second, diagram.hull, norm=True, use_hull_energy=True
    )
    # what each gives by decomposing alone, eV per atom; a polymorph may be named that
    # is not the lowest one, so it is not left to pymatgen
    own = [diagram.above_hull(phase) for phase in pair]
    return _kinks(hull_energies, pair, own)


def _open(
    diagram: Diagram, pair: Pair, element: str, potential: float
) -> tuple[Kink, ...]:
    """Return the kinks while an element is offered at a potential."""
    if potential < 0:
        raise AnalysisError(
            f"potential={potential:g} V is below that of pure {element}, which would "
            "plate; take 0 or more"
        )
    hosts = [set(phase.elements) - {element} for phase in pair]
    if not all(hosts):
        raise AnalysisError(
            f"{element} is offered at {potential:g} V and cannot be one of the two "
            "phases as well; leave the potential out, or name a compound"
        )
    level = diagram.reference(element) - potential * CHARGES.get(element, 1)
    chempots = {Element(element): level}
    open_hull = GrandPotentialPhaseDiagram(
        list(diagram.entries), chempots, list(map(Element, diagram.elements))
    )
    first, second = (Composition(phase.formula) for phase in pair)
    hull_energies = GrandPotentialInterfacialReactivity(
        first, second, open_hull, diagram.hull, norm=True, use_hull_energy=True
    )
    own = [_grand_excess(diagram, open_hull, phase, element, level) for phase in pair]
    return _kinks(hull_energies, pair, own, element)


def _grand_excess(
    diagram: Diagram,
    open_hull: GrandPotentialPhaseDiagram,
    phase: Phase,
    element: str,
    level: float,
) -> float:
    """Return what a phase gives by decomposing alone at a potential.

    eV per atom of the other elements.
    """
    whole = PDEntry(Composition(dict(phase.composition)), diagram.entry(phase).energy)
    host = Composition(
        {e: n for e, n in whole.composition.items() if e.symbol != element}
    )
    grand = whole.energy - level * whole.composition[element]
    return float((grand - open_hull.get_hull_energy(host)) / host.num_atoms)


def _kinks(
    reactivity: InterfacialReactivity,
    pair: Pair,
    own: list[float],
    element: str | None = None,
) -> tuple[Kink, ...]:
    """Return pymatgen's kinks in our terms, from the second phase to the first.

    Args:
        reactivity: whose energies are counted from the stable phases of each side.
        pair: the phases.
        own: what each gives by decomposing alone, eV per counted atom, above 0.
        element: offered from outside, whose atoms are not counted.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of compounds that lie above the hull
        found = reactivity.get_kinks()
    kinks = []
    for _, fraction, mutual, reaction, _ in found:
        share = _counted(fraction, pair, element)
        alone = share * own[0] + (1 - share) * own[1]
        reactants = _units(reaction.reactants, reaction)
        # of one formula unit of the first phase, where it takes part
        scale = 1 / reactants.get(pair[0].formula, 1.0)
        products = _units(reaction.products, reaction)
        kinks.append(
            Kink(
                fraction=float(fraction),
                energy=float(mutual - alone),
                mutual=float(mutual),
                reactants=_scaled(reactants, scale, pair[0].formula),
                products=_scaled(products, scale),
            )
        )
    return tuple(sorted(kinks, key=lambda kink: kink.fraction))


def _scaled(
    units: Mapping[str, float], scale: float, first: str = ""
) -> dict[str, float]:
    """Return formula units times a factor, one compound before the others."""
    order = sorted(units, key=lambda formula: formula != first)
    return {formula: scale * units[formula] for formula in order}


def _counted(fraction: float, pair: Pair, element: str | None) -> float:
    """Return which share of the counted atoms the first phase has."""
    weights = []
    for phase, part in zip(pair, (fraction, 1 - fraction), strict=True):
        total = sum(phase.composition.values())
        counted = sum(n for e, n in phase.composition.items() if e != element)
        weights.append(part * counted / total)
    return weights[0] / (weights[0] + weights[1])


def _units(side_of: list[Composition], reaction: Any) -> dict[str, float]:
    """Return the formula units of one side of a reaction."""
    found: dict[str, float] = {}
    for composition in side_of:
        formula = formula_of(composition)
        per_unit = composition.num_atoms / Composition(formula).num_atoms
        units = abs(float(reaction.get_coeff(composition))) * float(per_unit)
        if units > TRACE:
            found[formula] = found.get(formula, 0.0) + units
    return found
