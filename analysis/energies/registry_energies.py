"""The energy of an interface over the shifts of its film and the gaps between both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ionface.analysis.energies.formation_energy import EV_PER_A2_IN_J_PER_M2
from ionface.analysis.result import Provenance, Result, plain
from ionface.analysis.trajectory.frames import FloatArray


@dataclass(frozen=True, repr=False)
class RegistryEnergies(Result):
    """Energies of the rigid interface over shifts and gaps (a gamma surface).

    Attributes:
        name: of the interface.
        cell: in-plane vectors of the registry cell, Å, shape (2, 2).
        images: index of the irreducible shift at each grid point, shape divisions.
        shifts: irreducible ones, fractions of the interface's cell, shape (n, 2).
        gaps: of each shift, Å, shape (n, n_gaps).
        energies: eV, shape (n, n_gaps).
        area: of the interface, Å².
        n_interfaces: 1 or 2.
    """

    kind = "landscape"
    figure = "ionface.analysis.figures.registry_figure:figure_registry"
    units = {  # noqa: RUF012
        "cell": "Å",
        "shifts": "of the cell",
        "gaps": "Å",
        "energies": "eV",
        "area": "Å²",
    }

    name: str
    cell: FloatArray
    images: FloatArray
    shifts: FloatArray
    gaps: FloatArray
    energies: FloatArray
    area: float
    n_interfaces: int

    @property
    def best(self) -> tuple[int, int]:
        """Return the indices (shift, gap) of the lowest energy."""
        shift, gap = np.unravel_index(np.argmin(self.energies), self.energies.shape)
        return int(shift), int(gap)

    @property
    def relative(self) -> FloatArray:
        """Return the energies above the lowest one, J/m², shape (n, n_gaps)."""
        scale = EV_PER_A2_IN_J_PER_M2 / (self.area * self.n_interfaces)
        return np.asarray((self.energies - self.energies.min()) * scale)

    @property
    def corrugation(self) -> float:
        """Return the highest over the lowest shift, each at its best gap, J/m²."""
        return float(np.ptp(self.relative.min(axis=1)))

    @property
    def warning(self) -> str:
        """Return what to say if the lowest energy is at the edge of the gaps tried."""
        shift, gap = self.best
        gaps = self.gaps[shift]
        if len(gaps) < 2 or gaps.min() < gaps[gap] < gaps.max():
            return ""
        smallest = gaps[gap] == gaps.min()
        where, more = ("smallest", "smaller") if smallest else ("largest", "larger")
        return f"lowest at the {where} gap tried: give {more} gaps"

    def values(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "name": self.name,
            "cell": plain(self.cell),
            "divisions": list(self.images.shape),
            "images": plain(self.images),
            "shifts": plain(self.shifts),
            "gaps": plain(self.gaps),
            "energies": plain(self.energies),
            "area": self.area,
            "n_interfaces": self.n_interfaces,
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the energies of plain values."""
        arrays: dict[str, Any] = {
            name: np.asarray(data[name], dtype=np.float64)
            for name in ("cell", "shifts", "gaps", "energies")
        }
        return cls(
            name=data["name"],
            images=np.asarray(data["images"], dtype=np.intp),
            area=data["area"],
            n_interfaces=data["n_interfaces"],
            provenance=provenance,
            **arrays,
        )

    def rows(self) -> Iterator[dict[str, float]]:
        """Yield one row per shift and gap."""
        for shift, gaps, energies in zip(
            self.shifts, self.gaps, self.energies, strict=True
        ):
            for gap, energy in zip(gaps, energies, strict=True):
                yield {
                    "shift a": float(shift[0]),
                    "shift b": float(shift[1]),
                    "gap (Å)": float(gap),
                    "energy (eV)": float(energy),
                }

    def summary(self) -> str:
        """Return where the lowest energy is, and how much the highest lies above."""
        shift, gap = self.best
        a, b = self.shifts[shift]
        return (
            f"{self.name}: lowest at shift ({a:.3f}, {b:.3f}) and gap "
            f"{self.gaps[shift, gap]:.2f} Å; the highest shift lies "
            f"{self.corrugation:.3f} J/m² above"
            + (f". DOUBTFUL: {self.warning}" if self.warning else "")
        )
