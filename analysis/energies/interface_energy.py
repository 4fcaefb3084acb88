"""The interface energy γ: what an interface costs against bulk crystals.

γ = (E - Σ n_k μ_k - Σ n_i μ_i - A σ) / (n A) with the energies μ_k of bulk crystals
per formula unit, the chemical potentials μ_i of atoms that no bulk accounts for, and
the energies σ of the free surfaces of a cell with vacuum. It does not depend on how
thick the slabs are, and is positive for phases that do not react. The formation energy,
which compares with separated slabs, is γ less the energies of both surfaces that met.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ionface.analysis.energies.energy_term import EnergyTerm
from ionface.analysis.energies.formation_energy import EV_PER_A2_IN_J_PER_M2
from ionface.analysis.energies.ledger import check_state
from ionface.errors import AnalysisError, LedgerError

OF_THE_CELL = frozenset({"k_points", "LDIPOL", "IDIPOL"})
"""What a bulk crystal may have another of than a slab, at the same level of theory."""

WHOLE = 1e-6
"""Atoms of a cell that may be left over by rounding."""


@dataclass(frozen=True)
class InterfaceEnergy:
    """An interface, or a surface, against bulk crystals.

    Attributes:
        excess: energy above that of the bulk crystals, the named atoms and the free
            surfaces, of the whole cell, eV.
        area: of one interface, Å².
        n_interfaces: in the cell.
        amounts: formula units of each bulk, and atoms of each chemical potential.
        chemical_potentials: of those atoms, eV per atom.
    """

    excess: float
    area: float
    n_interfaces: int
    amounts: Mapping[str, float]
    chemical_potentials: Mapping[str, float] = field(default_factory=dict)

    @property
    def beyond_bulk(self) -> dict[str, int]:
        """Return the atoms that no bulk accounts for, by element."""
        named = {e: round(self.amounts[e]) for e in self.chemical_potentials}
        return {element: number for element, number in named.items() if number}

    @property
    def ev_per_a2(self) -> float:
        """Return γ, eV/Å²."""
        return self.excess / (self.n_interfaces * self.area)

    @property
    def j_per_m2(self) -> float:
        """Return γ, J/m²."""
        return self.ev_per_a2 * EV_PER_A2_IN_J_PER_M2


def interface_energy(
    cell: EnergyTerm,
    bulks: Mapping[str, EnergyTerm],
    *,
    n_interfaces: int,
    chemical_potentials: Mapping[str, float | EnergyTerm] | None = None,
    surface_energies: Sequence[float] = (),
) -> InterfaceEnergy:
    """Return the interface energy γ of a cell.

    A symmetric slab of one crystal in vacuum is a cell with two "interfaces": γ is then
    its surface energy.

    Args:
        cell: that holds the interface.
        bulks: a bulk crystal of each phase by its name, relaxed at the level of the
            cell; k-mesh and dipole correction may differ.
        n_interfaces: of equal energy in the cell; 2 in a sandwich or a symmetric slab.
        chemical_potentials: eV per atom, by element, of atoms by which the cell
            departs from the bulks' compositions, as of an added or a missing Li; or
            the relaxed crystal of the element that they come from.
        surface_energies: of the free surfaces that the cell holds besides, J/m².

    Raises:
        LedgerError: a term is not finished, not converged or no ground state, levels
            differ, or the atoms of the cell cannot be accounted for in one way.
        AnalysisError: an energy or the number of interfaces is no usable number.
    """
    given = chemical_potentials or {}
    crystals = {e: mu for e, mu in given.items() if isinstance(mu, EnergyTerm)}
    for term in (cell, *bulks.values(), *crystals.values()):
        check_state(term)
    _check_levels(cell, {**crystals, **bulks})
    potentials = {element: _per_atom(element, mu) for element, mu in given.items()}
    numbers = [*potentials.values(), *surface_energies]
    if n_interfaces < 1 or not all(map(math.isfinite, numbers)):
        raise AnalysisError(
            "chemical potentials and surface energies must be numbers, and "
            f"{n_interfaces=} at least 1"
        )
    amounts = _amounts(cell, bulks, [*potentials])
    energies = {name: bulk.energy / _units(bulk) for name, bulk in bulks.items()}
    energies |= potentials
    accounted = math.fsum(amounts[name] * energies[name] for name in amounts)
    free = math.fsum(surface_energies) / EV_PER_A2_IN_J_PER_M2 * cell.area
    return InterfaceEnergy(
        cell.energy - accounted - free, cell.area, n_interfaces, amounts, potentials
    )


def atoms_told(beyond: Mapping[str, int]) -> str:
    """Return atoms beyond whole formula units in words, as in "+2 Li, -1 S"."""
    return ", ".join(f"{number:+d} {element}" for element, number in beyond.items())


def below_bulk(name: str, surface_energy: float) -> str:
    """Return what a surface says that costs less than nothing, J/m²."""
    return (
        f"a surface of {name} costs {surface_energy:.3f} J/m², less than nothing: its "
        "relaxed slab has found a lower arrangement than the crystal that it is held "
        "against, as mobile ions or half-filled sites do; give that one as material"
    )


def potentials_told(potentials: Mapping[str, float]) -> str:
    """Return chemical potentials in words, as in "Li -1.900 eV"."""
    return ", ".join(f"{element} {mu:.3f} eV" for element, mu in potentials.items())


def slab_energy(
    slab: EnergyTerm,
    phase: str,
    bulk: EnergyTerm,
    chemical_potentials: Mapping[str, float | EnergyTerm],
) -> InterfaceEnergy:
    """Return what both faces of a slab cost, with the potentials that it needs.

    Args:
        slab: of one crystal, in a cell with vacuum.
        phase: name of the crystal.
        bulk: the crystal, relaxed at the same level of theory.
        chemical_potentials: as `interface_energy` takes them; of whole formula units
            none is used.

    Raises:
        LedgerError: as `interface_energy`.
    """
    known = chemical_potentials
    used = needed(slab.composition, bulk.composition, [*known])
    return interface_energy(
        slab,
        {f"bulk {phase}": bulk},
        n_interfaces=2,
        chemical_potentials={e: known[e] for e in (known if used is None else used)},
    )


def contact_angle(work_of_adhesion: float, surface_energy: float) -> float:
    """Return the contact angle of a liquid on a solid, degrees: Young and Dupré.

    cos θ = W / γ - 1. It holds for a liquid at rest on a flat, rigid, homogeneous solid
    with which it does not react, without gravity or film pressure of its vapor; W and γ
    must be free energies of the liquid. With energies of crystals at 0 K it orders
    materials by their wetting rather than predicts an angle.

        >>> round(contact_angle(0.5, 0.5))
        90

    Args:
        work_of_adhesion: J/m², positive where the two attract: minus the formation
            energy with frozen slabs.
        surface_energy: of the liquid against its vapor, J/m².

    Returns:
        0 (it spreads) where W is 2 γ or more, 180 where W is 0 or less.

    Raises:
        AnalysisError: the surface energy is not positive, or one is no number.
    """
    if not (surface_energy > 0 and math.isfinite(work_of_adhesion)):
        raise AnalysisError(
            "a contact angle needs a positive surface energy and a number for the work "
            f"of adhesion, got {surface_energy=}, {work_of_adhesion=} J/m²"
        )
    cosine = work_of_adhesion / surface_energy - 1
    return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))


def needed(
    slab: Mapping[str, float], crystal: Mapping[str, float], known: Collection[str]
) -> list[str] | None:
    """Return which chemical potentials a slab needs besides the bulk of its crystal.

    Args:
        slab: atoms of each element, or those beyond whole formula units.
        crystal: atoms of each element in any cell of the bulk.
        known: elements whose chemical potentials are given.

    Returns:
        None at all, [], for whole formula units; None where the known do not suffice.

    Raises:
        LedgerError: they suffice in more than one way.
    """
    bulk = {"the bulk": crystal}
    if not _shares(slab, bulk)[1]:
        return []
    there = sorted({*known} & {*slab, *crystal})
    odd = _shares(slab, bulk | {element: {element: 1.0} for element in there})[1]
    return None if odd else there


def _per_atom(element: str, potential: float | EnergyTerm) -> float:
    """Return a chemical potential, or that of an element in its crystal, eV."""
    if not isinstance(potential, EnergyTerm):
        return potential
    if others := sorted({e for e, n in potential.composition.items() if n} - {element}):
        raise LedgerError(
            f"the chemical potential of {element} cannot be that of {potential.name!r} "
            f"({potential.formula}), which has {', '.join(others)}; name a crystal of "
            f"{element} alone, or give a number in eV per atom"
        )
    return potential.energy / potential.composition[element]


def _units(bulk: EnergyTerm) -> int:
    """Return how many formula units a cell holds."""
    return math.gcd(*(int(n) for n in bulk.composition.values() if n))


def _amounts(
    cell: EnergyTerm, bulks: Mapping[str, EnergyTerm], potentials: Sequence[str]
) -> dict[str, float]:
    """Return how much of each bulk and of each named atom makes up a cell."""
    formulas: dict[str, Mapping[str, float]] = {
        name: {e: n / _units(bulk) for e, n in bulk.composition.items()}
        for name, bulk in bulks.items()
    }
    if both := sorted(formulas.keys() & {*potentials}):
        raise LedgerError(
            f"{both[0]!r} names both a bulk and a chemical potential; name them apart"
        )
    formulas |= {element: {element: 1.0} for element in potentials}
    amounts, odd = _shares(cell.composition, formulas)
    if odd:
        raise LedgerError(
            f"{cell.name!r} ({cell.formula}) is not made of {', '.join(formulas)}: "
            f"{', '.join(odd)} do not balance; name the chemical potential of what it "
            "has too many or too few of, as in chemical_potentials: {Li: -1.9}, eV "
            "per atom"
        )
    return amounts


def _shares(
    atoms: Mapping[str, float], formulas: Mapping[str, Mapping[str, float]]
) -> tuple[dict[str, float], list[str]]:
    """Return how much of each formula makes up some atoms, and what does not balance.

    Raises:
        LedgerError: there is more than one way.
    """
    held: set[str] = set().union(atoms, *formulas.values())
    elements = sorted(held)
    parts = [[formula.get(e, 0.0) for formula in formulas.values()] for e in elements]
    numbers = np.array([atoms.get(e, 0) for e in elements], dtype=np.float64)
    matrix = np.array(parts).reshape(len(elements), len(formulas))
    found, _, rank, _ = np.linalg.lstsq(matrix, numbers, rcond=None)
    if rank < len(formulas):
        listed = " ".join(f"{element}{atoms.get(element, 0):g}" for element in elements)
        raise LedgerError(
            f"the atoms {listed} can be accounted for by {', '.join(formulas)} in many "
            "ways; leave one of them out"
        )
    left = np.abs(numbers - matrix @ found) > WHOLE
    odd = [e for e, beyond in zip(elements, left, strict=True) if beyond]
    return dict(zip(formulas, map(float, found), strict=True)), odd


def _check_levels(cell: EnergyTerm, bulks: Mapping[str, EnergyTerm]) -> None:
    for name, bulk in bulks.items():
        differ = cell.level.differences(bulk.level)
        if odd := {k: pair for k, pair in differ.items() if k not in OF_THE_CELL}:
            told = "; ".join(f"{k}: {a!r} against {b!r}" for k, (a, b) in odd.items())
            raise LedgerError(
                f"{cell.name!r} and bulk {name!r} have different levels of theory "
                f"({told}); relax the bulk crystals at the level of the interface"
            )
