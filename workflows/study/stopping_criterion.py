"""When a run may end early: its bonds formed, and their number stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any

from ionface.analysis.reactions.bond_events import bond_history
from ionface.analysis.reactions.bond_rule import BondRule
from ionface.analysis.reactions.verdicts import FEWEST, verdict
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import IonfaceError

AT_LEAST = 5000.0
"""fs; slow bonds of an interface need some ps to form, and as long to show that no more
of them do."""


@dataclass(frozen=True)
class Settled:
    """The number of bonds grew and stays, by the verdict of `analyze reactions`.

    Attributes:
        pair: as in "In-S".
        bonds: so many have formed at least; fewer than FEWEST would show no growth.
        at_least: shortest run, fs.
        form: as in BondRule; that of the pair where neither is given.
        release: as in BondRule.
    """

    pair: str
    bonds: int = FEWEST
    at_least: float = AT_LEAST
    form: float | None = None
    release: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no number, or would end a run in which nothing has happened.

        Raises:
            IonfaceError: one is not above 0, or the lengths are in the wrong order.
        """
        for name in ("bonds", "at_least", "form", "release"):
            given = getattr(self, name)
            number = isinstance(given, Real) and not isinstance(given, bool)
            if given is not None and not number:
                raise IonfaceError(f"until.{name} must be a number, not {given!r}")
        for name in ("bonds", "at_least"):
            if not getattr(self, name) > 0:
                raise IonfaceError(
                    f"until.{name} must be above 0, not {getattr(self, name)}: a run "
                    "in which no bond has formed is not over"
                )
        if self.bonds < FEWEST:
            raise IonfaceError(
                f"until.bonds of {self.bonds} would not show that their number grew: "
                f"it takes {FEWEST} at least"
            )
        _ = self.rule  # raises

    @property
    def rule(self) -> BondRule:
        """Return what counts as a bond."""
        usual = BondRule.of(self.pair)
        return BondRule(self.form or usual.form, self.release or usual.release)

    def reached(self, trajectory: Trajectory) -> bool:
        """Tell whether a trajectory fulfills the criterion."""
        times = trajectory.times_fs
        if times[-1] - times[0] < self.at_least:
            return False
        found = verdict(bond_history(trajectory, self.pair, self.rule))
        grew = found.number == "grew" and found.formed >= self.bonds
        return grew and found.then == "stays"


def criterion(given: Mapping[str, Any]) -> Settled:
    """Return the criterion that a study's key `until` describes.

    Raises:
        IonfaceError: a key is unknown, `pair` is missing, or a value makes no sense.
    """
    known = [field.name for field in fields(Settled)]
    if unknown := sorted(given.keys() - set(known)):
        raise IonfaceError(f"until: no such key as {unknown[0]!r}; have {known}")
    if not isinstance(given.get("pair"), str):
        raise IonfaceError("until: name the pair whose bonds are counted, as in In-S")
    return Settled(**given)
