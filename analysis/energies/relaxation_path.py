"""A relaxation as a path: energy, forces and bonds step by step.

What reacts on contact has no energy of its own: it is the point of a reaction at which
the relaxation stopped. The path tells how many bonds had broken where.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ionface.analysis.energies.formation_energy import EV_PER_A2_IN_J_PER_M2
from ionface.analysis.reactions.bonds import bonds
from ionface.analysis.result import Provenance, Result, plain
from ionface.analysis.trajectory.frames import FloatArray
from ionface.analysis.trajectory.trajectory import Trajectory


@dataclass(frozen=True, repr=False)
class RelaxationPath(Result):
    """The steps of an interface's relaxation.

    Attributes:
        name: of the interface.
        energies: E - sum of E of the slabs, J/m², shape (n_steps,).
        forces: largest one, eV/Å, shape (n_steps,).
        bonds: by pair: their number, shape (n_steps,); of pairs whose number changes.
        published: interface energy of the literature, J/m²; None without one.
    """

    kind = "path"
    figure = "ionface.analysis.figures.path_figure:figure_path"

    name: str
    energies: FloatArray
    forces: FloatArray
    bonds: Mapping[str, FloatArray]
    published: float | None = None

    @property
    def passed(self) -> int | None:
        """Return the first step at or below the published energy; None if none is."""
        if self.published is None:
            return None
        below = np.flatnonzero(self.energies <= self.published)
        return int(below[0]) if below.size else None

    def values(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "name": self.name,
            "energies_j_per_m2": plain(self.energies),
            "forces_ev_per_a": plain(self.forces),
            "bonds": {pair: plain(counts) for pair, counts in self.bonds.items()},
            "published_j_per_m2": self.published,
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the path of plain values."""
        return cls(
            name=data["name"],
            energies=np.asarray(data["energies_j_per_m2"], dtype=np.float64),
            forces=np.asarray(data["forces_ev_per_a"], dtype=np.float64),
            bonds={pair: np.asarray(n) for pair, n in data["bonds"].items()},
            published=data["published_j_per_m2"],
            provenance=provenance,
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one row per step."""
        for step, (energy, force) in enumerate(
            zip(self.energies, self.forces, strict=True)
        ):
            counts = {pair: int(n[step]) for pair, n in self.bonds.items()}
            yield {
                "step": step,
                "energy (J/m²)": float(energy),
                "largest force (eV/Å)": float(force),
                **counts,
            }

    def summary(self) -> str:
        """Return where it began and ended, and what it cost in bonds."""
        words = [
            f"{self.name}: {self.energies[0]:+.2f} to {self.energies[-1]:+.2f} J/m² in "
            f"{len(self.energies) - 1} steps"
        ]
        words += [f"{p} {int(n[0])} to {int(n[-1])}" for p, n in self.bonds.items()]
        if (step := self.passed) is not None:
            lost = [
                f"{pair} {int(n[step]) - int(n[0]):+d}"
                for pair, n in self.bonds.items()
                if n[step] != n[0]
            ]
            words.append(
                f"passes the published {self.published:+.2f} J/m² at step {step}"
                + (f" ({', '.join(lost)})" if lost else "")
            )
        return "; ".join(words)


def relaxation_path(
    name: str,
    frames: Trajectory,
    energies: FloatArray,
    forces: FloatArray,
    *,
    slabs: float,
    area: float,
    pairs: Sequence[str],
    published: float | None = None,
    provenance: Provenance,
) -> RelaxationPath:
    """Return the path of a relaxation.

    Args:
        name: of the interface.
        frames: its steps.
        energies: of each, eV, shape (n_steps,).
        forces: largest one of each, eV/Å, shape (n_steps,).
        slabs: sum of the slabs' energies, eV.
        area: of all interfaces in the cell together, Å².
        pairs: whose bonds are counted, as in "Ge-O"; those that never change are left
            out.
        published: interface energy of the literature, J/m².
        provenance: of the energies.
    """
    counts = bonds(frames, list(pairs)).counts
    scale = EV_PER_A2_IN_J_PER_M2 / area
    return RelaxationPath(
        name=name,
        energies=(energies - slabs) * scale,
        forces=forces,
        bonds={pair: np.asarray(n) for pair, n in counts.items() if np.ptp(n)},
        published=published,
        provenance=provenance,
    )
