"""What a potential learns from: labels on its own scale of energies, some kept back.

Absolute energies of first-principles codes differ from those that a potential was
trained on by a number per element. That number is fitted away inside each set of
structures that share one zero, so that what is learnt are reactions, surfaces and
differences, and no shift.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.yardstick.labeled_frames import LabeledFrame
from ionface.errors import AnalysisError

Array = NDArray[np.float64]
KEPT_BACK = 5
"""Of so many snapshots one is kept back: eight of forty."""

FEWEST = 5  # structures; fewer leave nothing to judge by


@dataclass(frozen=True)
class Split:
    """Structures to learn from, and those that judge.

    Attributes:
        training: the one.
        held_out: the other; never trained on.
    """

    training: tuple[LabeledFrame, ...]
    held_out: tuple[LabeledFrame, ...]


def check_one_kind(frames: Sequence[LabeledFrame], functional: str) -> None:
    """Refuse labels that do not belong together.

    Args:
        frames: all that is to be learnt from.
        functional: of the potential's own data, in words that begin with its name.

    Raises:
        AnalysisError: too few, several functionals, one that is not the potential's, or
            two cutoffs for structures whose energies are subtracted.
    """
    if len(frames) < FEWEST:
        raise AnalysisError(
            f"{len(frames)} structures are too few to learn from and to judge by; give "
            f"{FEWEST} or more"
        )
    named: dict[str, LabeledFrame] = {}
    for frame in frames:
        named.setdefault(str(frame.settings.get("functional", "unknown")), frame)
    if len(named) > 1:
        told = ", ".join(f"{key} ({frame.name})" for key, frame in named.items())
        raise AnalysisError(
            f"the data mix functionals: {told}; learn from those of one alone, and say "
            "functional=PBE in extended XYZ files that do not"
        )
    (mine,) = named
    if mine != functional.split(maxsplit=1)[0]:
        raise AnalysisError(
            f"the data are {mine}, the potential was made with {functional}: its other "
            "chemistry would stay on another scale; take data of its own functional"
        )
    _check_cutoffs(frames)


def _check_cutoffs(frames: Sequence[LabeledFrame]) -> None:
    first: dict[tuple[str, str], LabeledFrame] = {}
    for frame in frames:
        key = (frame.group, str(dict(frame.composition)))
        other = first.setdefault(key, frame)
        for name in ("cutoff_ev", "code", "pseudopotentials"):
            mine, its = frame.settings.get(name), other.settings.get(name)
            if mine != its:
                raise AnalysisError(
                    f"{other.name} and {frame.name} are of one group, {frame.group}, "
                    f"but {name} is {its} and {mine}: their energies have two zeros; "
                    "compute them alike, or give them groups of their own"
                )


def split(frames: Sequence[LabeledFrame], whole: Sequence[str] = ()) -> Split:
    """Return structures with some kept back: of every kind of snapshot, evenly.

    Args:
        frames: distinct names.
        whole: groups of which none is kept back, as crystals of reactions: what is
            learnt of a reaction needs all of its phases.
    """
    ordered = sorted(frames, key=lambda frame: (frame.group, frame.name))
    free = [frame for frame in ordered if frame.group not in whole]
    back = {frame.name for frame in free[KEPT_BACK // 2 :: KEPT_BACK]}
    return Split(
        tuple(frame for frame in ordered if frame.name not in back),
        tuple(frame for frame in ordered if frame.name in back),
    )


def on_scale_of(
    frames: Sequence[LabeledFrame],
    energies: Sequence[float],
    together: Sequence[str] = (),
) -> list[LabeledFrame]:
    """Return the structures with energies on a potential's own scale.

    Args:
        frames: with first-principles energies.
        energies: of the potential for the same structures, eV.
        together: groups that share one zero, as crystals, surfaces and their bulk.
    """
    sets: dict[tuple[str, ...], list[int]] = {}
    for n, frame in enumerate(frames):
        shared = frame.group in together
        code = str(frame.settings.get("code"))
        key = (code,) if shared else (code, frame.group)
        sets.setdefault(key, []).append(n)
    moved = list(frames)
    for members in sets.values():
        shifts = _offsets([frames[n] for n in members], [energies[n] for n in members])
        for n, shift in zip(members, shifts, strict=True):
            moved[n] = replace(frames[n], energy=frames[n].energy + shift)
    return moved


def _offsets(frames: Sequence[LabeledFrame], energies: Sequence[float]) -> Array:
    """Return what each energy is moved by: a number per element, fitted."""
    elements = sorted({symbol for frame in frames for symbol in frame.species})
    counts = np.array([[f.species.count(e) for e in elements] for f in frames], float)
    atoms = counts.sum(axis=1)
    missing = np.array(energies) - np.array([frame.energy for frame in frames])
    # per atom, so that a large cell counts as a small one does
    fitted = np.linalg.lstsq(counts / atoms[:, None], missing / atoms, rcond=1e-6)[0]
    shifts: Array = counts @ fitted
    return shifts


def summary(frames: Sequence[LabeledFrame]) -> dict[str, int]:
    """Return how many structures there are of each group."""
    found: dict[str, int] = {}
    for frame in frames:
        found[frame.group] = found.get(frame.group, 0) + 1
    return found


def distinct(frames: Sequence[LabeledFrame]) -> list[LabeledFrame]:
    """Return the structures with names that stand once."""
    seen: dict[str, int] = {}
    found = []
    for frame in frames:
        number = seen[frame.name] = seen.get(frame.name, 0) + 1
        name = frame.name if number == 1 else f"{frame.name} ({number})"
        found.append(replace(frame, name=name))
    return found
