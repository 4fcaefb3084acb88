"""The model under the stand-in: an ASE calculator and its name.

Nothing heavy is imported for a classical potential.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double.poscar_reader import FloatArray

POTENTIALS = ("sevennet", "chgnet")
SHORT = {
    "emt": "ase.calculators.emt.EMT",
    "lj": "ase.calculators.lj.LennardJones",
    "spheres": "ionface.workflows.engines.vasp_double.spheres.Spheres",
}


@dataclass(frozen=True)
class Point:
    """What the model says of one geometry.

    Attributes:
        energy: eV.
        forces: eV/Å, shape (n_atoms, 3), without their mean where all atoms move.
        drift: the mean that was taken off, times the number of atoms, eV/Å.
        stress: eV/Å³, positive in tension, shape (3, 3); None if the model has none.
    """

    energy: float
    forces: FloatArray
    drift: FloatArray
    stress: FloatArray | None


@dataclass(frozen=True)
class Model:
    """A calculator and the name that goes into every file.

    Attributes:
        calculator: of ASE.
        name: in words, as in "emt ase 3.29.0".
        shift: added to energies, eV per atom.
    """

    calculator: Any
    name: str
    shift: float = 0.0


def model(name: str, arguments: str = "", shift: float = 0.0) -> Model:
    """Return a model by name or import path.

    Args:
        name: sevennet, chgnet, emt, lj, spheres, or an ASE calculator's import path.
        arguments: of the calculator, as a JSON object.
        shift: added to energies, eV per atom: custodian takes a positive energy, which
            classical potentials often have, for an error.

    Raises:
        InputError: it cannot be made.
    """
    try:
        given = json.loads(arguments) if arguments.strip() else {}
    except ValueError as error:
        raise InputError(
            f"calculator arguments {arguments!r} are no JSON object: {error}"
        ) from error
    if name in POTENTIALS:
        return _potential(name, given, shift)
    path = SHORT.get(name, name)
    made = _made(path, given)
    package = path.partition(".")[0]
    told = ", ".join(f"{key}={value}" for key, value in sorted(given.items()))
    name = f"{path}({told}) {package} {_version(package)}{_told(shift)}"
    return Model(made, name, shift)


def _potential(name: str, given: Mapping[str, Any], shift: float) -> Model:
    from ionface.workflows.engines.ase import potential

    chosen = getattr(potential, name)()
    level = chosen.level_of_theory()
    made = _made(chosen.calculator, {**chosen.arguments, **given})
    weights = f" {level.weights[:12]}" if level.weights else ""
    words = f"{name} {chosen.model} {level.code} {level.version}{weights}"
    return Model(made, words + _told(shift), shift)


def _told(shift: float) -> str:
    return f" shifted by {shift:g} eV per atom" if shift else ""


def _made(path: str, arguments: Mapping[str, Any]) -> Any:
    module, _, attribute = path.rpartition(".")
    try:
        return getattr(import_module(module), attribute)(**arguments)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise InputError(
            f"no calculator {path}({dict(arguments)}): {error}; give sevennet, chgnet, "
            "or an ASE calculator's import path, as in ase.calculators.emt.EMT"
        ) from error


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unversioned"


class Surface:
    """The energy of one set of atoms in any geometry.

    Args:
        calculator: of ASE.
        species: symbols of the atoms.
        all_move: no atom is fixed: the mean force is taken off, as VASP does.
        shift: added to the energy, eV per atom.
    """

    def __init__(
        self,
        calculator: Any,
        species: tuple[str, ...],
        all_move: bool,
        shift: float = 0.0,
    ) -> None:
        self.calculator, self.species, self.all_move = calculator, species, all_move
        self.offset = shift * len(species)

    def __call__(self, lattice: FloatArray, fractional: FloatArray) -> Point:
        """Return energy, forces and stress.

        Nothing is carried over from the last geometry: neighbors are listed anew, so
        that a run in segments adds up the same numbers in the same order.
        """
        from ase import Atoms
        from ase.calculators.calculator import PropertyNotImplementedError

        if hasattr(self.calculator, "reset"):
            self.calculator.reset()
        atoms = Atoms(self.species, cell=lattice, scaled_positions=fractional, pbc=True)
        atoms.calc = self.calculator
        energy = float(atoms.get_potential_energy()) + self.offset
        forces = np.array(atoms.get_forces(), dtype=float)
        try:
            stress = np.array(atoms.get_stress(voigt=False), dtype=float)
        except (PropertyNotImplementedError, NotImplementedError):
            stress = None
        mean = forces.mean(axis=0) if self.all_move else np.zeros(3)
        return Point(energy, forces - mean, mean * len(forces), stress)
