"""The first screen of a project's report: models, runs, results in lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ionface.analysis.energies.relaxation_path import RelaxationPath
from ionface.analysis.reactions.bonds import BondCounts
from ionface.analysis.reactions.reaction_report import ReactionReport
from ionface.analysis.reactions.replicas import Replicas
from ionface.analysis.report.glance import Glance, Line
from ionface.analysis.report.scene import Film, Scene, film_of
from ionface.analysis.statistics import mean_error
from ionface.errors import TrajectoryError
from ionface.workflows.projects.project import Project
from ionface.workflows.projects.trajectories import open_shown
from ionface.workflows.report.collect import Results
from ionface.workflows.report.structures import relaxed
from ionface.workflows.study.file_names import slug
from ionface.workflows.study.study import DynamicsSpec

if TYPE_CHECKING:
    from ionface.structures.model import InterfaceModel

SURE = 2.0
"""Standard errors from which on a difference of means is called one."""


def glance_of(project: Project, results: Results) -> Glance:
    """Return the first screen; empty for a project without models."""
    ended = {name: record.structure for name, record in relaxed(project)}
    runs = project.study.runs  # the first of an interface has its name
    scenes, damaged = [], list[Line]()
    for name, model in results.models.items():
        end = ended.get(f"{slug(name)}-interface")
        models = {"start": model.structure.cart_coords}
        if end is not None and list(end.species) == list(model.structure.species):
            models["relaxed"] = _beside(model, end.cart_coords)
        first = runs[name].subjects(name)[0] if name in runs else None
        film = _film(project, first, model, len(runs), damaged) if first else None
        scenes.append(
            Scene(
                name=name,
                species=[str(s.specie.symbol) for s in model.structure],
                phases=model.phases,
                cell=model.structure.lattice.matrix,
                models=models,
                planes=model.interface_heights,
                film=film,
                bonds=_reaches(results, first) if first else {},
                emulated=results.provenance.emulated,
            )
        )
    numbers = {scene.name: k for k, scene in enumerate(scenes)}
    lines = [*damaged, *_energies(results), *_bonds(results, runs, numbers)]
    return Glance(scenes, lines)


def _beside(model: InterfaceModel, end: np.ndarray) -> np.ndarray:
    """Return relaxed positions, each atom at the image nearest to where it began."""
    cell = model.structure.lattice.matrix
    moved = (end - model.structure.cart_coords) @ np.linalg.inv(cell)
    return np.asarray(end - np.rint(moved) @ cell)


def _film(
    project: Project, run: str, model: InterfaceModel, runs: int, damaged: list[Line]
) -> Film | None:
    """Return a run of an interface; None while there is none, or if it is damaged."""
    path = project.root / "trajectories" / f"{slug(run)}.ionf"
    if not path.is_file():
        return None
    try:
        trajectory = open_shown(project, path)
    except TrajectoryError as error:
        damaged.append(Line("Damaged files", run, path.name, str(error)))
        return None
    same = [str(s.specie.symbol) for s in model.structure] == list(trajectory.species)
    return film_of(trajectory, runs) if same and len(trajectory) else None


def _reaches(results: Results, run: str) -> dict[str, float]:
    """Return the bond length of every pair that a run follows, Å."""
    bonds = results.found.get(BondCounts.kind, {}).get(run)
    if isinstance(bonds, BondCounts):
        return {pair: rule.form for pair, rule in bonds.rules.items()}
    told = results.found.get(ReactionReport.kind, {}).get(run)
    if isinstance(told, ReactionReport):
        return {name: pair.history.rule.form for name, pair in told.pairs.items()}
    return {}


def _energies(results: Results) -> Iterator[Line]:
    """Yield every formation energy beside the published one, and its path."""
    paths = results.found.get(RelaxationPath.kind, {})
    quick = results.energies.provenance.quick
    for entry in results.energies.entries:
        paper = results.energies.published.get(entry.name)
        path = paths.get(entry.name)
        notes = ["rehearsal" if quick else ""]
        if paper is not None:
            notes.insert(0, f"published {_signed(paper.sigma_j_per_m2)} J/m²")
        series = path.energies if isinstance(path, RelaxationPath) else ()
        if len(series):
            notes.append(f"path of {len(series) - 1} steps of the relaxation")
        yield Line(
            "Formation energies",
            entry.name,
            f"{_signed(entry.formation.j_per_m2)} J/m²",
            " · ".join(filter(None, notes)),
            [float(value) for value in series],
            None if paper is None else paper.sigma_j_per_m2,
        )


def _bonds(
    results: Results, runs: Mapping[str, DynamicsSpec], scenes: Mapping[str, int]
) -> Iterator[Line]:
    """Yield the bonds of every pair of every run, and whether their number changed."""
    for name, run in runs.items():
        first = run.subjects(name)[0]
        bonds = results.found.get(BondCounts.kind, {}).get(first)
        if not isinstance(bonds, BondCounts):
            continue
        said = _verdicts(results, name, first)
        for pair, counts in bonds.counts.items():
            means = bonds.window_means(bonds.windows)[pair]
            yield Line(
                f"Bonds in {name}, first and last {_window(bonds)}",
                pair.replace("-", "–"),
                f"{means[0]:.1f} → {means[-1]:.1f}",
                said.get(pair) or _change(counts, bonds.windows),
                [float(value) for value in counts],
                pair=pair if name in scenes else "",
                scene=scenes.get(name, 0),
            )


def _window(bonds: BondCounts) -> str:
    span = float(bonds.times_fs[-1] - bonds.times_fs[0]) / bonds.windows / 1000
    return f"{span:.2g} ps" if np.isfinite(span) else "window"


def _verdicts(results: Results, name: str, first: str) -> dict[str, str]:
    """Return what the study's own analyses say of each pair.

    Args:
        results: of a project.
        name: of a run.
        first: of its first seed.
    """
    together = results.found.get(Replicas.kind, {}).get(name)
    if isinstance(together, Replicas):
        return {pair: told.words for pair, told in together.verdicts.items()}
    one = results.found.get(ReactionReport.kind, {}).get(first)
    if isinstance(one, ReactionReport):
        return {name: pair.verdict.words for name, pair in one.pairs.items()}
    return {}


def _change(counts: Sequence[int] | np.ndarray, windows: int) -> str:
    """Return whether the last window differs from the first by more than its noise."""
    parts = np.array_split(np.asarray(counts, dtype=float), windows)
    first, last = parts[0], parts[-1]
    if windows < 2:
        return "too short to tell a change"
    error = float(np.hypot(mean_error(first), mean_error(last)))
    change = float(last.mean() - first.mean())
    if not np.isfinite(error):
        return "too short to tell a change from noise"
    if not change and not error:
        return "no change"
    if abs(change) <= SURE * error:
        return f"no change beyond noise ({_signed(change, 1)} ± {error:.1f})"
    word = "more than at the start" if change > 0 else "fewer than at the start"
    return f"{word} ({_signed(change, 1)} ± {error:.1f})"


def _signed(value: float, digits: int = 2) -> str:
    return f"{value:+.{digits}f}".replace("-", "−").removeprefix("+")
