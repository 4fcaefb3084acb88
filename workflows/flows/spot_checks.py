"""Spot checks: a study's potential beside single points on its own frames.

Data flow: relaxation path and relaxed slabs of one interface, or all seeds of a run ->
the frames that differ most, whole or as clusters -> a static job of another engine each
-> errors of the potential on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms
from jobflow import Flow
from numpy.typing import NDArray
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor

from ionface.analysis.yardstick.labeled_frames import LabeledFrame, settings_of
from ionface.analysis.yardstick.sampling import farthest, radial_descriptor
from ionface.analysis.yardstick.spot_checks import check_spots
from ionface.errors import IonfaceError
from ionface.structures.clusters import CORE, cut_cluster
from ionface.structures.labels import labels_of
from ionface.structures.specs import SIDES
from ionface.workflows.engines.contract import Engine
from ionface.workflows.engines.durable import durable_job
from ionface.workflows.engines.records import (
    RunRecord,
    TrajectoryPointer,
    relabeled,
    runs_folder,
)
from ionface.workflows.engines.registry import (
    Role,
    are_one,
    configured,
    study_engine,
)
from ionface.workflows.engines.registry import engine as find_engine
from ionface.workflows.engines.relaxation_frames import relaxation_frames
from ionface.workflows.engines.single_points import of_record, single_points
from ionface.workflows.flows.naming import named
from ionface.workflows.study.study import Study

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
        relaxed: its relaxation; that before dynamics is no answer.
        slabs: the relaxed sides, by name.
        trajectories: of its dynamics, one for each seed.
        like: id of an engine's job that has the atoms of the interface.
    """

    relaxed: Any = None
    slabs: dict[str, Any] = field(default_factory=dict)
    trajectories: list[Any] = field(default_factory=list)
    like: str = ""

    @classmethod
    def of(cls, flow: Flow) -> Sources:
        """Return what a flow of energies or of dynamics offers."""
        found = cls()
        for job, _ in flow.iterflow():
            told = job.metadata
            kind, part = told.get("kind"), told.get("part", "")
            if part == "interface" and kind in ("relax", "dynamics"):
                found.like = found.like or job.uuid
            if part == "interface" and kind == "relax" and told["role"] == "formation":
                found.relaxed = job.output
            if kind == "static" and part in SIDES:
                found.slabs[part] = job.output
            if told.get("result") == "trajectory":
                found.trajectories.append(job.output)
        return found


def spot_flow(study: Study, role: Role, flow: Flow) -> Flow:
    """Return the jobs that check one interface's energies, or one run of all seeds.

    Args:
        study: with `spot_checks`.
        role: whose engine is checked, a potential.
        flow: of the interface's jobs; the last one is called after it or its run.
    """
    spec, potential = study.spot_checks, study_engine(study, role)
    assert spec is not None
    subject = str([job for job, _ in flow.iterflow()][-1].metadata["subject"])
    teacher = configured(find_engine(spec.engine), study)
    sources, task = Sources.of(flow), f"spot check of {role}"
    seeds = sources.trajectories
    # as projects have it that were made when one seed was all
    ran = seeds if len(seeds) > 1 else next(iter(seeds), None)
    given = (sources.relaxed, sources.slabs, ran)
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
    # energies and dynamics may be by two potentials, each with errors of its own
    whose = subject if role == "formation" else f"{subject} dynamics"
    judged = judge_frames(subject, potential, chosen.output, records, study.quick)
    jobs.append(named(judged, whose, "spot checks", result="spot_checks"))
    return Flow(jobs, output=judged.output, name=f"{subject} {task}")


def spot_flows(
    study: Study, energies: Sequence[Flow], runs: Sequence[Flow]
) -> list[Flow]:
    """Return the flows that check a study's potentials, if it asks for that.

    Args:
        study: of the interfaces.
        energies: the flows of its energies, by interface.
        runs: the flows of its dynamics.

    Raises:
        IonfaceError: there is nothing that could be checked.
    """
    if study.spot_checks is None:
        return []
    of_role: dict[Role, Sequence[Flow]] = {"formation": energies, "dynamics": runs}
    why = {role: _unchecked(study, role) for role, flows in of_role.items() if flows}
    if not why:
        raise IonfaceError(
            "spot_checks take frames of interfaces' energies and dynamics, and the "
            "study has none, only phases, surfaces, crystals or cells; leave "
            "spot_checks out, or add an interface"
        )
    if all(why.values()):
        raise IonfaceError(
            "spot_checks tell how far a study's potential is from another engine, but "
            f"{' and '.join(dict.fromkeys(map(str, why.values())))}; leave spot_checks "
            "out, or change one of the two engines"
        )
    return [
        spot_flow(study, role, flow)
        for role, reason in why.items()
        if not reason
        for flow in of_role[role]
    ]


