"""The geometry of a measured cell, and how a user writes it in one line."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ionface.analysis.electrochemistry.transport_properties import (
    STANDARD_TEMPERATURE,
    positive,
)
from ionface.errors import AnalysisError

UNITS = {
    "thickness": {"cm": 1e-2, "mm": 1e-3, "um": 1e-6},
    "diameter": {"cm": 1e-2, "mm": 1e-3},
    "area": {"cm2": 1e-4, "mm2": 1e-6},
    "concentration": {"mol_per_l": 1e3, "mol_per_cm3": 1e6, "mol_per_m3": 1.0},
    "temperature": {"k": 1.0},
}
"""What a cell may tell, with its units in SI."""


@dataclass(frozen=True)
class Cell:
    """A disc of electrolyte between two electrodes.

    Attributes:
        thickness: of the electrolyte, m; None if unknown.
        area: of one electrode, m²; None if unknown.
        concentration: of the mobile ions, mol/m³; None if unknown.
        temperature: K.
    """

    thickness: float | None = None
    area: float | None = None
    concentration: float | None = None
    temperature: float = STANDARD_TEMPERATURE


def parse_cell(text: str) -> Cell:
    """Return the cell of "thickness_cm=0.1, diameter_mm=18", in any order.

    Raises:
        AnalysisError: a word that is none, twice the same, or no positive number.

    >>> cell = parse_cell("thickness_mm=0.548, diameter_mm=18")
    >>> round(1e4 * cell.area, 3)  # cm²
    2.545
    """
    found: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, value = _quantity(part)
        if name in found:
            raise AnalysisError(f"the cell tells its {name} twice: {text!r}; once")
        found[name] = value
    if "area" in found and "diameter" in found:
        raise AnalysisError(
            f"the cell tells its area and its diameter: {text!r}; give one of them"
        )
    if diameter := found.pop("diameter", None):
        found["area"] = math.pi * diameter**2 / 4
    return Cell(**found)


def _quantity(part: str) -> tuple[str, float]:
    """Return name and SI value of one part, as of "thickness_cm=0.1"."""
    word, _, number = part.partition("=")
    name, _, unit = word.strip().lower().partition("_")
    if name == "temperature" and unit in ("c", "degc"):
        return name, _number(part, number) + 273.15
    if name not in UNITS or unit not in UNITS[name]:
        known = [f"{n}_{u}" for n, units in UNITS.items() for u in units]
        raise AnalysisError(
            f"{part!r} is nothing of a cell; write thickness_cm=0.1, diameter_mm=18; "
            f"known are {known} and temperature_c"
        )
    value = _number(part, number) * UNITS[name][unit]
    positive(**{name: value})
    return name, value


def _number(part: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise AnalysisError(
            f"{part!r} has no number behind its =; write it as thickness_cm=0.1"
        ) from None
