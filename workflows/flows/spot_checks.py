"""Spot checks: a study's potential beside single points on its own frames.

Data flow: relaxation path, dynamics and relaxed slabs of one interface -> the frames
that differ most, whole or as clusters -> a static job of another engine each -> errors
of the potential on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms
from jobflow import Flow, Job
from numpy.typing import NDArray
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor

from ionface.analysis.yardstick.labeled_frames import LabeledFrame, settings_of
from ionface.analysis.yardstick.sampling import farthest, radial_descriptor
from ionface.analysis.yardstick.spot_checks import check_spots
from ionface.errors import IonfaceError
from ionface.structures.clusters import CORE, cut_cluster
from ionface.structures.labels import labels_of
from ionface.workflows.engines.contract import Engine
from ionface.workflows.engines.durable import durable_job
from ionface.workflows.engines.records import (
    RunRecord,
    TrajectoryPointer,
    relabeled,
    runs_folder,
)
from ionface.workflows.engines.registry import Role, configured, study_engine
from ionface.workflows.engines.registry import engine as find_engine
from ionface.workflows.engines.relaxation_frames import relaxation_frames
from ionface.workflows.engines.single_points import of_record, single_points
from ionface.workflows.flows.naming import named
from ionface.workflows.study.study import Study, crystal_label

POOL = 40
"""Frames that are looked at of each run, evenly spaced: neighbors are alike."""

SPOT_CHECK = "spot check"
"""Part of an interface, in the metadata of jobs, that single points on frames are."""

NEARNESS = 4.0  # Å; an atom this near to the other phase belongs to the interface
SHAKEN = 0.05  # Å; what frames are moved by where there are fewer than were asked for


@dataclass
class Sources:
    """Outputs of an interface's jobs that frames are taken from.

    Attributes:
        relaxed: its relaxation.
        slabs: the relaxed sides, by name.
        trajectory: of its dynamics.
        like: id of an engine's job that has the atoms of the interface.
    """

    relaxed: Any = None
    slabs: dict[str, Any] = field(default_factory=dict)
    trajectory: Any = None
    like: str = ""

    @classmethod
    def of(cls, flow: Flow) -> Sources:
        """Return what a flow of energies or of dynamics offers."""
        found = cls()
        for job, _ in flow.iterflow():
            kind, part = job.metadata.get("kind"), job.metadata.get("part", "")
            if part == "interface" and kind in ("relax", "dynamics"):
                found.like = found.like or job.uuid
            if kind == "relax" and part == "interface":
                found.relaxed = job.output
            if kind == "static" and part in ("film", "substrate"):
                found.slabs[part] = job.output
            if job.metadata.get("result") == "trajectory":
                found.trajectory = job.output
        return found


def spot_flow(study: Study, subject: str, role: Role, flow: Flow) -> Flow:
    """Return the jobs that check one interface's energies or dynamics.

    Args:
        study: with `spot_checks`.
        subject: the interface.
        role: whose engine is checked.
        flow: of its jobs.

    Raises:
        IonfaceError: the study's engine is no potential.
    """
    spec, potential = study.spot_checks, study_engine(study, role)
    assert spec is not None
    if not potential.in_process:
        raise IonfaceError(
            f"spot_checks ask how far a potential is from first principles, but "
            f"{subject} is computed with {potential.name}; leave spot_checks out"
        )
    teacher = configured(find_engine(spec.engine), study)
    sources, task = Sources.of(flow), f"spot check of {role}"
    if sources.trajectory is not None:  # its pre-relaxation is no answer
        sources.relaxed = None
    given = (sources.relaxed, sources.slabs, sources.trajectory)
    chosen = choose_frames(*given, spec.frames, spec.most_atoms, spec.region)
    jobs = [named(chosen, subject, f"{task}: frames")]
    records = []
    for number in range(spec.frames):
        step = teacher.static().make(chosen.output[number])
        name = f"{task}: single point {number + 1}"
        tells = {"kind": "static", "role": role, "part": SPOT_CHECK}
        tells |= {"engine": str(spec.engine), "like": sources.like}
        named(step, subject, name, most_atoms=str(spec.most_atoms), **tells)
        jobs.append(step)
        records.append(step.output)
    judged = judge_frames(subject, potential, chosen.output, records, study.quick)
    # energies and dynamics may be by two potentials, each with errors of its own
    whose = subject if role == "formation" else f"{subject} dynamics"
    jobs.append(named(judged, whose, "spot checks", result="spot_checks"))
    return Flow(jobs, output=judged.output, name=f"{subject} {task}")


def checked_parts(study: Study, parts: Sequence[Job | Flow]) -> list[Job | Flow]:
    """Return the flows that check a study's interfaces, if it asks for that.

    Args:
        study: of the parts.
        parts: the jobs and flows of its energies and dynamics.
    """
    if study.spot_checks is None:
        return []
    references = {crystal_label(each.crystal) for each in study.references}
    found: list[Job | Flow] = []
    for part in parts:
        role: Role | None = _role(part)
        known = role is None or _subject(part) in references
        if isinstance(part, Flow) and role and not known:
            found.append(spot_flow(study, _subject(part), role, part))
    return found


def _role(part: Job | Flow) -> Role | None:
    """Return whose engine does a part; None of what belongs to no interface."""
    if not isinstance(part, Flow):
        return None
    told = [job.metadata for job, _ in part.iterflow()]
    for role in ("formation", "dynamics"):
        kind = "relax" if role == "formation" else "dynamics"
        mine = {"part": "interface", "role": role, "kind": kind}
        if any(mine.items() <= each.items() for each in told):
            return role
    return None


def _subject(flow: Job | Flow) -> str:
    assert isinstance(flow, Flow)
    return str(next(iter(flow.iterflow()))[0].metadata["subject"])


@durable_job
def choose_frames(
    relaxed: RunRecord | None,
    slabs: dict[str, RunRecord],
    trajectory: TrajectoryPointer | None,
    count: int,
    most_atoms: int,
    region: str,
) -> list[Structure]:
    """Return the frames that differ most, whole or as clusters.

    Args:
        relaxed: relaxation of an interface.
        slabs: its relaxed sides.
        trajectory: of its dynamics.
        count: of frames.
        most_atoms: of a frame; a larger one is cut around an atom of the region.
        region: "interface" or "anywhere".
    """
    pool = list(_pool(relaxed, slabs, trajectory))
    cut = [_cut(frame, n, most_atoms, region) for n, frame in enumerate(pool)]
    images = [AseAtomsAdaptor.get_atoms(frame) for frame in cut]
    elements = sorted({s for image in images for s in image.get_chemical_symbols()})
    features = np.array([radial_descriptor(image, elements) for image in images])
    chosen = [cut[n] for n in _comparable(farthest(features, count), cut, features)]
    for seed in range(count - len(chosen)):
        again = chosen[seed].copy()
        again.perturb(SHAKEN, seed=seed)
        chosen.append(again)
    return chosen


def _comparable(
    picks: Sequence[int], frames: Sequence[Structure], features: NDArray[np.float64]
) -> list[int]:
    """Return picks of which two have one composition: their energies can be compared.

    Where all differ, the last one gives its place to the frame of the first one's atoms
    that differs most from it, if there is one.
    """
    atoms = [frame.composition for frame in frames]
    if len(picks) < 2 or len({atoms[n] for n in picks}) < len(picks):
        return list(picks)
    first = picks[0]
    apart = np.linalg.norm(features - features[first], axis=1)
    alike = [n for n in range(len(frames)) if atoms[n] == atoms[first] and n != first]
    return [*picks[:-1], *([max(alike, key=lambda n: apart[n])] if alike else [])]


def _pool(
    relaxed: RunRecord | None,
    slabs: dict[str, RunRecord],
    trajectory: TrajectoryPointer | None,
) -> Iterator[Structure]:
    """Yield frames with their labels and, as a property, where they are from."""
    if relaxed is not None:
        path = relaxation_frames(relaxed, runs_folder())
        if path is None:
            yield _from(relaxed.structure, "relaxation")
        else:
            yield from _frames(path.frames, relaxed.structure, "relaxation")
    if trajectory is not None:
        yield from _frames(trajectory.open(runs_folder()), None, "dynamics")
    for side, record in slabs.items():
        yield _from(record.structure, side)


def _frames(frames: Any, like: Structure | None, origin: str) -> Iterator[Structure]:
    count = min(POOL, len(frames))
    # the last frame first: choice begins with it, and it is the answer
    for n in np.linspace(len(frames) - 1, 0, count).round().astype(int):
        frame = frames.frame(int(n))
        made = Structure(
            frame.lattice, list(frames.species), frame.positions,
            coords_are_cartesian=True,
        )  # fmt: skip
        labels = frames.meta.get("labels") if like is None else labels_of(like)
        for name, values in (labels or {}).items():
            made.add_site_property(name, values)
        yield _from(made if like is None else relabeled(like, made), origin)


def _from(structure: Structure, origin: str) -> Structure:
    made = structure.copy()
    made.properties = {"origin": origin}
    return made


def _cut(frame: Structure, number: int, most: int, region: str) -> Structure:
    """Return a frame small enough; each is cut around another atom."""
    around: Sequence[int] = range(len(frame))
    phases = frame.site_properties.get("phase")
    if region == "interface" and phases and len(set(phases)) > 1:
        around = _at_interface(frame, phases) or around
    center = around[(number * 7919) % len(around)]  # a prime: no period of the cell
    cluster = cut_cluster(frame, center, most)
    kept = Structure.from_sites([*cluster])
    for name in [n for n in kept.site_properties if n != CORE]:
        kept.remove_site_property(name)
    kept.properties = {**frame.properties}
    return kept


def _at_interface(frame: Structure, phases: Sequence[str]) -> list[int]:
    """Return the atoms that are near to one of another phase."""
    first, second, _, _ = frame.get_neighbor_list(NEARNESS)
    named_ = np.array(phases)
    return sorted({int(i) for i in first[named_[first] != named_[second]]})


@durable_job
def judge_frames(
    subject: str,
    potential: Engine,
    frames: list[Structure],
    records: list[RunRecord],
    quick: bool = False,
) -> dict[str, Any]:
    """Return the errors of a potential on frames of its own, as plain data.

    Args:
        subject: the interface.
        potential: whose errors.
        frames: that were chosen.
        records: single points on them by another engine.
        quick: the run was a rehearsal.
    """
    images = [AseAtomsAdaptor.get_atoms(frame) for frame in frames]
    labeled = [
        _labeled(f"{subject} {n}", frame, image, record)
        for n, (frame, image, record) in enumerate(
            zip(frames, images, records, strict=True), start=1
        )
    ]
    mine = single_points(potential, [_plain(image) for image in images], runs_folder())
    cores = [frame.site_properties.get(CORE) or [True] * len(frame) for frame in frames]
    return check_spots(
        potential.name,
        potential.level_of_theory().as_dict(),
        labeled,
        cores,
        [point.energy for point in mine],
        [point.forces for point in mine],
        records[0].level,
        quick,
    ).as_dict()


def _plain(image: Atoms) -> Atoms:
    bare = image.copy()
    bare.set_constraint()
    return bare


def _labeled(
    name: str, frame: Structure, image: Atoms, record: RunRecord
) -> LabeledFrame:
    """Return a frame with the labels of a single point, and how they were computed."""
    point = of_record(record)
    return LabeledFrame(
        name=name,
        group=str(frame.properties.get("origin", name)),
        species=tuple(image.get_chemical_symbols()),
        lattice=image.cell.array,
        positions=image.positions,
        energy=point.energy,
        forces=point.forces,
        settings=settings_of(record.level),
    )
