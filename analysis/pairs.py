"""Names of species, and of pairs of them: "In-S" is S around each In."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ionface.errors import AnalysisError

_PAIR = re.compile(r"([A-Z][a-z]?)-([A-Z][a-z]?)")


def parse_pair(pair: str | tuple[str, str]) -> tuple[str, str]:
    """Return the two species of a pair.

    Args:
        pair: as in "In-S" or ("In", "S").

    Raises:
        AnalysisError: it is not two chemical symbols joined by a hyphen.
    """
    text = pair if isinstance(pair, str) else "-".join(pair)
    if not (found := _PAIR.fullmatch(text.strip())):
        raise AnalysisError(
            "a pair is two chemical symbols joined by a hyphen, as in In-S; several "
            f"are a list; got {pair!r}"
        )
    return found[1], found[2]


def each_species(species: str | Iterable[str]) -> list[str]:
    """Return some species as a list; one may stand alone, as "Li"."""
    return [species] if isinstance(species, str) else list(species)


def each_pair(
    pairs: str | Iterable[str | tuple[str, str]],
) -> list[str | tuple[str, str]]:
    """Return some pairs as a list; one may stand alone, as "In-S"."""
    return [pairs] if isinstance(pairs, str) else list(pairs)


def pair_name(pair: tuple[str, str]) -> str:
    """Return "In-S" for ("In", "S")."""
    return "-".join(pair)
