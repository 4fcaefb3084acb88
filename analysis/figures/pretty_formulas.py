"""Formulas as figures show them, with their numbers below the line."""

from __future__ import annotations

import re
from collections.abc import Mapping

MOST_PRODUCTS = 4  # more do not fit beside a point; the tables have them all


def pretty(formula: str) -> str:
    """Return a formula with subscripts, as in Li$_{6}$PS$_{5}$Cl."""
    return re.sub(r"(\d+(?:\.\d+)?)", r"$_{\1}$", formula)


def pretty_products(products: Mapping[str, float]) -> str:
    """Return the formulas of products, those of most atoms first."""
    names = [pretty(formula) for formula in products]
    more = " + …" if len(names) > MOST_PRODUCTS else ""
    return " + ".join(names[:MOST_PRODUCTS]) + more
