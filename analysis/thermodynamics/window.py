"""The stability window of a compound, and what it turns into outside of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ionface.analysis.thermodynamics.corrections import comparable
from ionface.analysis.thermodynamics.diagram import Diagram, atoms_of
from ionface.analysis.thermodynamics.literature import NOTHING_KNOWN, Literature
from ionface.analysis.thermodynamics.phases import PhaseSet
from ionface.analysis.thermodynamics.voltage import steps
from ionface.analysis.thermodynamics.window_result import (
    Limits,
    Step,
    Window,
    limits_of,
)
from ionface.analysis.thermodynamics.wording import Corrections


def window(
    phases: PhaseSet,
    compound: str,
    element: str = "Li",
    *,
    corrections: Corrections = "none",
    predicted: bool = False,
    beside: Mapping[str, PhaseSet] | None = None,
    literature: Literature = NOTHING_KNOWN,
) -> Window:
    """Return the stability window of a compound against an element.

    Args:
        phases: the compound, the pure elements and what it may turn into.
        compound: name of a phase, or its formula.
        element: that is offered or taken away.
        corrections: none, or mp2020.
        predicted: with phases that nobody has observed.
        beside: the same phases at other levels of theory, by the name of the level.
        literature: what is known of the system.

    Raises:
        AnalysisError: no such compound, an element without reference, or corrections
            that these energies must not have.
    """
    ladder, diagram = _ladder(phases, compound, element, corrections, predicted)
    phase = phases.lowest(compound)
    above = diagram.above_hull(phase)
    spread: dict[str, Limits] = {
        each: _limits(phases, compound, element, each, predicted)
        for each in comparable(diagram.phases.phases)
    }
    for name, others in (beside or {}).items():
        spread[name] = _limits(others, phase.formula, element, "none", predicted)
    return Window(
        compound=phase.formula,
        element=element,
        corrections=corrections,
        above_hull=above,
        decomposition=diagram.decomposition(phase.formula) if above > 1e-5 else {},
        steps=ladder,
        spread=spread,
        lacking=literature.lacking(diagram),
        remarks=literature.remarks_on(diagram.elements),
    )


def _limits(phases: PhaseSet, *choices: Any) -> Limits:
    ladder, _ = _ladder(phases, *choices)
    return limits_of(ladder)


def _ladder(
    phases: PhaseSet,
    compound: str,
    element: str,
    corrections: Corrections,
    predicted: bool,
) -> tuple[tuple[Step, ...], Diagram]:
    """Return the steps of a compound, starting from its own energy."""
    phase = phases.lowest(compound)
    symbols = {*phase.elements, element}
    diagram = Diagram.of(
        phases, symbols, corrections=corrections, predicted=predicted, asked=(phase,)
    )
    own = diagram.energy(phase) * atoms_of(phase.formula)
    return steps(diagram, phase.formula, element, energy=own), diagram
