"""The one way in which stored text becomes data and objects: reading is never running.

JSON and YAML may come from a colleague's bundle, a database, or a damaged disk. Their
size and depth are bounded before they are taken apart, and decoding, which imports what
a document names, is given only what stands in an allow-list: our own classes and jobs,
and the plain data of pymatgen, numpy and jobflow. An engine of another package is
trusted by whoever installed it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from enum import Enum
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from ionface.errors import IonfaceError
from ionface.plugins import installed

OURS = "ionface"
DATA = {
    "bson.objectid": {"ObjectId"},
    "datetime": {"datetime", "date"},
    "jobflow.core.flow": {"Flow", "JobOrder"},
    "jobflow.core.job": {"Job", "JobConfig"},
    "jobflow.core.reference": {"OutputReference", "OnMissing"},
    "jobflow.core.schemas": {"JobStoreDocument"},
    "numpy": {"array", "generic"},
    "pathlib": {"Path", "PosixPath"},
    "pymatgen.core.composition": {"Composition"},
    "pymatgen.core.lattice": {"Lattice"},
    "pymatgen.core.periodic_table": {"DummySpecies", "Element", "Species"},
    "pymatgen.core.sites": {"PeriodicSite", "Site"},
    "pymatgen.core.structure": {"Molecule", "Structure"},
    "pymatgen.io.ase": {"MSONAtoms"},
    "uuid": {"UUID"},
}
"""Classes of others that hold data and nothing else, by their modules."""

JOBS = {"jobflow.core.job": {"store_inputs"}}
"""Jobs of others that hand on what they are given: jobflow adds one to each Flow with
an output that takes a job's place."""

MAKERS = ("atomate2", "emmet", "pymatgen")
"""What an engine of another package may be made of; without one nothing of it is."""

MOST_BYTES = 128_000_000  # of a file; a million frames' scalars are 90 MB
MOST_MEMORY = 400_000_000  # bytes of its values, twice while objects are made of them
IN_MEMORY = {"{": 200, "[": 70, ",": 40}  # bytes of what each sign of JSON begins
LONGEST_YAML = 5_000_000  # characters, which take PyYAML a minute
MOST_NODES = 100_000  # of a study or a setting; a written one has a few hundred
DEEPEST = 200


def decode(text: str, where: str) -> Any:
    """Return the object that a JSON text describes.

    Args:
        text: as monty writes it.
        where: it stands, for messages.

    Raises:
        IonfaceError: it is damaged, too large, or names what is none of ours.
    """
    return revive(read_json(text, where), where)


def revive(data: Any, where: str) -> Any:
    """Return plain data with objects in the place of their descriptions.

    Raises:
        IonfaceError: as `decode`.
    """
    from monty.json import MontyDecoder

    check_names(data, where)
    try:
        return MontyDecoder().process_decoded(data)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise IonfaceError(
            f"{where} does not describe what it names ({type(error).__name__}: "
            f"{error}); it is damaged, or of another ionface: put a backup in its place"
        ) from error


# --- text to plain data -----------------------------------------------------------


def text_of(path: Path) -> str:
    """Return the text of a file that fits into memory; damaged bytes are marked.

    Raises:
        IonfaceError: it is too large.
    """
    if (size := path.stat().st_size) > MOST_BYTES:
        raise IonfaceError(
            f"{path} has {size / 1e6:.0f} MB, above the {MOST_BYTES / 1e6:.0f} MB of "
            "any document that ionface writes; nothing was taken from it"
        )
    return path.read_text("utf-8", errors="replace")


def read_json(text: str, where: str) -> Any:
    """Return the plain data of a JSON text, in bounded memory.

    Raises:
        IonfaceError: it is no JSON, or holds too much.
    """
    memory = sum(size * text.count(sign) for sign, size in IN_MEMORY.items())
    if memory > MOST_MEMORY:
        raise IonfaceError(
            f"{where} would take {memory / 1e6:,.0f} MB of memory, above the "
            f"{MOST_MEMORY / 1e6:,.0f} MB of any document that ionface writes; nothing "
            "was taken from it"
        )
    try:
        return json.loads(text)
    except ValueError as error:
        raise IonfaceError(
            f"{where} is damaged ({error}); put a backup in its place"
        ) from error
    except RecursionError:
        raise IonfaceError(_too_deep(where)) from None


