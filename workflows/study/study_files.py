"""Study files: YAML in, a checked Study out, every mistake with its line and key.

`load(name_or_path)` returns a built-in study or a user's; `parse` does the reading.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from ionface.documents import check_yaml
from ionface.errors import AnalysisError, IonfaceError, StructureError
from ionface.structures.specs import InterfaceSpec
from ionface.workflows.study.electrolytes import with_electrolytes
from ionface.workflows.study.file_names import slug
from ionface.workflows.study.input_files import found_from
from ionface.workflows.study.study import DynamicsSpec, PhasesSpec, Study
from ionface.workflows.study.study_messages import explain, lines_of

LONGEST_TIMESTEP = 10.0  # fs; heavy lattices vibrate in 100 fs and more
SHORTEST_TIMESTEP = 0.05  # fs; H2, the fastest vibration, has a period of 8 fs
COLD = 100.0  # K; below it, somebody may have thought of °C
LONGEST_NAME = 100  # file systems take 255 bytes, and more is put before and behind
MOST_SEGMENTS = 1000  # jobs of one run; each is written, planned and looked at


def builtin_names() -> list[str]:
    """Return the names of the studies that come with the package."""
    folder = files("ionface.workflows.study") / "studies"
    names = (Path(entry.name) for entry in folder.iterdir())
    return sorted(path.stem for path in names if path.suffix == ".yaml")


def source(name_or_path: str) -> str:
    """Return the YAML text of a valid study.

    Raises:
        IonfaceError: as `load`.
    """
    load(name_or_path)
    return _text(name_or_path)


def interface_place(name_or_path: str, number: int) -> str:
    """Return where a study's interface stands, as messages about studies say it.

    Args:
        name_or_path: of the study.
        number: of the interface, from 0.
    """
    lines = lines_of(yaml.compose(_text(name_or_path)), (), name_or_path)
    line = lines.get(("interfaces", number), 1)
    return f"{name_or_path}, line {line}: interfaces.{number}"


def _text(name_or_path: str) -> str:
    if name_or_path in builtin_names():
        return _builtin(name_or_path)
    return Path(name_or_path).read_text("utf-8")


def _builtin(name: str) -> str:
    return (files("ionface.workflows.study") / "studies" / f"{name}.yaml").read_text()


def load(name_or_path: str | Path) -> Study:
    """Return a built-in study by name, or a user's by the path of its YAML file.

    >>> study = load("lpscl-in")
    >>> study.interface("LPSCl|In").film.material
    'In'

    Raises:
        IonfaceError: no such study, not YAML, or not a valid study.
    """
    if not isinstance(name_or_path, str | Path):
        raise IonfaceError(
            "a study is the name of a built-in one or the path of a YAML file, not "
            f"{name_or_path!r:.60}"
        )
    name_or_path = str(name_or_path)
    if name_or_path in builtin_names():
        return parse(_builtin(name_or_path), name_or_path)
    path = Path(name_or_path)
    if not path.is_file():
        close = get_close_matches(name_or_path, builtin_names(), n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise IonfaceError(
            f"unknown study {name_or_path!r}: neither built in nor a file; {hint}"
            f"built in are {builtin_names()}"
        )
    try:
        return found_from(parse(path.read_text(), str(path)), path.parent)
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
        check_yaml(text, source)
        data = yaml.safe_load(text)
        lines = lines_of(yaml.compose(text), (), source)
    except yaml.YAMLError as error:
        raise IonfaceError(f"{source} is not valid YAML: {error}") from error
    if not isinstance(data, Mapping):
        raise IonfaceError(
            f"{source} must be a mapping of keys such as name and interfaces, "
            f"not {type(data).__name__}"
        )
    try:
        data = _with_parts(_with_engines(data, source))
        data = with_electrolytes(data, Path(source).parent)
    except AnalysisError as error:
        raise IonfaceError(f"{source}: {error}") from error
    try:
        study = TypeAdapter(Study).validate_python(data)
    except ValidationError as error:
        raise IonfaceError(explain(error.errors(), lines, source)) from error
    _check_limits(study, lines, source)
    return checked(study, source)


def _check_limits(
    study: Study, lines: Mapping[tuple[str | int, ...], int], source: str
) -> None:
    """Refuse numbers of layers and interfaces that nothing can be built with."""
    from ionface.structures.limits import check_numbers, check_spec

    def told(place: tuple[str | int, ...], check: Callable[[], None]) -> None:
        try:
            check()
        except StructureError as error:
            key = ".".join(map(str, place))
            raise IonfaceError(
                f"{source}, line {lines.get(place, 1)}: {key}: {error}"
            ) from error

    for number, spec in enumerate(study.interfaces):
        told(("interfaces", number), partial(check_numbers, spec))
    for number, layer in enumerate(study.surfaces):
        told(("surfaces", number), partial(check_spec, layer.phase, layer))


def _with_engines(data: Mapping[str, Any], source: str) -> Mapping[str, Any]:
    """Return a study's data with the first of its `engines`, and the others beside.

    Raises:
        IonfaceError: they are not two or more different names.
    """
    if "engines" not in data:
        return data
    names = data["engines"]
    rest = {key: value for key, value in data.items() if key != "engines"}
    several = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if "engine" in data or not several or len(names) < 2 or len({*names}) < len(names):
        raise IonfaceError(
            f"{source}: engines: {names!r} must be two or more different names, as in "
            "[sevennet, chgnet], and stands instead of engine"
        )
    return {**rest, "engine": names[0], "beside": names[1:]}


def _with_parts(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a study's data with both sides of interfaces that were built elsewhere."""
    interfaces = data.get("interfaces")
    if not isinstance(interfaces, list):
        return data
    plain = {side: {"part": side} for side in ("film", "substrate")}
    whole = [
        {**plain, **entry} if isinstance(entry, Mapping) and "structure" in entry
        else entry
        for entry in interfaces
    ]  # fmt: skip
    return {**data, "interfaces": whole}


