"""From what a user says about a layer to a slab: material, facet, doping, thickness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pymatgen.core import DummySpecies, Lattice, Structure
from pymatgen.symmetry.groups import SpaceGroup

from .checks import check_neutral, check_overlaps, check_polyanions, count_polyanions
from .crystals import material, materials, oxidation_states, read_crystal
from .doping import DUMMY, dope
from .errors import StructureError
from .slabs import Slab, terminations
from .specs import CrystalLayer

# where doping puts the added Li, as position names of the library's NASICON entries
LITHIUM_SITES = {"LiGe2(PO4)3": "M3_LAGP", "LiTi2(PO4)3": "M3_LATP"}


@dataclass(frozen=True)
class CutLayer:
    """A slab ready to be matched, and what is known about its making.

    Attributes:
        slab: doped where asked for.
        oxidation: charge of each element; zero where none are known.
        provenance: plain data for tables and records.
    """

    slab: Slab
    oxidation: dict[str, float]
    provenance: dict[str, Any]


def cut_layer(layer: CrystalLayer) -> CutLayer:
    """Return the slab that a layer's specification describes, checked.

    Raises:
        StructureError: unknown material or termination, impossible thickness, a
            doping that cannot be neutral, a cut polyanion, an overlap.
    """
    crystal = read_crystal(layer.material, layer.lattice)
    if not crystal.is_ordered:
        raise StructureError(
            f"{layer.material} has partly occupied sites; choose an ordered crystal "
            f"({_ordered_names()}) or dope an ordered host"
        )
    oxidation = oxidation_states(layer.material, crystal)
    if layer.doping is not None:
        crystal = _with_lithium_sites(layer, crystal)
        oxidation[layer.doping.dopant] = _dopant_charge(layer.doping.dopant)
    slabs = terminations(
        crystal, layer.miller, 1, layer.phase, _setting(layer.material, crystal)
    )
    chosen = slabs[_index(layer, slabs)]
    layers = _layers(layer, chosen)
    if layers > 1:
        thick = terminations(crystal, layer.miller, layers, layer.phase, chosen.setting)
        chosen = next(slab for slab in thick if slab.label == chosen.label)
    provenance: dict[str, Any] = {
        "material": layer.material,
        "facet": chosen.facet,
        "termination": chosen.termination,
        "bottom": chosen.bottom,
        "terminations": [slab.label for slab in slabs],
        "layers": layers,
        "lattice": list(crystal.lattice.parameters),
    }
    if layer.doping is not None:
        doped = dope(chosen.structure, layer.doping, oxidation, crystal)
        if layer.doping.rank >= len(doped):
            raise StructureError(
                f"doping rank {layer.doping.rank} of {layer.phase}: only "
                f"{len(doped)} distinct orderings were found, ranks 0 to {len(doped) - 1}"
            )
        pick = doped[layer.doping.rank]
        chosen = replace(chosen, structure=pick.structure)
        provenance["doping"] = pick.as_dict() | {
            "orderings": len(doped),
            "ewald_energies": [d.ewald_energy for d in doped],
        }
    _check(chosen, crystal, oxidation)
    return CutLayer(chosen, oxidation, provenance)


def _check(slab: Slab, crystal: Structure, oxidation: dict[str, float]) -> None:
    where = f"slab {slab.facet}"
    bulk = crystal.copy()
    bulk.remove_sites([i for i, s in enumerate(bulk) if s.specie.symbol == DUMMY])
    # doping adds no P, S, ...: the ratio of groups to a host element must hold
    whole = count_polyanions(bulk)
    for kind, number in whole.items():
        center = kind[:2] if kind[1].islower() else kind[0]
        ratio = number / sum(site.specie.symbol == center for site in bulk)
        found = sum(site.specie.symbol == center for site in slab.structure)
        check_polyanions(slab.structure, where, {kind: round(found * ratio)})
    check_overlaps(slab.structure, where)
    if any(oxidation.values()):
        check_neutral(slab.structure, oxidation, where)


def _layers(layer: CrystalLayer, single: Slab) -> int:
    if (layer.layers is None) == (layer.thickness is None):
        raise StructureError(
            f"{layer.phase}: give either layers or thickness (Å), not "
            f"{'both' if layer.layers is not None else 'neither'}"
        )
    if layer.layers is not None:
        if layer.layers < 1:
            raise StructureError(f"{layer.phase}: layers={layer.layers} must be above 0")
        return layer.layers
    assert layer.thickness is not None
    if not 0 < layer.thickness <= 200:
        raise StructureError(
            f"{layer.phase}: thickness={layer.thickness} Å must lie between 0 and 200"
        )
    missing = layer.thickness - single.thickness
    return 1 + max(0, int(np.ceil(missing / single.repeat - 1e-3)))


def _index(layer: CrystalLayer, slabs: Sequence[Slab]) -> int:
    labels = [slab.label for slab in slabs]
    if isinstance(layer.termination, int):
        if 0 <= layer.termination < len(slabs):
            return layer.termination
    else:
        wanted = layer.termination
        exact = [i for i, label in enumerate(labels) if label == wanted]
        top = [i for i, slab in enumerate(slabs) if slab.termination == wanted]
        if len(found := exact or top) == 1:
            return found[0]
    shown = ", ".join(f"{i}: {label}" for i, label in enumerate(labels))
    raise StructureError(
        f"{layer.phase}{layer.miller} has no single termination "
        f"{layer.termination!r}; choose by index or label (top/bottom): {shown}"
    )


def _setting(name: str, crystal: Structure) -> str:
    if name in materials():
        return material(name).spacegroup
    return crystal.get_space_group_info(symprec=0.05)[0]


def _ordered_names() -> str:
    return ", ".join(sorted(n for n, entry in materials().items() if entry.ordered))


def _with_lithium_sites(layer: CrystalLayer, crystal: Structure) -> Structure:
    """Return the host with dummy sites where doping may add Li."""
    if layer.material not in LITHIUM_SITES:
        raise StructureError(
            f"no positions for added Li are known for {layer.material}; doping works "
            f"for {sorted(LITHIUM_SITES)}"
        )
    sites = material("LiGe2(PO4)3").extra_sites
    start = sites[LITHIUM_SITES[layer.material]]["xyz"]
    group = SpaceGroup(material(layer.material).spacegroup)
    extended = crystal.copy()
    for position in group.get_orbit(start):
        extended.append(DummySpecies(DUMMY, 0), np.asarray(position, dtype=float))
    return extended


def _dopant_charge(symbol: str) -> float:
    from pymatgen.core import Element

    if not Element.is_valid_symbol(symbol):
        raise StructureError(f"dopant {symbol!r} is no element")
    states = Element(symbol).common_oxidation_states
    if not states:
        raise StructureError(f"{symbol} has no common oxidation state to dope with")
    return float(max(states))


def boxed(structure: Structure, height: float) -> Structure:
    """Return the same atoms in a cell of another height, Å."""
    matrix = structure.lattice.matrix.copy()
    matrix[2] = [0.0, 0.0, height]
    return Structure(
        Lattice(matrix),
        structure.species,
        structure.cart_coords,
        coords_are_cartesian=True,
        site_properties=structure.site_properties,
    )
