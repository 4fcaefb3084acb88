"""Labels of sites: which phase, layer, molecule, interface, and which ones do not move.

They are site properties of pymatgen, so they follow their atoms through sorting, JSON
and ASE. POSCAR files carry them behind each position, where VASP reads nothing; it
leaves them out of its CONTCAR, whose sites have the same order:
`read_poscar(contcar, labels=poscar)`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from pymatgen.core import Structure

from ionface.errors import StructureError
from ionface.structures.specs import Mobile

LABELS = ("phase", "layer", "molecule", "fixed", "interface")
CRYSTAL = -1
"""The molecule of an atom that belongs to none."""
MARK = "  ! "


def labels_of(structure: Structure) -> dict[str, list[Any]]:
    """Return the labels that a structure has, by name, as plain data."""
    properties = structure.site_properties
    return {name: list(properties[name]) for name in LABELS if name in properties}


def labeled(structure: Structure, labels: dict[str, list[Any]]) -> Structure:
    """Return a copy with these labels.

    Raises:
        StructureError: labels of another number of sites.
    """
    copy = structure.copy()
    for name, values in labels.items():
        if len(values) != len(structure):
            raise StructureError(
                f"{name} labels of {len(values)} sites for the {len(structure)} of "
                f"{structure.composition.reduced_formula}"
            )
        copy.add_site_property(name, list(values))
    return copy


def with_fixed_layers(part: Structure, fixed: int, top: bool) -> list[bool]:
    """Return which atoms of a slab do not move: those of its outermost repeats.

    Args:
        part: a slab with layer labels.
        fixed: number of repeats.
        top: the highest ones, else the lowest.

    Raises:
        StructureError: as many repeats as the slab has, or a negative number.
    """
    layers = np.array(part.site_properties["layer"], dtype=int)
    number = int(layers.max()) + 1
    if not 0 <= fixed < number:
        raise StructureError(
            f"fixed_layers={fixed} must be at least 0 and below the {number} layers of "
            "the slab, so that the interface can move"
        )
    held = layers >= number - fixed if top else layers < fixed
    return [bool(fixed_atom) for fixed_atom in held]


def nearer_interface(part: Structure, film: bool) -> list[int]:
    """Return the nearer one of a sandwich's two interfaces for each atom of a side.

    Interface 0 lies between the top of the substrate and the film above it, interface 1
    between the top of the film and the substrate's next image.

    Args:
        part: one side, whole.
        film: it is the upper one.
    """
    heights = part.cart_coords[:, 2]
    upper = heights > (heights.max() + heights.min()) / 2
    return [int(high) for high in (upper if film else ~upper)]


def with_mobile(
    structure: Structure, substrate: str, mobile: Mobile, where: str
) -> Structure:
    """Return a copy in which only a region moves besides the film.

    Args:
        structure: of an interface, its substrate below.
        substrate: name of that phase.
        mobile: "all", "film", or {"surface": depth of the substrate that moves, Å}.
        where: named in the message.

    Raises:
        StructureError: no atom of the substrate lies in the region.
    """
    if mobile == "all":
        return structure
    below = np.array([site.properties["phase"] == substrate for site in structure])
    heights = structure.cart_coords[:, 2]
    held = below.copy()
    if isinstance(mobile, dict):
        depth = mobile["surface"]
        held &= heights < heights[below].max() - depth
        if not depth > 0 or held.sum() in (0, below.sum()):
            few = "all" if depth > 0 else "none"
            raise StructureError(
                f"{where}: mobile: {{surface: {depth:g}}} lets {few} of {substrate} "
                f"move, which is {np.ptp(heights[below]):.1f} Å thick; give a depth "
                f"within that, or mobile: {'all' if depth > 0 else 'film'}"
            )
    copy = structure.copy()
    before = copy.site_properties.get("fixed", [False] * len(copy))
    fixed = [bool(a) or bool(b) for a, b in zip(before, held, strict=True)]
    copy.add_site_property("fixed", fixed)
    return copy


def write_poscar(structure: Structure, path: Path, title: str = "") -> None:
    """Write sites grouped by element, their labels behind the positions.

    Atoms that do not move become selective dynamics.

    Args:
        structure: with labels.
        path: of the file.
        title: its first line; the composition by default.
    """
    ordered = structure.get_sorted_structure()
    symbols = [site.specie.symbol for site in ordered]
    kinds = [(symbol, len(list(same))) for symbol, same in groupby(symbols)]
    fixed = ordered.site_properties.get("fixed", [])
    held = any(fixed)
    # by hand: pymatgen's writer takes a minute for ten thousand atoms
    lines = [
        title.replace("\n", " ") or ordered.composition.formula,
        "1.0",
        *(" ".join(f"{x:21.16f}" for x in row) for row in ordered.lattice.matrix),
        " ".join(symbol for symbol, _ in kinds),
        " ".join(str(number) for _, number in kinds),
        *(["Selective dynamics"] if held else []),
        "direct",
    ]
    labels = labels_of(ordered)
    for i, position in enumerate(ordered.frac_coords):
        own = {name: values[i] for name, values in labels.items()}
        free = ("F F F" if fixed[i] else "T T T") if held else ""
        words = [*(f"{x:19.16f}" for x in position), free, symbols[i]]
        # labels that went through ASE are numpy's numbers
        told = json.dumps(own, ensure_ascii=False, default=lambda number: number.item())
        lines.append(" ".join(filter(None, words)) + MARK + told)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


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
        parsed = Poscar.from_str(path.read_text(encoding="utf-8")).structure
        lines = source.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError, IndexError) as error:
        raise StructureError(f"cannot read {path} as POSCAR: {error}") from error
    structure = Structure(parsed.lattice, parsed.species, parsed.frac_coords)
    try:
        return labeled(structure, _labels_behind(lines, source))
    except StructureError as error:
        raise StructureError(f"{source}: {error}") from error


def _labels_behind(lines: Sequence[str], source: object) -> dict[str, list[Any]]:
    """Return the labels behind the positions of a POSCAR.

    Args:
        lines: of the file.
        source: named in the message.

    Raises:
        StructureError: none, or damaged ones.
    """
    marked = [line.partition(MARK)[2] for line in lines if MARK + "{" in line]
    try:
        sites = [json.loads(text) for text in marked]
        labels = {name: [site[name] for site in sites] for name in (sites or [{}])[0]}
    except (ValueError, KeyError, TypeError) as error:
        raise StructureError(
            f"{source} has damaged labels behind its positions ({error}); give the "
            "POSCAR that the model was written to as labels=..."
        ) from error
    if not labels:
        raise StructureError(
            f"{source} has no phase labels behind its positions; give the POSCAR that "
            "the model was written to as labels=..."
        )
    return labels
