"""The reactions of contacts as results: kinks, driving forces, products."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from ionface.analysis.result import Provenance, Result, plain
from ionface.analysis.thermodynamics.wording import Corrections, side

NO_REACTION = 5e-4
"""eV per atom below which a driving force is what tables print as zero."""


@dataclass(frozen=True)
class Kink:
    """A mixture at which the products of a contact change.

    Attributes:
        fraction: of the atoms that belong to the first phase.
        energy: of the reaction, eV per atom of the mixture (without the atoms of an
            element that is offered from outside).
        mutual: what of it the contact itself gives: without what both phases would
            give by decomposing alone.
        reactants: formula units; an element offered from outside among them.
        products: formula units.
    """

    fraction: float
    energy: float
    mutual: float
    reactants: Mapping[str, float]
    products: Mapping[str, float]

    @property
    def reaction(self) -> str:
        """Return the reaction in words."""
        if self.reactants.keys() == self.products.keys():
            return f"{side(self.reactants)}: no reaction"
        return f"{side(self.reactants)} -> {side(self.products)}"


@dataclass(frozen=True)
class Contact:
    """The reactions of two phases.

    Attributes:
        between: formulas of the first and of the second phase.
        corrections: that the energies carry.
        kinks: from the second phase alone to the first phase alone.
        above_hull: of both phases, eV per atom.
        potential: V against `element`, which is offered from outside; None if none is.
        element: as above.
        lacking: known phases of the system that the hull does not have.
        remarks: where the energies of this system are known to fail.
    """

    between: tuple[str, str]
    corrections: Corrections
    kinks: tuple[Kink, ...]
    above_hull: tuple[float, float]
    potential: float | None = None
    element: str = "Li"
    lacking: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return the contact as interfaces are called, as in "Li6PS5Cl|Li"."""
        return "|".join(self.between)

    @property
    def strongest(self) -> Kink:
        """Return the kink of the lowest reaction energy: the driving force."""
        return min(self.kinks, key=lambda kink: kink.energy)

    @property
    def driving_force(self) -> float:
        """Return the reaction energy of the strongest kink, eV per atom."""
        return self.strongest.energy

    @property
    def reacts(self) -> bool:
        """Return whether the contact or one of its phases turns into anything else."""
        return self.driving_force < -NO_REACTION

    @property
    def products(self) -> str:
        """Return what the strongest reaction gives, in words."""
        return side(self.strongest.products) if self.reacts else "none: both stay"

    @property
    def mutual(self) -> float:
        """Return the strongest mutual reaction energy, eV per atom."""
        return min(kink.mutual for kink in self.kinks)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "between": list(self.between),
            "corrections": self.corrections,
            "kinks": [
                {**plain(kink), "reaction": kink.reaction} for kink in self.kinks
            ],
            "above_hull_ev": list(self.above_hull),
            "potential_v": self.potential,
            "element": self.element,
            "lacking": list(self.lacking),
            "remarks": list(self.remarks),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the contact of plain values."""
        kinks = [
            Kink(**{k: v for k, v in each.items() if k != "reaction"})
            for each in data["kinks"]
        ]
        first, second = data["between"]
        above, other = data["above_hull_ev"]
        return cls(
            between=(first, second),
            corrections=data["corrections"],
            kinks=tuple(kinks),
            above_hull=(above, other),
            potential=data["potential_v"],
            element=data["element"],
            lacking=tuple(data["lacking"]),
            remarks=tuple(data["remarks"]),
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one row per kink."""
        for kink in self.kinks:
            yield {
                "contact": self.name,
                "atoms of the first (fraction)": kink.fraction,
                "reaction energy (eV/atom)": kink.energy,
                "mutual energy (eV/atom)": kink.mutual,
                "reaction": kink.reaction,
            }

    def summary(self) -> str:
        """Return the strongest reaction."""
        kink = self.strongest
        if not self.reacts:
            return f"{self.name}: no reaction"
        return (
            f"{self.name}: {kink.energy:+.3f} eV/atom, of it {kink.mutual:+.3f} by "
            f"the contact itself; {kink.reaction}"
        )


@dataclass(frozen=True, repr=False)
class Contacts(Result):
    """The reactions of some pairs of phases.

    Attributes:
        contacts: in the order in which they were asked for.
    """

    kind = "contact"
    figure = "ionface.analysis.figures.contact_figure:figure_contacts"

    contacts: tuple[Contact, ...]

    def values(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"contacts": [contact.as_dict() for contact in self.contacts]}

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the contacts of plain values."""
        contacts = tuple(Contact.from_dict(each) for each in data["contacts"])
        return cls(contacts, provenance=provenance)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one row per kink of each contact."""
        for each in self.contacts:
            yield from each.rows()

    def summary(self) -> str:
        """Return the strongest reaction of each contact."""
        return "; ".join(contact.summary() for contact in self.contacts)
