"""A study: which interfaces, which protocol, which engine. Read from YAML, validated.

`load(name_or_path)` returns a built-in study or a user's file; every mistake in it is
reported with its line, its key, the value and what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Literal

import yaml

from structures.specs import CrystalLayer, InterfaceSpec, PolymerLayer
from workflows.engines import EngineChoice
from workflows.errors import IonfaceError

FORBID: dict[str, Any] = {"extra": "forbid"}
QUICK_STEPS = 200
QUICK_FMAX = 0.15


@dataclass(frozen=True)
class Relaxation:
    """How far structures are relaxed.

    Attributes:
        fmax: largest force left, eV/Å; the protocol's if not given.
        steps: at most so many; an energy that needs more stays out of the ledger.
    """

    __pydantic_config__: ClassVar = FORBID

    fmax: float | None = None
    steps: int = 1000


@dataclass(frozen=True)
class DynamicsSpec:
    """Dynamics of one interface and the pairs whose RDFs are followed.

    Attributes:
        interface: name of one of the study's interfaces.
        steps: of the whole run.
        segment: steps of one job; the run is a chain of them.
        temperature: K; the protocol's if not given.
        timestep: fs; the protocol's if not given.
        pairs: as in "In-S".
        references: crystals whose RDFs stand beside the interface's.
        cutoff: of the RDFs, Å.
        windows: number of time windows.
        prerelax: steps of relaxation before the dynamics.
        seed: of the first velocities.
        stride: every so many steps a frame is kept.
    """

    __pydantic_config__: ClassVar = FORBID

    interface: str
    steps: int
    pairs: tuple[str, ...]
    segment: int | None = None
    temperature: float | None = None
    timestep: float | None = None
    references: tuple[str, ...] = ()
    cutoff: float = 8.0
    windows: int = 10
    prerelax: int = 50
    seed: int = 0
    stride: int = 1


@dataclass(frozen=True)
class ReferenceSpec:
    """A crystal whose RDF, at rest and in motion, interfaces are compared with.

    Attributes:
        crystal: library name or path.
        pairs: whose RDF.
        steps: of its dynamics; 0 for the crystal at rest alone.
        min_atoms: the cell is repeated until it holds as many.
    """

    __pydantic_config__: ClassVar = FORBID

    crystal: str
    pairs: tuple[str, ...]
    steps: int = 500
    min_atoms: int = 60


@dataclass(frozen=True)
class Published:
    """One line of a paper's table, to be set beside ours.

    Attributes:
        interface: name of the study's interface.
        e_total: of the interface, eV.
        slabs: energy of each slab, eV.
        area: Å².
        sigma_j_per_m2: interface energy, J/m².
        source: table and paper.
    """

    __pydantic_config__: ClassVar = FORBID

    interface: str
    sigma_j_per_m2: float
    source: str
    e_total: float | None = None
    slabs: dict[str, float] = field(default_factory=dict)
    area: float | None = None


@dataclass(frozen=True)
class EngineNames:
    """Which engine computes the energies and which one the dynamics."""

    __pydantic_config__: ClassVar = FORBID

    formation: str | EngineChoice = "sevennet"
    dynamics: str | EngineChoice = "chgnet"


@dataclass(frozen=True)
class Study:
    """Everything that a user decides; the graph follows from it.

    Attributes:
        name: short, of letters, digits, dots, dashes and underscores.
        interfaces: what is built.
        protocol: whose settings.
        engine: one engine for all, or one for energies and one for dynamics.
        title: one line for tables and the report.
        formation: names of the interfaces whose formation energy is computed; all of
            them if not given.
        slabs: relaxed in the interface's cell, or frozen as they are in the interface.
        relaxation: of interfaces and slabs.
        dynamics: runs.
        references: crystals to compare with.
        published: the paper's values.
        quick: set by `quickened`; results say so.
    """

    __pydantic_config__: ClassVar = FORBID

    name: str
    interfaces: tuple[InterfaceSpec, ...]
    protocol: str = "li-2024"
    engine: str | EngineNames | EngineChoice = field(default_factory=EngineNames)
    title: str = ""
    formation: tuple[str, ...] | None = None
    slabs: Literal["relaxed", "frozen"] = "relaxed"
    relaxation: Relaxation = field(default_factory=Relaxation)
    dynamics: tuple[DynamicsSpec, ...] = ()
    references: tuple[ReferenceSpec, ...] = ()
    published: tuple[Published, ...] = ()
    quick: bool = False

    def interface(self, name: str) -> InterfaceSpec:
        """Return the interface of this name."""
        return next(spec for spec in self.interfaces if spec.name == name)

    @property
    def formation_names(self) -> tuple[str, ...]:
        """Return the names of the interfaces whose energy is asked for."""
        if self.formation is not None:
            return self.formation
        return tuple(spec.name for spec in self.interfaces)

    def engines(self) -> EngineNames:
        """Return the engine of each kind of job."""
        if isinstance(self.engine, EngineNames):
            return self.engine
        return EngineNames(self.engine, self.engine)

    def with_engine(self, engine: str | None) -> Study:
        """Return the study with all jobs on another engine."""
        return self if engine is None else replace(self, engine=engine)


def quickened(study: Study) -> Study:
    """Return the same graph with thin slabs, loose forces and 0.4 ps of dynamics."""
    return replace(
        study,
        quick=True,
        interfaces=tuple(_thinner(spec) for spec in study.interfaces),
        relaxation=replace(study.relaxation, fmax=QUICK_FMAX),
        dynamics=tuple(
            replace(
                run,
                steps=min(run.steps, QUICK_STEPS),
                segment=QUICK_STEPS // 2,
                windows=min(run.windows, 4),
                prerelax=min(run.prerelax, 20),
            )
            for run in study.dynamics
        ),
        references=tuple(
            replace(ref, steps=min(ref.steps, QUICK_STEPS // 2), min_atoms=32)
            for ref in study.references
        ),
    )


def _thinner(spec: InterfaceSpec) -> InterfaceSpec:
    def half(layer: CrystalLayer | PolymerLayer) -> CrystalLayer | PolymerLayer:
        if isinstance(layer, PolymerLayer):
            return layer
        if layer.layers is not None:
            return replace(layer, layers=min(layer.layers, _quick_layers(layer.layers)))
        return replace(layer, thickness=(layer.thickness or 10.0) / 2)

    substrate = half(spec.substrate)
    assert isinstance(substrate, CrystalLayer)
    return replace(spec, film=half(spec.film), substrate=substrate)


def _quick_layers(layers: int) -> int:
    return max(2, round(0.4 * layers))


# --- reading ----------------------------------------------------------------------


def builtin_names() -> list[str]:
    """Return the names of the studies that come with the package."""
    folder = files("workflows") / "studies"
    names = (Path(entry.name) for entry in folder.iterdir())
    return sorted(path.stem for path in names if path.suffix == ".yaml")


def load(name_or_path: str) -> Study:
    """Return a built-in study by name, or a user's by the path of its YAML file.

    Raises:
        IonfaceError: no such study, not YAML, or not a valid study.
    """
    if name_or_path in builtin_names():
        text = (files("workflows") / "studies" / f"{name_or_path}.yaml").read_text()
        return parse(text, name_or_path)
    path = Path(name_or_path)
    if not path.is_file():
        close = get_close_matches(name_or_path, builtin_names(), n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise IonfaceError(
            f"unknown study {name_or_path!r}: neither built in nor a file; {hint}"
            f"built in are {builtin_names()}"
        )
    try:
        return parse(path.read_text(), str(path))
    except UnicodeDecodeError as error:
        raise IonfaceError(f"{path} is not a text file: {error}") from error


def parse(text: str, source: str) -> Study:
    """Return the study that a YAML text describes.

    Args:
        text: YAML.
        source: the file's name, for messages.

    Raises:
        IonfaceError: with line, key, value and what is allowed.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        data = yaml.safe_load(text)
        lines = _lines(yaml.compose(text), ())
    except yaml.YAMLError as error:
        raise IonfaceError(f"{source} is not valid YAML: {error}") from error
    if not isinstance(data, Mapping):
        raise IonfaceError(
            f"{source} must be a mapping of keys such as name and interfaces, "
            f"not {type(data).__name__}"
        )
    try:
        study = TypeAdapter(Study).validate_python(data)
    except ValidationError as error:
        raise IonfaceError(_explain(error.errors(), lines, source)) from error
    return checked(study, source)


