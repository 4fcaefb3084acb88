"""Formation energies while one setting at a time becomes finer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from ionface.analysis.result import Provenance, Result


@dataclass(frozen=True)
class Tried:
    """One formation energy.

    Attributes:
        interface: its name.
        setting: that was varied, as in "layers".
        value: of the setting, in words; costs grow with the place in the list.
        j_per_m2: the energy.
    """

    interface: str
    setting: str
    value: str
    j_per_m2: float


@dataclass(frozen=True, repr=False)
class Convergence(Result):
    """Formation energies of interfaces over settings.

    Attributes:
        tried: in the order of their cost, the study as it is first.
    """

    kind = "convergence"
    figure = "ionface.analysis.figures.convergence_figure:figure_convergence"

    tried: tuple[Tried, ...]

    @property
    def series(self) -> dict[tuple[str, str], list[Tried]]:
        """Return the energies of each interface and setting, in their order."""
        found: dict[tuple[str, str], list[Tried]] = {}
        for each in self.tried:
            found.setdefault((each.interface, each.setting), []).append(each)
        return found

    @property
    def errors(self) -> dict[tuple[str, str], float]:
        """Return how far the study as it is lies from the finest value, J/m²."""
        return {
            key: series[0].j_per_m2 - series[-1].j_per_m2
            for key, series in self.series.items()
        }

    def values(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"tried": [asdict(each) for each in self.tried]}

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the energies of plain values."""
        return cls(tuple(Tried(**t) for t in data["tried"]), provenance=provenance)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one row per energy, with its distance from the finest of its series."""
        for series in self.series.values():
            for each in series:
                yield {
                    "interface": each.interface,
                    "setting": each.setting,
                    "value": each.value,
                    "sigma (J/m²)": each.j_per_m2,
                    "from the finest (J/m²)": each.j_per_m2 - series[-1].j_per_m2,
                }

    def summary(self) -> str:
        """Return the error of the study as it is, by interface and setting."""
        return "; ".join(
            f"{interface}: {setting} {error:+.3f} J/m² from the finest"
            for (interface, setting), error in self.errors.items()
        )
