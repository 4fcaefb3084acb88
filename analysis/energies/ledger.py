"""The ledger: which total energies may be combined, and the refusal of all others.

`book` is the only way from total energies to an interface formation energy. It checks
what people forget: one level of theory, finished and converged terms, atoms that
balance element by element, and one cell for the interface and its slabs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from ionface.analysis.energies.empty_layer import VACUUM
from ionface.analysis.energies.energy_term import EnergyTerm
from ionface.analysis.energies.formation_energy import FormationEnergy, formation_energy
from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.result import Provenance
from ionface.errors import LedgerError

SAME_CELL = 1e-4
"""Cell vectors are the same within this difference of any component, Å."""

UNDER_PRESSURE = 0.3
"""GPa along the normal of a sandwich, of a run's mean: with moduli of 20 to 100 GPa the
cell is off by 0.3 to 1.5 %, as much as the strain that a good match is chosen for."""

SlabsState = Literal["relaxed", "frozen"]

QUANTITIES: Mapping[SlabsState, str] = {
    "relaxed": "interface formation energy: against slabs that are relaxed in its cell",
    "frozen": "ideal work of adhesion, its sign turned: against slabs as they are in "
    "the interface",
}
"""What the energy is, by the state of the slabs."""

STRAIN_NOISE = 1e-3
"""eV; two relaxations of one slab may end so far from each other."""


@dataclass(frozen=True)
class LedgerEntry:
    """A formation energy whose terms belong together.

    Attributes:
        name: of the interface.
        formation: the energies and their combination.
        level: of theory, one for all terms.
        slabs_state: "relaxed" in the interface's cell, or "frozen" as they are in the
            interface (the ideal work of adhesion).
        strain_energy: energy of each slab above its unstrained self, eV; None if it
            was not computed, or where the unstrained lattice is not the engine's.
        checks: what was verified, in words.
        sources: where each term came from, by its name.
        quick: the models are those of a rehearsal.
        molecules: what became of a molecular film, as plain data; empty without one.
        bulk: what it costs against bulk crystals, as `against_bulk` tells it; empty
            where they are not known.
    """

    name: str
    formation: FormationEnergy
    level: LevelOfTheory
    slabs_state: SlabsState
    strain_energy: Mapping[str, float] | None
    checks: tuple[str, ...]
    sources: Mapping[str, str] = field(default_factory=dict)
    quick: bool = False
    molecules: Mapping[str, Any] = field(default_factory=dict)
    bulk: Mapping[str, Any] = field(default_factory=dict)

    @property
    def provenance(self) -> Provenance:
        """Return what the energy is worth."""
        return Provenance(
            level_of_theory=self.level.as_dict(),
            emulated=self.level.emulated,
            quick=self.quick,
            sources=tuple(self.sources.values()),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values, one entry of "interfaces" in the energies file.

        `strain_energy` is the sum over the strained slabs, eV.
        """
        strain = self.strain_energy
        data = {
            "name": self.name,
            "e_total": self.formation.e_interface,
            "slabs": dict(self.formation.e_slabs),
            "delta_e": self.formation.delta_e,
            "area": self.formation.area,
            "n_interfaces": self.formation.n_interfaces,
            "sigma_ev_per_a2": self.formation.ev_per_a2,
            "sigma_j_per_m2": self.formation.j_per_m2,
            "slabs_state": self.slabs_state,
            "quantity": QUANTITIES[self.slabs_state],
            "level_of_theory": self.level.as_dict(),
            "strain_energy": None if strain is None else math.fsum(strain.values()),
            "strain_energies": None if strain is None else dict(strain),
            "checks": list(self.checks),
            "sources": dict(self.sources),
        }
        if self.quick:
            data["quick"] = True
        if self.molecules:
            data["molecules"] = dict(self.molecules)
        if self.bulk:
            data["against_bulk"] = dict(self.bulk)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LedgerEntry:
        """Return the entry that `as_dict` wrote."""
        return cls(
            name=data["name"],
            formation=formation_energy(
                data["e_total"], data["slabs"], data["area"], data["n_interfaces"]
            ),
            level=LevelOfTheory.from_dict(data["level_of_theory"]),
            slabs_state=data["slabs_state"],
            strain_energy=data["strain_energies"],
            checks=tuple(data["checks"]),
            sources=data["sources"],
            quick=data.get("quick", False),
            molecules=data.get("molecules", {}),
            bulk=data.get("against_bulk", {}),
        )


