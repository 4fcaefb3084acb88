"""Judges energies and forces against labeled frames: arrays in, numbers out.

`judge(frames, energies, forces)` is all: errors of forces by kind, of energies inside
groups, of reactions and of surfaces, each beside what the data cannot resolve.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.yardstick.labeled_frames import LabeledFrame, may_be_subtracted
from ionface.errors import AnalysisError

Array = NDArray[np.float64]
J_PER_M2 = 16.02176634
"""J/m² of one eV/Å²."""

ALL = "all"
"""Name of the row over every kind."""


@dataclass(frozen=True)
class ForceErrors:
    """Forces of one kind of structures.

    Attributes:
        kind: of structures.
        frames: how many.
        components: how many forces along an axis.
        reference_rms: of the first-principles forces, eV/Å.
        rmse: of the differences, eV/Å.
        slope: Σ F·F_ref / Σ F_ref²; 1 where forces are not too soft, below it where
            they are. None where all reference forces vanish.
        resolution: numerical error of the reference, rms, eV/Å; None if unknown.
    """

    kind: str
    frames: int
    components: int
    reference_rms: float
    rmse: float
    slope: float | None
    resolution: float | None = None


@dataclass(frozen=True)
class Compared:
    """One number of both.

    Attributes:
        name: of what it is.
        reference: of first principles.
        value: of the engine.
    """

    name: str
    reference: float
    value: float

    @property
    def error(self) -> float:
        """Return the difference."""
        return self.value - self.reference


@dataclass(frozen=True)
class Judgement:
    """How far one engine is from first principles.

    Attributes:
        engine: its name.
        level: its level of theory, as plain data.
        forces: by kind, the row over all of them first.
        energies: differences of energy between structures of one composition, eV per
            atom.
        reactions: eV per formula as written.
        surfaces: J/m².
        parity: forces along axes by kind, (reference, engine), eV/Å, for the figure.
    """

    engine: str
    level: Mapping[str, Any]
    forces: tuple[ForceErrors, ...]
    energies: tuple[Compared, ...] = ()
    reactions: tuple[Compared, ...] = ()
    surfaces: tuple[Compared, ...] = ()
    parity: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = field(
        default_factory=dict
    )

    @property
    def overall(self) -> ForceErrors:
        """Return the errors over every kind."""
        return self.forces[0]

    @property
    def energy_rmse(self) -> float | None:
        """Return the RMSE of energy differences, eV per atom; None without any."""
        return rmse_of(self.energies)

    @property
    def reaction_rmse(self) -> float | None:
        """Return the RMSE of reaction energies, eV; None without any."""
        return rmse_of(self.reactions)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the judgement of plain values."""
        lists = {
            key: tuple(Compared(**one) for one in data[key])
            for key in ("energies", "reactions", "surfaces")
        }
        parity = {k: (tuple(a), tuple(b)) for k, (a, b) in data["parity"].items()}
        forces = tuple(ForceErrors(**one) for one in data["forces"])
        return cls(data["engine"], data["level"], forces, **lists, parity=parity)


def rmse_of(found: Iterable[Compared]) -> float | None:
    """Return the root mean square of the errors; None of nothing."""
    errors = [each.error for each in found]
    return float(np.sqrt(np.mean(np.square(errors)))) if errors else None


def judge(
    engine: str,
    level: Mapping[str, Any],
    frames: Sequence[LabeledFrame],
    energies: Sequence[float],
    forces: Sequence[Array],
    rules: Mapping[str, Any] | None = None,
) -> Judgement:
    """Return how far an engine's energies and forces are from those of the frames.

    Args:
        engine: its name.
        level: its level of theory, as plain data.
        frames: with first-principles labels; those that rules name stand once.
        energies: of the engine, eV, one per frame.
        forces: of the engine, eV/Å, one array (n_atoms, 3) per frame.
        rules: reactions, surfaces, resolution, titles and kinds without forces, as
            data/yardstick.yaml has them; none of them for a user's own data.

    Raises:
        AnalysisError: no frames, or what is not finite.
    """
    rules = rules or {}
    _check(engine, frames, energies, forces)
    values = {f.name: e for f, e in zip(frames, energies, strict=True)}
    by_kind = _by_kind(frames, forces, rules)
    return Judgement(
        engine,
        dict(level),
        _force_errors(by_kind, rules),
        tuple(energy_differences(frames, energies)),
        tuple(_reactions(frames, values, rules.get("reactions", ()))),
        tuple(_surfaces(frames, values, rules.get("surfaces", ()))),
        parity={
            kind: (_rounded([r for r, _ in pairs]), _rounded([f for _, f in pairs]))
            for kind, pairs in by_kind.items()
        },
    )


