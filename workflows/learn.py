"""Fine-tunes a potential on first-principles labels, and judges it by some kept back.

Data flow: labeled frames -> energies on the potential's own scale -> training set,
frames kept back, and replayed crystals of other chemistry -> SevenNet's own training ->
judged beside what it was -> kept by the hash of its weights, with a record of it all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from pymatgen.io.ase import AseAtomsAdaptor

from ionface.analysis.result import Provenance, plain
from ionface.analysis.yardstick.judgement import Judgement, judge
from ionface.analysis.yardstick.label_files import read_frames
from ionface.analysis.yardstick.labeled_frames import (
    LabeledFrame,
    distinct,
    rules,
    stored,
)
from ionface.analysis.yardstick.spot_checks import SpotChecks, is_first_principles
from ionface.analysis.yardstick.training_set import (
    Split,
    check_one_kind,
    on_scale_of,
    split,
    summary,
)
from ionface.analysis.yardstick.yardstick import Yardstick
from ionface.errors import IonfaceError
from ionface.structures.crystals.library import crystal, materials
from ionface.workflows.engines.ase import sevennet_training
from ionface.workflows.engines.ase.ase_engine import AseEngine
from ionface.workflows.engines.ase.learned import (
    DIGITS,
    PREFIX,
    keep,
    learned,
    record_of,
)
from ionface.workflows.engines.ase.named_potentials import pretrained
from ionface.workflows.engines.ase.sevennet_training import TrainingSettings
from ionface.workflows.engines.contract import Engine
from ionface.workflows.engines.single_points import SinglePoint, single_points

Announce = Callable[[str, int, int], None]
Trainer = Callable[..., Path]

REPLAYED = 12
"""Crystals of other chemistry that are learnt again: a third as many as data."""

LARGEST_REPLAYED = 16  # atoms; small cells hold as much chemistry as large ones
SHAKEN = 0.1  # Å, rms per axis; without it a crystal has no forces
WORSE = 0.05  # eV; a reaction that is worse by more is not made good by forces
GOOD_FORCES = 0.15  # eV/Å; the RMSE with which a potential will do

EPOCH_S = {"sevennet": 0.045, "sevennet-l3i5": 0.16}
"""Seconds that an epoch takes per atom on one core: 0.028 and 0.075 were measured on
two machines; that of l3i5 by its steps."""

FINE_TUNED = ("sevennet", "sevennet-l3i5")
"""Named potentials that can be fine-tuned here."""


@dataclass(frozen=True)
class Learned:
    """A potential that was fine-tuned.

    Attributes:
        engine: its name, "learned/" and the hash of its weights.
        held_out: what it was and what it is, by structures that it has not seen.
        decay: rms force, eV/Å, by which it departs from what it was on crystals of
            other chemistry that it has not seen either; None if none was kept back.
        refusals: why it is no better; it is kept, and is nobody's default.
    """

    engine: str
    held_out: Yardstick
    decay: float | None
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Learning:
    """How a potential learns.

    Attributes:
        base: the potential that is fine-tuned, a SevenNet; None is the study's own
            where a study is repeated, else SevenNet-0.
        training: settings.
        replayed: crystals of other chemistry that are learnt again.
    """

    base: str | None = None
    training: TrainingSettings = field(default_factory=TrainingSettings)
    replayed: int = REPLAYED


def frames_to_learn_from(
    sources: Sequence[Path], *, with_stored: bool
) -> list[LabeledFrame]:
    """Return the labels of projects with spot checks, of files and of folders.

    Args:
        sources: projects, extended XYZ files, folders of VASP runs.
        with_stored: add the structures that come with the package.

    Raises:
        IonfaceError: a project without spot checks by first principles.
    """
    found: list[LabeledFrame] = list(stored()) if with_stored else []
    for source in sources:
        if (source / "project.json").is_file():
            found += _of_project(source)
        else:
            found += read_frames([source])
    return distinct(found)


def _of_project(root: Path) -> list[LabeledFrame]:
    from ionface.workflows.projects.project import Project
    from ionface.workflows.report.collect import collect

    results = collect(Project.open(root)).found.get(SpotChecks.kind, {}).values()
    checks = [each for each in results if isinstance(each, SpotChecks)]
    known = [each for each in checks if is_first_principles(each.teacher)]
    if not known:
        why = "none by first principles" if checks else "none"
        raise IonfaceError(
            f"{root} has no spot checks to learn from ({why}); give its study "
            "spot_checks: {engine: gpaw} or vasp, and run it"
        )
    return [frame for each in known for frame in each.frames]


def expected_minutes(frames: Sequence[LabeledFrame], settings: Learning) -> float:
    """Return how long a training takes on one core, within a factor of two."""
    each = EPOCH_S.get(root_of(settings.base or FINE_TUNED[0]), 0.0)
    # crystals that are learnt again have half as many atoms as the largest may have
    atoms = sum(len(frame.species) for frame in frames)
    atoms += settings.replayed * LARGEST_REPLAYED // 2
    return settings.training.epochs * atoms * each / 60


def learn(
    frames: Sequence[LabeledFrame],
    settings: Learning,
    folder: Path,
    announce: Announce = lambda *_: None,
    trainer: Trainer = sevennet_training.train,
) -> Learned:
    """Fine-tune a potential, judge it, keep it, and return what it is now.

    Args:
        frames: with first-principles labels and distinct names.
        settings: how.
        folder: where trainings have theirs, each named by the digest of its labels,
            base and settings: one that was stopped goes on, others stay as they are.
        announce: of progress.
        trainer: as `sevennet_training.train`.

    Raises:
        IonfaceError: data that do not belong together or leave none to judge by, or a
            training that failed.
    """
    begun_from = settings.base or FINE_TUNED[0]
    root, base = root_of(begun_from), trainable(begun_from)
    check_one_kind(frames, base.potential.functional)
    frames = _groups_of_their_own(frames)
    parts = split(frames, whole=rules()["without_forces"])
    learnt_from = digest_of(frames, base, settings)
    folder /= learnt_from[:DIGITS]
    announce("energies of the potential as it is", 0, 3)
    before = _points(base, _images(frames), folder)
    again, unseen = _replay(base, frames, settings.replayed, folder)
    announce("training", 1, 3)
    training, validation = _on_scale(frames, before, parts)
    weights = trainer(
        base.potential.weights,
        [*training, *again],
        validation,
        settings.training,
        folder,
    )
    announce("judging", 2, 3)
    after = _with_weights(base, weights)
    engines = ((base, before), (after, _points(after, _images(frames), folder)))
    held = {frame.name for frame in parts.held_out}
    judged = [_judged(e, frames, found, held) for e, found in engines]
    everything = [_judged(e, frames, found) for e, found in engines]
    decay = _departure(after, unseen, folder)
    refusals = tuple(_refusals(judged, everything, decay))
    record = _record(base, settings, parts, judged, everything) | {
        "base": root,
        "begun_from": begun_from,
        "learnt_from": learnt_from,
        "replayed": [frame.name for frame in again],
        "decay_ev_per_angstrom": decay,
        "refusals": list(refusals),
    }
    name = keep(weights, plain(record))
    found = _compared(judged, name, len(held))
    return Learned(learned(name).name, found, decay, refusals)


def _compared(judged: Sequence[Judgement], name: str, held: int) -> Yardstick:
    """Return the judgements before and after learning, the latter by its name."""
    before, after = judged
    title = f"{held} structures kept back"
    both = (before, replace(after, engine=name))
    return Yardstick(title, both, provenance=Provenance())


def digest_of(
    frames: Sequence[LabeledFrame], base: AseEngine, settings: Learning
) -> str:
    """Return the hash of all that a training starts from, whatever the frames' order.

    Of the labels as they are given: what is computed of them differs in its last digit
    from run to run, and the training that they are for goes on.
    """
    ordered = sorted(frames, key=lambda frame: frame.name)
    told = {
        "frames": [asdict(frame) for frame in ordered],
        "settings": asdict(replace(settings, base=None)),
        "weights": base.level_of_theory().weights,
    }
    text = json.dumps(plain(told), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _groups_of_their_own(frames: Sequence[LabeledFrame]) -> list[LabeledFrame]:
    """Return frames of which none but the stored ones have groups of stored ones.

    What rules say of these groups, as that crystals are at rest, was said of them.
    """
    ours = {(frame.group, frame.name) for frame in stored()}
    taken = {group for group, _ in ours}
    return [
        replace(frame, group=f"{frame.group} (yours)")
        if frame.group in taken and (frame.group, frame.name) not in ours
        else frame
        for frame in frames
    ]


def _on_scale(
    frames: Sequence[LabeledFrame], points: Sequence[SinglePoint], parts: Split
) -> tuple[list[LabeledFrame], list[LabeledFrame]]:
    """Return what is learnt from and what is kept back, on the potential's scale."""
    energies = [point.energy for point in points]
    moved = on_scale_of(frames, energies, rules()["together"])
    known = {frame.name: frame for frame in moved}
    first, second = (
        [known[frame.name] for frame in part]
        for part in (parts.training, parts.held_out)
    )
    return first, second


