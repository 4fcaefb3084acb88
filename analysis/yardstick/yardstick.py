"""The result of `ionface yardstick`: several engines against the same data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from ionface.analysis.result import Provenance, Result, plain
from ionface.analysis.yardstick.judgement import Judgement


@dataclass(frozen=True, repr=False)
class Yardstick(Result):
    """Engines judged by the same first-principles data, in the order they were asked.

    Attributes:
        data: what they were judged by, in words.
        judgements: one of each engine.
    """

    kind = "yardstick"
    figure = "ionface.analysis.figures.parity_figure:figure_yardstick"

    data: str
    judgements: tuple[Judgement, ...]

    def values(self) -> dict[str, Any]:
        """Return plain JSON values; units as in `Judgement`."""
        return {"data": self.data, "judgements": plain(self.judgements)}

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the result of plain values."""
        judgements = tuple(map(Judgement.from_dict, data["judgements"]))
        return cls(data["data"], judgements, provenance=provenance)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one row per engine and number."""
        for each in self.judgements:
            for row in each.forces:
                yield _row(each, f"forces, {row.kind}", "eV/Å") | {
                    "rmse": row.rmse,
                    "slope": row.slope,
                    "resolution": row.resolution,
                }
            for unit, found in (
                ("eV/atom", each.energies),
                ("eV", each.reactions),
                ("J/m2", each.surfaces),
            ):
                for one in found:
                    yield _row(each, one.name, unit) | {
                        "reference": one.reference,
                        "value": one.value,
                    }

    def summary(self) -> str:
        """Return the force error of each engine."""
        return ", ".join(
            f"{each.engine} {each.overall.rmse:.3f} eV/Å" for each in self.judgements
        )


def _row(each: Judgement, what: str, unit: str) -> dict[str, Any]:
    names = ("rmse", "slope", "resolution", "reference", "value")
    return {"engine": each.engine, "what": what, "unit": unit, **dict.fromkeys(names)}
