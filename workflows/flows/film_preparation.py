"""Films and amorphous layers are brought to rest by an engine before they are stacked.

Data flow: pack at random -> the layer's stages, each a job of the engine (an alloy
melts and is quenched as a bulk, then is opened) -> checked -> the interface's film.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jobflow import Flow, Job
from pymatgen.core import Structure

from ionface.structures.polymers.film_layer import (
    SoftLayer,
    Stage,
    open_layer,
    pack_layer,
    settled,
    stages,
)
from ionface.structures.specs import AmorphousLayer, FilmLayer, InterfaceSpec
from ionface.workflows.engines.contract import (
    DynamicsSettings,
    Engine,
    RelaxSettings,
)
from ionface.workflows.engines.durable import durable_job
from ionface.workflows.engines.records import RunRecord
from ionface.workflows.flows.lattices import with_lattices
from ionface.workflows.flows.naming import named

QUICK_STAGE = 50  # steps; a rehearsal shows that each stage works
FORCE = 0.05  # eV/Å; at the end: the interface itself is relaxed further
FRAMES = 20  # of a stage: nobody analyzes them, but one looks at them if it went wrong


@durable_job
def pack(spec: InterfaceSpec, bulk: Mapping[str, RunRecord] | None = None) -> SoftLayer:
    """Pack the film of an interface at random."""
    return pack_layer(with_lattices(spec, bulk or {}))


@durable_job
def cut_open(layer: SoftLayer, structure: Structure) -> SoftLayer:
    """Open an alloy that was melted and quenched as a bulk."""
    return open_layer(layer, structure)


@durable_job
def check_settled(layer: SoftLayer, structure: Structure) -> SoftLayer:
    """Check what an engine made of a film."""
    return settled(layer, structure)


def film_jobs(
    spec: InterfaceSpec,
    engine: Engine,
    crystals: Mapping[str, Any] | None = None,
    *,
    quick: bool = False,
) -> tuple[Any, list[Job | Flow]]:
    """Return the reference to an interface's settled film, and the jobs before it.

    Args:
        spec: whose film is a FilmLayer or an AmorphousLayer.
        engine: of relaxations and dynamics.
        crystals: relaxed ones by side, whose lattices give the cell of the film.
        quick: show that it works; nothing has come to rest by then.
    """
    assert isinstance(spec.film, FilmLayer | AmorphousLayer)
    packed = named(pack(spec, crystals), spec.name, "pack film")
    jobs: list[Job | Flow] = [packed]
    layer, structure = packed.output, packed.output.structure
    bulk = isinstance(spec.film, AmorphousLayer)
    for stage in stages(spec.film):
        if bulk and not stage.periodic:
            cut = named(cut_open(layer, structure), spec.name, "open film")
            layer, structure, bulk = cut.output, cut.output.structure, False
            jobs.append(cut)
        steps = min(stage.steps, QUICK_STAGE) if quick else stage.steps
        step = _stage_job(
            engine, replace(stage, steps=steps), structure, spec.film.seed
        )
        tells = {"kind": stage.kind, "role": "dynamics"}
        task = f"film {stage.name}"
        jobs.append(named(step, spec.name, task, most_steps=steps, **tells))
        structure = step.output.structure
    checked = check_settled(layer, structure)
    named(checked, spec.name, "check film", like=layer.uuid)
    return checked.output, [*jobs, checked]


def _stage_job(engine: Engine, stage: Stage, structure: Any, seed: int) -> Job | Flow:
    if stage.kind == "relax":
        settings = RelaxSettings(
            fmax=stage.fmax or FORCE, steps=stage.steps, must_converge=False
        )
        return engine.relax(settings).make(structure)
    dynamics = DynamicsSettings(
        temperature=stage.temperature or 300.0,
        timestep=stage.timestep or 1.0,
        steps=stage.steps,
        stride=max(1, stage.steps // FRAMES),
        seed=seed,
    )
    return engine.dynamics(dynamics).make(structure, None)
