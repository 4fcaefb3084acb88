"""Which elements a layer will hold, known before anything is built."""

from __future__ import annotations

from ionface.structures.crystals.library import read_crystal
from ionface.structures.materials import Material
from ionface.structures.polymers.chains import whole_chain
from ionface.structures.polymers.oligomers import whole_molecule
from ionface.structures.specs import (
    AmorphousLayer,
    CrystalLayer,
    Doping,
    FilmLayer,
    InterfaceSpec,
    Layer,
    PartLayer,
    SlabLayer,
)


def interface_elements(spec: InterfaceSpec) -> set[str]:
    """Return the symbols of all elements of an interface.

    Raises:
        StructureError: no such crystal, or a chain that is none.
    """
    if spec.structure is not None:
        return crystal_elements(spec.structure)
    return layer_elements(spec.film) | layer_elements(spec.substrate)


def layer_elements(layer: Layer) -> set[str]:
    """Return the symbols of all elements of a layer, dopants and their Li included.

    Raises:
        StructureError: no such crystal, or a chain that is none.
    """
    if isinstance(layer, PartLayer):
        return set()  # the structure that it is part of tells
    if isinstance(layer, AmorphousLayer):
        return set(layer.amorphous)
    if isinstance(layer, SlabLayer):
        return crystal_elements(layer.slab)
    if isinstance(layer, CrystalLayer):
        elements = crystal_elements(layer.material)
        if isinstance(layer.doping, Doping):
            elements |= {layer.doping.dopant, "Li"}
        return elements
    repeat = layer.film if isinstance(layer, FilmLayer) else layer.polymer
    molecule = whole_molecule(whole_chain(repeat, layer.units, layer.ends))
    return {atom.GetSymbol() for atom in molecule.GetAtoms()}


def crystal_elements(material: Material) -> set[str]:
    """Return the symbols of all elements of a crystal, of whatever occupation.

    Raises:
        StructureError: no such crystal.
    """
    composition = read_crystal(material).composition
    return {element.symbol for element in composition.elements}
