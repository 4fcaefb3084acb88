"""Interface formation energies: E = (E_i - sum E_s) / (n A), negative where it forms.

The slabs are evaluated in the interface's own cell, so that strain cancels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ionface.errors import AnalysisError

EV_PER_A2_IN_J_PER_M2 = 16.02176634
"""One eV/Å² is 16.02176634 J/m² (elementary charge 1.602176634e-19 C, SI 2019)."""


@dataclass(frozen=True)
class FormationEnergy:
    """The energy gained (negative) or paid when separated slabs form an interface.

    Attributes:
        e_interface: total energy of the cell that contains the interface, eV.
        e_slabs: total energy of each separated slab, eV.
        area: of one interface, Å².
        n_interfaces: 1 in a cell with vacuum, 2 in a cell without.
    """

    e_interface: float
    e_slabs: Mapping[str, float]
    area: float
    n_interfaces: int

    @property
    def delta_e(self) -> float:
        """Return E_i - sum E_s of the whole cell, eV."""
        return self.e_interface - math.fsum(self.e_slabs.values())

    @property
    def ev_per_a2(self) -> float:
        """Return the energy per interface and area, eV/Å²."""
        return self.delta_e / (self.n_interfaces * self.area)

    @property
    def j_per_m2(self) -> float:
        """Return the energy per interface and area, J/m²."""
        return self.ev_per_a2 * EV_PER_A2_IN_J_PER_M2


def formation_energy(
    e_interface: float,
    e_slabs: Mapping[str, float],
    area: float,
    n_interfaces: int = 1,
) -> FormationEnergy:
    """Return the interface formation energy of total energies that may be combined.

        >>> slabs = {"LAGP": -1095.33, "Li": -100.63}  # eV
        >>> energy = formation_energy(-1208.11, slabs, area=171.11)  # Å²
        >>> round(energy.delta_e, 2), round(energy.j_per_m2, 3)  # eV, J/m²
        (-12.15, -1.138)

    This is arithmetic: whether the energies belong together is the ledger's question.

    Args:
        e_interface: total energy of the cell that contains the interface, eV.
        e_slabs: total energy of each separated slab by its name, eV.
        area: of one interface, Å².
        n_interfaces: 1 in a cell with vacuum, 2 in a periodic cell without.

    Raises:
        AnalysisError: an energy or the area is not a usable number, there is no slab,
            or the number of interfaces is neither 1 nor 2.
    """
    if not isinstance(e_slabs, Mapping):
        raise AnalysisError(
            f"e_slabs names its slabs, as in {{'Li': -108.08}}; got {e_slabs!r}"
        )
    for name, energy in {"interface": e_interface, **e_slabs}.items():
        if not math.isfinite(energy):
            raise AnalysisError(
                f"total energy of {name!r} is {energy} eV, not a number; "
                "finish that calculation first"
            )
    if not (math.isfinite(area) and area > 0):
        raise AnalysisError(f"the interfacial area must be positive, got {area=} Å²")
    if not e_slabs:
        raise AnalysisError("no slab energies: an interface is compared with its slabs")
    if n_interfaces not in (1, 2):
        raise AnalysisError(
            f"a cell holds 1 interface (with vacuum) or 2 (without), "
            f"got {n_interfaces=}"
        )
    slabs = {name: float(value) for name, value in e_slabs.items()}
    return FormationEnergy(float(e_interface), slabs, float(area), n_interfaces)
