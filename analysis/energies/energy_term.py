"""One total energy with everything that decides whether it may enter a formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import LedgerError


@dataclass(frozen=True)
class EnergyTerm:
    """A total energy and its credentials.

    Attributes:
        name: as messages call it.
        energy: total energy, eV; NaN where the calculation has none.
        composition: number of atoms of each element.
        lattice: rows are the cell vectors, Å, shape (3, 3).
        level: the level of theory.
        finished: the calculation ended by itself.
        converged: electrons, and ions where they moved, met the criterion.
        max_force: largest norm of a force on an atom that may move, eV/Å.
        source: where the energy came from: a directory, a job.
        unmet: the criterion that was missed, with both numbers, where that is known.
        departure: why it is not the energy of a neutral, self-consistent cell at rest
            and without load, with the way out; empty where it is.
        gaps: widest layer without atoms along the normal of each pair of cell vectors
            (b and c, c and a, a and b), Å; None where it is not known.
        stress: GPa, above zero under tension, shape (3, 3); None if unknown.
    """

    name: str
    energy: float
    composition: Mapping[str, int]
    lattice: Sequence[Sequence[float]]
    level: LevelOfTheory
    finished: bool
    converged: bool
    max_force: float | None
    source: str
    unmet: str = ""
    departure: str = ""
    gaps: tuple[float, ...] | None = None
    stress: Sequence[Sequence[float]] | None = None

    @property
    def matrix(self) -> FloatArray:
        """Return the lattice as an array, Å, shape (3, 3).

        Raises:
            LedgerError: the lattice has another shape.
        """
        matrix = np.asarray(self.lattice, dtype=np.float64)
        if matrix.shape != (3, 3):
            raise LedgerError(
                f"the lattice of {self.name!r} must have shape (3, 3), got "
                f"{matrix.shape}; give its three cell vectors in Å"
            )
        return matrix

    @property
    def area(self) -> float:
        """Return |a x b|, Å²."""
        a, b, _ = self.matrix
        return float(np.linalg.norm(np.cross(a, b)))

    @property
    def formula(self) -> str:
        """Return the composition as text, as in "Li63 Ge15 O120"."""
        return " ".join(f"{s}{n}" for s, n in self.composition.items() if n)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "name": self.name,
            "energy": self.energy,
            "composition": dict(self.composition),
            "lattice": self.matrix.tolist(),
            "level": self.level.as_dict(),
            "finished": self.finished,
            "converged": self.converged,
            "max_force": self.max_force,
            "source": self.source,
            "unmet": self.unmet,
            "departure": self.departure,
            "gaps": None if self.gaps is None else list(self.gaps),
            "stress": self.stress,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> EnergyTerm:
        """Return the term that `as_dict` wrote; keys that start with @ are ignored."""
        given = {key: value for key, value in data.items() if not key.startswith("@")}
        gaps = given.get("gaps")
        given["gaps"] = None if gaps is None else tuple(gaps)
        return cls(**given | {"level": LevelOfTheory.from_dict(given["level"])})
