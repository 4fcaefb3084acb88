"""The jobs of the flows that no engine makes. Each holds one call.

They live here, in an importable module, because a stored job is found again by path.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np
from monty.json import MSONable
from pydantic import TypeAdapter
from pymatgen.core import Structure

from ionface.analysis.deposition.cell import DepositionSpec
from ionface.analysis.deposition.deposition import deposit
from ionface.analysis.energies.against_bulk import with_bulk
from ionface.analysis.energies.ledger import SlabsState, book_sides
from ionface.analysis.energies.relaxation_path import relaxation_path
from ionface.analysis.kinds import analysis
from ionface.analysis.rdf.rdf import crystal_rdf
from ionface.analysis.reactions.reaction_report import ReactionReport
from ionface.analysis.reactions.replicas import Replicas
from ionface.analysis.result import Provenance
from ionface.analysis.trajectory.joining import join
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError
from ionface.structures.crystals.library import read_crystal
from ionface.structures.film_registry import joined
from ionface.structures.interface import build_interface, held
from ionface.structures.ledger_cell import in_ledger
from ionface.structures.model import InterfaceModel
from ionface.structures.polymers.film_layer import SoftLayer
from ionface.structures.polymers.integrity import MoleculeReport, check
from ionface.structures.polymers.topology import Topology
from ionface.structures.specs import InterfaceSpec, Mobile
from ionface.structures.stacking import in_cell
from ionface.workflows.engines import progress
from ionface.workflows.engines.durable import durable_job
from ionface.workflows.engines.records import (
    DynamicsRecord,
    RunRecord,
    TrajectoryPointer,
    check_frames,
    relabeled,
    runs_folder,
)
from ionface.workflows.engines.relaxation_frames import relaxation_frames
from ionface.workflows.flows.lattices import lattice_told, with_lattices
from ionface.workflows.flows.potentials import potential_terms
from ionface.workflows.study.analyses import with_crystals

TRAJECTORIES = "trajectories"
"""Folder of a project where every run has one file, named after its subject."""

JOINED = "trajectory.ionf"
NEARER = "atoms.ionf"


@dataclass(frozen=True)
class BuiltInterface(MSONable):
    """An interface model and the structures that jobs start from.

    Attributes:
        model: with labels and provenance.
        interface: its structure.
        film: the upper slab alone, in the interface's cell.
        substrate: the lower slab alone, in the interface's cell.
        film_unstrained: the upper slab in its own lattice.
        substrate_unstrained: the lower slab in its own lattice.
    """

    model: InterfaceModel
    interface: Structure
    film: Structure
    substrate: Structure
    film_unstrained: Structure
    substrate_unstrained: Structure

    @classmethod
    def of(cls, model: InterfaceModel) -> BuiltInterface:
        """Return the model with its parts."""
        separated = model.separated()
        film, substrate = separated[model.film_phase], separated[model.substrate_phase]
        parts = {
            "interface": model.structure,
            "film": film,
            "substrate": substrate,
            "film_unstrained": model.unstrained.get(model.film_phase, film),
            "substrate_unstrained": model.unstrained.get(
                model.substrate_phase, substrate
            ),
        }
        known = {part: in_ledger(s, model, part) for part, s in parts.items()}
        return cls(model=model, **known)


@durable_job
def build(
    spec: InterfaceSpec,
    film: SoftLayer | None = None,
    quick: bool = False,
    bulk: Mapping[str, RunRecord] | None = None,
) -> BuiltInterface:
    """Build an interface model from its specification.

    Args:
        spec: of the interface.
        film: a film or an amorphous layer that an engine has prepared.
        quick: the model is that of a rehearsal, and all that is computed of it says so.
        bulk: relaxed crystals by side, whose lattices the slabs are cut with.
    """
    bulk = bulk or {}
    model = build_interface(with_lattices(spec, bulk), film)
    told = {**model.provenance}
    for side, record in bulk.items():
        told[side] = {**told[side], **lattice_told(spec, side, record)}
    if quick:
        told["quick"] = True
    return BuiltInterface.of(replace(model, provenance=told))


@durable_job
def take_apart(
    model: InterfaceModel | BuiltInterface, name: str | None = None
) -> BuiltInterface:
    """Return a model from another job with the structures that our jobs start from."""
    if isinstance(model, BuiltInterface):
        model = model.model
    return BuiltInterface.of(replace(model, name=name or model.name))


@durable_job
def join_sides(
    built: BuiltInterface,
    film: RunRecord,
    substrate: RunRecord,
    mobile: Mobile = "all",
    gap: float | None = None,
) -> BuiltInterface:
    """Bring sides together that were relaxed alone.

    Args:
        built: as it was cut.
        film: its upper side, relaxed.
        substrate: its lower side, relaxed.
        mobile: what moves from here on, as in `InterfaceSpec.mobile`.
        gap: between them, Å; the one at which they touch if not given.
    """
    model = joined(built.model, film.structure, substrate.structure, gap)
    return BuiltInterface.of(held(model, mobile))


@durable_job
def in_relaxed_cell(built: BuiltInterface, relaxed: RunRecord) -> BuiltInterface:
    """Put the slabs, as they were cut, into the cell that the interface has relaxed to.

    All terms of a ledger have one cell, so that strain and errors cancel.
    """
    cell, model = relaxed.structure.lattice.matrix, built.model
    unstrained = {
        phase: in_cell(slab, np.array([*slab.lattice.matrix[:2], cell[2]]))
        for phase, slab in model.unstrained.items()
    }
    structure = in_cell(model.structure, cell)
    return BuiltInterface.of(replace(model, structure=structure, unstrained=unstrained))


@durable_job
def separate(built: BuiltInterface, relaxed: RunRecord) -> BuiltInterface:
    """Cut the relaxed interface into its slabs, frozen as they are in it."""
    structure = relabeled(built.interface, relaxed.structure)
    return BuiltInterface.of(replace(built.model, structure=structure))


@durable_job
def enter_in_ledger(
    model: InterfaceModel,
    static: Mapping[str, RunRecord],
    relaxed: Mapping[str, RunRecord],
    slabs_state: SlabsState,
    bulks: Mapping[str, RunRecord] | None = None,
    chemical_potentials: Mapping[str, float | RunRecord] | None = None,
) -> dict[str, Any]:
    """Book one formation energy; the ledger refuses what does not belong together.

    Args:
        model: of the interface.
        static: records of "interface", "film", "substrate" and, where a side is
            strained, "film_unstrained" or "substrate_unstrained".
        relaxed: the relaxations behind them, by the same names.
        slabs_state: "relaxed" or "frozen".
        bulks: the relaxed crystals of both sides, where they are known.
        chemical_potentials: by element, eV per atom or its relaxed crystal.
    """
    phases = {"film": model.film_phase, "substrate": model.substrate_phase}
    terms = {
        part: record.term(f"{model.name}, {part}", relaxed.get(part))
        for part, record in static.items()
    }
    entry = book_sides(
        model.name,
        terms,
        phases,
        area=model.area,
        n_interfaces=model.n_interfaces,
        slabs_state=slabs_state,
        quick=bool(model.provenance.get("quick")),
    )
    crystals = {s: bulk.term(f"bulk {phases[s]}") for s, bulk in (bulks or {}).items()}
    potentials = potential_terms(chemical_potentials)
    entry = with_bulk(entry, terms, phases, crystals, potentials)
    if fate := molecules_after(model, relaxed["interface"].structure):
        check = f"{model.film_phase}: {fate.summary()}"
        entry = replace(entry, checks=(*entry.checks, check), molecules=fate.as_dict())
    return entry.as_dict()


@durable_job
def follow_relaxation(
    model: InterfaceModel,
    relaxed: RunRecord,
    slabs: Mapping[str, RunRecord],
    published: float | None = None,
) -> dict[str, Any] | None:
    """Return energy, forces and bonds at every step of an interface's relaxation.

    Args:
        model: of the interface.
        relaxed: its relaxation.
        slabs: the final energies of both sides.
        published: interface energy of the literature, J/m².

    Returns:
        Plain data; None of an engine that leaves no steps.
    """
    found = relaxation_frames(relaxed, runs_folder())
    if found is None:
        return None
    level = relaxed.level
    try:
        path = relaxation_path(
            model.name,
            found.frames,
            found.energies,
            found.forces,
            slabs=sum(record.energy for record in slabs.values()),
            area=model.area * model.n_interfaces,
            pairs=all_pairs(found.frames.species),
            published=published,
            provenance=Provenance(
                level,
                emulated=bool(level.get("emulated")),
                quick=bool(model.provenance.get("quick")),
            ),
        )
    except AnalysisError:
        return None  # the energy does not hang on what is drawn of its path
    return path.as_dict()


def molecules_after(model: InterfaceModel, final: Structure) -> MoleculeReport | None:
    """Return what became of an interface's molecules; None if it has none.

    Args:
        model: as it was built.
        final: the same sites after a relaxation or dynamics.
    """
    topology = model.provenance.get("film", {}).get("topology")
    if topology is None:
        return None
    molecules = model.structure.site_properties["molecule"]
    return check(
        Topology.from_dict(topology),
        model.structure.cart_coords,
        final.cart_coords,
        model.structure.lattice.matrix,
        members=[i for i, molecule in enumerate(molecules) if molecule >= 0],
        symbols=[site.specie.symbol for site in model.structure],
    )


@durable_job
def repeated_crystal(crystal: str, min_atoms: int) -> Structure:
    """Return a crystal repeated towards a cube until it holds enough atoms."""
    structure = read_crystal(crystal)
    repeats = [1, 1, 1]
    while len(structure) * repeats[0] * repeats[1] * repeats[2] < min_atoms:
        edges = [
            n * edge for n, edge in zip(repeats, structure.lattice.abc, strict=True)
        ]
        repeats[edges.index(min(edges))] += 1
    return structure.make_supercell(repeats)


@durable_job
def join_segments(
    name: str, segments: list[DynamicsRecord], quick: bool = False
) -> TrajectoryPointer:
    """Write all segments as one trajectory into this job's folder.

    Args:
        name: of the file that a project shows in its `trajectories` folder.
        segments: in their order.
        quick: they are those of a rehearsal; the trajectory says so.
    """
    joined = join([segment.trajectory.open(runs_folder()) for segment in segments])
    check_frames(segments[-1], joined)
    tells = {"level_of_theory": segments[-1].level, **joined.meta}
    if quick:
        tells["quick"] = True
    path = Path(JOINED)
    replace(joined, meta=tells).write(path)
    shown = runs_folder().parent / TRAJECTORIES
    if shown.is_dir():
        _show(path, shown / f"{name}.ionf")
    return TrajectoryPointer.to(path)


def _show(path: Path, at: Path) -> None:
    """Give a file a second name, which costs no disk; a copy where that is refused."""
    new = at.with_name(at.name + ".new")
    new.unlink(missing_ok=True)
    try:
        os.link(path, new)
    except OSError:
        shutil.copyfile(path, new)
    new.replace(at)


@durable_job
def analyze_dynamics(
    trajectory: TrajectoryPointer, analyses: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the results of some analyses of a trajectory, as plain data by name.

    Args:
        trajectory: of all segments.
        analyses: settings by the name of the analysis, as plain data.
    """
    frames = trajectory.open(runs_folder())
    return {name: analyzed(frames, name, values) for name, values in analyses.items()}


