"""What a potential learns from: labels on its own scale of energies, some kept back.

Absolute energies of first-principles codes differ from those that a potential was
trained on by a number per element, and so do those of two cutoffs. That number is
fitted away inside each set of structures that share one zero, so that what is learnt
are reactions, surfaces and differences, and no shift.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.yardstick.labeled_frames import LabeledFrame, of_one_zero
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
        AnalysisError: too few, of a stand-in, several functionals, dispersions or U of
            an element, or a functional that is not the potential's.
    """
    if len(frames) < FEWEST:
        raise AnalysisError(
            f"{len(frames)} structures are too few to learn from and to judge by; give "
            f"{FEWEST} or more"
        )
    if emulated := [frame.name for frame in frames if frame.level.emulated]:
        raise AnalysisError(
            f"{emulated[0]} was labeled by a stand-in for VASP (EMULATED), which "
            "teaches nothing of electrons; give runs of VASP itself"
        )
    for what in mixed(frames):
        raise AnalysisError(
            f"the data mix {what}; learn from those of one alone, and say "
            "functional=PBE in extended XYZ files that do not"
        )
    mine = _method(frames[0])
    if mine != functional.split(maxsplit=1)[0]:
        raise AnalysisError(
            f"the data are {mine}, the potential was made with {functional}: its other "
            "chemistry would stay on another scale; take data of its own functional"
        )


def mixed(frames: Sequence[LabeledFrame]) -> Iterator[str]:
    """Yield what the data have two of, as no one potential could be right for both."""
    methods: dict[str, str] = {}
    waves: dict[str, str] = {}
    special: dict[str, dict[str, str]] = {}
    for frame in frames:
        methods.setdefault(_method(frame), frame.name)
        waves.setdefault(_orbitals(frame), frame.name)
        told = frame.level.by_element
        for element in frame.composition:
            values = special.setdefault(element, {})
            values.setdefault(told[element] or "no U", frame.name)
    if len(methods) > 1:
        yield f"functionals: {_listed(methods)}"
    if len(waves) > 1:
        yield f"waves: {_listed(waves)}"
    for element, values in sorted(special.items()):
        if len(values) > 1:
            yield f"settings of {element}: {_listed(values)}"


def cutoffs_told(frames: Sequence[LabeledFrame]) -> list[str]:
    """Return a sentence on each code whose labels are of several cutoffs.

    They may be learnt from together, as each cutoff has a zero of its own. Whether the
    forces of the lowest are converged is for who made them to say.
    """
    found: dict[str, Counter[float]] = {}
    for level in (frame.level for frame in frames):
        if level.cutoff_ev is not None:
            code = level.code.partition(" ")[0]  # a version makes no other forces
            found.setdefault(code, Counter())[level.cutoff_ev] += 1
    return [
        f"labels by {code} of several cutoffs: "
        + ", ".join(f"{cutoff:g} eV ({n})" for cutoff, n in sorted(counted.items()))
        + f"; each keeps a zero of its own, and forces that {min(counted):g} eV does "
        "not converge are learnt as they are"
        for code, counted in sorted(found.items())
        if len(counted) > 1
    ]


def _method(frame: LabeledFrame) -> str:
    """Return functional and dispersion, as in "PBE with D3(BJ)"."""
    functional, dispersion = frame.level.functional or "unknown", frame.level.dispersion
    return f"{functional} with {dispersion}" if dispersion else functional


def _orbitals(frame: LabeledFrame) -> str:
    """Return the atomic orbitals of a label, as in "lcao(dzp)", or "plane waves"."""
    modes = (text.partition("mode=")[2] for text in frame.level.details)
    return next((mode for mode in modes if mode.startswith("lcao")), "plane waves")


def _listed(named: Mapping[str, str]) -> str:
    return ", ".join(f"{key} ({name})" for key, name in named.items())


def split(frames: Sequence[LabeledFrame], whole: Sequence[str] = ()) -> Split:
    """Return structures with some kept back: of every kind of snapshot, evenly.

    Args:
        frames: distinct names.
        whole: groups of which none is kept back, as crystals of reactions: what is
            learnt of a reaction needs all of its phases.

    Raises:
        AnalysisError: none is kept back.
    """
    ordered = sorted(frames, key=lambda frame: (frame.group, frame.name))
    free = [frame for frame in ordered if frame.group not in whole]
    back = {frame.name for frame in free[KEPT_BACK // 2 :: KEPT_BACK]}
    if not back:
        raise AnalysisError(
            f"of {len(ordered)} structures {len(free)} are snapshots, the others "
            f"crystals that are all learnt from ({', '.join(whole)}): none would be "
            f"kept back to judge by; give {KEPT_BACK // 2 + 1} snapshots or more"
        )
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
        together: groups that share one zero whatever their settings, as the stored
            crystals, surfaces and their bulk. Others do where cutoff, pseudopotentials
            and all else that puts an element at one energy is the same.
    """
    moved = list(frames)
    for members in _of_one_zero(frames, together):
        shifts = _offsets([frames[n] for n in members], [energies[n] for n in members])
        for n, shift in zip(members, shifts, strict=True):
            moved[n] = replace(frames[n], energy=frames[n].energy + shift)
    return moved


@dataclass
class _SharedZero:
    """Structures of one group with one zero: their levels, and numbers of theirs."""

    group: str
    levels: list[LevelOfTheory] = field(default_factory=list)
    members: list[int] = field(default_factory=list)

    def takes(self, group: str, level: LevelOfTheory) -> bool:
        return group == self.group and all(of_one_zero(level, o) for o in self.levels)

    def add(self, number: int, level: LevelOfTheory) -> None:
        self.members.append(number)
        if level not in self.levels:
            self.levels.append(level)


def _of_one_zero(
    frames: Sequence[LabeledFrame], together: Sequence[str]
) -> list[list[int]]:
    """Return the numbers of the structures that share one zero, set by set."""
    found: list[_SharedZero] = []
    for n, frame in enumerate(frames):
        group, level = frame.group, frame.level
        if group in together:
            group, level = "", LevelOfTheory(level.code, "", "")
        mine = next((each for each in found if each.takes(group, level)), None)
        if mine is None:
            found.append(mine := _SharedZero(group))
        mine.add(n, level)
    return [each.members for each in found]


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
