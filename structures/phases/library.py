"""Competing phases: the cells that can be computed, and the phases that are known.

`competing(elements)` returns every phase of a chemical system, of the crystal library
and of phases.json. That file has one phase a line; its cells are those of PBE where the
source is the Materials Project, and are meant to be relaxed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pymatgen.core import Composition, Structure

from ionface.errors import StructureError
from ionface.structures.crystals.library import (
    material_name,
    materials,
    oxidation_states,
    read_crystal,
)

PREDICTED = ("LiIn3", "Li3In")
"""Crystals of the crystal library that nobody has observed."""

MODELS = ("InCl_P213_model", "P-DOL_repeat_unit", "P-DOL_P1_inferred")
"""Those that stand for a disordered or a molecular phase: no energies to trust."""

WEAKLY_BOUND = ("InS", "InCl3", "P_black")
"""Those of layers, which no semilocal functional holds together."""


@dataclass(frozen=True)
class CompetingPhase:
    """A phase that a hull should have, with a cell to start from.

    Attributes:
        name: unique, as in "LiP_mp-9588"; a crystal's own name in the crystal library.
        formula: reduced.
        observed: known from experiment, not only predicted.
        weakly_bound: of layers or molecules between which PBE, and what was trained on
            it, hardly binds: its cell is kept, positions alone are relaxed.
        oxidation: charge of each element; zeros of a metal.
        source: of the cell.
        licence: of the cell.
        spacegroup: international number; 0 where it is not recorded.
        notes: what to know before use.
        crystal: name or path of a crystal whose primitive cell it has; None where the
            cell stands in phases.json.
    """

    name: str
    formula: str
    observed: bool
    weakly_bound: bool
    oxidation: Mapping[str, float]
    source: str
    licence: str = ""
    spacegroup: int = 0
    notes: str = ""
    crystal: str | None = None

    @property
    def elements(self) -> frozenset[str]:
        """Return the symbols that are there."""
        return frozenset(e.symbol for e in Composition(self.formula).elements)

    def structure(self) -> Structure:
        """Return its primitive cell."""
        if self.crystal is not None:
            return read_crystal(self.crystal).get_primitive_structure()
        data = _lines()[self.name]
        species, *_ = zip(*data["sites"], strict=True)
        positions = [site[1:] for site in data["sites"]]
        return Structure(data["lattice"], list(species), positions)


def competing(
    elements: Iterable[str],
    *,
    observed_only: bool = True,
    extra: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> tuple[CompetingPhase, ...]:
    """Return the phases of a chemical system, elements first.

    Args:
        elements: symbols.
        observed_only: without phases that are only predicted.
        extra: crystals besides: library names, or paths of CIF or POSCAR files.
        exclude: names or formulas of phases that stay away.

    Raises:
        StructureError: a crystal that is not there, is disordered or has other
            elements, or a phase to exclude that is none of the system's.
    """
    system = frozenset(elements)
    found = {
        phase.name: phase
        for phase in library().values()
        if phase.elements <= system and (phase.observed or not observed_only)
    }
    for crystal in extra:
        added = _extra(crystal, system)
        found[added.name] = added
    for wanted in exclude:
        dropped = [n for n, p in found.items() if wanted in (n, p.formula)]
        dropped = dropped or [n for n, p in found.items() if _same(wanted, p.formula)]
        if not dropped:
            raise StructureError(
                f"exclude: {wanted!r} is no phase of {'-'.join(sorted(system))}; have "
                f"{', '.join(sorted(found))}"
            )
        for name in dropped:
            del found[name]
    order = sorted(found.values(), key=lambda p: (len(p.elements), p.formula, p.name))
    return tuple(order)


def phase(name: str) -> CompetingPhase:
    """Return a phase of the library.

    Raises:
        StructureError: there is none of this name; its polymorphs are named.
    """
    if name in library():
        return library()[name]
    polymorphs = [n for n, p in library().items() if _same(name, p.formula)]
    hint = f"; of this formula there are {', '.join(polymorphs)}" if polymorphs else ""
    raise StructureError(
        f"unknown phase {name!r}{hint}; give one of the {len(library())} names of the "
        "phase library, or a path to a CIF or POSCAR file"
    )


def _same(text: str, formula: str) -> bool:
    try:
        return str(Composition(text).reduced_formula) == formula
    except ValueError:
        return False


def _extra(crystal: str, system: frozenset[str]) -> CompetingPhase:
    """Return a crystal that a user adds."""
    if crystal in library():
        found = library()[crystal]
    else:
        if not Path(crystal).suffix and crystal not in materials():
            phase(crystal)  # says which polymorphs there are
        structure = read_crystal(crystal)
        if not structure.is_ordered:
            raise StructureError(
                f"extra: {crystal} has partly occupied sites, and a hull needs one "
                "energy; give an ordered cell"
            )
        found = CompetingPhase(
            name=Path(crystal).stem if Path(crystal).suffix else crystal,
            formula=str(structure.composition.reduced_formula),
            observed=True,
            weakly_bound=False,
            oxidation=oxidation_states(crystal, structure),
            source=str(crystal),
            crystal=crystal,
        )
    if foreign := sorted(found.elements - system):
        raise StructureError(
            f"extra: {material_name(crystal)} has {', '.join(foreign)}, which the "
            f"system {'-'.join(sorted(system))} has not; add it to elements"
        )
    return found


# --- the data -------------------------------------------------------------------------


@cache
def library() -> Mapping[str, CompetingPhase]:
    """Return every phase that can be computed, by name."""
    crystals = {
        name: _of_crystal(name)
        for name, entry in materials().items()
        if entry.ordered and name not in MODELS
    }
    return crystals | {name: _of_line(name, line) for name, line in _lines().items()}


@cache
def _lines() -> Mapping[str, Mapping[str, Any]]:
    text = (files("ionface.structures.phases") / "phases.json").read_text("utf-8")
    return {f"{line['formula']}_{line['id']}": line for line in json.loads(text)}


def _of_crystal(name: str) -> CompetingPhase:
    entry = materials()[name]
    return CompetingPhase(
        name=name,
        formula=str(Composition(entry.formula).reduced_formula),
        observed=name not in PREDICTED,
        weakly_bound=name in WEAKLY_BOUND,
        oxidation=entry.oxidation,
        source=entry.source,
        notes=entry.notes,
        crystal=name,
    )


def _of_line(name: str, data: Mapping[str, Any]) -> CompetingPhase:
    return CompetingPhase(
        name=name,
        formula=data["formula"],
        observed=data["observed"],
        weakly_bound=data["weakly_bound"],
        oxidation=data["oxidation"],
        source=f"{data['id']}, {data['source']}",
        licence=data["licence"],
        spacegroup=data["spacegroup"],
        notes=data.get("notes", ""),
    )


@cache
def _known_data() -> dict[str, Any]:
    text = (files("ionface.structures.phases") / "known_phases.yaml").read_text("utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, Loader=loader)


def known_phases() -> Mapping[str, str]:
    """Return the formulas of observed phases, each with what it decides in a hull."""
    return _known_data()["known"]


def system_remarks() -> Mapping[str, str]:
    """Return where PBE energies are known to fail, by system as in "Li-Zn"."""
    return _known_data()["remarks"]
