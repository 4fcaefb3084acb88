"""The stability windows of compounds as results: limits, steps, and their spread."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ionface.analysis.result import Provenance, Result, plain
from ionface.analysis.thermodynamics.wording import Corrections, pure, side
from ionface.errors import AnalysisError

UNCHANGED = 1e-4
"""Atoms of the element per formula unit: less uptake than this is rounding."""

CHARGES = {"Li": 1, "Na": 1, "K": 1, "Ag": 1, "Mg": 2, "Ca": 2, "Zn": 2, "Al": 3}
"""Charge of the ion of an electrode's metal; of other elements no voltage is told."""


@dataclass(frozen=True)
class Step:
    """A range of potentials in which one set of phases is stable.

    Attributes:
        from_v: lower end, V against the element (for an element without an ion in
            `CHARGES` the chemical potential below the pure element, eV).
        to_v: upper end; infinite where nothing more can be given off.
        uptake: atoms of the element that a formula unit takes up; negative if it gives
            them off.
        products: formula units per formula unit of the composition.
        energy: of the reaction at 0 V, eV per atom of the composition.
        slope: change of that energy per V.
    """

    from_v: float
    to_v: float
    uptake: float
    products: Mapping[str, float]
    energy: float
    slope: float

    def energy_at(self, potential: float) -> float:
        """Return the energy of the reaction, eV per atom of the composition.

        Args:
            potential: V, in the range of this step.
        """
        return self.energy + self.slope * potential

    def reaction(self, formula: str, element: str) -> str:
        """Return the reaction in words, as in "Li3P + 3 Li -> ..."."""
        left, right = {formula: 1.0}, dict(self.products)
        if abs(self.uptake) > UNCHANGED:
            name, atoms = pure(element)
            where = left if self.uptake > 0 else right
            where[name] = where.get(name, 0.0) + abs(self.uptake) / atoms
        return f"{side(left)} -> {side(right)}"

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the step of plain values, where an infinite end is None."""
        end = data["to_v"]
        return cls(**{**data, "to_v": math.inf if end is None else end})


Limits = tuple[float, float]
"""Reduction and oxidation limit, V; infinite where the compound is never oxidized."""


@dataclass(frozen=True)
class Window:
    """The potentials at which a compound takes up and gives off nothing.

    Attributes:
        compound: reduced formula.
        element: that is offered or taken away.
        corrections: that the energies carry.
        above_hull: of the compound, eV per atom. A compound above its hull has the
            window that it would have if its own decomposition were hindered.
        decomposition: what the compound decomposes into by itself; empty if stable.
        steps: from 0 V up; their energies start from the compound as it is.
        spread: limits by what they were computed with, this result's own among them:
            the error that corrections and engines make.
        lacking: known phases of its system that the hull does not have.
        remarks: where the energies of this system are known to fail.
    """

    compound: str
    element: str
    corrections: Corrections
    above_hull: float
    decomposition: Mapping[str, float]
    steps: tuple[Step, ...]
    spread: Mapping[str, Limits] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """Return V, or eV where the element is no electrode's metal."""
        return "V" if self.element in CHARGES else "eV"

    @property
    def limits(self) -> Limits:
        """Return the reduction and the oxidation limit."""
        return limits_of(self.steps)

    @property
    def errors(self) -> tuple[Limits, Limits]:
        """Return the lowest and highest of each limit over the spread."""
        every = [self.limits, *self.spread.values()]
        low, high = zip(*every, strict=True)
        return (min(low), max(low)), (min(high), max(high))

    def at(self, potential: float) -> Step:
        """Return the step of a potential.

        Raises:
            AnalysisError: below that of the pure element.
        """
        if potential < 0:
            raise AnalysisError(
                f"potential={potential:g} {self.unit} is below that of pure "
                f"{self.element}, which would plate; take 0 or more"
            )
        return next(step for step in self.steps if potential < step.to_v)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values; a limit that is not there is null."""
        low, high = self.limits
        return {
            "compound": self.compound,
            "element": self.element,
            "corrections": self.corrections,
            "reduction_v": low,
            "oxidation_v": plain(high),
            "above_hull_ev": self.above_hull,
            "decomposition": dict(self.decomposition),
            "steps": [
                {**plain(step), "reaction": step.reaction(self.compound, self.element)}
                for step in self.steps
            ],
            "spread": {name: plain(pair) for name, pair in self.spread.items()},
            "lacking": list(self.lacking),
            "remarks": list(self.remarks),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the window of plain values."""
        return cls(
            compound=data["compound"],
            element=data["element"],
            corrections=data["corrections"],
            above_hull=data["above_hull_ev"],
            decomposition=data["decomposition"],
            steps=tuple(
                Step.from_dict({k: v for k, v in each.items() if k != "reaction"})
                for each in data["steps"]
            ),
            spread={
                name: (low, math.inf if high is None else high)
                for name, (low, high) in data["spread"].items()
            },
            lacking=tuple(data["lacking"]),
            remarks=tuple(data["remarks"]),
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one row per step."""
        for step in self.steps:
            yield {
                "compound": self.compound,
                f"from ({self.unit})": step.from_v,
                f"to ({self.unit})": step.to_v,
                f"{self.element} taken up": step.uptake,
                "energy at the lower end (eV/atom)": step.energy_at(step.from_v),
                "products": side(step.products),
            }

    def summary(self) -> str:
        """Return the window, and what becomes of the compound at 0 V."""
        low, high = self.limits
        first = self.steps[0]
        upper = "without oxidation limit" if math.isinf(high) else f"to {high:.2f}"
        return (
            f"{self.compound}: {low:.2f} {upper} {self.unit} against {self.element}; "
            f"{first.energy_at(0.0):+.3f} eV/atom at 0 {self.unit}"
        )


@dataclass(frozen=True, repr=False)
class Windows(Result):
    """The windows of some compounds against one element.

    Attributes:
        windows: in the order in which they were asked for.
    """

    kind = "window"
    figure = "ionface.analysis.figures.window_figure:figure_windows"

    windows: tuple[Window, ...]

    @property
    def element(self) -> str:
        """Return the element that they are against."""
        return self.windows[0].element

    def values(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"windows": [window.as_dict() for window in self.windows]}

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the windows of plain values."""
        windows = tuple(Window.from_dict(each) for each in data["windows"])
        return cls(windows, provenance=provenance)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one row per step of each compound."""
        for each in self.windows:
            yield from each.rows()

    def summary(self) -> str:
        """Return every window."""
        return "; ".join(window.summary() for window in self.windows)


def limits_of(ladder: tuple[Step, ...]) -> Limits:
    """Return between which potentials a compound is left as it is."""
    inside = [step for step in ladder if step.uptake == 0.0]
    return inside[0].from_v, inside[-1].to_v