def book(
    name: str,
    interface: EnergyTerm,
    slabs: Mapping[str, EnergyTerm],
    *,
    area: float | None = None,
    n_interfaces: int | None = None,
    slabs_state: SlabsState = "relaxed",
    strain_energy: Mapping[str, float] | None = None,
    quick: bool = False,
) -> LedgerEntry:
    """Return the formation energy of an interface, or refuse to combine its terms.

    Args:
        name: of the interface.
        interface: the cell that holds it.
        slabs: each separated slab, by the name of its phase.
        area: of one interface, Å²; None for |a x b| of the interface's cell.
        n_interfaces: 1 in a cell with vacuum, 2 in a cell without; None to derive it
            from the empty layer along the normal (1 where the term does not know it).
        slabs_state: how the slabs were evaluated.
        strain_energy: of each strained slab above its unstrained self, eV.
        quick: the models are those of a rehearsal.

    Raises:
        LedgerError: a term is not finished or not converged, levels of theory or cells
            differ, atoms do not balance, or an energy is not a number.
        AnalysisError: area or number of interfaces is not usable.
    """
    combined = _check_terms(interface, slabs)
    count, counted = _interfaces(interface, n_interfaces)
    strain, strained = _strain(strain_energy or {})
    checks = (
        QUANTITIES[slabs_state],
        *combined,
        *counted,
        *strained,
        *_area_note(interface, area),
        *_normal_stress(interface, count),
    )
    energies = {phase: term.energy for phase, term in slabs.items()}
    return LedgerEntry(
        name=name,
        formation=formation_energy(
            interface.energy,
            energies,
            interface.area if area is None else area,
            count,
        ),
        level=interface.level,
        slabs_state=slabs_state,
        strain_energy=strain or None,
        checks=checks,
        sources={"interface": interface.source}
        | {phase: term.source for phase, term in slabs.items()},
        quick=quick,
    )


def _check_terms(
    interface: EnergyTerm, slabs: Mapping[str, EnergyTerm]
) -> tuple[str, ...]:
    """Return why the terms may be combined, or refuse to combine them."""
    terms = [interface, *slabs.values()]
    for term in terms:
        check_state(term)
    return (
        f"{len(terms)} terms finished and converged{_forces(terms)}",
        _check_levels(interface, slabs),
        _check_cells(interface, slabs),
        _check_atoms(interface, slabs),
    )


def book_sides(
    name: str,
    parts: Mapping[str, EnergyTerm],
    phases: Mapping[str, str],
    **options: Any,
) -> LedgerEntry:
    """Return the formation energy of a model whose parts are known by their sides.

    Args:
        name: of the interface.
        parts: "interface" and each side, and of strained ones "film_unstrained" or
            "substrate_unstrained": in its own lattice, for the strain energy.
        phases: name of the phase of "film" and of "substrate".
        options: of `book`.

    Raises:
        LedgerError: as `book`; or an unstrained slab is at another level.
    """
    free = {
        side: part
        for side in phases
        if (part := parts.get(f"{side}_unstrained")) and part.converged
    }
    _check_levels(parts["interface"], {part.name: part for part in free.values()})
    strain = {phases[s]: parts[s].energy - part.energy for s, part in free.items()}
    slabs = {phase: parts[side] for side, phase in phases.items()}
    return book(name, parts["interface"], slabs, strain_energy=strain, **options)


def infer_terms(
    terms: Sequence[EnergyTerm],
) -> tuple[EnergyTerm, dict[str, EnergyTerm]]:
    """Return the interface and its slabs: its atoms are the sum of all the others'.

    Raises:
        LedgerError: no term is the sum of the others, or two have the same name.
    """
    names = Counter(term.name for term in terms)
    if repeated := sorted(name for name, count in names.items() if count > 1):
        raise LedgerError(
            f"several terms are called {repeated}; give each one its own name, as in "
            "name=directory"
        )
    total = sum((_atoms(term) for term in terms), Counter[str]())
    for term in terms:
        rest = {other.name: other for other in terms if other is not term}
        if len(rest) > 1 and _atoms(term) + _atoms(term) == total:
            return term, rest
    listed = "; ".join(f"{term.name}: {term.formula}" for term in terms)
    raise LedgerError(
        "no term has as many atoms as all the others together, so none is the "
        f"interface: {listed}; give one interface and every one of its slabs"
    )


def check_state(term: EnergyTerm) -> None:
    """Refuse a term that is not finished, not converged or no ground state.

    Raises:
        LedgerError: with the reason and the way out.
    """
    if not term.finished:
        raise LedgerError(
            f"{term.name!r} is not finished (energy so far {term.energy} eV, from "
            f"{term.source}); let it end, then book again"
        )
    if not math.isfinite(term.energy):
        raise LedgerError(
            f"{term.name!r} has no total energy ({term.energy} eV, from "
            f"{term.source}); run that calculation again"
        )
    if not term.converged:
        force = "" if term.max_force is None else f"forces {term.max_force:.3g} eV/Å"
        told = ", ".join(filter(None, (term.source, term.unmet or force)))
        raise LedgerError(
            f"{term.name!r} is not converged ({told}); continue it with "
            "more steps, or loosen its criterion for all terms"
        )
    if term.departure:
        raise LedgerError(f"{term.name!r} {term.departure} ({term.source})")


