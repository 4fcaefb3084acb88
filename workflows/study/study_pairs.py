"""Pairs that an analysis is asked for, checked before anything is computed for them."""

from __future__ import annotations

from ionface.errors import IonfaceError
from ionface.structures.elements import crystal_elements, interface_elements
from ionface.workflows.study.study import Study


def check_pairs(study: Study) -> None:
    """Refuse pairs of elements that an interface or a reference crystal will not hold.

    Raises:
        IonfaceError: with the pair, and the elements there are.
        StructureError: a layer that cannot be made.
    """
    for run in study.dynamics:
        there = interface_elements(study.interface(run.interface))
        _check(run.pairs, there, f"dynamics of {run.interface}")
    for reference in study.references:
        there = crystal_elements(reference.crystal)
        _check(reference.pairs, there, f"reference {reference.crystal}")


def _check(pairs: tuple[str, ...], there: set[str], where: str) -> None:
    for pair in pairs:
        if absent := [e for e in pair.split("-") if e not in there]:
            raise IonfaceError(
                f"{where}: pair {pair!r}: there will be no {absent[0]}, only "
                f"{', '.join(sorted(there))}; correct the pair in the study"
            )
