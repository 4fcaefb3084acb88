"""Films and amorphous alloys as layers: packed at random, brought to rest, checked.

`pack_layer` makes them at random; an engine brings them to rest, step by step as
`stages` names them; `settled` checks what came out of that and makes it the film that
an interface is built with.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from monty.json import MSONable
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure

from ionface.errors import StructureError
from ionface.structures.labels import labels_of
from ionface.structures.periodic import widest_gap
from ionface.structures.polymers import amorphous, films
from ionface.structures.polymers.integrity import check
from ionface.structures.polymers.topology import Topology
from ionface.structures.slabs.crystal_layer import cut_slab
from ionface.structures.specs import AmorphousLayer, FilmLayer, InterfaceSpec

Array = NDArray[np.float64]
VACUUM = 20.0  # Å, above a film while an engine brings it to rest
LIGHT_TIMESTEP = 1.0  # fs; C-H stretches have periods of 11 fs
QUENCHES = 5  # temperatures from the melt down
REST_TEMPERATURE = 300.0  # K; what a layer is cooled to before it comes to rest


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
    surface = cut_slab(spec.lower).in_plane
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
    cut = amorphous.opened(structure)
    film = _in_vacuum(structure.lattice.matrix[:2, :2], cut.symbols, cut.coords)
    provenance = {**layer.provenance, **cut.provenance}
    return SoftLayer(film, layer.supercell, opened=True, provenance=provenance)


def settled(layer: SoftLayer, structure: Structure) -> SoftLayer:
    """Return the film as an engine left it, with a report on its molecules.

    A chain that broke, was speared or turned over is reported in the provenance, under
    "molecules"; its verdict is "intact" otherwise.

    Args:
        layer: opened, as it was before.
        structure: the same atoms afterwards.
    """
    provenance = dict(layer.provenance)
    if "topology" in provenance:
        topology = Topology.from_dict(provenance["topology"])
        plane = structure.lattice.matrix[:2, :2]
        before, after = layer.structure.cart_coords, structure.cart_coords
        provenance["molecules"] = check(topology, before, after, plane).as_dict()
    return replace(layer, structure=structure, provenance=provenance)


def _packed_film(layer: FilmLayer, surface: Array, max_area: float) -> SoftLayer:
    film = films.pack_on(layer, surface, max_area)
    structure = _in_vacuum(film.cell, film.symbols, film.coords)
    structure.add_site_property("molecule", [int(k) for k in film.molecules])
    return SoftLayer(structure, film.supercell, True, film.provenance)


def _mixed_alloy(layer: AmorphousLayer, surface: Array, max_area: float) -> SoftLayer:
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
    bottom, gap = widest_gap(coords[:, 2], height)
    # a film that has spread leaves less than a quarter of its vacuum in one place
    if gap < VACUUM / 4:
        raise StructureError(
            f"the film has spread over its vacuum: the widest gap left along z is "
            f"{gap:.1f} Å; lower the temperature of its stages"
        )
    # 1e-6: rounding must not move the lowest atoms to the top
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


@dataclass(frozen=True)
class Stage:
    """One step of a staged relaxation.

    Attributes:
        name: unique within the layer's stages.
        kind: relax to a force, or NVT dynamics.
        periodic: in all three directions (a bulk cell, before it is opened), or in the
            plane only.
        temperature: of dynamics, K.
        steps: at most, of the minimizer or of dynamics.
        timestep: of dynamics, fs.
        fmax: of a relaxation, eV/Å.
    """

    name: str
    kind: Literal["relax", "dynamics"]
    periodic: bool = False
    temperature: float | None = None
    steps: int = 200
    timestep: float | None = None
    fmax: float | None = None


def stages(layer: FilmLayer | AmorphousLayer) -> tuple[Stage, ...]:
    """Return the stages of a layer's relaxation, first to last.

    A film: forces first, then it moves at 600 K and at 300 K, then it comes to rest. An
    amorphous layer: mixed in the melt and quenched in five steps as a bulk cell; it is
    then opened (`amorphous.opened`) and comes to rest as a film.
    """
    if isinstance(layer, FilmLayer):
        return (
            # first the overlaps, which would throw atoms away in dynamics
            Stage("soft", "relax", steps=100, fmax=0.5),
            # hot, so that chains move within the picosecond of a stage
            _dynamics("anneal", 600.0, 1000, LIGHT_TIMESTEP),
            _dynamics("cool", REST_TEMPERATURE, 1000, LIGHT_TIMESTEP),
            Stage("rest", "relax", steps=300, fmax=0.05),
        )
    return (
        Stage("soft", "relax", periodic=True, steps=50, fmax=1.0),
        _dynamics("melt", layer.melt, layer.melt_steps, _timestep(layer), True),
        *_quench(layer),
        Stage("rest", "relax", steps=200, fmax=0.05),
    )


def _dynamics(
    name: str, temperature: float, steps: int, timestep: float, periodic: bool = False
) -> Stage:
    return Stage(
        name,
        "dynamics",
        periodic=periodic,
        temperature=temperature,
        steps=steps,
        timestep=timestep,
    )


def _timestep(layer: AmorphousLayer) -> float:
    light = "H" in layer.amorphous
    return min(layer.timestep, LIGHT_TIMESTEP) if light else layer.timestep


def _quench(layer: AmorphousLayer) -> tuple[Stage, ...]:
    """Return dynamics at temperatures from the melt down to 300 K, in equal steps."""
    if layer.melt <= REST_TEMPERATURE:
        return (
            _dynamics(
                "quench", REST_TEMPERATURE, layer.quench_steps, _timestep(layer), True
            ),
        )
    step = (layer.melt - REST_TEMPERATURE) / QUENCHES
    lengths = [layer.quench_steps // QUENCHES] * QUENCHES
    lengths[-1] += layer.quench_steps - sum(lengths)
    return tuple(
        _dynamics(
            f"quench-{k + 1}",
            REST_TEMPERATURE if k + 1 == QUENCHES else layer.melt - (k + 1) * step,
            lengths[k],
            _timestep(layer),
            True,
        )
        for k in range(QUENCHES)
        if lengths[k]
    )
