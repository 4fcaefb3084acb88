"""Interface models on disk: JSON (everything), POSCAR (with labels in the comment)."""

from __future__ import annotations

import json
import re
from itertools import groupby
from pathlib import Path

from monty.json import MontyDecoder
from pymatgen.core import Structure
from pymatgen.io.vasp import Poscar

from .errors import StructureError
from .model import InterfaceModel

LABELS = re.compile(r"phases: (?P<runs>.*)$")


def to_json(model: InterfaceModel) -> str:
    """Return a model as JSON that `from_json` reads back."""
    return json.dumps(model.as_dict(), default=_plain, indent=1)


def _plain(value: object) -> object:
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
    path.write_text(to_json(model))


def write_poscar(model: InterfaceModel, path: Path) -> None:
    """Write sites grouped by element; the comment tells the phase of each run of sites.

    Labels come back with `read_poscar`.
    """
    ordered = model.structure.get_sorted_structure()
    phases = [str(site.properties["phase"]) for site in ordered]
    runs = ", ".join(f"{len(list(g))} {name}" for name, g in groupby(phases))
    plain = Structure(ordered.lattice, ordered.species, ordered.frac_coords)
    Poscar(plain, comment=f"{model.name} phases: {runs}").write_file(str(path))


def read_poscar(path: Path) -> Structure:
    """Return a structure with the phase labels that `write_poscar` left.

    Raises:
        StructureError: the file has no labels, or they do not fit the sites.
    """
    poscar = Poscar.from_str(path.read_text())
    found = LABELS.search(poscar.comment)
    if found is None:
        raise StructureError(f"{path} has no phase labels in its first line")
    phases: list[str] = []
    for run in found["runs"].split(", "):
        number, _, name = run.partition(" ")
        phases += [name] * int(number)
    if len(phases) != len(poscar.structure):
        raise StructureError(
            f"{path}: {len(phases)} labels for {len(poscar.structure)} sites"
        )
    structure = poscar.structure
    structure.add_site_property("phase", phases)
    return structure