def to_yaml(study: Study) -> str:
    """Return a study as YAML that reads back as the same study."""
    from pydantic import TypeAdapter

    data = TypeAdapter(Study).dump_python(study, mode="json", exclude_none=True)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


# --- rules that need the whole study ----------------------------------------------


def checked(study: Study, source: str) -> Study:
    """Return the study if it makes sense as a whole.

    Raises:
        IonfaceError: names that do not match, impossible numbers, unknown elements.
    """
    from ionface.workflows.study.protocols import protocol

    protocol(study.protocol)
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", study.name):
        raise IonfaceError(
            f"{source}: name: {study.name[:120]!r} must begin with a letter or digit "
            "and consist of at most 100 letters, digits, dots, dashes and underscores, "
            "since folders are named after it"
        )
    names = [spec.name for spec in study.interfaces]
    _check_distinct(names, source)
    lists = (study.interfaces, study.surfaces, study.systems, study.deposition)
    if not any((*lists, study.references)):
        raise IonfaceError(
            f"{source}: nothing to compute; list interfaces, cells under deposition, "
            "surfaces as in {material: Li, miller: [1, 1, 0], thickness: 12}, or "
            "phases as in {elements: [Li, In]}"
        )
    cells = [cell.name for cell in study.deposition]
    if twice := sorted({name for name in cells if cells.count(name) > 1}):
        raise IonfaceError(f"{source}: deposition: the name {twice[0]!r} stands twice")
    _check_names(study, names, source)
    _check_potentials(study, source)
    for run in study.dynamics:
        _check_timestep(run, source)
        _check_seeds(run, source)
        _check_segments(run, source)
        _check_pairs(run.pairs, f"{source}: dynamics of {run.interface}")
        _check_until(run, source)
    for reference in study.references:
        _check_pairs(reference.pairs, f"{source}: reference {reference.crystal}")
    for spec in study.systems:
        _check_system(spec, f"{source}: phases of {spec.system}")
    return study


def _check_distinct(names: list[str], source: str) -> None:
    """Refuse names of interfaces that would share one file, or have none."""
    taken: dict[str, str] = {}
    for name in names:
        stem = slug(name)
        if stem in taken:
            raise IonfaceError(
                f"{source}: interfaces: the name {name!r} stands twice"
                if taken[stem] == name
                else f"{source}: interfaces: {taken[stem]!r} and {name!r} would share "
                f"files called {stem}; call one otherwise"
            )
        if not stem.strip(".") or len(stem) > LONGEST_NAME:
            raise IonfaceError(
                f"{source}: interfaces: the name {name[:120]!r} must have a letter or "
                f"digit and at most {LONGEST_NAME} signs: files are named after it"
            )
        taken[stem] = name


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


def _check_potentials(study: Study, source: str) -> None:
    """Refuse chemical potentials that are none, or of one engine out of several."""
    from pymatgen.core import Element

    for element, value in study.chemical_potentials.items():
        where = f"{source}: chemical_potentials: {element}"
        if not Element.is_valid_symbol(element):
            raise IonfaceError(f"{where}: {element!r} is no element")
        if isinstance(value, str):
            continue
        if not math.isfinite(value):
            raise IonfaceError(f"{where}: {value} must be a number in eV per atom")
        if study.beside:
            raise IonfaceError(
                f"{where}: {value:g} eV per atom belongs to one engine, and engines "
                "has several; name a crystal of the element instead, which each of "
                f"them relaxes, as in {{{element}: {element}}}"
            )


