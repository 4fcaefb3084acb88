"""Electronic numbers, made up: a plausible SCF, bands and density of states.

A potential has no electrons. What is written here converges to the model's energy and
has the right counts of electrons, bands and k-points; nothing else of it is meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ionface.workflows.engines.vasp_double.geometry import FloatArray
from ionface.workflows.engines.vasp_double.settings import Settings

FERMI = 0.0  # eV
DEPTH = 12.0  # eV, of the valence band
GAP = 1.0  # eV
CONTRACTION = 8.0  # of the error, per electronic step
FIRST_ERROR, LATER_ERROR = 50.0, 0.2  # eV, of the first step's energy


@dataclass(frozen=True)
class ScfStep:
    """One electronic step.

    Attributes:
        number: from 1.
        energy: eV.
        change: from the step before, eV.
        rms: of the residual vector.
        rms_charge: of the charge; None in the first steps.
    """

    number: int
    energy: float
    change: float
    rms: float
    rms_charge: float | None


def scf(
    energy: float, settings: Settings, *, first: bool, converges: bool = True
) -> Iterator[ScfStep]:
    """Yield electronic steps that end at an energy, or never settle.

    Args:
        energy: of the model, eV.
        settings: EDIFF, NELM and NELMIN.
        first: no wave functions to start from.
        converges: else NELM steps go by and the last changes exceed EDIFF.
    """
    errors = _errors(settings, first) if converges else _swings(settings)
    before = 0.0
    for number, error in enumerate(errors, start=1):
        present = energy + error
        charge = 0.05 * abs(error) + 1e-4 if number > 4 or not first else None
        rms = 0.3 * abs(error) + 1e-4
        yield ScfStep(number, present, present - before, rms, charge)
        before = present


def _errors(settings: Settings, first: bool) -> list[float]:
    size = FIRST_ERROR if first else LATER_ERROR
    last = settings.tags["EDIFF"] / 2
    count = 2 + max(int(np.ceil(np.log(size / last) / np.log(CONTRACTION))), 0)
    # a model cannot miss NELM: only a fault does
    count = min(max(count, settings.tags["NELMIN"]), max(settings.tags["NELM"] - 1, 1))
    errors = [last * CONTRACTION**k for k in range(count - 1)]
    return [*reversed(errors), 0.0]


def _swings(settings: Settings) -> list[float]:
    size = max(50 * settings.tags["EDIFF"], 0.01)
    return [size * (-1) ** k for k in range(settings.tags["NELM"])]


def bands(settings: Settings) -> tuple[FloatArray, FloatArray]:
    """Return energies, eV, and occupations (0 to 1) of one k-point and spin."""
    filled = settings.tags["NELECT"] / 2
    full = int(filled)
    number = max(settings.tags["NBANDS"], full + 1)
    occupations = np.clip(filled - np.arange(number), 0.0, 1.0)
    empty = number - full
    low = FERMI - GAP / 2 - DEPTH * (1 - (np.arange(full) + 1) / max(full, 1))
    high = FERMI + GAP / 2 + DEPTH * np.arange(empty) / max(empty, 1)
    if filled > full:
        high[0] = FERMI  # a half-filled band: a metal
    return np.concatenate([low, high]), occupations


def density(settings: Settings) -> FloatArray:
    """Return energy, density and its integral on a grid, shape (NEDOS, 3)."""
    energies, _ = bands(settings)
    width = 0.2
    grid = np.linspace(
        energies[0] - 2, energies[-1] + 2, max(settings.tags["NEDOS"], 2)
    )
    electrons = 2.0 / settings.tags["ISPIN"]
    distances = (grid[:, None] - energies[None, :]) / width
    peaks = np.exp(-(distances**2)) / (width * np.sqrt(np.pi))
    total = electrons * peaks.sum(axis=1)
    integral = np.cumsum(total) * (grid[1] - grid[0])
    return np.column_stack([grid, total, integral])
