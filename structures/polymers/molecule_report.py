"""What a check of molecules finds, as frozen data. `integrity.check` fills it in."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from ionface.structures.polymers.ring_penetration import Spear

Verdict = Literal["intact", "broken", "reacted", "speared", "inverted"]


@dataclass(frozen=True)
class BondChange:
    """A bond that was lost or won.

    Attributes:
        atoms: rows of the coordinates.
        pair: elements, as in "C-O".
        before: distance at first, Å.
        after: distance now, Å.
        limit: distance that decides, Å.
        partner: the second atom belongs to the other side of the interface.
    """

    atoms: tuple[int, int]
    pair: str
    before: float
    after: float
    limit: float
    partner: bool = False


@dataclass(frozen=True)
class AngleChange:
    """An angle that left its range.

    Attributes:
        atoms: rows of the coordinates, the center in the middle.
        before: degrees.
        after: degrees.
        limit: largest change, degrees.
    """

    atoms: tuple[int, int, int]
    before: float
    after: float
    limit: float


@dataclass(frozen=True)
class Inversion:
    """A stereo center that is now its mirror image, or flat.

    Attributes:
        atom: row of the coordinates.
        label: R or S as it was built.
        before: signed volume of its bonds (`topology.spanned`).
        after: likewise.
    """

    atom: int
    label: str
    before: float
    after: float


@dataclass(frozen=True)
class MoleculeReport:
    """What became of the molecules.

    Attributes:
        verdict: the gravest finding, in this order: "reacted" (a bond to the other
            side, or a bond lost where an atom now coordinates to it), "broken" (bonds
            lost or won among the molecules), "speared", "inverted", "intact". Angles
            and coordination alone leave a molecule intact.
        broken: bonds lost.
        formed: bonds won, `partner` telling with whom.
        coordinated: lone pairs (O, N, S, halogens) at a metal of the other side, within
            the distance of a bond: an ether on lithium, which is no reaction.
        angles: angles that changed by more than 30 degrees; of unbroken bonds only.
        inverted: stereo centers.
        speared: rings with a bond through them.
        molecules: how many were looked at.
    """

    verdict: Verdict
    broken: tuple[BondChange, ...]
    formed: tuple[BondChange, ...]
    coordinated: tuple[BondChange, ...]
    angles: tuple[AngleChange, ...]
    inverted: tuple[Inversion, ...]
    speared: tuple[Spear, ...]
    molecules: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    def summary(self) -> str:
        """Return one line for tables and messages."""
        counts = {
            "bonds broken": len(self.broken),
            "bonds formed": len(self.formed),
            "coordinated": len(self.coordinated),
            "angles off": len(self.angles),
            "centers inverted": len(self.inverted),
            "rings speared": len(self.speared),
        }
        found = ", ".join(f"{n} {what}" for what, n in counts.items() if n)
        return f"{self.verdict}{f' ({found})' if found else ''}"