def _record(
    base: AseEngine,
    settings: Learning,
    parts: Split,
    held_out: Sequence[Judgement],
    everything: Sequence[Judgement],
) -> dict[str, Any]:
    """Return what a potential learnt from, how, and its errors before and after."""
    return {
        "base_weights": base.level_of_theory().weights,
        "settings": sevennet_training.told(settings.training),
        "training": summary(parts.training),
        "held_out": sorted(frame.name for frame in parts.held_out),
        "errors_held_out": [_errors(each) for each in held_out],
        "errors_all": [_errors(each) for each in everything],
    }


def can_learn(name: str) -> bool:
    """Tell whether a name is of a potential that can be fine-tuned here."""
    return name in FINE_TUNED or name.startswith(PREFIX)


def root_of(name: str) -> str:
    """Return the named potential that one comes from, if it can be fine-tuned here.

    Raises:
        IonfaceError: it cannot.
    """
    root = str(record_of(name)["base"]) if name.startswith(PREFIX) else name
    if root not in FINE_TUNED:
        raise IonfaceError(
            f"engine {name!r} cannot be fine-tuned here; {' and '.join(FINE_TUNED)} "
            "can, and what was learnt from them, learned/<hash>"
        )
    return root


def trainable(name: str) -> AseEngine:
    """Return the potential that a training starts from."""
    return learned(name) if name.startswith(PREFIX) else pretrained(name)


