"""What a run knows of its pseudopotentials: title, valence and cutoff, nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double.valences import ELEMENTS, Facts

SPECS = ("POTCAR.spec", "POTCAR.titles")


@dataclass(frozen=True)
class Pseudopotential:
    """One species.

    Attributes:
        title: as in "PAW_PBE Li 17Jan2003".
        valence: electrons.
        enmax: eV.
        mass: amu.
    """

    title: str
    valence: float
    enmax: float
    mass: float

    @property
    def element(self) -> str:
        """Return the chemical symbol."""
        words = self.title.split()
        name = words[1] if len(words) > 1 else words[0]
        return re.split(r"[_.]", name)[0]


def read(folder: Path) -> list[Pseudopotential]:
    """Return the pseudopotentials of POTCAR, or of a list of titles in its place.

    POTCAR.spec or POTCAR.titles hold one title or one symbol per line.

    Raises:
        InputError: there is none.
    """
    potcar = folder / "POTCAR"
    text = potcar.read_text(errors="replace") if potcar.is_file() else ""
    if found := parse(text):
        return found
    for name in SPECS:
        path = folder / name
        if path.is_file():
            titles = [line.strip() for line in path.read_text().splitlines()]
            return [_of_title(title) for title in titles if title]
    raise InputError(
        "ERROR: no POTCAR; give one, or a POTCAR.spec with one title per line, as in "
        "PAW_PBE Li 17Jan2003"
    )


def parse(text: str) -> list[Pseudopotential]:
    """Return the pseudopotentials of a POTCAR's text, or of a list of titles."""
    parts = re.split(r"(?=^.*\bTITEL\s*=)", text, flags=re.MULTILINE)[1:]
    if not parts:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return [_of_title(line) for line in lines] if len(lines) < 100 else []
    return [_of_part(part) for part in parts]


def _of_part(part: str) -> Pseudopotential:
    title = part.splitlines()[0].partition("=")[2].strip()
    valence, enmax, mass = (_number(part, k) for k in ("ZVAL", "ENMAX", "POMASS"))
    if None in (valence, enmax, mass):
        known = _of_title(title)
        valence = known.valence if valence is None else valence
        enmax = known.enmax if enmax is None else enmax
        mass = known.mass if mass is None else mass
    assert valence is not None
    assert enmax is not None
    assert mass is not None
    return Pseudopotential(title, valence, enmax, mass)


def _number(part: str, key: str) -> float | None:
    found = re.search(rf"\b{key}\s*=\s*([-+.\dEe]+)", part)
    return float(found[1]) if found else None


def _of_title(title: str) -> Pseudopotential:
    """Return what is known of a pseudopotential by its title or its name alone.

    Raises:
        InputError: nothing is known of it.
    """
    words = title.split()
    symbol = words[1] if len(words) > 1 else words[0]
    element = re.split(r"[_.]", symbol)[0]
    facts = ELEMENTS.get(symbol) or _other_of(element)
    if facts is None:
        raise InputError(
            f"ERROR: valence and cutoff of {title!r} are not known; give a POTCAR with "
            "its ZVAL and ENMAX"
        )
    from ase.data import atomic_masses, atomic_numbers

    full = title if len(words) > 1 else f"PAW_PBE {symbol}"
    mass = float(atomic_masses[atomic_numbers[element]])
    return Pseudopotential(full, facts.valence, facts.enmax, mass)


def _other_of(element: str) -> Facts | None:
    """Return the facts of any pseudopotential of an element."""
    same = (facts for n, facts in ELEMENTS.items() if n.partition("_")[0] == element)
    return next(same, None)
