"""From a specification to the models that are run: prepare, build, rank, scan.

    film or alloy:  pack -> stages of relaxation and dynamics -> film
    ensemble:       build each ordering -> relax its slab a little -> the lowest members
    scan:           energies over shifts and gaps -> the model at their minimum
    joined:         each side relaxed alone -> both brought together
    crystals:       energies over gaps -> the model whose sides touch

Where the gap is given, or an energy is dear, there may be one job alone: `build`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from jobflow import Flow, Job, OutputReference

from ionface.errors import NotInstalledError, StructureError
from ionface.structures.interface import build_interface
from ionface.structures.specs import (
    SIDES,
    AmorphousLayer,
    Cell,
    CrystalLayer,
    FilmLayer,
    InterfaceSpec,
    SlabLayer,
)
from ionface.workflows.engines.contract import Engine, RelaxSettings
from ionface.workflows.engines.registry import Role, configured, engine, study_engine
from ionface.workflows.flows import (
    ensembles,
    film_preparation,
    gap_closing,
    lattices,
    registry_scan,
)
from ionface.workflows.flows import jobs as tasks
from ionface.workflows.flows.naming import named
from ionface.workflows.study.protocols import protocol
from ionface.workflows.study.study import Study

CLOSED = (
    "guessed from atomic radii; `run` closes it to the lowest energy of the rigid "
    "sides with {} first"
)
WIDE = (
    "guessed from atomic radii, about 1 Å wider than crystals relax to, for {} is too "
    "dear to look for it; give gap (a potential's run tells it), or "
    "scan: {{engine: ...}}"
)


@dataclass(frozen=True)
class Start:
    """Where the jobs of one interface start.

    Attributes:
        name: of the interface, or of a member of an ensemble.
        built: a BuiltInterface, or the reference to one.
        strained: which sides are strained: "film", "substrate".
        cell: what relaxations move of the interface's cell.
        interfaces: how many the cell holds, 2 in a sandwich.
        bulks: references to the energies of its sides' relaxed crystals, where there
            are any.
    """

    name: str
    built: tasks.BuiltInterface | OutputReference
    strained: tuple[str, ...]
    cell: Cell = "fixed"
    interfaces: int = 1
    bulks: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Models:
    """All models of one interface.

    Attributes:
        jobs: up to the models, in their order.
        starts: one, or one for each member of an ensemble, the lowest energy first.
    """

    jobs: list[Job | Flow]
    starts: list[Start]


@dataclass(frozen=True)
class ModelBuilder:
    """Makes the jobs that lead to an interface's models.

    Attributes:
        by_role: gives the engine of energies or of dynamics. It is asked only when a
            model needs one, for not every study has both installed.
        by_name: gives the engine that a scan names.
        quick: the models are those of a rehearsal.
        lattice: where lattices come from that a layer does not say.
        relaxation: when a bulk crystal, or a side alone, is relaxed.
        known: relaxations of bulk crystals that several interfaces share.
    """

    by_role: Callable[[Role], Engine]
    by_name: Callable[[str], Engine] = engine
    quick: bool = False
    lattice: lattices.LatticeSource = "engine"
    relaxation: RelaxSettings = field(default_factory=RelaxSettings)
    known: dict[Any, Job | Flow] = field(default_factory=dict)

    @classmethod
    def of(cls, study: Study) -> ModelBuilder:
        """Return the builder of a study's models."""
        return cls(
            lambda role: study_engine(study, role),
            lambda name: configured(engine(name), study),
            study.quick,
            study.lattice,
            RelaxSettings(
                fmax=study.relaxation.fmax or protocol(study.protocol).fmax,
                steps=study.relaxation.steps,
            ),
        )

    def models(self, spec: InterfaceSpec, role: Role = "formation") -> Models:
        """Return the models of an interface, and all jobs up to them.

        Args:
            spec: of the interface.
            role: whose engine relaxes its crystals and closes its gaps.
        """
        spec = lattices.with_source(spec, self.lattice)
        bulk, jobs = self._bulk(spec, role)
        energies: dict[str, OutputReference] = {}
        if role == "formation":
            energies, points = self._bulk_energies(spec)
            jobs += points
        film = None
        if isinstance(spec.film, FilmLayer | AmorphousLayer):
            film, packing = film_preparation.film_jobs(
                spec, self.by_role("dynamics"), bulk, quick=self.quick
            )
            jobs += packing
        where = ensembles.disordered_side(spec)
        if where is None:
            built = {spec.name: self._build(spec, film, bulk, "build")}
            jobs += built.values()
        else:
            ranked, built = self._members(spec, where, film, bulk)
            jobs += ranked
        if spec.start == "joined":
            for name, job in built.items():
                joining, built[name] = self._joined(spec, name, job, role)
                jobs += joining
        if spec.scan is not None:
            for name, job in built.items():
                scan, built[name] = self._scanned(spec, name, job)
                jobs += scan
        elif self._closes(spec, role):
            for name, job in built.items():
                closed = gap_closing.close_gap(job.output.model, self.by_role(role))
                built[name] = named(closed, name, "close gap", like=job.uuid)
                jobs.append(closed)
        for job in built.values():
            job.metadata["result"] = "model"
        sides, cell = strained_sides(spec), spec.relaxed_cell
        count = 1 if spec.vacuum else 2
        starts = [
            Start(name, job.output, sides, cell, count, energies)
            for name, job in built.items()
        ]
        return Models(jobs, starts)

    def depends_on_engine(self, spec: InterfaceSpec) -> bool:
        """Tell whether another engine would give another model."""
        spec = lattices.with_source(spec, self.lattice)
        roles: tuple[Role, ...] = ("formation", "dynamics")
        closed = any(self._closes(spec, role) for role in roles)
        return closed or bool(lattices.relaxed_sides(spec))

    def _closes(self, spec: InterfaceSpec, role: Role) -> bool:
        """Tell whether a gap that was guessed from radii is closed by energies.

        A relaxation needs twice the steps from there, and one with loose forces ends
        where it began; the gaps of a sandwich fix its height, hence its pressure.
        """
        return is_guessed(spec) and self.by_role(role).in_process

    def _joined(
        self, spec: InterfaceSpec, name: str, built: Job, role: Role
    ) -> tuple[list[Job | Flow], Job]:
        """Return the jobs that relax both sides alone, and the one that joins them."""
        maker = self.by_role(role).relax(self.relaxation)
        steps: list[Job | Flow] = []
        for side in SIDES:
            tells = {"kind": "relax", "role": role, "part": side}
            step = maker.make(getattr(built.output, side))
            task, most = f"relax {side} alone", self.relaxation.steps
            steps.append(named(step, name, task, most_steps=most, **tells))
        film, substrate = (step.output for step in steps)
        joined = tasks.join_sides(built.output, film, substrate, spec.mobile, spec.gap)
        named(joined, name, "join", like=built.uuid, takes="positions")
        return [*steps, joined], joined

    def _bulk(
        self, spec: InterfaceSpec, role: Role
    ) -> tuple[dict[str, Any], list[Job | Flow]]:
        """Return the relaxed crystals of an interface by side, and their new jobs."""
        new: list[Job | Flow] = []
        records = {}
        for side, layer in lattices.relaxed_sides(spec).items():
            with suppress(StructureError):  # which the job that builds it will tell
                step, known = self.bulk(layer, role)
                new += [] if known else [step]
                records[side] = step.output
        return records, new

    def bulk(self, layer: CrystalLayer, role: Role) -> tuple[Job | Flow, bool]:
        """Return the relaxation of a layer's crystal, and whether it was there before.

        Args:
            layer: that says where its lattice comes from.
            role: whose engine relaxes it.
        """
        lattice = json.dumps(layer.lattice)
        crystal = (json.dumps(layer.material), layer.ordering, lattice, role)
        if known := self.known.get(crystal):
            return known, True
        step = lattices.bulk_job(layer, self.by_role(role), self.relaxation, role)
        self.known[crystal] = step
        return step, False

    def _bulk_energies(
        self, spec: InterfaceSpec
    ) -> tuple[dict[str, OutputReference], list[Job | Flow]]:
        """Return the energies of an interface's crystals by side, and new jobs."""
        new: list[Job | Flow] = []
        energies = {}
        for side, layer in lattices.relaxed_sides(spec).items():
            with suppress(StructureError):  # as above
                energies[side], jobs = self.crystal_energy(layer)
                new += jobs
        return energies, new

    def crystal_energy(
        self, layer: CrystalLayer
    ) -> tuple[OutputReference, list[Job | Flow]]:
        """Return the energy of a layer's relaxed crystal, and the new jobs for it.

        It is at the level of slabs and interfaces: VASP relaxes cells with a higher
        cutoff, and projects in real space. What computes in process has one level.
        """
        step, known = self.bulk(layer, "formation")
        new = [] if known else [step]
        engine = self.by_role("formation")
        if engine.in_process:
            return step.output, new
        point = self.known.get(step.uuid)
        if point is None:
            point = engine.static().make(step.output.structure)
            tells = {"kind": "static", "role": "formation", "part": "bulk"}
            named(point, layer.phase, "static bulk", **tells)
            self.known[step.uuid] = point
            new.append(point)
        return point.output, new

    def _build(
        self, spec: InterfaceSpec, film: Any, bulk: dict[str, Any], task: str
    ) -> Job:
        job = tasks.build(spec, film, self.quick, bulk)
        # of a relaxed bulk it takes the cell, which can be handed on like positions
        takes = {"takes": "positions"} if bulk and film is None else {}
        return named(job, spec.name, task, **takes)

    def _members(
        self,
        spec: InterfaceSpec,
        where: ensembles.Disordered,
        film: Any,
        bulk: dict[str, Any],
    ) -> tuple[list[Job | Flow], dict[str, Job]]:
        built, relaxed = [], []
        maker = self.by_role("formation").relax(ensembles.RANKING)
        tells = {"kind": "relax", "role": "formation", "part": where.side}
        most = ensembles.RANKING.steps
        for rank in range(ensembles.available_orderings(spec, where)):
            ordered = ensembles.with_rank(spec, where, rank)
            build = self._build(ordered, film, bulk, f"build ordering {rank}")
            relax = maker.make(getattr(build.output, where.side))
            built.append(build)
            task = f"relax ordering {rank}"
            relaxed.append(named(relax, spec.name, task, most_steps=most, **tells))
        models = [build.output for build in built]
        records = [relax.output for relax in relaxed]
        members = {}
        for place, name in enumerate(ensembles.member_names(spec)):
            chosen = ensembles.member(models, records, place, name)
            # all orderings have the same atoms
            like = built[0].uuid
            members[name] = named(chosen, name, "choose ordering", like=like)
        return [*built, *relaxed, *members.values()], members

    def _scanned(
        self, spec: InterfaceSpec, name: str, built: Job
    ) -> tuple[list[Job | Flow], Job]:
        assert spec.scan is not None
        other = {"engine": spec.scan.engine} if spec.scan.engine else {}
        by = self.by_name(other["engine"]) if other else self.by_role("formation")
        points: list[Job | Flow] = []
        if by.in_process:
            scan = registry_scan.scan_in_process(built.output.model, spec.scan, by)
        else:
            model = build_interface(replace(spec, scan=None))
            records = []
            for index in range(registry_scan.number_of_points(model, spec.scan)):
                point = registry_scan.point_structure(
                    built.output.model, spec.scan, index
                )
                static = by.static().make(point.output)
                tells = {"kind": "static", "role": "formation", **other}
                points.append(named(point, name, f"scan point {index}"))
                points.append(named(static, name, f"scan static {index}", **tells))
                records.append(static.output)
            scan = registry_scan.gather(built.output.model, spec.scan, records)
        placed = registry_scan.place(built.output.model, scan.output)
        named(scan, name, "registry scan", result="landscape")
        named(placed, name, "place", like=built.uuid)
        return [*points, scan, placed], placed


