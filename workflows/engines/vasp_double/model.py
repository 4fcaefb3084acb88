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
from ionface.workflows.engines.vasp_double.geometry import FloatArray
from ionface.workflows.engines.vasp_double.steps import Point

POTENTIALS = ("sevennet", "sevennet-l3i5", "sevennet-mf", "chgnet")
SHORT = {
    "emt": "ase.calculators.emt.EMT",
    "lj": "ase.calculators.lj.LennardJones",
    "spheres": "ionface.workflows.engines.vasp_double.spheres.Spheres",
}


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


def model(name: str, arguments: str = "{}", shift: float = 0.0) -> Model:
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
        keywords = json.loads(arguments)
    except ValueError as error:
        raise InputError(
            f"calculator arguments {arguments!r} are no JSON object: {error}"
        ) from error
    if name in POTENTIALS:
        calculator, words = _potential(name, keywords)
    else:
        path = SHORT.get(name, name)
        calculator = _made(path, keywords)
        package = path.partition(".")[0]
        listed = ", ".join(f"{key}={value}" for key, value in sorted(keywords.items()))
        words = f"{path}({listed}) {package} {_version(package)}"
    shifted = f" shifted by {shift:g} eV per atom" if shift else ""
    return Model(calculator, words + shifted, shift)


def _potential(name: str, keywords: Mapping[str, Any]) -> tuple[Any, str]:
    from ionface.workflows.engines.ase.named_potentials import pretrained as named

    pretrained = named(name).potential
    level = pretrained.level_of_theory()
    calculator = _made(pretrained.calculator, {**pretrained.arguments, **keywords})
    weights = f" {level.weights[:12]}" if level.weights else ""
    return (
        calculator,
        f"{name} {pretrained.model} {level.code} {level.version}{weights}",
    )


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
        model: the calculator.
        species: symbols of the atoms.
        all_move: no atom is fixed: the mean force is taken off, as VASP does.
    """

    def __init__(
        self, model: Model, species: tuple[str, ...], *, all_move: bool
    ) -> None:
        self.calculator, self.species = model.calculator, species
        self.all_move = all_move
        self.offset = model.shift * len(species)

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
