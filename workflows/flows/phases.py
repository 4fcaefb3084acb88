"""The jobs of competing phases: each relaxed in its cell, then its energy.

phases:   library cell -> relax (cell and positions; layered ones positions) -> static

Phases do not wait for each other, and one that two systems have is computed once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from jobflow import Flow, Job

from ionface.analysis.thermodynamics.phases import Phase
from ionface.structures.phases.library import CompetingPhase, competing
from ionface.structures.specs import Cell
from ionface.workflows.engines.contract import Engine, RelaxSettings
from ionface.workflows.engines.durable import durable_job
from ionface.workflows.engines.records import RunRecord
from ionface.workflows.engines.registry import study_engine
from ionface.workflows.flows.naming import named
from ionface.workflows.study.study import PhasesSpec, Study


def phases_of(spec: PhasesSpec) -> tuple[CompetingPhase, ...]:
    """Return the phases of one chemical system of a study.

    Raises:
        StructureError: an extra crystal or a phase to exclude that is not there.
    """
    return competing(
        spec.elements,
        observed_only=spec.observed_only,
        extra=spec.extra,
        exclude=spec.exclude,
    )


def phase_flows(study: Study, relax: RelaxSettings) -> list[Flow]:
    """Return one flow for each phase that any system of the study has.

    Args:
        study: with phases.
        relax: when a relaxation is done; which cells move is decided here.

    Raises:
        StructureError: as `phases_of`.
    """
    engine = study_engine(study, "formation")
    every = {phase.name: phase for spec in study.systems for phase in phases_of(spec)}
    return [_flow(engine, phase, relax) for phase in every.values()]


def _flow(engine: Engine, phase: CompetingPhase, relax: RelaxSettings) -> Flow:
    structure = phase.structure()
    tells = {"role": "formation", "part": "phase"}
    moves, most = {**tells, "kind": "relax"}, relax.steps
    cell: Cell = "fixed" if phase.weakly_bound else "full"
    relaxed = engine.relax(replace(relax, cell=cell, shared=True)).make(structure)
    static = engine.static().make(relaxed.output.structure)
    entered = enter_phase(
        phase.name,
        static.output,
        relaxed.output,
        observed=phase.observed,
        oxidation=dict(phase.oxidation),
    )
    jobs: list[Job | Flow] = [
        named(relaxed, phase.name, "relax", most_steps=most, **moves),
        named(static, phase.name, "static", kind="static", **tells),
        named(entered, phase.name, "phase", result="phase"),
    ]
    return Flow(jobs, output=entered.output, name=f"{phase.name} phase")


@durable_job
def enter_phase(
    name: str,
    static: RunRecord,
    relaxed: RunRecord,
    observed: bool,
    oxidation: dict[str, float],
) -> dict[str, Any]:
    """Return a phase with its energy as plain data; the ledger refuses unfinished ones.

    Args:
        name: of the phase.
        static: the energy.
        relaxed: the relaxation behind it, whose convergence counts.
        observed: known from experiment.
        oxidation: charge of each element.
    """
    term = static.term(name, relaxed)
    phase = Phase.of_term(term, observed=observed, oxidation=oxidation)
    return {**phase.as_dict(), "level": term.level.as_dict()}
