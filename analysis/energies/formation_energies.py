"""The formation energies of a study: what the ledger booked, beside what papers say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from ionface.analysis.energies.ledger import LedgerEntry
from ionface.analysis.result import Provenance, Result

_MEMBER = re.compile(r"^(?P<name>.+) #\d+$")
"""How the orderings of one disordered interface are called: "LAGP|Li #2"."""


_BY_ENGINE = re.compile(r"^(?P<name>.+) \((?P<engine>[^()]+)\)$")


def by_engine(interface: str, engine: str) -> str:
    """Return how the same interface is called where another engine computes it."""
    return f"{interface} ({engine})"


@dataclass(frozen=True)
class PublishedEnergy:
    """One line of a paper's table, to be set beside ours.

    Attributes:
        interface: name of the study's interface.
        sigma_j_per_m2: interface energy, J/m².
        source: table and paper.
        e_total: of the interface, eV.
        slabs: energy of each slab, eV.
        area: Å².
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    interface: str
    sigma_j_per_m2: float
    source: str
    e_total: float | None = None
    slabs: dict[str, float] = field(default_factory=dict)
    area: float | None = None


@dataclass(frozen=True)
class Spread:
    """How the orderings of one disordered interface differ in energy.

    Attributes:
        name: of the interface.
        members: how many orderings are booked.
        mean: J/m².
        standard_deviation: of the sample, J/m².
        lowest: J/m².
        highest: J/m².
    """

    name: str
    members: int
    mean: float
    standard_deviation: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class EngineSpread:
    """How several engines differ in the energy of one interface.

    Attributes:
        name: of the interface.
        engines: label of each level of theory; the first is the study's own.
        energies_j_per_m2: by each of them.
        error_j_per_m2: standard deviation of the sample: what one of them may be off
            by, as far as engines can tell that are trained on like data.
    """

    name: str
    engines: tuple[str, ...]
    energies_j_per_m2: tuple[float, ...]
    error_j_per_m2: float


@dataclass(frozen=True, repr=False)
class FormationEnergies(Result):
    """Interface formation energies, negative where the interface forms with a gain.

    Attributes:
        entries: of the ledger: eV, Å² and J/m², see `LedgerEntry`.
        published: values of papers by the name of the interface.
    """

    kind = "energies"
    figure = "ionface.analysis.figures.energies_figure:figure_energies"
    units = {  # noqa: RUF012
        "e_total": "eV",
        "slabs": "eV",
        "delta_e": "eV",
        "area": "Å²",
        "strain_energy": "eV",
    }

    entries: tuple[LedgerEntry, ...]
    published: Mapping[str, PublishedEnergy] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        entries: tuple[LedgerEntry, ...],
        published: Mapping[str, PublishedEnergy] | None = None,
    ) -> Self:
        """Return the energies of some entries; one stand-in's makes all of them so."""
        provenance = Provenance.joint(entry.provenance for entry in entries)
        return cls(entries, dict(published or {}), provenance=provenance)

    @property
    def spreads(self) -> tuple[Spread, ...]:
        """Return mean and spread of each ensemble of two or more booked orderings."""
        groups: dict[str, list[float]] = {}
        for entry in self.entries:
            if match := _MEMBER.match(entry.name):
                energies = groups.setdefault(match["name"], [])
                energies.append(entry.formation.j_per_m2)
        return tuple(
            Spread(
                name,
                members=len(values),
                mean=float(np.mean(values)),
                standard_deviation=float(np.std(values, ddof=1)),
                lowest=min(values),
                highest=max(values),
            )
            for name, values in groups.items()
            if len(values) > 1
        )

    @property
    def engine_spreads(self) -> dict[str, EngineSpread]:
        """Return the spread of each interface that several engines have computed."""
        groups = {entry.name: [entry] for entry in self.entries}
        for entry in self.entries:
            match = _BY_ENGINE.match(entry.name)
            if match and match["name"] in groups:
                groups[match["name"]].append(entry)
        return {
            name: _engine_spread(name, entries)
            for name, entries in groups.items()
            if len(entries) > 1
        }

    def values(self) -> dict[str, Any]:
        """Return plain JSON values."""
        spreads_by_engine = self.engine_spreads
        data: dict[str, Any] = {"interfaces": [e.as_dict() for e in self.entries]}
        for entry in data["interfaces"]:
            if spread := spreads_by_engine.get(entry["name"]):
                entry["sigma_error_j_per_m2"] = spread.error_j_per_m2
        if spreads_by_engine:
            data["engines"] = [asdict(each) for each in spreads_by_engine.values()]
        if spreads := self.spreads:
            data["ensembles"] = [asdict(spread) for spread in spreads]
        if self.published:
            data["published"] = [asdict(line) for line in self.published.values()]
        return data

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the energies of plain values."""
        published = [PublishedEnergy(**line) for line in data.get("published", [])]
        return cls(
            tuple(LedgerEntry.from_dict(entry) for entry in data["interfaces"]),
            {line.interface: line for line in published},
            provenance=provenance,
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one row per interface."""
        errors = self.engine_spreads
        for entry in self.entries:
            paper = self.published.get(entry.name)
            data = entry.as_dict()
            yield {
                "interface": entry.name,
                "e_total (eV)": data["e_total"],
                "e_slabs (eV)": " ".join(f"{k}:{v}" for k, v in data["slabs"].items()),
                "delta_e (eV)": data["delta_e"],
                "area (Å²)": data["area"],
                "n_interfaces": data["n_interfaces"],
                "sigma (J/m²)": data["sigma_j_per_m2"],
                "published (J/m²)": paper.sigma_j_per_m2 if paper else None,
                "strain energy (eV)": data["strain_energy"],
                "slabs": data["slabs_state"],
                "error (J/m²)": errors[entry.name].error_j_per_m2
                if entry.name in errors
                else None,
            }

    def summary(self) -> str:
        """Return every energy in J/m²."""
        return ", ".join(
            f"{entry.name} {entry.formation.j_per_m2:.3f} J/m²"
            for entry in self.entries
        )


def _engine_spread(name: str, entries: Sequence[LedgerEntry]) -> EngineSpread:
    energies = tuple(entry.formation.j_per_m2 for entry in entries)
    labels = tuple(entry.level.label for entry in entries)
    return EngineSpread(name, labels, energies, float(np.std(energies, ddof=1)))
