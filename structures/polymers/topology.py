"""What a molecule is: its bonds, rings and stereo centers, apart from any coordinates.

Plain data (`as_dict`, `from_dict`) that travels with a model, so that `integrity.check`
can tell after a run whether the molecule is still the one that was built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

Array = NDArray[np.float64]


@dataclass(frozen=True)
class StereoCenter:
    """An atom whose mirror image is another molecule.

    Attributes:
        atom: index.
        neighbors: four bonded atoms, or three and a lone pair.
        parity: sign of the volume that they span, 1 or -1; of a mirror image the other.
        label: R or S (Cahn, Ingold, Prelog), empty where RDKit gives none.
    """

    atom: int
    neighbors: tuple[int, ...]
    parity: int
    label: str = ""


@dataclass(frozen=True)
class Topology:
    """The graph of one or several molecules.

    Attributes:
        symbols: elements.
        molecules: which molecule each atom belongs to, counted from 0.
        bonds: pairs of atom indices, the smaller first.
        orders: of the bonds; 1.5 is aromatic.
        rings: smallest rings, atoms in their order around the ring.
        stereo: stereo centers.
    """

    symbols: tuple[str, ...]
    molecules: tuple[int, ...]
    bonds: tuple[tuple[int, int], ...]
    orders: tuple[float, ...]
    rings: tuple[tuple[int, ...], ...] = ()
    stereo: tuple[StereoCenter, ...] = ()

    def neighbors(self) -> dict[int, list[int]]:
        """Return the bonded atoms of each atom."""
        bonded: dict[int, list[int]] = {i: [] for i in range(len(self.symbols))}
        for first, second in self.bonds:
            bonded[first].append(second)
            bonded[second].append(first)
        return bonded

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Topology:
        """Return the topology that `as_dict` described, also after JSON."""
        return TypeAdapter(cls).validate_python(dict(data))


def of_molecule(molecule: Any, coords: Array) -> Topology:
    """Return the topology of an RDKit molecule with explicit hydrogens.

    Args:
        molecule: one or several fragments; each is a molecule of its own.
        coords: Å, shape (n_atoms, 3), unwrapped; they settle the parities.
    """
    from rdkit import Chem

    fragments = Chem.GetMolFrags(molecule)
    owner = {atom: k for k, atoms in enumerate(fragments) for atom in atoms}
    pairs = [
        (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), bond.GetBondTypeAsDouble())
        for bond in molecule.GetBonds()
    ]
    pairs = [(min(i, j), max(i, j), order) for i, j, order in pairs]
    return Topology(
        symbols=tuple(atom.GetSymbol() for atom in molecule.GetAtoms()),
        molecules=tuple(owner[i] for i in range(molecule.GetNumAtoms())),
        bonds=tuple((i, j) for i, j, _ in pairs),
        orders=tuple(float(order) for *_, order in pairs),
        rings=tuple(tuple(ring) for ring in molecule.GetRingInfo().AtomRings()),
        stereo=_stereo_centers(molecule, coords),
    )


def joined(parts: list[Topology]) -> Topology:
    """Return several topologies as one; atoms follow each other in the given order."""
    starts = np.cumsum([0] + [len(part.symbols) for part in parts])
    owners = np.cumsum([0] + [max(part.molecules) + 1 for part in parts])
    moved = [
        _moved(part, int(start), int(owner))
        for part, start, owner in zip(parts, starts, owners, strict=False)
    ]
    return Topology(
        symbols=tuple(s for part in moved for s in part.symbols),
        molecules=tuple(m for part in moved for m in part.molecules),
        bonds=tuple(b for part in moved for b in part.bonds),
        orders=tuple(o for part in moved for o in part.orders),
        rings=tuple(r for part in moved for r in part.rings),
        stereo=tuple(s for part in moved for s in part.stereo),
    )


def _moved(part: Topology, start: int, owner: int) -> Topology:
    return Topology(
        symbols=part.symbols,
        molecules=tuple(m + owner for m in part.molecules),
        bonds=tuple((i + start, j + start) for i, j in part.bonds),
        orders=part.orders,
        rings=tuple(tuple(i + start for i in ring) for ring in part.rings),
        stereo=tuple(
            StereoCenter(
                s.atom + start, tuple(i + start for i in s.neighbors), s.parity, s.label
            )
            for s in part.stereo
        ),
    )


def _stereo_centers(molecule: Any, coords: Array) -> tuple[StereoCenter, ...]:
    from rdkit import Chem

    find_centers: Any = Chem.FindMolChiralCenters
    labels = dict(find_centers(molecule, useLegacyImplementation=False))
    centers = []
    for atom in molecule.GetAtoms():
        if atom.GetChiralTag() == Chem.ChiralType.CHI_UNSPECIFIED:
            continue
        neighbors = tuple(n.GetIdx() for n in atom.GetNeighbors())
        if len(neighbors) not in (3, 4):
            continue
        index = atom.GetIdx()
        volume = spanned(coords[list(neighbors)] - coords[index])
        label = labels.get(index, "")
        centers.append(StereoCenter(index, neighbors, int(np.sign(volume)), label))
    return tuple(centers)


def spanned(arms: Array) -> float:
    """Return the signed volume of the bonds of a center, as unit vectors.

    Args:
        arms: from the center to three or four neighbors, Å, shape (3 or 4, 3).

    Returns:
        Six times the volume; about ±3.1 for an ideal tetrahedron of four neighbors and
        ±0.77 for three, 0 where the center is flat.
    """
    units = arms / np.linalg.norm(arms, axis=1, keepdims=True)
    if len(units) == 4:
        units = units[:3] - units[3]
    return float(np.linalg.det(units))
