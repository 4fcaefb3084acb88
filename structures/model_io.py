"""Interface models on disk: JSON (everything), POSCAR and CIF with labels.

A POSCAR has the labels of each site behind its position. VASP leaves them out of its
CONTCAR, whose sites have the same order: `read_poscar(contcar, labels=poscar)`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from monty.json import MontyDecoder
from pymatgen.core import Structure

from ionface.errors import StructureError
from ionface.structures.labels import labeled, labels_from_poscar, poscar_labels
from ionface.structures.model import InterfaceModel


def to_json(model: InterfaceModel) -> str:
    """Return a model as JSON that `from_json` reads back."""
    return json.dumps(model.as_dict(), default=_plain, indent=1)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not plain data")


def from_json(text: str) -> InterfaceModel:
    """Return the model that a JSON text describes.

    Raises:
        StructureError: not JSON, or no interface model.
    """
    try:
        model = MontyDecoder().decode(text)
    except (ValueError, KeyError, TypeError) as error:
        raise StructureError(f"not an interface model: {error}") from error
    if not isinstance(model, InterfaceModel):
        raise StructureError(
            f"not an interface model but {type(model).__name__}; `ionface build` "
            "writes them"
        )
    return model


def write_json(model: InterfaceModel, path: Path) -> None:
    """Write a model as JSON."""
    path.write_text(to_json(model), encoding="utf-8")


def read_json(path: Path) -> InterfaceModel:
    """Return the model in a JSON file; a StructureError names a file that is none."""
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except (OSError, StructureError) as error:
        raise StructureError(f"{path}: {error}") from error


def write_poscar(model: InterfaceModel, path: Path) -> None:
    """Write sites grouped by element, their labels behind the positions.

    Atoms that do not move become selective dynamics.
    """
    path.write_text(poscar_text(model.structure, model.name), encoding="utf-8")


def poscar_text(structure: Structure, title: str) -> str:
    """Return a labeled structure as POSCAR, sites grouped by element."""
    from pymatgen.io.vasp import Poscar

    ordered = structure.get_sorted_structure()
    plain = Structure(ordered.lattice, ordered.species, ordered.frac_coords)
    held = ordered.site_properties.get("fixed")
    free = [[not fixed] * 3 for fixed in held] if held and any(held) else None
    poscar = Poscar(plain, comment=title.replace("\n", " "), selective_dynamics=free)
    lines = poscar.get_str(significant_figures=16).rstrip("\n").split("\n")
    first = len(lines) - len(ordered)
    for number, label in enumerate(poscar_labels(ordered)):
        lines[first + number] += label
    return "\n".join(lines) + "\n"


def read_poscar(path: Path, labels: Path | None = None) -> Structure:
    """Return a structure with the labels that `write_poscar` left.

    Args:
        path: POSCAR or CONTCAR.
        labels: file with the labels, if `path` has lost them.

    Raises:
        StructureError: unreadable, without labels, or labels do not fit the sites.
    """
    from pymatgen.io.vasp import Poscar

    source = labels or path
    try:
        found = Poscar.from_str(path.read_text(encoding="utf-8")).structure
        lines = source.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError, IndexError) as error:
        raise StructureError(f"cannot read {path} as POSCAR: {error}") from error
    structure = Structure(found.lattice, found.species, found.frac_coords)
    try:
        return labeled(structure, labels_from_poscar(lines, source))
    except StructureError as error:
        raise StructureError(f"{source}: {error}") from error


def write_cif(model: InterfaceModel, path: Path) -> None:
    """Write a CIF in P1; labels tell the phase of each site, as in "Li7_LAGP"."""
    from pymatgen.io.cif import CifWriter

    symbols = [site.specie.symbol for site in model.structure]
    phases = ["_".join(phase.split()) for phase in model.phases]
    labels = [
        f"{s}{i}_{p}" for i, (s, p) in enumerate(zip(symbols, phases, strict=True))
    ]
    plain = Structure(
        model.structure.lattice, symbols, model.structure.frac_coords, labels=labels
    )
    path.write_text(str(CifWriter(plain, significant_figures=10)), encoding="utf-8")
