"""VASP jobs that come before an interface: films brought to rest, orderings, scans.

They are planned on the models as they are packed or built: an engine moves the atoms,
but changes neither their number nor, but for an alloy's surface, the cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Literal

from pymatgen.core import Structure

from ionface.structures.film_registry import registry_grid
from ionface.structures.interface import build_interface
from ionface.structures.model import InterfaceModel
from ionface.structures.polymers.film_layer import (
    SoftLayer,
    Stage,
    open_layer,
    pack_layer,
    stages,
)
from ionface.structures.specs import AmorphousLayer, FilmLayer, InterfaceSpec
from ionface.workflows.engines.contract import DynamicsSettings, RelaxSettings
from ionface.workflows.flows import jobs
from ionface.workflows.flows.ensembles import (
    RANKING,
    available_orderings,
    disordered_side,
    member_names,
    with_rank,
)
from ionface.workflows.flows.film_preparation import FORCE, QUICK_STAGE
from ionface.workflows.flows.registry_scan import point_structure
from ionface.workflows.study.study import Study

Role = Literal["formation", "dynamics"]


@dataclass(frozen=True)
class Step:
    """One job before the interface, as an engine is asked for it.

    Attributes:
        task: as in "film melt".
        structure: where it starts, or one of the same atoms.
        settings: of a relaxation or of dynamics; None for a single point.
        role: whose engine does it: formation or dynamics.
    """

    task: str
    structure: Structure
    settings: RelaxSettings | DynamicsSettings | None
    role: Role


@dataclass(frozen=True)
class Prepared:
    """An interface with all that is done before it.

    Attributes:
        steps: jobs before the interface's models.
        members: model of each interface that is run, by its name.
        scans: single points of each member's registry scan, by its name.
    """

    steps: tuple[Step, ...]
    members: dict[str, jobs.BuiltInterface]
    scans: dict[str, tuple[Step, ...]]


def prepared(study: Study, spec: InterfaceSpec) -> Prepared:
    """Return what is done before an interface, and its models.

    All members of an ensemble have the atoms and the cell of the first ordering.

    Raises:
        StructureError: a model cannot be built.
        IonfaceError: the ensemble has fewer orderings than members.
    """
    steps: list[Step] = []
    film = None
    if isinstance(spec.film, FilmLayer | AmorphousLayer):
        film, before = _film(study, spec)
        steps += before
    where = disordered_side(spec)
    chosen = spec if where is None else with_rank(spec, where, 0)
    model = build_interface(chosen, film)
    built = jobs.BuiltInterface.of(model)
    if where is not None:
        slab = getattr(built, where.side)
        steps += [
            Step(f"relax ordering {rank}", slab, RANKING, "formation")
            for rank in range(available_orderings(spec, where))
        ]
    names = member_names(spec)
    points = tuple(_scan(spec, model)) if spec.scan is not None else ()
    return Prepared(
        tuple(steps),
        dict.fromkeys(names, built),
        dict.fromkeys(names, points),
    )


def _film(study: Study, spec: InterfaceSpec) -> tuple[SoftLayer, list[Step]]:
    assert isinstance(spec.film, FilmLayer | AmorphousLayer)
    layer = pack_layer(spec)
    steps = []
    for stage in stages(spec.film):
        if not stage.periodic:
            layer = open_layer(layer, layer.structure)
        most = QUICK_STAGE if study.quick else stage.steps
        settings = _stage_settings(
            replace(stage, steps=min(stage.steps, most)), spec.film.seed
        )
        steps.append(Step(f"film {stage.name}", layer.structure, settings, "dynamics"))
    return layer, steps


def _stage_settings(stage: Stage, seed: int) -> RelaxSettings | DynamicsSettings:
    if stage.kind == "relax":
        return RelaxSettings(stage.fmax or FORCE, stage.steps, must_converge=False)
    return DynamicsSettings(
        temperature=stage.temperature or 300.0,
        timestep=stage.timestep or 1.0,
        steps=stage.steps,
        stride=max(1, stage.steps // 20),
        seed=seed,
    )


def _scan(spec: InterfaceSpec, model: InterfaceModel) -> Iterator[Step]:
    assert spec.scan is not None
    if spec.scan.engine is not None:
        return  # another engine's work, which is not VASP's
    first = point_structure.original(model, asdict(spec.scan), 0)
    shifts = registry_grid(model, spec.scan.spacing).points
    for index in range(len(shifts) * len(spec.scan.gaps)):
        # every point has the same atoms; its gap changes the cell by little
        yield Step(f"scan static {index}", first, None, "formation")
