"""Ensembles of orderings: the lowest few become interfaces of their own.

Data flow: build every ordering that the Ewald sum ranks lowest -> relax its slab a
little with the engine -> sort by energy -> the lowest members go through the formation
flow under names such as "LAGP|Li #2"; results report their mean and spread.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ionface.errors import IonfaceError
from ionface.structures.interface import build_interface
from ionface.structures.specs import CrystalLayer, InterfaceSpec
from ionface.workflows.engines.contract import RelaxSettings
from ionface.workflows.engines.durable import durable_job
from ionface.workflows.engines.records import RunRecord
from ionface.workflows.flows.jobs import BuiltInterface

RANKING = RelaxSettings(fmax=0.1, steps=25, must_converge=False)
"""Enough to settle added Li; whole relaxations belong to the interfaces themselves."""


@dataclass(frozen=True)
class Disordered:
    """Which side of an interface has an ensemble.

    Attributes:
        side: "film" or "substrate".
        kind: "doping" or "ordering", the field of the layer.
        members: how many orderings become interfaces.
        orderings: how many are ranked.
    """

    side: str
    kind: str
    members: int
    orderings: int


def disordered_side(spec: InterfaceSpec) -> Disordered | None:
    """Return the side with an ensemble; None if there is none.

    Raises:
        IonfaceError: two ensembles in one interface, or more members than orderings.
    """
    found = []
    for side in ("film", "substrate"):
        layer = getattr(spec, side)
        if not isinstance(layer, CrystalLayer):
            continue
        for kind in ("doping", "ordering"):
            chosen = getattr(layer, kind)
            if chosen is not None and chosen.ensemble > 1:
                found.append(Disordered(side, kind, chosen.ensemble, chosen.orderings))
    if len(found) > 1:
        raise IonfaceError(
            f"{spec.name}: {' and '.join(f'{d.side} {d.kind}' for d in found)} both "
            "have an ensemble; only one of an interface can"
        )
    if found and found[0].members > found[0].orderings:
        one = found[0]
        raise IonfaceError(
            f"{spec.name}: ensemble={one.members} of only {one.orderings} orderings; "
            "raise orderings"
        )
    return found[0] if found else None


def with_rank(spec: InterfaceSpec, where: Disordered, rank: int) -> InterfaceSpec:
    """Return the interface with the ordering of another rank."""
    layer = getattr(spec, where.side)
    chosen = replace(getattr(layer, where.kind), rank=rank)
    return replace(spec, **{where.side: replace(layer, **{where.kind: chosen})})


def available_orderings(spec: InterfaceSpec, where: Disordered) -> int:
    """Return how many of the orderings exist; small cells have few."""
    model = build_interface(with_rank(spec, where, 0))
    made = model.provenance[where.side][where.kind]
    number = min(int(made["distinct_orderings"]), where.orderings)
    if number < where.members:
        raise IonfaceError(
            f"{spec.name}: ensemble={where.members}, but the {where.side} has only "
            f"{number} distinct orderings; use a larger slab or a smaller ensemble"
        )
    return number


def member_names(spec: InterfaceSpec) -> list[str]:
    """Return the names of the interfaces that are run for one of the study."""
    where = disordered_side(spec)
    if where is None:
        return [spec.name]
    return [f"{spec.name} #{number + 1}" for number in range(where.members)]


@durable_job
def member(
    built: list[BuiltInterface], relaxed: list[RunRecord], place: int, name: str
) -> BuiltInterface:
    """Return the interface whose ordering has the place-th lowest energy."""
    energies = np.array([record.energy for record in relaxed])
    order = np.argsort(energies, kind="stable")
    chosen = built[order[place]].model
    ranking = {
        "place": place,
        "ewald_rank": int(order[place]),
        "energies": energies.tolist(),
        "relative_energy": float(energies[order[place]] - energies.min()),
    }
    provenance = {**chosen.provenance, "ensemble": ranking}
    return BuiltInterface.of(replace(chosen, name=name, provenance=provenance))
