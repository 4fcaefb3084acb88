"""Soft layers, polymer films and amorphous alloys, in the cell of their partner.

`pack_layer` makes them at random; an engine brings them to rest (`stages`); `settled`
checks what came out of that and makes it the film that an interface is built with.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from monty.json import MSONable
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure

from ionface.errors import StructureError
from ionface.structures.labels import labels_of
from ionface.structures.polymers import films
from ionface.structures.polymers.integrity import check
from ionface.structures.polymers.topology import Topology
from ionface.structures.slabs.crystal_layer import cut_slab
from ionface.structures.specs import AmorphousLayer, FilmLayer, InterfaceSpec

Array = NDArray[np.float64]
VACUUM = 20.0  # Å, above a film while an engine brings it to rest


@dataclass(frozen=True)
class SoftLayer(MSONable):
    """A film in the in-plane cell of its interface.

    Attributes:
        structure: with labels "layer" and, for molecules, "molecule". A film of
            molecules has vacuum above it; an alloy is periodic in all directions until
            it is opened.
        supercell: repeats of the substrate's surface cell.
        opened: it may be put on a substrate.
        provenance: plain data: how it was made, what became of it.
    """

    structure: Structure
    supercell: tuple[int, int]
    opened: bool
    provenance: dict[str, Any] = field(default_factory=dict)


def pack_layer(spec: InterfaceSpec) -> SoftLayer:
    """Return the film of an interface as it is packed or mixed at random.

    Raises:
        StructureError: no such density, cell or composition.
    """
    surface = cut_slab(spec.substrate).in_plane
    if isinstance(spec.film, FilmLayer):
        return _packed_film(spec.film, surface, spec.max_area)
    if isinstance(spec.film, AmorphousLayer):
        return _mixed_alloy(spec.film, surface, spec.max_area)
    raise StructureError(f"{spec.name}: {spec.film.phase} is no film to be packed")


def open_layer(layer: SoftLayer, structure: Structure) -> SoftLayer:
    """Return an alloy cut open along z, as a film with vacuum above it.

    Args:
        layer: as it was mixed.
        structure: the same atoms after melt and quench, periodic in all directions.
    """
    if layer.opened:
        return replace(layer, structure=structure)
    from ionface.structures.polymers import amorphous

    cut = amorphous.opened(structure)
    film = _in_vacuum(structure.lattice.matrix[:2, :2], cut.symbols, cut.coords)
    said = {**layer.provenance, **cut.provenance}
    return SoftLayer(film, layer.supercell, opened=True, provenance=said)


def settled(layer: SoftLayer, structure: Structure) -> SoftLayer:
    """Return the film as an engine left it, with a report on its molecules.

    A chain that broke, was speared or turned over is reported in the provenance, under
    "molecules"; its verdict is "intact" otherwise.

    Args:
        layer: opened, as it was before.
        structure: the same atoms afterwards.
    """
    said = dict(layer.provenance)
    if "topology" in said:
        topology = Topology.from_dict(said["topology"])
        plane = structure.lattice.matrix[:2, :2]
        before, after = layer.structure.cart_coords, structure.cart_coords
        said["molecules"] = check(topology, before, after, plane).as_dict()
    return replace(layer, structure=structure, provenance=said)


def _packed_film(layer: FilmLayer, surface: Array, max_area: float) -> SoftLayer:
    film = films.pack_on(layer, surface, max_area)
    structure = _in_vacuum(film.cell, film.symbols, film.coords)
    structure.add_site_property("molecule", [int(k) for k in film.molecules])
    return SoftLayer(structure, film.supercell, True, film.provenance)


def _mixed_alloy(layer: AmorphousLayer, surface: Array, max_area: float) -> SoftLayer:
    from ionface.structures.polymers import amorphous

    mixed = amorphous.random_alloy_on(layer, surface, max_area)
    structure = Structure(
        Lattice(mixed.cell), mixed.symbols, mixed.coords, coords_are_cartesian=True
    )
    structure.add_site_property("layer", [0] * len(structure))
    return SoftLayer(structure, mixed.supercell, False, mixed.provenance)


def _in_vacuum(plane: Array, symbols: list[str], coords: Array) -> Structure:
    height = float(np.ptp(coords[:, 2])) + VACUUM
    raised = coords - [0.0, 0.0, coords[:, 2].min() - VACUUM / 2]
    matrix = np.zeros((3, 3))
    matrix[:2, :2], matrix[2, 2] = plane, height
    structure = Structure(Lattice(matrix), symbols, raised, coords_are_cartesian=True)
    structure.add_site_property("layer", [0] * len(structure))
    return structure


def resting(layer: SoftLayer) -> Structure:
    """Return the film with its lowest atom at z = 0, whole along z.

    Raises:
        StructureError: the film has spread over the vacuum.
    """
    matrix = layer.structure.lattice.matrix.copy()
    height = float(matrix[2, 2])
    coords = layer.structure.cart_coords.copy()
    z = np.sort(coords[:, 2] % height)
    gaps = np.diff([*z, z[0] + height])
    widest = int(np.argmax(gaps))
    if gaps[widest] < VACUUM / 4:
        raise StructureError(
            f"the film has spread over its vacuum: the widest gap left along z is "
            f"{gaps[widest]:.1f} Å; lower the temperature of its stages"
        )
    bottom = z[(widest + 1) % len(z)]
    coords[:, 2] = (coords[:, 2] - bottom + 1e-6) % height - 1e-6
    made = Structure(
        Lattice(matrix),
        layer.structure.species,
        coords,
        coords_are_cartesian=True,
    )
    for name, values in labels_of(layer.structure).items():
        made.add_site_property(name, values)
    return made