@durable_job
def analyze_interface(
    trajectory: TrajectoryPointer,
    start: Structure,
    which: int,
    analyses: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, Any]]:
    """Return the analyses of the atoms that are nearer to one interface of a sandwich.

    Args:
        trajectory: of all atoms.
        start: the structure that it starts from, whose sites know their interface.
        which: of them, 0 or 1.
        analyses: as for `analyze_dynamics`.
    """
    whole = trajectory.open(runs_folder())
    nearer = np.array(start.site_properties.get("interface", []), dtype=int)
    atoms = np.flatnonzero(nearer == which)
    if tuple(site.specie.symbol for site in start) != whole.species or not len(atoms):
        why = "its atoms do not tell which of the interfaces they are nearer to"
        return {name: {"kind": name, "refused": why} for name in analyses}
    whole.write(NEARER, atoms)
    frames = Trajectory.open(NEARER)
    return {name: analyzed(frames, name, values) for name, values in analyses.items()}


@durable_job
def combine_runs(runs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what independent runs of one interface say together, as plain data.

    Args:
        runs: what `analyze_dynamics` returned of each, by a name.
    """
    counted = {name: found[ReactionReport.kind] for name, found in runs.items()}
    if refused := [
        found["refused"] for found in counted.values() if "refused" in found
    ]:
        return {Replicas.kind: {"kind": Replicas.kind, "refused": refused[0]}}
    reports = {name: ReactionReport.from_dict(found) for name, found in counted.items()}
    return {Replicas.kind: Replicas.of(reports).as_dict()}


def all_pairs(species: Iterable[str]) -> list[str]:
    """Return every pair of the elements that are there, as in "In-S"."""
    return list(map("-".join, combinations_with_replacement(sorted(set(species)), 2)))


def analyzed(
    frames: Trajectory, name: str, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Return one analysis as plain data, or why there is none.

    A run that is too short for one analysis keeps what the others say of it.
    """
    kind = analysis(name)
    if values.get("pairs") == []:  # none are named: all that are there
        values = {**values, "pairs": all_pairs(frames.species)}
    count = progress.counter(len(frames), "frames")
    try:
        settings = kind.configured(with_crystals(values))
        return kind.computed(frames, settings, count).as_dict()
    except AnalysisError as error:
        return {"kind": name, "refused": str(error)}


@durable_job
def analyze_crystal(
    structure: Structure, pairs: list[str], cutoff: float
) -> dict[str, Any]:
    """Return the RDFs of a crystal at rest."""
    rdf = crystal_rdf(
        [site.specie.symbol for site in structure],
        structure.lattice.matrix,
        structure.cart_coords,
        pairs,
        cutoff=cutoff,
    )
    return {"rdf": rdf.as_dict()}


@durable_job
def grow_lithium(cell: dict[str, Any], quick: bool = False) -> dict[str, Any]:
    """Return the growth of lithium in a cell; goes on from the state in its folder.

    Args:
        cell: a DepositionSpec as plain data.
        quick: it is a rehearsal, and its result says so.
    """
    spec = TypeAdapter(DepositionSpec).validate_python(cell)
    grown = deposit(spec, Path(), progress.report)
    if quick:
        grown = replace(grown, provenance=replace(grown.provenance, quick=True))
    return grown.as_dict()
