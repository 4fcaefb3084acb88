"""Structures as ASE takes them: labels kept, atoms that do not move constrained."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms
from numpy.typing import NDArray
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor


def atoms_of(structure: Structure) -> Atoms:
    """Return ASE atoms; those labeled as fixed are held in place."""
    atoms = AseAtomsAdaptor.get_atoms(structure)
    atoms.set_constraint()
    held = structure.site_properties.get("fixed")
    if held and any(held):
        atoms.set_constraint(FixAtoms(mask=[bool(one) for one in held]))
    return atoms


def free_atoms(atoms: Atoms) -> NDArray[np.intp]:
    """Return the indices of the atoms that move."""
    held = {int(i) for rule in atoms.constraints for i in rule.get_indices()}
    return np.array([i for i in range(len(atoms)) if i not in held], dtype=np.intp)
