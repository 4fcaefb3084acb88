"""What `ionface analyze` reads and writes: runs, projects, results and their files."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ionface.errors import AnalysisError, IonfaceError
from ionface.workflows.cli.console import say, table, tell_notes
from ionface.workflows.cli.wording import in_flags

if TYPE_CHECKING:
    from ionface.analysis.energies.formation_energies import FormationEnergies
    from ionface.analysis.kind import Kind
    from ionface.analysis.result import Result
    from ionface.analysis.trajectory.trajectory import Trajectory

BESIDE = (".csv", ".png")
"""Suffixes of the table and of the figure, which stand beside the JSON file."""

TABLES = (".csv", ".tsv", ".txt")
"""Suffixes of measured tables; no run has them."""


# --- what is read ---------------------------------------------------------------------


def check_exist(paths: list[Path]) -> None:
    """Refuse paths that are not there."""
    for path in paths:
        if not path.exists():
            raise IonfaceError(
                f"{path} does not exist; give a project, a VASP directory or a "
                "trajectory file"
            )


@dataclass(frozen=True)
class Told:
    """What a user tells that the files do not.

    Attributes:
        timestep: between stored frames, fs.
        cell: lengths, lengths and angles, or vectors: as in "10,10,25".
        elements: of the names in the files: as in "1=Li,2=O", or "Li,O" of 1 and 2.
    """

    timestep: float | None = None
    cell: str | None = None
    elements: str | None = None


def open_frames(
    paths: list[Path], told: Told | None = None, needs: Collection[str] = ()
) -> Trajectory:
    """Return the trajectory of files, directories or a project.

    Args:
        paths: of them; several are segments.
        told: what they do not tell.
        needs: species without which reading is of no use.
    """
    from ionface.analysis.readers import open_trajectory

    check_exist(paths)
    told = told or Told()
    files: list[Path | Trajectory] = []
    for path in paths:
        files += [_of_project(path)] if _is_project(path) else _segments(path)
    try:
        frames = open_trajectory(
            files if len(files) > 1 else files[0],
            timestep_fs=told.timestep,
            species=told.elements and _elements(told.elements),
            lattice=told.cell and _numbers(told.cell),
            needs=needs,
        )
    except AnalysisError as error:
        text = re.sub(r"species=\{'(.*?)': '(\w+)'\}", r"--elements \1=\2", str(error))
        error.args = (text.replace("lattice=", "--cell "),)
        raise
    return _told_whole(frames)


def _told_whole(frames: Trajectory) -> Trajectory:
    """Return a trajectory, after telling what of its files could not be used."""
    if left := frames.skipped:
        tell_notes([f"{left.count} frame(s) left out: {left.reason}"])
    return frames


def _elements(text: str) -> dict[str, str]:
    """Return "1=Li,2=O", or "Li,O" for short, as elements by their names in files."""
    words = text.replace(",", " ").split()
    pairs = [word.rpartition("=") for word in words]
    return {name or str(n): symbol for n, (name, _, symbol) in enumerate(pairs, 1)}


def _numbers(text: str) -> list[float]:
    try:
        return [float(word) for word in text.replace(",", " ").split()]
    except ValueError as error:
        raise IonfaceError(
            f"--cell {text!r} has what is no number ({error}); give lengths in Å, or "
            "lengths and angles in degrees, or three vectors, as in 10,10,25"
        ) from error


def named_trajectories(
    paths: list[Path], timestep: float | None
) -> Iterator[tuple[str, Trajectory]]:
    """Yield the trajectories of projects, files or directories, with their names."""
    from ionface.analysis.readers import open_trajectory

    check_exist(paths)
    for path in paths:
        if _is_project(path):
            yield from _all_of_project(path)
        else:
            frames = open_trajectory(path, timestep_fs=timestep)
            yield path.stem, _told_whole(frames)


def _all_of_project(root: Path) -> Iterator[tuple[str, Trajectory]]:
    from ionface.workflows.projects.project import Project
    from ionface.workflows.projects.trajectories import open_shown, shown_trajectories

    project, files = Project.open(root), shown_trajectories(root)
    if not files:
        raise IonfaceError(f"{root} holds no trajectory: no run is finished")
    for file in files:
        yield file.stem, open_shown(project, file)


def _is_project(path: Path) -> bool:
    return (path / "project.json").is_file()


def _segments(path: Path) -> list[Path]:
    """Return the segments of dynamics run by hand, else the path itself."""
    if path.is_file():  # the import takes longer than reading a short file
        return [path]
    from ionface.workflows.planning.input_results import dynamics_parts

    return dynamics_parts(path) or [path]


def _of_project(root: Path) -> Trajectory:
    """Return the one trajectory of a project that belongs to an interface."""
    from ionface.workflows.projects.project import Project
    from ionface.workflows.projects.trajectories import open_shown, shown_trajectories
    from ionface.workflows.study.file_names import slug

    project = Project.open(root)
    study, stored = project.study, shown_trajectories(root)
    if not stored:
        why = "no dynamics are finished" if study.dynamics else "its study has none"
        raise IonfaceError(f"{root} holds no trajectory: {why}")
    runs = study.runs.items()
    names = {slug(each) for name, run in runs for each in run.subjects(name)}
    wanted = [path for path in stored if path.stem in names]
    if len(wanted) != 1:
        raise IonfaceError(
            f"{root} holds {len(wanted)} finished interface trajectories "
            f"({[path.name for path in stored]}); name one of the files in "
            f"{root / 'trajectories'}"
        )
    return open_shown(project, wanted[0])


def energies_of(
    paths: list[Path], n_interfaces: int | None = None
) -> FormationEnergies:
    """Return the energies of projects, input folders, or one set of VASP directories.

    Args:
        paths: each a project, its store, an energies.json, a root of `ionface inputs`,
            or one of the directories that together hold an interface and its slabs,
            also as name=directory.
        n_interfaces: in the cell of bare VASP directories; from its vacuum if None.
    """
    from ionface.analysis.energies.formation_energies import FormationEnergies
    from ionface.analysis.energies.ledger import book, infer_terms
    from ionface.analysis.readers.vasp_terms import term_names, vasp_directory_term
    from ionface.workflows.planning.input_results import by_hand_energies, is_root
    from ionface.workflows.projects.project import Project
    from ionface.workflows.report.collect import collect

    given = dict(map(_named, paths))
    paths = list(given)
    check_exist(paths)
    # a project's store stands for the project
    paths = [path.parent if path.name == "store.sqlite" else path for path in paths]
    projects = [path for path in paths if _is_project(path)]
    roots = [path for path in paths if is_root(path)]
    written = [path for path in paths if path.suffix == ".json"]
    found = [collect(Project.open(path)).energies for path in projects]
    found += [
        FormationEnergies.from_dict(json.loads(path.read_text("utf-8")))
        for path in written
    ]
    entries = [entry for energies in found for entry in energies.entries]
    for root in roots:
        entries += by_hand_energies(root)
    known = (*projects, *written, *roots)
    if directories := [path for path in paths if path not in known]:
        names = zip(directories, term_names(directories), strict=True)
        terms = [
            vasp_directory_term(path, given.get(path) or name) for path, name in names
        ]
        whole, slabs = infer_terms(terms)
        entries.append(book(whole.name, whole, slabs, n_interfaces=n_interfaces))
    if not entries:
        raise IonfaceError(
            f"no formation energy in {', '.join(map(str, paths))}: no ledger job is "
            "done; see `ionface status`"
        )
    # a paper's values are those of one study
    paper = found[0].published if len(found) == 1 else {}
    return FormationEnergies.of(tuple(entries), paper)


def _named(path: Path) -> tuple[Path, str | None]:
    """Return the path and the name of NAME=PATH, of a path that is there no name."""
    name, equals, rest = str(path).partition("=")
    return (path, None) if path.exists() or not equals else (Path(rest), name)


# --- what is written ------------------------------------------------------------------


def check_out(out: Path) -> Path:
    """Return the path of the JSON file; refuse the names of what goes beside it."""
    if out.suffix in BESIDE:
        raise IonfaceError(
            f"{out} names the JSON file; the table and the figure go beside it as "
            f"{out.with_suffix('.csv').name} and {out.with_suffix('.png').name}: give "
            f"--out {out.with_suffix('.json')}"
        )
    return out


def deliver(kind: Kind, result: Result, out: Path, *, as_json: bool = False) -> None:
    """Write a result, print it, and say what was written, or replaced."""
    verb = "replaced" if out.exists() else "wrote"
    write_result(result, out)
    print_result(kind, result, as_json=as_json)
    if not as_json:
        beside = ", ".join(str(out.with_suffix(suffix)) for suffix in BESIDE)
        say(f"{verb} {out}, {beside}")


def write_result(result: Result, out: Path) -> None:
    """Write the result as JSON, and its table and figure beside it."""
    from ionface.analysis.figures.style import png
    from ionface.files import write_atomically

    result.write(out)
    result.to_csv(out.with_suffix(".csv"))
    write_atomically(out.with_suffix(".png"), png(result.plot()))


def print_result(kind: Kind, result: Result, *, as_json: bool = False) -> None:
    """Print a result on stdout: as JSON, or its tables and sentences."""
    from ionface.analysis.report.page import DASH, Table

    if as_json:
        typer.echo(json.dumps(result.as_dict(), indent=1))
        return
    marks, contents = result.provenance.marks, kind.contents(result)
    if not any(isinstance(content, Table) for content in contents):
        typer.echo(". ".join(marks), nl=bool(marks))
    for content in contents:
        if isinstance(content, Table):
            cells = [[DASH if c is None else str(c) for c in r] for r in content.rows]
            title = ". ".join(text for text in (*marks, content.title) if text)
            table(content.header, cells, title)
        elif content.title:
            typer.echo(f"{content.title}: {in_flags('; '.join(content.lines))}")
        else:
            for line in content.lines:
                typer.echo(in_flags(line))


def measured_arrhenius(table: Path, at: float, out: Path, *, as_json: bool) -> None:
    """Fit ln σT of a measured table, write the result and print it."""
    from ionface.analysis.electrochemistry.conductivity import measured_conductivities
    from ionface.analysis.kinds import kinds

    check_exist([table])
    result = measured_conductivities(table, at=at)
    deliver(kinds()["conductivity"], result, out, as_json=as_json)