def _points(engine: Engine, images: Sequence[Atoms], folder: Path) -> list[SinglePoint]:
    return single_points(engine, images, folder / "points")


def _replay(
    base: Engine, frames: Sequence[LabeledFrame], count: int, folder: Path
) -> tuple[list[LabeledFrame], list[LabeledFrame]]:
    """Return shaken crystals of other chemistry, with the potential's own labels.

    What is learnt of a few compounds must not be forgotten of all others: these hold
    it where it was. A quarter of them is kept back, to see whether they do.

    Returns:
        Those to learn again, and those that judge.
    """
    known = {tuple(sorted(frame.composition.items())) for frame in frames}
    random, images = np.random.default_rng(0), list[Atoms]()
    for name, entry in sorted(materials().items()):
        if entry.n_atoms > LARGEST_REPLAYED or not entry.ordered:
            continue
        structure = crystal(name)
        image = AseAtomsAdaptor.get_atoms(structure)
        symbols = image.get_chemical_symbols()
        shares = {s: symbols.count(s) / len(symbols) for s in sorted(set(symbols))}
        if tuple(sorted(shares.items())) in known:
            continue
        image.positions += random.normal(scale=SHAKEN, size=image.positions.shape)
        image.info = {"name": f"replayed {name}"}
        images.append(image)
    images = [images[n] for n in random.permutation(len(images))[: count * 4 // 3]]
    points = _points(base, images, folder)
    found = [
        LabeledFrame(
            image.info["name"],
            "replay",
            tuple(image.get_chemical_symbols()),
            image.cell.array,
            image.positions,
            point.energy,
            point.forces,
        )
        for image, point in zip(images, points, strict=True)
    ]
    return found[1::2] + found[2::4], found[0::4]


def _with_weights(base: AseEngine, weights: Path) -> AseEngine:
    """Return the same engine with other weights."""
    potential = base.potential
    arguments = {**potential.arguments, "model": str(weights)}
    changed = replace(potential, arguments=arguments, weights=str(weights))
    return replace(base, potential=changed)


def _judged(
    engine: Engine,
    frames: Sequence[LabeledFrame],
    points: Sequence[SinglePoint],
    only: Collection[str] | None = None,
) -> Judgement:
    """Return what frames, or those of some names, say of an engine."""
    kept = [
        (frame, point)
        for frame, point in zip(frames, points, strict=True)
        if only is None or frame.name in only
    ]
    return judge(
        engine.name,
        engine.level_of_theory().as_dict(),
        [frame for frame, _ in kept],
        [point.energy for _, point in kept],
        [point.forces for _, point in kept],
        rules(),
    )


def _images(frames: Sequence[LabeledFrame]) -> list[Atoms]:
    return [frame.atoms() for frame in frames]


def _departure(
    engine: Engine, frames: Sequence[LabeledFrame], folder: Path
) -> float | None:
    """Return the rms difference of forces on replayed crystals, eV/Å."""
    if not frames:
        return None
    points = _points(engine, _images(frames), folder)
    apart = [p.forces - f.forces for p, f in zip(points, frames, strict=True)]
    return float(np.sqrt(np.mean(np.concatenate([a.ravel() for a in apart]) ** 2)))


def _refusals(
    held_out: Sequence[Judgement],
    everything: Sequence[Judgement],
    decay: float | None,
) -> list[str]:
    """Return why a potential is no better than it was."""
    before, after = (each.overall.rmse for each in held_out)
    found = []
    if after >= before:
        found.append(
            f"forces of structures kept back: {after:.3f} instead of {before:.3f} eV/Å"
        )
    for old, new in zip(*(each.reactions for each in everything), strict=True):
        if abs(new.error) > abs(old.error) + WORSE:
            found.append(
                f"{new.name}: {new.error:+.2f} instead of {old.error:+.2f} eV from "
                "first principles"
            )
    if decay is not None and decay > GOOD_FORCES:
        # there it would miss what will do even if it had been exact before
        found.append(
            f"forces of other chemistry moved by {decay:.3f} eV/Å, more than "
            f"{GOOD_FORCES:g}"
        )
    return found


def _errors(each: Judgement) -> dict[str, Any]:
    return {
        "force_rmse": each.overall.rmse,
        "slope": each.overall.slope,
        "energy_rmse": each.energy_rmse,
        "reaction_rmse": each.reaction_rmse,
        "surfaces": {s.name: [s.reference, s.value] for s in each.surfaces},
        "reactions": {r.name: [r.reference, r.value] for r in each.reactions},
    }
