"""The error bar of a potential's answer: its own frames with other labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.result import Provenance, Result, plain
from ionface.analysis.yardstick.judgement import (
    Compared,
    Judgement,
    energy_differences,
    judge,
)
from ionface.analysis.yardstick.labeled_frames import LabeledFrame

FIRST_PRINCIPLES = ("vasp", "gpaw", "cp2k")
OF_ELECTRONS = ("cutoff_ev", "k_points", "smearing", "pseudopotentials")
"""What no potential has."""

TERMS = ("relaxation", "film", "substrate")
"""Groups of the frames that an interface's energy is a difference of."""


def is_first_principles(level: Mapping[str, Any]) -> bool:
    """Tell whether a level of theory, as plain data, is one of electrons."""
    of_electrons = any(level.get(key) for key in OF_ELECTRONS)
    known = level.get("code") in FIRST_PRINCIPLES or of_electrons
    return known and not level.get("emulated")


@dataclass(frozen=True, repr=False)
class SpotChecks(Result):
    """A potential beside single points on frames of its own run.

    Attributes:
        judgement: errors; of clusters only atoms with all their neighbors count, and
            no energies, in which their cut rims count.
        teacher: level of theory of the single points, as plain data.
        frames: with the teacher's energies and forces, to learn from.
        cores: of each frame, which atoms count, as in `judgement`.
        formation: energy of the relaxed interface less those of its relaxed sides, eV,
            by both at the geometries of the potential; None unless all three are
            among the frames, and whole.
    """

    kind = "spot_checks"
    figure = "ionface.analysis.figures.parity_figure:figure_spot_checks"

    judgement: Judgement
    teacher: Mapping[str, Any]
    frames: tuple[LabeledFrame, ...] = ()
    cores: tuple[tuple[bool, ...], ...] = ()
    formation: Compared | None = None

    @property
    def clusters(self) -> int:
        """Return how many of the frames are clusters that were cut out of one."""
        return sum(not all(core) for core in self.cores)

    @property
    def against(self) -> str:
        """Return what the numbers are errors against, in words."""
        label = LevelOfTheory.label_of(self.teacher)
        if is_first_principles(self.teacher):
            return label
        return f"{label}: a spread of two potentials, no error against first principles"

    def line(self) -> str:
        """Return force error, slope and energy error in one sentence."""
        row, energy = self.judgement.overall, self.judgement.energy_rmse
        what = "error" if is_first_principles(self.teacher) else "spread"
        slope = "" if row.slope is None else f", slope {row.slope:.3f}"
        energies = "" if energy is None else f", energies {1000 * energy:.1f} meV/atom"
        answer = "" if self.formation is None else f"; {self.answer()}"
        return (
            f"force {what} {row.rmse:.3f} eV/Å{slope}{energies} on {row.frames} frames "
            f"of its own, against {self.against}{answer}"
        )

    def answer(self) -> str:
        """Return the formation energy by both, in words."""
        assert self.formation is not None
        mine, its = self.formation.value, self.formation.reference
        return (
            f"ΔE at its geometries {mine:.3f} eV, {its:.3f} by {self.teacher['code']}"
        )

    def values(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "judgement": plain(self.judgement),
            "against": self.against,
            "teacher": plain(self.teacher),
            "frames": [plain(asdict(frame)) for frame in self.frames],
            "cores": plain(self.cores),
            "formation": plain(self.formation),
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the result of plain values."""
        answer = data.get("formation")
        return cls(
            Judgement.from_dict(data["judgement"]),
            data["teacher"],
            tuple(map(frame_of, data["frames"])),
            tuple(map(tuple, data["cores"])),
            Compared(**answer) if answer else None,
            provenance=provenance,
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one row per kind of frames."""
        for row in self.judgement.forces:
            yield {"engine": self.judgement.engine, "against": self.against} | {
                "frames": row.kind,
                "number": row.frames,
                "rms_ev_per_angstrom": row.reference_rms,
                "rmse_ev_per_angstrom": row.rmse,
                "slope": row.slope,
            }

    def summary(self) -> str:
        """Return the errors in one sentence."""
        return self.line()


def frame_of(data: Mapping[str, Any]) -> LabeledFrame:
    """Return a frame of plain values."""
    arrays = {k: np.array(data[k], dtype=np.float64) for k in (
        "lattice", "positions", "forces")}  # fmt: skip
    return LabeledFrame(**{**data, **arrays, "species": tuple(data["species"])})


def check_spots(
    engine: str,
    level: Mapping[str, Any],
    frames: Sequence[LabeledFrame],
    cores: Sequence[Sequence[bool]],
    energies: Sequence[float],
    forces: Sequence[Any],
    teacher: Mapping[str, Any],
    quick: bool = False,
) -> SpotChecks:
    """Return the errors of a potential on frames of its own.

    Args:
        engine: its name.
        level: its level of theory, as plain data.
        frames: with the teacher's labels.
        cores: of each frame, which atoms count, shape (n_atoms,).
        energies: of the potential, eV.
        forces: of the potential, eV/Å, one (n_atoms, 3) per frame.
        teacher: level of theory of the labels.
        quick: the run was a rehearsal.

    Raises:
        AnalysisError: as `judge`.
    """
    masks = [np.array(core, dtype=bool) for core in cores]
    counted = [
        replace(frame, forces=frame.forces[mask])
        for frame, mask in zip(frames, masks, strict=True)
    ]
    mine = [np.asarray(f)[mask] for f, mask in zip(forces, masks, strict=True)]
    judged = judge(engine, level, counted, energies, mine)
    whole = [n for n, mask in enumerate(masks) if mask.all()]
    apart = energy_differences([frames[n] for n in whole], [energies[n] for n in whole])
    emulated = bool(teacher.get("emulated") or level.get("emulated"))
    return SpotChecks(
        replace(judged, energies=tuple(apart)),
        dict(teacher),
        tuple(frames),
        tuple(tuple(map(bool, core)) for core in cores),
        answer_by_both([frames[n] for n in whole], [energies[n] for n in whole]),
        provenance=Provenance(level, emulated=emulated, quick=quick),
    )


def answer_by_both(
    frames: Sequence[LabeledFrame], energies: Sequence[float]
) -> Compared | None:
    """Return what both say of the answer itself; None where a term is missing.

    Args:
        frames: whole ones, the relaxed interface before others of its relaxation.
        energies: of the potential, eV.
    """
    terms: dict[str, tuple[LabeledFrame, float]] = {}
    for frame, energy in zip(frames, energies, strict=True):
        terms.setdefault(frame.group, (frame, energy))
    if not terms.keys() >= set(TERMS):
        return None
    (interface, mine), *sides = (terms[group] for group in TERMS)
    atoms: Counter[str] = Counter()
    for side, energy in sides:
        atoms.update(side.species)
        mine -= energy
    if atoms != Counter(interface.species):
        return None
    reference = interface.energy - sum(side.energy for side, _ in sides)
    return Compared("formation energy", reference, mine)