def _unchecked(study: Study, role: Role) -> str | None:
    """Return why the engine of a role is not checked; None of one that is."""
    spec, mine = study.spot_checks, study_engine(study, role)
    assert spec is not None
    if not mine.in_process:
        return f"{mine.name} is no potential"
    teacher = configured(find_engine(spec.engine), study)
    if are_one(mine, teacher):
        return f"{mine.name} would be checked by itself, as {spec.engine}"
    return None


@durable_job
def choose_frames(
    relaxed: RunRecord | None,
    slabs: dict[str, RunRecord],
    trajectories: list[TrajectoryPointer] | TrajectoryPointer | None,
    count: int,
    most_atoms: int,
    region: str,
) -> list[Structure]:
    """Return the frames that differ most, whole or as clusters.

    Args:
        relaxed: relaxation of an interface.
        slabs: its relaxed sides.
        trajectories: of its dynamics, a list of several seeds.
        count: of frames.
        most_atoms: of a frame; a larger one is cut around an atom of the region.
        region: "interface" or "anywhere".
    """
    ran = trajectories if isinstance(trajectories, list) else [trajectories]
    pool = list(_pool(relaxed, slabs, [each for each in ran if each is not None]))
    cut = [_cut(frame, n, most_atoms, region) for n, frame in enumerate(pool)]
    images = [AseAtomsAdaptor.get_atoms(frame) for frame in cut]
    elements = sorted({s for image in images for s in image.get_chemical_symbols()})
    features = np.array([radial_descriptor(image, elements) for image in images])
    picks = farthest(features, count, _answer(cut, count))
    chosen = [cut[n] for n in _comparable(picks, cut, features)]
    for seed in range(count - len(chosen)):
        again = chosen[seed].copy()
        again.perturb(SHAKEN, seed=seed)
        chosen.append(again)
    return chosen


def _answer(frames: Sequence[Structure], count: int) -> list[int]:
    """Return the frames whose energies are the answer: the interface and its sides.

    The first frame alone where the sides are cut or there is no room for them beside
    another frame of the interface.
    """
    sides = [n for n, f in enumerate(frames) if f.properties["origin"] in SIDES]
    answer = [0, *sides]
    fits = len(answer) < count and all(_is_whole(frames[n]) for n in answer)
    return answer if fits else answer[:1]


def _comparable(
    picks: Sequence[int], frames: Sequence[Structure], features: NDArray[np.float64]
) -> list[int]:
    """Return picks of which two have one composition: their energies can be compared.

    Those of clusters cannot, whatever they consist of. Where all differ, the last
    one gives its place to the frame of the first one's atoms that differs most from it,
    if there is one.
    """
    atoms = [frame.composition for frame in frames]
    if len(picks) < 2 or len({atoms[n] for n in picks}) < len(picks):
        return list(picks)
    first = picks[0]
    if not _is_whole(frames[first]):
        return list(picks)
    apart = np.linalg.norm(features - features[first], axis=1)
    others = [n for n in range(len(frames)) if n != first and _is_whole(frames[n])]
    alike = [n for n in others if atoms[n] == atoms[first]]
    return [*picks[:-1], *([max(alike, key=lambda n: apart[n])] if alike else [])]


def _is_whole(frame: Structure) -> bool:
    return all(frame.site_properties.get(CORE) or [True])


def _pool(
    relaxed: RunRecord | None,
    slabs: dict[str, RunRecord],
    trajectories: Sequence[TrajectoryPointer],
) -> Iterator[Structure]:
    """Yield frames with their labels and, as a property, where they are from."""
    if relaxed is not None:
        path = relaxation_frames(relaxed, runs_folder())
        if path is None:
            yield _from(relaxed.structure, "relaxation")
        else:
            yield from _frames(path.frames, relaxed.structure, "relaxation")
    for trajectory in trajectories:
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
    # phases tell whether there is a metal, and so which mesh it needs
    for name in kept.site_properties.keys() - {CORE, "phase"}:
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
        subject: the interface, or its run.
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
