"""What the numbers of an interface may be, wherever they are given."""

from __future__ import annotations

from numbers import Real

import numpy as np

from ionface.errors import StructureError
from ionface.structures.model import THIN_VACUUM
from ionface.structures.specs import InterfaceSpec

LIMITS = {
    # beyond 15 % linear elasticity, and with it the ranking, means nothing
    "max_strain": (0.0, 0.15),
    "max_area": (1.0, 5000.0),  # Å²; thousands of atoms
    "min_area": (0.0, 5000.0),
    "vacuum": (0.0, 100.0),  # Å; plane waves pay for every one of them
    "gap": (0.5, 30.0),  # Å; atoms overlap below, sides do not meet above
}


def check_limits(where: str, **values: float | None) -> None:
    """Refuse numbers that nothing can be built with.

    Args:
        where: they are, for the message.
        values: by their names in `LIMITS`; None is left to the builder.

    Raises:
        StructureError: one is none, or beyond its limits.
    """
    for key, value in values.items():
        low, high = LIMITS[key]
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, Real):
            raise StructureError(f"{where}: {key}={value!r:.60} must be a number")
        if not low <= value <= high:
            raise StructureError(
                f"{where}: {key}={value} must lie between {low:g} and {high:g}"
            )


def check_numbers(spec: InterfaceSpec) -> None:
    """Refuse an interface with numbers that do not go, alone or together.

    Raises:
        StructureError: says which.
    """
    check_limits(spec.name, **{key: getattr(spec, key) for key in LIMITS})
    if 0 < spec.vacuum < THIN_VACUUM:
        raise StructureError(
            f"{spec.name}: vacuum={spec.vacuum} Å is too thin to separate the slabs; "
            f"give 0 for a sandwich of two interfaces, or at least {THIN_VACUUM:g} "
            "(20 is usual)"
        )
    if spec.vacuum and spec.relaxed_cell in ("normal", "full"):
        raise StructureError(
            f"{spec.name}: cell={spec.cell!r} would let vacuum={spec.vacuum:g} Å "
            "collapse; take 'in-plane' or 'fixed', or vacuum: 0 for a sandwich"
        )
    if not np.isfinite(spec.registry).all():
        raise StructureError(f"{spec.name}: registry={spec.registry} must be finite")
