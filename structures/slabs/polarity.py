"""Polar and charged slabs are told wherever they are used; polar ones compensated.

A cut that leaves a dipole in every repeat (Tasker's class 3) makes two different faces:
the charge sigma = P / spacing per area is missing on each. Real surfaces get it by
reconstruction; the simplest one moves so many ions of the outermost plane across the
slab, by a translation of the crystal, so that both faces are half filled. Source: C.
Noguera, J. Phys.: Condens. Matter 12, R367 (2000), doi:10.1088/0953-8984/12/31/201.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Structure

from ionface.errors import StructureError
from ionface.structures.groups import finite_groups
from ionface.structures.slabs.cuts import excess_told
from ionface.structures.slabs.facet import MIN_CUT
from ionface.structures.slabs.slab import POLAR

Array = NDArray[np.float64]
COMPENSATED = 2  # Tasker's class: its planes are charged, but it has no dipole


@dataclass(frozen=True)
class _Move:
    """Ions of one face that cross the slab.

    Attributes:
        sites: ions of the outermost plane that could.
        up: from the lower face to the upper one.
        number: that cancels the dipole, a fraction where whole ions cannot.
    """

    sites: list[int]
    up: bool
    number: float


def compensated(
    slab: Structure,
    oxidation: Mapping[str, float],
    period: Array,
    layers: int,
    where: str,
) -> tuple[Structure, dict[str, Any]]:
    """Return a slab whose dipole is cancelled by ions moved across it, and what moved.

    Args:
        slab: normal along z, in the supercell of its interface.
        oxidation: formal charge of each element.
        period: translation of the crystal from its lower cut to its upper one, Å.
        layers: repeats of the slab.
        where: named in the message.

    Raises:
        StructureError: no whole number of outermost ions cancels it.
    """
    before = dipole(slab, oxidation)
    limit = POLAR * layers * _area(slab)
    moves = list(_moves(slab, oxidation, period, before))
    for move in sorted(moves, key=lambda m: abs(m.number - round(m.number))):
        if not round(move.number):
            continue
        moved = _moved(slab, move, period)
        if abs(after := dipole(moved, oxidation)) <= limit:
            symbol = str(slab[move.sites[0]].specie.symbol)
            told = {"element": symbol, "moved": round(move.number),
                    "of": len(move.sites), "dipole_before_e_angstrom": before,
                    "dipole_e_angstrom": after}  # fmt: skip
            return moved, told
    options = ", ".join(
        f"{m.number:.2f} of {len(m.sites)} {slab[m.sites[0]].specie.symbol}"
        for m in moves
    )
    raise StructureError(
        f"{where}: compensate: its dipole of {before:+.1f} e Å is not cancelled by "
        "whole ions of an outermost plane (it would take "
        f"{options or 'some, but none of them is free'}); choose another termination, "
        "or a wider cell (min_area)"
    )


def compensated_label(label: str) -> str:
    """Return the name of a termination whose dipole is cancelled."""
    return f"{label}, compensated"


def dipole(slab: Structure, oxidation: Mapping[str, float]) -> float:
    """Return the dipole of formal charges along the normal, e Å."""
    charges = np.array([oxidation.get(s.specie.symbol, 0.0) for s in slab])
    z = slab.cart_coords[:, 2]
    return float(charges @ (z - z.mean()))


def side_notes(provenance: Mapping[str, Any], name: str) -> list[str]:
    """Return what must be said of an interface's sides, one sentence each.

    Which are polar, and which hold atoms beyond whole formula units.

    Args:
        provenance: of the model.
        name: of the interface.
    """
    sides = [provenance.get(side, {}) for side in ("film", "substrate")]
    polar = [_polar_told(made) for made in sides if made.get("polar")]
    beyond = [_excess_told(m) for m in sides if m.get("excess_per_surface_cell")]
    return [f"{name}: {told}" for told in (*polar, *beyond)]


def _polar_told(made: Mapping[str, Any]) -> str:
    return (
        f"{made['facet']} {made['termination']} is polar (Tasker "
        f"{made['tasker']}, formal dipole {made['dipole_e_per_angstrom']:+.3f} e/Å "
        "per layer): its two faces are different chemistries, and potentials "
        "without long-range charges do not feel it; compensate: true moves as "
        "many terminating ions across as cancel the dipole (Li6PS5Cl(100): a "
        "quarter of the Li), `ionface build --terminations` lists other cuts"
    )


def _excess_told(made: Mapping[str, Any]) -> str:
    charge = made.get("formal_charge", 0.0)
    means = (
        f", a formal charge of {charge:+.3g} e, which a neutral cell takes from its "
        "other ions"
    )
    return (
        f"{made['facet']} {made['termination']} holds "
        f"{excess_told(made['excess_per_surface_cell'])} per surface cell beyond whole "
        f"formula units{means if charge else ''}; γ needs chemical_potentials of these "
        "atoms, `ionface build --terminations` lists other cuts"
    )


def _area(slab: Structure) -> float:
    a, b, _ = slab.lattice.matrix
    return float(np.linalg.norm(np.cross(a, b)))


def _moves(
    slab: Structure, oxidation: Mapping[str, float], period: Array, moment: float
) -> Iterator[_Move]:
    """Yield the ions of each face whose way across lessens the dipole."""
    bound = {i for atoms in finite_groups(slab) for i in atoms}
    single = set(range(len(slab))) - bound
    for up in (False, True):
        outer = _outer_plane(slab, top=not up)
        for symbol in sorted(
            {str(slab[i].specie.symbol) for i in outer if i in single}
        ):
            charge = oxidation.get(symbol, 0.0)
            sites = [i for i in outer if i in single and _is(slab, i, symbol)]
            gain = (1 if up else -1) * charge * period[2]  # of the moment, per ion
            number = -moment / gain if gain else 0.0
            if 0 < number <= len(sites):
                yield _Move(sites, up, number)


def _is(slab: Structure, index: int, symbol: str) -> bool:
    return str(slab[index].specie.symbol) == symbol


def _outer_plane(slab: Structure, top: bool) -> list[int]:
    """Return the atoms of the outermost plane of one face."""
    heights = slab.cart_coords[:, 2] * (-1 if top else 1)
    order = np.argsort(heights, kind="stable")
    steps = np.diff(heights[order]) > MIN_CUT
    last = int(np.argmax(steps)) + 1 if steps.any() else len(order)
    return [int(i) for i in order[:last]]


def _moved(slab: Structure, move: _Move, period: Array) -> Structure:
    """Return the slab with ions moved across, the lowest atom at z = 0."""
    chosen = _spread(slab, move.sites, round(move.number))
    coords = slab.cart_coords.copy()
    coords[chosen] += period if move.up else -period
    coords[:, 2] -= coords[:, 2].min()
    layers = np.array(slab.site_properties["layer"])
    layers[chosen] = layers.max() if move.up else layers.min()
    return Structure(
        slab.lattice,
        slab.species,
        coords,
        coords_are_cartesian=True,
        site_properties={**slab.site_properties, "layer": layers.tolist()},
    )


def _spread(slab: Structure, sites: list[int], number: int) -> list[int]:
    """Return so many sites, each as far as can be from those chosen before."""
    apart = slab.lattice.get_all_distances(
        slab.frac_coords[sites], slab.frac_coords[sites]
    )
    chosen = [0]
    while len(chosen) < number:
        nearest = apart[:, chosen].min(axis=1)
        nearest[chosen] = -1.0
        chosen.append(int(np.argmax(nearest.round(3))))
    return [sites[i] for i in chosen]
