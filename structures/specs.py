"""What a user says about an interface: the two layers, how they meet, who is strained.

Frozen data, read from a study file and carried by the flow. Lengths are in Å; Miller
indices belong to the conventional cell of the crystal library (three-index form, hkl).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

Miller = tuple[int, int, int]


@dataclass(frozen=True)
class Doping:
    """Aliovalent substitution with Li added to keep the cell neutral.

    Attributes:
        dopant: element that is put in (Al).
        host: element that it replaces (Ge, Ti).
        x: dopants per formula unit of the host crystal; the nearest whole number of
            dopants that the cell can hold is used, and the real x is reported.
        orderings: how many symmetry-distinct orderings are tried and ranked.
        rank: which of them is used; 0 has the lowest Ewald energy.
        seed: of the sampling, where there are too many orderings to enumerate.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    dopant: str
    host: str
    x: float
    orderings: int = 10
    rank: int = 0
    seed: int = 0


@dataclass(frozen=True)
class CrystalLayer:
    """A slab of a crystal.

    Attributes:
        material: a name of the crystal library, or a path to a CIF or POSCAR file.
        miller: of the surface, in the conventional cell.
        thickness: at least this thick, Å; give this or `layers`.
        layers: number of the smallest translational repeats along the normal.
        termination: which of the distinct terminations, by its index or its label.
        lattice: replaces library cell lengths (a, b, c in Å), for example PBE's.
        doping: substitution made in the slab.
        name: how tables call the phase; the material's name if not given.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    material: str
    miller: Miller
    thickness: float | None = None
    layers: int | None = None
    termination: int | str = 0
    lattice: dict[Literal["a", "b", "c"], float] | None = None
    doping: Doping | None = None
    name: str | None = None

    @property
    def phase(self) -> str:
        """Return the name of the phase in tables and labels."""
        return self.name or self.material


@dataclass(frozen=True)
class PolymerLayer:
    """One chain molecule, laid flat in the cell of its partner.

    Attributes:
        polymer: SMILES of the oligomer.
        name: how tables call the phase.
        clearance: smallest distance to its periodic images, Å.
        supercell: repeats of the partner's surface cell; searched if not given.
        seed: of the conformer search.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    polymer: str
    name: str = "polymer"
    clearance: float = 2.5
    supercell: tuple[int, int] | None = None
    seed: int = 0

    @property
    def phase(self) -> str:
        """Return the name of the phase in tables and labels."""
        return self.name


@dataclass(frozen=True)
class InterfaceSpec:
    """One interface: a film on a substrate.

    Attributes:
        name: unique within its study, as in "LAGP|Li".
        film: the upper layer.
        substrate: the lower layer.
        strained: whose in-plane lattice gives way.
        max_strain: largest principal strain accepted (0.03 is 3 %).
        max_area: largest interfacial area searched, Å².
        match: which of the matches, ranked by strain (in steps of 0.1 %) and
            area, is built.
        gap: distance between the outermost atoms of both sides, Å; chosen from
            atomic radii if not given.
        registry: in-plane shift of the film, fractions of the interface cell.
        vacuum: above the film, Å; 0 makes a sandwich with two interfaces.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: str
    film: CrystalLayer | PolymerLayer
    substrate: CrystalLayer
    strained: Literal["film", "substrate", "shared"] = "film"
    max_strain: float = 0.05
    max_area: float = 250.0
    match: int = 0
    gap: float | None = None
    registry: tuple[float, float] = (0.0, 0.0)
    vacuum: float = 20.0