def _lines(
    node: yaml.Node | None, at: tuple[str | int, ...]
) -> dict[tuple[str | int, ...], int]:
    """Return the line number of every key of a YAML document."""
    if node is None:
        return {}
    found = {at: node.start_mark.line + 1}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            found |= _lines(value, (*at, key.value))
            found[(*at, key.value)] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            found |= _lines(value, (*at, position))
    return found


def _explain(
    errors: list[Any], lines: dict[tuple[str | int, ...], int], source: str
) -> str:
    # a union reports every branch: the branch that got furthest is what was meant
    deepest = max(errors, key=lambda error: _rank(error, lines))
    location = _yaml_location(deepest["loc"], lines)
    key = ".".join(str(part) for part in location) or "the study"
    line = next(
        (lines[location[:n]] for n in range(len(location), -1, -1)
         if location[:n] in lines),
        1,
    )
    value = deepest.get("input")
    shown = f" (got {value!r})" if isinstance(value, str | int | float | bool) else ""
    message = {
        "unexpected_keyword_argument": "no such key" + _allowed(deepest["loc"]),
        "missing": "this key is required",
    }.get(deepest["type"], str(deepest["msg"]))
    return f"{source}, line {line}: {key}: {message}{shown}"


def _rank(error: Any, lines: dict[tuple[str | int, ...], int]) -> tuple[int, int]:
    location = _yaml_location(error["loc"], lines)
    return (len(location), error["type"] != "missing")


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
    for cls in (CrystalLayer, PolymerLayer, EngineNames, EngineChoice)
} | {"str": str}
_OWNERS: dict[str, type] = {
    "interfaces": InterfaceSpec,
    "dynamics": DynamicsSpec,
    "references": ReferenceSpec,
    "published": Published,
    "relaxation": Relaxation,
}


