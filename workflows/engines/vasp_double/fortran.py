"""Numbers as Fortran prints them, overflow included."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def fixed(value: float, width: int, digits: int) -> str:
    """Return F<width>.<digits>: asterisks where the number does not fit."""
    text = f"{value:{width}.{digits}f}"
    return text if len(text) <= width else "*" * width


def integer(value: int, width: int) -> str:
    """Return I<width>: asterisks where the number does not fit."""
    text = f"{value:{width}d}"
    return text if len(text) <= width else "*" * width


def exponential(value: float, width: int, digits: int) -> str:
    """Return E<width>.<digits>: 0.12345E+01, without the zero where space is short."""
    if not math.isfinite(value):
        return "NaN".rjust(width)
    mantissa, _, exponent = f"{abs(value):.{digits - 1}e}".partition("e")
    power = int(exponent) + 1 if value else 0
    body = f".{mantissa.replace('.', '')}E{power:+03d}"
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    text = f"{sign}0{body}"
    if len(text) > width:
        text = f"{sign}{body}"
    return text.rjust(width) if len(text) <= width else "*" * width


def rows(
    values: Iterable[Iterable[float]], width: int, digits: int, lead: str = ""
) -> str:
    """Return lines of fixed-point columns, each line closed."""
    return "".join(
        lead + "".join(fixed(x, width, digits) for x in row) + "\n" for row in values
    )


def as_printed(
    values: NDArray[np.float64], digits: int, *, significant: bool = False
) -> NDArray[np.float64]:
    """Return numbers as they are read back after being printed.

    Args:
        values: any shape.
        digits: after the point, or significant ones.
        significant: count significant digits.
    """
    kind = f".{digits - 1}e" if significant else f".{digits}f"
    flat = [float(format(x, kind)) for x in np.asarray(values, dtype=float).ravel()]
    return np.array(flat).reshape(np.shape(values))
