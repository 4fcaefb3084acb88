"""The crystal files that a study names: found from anywhere, kept in its project.

A study file names a CIF relative to itself. A project keeps a copy below `inputs/`, in
a folder that is called after its digest: so what the study is does not depend on where
the file was, and a file that was changed makes another study.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ionface.errors import IonfaceError
from ionface.files import file_digest
from ionface.structures.specs import SIDES, CrystalLayer, Layer, SlabLayer
from ionface.workflows.study.study import EngineChoice, EngineNames, Study

INPUTS = "inputs"
DIGITS = 12  # of a digest that a folder is called after


def with_files(study: Study, change: Callable[[str], str]) -> Study:
    """Return the study with every name of a crystal or file changed by a function."""

    def layer(spec: Layer) -> Layer:
        # a structure may stand in the study itself, as plain data
        if isinstance(spec, CrystalLayer) and isinstance(spec.material, str):
            name = spec.name or Path(spec.material).stem
            return replace(spec, material=change(spec.material), name=name)
        if isinstance(spec, SlabLayer) and isinstance(spec.slab, str):
            name = spec.name or Path(spec.slab).stem
            return replace(spec, slab=change(spec.slab), name=name)
        return spec

    interfaces = []
    for spec in study.interfaces:
        sides: dict[str, Any] = {s: layer(getattr(spec, s)) for s in SIDES}
        if isinstance(spec.structure, str):
            sides["structure"] = change(spec.structure)
        interfaces.append(replace(spec, **sides))
    facets = [layer(facet) for facet in study.surfaces]
    return replace(
        study,
        interfaces=tuple(interfaces),
        surfaces=tuple(f for f in facets if isinstance(f, CrystalLayer)),
        chemical_potentials={
            element: change(value) if isinstance(value, str) else value
            for element, value in study.chemical_potentials.items()
        },
        phases=tuple(
            replace(spec, extra=tuple(map(change, spec.extra)))
            for spec in study.systems
        ),
        references=tuple(
            replace(r, crystal=change(r.crystal)) for r in study.references
        ),
        dynamics=tuple(
            replace(run, references=tuple(map(change, run.references)))
            for run in study.dynamics
        ),
    )


def found_from(study: Study, folder: Path) -> Study:
    """Return the study with files, meant relative to a folder, found from anywhere.

    Raises:
        IonfaceError: a project's copy of a file is not what it was.
    """

    def found(name: str) -> str:
        path = folder / name
        if not path.is_file():
            return name
        _check_copy(name, path)
        return str(path.resolve())

    return with_engine_files(with_files(study, found), found)


def _check_copy(name: str, path: Path) -> None:
    """Refuse a copy in a project that was changed: it is called by its content."""
    first, _, rest = name.partition("/")
    known = rest.partition("/")[0]
    if first == INPUTS and file_digest(path)[:DIGITS] != known:
        raise IonfaceError(
            f"{path} is not the file any more that this project was made with; bring "
            "that one back, or run the study of the changed file in another `project`"
        )


def with_engine_files(study: Study, change: Callable[[str], str]) -> Study:
    """Return the study with the file of every engine's own weights changed."""

    def changed(choice: Any) -> Any:
        if isinstance(choice, EngineNames):
            each = (changed(choice.formation), changed(choice.dynamics))
            return EngineNames(*each)
        if isinstance(choice, EngineChoice) and choice.weights:
            return replace(choice, weights=change(choice.weights))
        return choice

    spots = study.spot_checks
    if spots:
        spots = replace(spots, engine=changed(spots.engine))
    return replace(study, engine=changed(study.engine), spot_checks=spots)


def by_content(study: Study) -> tuple[Study, dict[str, Path]]:
    """Return the study with files named by their content, and where they are.

    Args:
        study: with files that are found from here.

    Returns:
        The study whose files are called as a project keeps them, relative to it; the
        files by these names.
    """
    sources: dict[str, Path] = {}

    def kept(name: str) -> str:
        path = Path(name)
        if not (path.is_absolute() and path.is_file()):
            return name
        inside = f"{INPUTS}/{file_digest(path)[:DIGITS]}/{path.name}"
        sources[inside] = path
        return inside

    return with_files(study, kept), sources


def changed_file(before: Study, after: Study) -> str:
    """Return what differs if two studies differ in the content of a file alone.

    Args:
        before: of a project, as `by_content` names its files.
        after: likewise, of the study that is to be run in it.
    """
    if with_files(before, _bare) != with_files(after, _bare):
        return ""
    old, new = _names(before), _names(after)
    was, now = next((a, b) for a, b in zip(old, new, strict=True) if a != b)
    if now.startswith(f"{INPUTS}/"):
        return f"{Path(now).name} is not the file that it was made with, its own {was}"
    return (
        f"the file {now} is not there any more; the project has a copy, so run its "
        "own study.yaml"
    )


def _bare(name: str) -> str:
    return Path(name).name


def _names(study: Study) -> list[str]:
    names: list[str] = []

    def note(name: str) -> str:
        names.append(name)
        return name

    with_files(study, note)
    return names