def _allowed(location: tuple[str | int, ...]) -> str:
    """Return the keys that would have been allowed at a location, and the closest."""
    from structures.specs import Doping

    owner: type = Study
    for part in location[:-1]:
        if part == "doping":
            owner = Doping
        elif isinstance(part, str) and part in _CLASSES:
            owner = _CLASSES[part]
        elif part == "substrate":
            owner = CrystalLayer
        elif isinstance(part, str) and owner is Study and part in _OWNERS:
            owner = _OWNERS[part]
    allowed = sorted(getattr(owner, "__dataclass_fields__", {}))
    close = get_close_matches(str(location[-1]), allowed, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint} Allowed here: {', '.join(allowed)}"


# --- rules that need the whole study ----------------------------------------------


def checked(study: Study, source: str) -> Study:
    """Return the study if it makes sense as a whole.

    Raises:
        IonfaceError: names that do not match, impossible numbers, unknown elements.
    """
    from workflows.protocols import protocol

    protocol(study.protocol)
    if not re.fullmatch(r"[A-Za-z0-9._-]+", study.name):
        raise IonfaceError(
            f"{source}: name: {study.name!r} must consist of letters, digits, dots, "
            "dashes and underscores, since folders are named after it"
        )
    names = [spec.name for spec in study.interfaces]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise IonfaceError(f"{source}: interfaces: the name {twice[0]!r} stands twice")
    _check_names(study, names, source)
    for run in study.dynamics:
        _check_positive(run, source)
        _check_pairs(run.pairs, f"{source}: dynamics of {run.interface}")
    for reference in study.references:
        _check_pairs(reference.pairs, f"{source}: reference {reference.crystal}")
    return study


def _check_names(study: Study, names: list[str], source: str) -> None:
    asked = {
        "formation": study.formation_names,
        "dynamics": [run.interface for run in study.dynamics],
        "published": [line.interface for line in study.published],
    }
    for key, wanted in asked.items():
        if unknown := [name for name in wanted if name not in names]:
            raise IonfaceError(
                f"{source}: {key}: no interface is called {unknown[0]!r}; have {names}"
            )
    known = [reference.crystal for reference in study.references]
    for run in study.dynamics:
        if unknown := [name for name in run.references if name not in known]:
            raise IonfaceError(
                f"{source}: dynamics of {run.interface}: no reference is called "
                f"{unknown[0]!r}; list it under references, where there are {known}"
            )


def _check_positive(run: DynamicsSpec, source: str) -> None:
    for key in ("steps", "segment", "temperature", "timestep", "cutoff", "windows"):
        value = getattr(run, key)
        if value is not None and value <= 0:
            raise IonfaceError(
                f"{source}: dynamics of {run.interface}: {key} must be above 0, "
                f"not {value}"
            )


def _check_pairs(pairs: tuple[str, ...], where: str) -> None:
    from pymatgen.core import Element

    for pair in pairs:
        elements = pair.split("-")
        if len(elements) != 2:
            raise IonfaceError(
                f"{where}: pair {pair!r} must be two elements joined by a dash, "
                "as in In-S"
            )
        if unknown := [e for e in elements if not Element.is_valid_symbol(e)]:
            raise IonfaceError(f"{where}: {unknown[0]!r} in pair {pair!r} is no element")
