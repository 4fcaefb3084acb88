"""What a user may name as a material: by name, by file, or as a structure in hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ionface.errors import StructureError

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core import Structure

    Material: TypeAlias = str | Path | Structure | Atoms | dict[str, Any]
else:  # what a study file and JSON can hold; a structure becomes such a mapping
    Material = str | dict[str, Any]


def pymatgen_structure(given: Any) -> Structure | None:
    """Return a pymatgen Structure, or ASE Atoms as one; None of anything else."""
    from pymatgen.core import Structure  # most layers only name their material

    if isinstance(given, Structure):
        return given
    if not hasattr(given, "get_chemical_symbols"):
        return None
    from pymatgen.io.ase import AseAtomsAdaptor  # loads all of ASE's constraints

    made: Structure = AseAtomsAdaptor.get_structure(given)
    return made


def plain_material(material: Material) -> str | dict[str, Any]:
    """Return a name or path as it is, a structure as a mapping that files can hold.

    The mapping has "lattice" (three vectors, Å), "species" (an element, or a mapping of
    elements to occupancies, for each site) and "frac_coords".
    """
    if isinstance(material, str | Path):
        return str(material)
    if isinstance(material, Mapping):
        return dict(material)
    structure = pymatgen_structure(material)
    if structure is None:
        raise StructureError(
            f"{material!r:.60} is no material: give a name of the library, a path "
            "to a CIF or POSCAR file, a pymatgen Structure, or ASE Atoms"
        )
    species = [
        {element.symbol: float(share) for element, share in site.species.items()}
        for site in structure
    ]
    return {
        "lattice": structure.lattice.matrix.tolist(),
        "species": [s if len(s) > 1 or set(s.values()) != {1.0} else next(iter(s))
                    for s in species],
        "frac_coords": structure.frac_coords.tolist(),
    }  # fmt: skip


def phase_name(name: str | None, material: Material) -> str:
    """Return how tables call a phase: its own name, the material's, or a formula."""
    if name or isinstance(material, str):
        return name or str(material)
    from pymatgen.core import Composition  # most layers only name their material

    plain = plain_material(material)
    species = plain["species"] if isinstance(plain, dict) else [plain]
    whole = Composition()
    for site in species:
        whole += Composition(site)
    return str(whole.reduced_formula)
