"""The species of a file: elements behind its names, or what the user says they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ionface.errors import AnalysisError
from ionface.symbols import element_of

Names = Mapping[str, str]
"""What a user says that the names in a file are: {"1": "Li", "Zr_a": "Zr"}."""


def species_of(
    path: Path | str,
    names: Iterable[str],
    given: Names | None = None,
    *,
    titles: Iterable[str] = (),
) -> tuple[str, ...]:
    """Return the chemical symbol behind each name in a file.

    Args:
        path: of the file, for messages.
        names: of its types or atoms.
        given: what the user says that names are.
        titles: of the pseudopotentials, one for each name, where the file tells them.

    Raises:
        AnalysisError: a name stands for no element.
    """
    names, titles = list(names), list(titles)
    titles += [""] * (len(names) - len(titles))
    pairs = dict.fromkeys(zip(names, titles, strict=False))
    known = {(n, t): (given or {}).get(n.strip()) or element_of(n, t) for n, t in pairs}
    if wrong := next((name for (name, _), e in known.items() if e is None), None):
        raise AnalysisError(
            f"{path} calls a species {wrong.strip()!r}, which is no chemical element; "
            f"say which one it is with species={{{wrong.strip()!r}: 'Li'}}"
        )
    return tuple(str(known[pair]) for pair in zip(names, titles, strict=False))


def checked_names(given: Names | None) -> Names | None:
    """Return what a user said that names are.

    Raises:
        AnalysisError: one is said to be what is no chemical element.
    """
    if given is None:
        return None
    for name, symbol in given.items():
        if element_of(symbol) != symbol:
            raise AnalysisError(
                f"species {name!r} cannot be {symbol!r}, which is no chemical element"
            )
    return {str(name): symbol for name, symbol in given.items()}  # 1 is type "1"


def repeated(symbols: Iterable[str], counts: Iterable[int]) -> tuple[str, ...]:
    """Return the symbol of each atom of some types, in their order."""
    return tuple(s for s, n in zip(symbols, counts, strict=True) for _ in range(n))