def strained_sides(spec: InterfaceSpec) -> tuple[str, ...]:
    """Return which sides of an interface may be strained: "film", "substrate".

    Films and molecules are made in the substrate's cell and never are.
    """
    if not isinstance(spec.film, CrystalLayer | SlabLayer):
        return ()
    return ("film", "substrate") if spec.strained == "shared" else (spec.strained,)


def is_guessed(spec: InterfaceSpec) -> bool:
    """Tell whether radii alone say how far apart two crystals stand."""
    # sides of an own interface stand as they are, unless they are relaxed alone first
    own = spec.structure is not None and spec.start == "joined"
    crystals = own or isinstance(spec.film, CrystalLayer | SlabLayer)
    return crystals and spec.gap is None and spec.scan is None


def gap_notes(study: Study, *, built_alone: bool = False) -> list[str]:
    """Return which gaps are guessed, and what becomes of them, in sentences.

    Args:
        study: with its engines.
        built_alone: no engine runs now: those that one will close are told, too.
    """
    builder, told = ModelBuilder.of(study), dict[str, list[str]]()
    moving = {run.interface for run in study.dynamics}
    for spec in filter(is_guessed, study.interfaces):
        dynamics = spec.name in moving and spec.name not in study.formation_names
        with suppress(NotInstalledError):
            by = builder.by_role("dynamics" if dynamics else "formation")
            if by.in_process and built_alone:
                told.setdefault(CLOSED.format(by.name), []).append(spec.name)
            elif not by.in_process:
                told.setdefault(WIDE.format(by.name), []).append(spec.name)
    return [f"gap of {', '.join(names)}: {what}" for what, names in told.items()]
