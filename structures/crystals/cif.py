"""A CIF file as a crystal: what pymatgen warns of is mended with a note, or refused.

Files in the wild round 1/3 to 0.333, leave out the symmetry operations or the origin
that they belong to, or leave out hydrogen. Each reading (of the operations that the
name of the space group may mean, with little rounding, then with more) is tried until
one has no two atoms on one place and the composition that the file states.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Composition, Lattice, Structure
from pymatgen.core.operations import SymmOp
from pymatgen.io.cif import CifBlock, CifFile, CifParser, str2float

from ionface.errors import StructureError
from ionface.structures.checks import overlap
from ionface.symbols import element_of

OPERATIONS = (
    "_symmetry_equiv_pos_as_xyz",
    "_space_group_symop_operation_xyz",
    "_symmetry_equiv_pos_as_xyz_",
    "_space_group_symop_operation_xyz_",
)
NAMES = ("_symmetry_space_group_name_H-M", "_space_group_name_H-M_alt")
NUMBERS = ("_symmetry_Int_Tables_number", "_space_group_IT_number")
# how far a coordinate may be from 1/3 or 2/3 (relative), and two images of one atom
# from each other (fractions): 0.333 always means 1/3, 0.33 where nothing else fits
ROUNDINGS = ((2e-3, 2e-3), (1.5e-2, 1e-2))
FULL = 1.011  # occupancies that sum to no more are rounded; 1.02 is a mistake
SAME = 0.02  # atoms that may be missing per atom of the stated formula


def read_cif(text: str, where: str) -> tuple[Structure, list[str]]:
    """Return the crystal of a CIF, and notes on what was not as it should be.

    Args:
        text: of the file.
        where: named in messages.

    Raises:
        StructureError: no or several crystals, atoms that are no elements, occupancies
            above 1, elements of the formula without atoms, atoms on one place.
    """
    block = _only_block(text, where)
    _check_symbols(block, where)
    _check_numbers(block, where)
    faults: list[str] = []
    for operations, said in _operations(block):
        for rounding in ROUNDINGS:
            structure = _parsed(block, operations, rounding, where)
            fault = _fault(structure, block)
            if fault is None:
                if rounding != ROUNDINGS[0]:
                    said.append("coordinates such as 0.33 are taken for 1/3")
                return structure, said
            faults.append(fault)
    _check_elements(structure, block, where)
    best = _parsed(block, next(_operations(block))[0], ROUNDINGS[0], where)
    if (worst := overlap(best)) is not None:
        raise StructureError(
            f"{where}: {worst}; its coordinates are rounded too much (write 1/3 as "
            "0.33333), or they belong to another origin of the space group (write its "
            "symmetry operations into the file)"
        )
    return best, [faults[0]]


def _only_block(text: str, where: str) -> CifBlock:
    """Return the one data block that has atoms."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        blocks = CifFile.from_str(text).data
    held = {
        name: block
        for name, block in blocks.items()
        if "_atom_site_fract_x" in block.data
    }
    if not held:
        raise StructureError(
            f"cannot read {where} as CIF: none of its data blocks has atoms "
            "(_atom_site_fract_x)"
        )
    if len(held) > 1:
        raise StructureError(
            f"{where} holds {len(held)} crystals ({', '.join(held)}); give a file with "
            "the data block of one"
        )
    return next(iter(held.values()))


def _check_symbols(block: CifBlock, where: str) -> None:
    symbols = block.data.get("_atom_site_type_symbol") or []
    labels = block.data.get("_atom_site_label")
    if not labels:
        raise StructureError(f"{where}: its atoms have no labels (_atom_site_label)")
    for symbol, label in zip(symbols or labels, labels, strict=False):
        if element_of(symbol) is None:
            raise StructureError(
                f"{where}: {symbol!r} (atom {label}) is no element; write its symbol, "
                "and leave out vacancies"
            )


def _check_numbers(block: CifBlock, where: str) -> None:
    """Refuse atoms without a place; an occupancy that is not told is 1.

    That is what the dictionary of CIF says of "."; a parser would drop such atoms.
    """
    for axis in "xyz":
        key = f"_atom_site_fract_{axis}"
        for place, label in zip(
            block.data.get(key) or [], block.data["_atom_site_label"], strict=False
        ):
            if not _finite(place):
                raise StructureError(
                    f"{where}: atom {label} has no coordinate {axis} ({place!r}); "
                    "give its place, or leave it out"
                )
    if occupancies := block.data.get("_atom_site_occupancy"):
        told = ["1" if share in (".", "?") else share for share in occupancies]
        block.data["_atom_site_occupancy"] = told


def _finite(word: str) -> bool:
    try:
        return bool(np.isfinite(str2float(word)))
    except (TypeError, ValueError):
        return False


