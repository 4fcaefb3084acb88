"""What a bond is: the one rule of all that counts bonds.

The number of bonds, the reactions, a dynamics that ends itself and the state of a
running job ask `BondRule`. Its lengths stand in the first minimum behind the first
shell of a crystal, so that no rule reaches a second shell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ionface.analysis.pairs import each_pair, pair_name, parse_pair
from ionface.analysis.rdf.rdf_result import PROMINENCE, RdfResult, broaden
from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError

BOND_LENGTHS = {"In-S": 3.0, "In-Cl": 3.0, "P-S": 2.45}
"""Å; `between_shells` of the crystals InS (shells at 2.57 and 3.43 Å), InCl (Cmcm; 2.84
and 3.20 Å) and Li6PS5Cl (2.03 and 4.27 Å)."""

LONGEST = 1.2
"""Times the first shell, where the next one is far; times the sum of the covalent radii
(Cordero et al., Dalton Trans. 2008, 2832, doi:10.1039/b801115j) of other pairs."""

HYSTERESIS = 0.15
"""Å between forming and breaking, at most: three times what the averaged length of a
bond fluctuates by; wider ones hold on to neighbors of the next shell."""

AVERAGE = 200.0
"""fs; a bond is judged by its length averaged over so long, one to two periods of an
In-S or In-Cl stretch (250-300 cm⁻¹: 110-130 fs): vibration cancels, reactions stay."""

WARM = 0.06
"""Å; lines of a crystal at rest closer than about twice this are one shell at 300 K."""


@dataclass(frozen=True)
class BondRule:
    """What counts as a bond of a pair.

    Attributes:
        form: a bond forms where the averaged distance falls below this, Å.
        release: it breaks where that exceeds this, Å; at least `form`.
        average_fs: distances are averaged over so long, around each frame.
    """

    form: float
    release: float
    average_fs: float = AVERAGE

    def __post_init__(self) -> None:
        """Refuse lengths in the wrong order."""
        if not (0 < self.form <= self.release < np.inf and self.average_fs >= 0):
            raise AnalysisError(
                "a bond forms within a positive distance and breaks beyond one that is "
                f"not shorter; got form={self.form} Å, release={self.release} Å, "
                f"average={self.average_fs} fs"
            )

    @classmethod
    def around(cls, length: float, hysteresis: float = HYSTERESIS) -> BondRule:
        """Return the rule whose bonds end at a length, Å.

        Raises:
            AnalysisError: the length is not positive.
        """
        if not 0 < length < np.inf:
            raise AnalysisError(f"bond lengths must be positive, in Å; got {length}")
        half = min(hysteresis, length) / 2
        return cls(length - half, length + half)

    @classmethod
    def of(
        cls, pair: str | tuple[str, str], references: Mapping[str, RdfResult] = {}
    ) -> BondRule:
        """Return the rule of a pair: of the reference crystals, else `bond_length`.

        Of several crystals that with the shortest bonds decides.

        Args:
            pair: as in "In-S".
            references: RDFs of crystals, at rest or in motion, by name.

        Raises:
            AnalysisError: a symbol is no element, or the rule does not suit another of
                the references, see `check`.
        """
        known = [shells(reference, pair) for reference in references.values()]
        rules = [cls.between_shells(found) for found in known if len(found)]
        rule = min(rules, key=lambda r: r.form, default=None)
        rule = cls.around(bond_length(pair)) if rule is None else rule
        rule.check(pair, references)
        return rule

    @classmethod
    def between_shells(cls, radii: FloatArray) -> BondRule:
        """Return the rule whose bonds end behind the first of some shells.

        Args:
            radii: of the first shell, the minimum behind it, and the second shell, Å.
        """
        first, minimum, second = radii
        length = min(minimum, LONGEST * first)
        return cls.around(length, min(HYSTERESIS, (second - first) / 2))

    @property
    def words(self) -> str:
        """Return it in words, as legends and tables need it."""
        return f"form < {self.form:.2f} Å, break > {self.release:.2f} Å"

    def check(
        self, pair: str | tuple[str, str], references: Mapping[str, RdfResult]
    ) -> None:
        """Refuse bonds that do not end behind the first shell of a crystal.

        The bonds of a crystal may be longer than those of another, and none by the rule
        of the other.

        Raises:
            AnalysisError: breaking reaches the second shell of a reference, forming
                ends before the first shell of all, or one lies between both lengths.
        """
        known = {name: shells(r, pair) for name, r in references.items()}
        known = {name: found for name, found in known.items() if len(found)}
        shortest = min((found[0] for found in known.values()), default=0.0)
        for name, (first, middle, second) in known.items():
            if self.release >= second:
                wrong = f"reaches the second shell of {name} at {second:.2f} Å"
            elif self.form <= first <= max(self.release, shortest):
                wrong = f"misses the first shell of {name} at {first:.2f} Å"
            else:
                continue
            raise AnalysisError(
                f"the rule of {pair_name(parse_pair(pair))} ({self.words}) {wrong}; "
                f"end bonds between its shells, as at {middle:.2f} Å"
            )


def bond_length(pair: str | tuple[str, str]) -> float:
    """Return the distance at which a bond ends where no crystal tells, Å.

    Raises:
        AnalysisError: a symbol is no element.
    """
    from ase.data import atomic_numbers, covalent_radii

    first, second = parse_pair(pair)
    for name in (f"{first}-{second}", f"{second}-{first}"):
        if name in BOND_LENGTHS:
            return BOND_LENGTHS[name]
    if unknown := [s for s in (first, second) if s not in atomic_numbers]:
        raise AnalysisError(
            f"{unknown} are no chemical elements; check the pair {pair!r}"
        )
    numbers = [atomic_numbers[symbol] for symbol in (first, second)]
    return float(LONGEST * covalent_radii[numbers].sum())


def shells(reference: RdfResult, pair: str | tuple[str, str]) -> FloatArray:
    """Return the first shell of a crystal, the minimum behind it, and the second shell.

    Args:
        reference: RDF of the crystal, at rest or in motion.
        pair: as in "In-S".

    Returns:
        Å, shape (3,); (0,) where it has not both shells of the pair within its cutoff.
    """
    from scipy.signal import find_peaks

    first, second = parse_pair(pair)
    names = {pair_name((first, second)), pair_name((second, first))}
    found = next((p for name, p in reference.pairs.items() if name in names), None)
    if found is None or len(reference.r) < 2:
        return np.zeros(0)
    neighbors = np.diff(found.n.mean(axis=0), prepend=0.0)
    # per area: far shells have more atoms, and would hide a first one of few
    warm = broaden(reference.r, neighbors, WARM) / reference.r**2
    tops, _ = find_peaks(warm, prominence=PROMINENCE * warm.max(initial=0.0))
    if len(tops) < 2:
        return np.zeros(0)
    low, high = tops[:2]
    valley = warm[low:high]
    # between lines of a crystal at rest nothing is lowest: the middle of it all
    lowest = np.flatnonzero(valley <= valley.min() + 1e-3 * warm[low])
    return reference.r[[low, low + round(lowest.mean()), high]]


def bond_rules(
    pairs: str | Iterable[str | tuple[str, str]],
    references: Mapping[str, RdfResult] = {},
    given: Mapping[Any, BondRule | float | None] = {},
) -> dict[str, BondRule]:
    """Return the rule of each pair by its name.

    Args:
        pairs: as in ["In-S"]; one may stand alone.
        references: RDFs of crystals by name.
        given: by pair, a rule or the length at which bonds end, Å, instead of
            `BondRule.of`.

    Raises:
        AnalysisError: there is no pair, one is not written as A-B, a length is not
            positive, or a rule does not end behind the first shell of a reference.
    """
    rules = {}
    for pair in each_pair(pairs):
        name, own = pair_name(parse_pair(pair)), given.get(pair)
        if own is None:
            rules[name] = BondRule.of(pair, references)
            continue
        rules[name] = own if isinstance(own, BondRule) else BondRule.around(own)
        rules[name].check(pair, references)
    if not rules:
        raise AnalysisError("no pair whose bonds could be counted; name one, as In-S")
    return rules
