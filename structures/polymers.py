"""Polymer chains as molecules: SMILES to a relaxed, flat conformer.

RDKit proposes conformers (ETKDG) and relaxes them (MMFF94); the flattest one of low
energy is kept, since a chain lies flat on a surface.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Molecule

from .errors import StructureError

Array = NDArray[np.float64]
CONFORMERS = 40
ENERGY_WINDOW = 8.0  # kcal/mol above the best conformer
P_DOL = "CCOCOCCOCOCC"  # two units of poly(1,3-dioxolane) with ethyl ends


@dataclass(frozen=True)
class Oligomer:
    """One chain.

    Attributes:
        molecule: coordinates in Å; x is the longest axis, z the flattest.
        smiles: canonical.
        bonds: pairs of atom indices.
    """

    molecule: Molecule
    smiles: str
    bonds: tuple[tuple[int, int], ...]

    def extents(self) -> Array:
        """Return the size along x, y, z between atom centers, Å, shape (3,)."""
        return np.asarray(np.ptp(self.molecule.cart_coords, axis=0))


def oligomer(smiles: str = P_DOL, seed: int = 0) -> Oligomer:
    """Return a flat, low-energy conformer of a closed-shell molecule.

    Args:
        smiles: of the whole chain with its ends; no open valences ("*").
        seed: of the conformer search.

    Raises:
        StructureError: not a SMILES, charged, several fragments, or no conformer.
    """
    from rdkit import Chem, RDLogger
    from rdkit.Chem import AllChem

    RDLogger.DisableLog("rdApp.*")
    parsed = Chem.MolFromSmiles(smiles)
    _check_smiles(smiles, parsed)
    molecule = Chem.AddHs(parsed)
    settings = AllChem.ETKDGv3()
    settings.randomSeed = seed
    if not len(AllChem.EmbedMultipleConfs(molecule, CONFORMERS, settings)):
        raise StructureError(f"RDKit finds no conformer of {smiles!r}; try another seed")
    outcomes = AllChem.MMFFOptimizeMoleculeConfs(molecule, maxIters=2000)
    energies = np.array([energy for _, energy in outcomes])  # kcal/mol
    chosen = _flattest(molecule, energies)
    symbols = [atom.GetSymbol() for atom in molecule.GetAtoms()]
    bonds = tuple(
        (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in molecule.GetBonds()
    )
    return Oligomer(Molecule(symbols, chosen), Chem.MolToSmiles(parsed), bonds)


def _check_smiles(smiles: str, parsed: Any) -> None:
    from rdkit import Chem

    if parsed is None or parsed.GetNumAtoms() == 0:
        raise StructureError(
            f"{smiles!r} is not a SMILES that RDKit can read; an example is {P_DOL}"
        )
    if len(Chem.GetMolFrags(parsed)) > 1 or "*" in smiles:
        raise StructureError(
            f"{smiles!r} must be one whole molecule: no '.' and no open end '*'"
        )
    if charge := Chem.GetFormalCharge(parsed):
        raise StructureError(f"{smiles!r} has charge {charge:+d}; give a neutral chain")


def _flattest(molecule: Any, energies: Array) -> Array:
    """Return coordinates of the flattest conformer within the energy window."""
    good = np.flatnonzero(energies < energies.min() + ENERGY_WINDOW)
    placed = [
        principal_axes(molecule.GetConformer(int(i)).GetPositions()) for i in good
    ]
    return min(placed, key=lambda coords: float(np.ptp(coords[:, 2])))


def principal_axes(coords: Array) -> Array:
    """Return coordinates about their center, longest axis along x, flattest along z.

    Args:
        coords: shape (n_atoms, 3), Å. The turn is a proper rotation: chirality stays.
    """
    centered = coords - coords.mean(axis=0)
    _, _, axes = np.linalg.svd(centered)
    if np.linalg.det(axes) < 0:
        axes[2] *= -1
    return np.asarray(centered @ axes.T)


def check_bonds(oligomer: Oligomer, coords: Array, where: str) -> None:
    """Refuse coordinates in which a bond is broken or atoms have grown together.

    Args:
        oligomer: tells which atoms are bonded.
        coords: of the same atoms, not wrapped, Å, shape (n_atoms, 3).
        where: named in the message.
    """
    from ase.data import atomic_numbers, covalent_radii

    radii = np.array(
        [covalent_radii[atomic_numbers[s.specie.symbol]] for s in oligomer.molecule]
    )
    for first, second in oligomer.bonds:
        length = float(np.linalg.norm(coords[first] - coords[second]))
        limit = 1.3 * (radii[first] + radii[second])
        if length > limit:
            raise StructureError(
                f"{where}: broken bond: atoms {first} and {second} of "
                f"{oligomer.smiles} are {length:.2f} Å apart, more than {limit:.2f} Å"
            )
