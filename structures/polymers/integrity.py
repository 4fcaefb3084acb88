"""Is it still the molecule that was built? Bonds, angles, handedness, rings, reactions.

`check(topology, before, after, cell)` compares coordinates with the graph that they
started from, under periodic boundaries, and lists what changed with atoms and values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ionface.errors import StructureError
from ionface.structures.periodic import covalent_radii, pairs_within, shortest, whole
from ionface.structures.polymers.ring_penetration import Spear, spears
from ionface.structures.polymers.topology import Topology, spanned

Verdict = Literal["intact", "broken", "reacted", "speared", "inverted"]
Array = NDArray[np.float64]
# Of the sum of covalent radii. Between the two lies what thermal motion does to a bond
# and what a contact never reaches: C-O 1.42 Å breaks at 1.85 and forms at 1.78 Å.
BROKEN = 1.30
FORMED = 1.25
FORMED_METAL = 1.15  # radii of metals are large: Li-C 2.35, Li-H 1.83, Li-O 2.23 Å
ANGLE = 30.0  # degrees; thermal motion at 600 K stays within 20
DONORS = {"N", "O", "F", "S", "Cl", "Se", "Br", "I"}  # lone pairs that coordinate


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
        changes = ", ".join(f"{n} {what}" for what, n in counts.items() if n)
        return f"{self.verdict}{f' ({changes})' if changes else ''}"


@dataclass(frozen=True)
class _Scene:
    """Both states, the molecules' atoms made whole and addressed by their rows."""

    topology: Topology
    rows: NDArray[np.int_]
    symbols: list[str]
    before: Array
    after: Array
    cell: Array

    @property
    def members(self) -> set[int]:
        return set(self.rows.tolist())

    def bonds(self) -> list[tuple[int, int]]:
        return [(int(self.rows[i]), int(self.rows[j])) for i, j in self.topology.bonds]


def check(
    topology: Topology,
    before: Array,
    after: Array,
    cell: Array,
    members: Sequence[int] | None = None,
    symbols: Sequence[str] | None = None,
) -> MoleculeReport:
    """Return what became of molecules.

    Args:
        topology: of the molecules as built.
        before: coordinates at first, wrapped or not, Å, shape (n, 3); n may count atoms
            of the other side too.
        after: coordinates now, same order.
        cell: (2, 2) periodic in plane, or (3, 3) periodic everywhere; of both states.
        members: rows of the topology's atoms, in its order; all rows if not given.
        symbols: elements of all rows; needed where there are others than the members.

    Raises:
        StructureError: shapes, members or elements that do not fit the topology.
    """
    scene = _scene(topology, before, after, cell, members, symbols)
    broken = _broken(scene)
    formed, coordinated = _formed(scene)
    inverted = _inverted(scene)
    rings = [tuple(int(scene.rows[i]) for i in ring) for ring in topology.rings]
    speared = spears(rings, scene.bonds(), scene.after, scene.cell)
    return MoleculeReport(
        verdict=_verdict(broken, formed, coordinated, inverted, speared),
        broken=broken,
        formed=formed,
        coordinated=coordinated,
        angles=_angles(scene, {change.atoms for change in broken}),
        inverted=inverted,
        speared=speared,
        molecules=len(set(topology.molecules)),
    )


def _scene(
    topology: Topology,
    before: Array,
    after: Array,
    cell: Array,
    members: Sequence[int] | None,
    symbols: Sequence[str] | None,
) -> _Scene:
    before, after = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    if before.shape != after.shape or before.ndim != 2 or before.shape[1] != 3:
        raise StructureError(
            f"coordinates of shapes {before.shape} and {after.shape}: give both states "
            "of the same atoms, shape (n_atoms, 3)"
        )
    rows = np.arange(len(before)) if members is None else np.asarray(members, dtype=int)
    names = list(topology.symbols if symbols is None else symbols)
    inside = len(rows) == 0 or (rows.min() >= 0 and rows.max() < len(before))
    fits = len(rows) == len(topology.symbols) and len(names) == len(before) and inside
    if not fits or [names[i] for i in rows] != list(topology.symbols):
        raise StructureError(
            f"{len(rows)} members of {len(before)} atoms do not fit a topology of "
            f"{len(topology.symbols)}: name the rows of its atoms in its order, and "
            "the elements of all rows"
        )
    bonds = tuple((int(rows[i]), int(rows[j])) for i, j in topology.bonds)
    cell = np.asarray(cell, dtype=float)
    return _Scene(
        topology,
        rows,
        names,
        whole(before, bonds, cell),
        whole(after, bonds, cell),
        cell,
    )


def _lengths(scene: _Scene, coords: Array, pairs: list[tuple[int, int]]) -> Array:
    first, second = np.array(pairs).reshape(-1, 2).T
    steps = shortest(coords[second] - coords[first], scene.cell)
    return np.asarray(np.linalg.norm(steps, axis=-1))


