"""Judges engines by first-principles data: computes, and hands the numbers on.

Data flow: labeled frames (stored, or a user's) -> energies and forces of each engine at
the same positions -> `analysis.yardstick.judge` -> one result of all engines.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ionface.analysis.result import Provenance
from ionface.analysis.yardstick.judgement import Judgement, judge
from ionface.analysis.yardstick.label_files import read_frames
from ionface.analysis.yardstick.labeled_frames import (
    LabeledFrame,
    rules,
    stored,
)
from ionface.analysis.yardstick.training_set import mixed
from ionface.analysis.yardstick.yardstick import Yardstick
from ionface.workflows.engines import progress
from ionface.workflows.engines.contract import Engine
from ionface.workflows.engines.registry import engine as find_engine
from ionface.workflows.engines.single_points import single_points
from ionface.workflows.study.file_names import slug

Announce = Callable[[str, int, int], None]
"""Called with what is done, how much of it is, and how much there is."""

STORED = "PBE, 35 structures (GPAW)"


@dataclass(frozen=True)
class ReferenceData:
    """Frames, and what is asked of them.

    Attributes:
        title: in words.
        frames: with labels.
        rules: as data/yardstick.yaml has them; empty for a user's own.
        notes: what a user must know of them.
    """

    title: str
    frames: Sequence[LabeledFrame]
    rules: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def reference_data(paths: Sequence[Path]) -> ReferenceData:
    """Return a user's data, or the stored ones where there are no paths.

    Raises:
        AnalysisError: as `read_frames`.
    """
    if not paths:
        return ReferenceData(STORED, stored(), rules())
    frames = read_frames(paths)
    notes = [
        f"the data mix {what}; forces of one are no measure for another: judge them "
        "apart"
        for what in mixed(frames)
    ]
    title = f"{', '.join(path.name for path in paths)}, {len(frames)} structures"
    return ReferenceData(title, frames, notes=tuple(notes))


def judged(
    engines: Sequence[str],
    data: ReferenceData,
    folder: Path,
    announce: Announce = lambda *_: None,
) -> Yardstick:
    """Return what the data say of each engine.

    Args:
        engines: names, as `registry.engine` takes them.
        data: first principles.
        folder: where jobs of engines that do not compute in process have theirs.
        announce: of progress.

    Raises:
        IonfaceError: an engine is not there, fails, or was not made for an element.
    """
    found = [find_engine(name) for name in engines]  # before the first one computes
    judgements = list[Judgement]()
    for name, engine in zip(engines, found, strict=True):
        announce(name, len(judgements), len(found))
        judgements.append(judgement_of(engine, name, data, folder))
    provenance = _provenance(data, judgements)
    return Yardstick(data.title, tuple(judgements), provenance=provenance)


def judgement_of(
    engine: Engine,
    name: str,
    data: ReferenceData,
    folder: Path,
) -> Judgement:
    """Return what the data say of one engine."""
    images = [frame.atoms() for frame in data.frames]
    count = progress.counter(len(images), "structures")
    with redirect_stdout(sys.stderr):  # models greet; stdout may be somebody's JSON
        points = single_points(
            engine, images, folder / f"yardstick-{slug(name)}", count
        )
    return judge(
        name,
        engine.level_of_theory().as_dict(),
        data.frames,
        [point.energy for point in points],
        [point.forces for point in points],
        data.rules,
    )


def _provenance(data: ReferenceData, judgements: Sequence[Judgement]) -> Provenance:
    levels = [each.level for each in judgements]
    told = [*levels, *(frame.settings for frame in data.frames)]
    emulated = any(each.get("emulated") for each in told)
    return Provenance(levels[0] if len(levels) == 1 else None, emulated=emulated)
