"""Reactions in words, and what results say of their energies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

Corrections = Literal["none", "mp2020"]

TRACE = 1e-6
"""Smallest amount, per atom, that counts as a product; less is rounding."""

DIATOMIC = ("H", "N", "O", "F", "Cl")  # as pymatgen writes reduced formulas


def side(units: Mapping[str, float]) -> str:
    """Return one side of a reaction, as in "Li3P + 5 Li2S + LiCl"."""
    return " + ".join(
        f"{_count(n)}{formula}" for formula, n in units.items() if n > TRACE
    )


def _count(units: float) -> str:
    if math.isclose(units, 1.0, rel_tol=1e-4):
        return ""
    return f"{units:.4g} " if units >= 0.001 else f"{units:.1e} "


def pure(element: str) -> tuple[str, int]:
    """Return how formulas write a pure element, and its atoms: O2, 2; Li, 1."""
    return (f"{element}2", 2) if element in DIATOMIC else (element, 1)


def lacking_sentence(lacking: tuple[str, ...], system: str) -> str:
    """Return what a reader must know of the phases that are missing."""
    return (
        f"the hull of {system} lacks {', '.join(lacking)}: limits may lie too far "
        "apart, and plateaus may be missing"
    )
