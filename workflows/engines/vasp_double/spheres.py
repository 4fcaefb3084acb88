"""Attracting spheres: a model for any elements that costs milliseconds.

Atoms attract within 1.6 and repel within 1 of the sum of their covalent radii. Nothing
about it is chemistry: it lets large cells rehearse what happens around the electrons.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.data import covalent_radii
from ase.neighborlist import primitive_neighbor_list

REACH = 1.6  # of the distance at rest, where a pair's energy ends with its curvature
DEPTH = 0.25  # eV


class Spheres(Calculator):
    """An ASE calculator of pairs: depth (3 u⁴ - 4 u³), u = (reach - r/r0)/(reach - 1).

    Its one parameter is `depth`, eV. Validity: any elements and cells; energies mean
    nothing.
    """

    default_parameters = {"depth": DEPTH}  # noqa: RUF012 - as ASE declares them
    implemented_properties = ["energy", "forces", "stress", "free_energy"]  # noqa: RUF012

    def calculate(
        self,
        atoms: Any = None,
        properties: Any = None,
        system_changes: Any = all_changes,
    ) -> None:
        """Compute energy (eV), forces (eV/Å) and stress (eV/Å³)."""
        Calculator.calculate(self, atoms, properties, system_changes)
        radii = covalent_radii[atoms.numbers]
        first, second, away = primitive_neighbor_list(
            "ijD", atoms.pbc, atoms.cell.array, atoms.positions, REACH * radii
        )  # each pair is listed from both of its ends
        rest = radii[first] + radii[second]
        lengths = np.linalg.norm(away, axis=1)
        u = (REACH - lengths / rest) / (REACH - 1)
        depth = float(self.parameters["depth"])
        slope = depth * 12 * u**2 * (1 - u) / (rest * (REACH - 1))  # dE/dr
        towards = (slope / lengths)[:, None] * away  # force on the first of each pair
        forces = np.zeros((len(atoms), 3))
        np.add.at(forces, first, towards)
        energy = float(np.sum(depth * (3 * u**4 - 4 * u**3))) / 2
        stress = away.T @ towards / 2 / atoms.get_volume()
        self.results = {
            "energy": energy,
            "free_energy": energy,
            "forces": forces,
            "stress": stress[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]],  # Voigt's order
        }
