"""Interface models on disk: JSON (everything), POSCAR and CIF with phase labels.

POSCAR tells the phases in its first line, as runs of sites. VASP shortens that line in
its CONTCAR, whose sites have the same order: `read_poscar(contcar, labels=poscar)`.
"""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Any

from monty.json import MontyDecoder
from pymatgen.core import Structure

from .errors import StructureError
from .model import InterfaceModel

MARK = "phases: "


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
    """Write sites grouped by element; the first line tells the phase of each run."""
    from pymatgen.io.vasp import Poscar

    ordered = model.structure.get_sorted_structure()
    phases = [str(site.properties["phase"]) for site in ordered]
    runs = [[len(list(run)), phase] for phase, run in groupby(phases)]
    plain = Structure(ordered.lattice, ordered.species, ordered.frac_coords)
    name = model.name.replace("\n", " ")
    comment = f"{name} {MARK}{json.dumps(runs, ensure_ascii=False)}"
    text = Poscar(plain, comment=comment).get_str(significant_figures=16)
    path.write_text(text, encoding="utf-8")


def read_poscar(path: Path, labels: Path | None = None) -> Structure:
    """Return a structure with the phase labels that `write_poscar` left.

    Args:
        path: POSCAR or CONTCAR.
        labels: file whose first line has the labels, if `path` has lost them.

    Raises:
        StructureError: unreadable, without labels, or labels do not fit the sites.
    """
    from pymatgen.io.vasp import Poscar

    source = labels or path
    try:
        structure = Poscar.from_str(path.read_text(encoding="utf-8")).structure
        first = source.read_text(encoding="utf-8").split("\n", 1)[0]
    except (OSError, ValueError, IndexError) as error:
        raise StructureError(f"cannot read {path} as POSCAR: {error}") from error
    phases = _phases(first, source)
    if len(phases) != len(structure):
        raise StructureError(
            f"{source}: phase labels of {len(phases)} sites for the {len(structure)} "
            f"of {path}"
        )
    structure.add_site_property("phase", phases)
    return structure


def _phases(line: str, source: Path) -> list[str]:
    _, mark, runs = line.partition(MARK)
    try:
        return [phase for number, phase in json.loads(runs) for _ in range(number)]
    except ValueError as error:
        what = "damaged" if mark else "no"
        raise StructureError(
            f"{source} has {what} phase labels in its first line; name the POSCAR that "
            "`ionface build` wrote as labels"
        ) from error


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
