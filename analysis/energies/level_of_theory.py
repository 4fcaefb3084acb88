"""The level of theory: everything that fixes a total energy, as a value.

Energies may be added and subtracted only where it is equal. The ledger checks that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ionface.errors import AnalysisError


@dataclass(frozen=True)
class LevelOfTheory:
    """What a total energy depends on besides the atoms.

    Attributes:
        code: program or package, as in "vasp" or "sevenn".
        version: of the code.
        functional: exchange and correlation, as in "PBE"; for a machine-learned
            potential the functional (and energy scale) that it was trained on.
        model: name of a machine-learned potential.
        weights: SHA-256 of its weights.
        cutoff_ev: plane-wave cutoff, eV.
        k_points: the rule or the mesh, in words.
        smearing: scheme and width, in words.
        pseudopotentials: their titles, never their content.
        dispersion: correction, as in "D3(BJ)".
        details: whatever else moves a total energy, as in "LREAL=Auto".
        emulated: the numbers come from a stand-in, not from a calculation.
    """

    code: str
    version: str
    functional: str
    model: str | None = None
    weights: str | None = None
    cutoff_ev: float | None = None
    k_points: str | None = None
    smearing: str | None = None
    pseudopotentials: tuple[str, ...] = ()
    dispersion: str | None = None
    details: tuple[str, ...] = ()
    emulated: bool = False

    def __post_init__(self) -> None:
        """Sort the lists: their order follows the atoms, not the theory."""
        for name in ("pseudopotentials", "details"):
            object.__setattr__(self, name, tuple(sorted(getattr(self, name))))

    @property
    def label(self) -> str:
        """Return a short text for tables, as in "sevenn 0.12 SevenNet-0 (PBE)"."""
        who = " ".join(part for part in (self.code, self.version, self.model) if part)
        parts = [f"{who} ({self.functional})"]
        if self.cutoff_ev is not None:
            parts.append(f"{self.cutoff_ev:g} eV")
        parts += [text for text in (self.k_points, self.dispersion) if text]
        if self.emulated:
            parts.append("EMULATED")
        return ", ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        lists = {
            "pseudopotentials": list(self.pseudopotentials),
            "details": list(self.details),
        }
        return asdict(self) | lists

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LevelOfTheory:
        """Return the level that `as_dict` wrote; keys that start with @ are ignored.

        Raises:
            AnalysisError: a key is unknown, or code, version or functional is missing.
        """
        given = {key: value for key, value in data.items() if not key.startswith("@")}
        known = [field.name for field in fields(cls)]
        if unknown := sorted(given.keys() - set(known)):
            raise AnalysisError(f"unknown level-of-theory keys {unknown}; have {known}")
        if missing := [key for key in known[:3] if not given.get(key)]:
            raise AnalysisError(
                f"a level of theory without {missing} cannot be compared with another; "
                f"state at least {known[:3]}"
            )
        for name in ("pseudopotentials", "details"):
            given[name] = tuple(given.get(name) or ())
        return cls(**given)

    def differences(self, other: LevelOfTheory) -> dict[str, tuple[Any, Any]]:
        """Return the attributes that differ, each with (mine, the other's) value.

        Pseudopotentials differ unless one list contains the other: a slab of lithium
        needs fewer of them than its interface with an electrolyte.
        """
        pairs = {
            field.name: (getattr(self, field.name), getattr(other, field.name))
            for field in fields(self)
        }
        mine, others = map(set, pairs["pseudopotentials"])
        if mine and others and (mine <= others or others <= mine):
            del pairs["pseudopotentials"]
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