def _named(scene: _Scene, pair: tuple[int, int]) -> str:
    return "-".join(sorted(scene.symbols[i] for i in pair))


def _broken(scene: _Scene) -> tuple[BondChange, ...]:
    bonds = scene.bonds()
    radii = covalent_radii(scene.symbols)
    before, after = (_lengths(scene, x, bonds) for x in (scene.before, scene.after))
    limits = BROKEN * np.array([radii[i] + radii[j] for i, j in bonds])
    return tuple(
        BondChange(
            bonds[k],
            _named(scene, bonds[k]),
            float(before[k]),
            float(after[k]),
            float(limits[k]),
        )
        for k in np.flatnonzero(after > limits)
    )


def _formed(
    scene: _Scene,
) -> tuple[tuple[BondChange, ...], tuple[BondChange, ...]]:
    """Return bonds won, and lone pairs that coordinate to the other side."""
    radii = covalent_radii(scene.symbols)
    metal = np.array([_is_metal(symbol) for symbol in scene.symbols])
    members = np.zeros(len(radii), dtype=bool)
    members[scene.rows] = True
    near = pairs_within(scene.after, scene.cell, FORMED * radii)
    distances = near.distances(scene.after)
    factor = np.where(metal[near.first] | metal[near.second], FORMED_METAL, FORMED)
    limits = factor * (radii[near.first] + radii[near.second])
    bonded = set(scene.bonds())
    seen = (distances < limits) & (members[near.first] | members[near.second])
    formed: list[BondChange] = []
    coordinated: list[BondChange] = []
    for k in np.flatnonzero(seen):
        i, j = int(near.first[k]), int(near.second[k])
        if (i, j) in bonded or (j, i) in bonded:
            continue
        own, other = (i, j) if members[i] else (j, i)
        partner = not members[other]
        change = BondChange(
            (own, other),
            _named(scene, (own, other)),
            float(_lengths(scene, scene.before, [(own, other)])[0]),
            float(distances[k]),
            float(limits[k]),
            partner,
        )
        lone = partner and metal[other] and scene.symbols[own] in DONORS
        (coordinated if lone else formed).append(change)
    return tuple(formed), tuple(coordinated)


def _is_metal(symbol: str) -> bool:
    from pymatgen.core import Element

    return bool(Element(symbol).is_metal)


def _angles(scene: _Scene, broken: set[tuple[int, int]]) -> tuple[AngleChange, ...]:
    """Return angles between unbroken bonds that changed beyond the limit."""
    triples = [
        (int(scene.rows[ends[a]]), int(scene.rows[center]), int(scene.rows[ends[b]]))
        for center, ends in scene.topology.neighbors().items()
        for a in range(len(ends))
        for b in range(a + 1, len(ends))
    ]
    unbroken = [
        t
        for t in triples
        if not {(t[0], t[1]), (t[1], t[0]), (t[1], t[2]), (t[2], t[1])} & broken
    ]
    if not unbroken:
        return ()
    before, after = (_degrees(x, unbroken) for x in (scene.before, scene.after))
    return tuple(
        AngleChange(unbroken[k], float(before[k]), float(after[k]), ANGLE)
        for k in np.flatnonzero(np.abs(after - before) > ANGLE)
    )


def _degrees(coords: Array, triples: list[tuple[int, int, int]]) -> Array:
    first, center, last = np.array(triples).T
    one, two = coords[first] - coords[center], coords[last] - coords[center]
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(two, axis=1)
    cosines = (one * two).sum(axis=1) / lengths
    return np.asarray(np.rad2deg(np.arccos(np.clip(cosines, -1, 1))))


def _inverted(scene: _Scene) -> tuple[Inversion, ...]:
    inversions = []
    for center in scene.topology.stereo:
        atom = int(scene.rows[center.atom])
        arms = [int(scene.rows[i]) for i in center.neighbors]
        volumes = [
            spanned(shortest(x[arms] - x[atom], scene.cell))
            for x in (scene.before, scene.after)
        ]
        if volumes[1] * center.parity <= 0:
            inversions.append(Inversion(atom, center.label, volumes[0], volumes[1]))
    return tuple(inversions)


def _verdict(
    broken: tuple[BondChange, ...],
    formed: tuple[BondChange, ...],
    coordinated: tuple[BondChange, ...],
    inverted: tuple[Inversion, ...],
    speared: tuple[Spear, ...],
) -> Verdict:
    open_ends = {atom for change in broken for atom in change.atoms}
    taken = any(change.atoms[0] in open_ends for change in coordinated)
    if taken or any(change.partner for change in formed):
        return "reacted"
    if broken or formed:
        return "broken"
    if speared:
        return "speared"
    return "inverted" if inverted else "intact"
