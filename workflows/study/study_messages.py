"""Turns what pydantic says about a study into one sentence with its line and key."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

import yaml

from ionface.analysis.deposition.cell import (
    DepositionSpec,
    Electrolyte,
    Geometry,
    Kinetics,
    Seed,
)
from ionface.analysis.energies.formation_energies import PublishedEnergy
from ionface.errors import IonfaceError
from ionface.structures.specs import (
    AmorphousLayer,
    CrystalLayer,
    Doping,
    Exchange,
    FilmLayer,
    InterfaceSpec,
    Ordering,
    PartLayer,
    PolymerLayer,
    RegistryScan,
    SlabLayer,
)
from ionface.workflows.study.dft_settings import DftSettings
from ionface.workflows.study.study import (
    DynamicsSpec,
    EngineChoice,
    EngineNames,
    PhasesSpec,
    ReferenceSpec,
    Relaxation,
    SpotCheckSpec,
    Study,
)
from ionface.workflows.study.vasp_settings import VaspSettings


def lines_of(
    node: yaml.Node | None, at: tuple[str | int, ...], source: str
) -> dict[tuple[str | int, ...], int]:
    """Return the line number of every key of a YAML document.

    Raises:
        IonfaceError: a key that stands twice, of which YAML would take the last.
    """
    if node is None:
        return {}
    found = {at: node.start_mark.line + 1}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            line = key.start_mark.line + 1
            if (first := found.get((*at, key.value))) is not None:
                raise IonfaceError(
                    f"{source}, line {line}: {key.value!r} stands in line {first} "
                    "already; remove one of the two"
                )
            found |= lines_of(value, (*at, key.value), source)
            found[(*at, key.value)] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            found |= lines_of(value, (*at, position), source)
    return found


def explain(
    errors: list[Any], lines: dict[tuple[str | int, ...], int], source: str
) -> str:
    """Return the message for the mistake that was most likely meant.

    Args:
        errors: as pydantic's ValidationError lists them.
        lines: line number of every key, from `lines_of`.
        source: name of the file.
    """
    # a union reports every branch: the one with the fewest complaints is what was
    # meant, and of its complaints the one that got furthest
    deepest = max(_of_meant_branches(errors), key=lambda error: _rank(error, lines))
    location = _yaml_location(deepest["loc"], lines)
    key = ".".join(str(part) for part in location) or "the study"
    line = next(
        (
            lines[location[:n]]
            for n in range(len(location), -1, -1)
            if location[:n] in lines
        ),
        1,
    )
    value = deepest.get("input")
    shown = f" (got {value!r})" if isinstance(value, str | int | float | bool) else ""
    limits = deepest.get("ctx", {})
    several = "; several stand in engines: [a, b]" * (key == "engine")
    message = {
        "unexpected_keyword_argument": _unknown_key(deepest["loc"]),
        "tuple_type": "must be a list in brackets, as in [1, 1, 0]",
        "string_type": "must be a word" + several,
        "int_parsing": "must be a whole number, as in 1000",
        "int_from_float": "must be a whole number, as in 1000",
        "int_type": "must be a whole number, as in 1000",
        "float_parsing": "must be a number",
        "float_type": "must be a number",
        "bool_parsing": "must be true or false",
        "missing": "this key is required",
        "greater_than": f"must be above {limits.get('gt', 0):g}",
        "greater_than_equal": f"must not be below {limits.get('ge', 0):g}",
        "less_than_equal": f"must not be above {limits.get('le', 0):,}",
    }.get(deepest["type"], str(deepest["msg"]).removeprefix("Value error, "))
    words = [e["ctx"]["expected"] for e in errors if _is_word_of(e, location, lines)]
    if words and deepest["type"] != "literal_error":
        message += f", or {words[0]}"
    return f"{source}, line {line}: {key}: {message}{shown}"


def _is_word_of(
    error: Any,
    location: tuple[str | int, ...],
    lines: dict[tuple[str | int, ...], int],
) -> bool:
    """Tell whether an error names the words that are allowed at a location."""
    return bool(
        error["type"] == "literal_error"
        and _yaml_location(error["loc"], lines) == location
    )


def _of_meant_branches(errors: list[Any]) -> list[Any]:
    """Return the errors without those of union branches that fit worse than another.

    A branch whose own key is there, as `material` of a crystal, was meant before one
    with fewer mistakes whose own is not.
    """
    missing: Counter[tuple[Any, ...]] = Counter()
    number: Counter[tuple[Any, ...]] = Counter()
    for error in errors:
        for n, part in enumerate(error["loc"]):
            if part in _CLASSES:
                number[error["loc"][: n + 1]] += 1
        if error["type"] == "missing":
            missing[error["loc"][:-1]] += 1
    counts = {branch: (missing[branch], n) for branch, n in number.items()}
    fewest: dict[tuple[Any, ...], tuple[int, int]] = {}
    for branch, count in counts.items():
        fewest[branch[:-1]] = min(count, fewest.get(branch[:-1], count))
    return [
        error
        for error in errors
        if all(
            counts[error["loc"][: n + 1]] == fewest[error["loc"][:n]]
            for n, part in enumerate(error["loc"])
            if part in _CLASSES
        )
    ]


def _rank(
    error: Any, lines: dict[tuple[str | int, ...], int]
) -> tuple[int, bool, bool]:
    location = _yaml_location(error["loc"], lines)
    ours = error["type"] == "value_error"  # our own sentence, not pydantic's
    return (len(location), error["type"] != "missing", ours)


def _yaml_location(
    location: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int]
) -> tuple[str | int, ...]:
    """Drop the names of union branches that pydantic puts between keys."""
    path: tuple[str | int, ...] = ()
    for position, part in enumerate(location):
        last = position == len(location) - 1
        if (*path, part) in lines or (last and not _is_branch(part)):
            path = (*path, part)
    return path


def _is_branch(part: str | int) -> bool:
    return isinstance(part, str) and (part in _CLASSES or not part.isidentifier())


_CLASSES: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        AmorphousLayer,
        CrystalLayer,
        Doping,
        EngineChoice,
        EngineNames,
        Exchange,
        FilmLayer,
        PartLayer,
        PhasesSpec,
        PolymerLayer,
        SlabLayer,
    )
} | {"str": str, "int": int}
_PARTS: dict[str, type] = {
    "doping": Doping,
    "ordering": Ordering,
    "scan": RegistryScan,
    "electrolyte": Electrolyte,
    "kinetics": Kinetics,
    "geometry": Geometry,
    "seed": Seed,
}
_OWNERS: dict[str, type] = {
    "interfaces": InterfaceSpec,
    "deposition": DepositionSpec,
    "surfaces": CrystalLayer,
    "dynamics": DynamicsSpec,
    "references": ReferenceSpec,
    "phases": PhasesSpec,
    "published": PublishedEnergy,
    "relaxation": Relaxation,
    "spot_checks": SpotCheckSpec,
    "vasp": VaspSettings,
    "dft": DftSettings,
}


def _unknown_key(location: tuple[str | int, ...]) -> str:
    if "substrate" in location and location[-1] in ("polymer", "film", "amorphous"):
        return (
            "a substrate is a crystal or a slab; polymers, films and amorphous layers "
            "can only be the film: let both change places"
        )
    return "no such key" + _allowed(location)


def _allowed(location: tuple[str | int, ...]) -> str:
    """Return the keys that would have been allowed at a location, and the closest."""
    owner: type = Study
    for part in location[:-1]:
        if isinstance(part, str) and part in _CLASSES:
            owner = _CLASSES[part]
        elif part in _PARTS:
            owner = _PARTS[str(part)]
        elif isinstance(part, str) and owner is Study and part in _OWNERS:
            owner = _OWNERS[part]
    allowed = sorted(field.name for field in fields(owner))
    close = get_close_matches(str(location[-1]), allowed, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint or '.'} Allowed here: {', '.join(allowed)}"
