"""What is refused before anything is computed: materials, pairs and elements.

All are known from the layers alone, long before a model is built.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from ionface.errors import IonfaceError, NotInstalledError, StructureError
from ionface.structures.elements import (
    crystal_elements,
    interface_elements,
    layer_elements,
)
from ionface.structures.specs import InterfaceSpec
from ionface.workflows.engines.registry import Role, study_engine
from ionface.workflows.study.study import Study


def check_names(study: Study) -> None:
    """Refuse engines, elements and pairs that will not do, where models are only built.

    An engine that is not installed here is no mistake, nor is a layer that cannot be
    made: it is told where it is built.

    Raises:
        IonfaceError: as `check_pairs`, `check_potentials` and `check_elements`.
    """
    for check in (check_pairs, check_potentials, check_elements):
        with suppress(NotInstalledError, StructureError):
            check(study)


def check_layers(study: Study) -> None:
    """Refuse crystals that are not there, and chains that are none.

    What else may be wrong with a layer, as its termination, its own job tells, once
    the lattice is known; it stops no other.

    Raises:
        StructureError: with the interface or facet.
    """
    for spec in study.interfaces:
        _elements(spec)
    for number, facet in enumerate(study.surfaces):
        try:
            layer_elements(facet)
        except StructureError as error:
            raise StructureError(f"surfaces.{number}: {error}") from error


def _elements(spec: InterfaceSpec) -> set[str]:
    """Return the elements of an interface, which a failure names."""
    try:
        return interface_elements(spec)
    except StructureError as error:
        raise StructureError(f"{spec.name}: {error}") from error


def check_pairs(study: Study) -> None:
    """Refuse pairs of elements that an interface or a reference crystal will not hold.

    Raises:
        IonfaceError: with the pair, and the elements there are.
        StructureError: a layer that cannot be made.
    """
    for run in study.dynamics:
        there = _elements(study.interface(run.interface))
        _check(run.pairs, there, f"dynamics of {run.interface}")
        if run.until:
            pair = run.until["pair"]
            _check((pair,), there, f"dynamics of {run.interface}, until")
    for reference in study.references:
        there = crystal_elements(reference.crystal)
        _check(reference.pairs, there, f"reference {reference.crystal}")


def _check(pairs: tuple[str, ...], there: set[str], where: str) -> None:
    for pair in pairs:
        if absent := [e for e in pair.split("-") if e not in there]:
            raise IonfaceError(
                f"{where}: pair {pair!r}: there will be no {absent[0]}, only "
                f"{', '.join(sorted(there))}; correct the pair in the study"
            )


def check_potentials(study: Study) -> None:
    """Refuse chemical potentials of elements that are not there, or of compounds.

    Raises:
        IonfaceError: with the element, and those there are.
        StructureError: a layer that cannot be made.
    """
    if not study.chemical_potentials:
        return
    sides = [_elements(spec) for spec in study.interfaces]
    there = set[str]().union(*sides, *map(layer_elements, study.surfaces))
    for element, value in study.chemical_potentials.items():
        if element not in there:
            raise IonfaceError(
                f"chemical_potentials: no interface and no surface has {element}, only "
                f"{', '.join(sorted(there))}; take it out or correct it"
            )
        if isinstance(value, str) and (found := crystal_elements(value)) != {element}:
            raise IonfaceError(
                f"chemical_potentials: {element}: {value} is a crystal of "
                f"{', '.join(sorted(found))}; name one of {element} alone, or give a "
                "number in eV per atom"
            )


def check_elements(study: Study) -> None:
    """Refuse elements that an engine of the study was not made for.

    Raises:
        IonfaceError: with the interface or crystal, or the engine is not installed.
    """
    for role, name, symbols in _computed(study):
        study_engine(study, role).check_elements(symbols, name)


def _computed(study: Study) -> Iterator[tuple[Role, str, set[str]]]:
    """Yield what will be computed, by which engine, and its elements."""
    moving = {run.interface for run in study.dynamics}
    for spec in study.interfaces:
        # a layer that cannot be made is told by its own job, and stops no other
        with suppress(StructureError):
            symbols = interface_elements(spec)
            if spec.name in study.formation_names:
                yield "formation", spec.name, symbols
            if spec.name in moving:
                yield "dynamics", spec.name, symbols
    for system in study.systems:
        yield "formation", f"phases of {system.system}", {*system.elements}
    for reference in study.references:
        if reference.steps:
            symbols = crystal_elements(reference.crystal)
            yield "dynamics", reference.crystal, symbols
