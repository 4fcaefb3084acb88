"""Loops compiled by numba, which the extras "fast" and "mlip" install."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

IN_ANY_ORDER = {"reassoc", "contract", "nsz"}  # NaN and infinity stay what they are


def compiled(
    *, any_order: bool = False, inline: bool = False
) -> Callable[[Function], Function]:
    """Compile a function, kept on disk where a folder can be written.

    Args:
        any_order: whether sums may be taken in another order, several terms at a time.
        inline: whether it is written into its callers; calls that lend parts of an
            array count references, in innermost loops for as long as the loops take.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    if any_order:
        options["fastmath"] = IN_ANY_ORDER
    if inline:
        options["inline"] = "always"

    def compile_it(function: Function) -> Function:
        try:
            kept: Any = numba.njit(cache=True, **options)(function)
        except RuntimeError:  # no folder of numba's can be written
            kept = numba.njit(**options)(function)
        return cast("Function", kept)

    return compile_it