def _too_deep(where: str) -> str:
    return (
        f"{where} is nested deeper than {DEEPEST} levels, as nothing that ionface "
        "reads is; nothing was taken from it"
    )


def check_yaml(text: str, where: str) -> None:
    """Refuse YAML that would grow without bounds, before it is taken apart.

    Aliases are counted as what they stand for: nine lines can stand for billions.

    Raises:
        IonfaceError: too deep, or too many values.
        yaml.YAMLError: it is no YAML.
    """
    import yaml

    if len(text) > LONGEST_YAML:
        raise IonfaceError(
            f"{where} has {len(text) / 1e6:.0f} MB, above the {LONGEST_YAML / 1e6:.0f} "
            "MB of a study; give structures as files"
        )
    sizes: dict[str, int] = {}  # nodes behind each anchor
    open_: list[tuple[str | None, int]] = []  # anchor, and nodes before it began
    nodes = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            # a value that holds itself never ends
            nodes += sizes.get(event.anchor or "", MOST_NODES + 1)
        elif isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, nodes))
            nodes += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            sizes |= {anchor: nodes - before} if anchor else {}
        elif isinstance(event, yaml.ScalarEvent):
            nodes += 1
            sizes |= {event.anchor: 1} if event.anchor else {}
        if len(open_) > DEEPEST:
            raise IonfaceError(_too_deep(where))
        if nodes > MOST_NODES:
            raise IonfaceError(
                f"{where} stands for more than {MOST_NODES:,} values, its aliases (*) "
                "written out; write fewer, or give structures as files"
            )


# --- what may be decoded ----------------------------------------------------------


def check_names(data: Any, where: str) -> None:
    """Refuse plain data that names functions that are not our jobs, or foreign classes.

    Raises:
        IonfaceError: with the name.
    """
    engines = _engine_packages()
    for named in _named(data, where):
        module, name = str(named["@module"]), named.get("@class")
        function = named.get("@callable")
        if name is not None and not _is_data(module, str(name), engines):
            _refuse(f"{module}.{name}", "classes", where)
        if function is not None and not _is_job(module, str(function), engines):
            _refuse(f"{module}.{function}", "jobs", where)


def _refuse(name: str, what: str, where: str) -> None:
    raise IonfaceError(
        f"{where} names {name!r}, which is none of ionface's own {what}; reading it "
        "would run it. It was not written by ionface: nothing was taken from it"
    )


def _named(data: Any, where: str) -> Iterator[dict[str, Any]]:
    """Yield every mapping that decoding would import something for."""
    level, depth = [data], 0
    while level:
        if depth > DEEPEST:
            raise IonfaceError(_too_deep(where))
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                if "@module" in item:
                    yield item
                below += item.values()
            elif isinstance(item, list | tuple):
                below += item
        level, depth = below, depth + 1


def _engine_packages() -> frozenset[str]:
    """Return the packages of installed engines."""
    entries = installed("ionface.engines")
    return frozenset(entry.module.partition(".")[0] for entry in entries)


def _is_trusted(module: str, packages: frozenset[str]) -> bool:
    """Tell whether a module is of a package, and no program that importing starts."""
    parts = module.split(".")
    return parts[0] in packages and not any(part.startswith("__") for part in parts)


@cache
def _is_data(module: str, name: str, engines: frozenset[str]) -> bool:
    if name in DATA.get(module, ()):
        return True
    trusted = engines | {OURS} | (frozenset(MAKERS) if engines - {OURS} else set())
    found = _found(module, name) if _is_trusted(module, trusted) else None
    return isinstance(found, type) and (
        dataclasses.is_dataclass(found)
        or issubclass(found, Enum)
        or hasattr(found, "from_dict")
        or hasattr(found, "model_validate")
    )


@cache
def _is_job(module: str, name: str, engines: frozenset[str]) -> bool:
    if name in JOBS.get(module, ()):
        return True
    # the document that a foreign Maker promises stands in its job as a function
    if engines - {OURS} and _is_data(module, name, engines):
        return True
    foreign = frozenset({"atomate2"}) if engines - {OURS} else frozenset()
    trusted = engines | {OURS} | foreign
    found = _found(module, name) if _is_trusted(module, trusted) else None
    return hasattr(found, "original")  # the mark of jobflow's `job`


def _found(module: str, name: str) -> Any:
    try:
        found: Any = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError):
        return None
    return found
