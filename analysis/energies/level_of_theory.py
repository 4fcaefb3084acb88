"""The level of theory: everything that fixes a total energy, as a value.

Energies may be added and subtracted only where it is equal. The ledger checks that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ionface.errors import AnalysisError

DIVISION_OF_WORK = frozenset({"NCORE", "KPAR"})
"""Details that a level may name, and that move no energy."""


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
        by_element: what is set for each element that is there, as in {"Co": "U-J=3.32
            l=2", "O": ""}; compared where both have the element.
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
    by_element: Mapping[str, str] = field(default_factory=dict)
    emulated: bool = False

    def __post_init__(self) -> None:
        """Sort the lists: their order follows the atoms, not the theory."""
        for name in ("pseudopotentials", "details"):
            object.__setattr__(self, name, tuple(sorted(getattr(self, name))))

    @property
    def label(self) -> str:
        """Return a short text for tables, as in "sevenn 0.12 SevenNet-0 (PBE)"."""
        who = " ".join(part for part in (self.code, self.version, self.model) if part)
        hubbard = "+U" if any("U" in text for text in self.by_element.values()) else ""
        functional = f"{self.functional}{hubbard}"
        parts = [f"{who} ({functional})" if functional else who]
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

    @classmethod
    def label_of(cls, data: Mapping[str, Any]) -> str:
        """Return the label of a level that a file may have told only in part."""
        names = [field.name for field in fields(cls)]
        told = dict.fromkeys(names[:3], "") | {n: data[n] for n in names if n in data}
        return cls(**told).label

    def differences(self, other: LevelOfTheory) -> dict[str, tuple[Any, Any]]:
        """Return what differs, each with (mine, the other's) value.

        Of the details each tag by itself; pseudopotentials and what goes by element
        only where both have the element: a slab of lithium needs neither the
        pseudopotentials of its electrolyte nor the U of its cobalt.
        """
        pairs = {
            each.name: (getattr(self, each.name), getattr(other, each.name))
            for each in fields(self)
        }
        if _agree(*pairs["pseudopotentials"]):
            del pairs["pseudopotentials"]
        tags = [dict(map(_tag, details)) for details in pairs.pop("details")]
        for name in sorted((tags[0].keys() | tags[1].keys()) - DIVISION_OF_WORK):
            pairs[name] = (tags[0].get(name), tags[1].get(name))
        first, second = pairs.pop("by_element")
        for element in sorted(first.keys() & second.keys()):
            pairs[element] = (first[element] or None, second[element] or None)
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _agree(mine: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Tell whether elements that both have are described alike.

    One may have fewer of them, as a slab has without the labeled atoms of a dopant.
    """
    if not (mine and others):
        return mine == others
    first, second = _by_element(mine), _by_element(others)
    return all(
        first[element] <= second[element] or second[element] <= first[element]
        for element in first.keys() & second.keys()
    )


def _by_element(titles: tuple[str, ...]) -> dict[str, set[str]]:
    """Return titles, as in "PAW_PBE Li_sv 10Sep2004", by the element they are for."""
    found: dict[str, set[str]] = {}
    for title in titles:
        words = title.split()
        name = words[1] if len(words) > 1 else title
        found.setdefault(name.partition("_")[0].partition(".")[0], set()).add(title)
    return found


def _tag(detail: str) -> tuple[str, str]:
    name, _, value = detail.partition("=")
    return name, value or "yes"