def _check(
    engine: str,
    frames: Sequence[LabeledFrame],
    energies: Sequence[float],
    forces: Sequence[Array],
) -> None:
    if not frames:
        raise AnalysisError(
            f"there is no structure to judge {engine} by; give data with energies and "
            "forces of elements that it knows"
        )
    for frame, energy, force in zip(frames, energies, forces, strict=True):
        if not (np.isfinite(energy) and np.isfinite(force).all()):
            raise AnalysisError(
                f"{engine} gave a non-finite energy or force for {frame.name}; look at "
                "this structure: its atoms may be too close"
            )


def _by_kind(
    frames: Sequence[LabeledFrame], forces: Sequence[Array], rules: Mapping[str, Any]
) -> dict[str, list[tuple[Array, Array]]]:
    """Return (reference, engine) forces of every frame by its kind."""
    silent, titles = rules.get("without_forces", ()), rules.get("titles", {})
    found: dict[str, list[tuple[Array, Array]]] = {}
    for frame, force in zip(frames, forces, strict=True):
        if frame.group not in silent:
            kind = titles.get(frame.group, frame.group)
            found.setdefault(kind, []).append((frame.forces, np.asarray(force)))
    return found


def _force_errors(
    by_kind: Mapping[str, list[tuple[Array, Array]]], rules: Mapping[str, Any]
) -> tuple[ForceErrors, ...]:
    titles = rules.get("titles", {})
    resolution = {titles.get(k, k): v for k, v in rules.get("resolution", {}).items()}
    every = [pair for pairs in by_kind.values() for pair in pairs]
    rows = [_errors(ALL, every)] if every else []
    rows += [_errors(k, pairs, resolution.get(k)) for k, pairs in by_kind.items()]
    return tuple(rows)


def _errors(
    kind: str, pairs: list[tuple[Array, Array]], resolution: float | None = None
) -> ForceErrors:
    reference = np.concatenate([r.ravel() for r, _ in pairs])
    value = np.concatenate([f.ravel() for _, f in pairs])
    squares = float(reference @ reference)
    return ForceErrors(
        kind=kind,
        frames=len(pairs),
        components=reference.size,
        reference_rms=float(np.sqrt(np.mean(reference**2))),
        rmse=float(np.sqrt(np.mean((value - reference) ** 2))),
        slope=float(reference @ value) / squares if squares > 1e-12 else None,
        resolution=resolution,
    )


def energy_differences(
    frames: Sequence[LabeledFrame], energies: Sequence[float]
) -> Iterable[Compared]:
    """Yield the energy of one structure above another of its composition, eV per atom.

    Args:
        frames: with first-principles labels.
        energies: of the engine for each, eV.
    """
    pairs = combinations(zip(frames, energies, strict=True), 2)
    for (first, mine), (second, its) in pairs:
        if may_be_subtracted(first, second):
            a, b = len(first.species), len(second.species)
            yield Compared(
                f"{first.name} - {second.name}",
                first.energy / a - second.energy / b,
                mine / a - its / b,
            )


def _reactions(
    frames: Sequence[LabeledFrame],
    values: Mapping[str, float],
    reactions: Iterable[Mapping[str, float]],
) -> Iterable[Compared]:
    known = {frame.name: frame for frame in frames}
    for reaction in reactions:
        if reaction.keys() <= known.keys():
            yield Compared(
                reaction_text(reaction, known),
                sum(n * known[name].energy for name, n in reaction.items()),
                sum(n * values[name] for name, n in reaction.items()),
            )


def reaction_text(
    reaction: Mapping[str, float], frames: Mapping[str, LabeledFrame]
) -> str:
    """Return a reaction as chemists write it, as in "Li6PS5Cl + 8 Li -> ..."."""
    from pymatgen.core import Composition

    sides: tuple[list[str], list[str]] = ([], [])
    for name, count in reaction.items():
        whole = Composition("".join(sorted(frames[name].species)))
        formula, units = whole.get_reduced_formula_and_factor()
        number = f"{abs(count) * units:g}"
        sides[count > 0].append(formula if number == "1" else f"{number} {formula}")
    return " -> ".join(" + ".join(side) for side in sides)


def _surfaces(
    frames: Sequence[LabeledFrame],
    values: Mapping[str, float],
    surfaces: Iterable[Mapping[str, str]],
) -> Iterable[Compared]:
    known = {frame.name: frame for frame in frames}
    reference = {name: frame.energy for name, frame in known.items()}
    for one in surfaces:
        if {one["slab"], one["bulk"]} <= known.keys():
            slab, bulk = known[one["slab"]], known[one["bulk"]]
            area = float(np.linalg.norm(np.cross(slab.lattice[0], slab.lattice[1])))
            units = len(slab.species) / len(bulk.species)
            both = [
                (of[slab.name] - units * of[bulk.name]) / (2 * area) * J_PER_M2
                for of in (reference, values)
            ]
            yield Compared(one["name"], *both)


def _rounded(arrays: Sequence[Array]) -> tuple[float, ...]:
    return tuple(np.concatenate([a.ravel() for a in arrays]).round(4).tolist())
