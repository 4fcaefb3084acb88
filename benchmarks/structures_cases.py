"""The pairs and facets that structures.py looks at."""

from __future__ import annotations

from dataclasses import dataclass

from ionface.structures.specs import CrystalLayer


@dataclass(frozen=True)
class Pair:
    """A film on a substrate, and the area under which they match at all."""

    film: CrystalLayer
    substrate: CrystalLayer
    max_area: float

    @property
    def name(self) -> str:
        """Return the pair as tables show it."""
        sides = (self.substrate, self.film)
        return " / ".join(f"{s.material}({''.join(map(str, s.miller))})" for s in sides)


PAIRS = (
    Pair(
        CrystalLayer("In", (0, 0, 1), layers=4),
        CrystalLayer("Li6PS5Cl", (1, 0, 0), layers=2),
        400.0,
    ),
    Pair(
        CrystalLayer("Li", (1, 1, 0), layers=4),
        CrystalLayer("LiGe2(PO4)3", (0, 0, 1), layers=2),
        800.0,
    ),
    Pair(
        CrystalLayer("Li", (1, 1, 1), layers=6),
        CrystalLayer("LiGe2(PO4)3", (0, 0, 1), layers=2),
        800.0,
    ),
)
FACETS = (
    ("Li6PS5Cl", (1, 0, 0)),
    ("In", (0, 0, 1)),
    ("LiGe2(PO4)3", (0, 0, 1)),
    ("LiGe2(PO4)3", (1, 0, 0)),
    ("Li", (1, 1, 0)),
    ("Li", (1, 1, 1)),
)
