"""Positions of a phase whose cell, space group and occupied sites alone are published.

    python benchmarks/phase_positions.py [LiTiPO5] [STARTS]

Random positions on the published sites are moved until every cation has its bond
valences (Brown and Altermatt, Acta Crystallogr. B 41, 244 (1985)) and its shell of
oxygens, and no two atoms are too close. The table tells how far the best ones are from
that; a potential then relaxes and ranks them. So LiTiPO5 came into the phase library:
the best start has the lowest energy too, by 54 meV/atom (SevenNet-0).
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from pymatgen.core import Lattice, Structure
from pymatgen.symmetry.groups import SpaceGroup
from scipy.optimize import minimize

LENGTHS = {"Li": 1.466, "P": 1.617, "Ti": 1.815}
"""Bond-valence parameters with oxygen, Å, at b = 0.37 Å."""

VALENCES = {"Li": 1, "P": 5, "Ti": 4, "O": 2}
SHELLS = {"P": (4, 1.54), "Ti": (6, 1.97)}
"""Oxygens about a cation, and their mean distance in Å."""

CLOSEST = {"O-O": 2.35, "Li": 2.5, "other": 2.9}
"""Å; two oxygens of a PO4 are 2.5 apart, cations that share an edge 2.9."""

Site = tuple[str, int, Callable[..., tuple[float, float, float]]]


def general(x: float, y: float, z: float) -> tuple[float, float, float]:
    """Return the general position."""
    return x, y, z


def mirror(x: float, z: float) -> tuple[float, float, float]:
    """Return 4c of Pnma."""
    return x, 0.25, z


@dataclass(frozen=True)
class Published:
    """What is published of a phase: cell (Å), space group, element of each site."""

    group: str
    lattice: Lattice
    sites: tuple[Site, ...]


PHASES = {
    # Robertson, Fletcher, Skakle and West, J. Solid State Chem. 109, 53 (1994)
    "LiTiPO5": Published(
        "Pnma",
        Lattice.orthorhombic(7.4000, 6.3752, 7.2347),
        (
            ("Li", 0, lambda: (0.0, 0.0, 0.0)),
            ("Ti", 2, mirror),
            ("P", 2, mirror),
            ("O", 2, mirror),
            ("O", 2, mirror),
            ("O", 2, mirror),
            ("O", 3, general),
        ),
    ),
}


class Model:
    """Free coordinates of a phase, and how far they are from what chemistry asks."""

    def __init__(self, phase: Published) -> None:
        """Find the operations that make each site's images."""
        self.lattice = phase.lattice
        self.sites = phase.sites
        self.free = sum(count for _, count, _ in phase.sites)
        self.operations = [
            (op.rotation_matrix, op.translation_vector)
            for op in SpaceGroup(phase.group).symmetry_ops
        ]
        trial = np.random.default_rng(1).random(self.free)
        self.images = [self._distinct(x) for x in self._placed(trial)]
        self.multiplicity = np.array([len(image) for image in self.images])
        self.first = np.cumsum([0, *self.multiplicity[:-1]])
        labels = [site[0] for site in phase.sites]
        self.symbols = list(np.repeat(labels, self.multiplicity))
        self.oxygen = np.array([s == "O" for s in self.symbols])
        shifts = np.array(list(itertools.product((-1, 0, 1), repeat=3)))
        self.shifts = shifts @ phase.lattice.matrix
        pairs = [[_pair(a, b) for b in self.symbols] for a in labels]
        self.lengths = np.array([[p[0] for p in row] for row in pairs])
        self.closest = np.array([[p[1] for p in row] for row in pairs])

    def _placed(self, free: np.ndarray) -> list[np.ndarray]:
        start, found = 0, []
        for _, count, position in self.sites:
            found.append(np.array(position(*free[start : start + count])))
            start += count
        return found

    def _distinct(self, position: np.ndarray) -> list[int]:
        seen: list[np.ndarray] = []
        kept = []
        for index, (rotation, shift) in enumerate(self.operations):
            image = rotation @ position + shift
            apart = [abs((image - other + 0.5) % 1 - 0.5).max() for other in seen]
            if all(distance > 1e-3 for distance in apart):
                seen.append(image)
                kept.append(index)
        return kept

    def coordinates(self, free: np.ndarray) -> np.ndarray:
        """Return fractional coordinates of the cell's atoms, shape (atoms, 3)."""
        placed = zip(self._placed(free), self.images, strict=True)
        return np.array(
            [
                (self.operations[i][0] @ x + self.operations[i][1]) % 1
                for x, images in placed
                for i in images
            ]
        )

    def cost(self, free: np.ndarray) -> float:
        """Return what is wrong with the positions, per atom; 0 is chemistry's."""
        points = self.coordinates(free) @ self.lattice.matrix
        apart = points[self.first][:, None, None] - points[:, None] + self.shifts
        distances = np.linalg.norm(apart, axis=-1)
        itself = np.arange(len(self.first)), self.first, len(self.shifts) // 2
        distances[itself] = np.inf
        bonds = np.exp((self.lengths[..., None] - distances.clip(1.2)) / 0.37)
        wrong = self.multiplicity * (bonds.sum((1, 2)) - self._valences()) ** 2
        close = (self.closest[..., None] - distances).clip(0) ** 2
        overlap = self.multiplicity @ close.sum((1, 2))
        total = 0.1 * wrong.sum() + 3 * overlap + 10 * self._shells(distances)
        return float(total / self.multiplicity.sum())

    def _valences(self) -> np.ndarray:
        return np.array([VALENCES[site[0]] for site in self.sites])

    def _shells(self, distances: np.ndarray) -> float:
        wrong = 0.0
        for row, (symbol, *_), count in zip(
            distances, self.sites, self.multiplicity, strict=True
        ):
            if symbol not in SHELLS:
                continue
            number, length = SHELLS[symbol]
            around = np.sort(row[self.oxygen].ravel())
            wrong += count * ((around[:number] - length) ** 2).sum()
            wrong += count * max(length * 1.35 - around[number], 0) ** 2
        return float(wrong)

    def search(self, starts: int) -> list[tuple[float, np.ndarray]]:
        """Return costs and free coordinates, the best first."""
        random = np.random.default_rng(1)
        found = []
        for _ in range(starts):
            trials = random.random((30, self.free))
            start = min(trials, key=self.cost)
            best = minimize(self.cost, start, method="L-BFGS-B")
            found.append((float(best.fun), best.x % 1))
        return sorted(found, key=lambda pair: pair[0])


def _pair(first: str, second: str) -> tuple[float, float]:
    """Return bond-valence parameter and shortest distance of two elements, Å."""
    if (first == "O") != (second == "O"):
        return LENGTHS[first if second == "O" else second], 0.0
    kind = "O-O" if first == "O" else "Li" if "Li" in (first, second) else "other"
    return -np.inf, CLOSEST[kind]


def main() -> None:
    """Search the positions of one phase; the best is written as a POSCAR."""
    name = sys.argv[1] if len(sys.argv) > 1 else "LiTiPO5"
    model = Model(PHASES[name])
    found = model.search(int(sys.argv[2]) if len(sys.argv) > 2 else 60)
    print("| cost | " + " | ".join(f"p{i}" for i in range(model.free)) + " |")
    print("|" + " --- |" * (model.free + 1))
    for cost, free in found[:8]:
        print(f"| {cost:.4f} | " + " | ".join(f"{x:.3f}" for x in free) + " |")
    best = Structure(model.lattice, model.symbols, model.coordinates(found[0][1]))
    best.to(filename=f"POSCAR_{name}", fmt="poscar")
    print(f"wrote POSCAR_{name}; relax it before use")


if __name__ == "__main__":
    main()