def _interfaces(term: EnergyTerm, given: int | None) -> tuple[int, tuple[str, ...]]:
    """Return how many interfaces a cell holds, and what is told of it."""
    if term.gaps is None:
        return given or 1, ()
    *across, gap = term.gaps
    if gap < VACUUM <= max(across):
        vector = "ab"[int(np.argmax(across))]
        raise LedgerError(
            f"the vacuum of {term.name!r} ({max(across):.1f} Å) lies along {vector}, "
            "but the area of an interface is |a x b|; turn the cells of all terms so "
            "that the normal is along c"
        )
    found = 1 if gap >= VACUUM else 2
    count = given or found
    told = f"vacuum of {gap:.1f} Å" if found == 1 else f"no vacuum ({gap:.1f} Å)"
    if count != found:
        told += ", but this number was given"
    return count, (f"{count} interface{'s' if count > 1 else ''}: {told}",)


def _strain(given: Mapping[str, float]) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the strain energies that are some, and why others are none."""
    below = {phase: energy for phase, energy in given.items() if energy < -STRAIN_NOISE}
    told = tuple(
        f"no strain energy of {phase}: strained it lies {-energy:.3f} eV below its "
        "unstrained self: either its lattice is not the one of lowest energy at this "
        "level of theory (lattice: engine relaxes it first), or the surfaces of a thin "
        "slab pull it together"
        for phase, energy in below.items()
    )
    return {p: energy for p, energy in given.items() if p not in below}, told


def _check_levels(interface: EnergyTerm, slabs: Mapping[str, EnergyTerm]) -> str:
    for phase, term in slabs.items():
        if differences := interface.level.differences(term.level):
            told = "; ".join(
                f"{key}: {mine!r} against {other!r}"
                for key, (mine, other) in differences.items()
            )
            raise LedgerError(
                f"{interface.name!r} and slab {phase!r} have different levels of "
                f"theory ({told}); evaluate all terms at one level"
            )
    return f"one level of theory: {interface.level.label}"


def _check_cells(interface: EnergyTerm, slabs: Mapping[str, EnergyTerm]) -> str:
    largest = 0.0
    for phase, term in slabs.items():
        difference = np.abs(term.matrix - interface.matrix)
        worst = float(difference.max())
        if not worst <= SAME_CELL:
            vector = "abc"[int(difference.max(axis=1).argmax())]
            raise LedgerError(
                f"slab {phase!r} is not in the cell of {interface.name!r}: vector "
                f"{vector} differs by {worst:.4g} Å, more than {SAME_CELL} Å; evaluate "
                "the slabs in the interface's own cell, so that strain cancels"
            )
        largest = max(largest, worst)
    told = (
        f"vectors differ by at most {largest:.0e} Å" if largest else "identical vectors"
    )
    return f"one cell: {told}"


def _check_atoms(interface: EnergyTerm, slabs: Mapping[str, EnergyTerm]) -> str:
    have = _atoms(interface)
    parts = sum((_atoms(term) for term in slabs.values()), Counter[str]())
    elements = sorted(have.keys() | parts.keys())
    if odd := [e for e in elements if have[e] != parts[e]]:
        told = ", ".join(f"{e}: {have[e]} against {parts[e]}" for e in odd)
        raise LedgerError(
            f"the atoms of {interface.name!r} are not those of its slabs "
            f"{sorted(slabs)} together ({told}); separate the slabs from this very "
            "interface"
        )
    return f"atoms balance: {interface.formula}"


def _area_note(interface: EnergyTerm, area: float | None) -> tuple[str, ...]:
    if area is None or math.isclose(area, interface.area, rel_tol=1e-4):
        return ()
    return (f"area {area:.2f} Å² was given; |a x b| is {interface.area:.2f} Å²",)


def _normal_stress(interface: EnergyTerm, n_interfaces: int) -> tuple[str, ...]:
    """Return what presses or pulls on the interfaces of a cell without vacuum."""
    if n_interfaces != 2 or interface.stress is None:
        return ()
    stress = float(np.asarray(interface.stress)[2, 2])
    told = f"stress along the normal {stress:+.2f} GPa"
    if abs(stress) <= UNDER_PRESSURE:
        return (told,)
    return (
        f"DOUBTFUL: {told}, more than {UNDER_PRESSURE} GPa: the gaps are not those "
        "of lowest energy; relax with cell: normal, to smaller forces",
    )


def _forces(terms: Sequence[EnergyTerm]) -> str:
    known = [term.max_force for term in terms if term.max_force is not None]
    return f", largest force {max(known):.3f} eV/Å" if known else ""


def _atoms(term: EnergyTerm) -> Counter[str]:
    return Counter({element: int(n) for element, n in term.composition.items() if n})
