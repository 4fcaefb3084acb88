"""The chains of a film before they are pressed: conformers, loosely placed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Element

from ionface.structures.polymers.compression import SKIN
from ionface.structures.polymers.packing import insert, packmol, rectangle
from ionface.structures.polymers.polymers import check_whole, conformers
from ionface.structures.polymers.topology import Topology, joined, of_molecule
from ionface.structures.polymers.wall_relaxation import Press, bonded_forces

Array = NDArray[np.float64]
CONFORMERS = 8
MOST_ATOMS = 5000  # of a film
DALTONS = 0.602214076  # Da/Å³ in 1 g/cm³
TOUCHING = 0.92  # of the sum of van der Waals radii: molecules start to push there


@dataclass(frozen=True)
class Chain:
    """One chain.

    Attributes:
        molecule: of RDKit, with hydrogens.
        conformers: coordinates, the most compact first, Å.
        topology: of this chain alone.
        smiles: with its stereo centers.
        chosen_stereo: how many of them the seed chose.
    """

    molecule: Any
    conformers: list[Array]
    topology: Topology
    smiles: str
    chosen_stereo: int

    @property
    def formula(self) -> str:
        """Return the formula of the chain."""
        from pymatgen.core import Composition

        counts = Counter(self.topology.symbols)
        return str(Composition(counts).formula).replace(" ", "")


def mass_and_size(smiles: str) -> tuple[float, int]:
    """Return the mass (Da) and the number of atoms of one chain."""
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
    check_whole(smiles, molecule)
    symbols = [atom.GetSymbol() for atom in Chem.AddHs(molecule).GetAtoms()]
    return sum(float(Element(s).atomic_mass) for s in symbols), len(symbols)


def make_chains(smiles: str, number: int, seed: int) -> list[Chain]:
    """Return the chains; each has stereo centers of its own where they are open."""
    first = _chain(smiles, seed, CONFORMERS)
    if not first.chosen_stereo:
        return [first] * number
    return [first] + [_chain(smiles, seed + k, 3) for k in range(1, number)]


def _chain(smiles: str, seed: int, number: int) -> Chain:
    from rdkit import Chem

    molecule, _, chosen = conformers(smiles, number, seed)
    compact = compact_first(molecule)
    topology = of_molecule(molecule, compact[0])
    plain = str(Chem.MolToSmiles(Chem.RemoveHs(molecule)))
    return Chain(molecule, compact, topology, plain, chosen)


def densest(chain: Chain) -> float:
    """Return the density at which van der Waals spheres fill all space, g/cm³.

    Real molecules stay below 0.8 of it: crystals have 0.65 to 0.77 (Kitaigorodskii,
    Organic Chemical Crystallography, 1961), liquids and glasses less.
    """
    from rdkit.Chem import AllChem

    compute: Any = AllChem.ComputeMolVolume
    volume = float(compute(chain.molecule, gridSpacing=0.1))
    mass = sum(float(Element(s).atomic_mass) for s in chain.topology.symbols)
    return mass / (volume * DALTONS)


def loose_start(
    parts: list[Chain],
    cell: Array,
    height: float,
    tolerance: float,
    rng: np.random.Generator,
) -> tuple[Array, str] | None:
    """Return loosely placed chains, Å, shape (n_atoms, 3), and by what they were."""
    space = height - 2 * SKIN
    chosen = [part.conformers[_pick(part, rng)] for part in parts]
    if rectangle(cell) is not None:
        named = [
            (part.topology.symbols, x) for part, x in zip(parts, chosen, strict=True)
        ]
        placed = packmol(named, cell, space, tolerance, int(rng.integers(2**30)))
        how = "Packmol"
    else:
        placed = insert(chosen, cell, space, tolerance, rng)
        how = "insertion one by one (skewed cell)"
    if placed is None:
        return None
    return np.vstack(placed) + np.array([0.0, 0.0, SKIN]), how


def _pick(part: Chain, rng: np.random.Generator) -> int:
    """Return a conformer of the more compact half, which meets itself less."""
    return int(rng.integers(max(1, (len(part.conformers) + 1) // 2)))


def press_of(parts: list[Chain], cell: Array) -> Press:
    """Return the forces of all chains in a cell."""
    from ase.data import atomic_numbers, vdw_radii
    from rdkit import Chem

    combined = parts[0].molecule
    for part in parts[1:]:
        combined = Chem.CombineMols(combined, part.molecule)
    Chem.SanitizeMol(combined)
    topology = joined([part.topology for part in parts])
    radii = np.array([vdw_radii[atomic_numbers[s]] for s in topology.symbols])
    radii = TOUCHING * np.where(np.isnan(radii), 2.0, radii)
    return Press(bonded_forces(combined), cell, radii, np.array(topology.molecules))


def compact_first(molecule: Any) -> list[Array]:
    """Return the coordinates of all conformers, the most compact first, Å."""
    positions = [conformer.GetPositions() for conformer in molecule.GetConformers()]
    return sorted(positions, key=lambda x: float(x.var(axis=0).sum()))
