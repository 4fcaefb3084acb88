"""From a relaxed bulk crystal to the lattice numbers that its slabs are cut with.

Only the lattice is taken over: atoms keep their fractions of the cell, hence the exact
symmetry that cuts and matches are told apart by; each slab is relaxed by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pymatgen.core import Structure
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from ionface.errors import StructureError
from ionface.structures.crystals.library import KEYS
from ionface.structures.crystals.space_group import operations
from ionface.structures.specs import Lengths

LARGEST_CHANGE = 0.15
"""Of the volume. Functionals and potentials that know a crystal are within 10 %; what
is beyond has become another phase, or the engine was not made for it."""

SYMPREC = 0.1  # Å; wider than what is left of a relaxation's forces


def relaxed_lengths(
    crystal: Structure, relaxed: Structure, where: str, cells: tuple[int, int, int]
) -> Lengths:
    """Return lengths (Å) and angles (degrees) of one relaxed cell.

    Args:
        crystal: before the relaxation.
        relaxed: after it, in the same order and axes.
        where: names crystal and engine in messages.
        cells: conventional cells in it, along each axis.

    Raises:
        StructureError: its volume has changed by more than 15 %, or it has lost
            symmetry. A cell that happens to have more of it, as indium whose c/a comes
            to that of fcc, is still one of its own space group.
    """
    change = relaxed.volume / crystal.volume - 1
    (before, operations), (after, left) = map(_symmetry, (crystal, relaxed))
    if abs(change) > LARGEST_CHANGE:
        became = f"its volume by {100 * change:+.0f} %, more than 15 %"
    elif before != after and left <= operations:
        became = f"its space group from {before} to {after}"
    else:
        lengths = np.array(relaxed.lattice.abc) / cells
        numbers = [*lengths.round(4), *np.round(relaxed.lattice.angles, 3)]
        return {key: float(n) for key, n in zip(KEYS, numbers, strict=True)}
    raise StructureError(
        f"{where}: the relaxation of the bulk crystal changed {became}, so it is now "
        "another one; give its layer lattice: literature or numbers, or take another "
        "engine"
    )


def gained_symmetry(crystal: Structure, relaxed: Structure) -> str:
    """Return from which space group to which a relaxation has led, if to more symmetry.

    Args:
        crystal: before the relaxation.
        relaxed: after it, in the same axes.

    Returns:
        As in "from I4/mmm to Fm-3m"; empty if the space group is what it was.
    """
    before, after = (_symmetry(each)[0] for each in (crystal, relaxed))
    return "" if before == after else f"from {before} to {after}"


def symmetry_notes(provenance: Mapping[str, Any], name: str) -> list[str]:
    """Return what must be said of an interface's crystals that gained symmetry.

    Args:
        provenance: of the model.
        name: of the interface.
    """
    return [
        f"{name}: the relaxation of bulk {made['material']} led "
        f"{made['gained_symmetry']} ({made['lattice_from']}): the engine's crystal is "
        "not the published one, in whose axes facets are named; lattice: literature "
        "keeps that one"
        for side in ("film", "substrate")
        if (made := provenance.get(side, {})).get("gained_symmetry")
    ]


def _symmetry(structure: Structure) -> tuple[str, int]:
    """Return the space group and the number of operations of its point group."""
    found = SpacegroupAnalyzer(structure, symprec=SYMPREC)
    rotations, _ = operations(int(found.get_space_group_number()))
    turned = {rotation.tobytes() for rotation in rotations}
    return str(found.get_space_group_symbol()), len(turned)