def _check_system(spec: PhasesSpec, where: str) -> None:
    """Refuse compounds and contacts that are not of the system."""
    from pymatgen.core import Composition, Element

    if unknown := [e for e in spec.elements if not Element.is_valid_symbol(e)]:
        raise IonfaceError(f"{where}: elements: {unknown[0]!r} is no element")
    asked = [*spec.windows]
    for text in spec.contacts:
        pair = text.split(":")
        if len(pair) != 2 or not all(pair):
            raise IonfaceError(
                f"{where}: contacts: {text!r} does not name two phases; write them as "
                "Li6PS5Cl:LiIn"
            )
        asked += pair
    allowed = {*spec.elements}
    if spec.windows and spec.against not in allowed:
        raise IonfaceError(
            f"{where}: against: {spec.against!r} is not among the elements; add it"
        )
    for name in asked:
        try:
            there = {e.symbol for e in Composition(name).elements}
        except ValueError:
            continue  # a name of the library or of a file, not a formula
        if foreign := sorted(there - allowed):
            raise IonfaceError(
                f"{where}: {name} has {', '.join(foreign)}, which the system has not; "
                "add it to elements"
            )


def _check_timestep(run: DynamicsSpec, source: str) -> None:
    if run.timestep is not None and run.timestep > LONGEST_TIMESTEP:
        raise IonfaceError(
            f"{source}: dynamics of {run.interface}: timestep: {run.timestep:g} fs is "
            "longer than atoms' vibrations allow, and the run would explode; set at "
            f"most {LONGEST_TIMESTEP:g} fs; as a rule 2 fs, and 1 fs with hydrogen"
        )

    if run.timestep is not None and run.timestep < SHORTEST_TIMESTEP:
        raise IonfaceError(
            f"{source}: dynamics of {run.interface}: timestep: {run.timestep:g} fs is "
            f"shorter than any vibration needs; times are in fs: if "
            f"{run.timestep:g} ps were meant, give {1000 * run.timestep:g}"
        )


def _check_segments(run: DynamicsSpec, source: str) -> None:
    if run.segment and run.steps > MOST_SEGMENTS * run.segment:
        raise IonfaceError(
            f"{source}: dynamics of {run.interface}: {run.steps:,} steps in segments "
            f"of {run.segment:,} would be {run.steps / run.segment:,.0f} jobs, above "
            f"{MOST_SEGMENTS:,}; give a segment of {-(-run.steps // MOST_SEGMENTS):,} "
            "steps or more, or none"
        )


def _check_until(run: DynamicsSpec, source: str) -> None:
    from ionface.workflows.study.stopping_criterion import criterion

    if run.until is None:
        return
    try:
        criterion(run.until)
    except IonfaceError as error:
        raise IonfaceError(f"{source}: dynamics of {run.interface}: {error}") from error


def remarks(study: Study) -> list[str]:
    """Return what is allowed and yet probably not meant."""
    cold = [
        f"dynamics of {run.interface}: temperature: {run.temperature:g} K is cold; if "
        f"{run.temperature:g} °C were meant, give {run.temperature + 273:g}"
        for run in study.dynamics
        if run.temperature is not None and run.temperature < COLD
    ]
    return cold + [
        f"dynamics of {run.interface}: prerelax: {run.prerelax} begins at the gap and "
        "in the height that the sandwich was built with, which nothing has relaxed: it "
        "may be under pressure all the time; give prerelax: 50, or start: joined"
        for run in study.dynamics
        if run.prerelax <= 1 and _is_as_built(study.interface(run.interface))
    ]


def _is_as_built(spec: InterfaceSpec) -> bool:
    """Return whether nothing brings the sides of a sandwich to rest before a run."""
    return not spec.vacuum and spec.structure is None and spec.start == "cut"


def _check_seeds(run: DynamicsSpec, source: str) -> None:
    seeds = run.every_seed
    where = f"{source}: dynamics of {run.interface}: seeds"
    if not seeds:
        raise IonfaceError(f"{where}: none is given; name at least one, as in [1, 2]")
    if twice := sorted({seed for seed in seeds if seeds.count(seed) > 1}):
        raise IonfaceError(
            f"{where}: {twice[0]} stands twice, and equal seeds give the same run, not "
            "an independent one; give each its own"
        )
    if run.seed and not isinstance(run.seeds, int):
        raise IonfaceError(
            f"{where}: {list(seeds)} name every seed, so that seed: {run.seed} has no "
            "meaning; leave seed out, or give seeds as a number, counted from it"
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
            raise IonfaceError(
                f"{where}: {unknown[0]!r} in pair {pair!r} is no element"
            )