def _operations(block: CifBlock) -> Iterator[tuple[list[str] | None, list[str]]]:
    """Yield the symmetry operations that a file may mean, and what to say of them."""
    if any(block.data.get(key) for key in OPERATIONS):
        yield None, []
        return
    name = "".join(str(next((block.data[k] for k in NAMES if k in block.data), "")))
    short, _, choice = re.sub(r"[\s_']", "", name).partition(":")
    number = next((block.data[k] for k in NUMBERS if k in block.data), None)
    settings = list(_settings(short, str(number or ""), _metric(block)))
    if not settings:
        yield None, [f"no symmetry operations: taken for {name or 'P1'}"]
    exact = [s for s in settings if choice and s[0].lower() == choice.lower()]
    for own, operations in exact or settings:
        said = [] if len(exact or settings) == 1 else [
            f"no symmetry operations: {short or number} is taken in its setting {own}"
        ]  # fmt: skip
        yield operations, said


def _metric(block: CifBlock) -> NDArray[np.float64]:
    """Return the scalar products of the cell vectors, Å², shape (3, 3)."""
    keys = ["length_a", "length_b", "length_c", "angle_alpha", "angle_beta"]
    numbers = [
        str2float(str(block.data[f"_cell_{key}"])) for key in [*keys, "angle_gamma"]
    ]
    matrix = Lattice.from_parameters(*numbers).matrix
    return np.asarray(matrix @ matrix.T)


def _settings(
    short: str, number: str, metric: NDArray[np.float64]
) -> Iterator[tuple[str, list[str]]]:
    """Yield (choice of origin or axes, operations) of a space group in a cell."""
    import spglib

    kinds: list[Any] = [spglib.get_spacegroup_type(hall) for hall in range(1, 531)]
    named = [kind for kind in kinds if short in _names(kind)]
    for kind in named or [k for k in kinds if str(k.number) == number]:
        own = spglib.get_symmetry_from_database(kind.hall_number)
        turned = own["rotations"].transpose(0, 2, 1) @ metric @ own["rotations"]
        # other axes would turn the cell into another one
        if np.allclose(turned, metric, rtol=0, atol=1e-2 * np.trace(metric) / 3):
            pairs = zip(own["rotations"], own["translations"], strict=True)
            operations = [
                SymmOp.from_rotation_and_translation(r, t).as_xyz_str()
                for r, t in pairs
            ]
            yield kind.choice or "1", operations


def _names(kind: Any) -> set[str]:
    """Return the Hermann-Mauguin symbols of a setting, short and full."""
    texts = [kind.international_short, kind.international_full]
    texts += re.split(r"[=:]", kind.international)
    return {re.sub(r"[\s_]", "", text) for text in texts}


def _parsed(
    block: CifBlock,
    operations: list[str] | None,
    rounding: tuple[float, float],
    where: str,
) -> Structure:
    data = dict(block.data)
    loops = [list(loop) for loop in block.loops]
    if operations is not None:
        data[OPERATIONS[0]] = operations
        loops.append([OPERATIONS[0]])
    text = str(CifBlock(data, loops, block.header))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fraction, site = rounding
        parser = CifParser.from_str(
            text, occupancy_tolerance=FULL, site_tolerance=site, frac_tolerance=fraction
        )
        try:
            return parser.parse_structures(primitive=False, on_error="raise")[0]
        except Exception as error:
            reason = str(error).split("\n", 1)[-1]
            if total := re.match(r"Occupancy ([\d.]+) exceeded", reason):
                reason = (
                    f"the occupancies of one site sum to {float(total[1]):.4g}, more "
                    "than 1; correct them"
                )
            raise StructureError(f"cannot read {where}: {reason}") from error


def _fault(structure: Structure, block: CifBlock) -> str | None:
    """Return what tells that a reading is not what the file means."""
    if (worst := overlap(structure)) is not None:
        return worst
    stated = _formula(block)
    if stated is None:
        return None
    own = structure.composition.remove_charges().fractional_composition
    wanted = stated.fractional_composition
    elements = {*own.elements, *wanted.elements}
    if max(abs(own[e] - wanted[e]) for e in elements) <= SAME:
        return None
    return (
        f"the file states {stated.reduced_formula}, its atoms are "
        f"{structure.composition.remove_charges().reduced_formula}"
    )


def _formula(block: CifBlock) -> Composition | None:
    text = block.data.get("_chemical_formula_sum")
    try:
        stated = Composition(str(text)) if text else None
    except ValueError:  # "?", or a text of another kind
        return None
    return stated and Composition(
        {element_of(e.symbol): n for e, n in stated.items() if element_of(e.symbol)}
    )


def _check_elements(structure: Structure, block: CifBlock, where: str) -> None:
    stated = _formula(block)
    own = {element_of(e.symbol) for e in structure.composition.elements}
    missing = [e.symbol for e in (stated or {}) if e.symbol not in own]
    if missing:
        raise StructureError(
            f"{where}: its formula {block.data['_chemical_formula_sum']} has "
            f"{', '.join(missing)}, its list of atoms has not; add the missing atoms, "
            "or correct _chemical_formula_sum"
        )
