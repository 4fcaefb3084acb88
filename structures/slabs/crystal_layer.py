"""From what a user says about a layer to its slab: material, facet, thickness, doping.

`terminations` lists how a facet may end; `cut_slab` cuts a layer; `in_supercell`
repeats it in the cell of an interface, turns it over if it is the film, and dopes it
there, so that x is met as closely as the cell allows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import DummySpecies, Lattice, Structure

from ionface.errors import StructureError
from ionface.structures.checks import check_overlaps
from ionface.structures.crystals.library import (
    free_sites,
    in_library,
    material,
    material_name,
    oxidation_states,
    read_crystal,
    read_structure,
    reading_notes,
)
from ionface.structures.crystals.library import setting as setting_of
from ionface.structures.disorder.decoration import bulk, filled
from ionface.structures.groups import check_complete
from ionface.structures.limits import check_spec
from ionface.structures.materials import Material
from ionface.structures.periodic import widest_gap
from ionface.structures.slabs.facet import CANDIDATE
from ionface.structures.slabs.polarity import (
    COMPENSATED,
    compensated,
    compensated_label,
)
from ionface.structures.slabs.slab import (
    POLAR,
    VACUUM,
    Plane,
    Slab,
    in_frame,
    outer_plane,
    planes_of,
    turned_and_repeated,
    turned_over,
)
from ionface.structures.slabs.terminations import (
    FacetSlabs,
    Termination,
    dipole_per_area,
)
from ionface.structures.specs import CrystalLayer, Lengths, Ordering, SlabLayer

Array = NDArray[np.float64]
LITERATURE = "literature"
DUMMY = DummySpecies(CANDIDATE, 0)
MOST_ATOMS = 5000  # against typing errors, far beyond what engines can move
# Å; wider than the gaps between planes of any crystal (3.4 in graphite), so that a bulk
# cell is not taken for a slab
LEAST_VACUUM = 5.0


@dataclass(frozen=True)
class Sheet:
    """One side of an interface before it is strained.

    Attributes:
        structure: a along x, b in the xy plane, lowest atom at z = 0.
        oxidation: formal charge of each element; zero in metals and molecules.
        provenance: how it was made, as plain data.
        charge: formal charge of the whole sheet, e: that of the stated excess of a
            symmetric slab, 0 of all others.
    """

    structure: Structure
    oxidation: dict[str, float]
    provenance: dict[str, Any]
    charge: float = 0.0


def terminations(
    material: Material,
    miller: tuple[int, int, int] | tuple[int, int, int, int],
    *,
    symmetric: bool = False,
    groups: tuple[str, ...] = (),
    lattice: Lengths | None = None,
    ordering: Ordering | None = None,
) -> list[Termination]:
    """Return all distinct ways to end a facet, polyanions whole; the plainest first.

    >>> terminations("LiF", (1, 0, 0))
    [Termination(0: 'LiF/LiF', Tasker 1, no dipole)]
    >>> for termination in terminations("LiF", (1, 1, 1)):
    ...     print(termination)
    Termination(0: 'Li/F', Tasker 3, dipole +0.17 e/Å)
    Termination(1: 'F/Li', Tasker 3, dipole -0.17 e/Å)

    Args:
        material: library name, path to a CIF or POSCAR file, Structure or Atoms.
        miller: in the axes of the conventional cell, whatever cell a file or structure
            has; four indices in hexagonal axes.
        symmetric: ends of slabs whose sides are equivalent.
        groups: to keep whole besides what nonmetals are bonded to, as in "VO4".
        lattice: replaces cell lengths, Å, and angles, degrees.
        ordering: of a crystal with partly occupied sites.

    Returns:
        Each with its index and label, either of which a layer's `termination` takes.

    Raises:
        StructureError: unknown material, no facet, disorder without an ordering,
            polyanions without end, or nothing that turns a symmetric slab over.
    """
    layer = CrystalLayer(
        material,
        miller,
        symmetric=symmetric,
        groups=groups,
        lattice=lattice,
        ordering=ordering,
    )
    return facet_slabs(layer).terminations


def cut_slab(layer: CrystalLayer | SlabLayer) -> Slab:
    """Return the slab that a layer asks for, undoped; it brings free positions for Li.

    Raises:
        StructureError: unknown material, facet or termination; both or neither of
            layers and thickness; disorder; polyanions that cannot be kept whole.
    """
    if isinstance(layer, SlabLayer):
        return own_slab(layer)
    facet = facet_slabs(layer)
    termination = _termination(layer, facet.terminations)
    layers = _layers(layer, facet, termination)
    if not layer.deeper:
        return facet.slab(termination, layers)
    slab = facet.slab(termination, layers + layer.deeper)
    return _moved(slab, -layer.deeper * facet.facet.frame.basis[2, :2])


def _moved(slab: Slab, by: Array) -> Slab:
    """Return a slab moved in its plane, by Å, shape (2,)."""
    vector, structure = np.array([*by, 0.0]), slab.structure.copy()
    sites = range(len(structure))
    structure.translate_sites(sites, vector, frac_coords=False, to_unit_cell=False)
    candidates = np.reshape(slab.candidates, (-1, 3)) + vector
    return replace(slab, structure=structure, candidates=candidates)


def facet_slabs(layer: CrystalLayer) -> FacetSlabs:
    """Return everything that can be cut of a layer's facet."""
    crystal = bulk(layer)
    host = getattr(layer.doping, "host", None)
    return FacetSlabs(
        crystal,
        layer.miller,
        phase=layer.phase,
        setting=setting_of(layer.material),
        oxidation=oxidation_states(layer.material, crystal),
        candidates=free_sites(layer.material, host) if host else (),
        groups=tuple(getattr(layer, "groups", ())),
        symmetric=layer.symmetric,
        supercell=layer.ordering.supercell if layer.ordering else (1, 1, 1),
    )


def _termination(layer: CrystalLayer, options: list[Termination]) -> Termination:
    """Return the termination meant: by its index, its label, or its top's formula.

    A formula means the plain cut that ends with it, if there is one such.
    """
    wanted = layer.termination
    if isinstance(wanted, int) and 0 <= wanted < len(options):
        return options[wanted]
    exact = [option for option in options if option.label == wanted]
    tops = [option for option in options if option.top == wanted]
    plain = [option for option in tops if option.cut.plain]
    for fitting in (exact, plain, tops):
        if len(fitting) == 1:
            return fitting[0]
    shown = ", ".join(f"{option.index}: {option.label}" for option in options)
    raise StructureError(
        f"{layer.phase}{layer.miller} has no single termination {wanted!r}; choose by "
        f"index or by label (top/bottom): {shown}"
    )


def _layers(layer: CrystalLayer, facet: FacetSlabs, termination: Termination) -> int:
    check_spec(layer.phase, layer)
    if layer.layers is not None:
        return layer.layers
    repeat, thickness = facet.facet.spacing, layer.thickness or 0.0
    thinnest = facet.thickness(termination, 1)
    return 1 + max(0, ceil((thickness - thinnest) / repeat - 1e-6))


def in_supercell(
    layer: CrystalLayer | SlabLayer, slab: Slab, matrix: NDArray[np.int_], film: bool
) -> Sheet:
    """Return a slab in an in-plane supercell, doped; a film's top faces down.

    Args:
        layer: tells the doping.
        slab: from `cut_slab(layer)`.
        matrix: of the supercell, shape (2, 2), positive determinant; it applies to the
            turned-over slab if that is the film.
        film: turn it over.
    """
    _check_supercell(slab, matrix)
    structure = slab.structure.copy()
    for position in slab.candidates:
        structure.append(DUMMY, position, True, properties={"layer": 0})
    sheet = repeated(turned_over(structure) if film else structure, matrix)
    charge = slab.charge * round(float(np.linalg.det(matrix)))
    if isinstance(layer, SlabLayer):
        oxidation = oxidation_states(layer.slab, slab.structure)
        made = {
            "material": material_name(layer.slab),
            **slab.provenance,
            "notes": reading_notes(layer.slab),
        }
        return Sheet(sheet, oxidation, made, charge)
    oxidation = oxidation_states(layer.material, slab.structure)
    made = {
        "material": material_name(layer.material),
        **slab.provenance,
        **_source(layer),
    }
    free = [i for i, site in enumerate(sheet) if site.specie.symbol == CANDIDATE]
    candidates = sheet.cart_coords[free]
    sheet.remove_sites(free)
    period = slab.period
    if period is not None:
        period = turned_and_repeated(period, slab.in_plane, matrix, film)
    structure, decoration = filled(layer, sheet, candidates, oxidation, period)
    if layer.compensate and slab.polar and period is not None:
        structure, moved = compensated(
            structure, oxidation, period, slab.layers, slab.facet
        )
        left = moved["dipole_e_angstrom"] / round(float(np.linalg.det(matrix)))
        made |= _without_dipole(slab, left) | {"compensated": moved}
    return Sheet(structure, oxidation, {**made, **decoration}, charge)


def _without_dipole(slab: Slab, left: float) -> dict[str, Any]:
    """Return what a compensated slab is that its cut was not, as plain data.

    Args:
        slab: as it was cut.
        left: of its dipole, e Å per surface cell.
    """
    return {
        "termination": compensated_label(slab.label),
        "polar": False,
        "tasker": COMPENSATED,
        "dipole_e_per_angstrom": left / (slab.layers * slab.area),
        "dipole_e_angstrom": left,
    }


def _check_supercell(slab: Slab, matrix: NDArray[np.int_]) -> None:
    """Refuse a supercell that is flat, mirrored, huge or no supercell of this slab."""
    whole = np.asarray(matrix)
    if whole.shape != (2, 2) or not np.array_equal(whole, np.rint(whole)):
        raise StructureError(
            f"{slab.facet}: supercell {whole.tolist()} must be a 2 by 2 matrix of "
            "whole numbers"
        )
    cells = round(float(np.linalg.det(whole)))
    if cells < 1:
        raise StructureError(
            f"{slab.facet}: supercell {whole.tolist()} has determinant {cells}: its "
            "vectors are dependent or left-handed; it must be at least 1"
        )
    if (atoms := cells * len(slab.structure)) > MOST_ATOMS:
        raise StructureError(
            f"{slab.facet}: the slab would have {atoms:,} atoms ({slab.thickness:.0f} "
            f"Å thick, {cells} surface cells), above {MOST_ATOMS:,}; make it thinner, "
            "or take a smaller max_area or another match"
        )


def _source(layer: CrystalLayer) -> dict[str, Any]:
    crystal = read_crystal(layer.material, layer.lengths)
    name = material_name(layer.material)
    source = material(name).source if in_library(layer.material) else "file"
    if isinstance(layer.material, dict):
        source = "given structure"
    return {
        "lattice": list(crystal.lattice.parameters),
        "lattice_from": "given numbers" if layer.lengths else LITERATURE,
        "source": source,
        "notes": reading_notes(layer.material),
    }


def own_slab(layer: SlabLayer) -> Slab:
    """Return a slab that the user has cut, in the frame that all slabs have.

    Its "layers" are planes of atoms. Where formal charges can be guessed from the
    formula, they give its dipole.

    Raises:
        StructureError: no such file, overlaps, cut polyanions, partly occupied sites,
            or no vacuum along the third vector.
    """
    where = f"slab {layer.phase}"
    crystal = read_structure(layer.slab)
    if not crystal.is_ordered:
        raise StructureError(f"{where} has partly occupied sites; fill them")
    crystal = in_frame(crystal)
    height = float(crystal.lattice.matrix[2, 2])
    fractions = crystal.frac_coords
    bottom, gap = widest_gap(fractions[:, 2], 1.0)
    if gap * height < LEAST_VACUUM:
        raise StructureError(
            f"{where}: the widest gap along the third vector is {gap * height:.1f} Å; "
            f"a slab has at least {LEAST_VACUUM:g} Å of vacuum there. Give a bulk "
            "crystal as material of a CrystalLayer"
        )
    # 1e-6: rounding must not move the lowest atoms to the top
    fractions[:, 2] = (fractions[:, 2] - bottom + 1e-6) % 1.0 - 1e-6
    structure = _with_vacuum(crystal, fractions @ crystal.lattice.matrix)
    check_overlaps(structure, where)
    check_complete(structure, where, layer.groups)
    return _described(layer, structure)


def _with_vacuum(crystal: Structure, coords: Array) -> Structure:
    """Return a slab with c along z, the vacuum of all slabs, and planes as layers."""
    coords = coords - np.array([0.0, 0.0, coords[:, 2].min()])
    matrix = crystal.lattice.matrix.copy()
    matrix[2] = [0.0, 0.0, float(np.ptp(coords[:, 2])) + VACUUM]
    return Structure(
        Lattice(matrix),
        crystal.species,
        coords,
        coords_are_cartesian=True,
        site_properties={"layer": planes_of(coords[:, 2])},
    )


def _described(layer: SlabLayer, structure: Structure) -> Slab:
    symbols = [str(site.specie.symbol) for site in structure]
    z = structure.cart_coords[:, 2]
    planes: list[Plane] = [(float(h), (s,)) for h, s in zip(z, symbols, strict=True)]
    top, bottom = outer_plane(planes, top=True), outer_plane(planes, top=False)
    layers = max(structure.site_properties["layer"]) + 1
    oxidation = oxidation_states(layer.slab, structure)
    a, b, _ = structure.lattice.matrix
    area = float(np.linalg.norm(np.cross(a, b)))
    dipole = dipole_per_area(symbols, z, oxidation, area) / layers
    return Slab(
        structure=structure,
        phase=layer.phase,
        miller=(0, 0, 1),
        setting="axes of the slab",
        label=f"{top}/{bottom}",
        top=top,
        bottom=bottom,
        termination=0,
        repeat=float(np.ptp(z)) / max(1, layers - 1),
        layers=layers,
        dipole=dipole,
        candidates=np.empty((0, 3)),
        tasker=3 if abs(dipole) > POLAR else 1,
        facet_class=3 if abs(dipole) > POLAR else 1,
    )


def repeated(slab: Structure, matrix: NDArray[np.int_]) -> Structure:
    """Return an in-plane supercell, turned so that its first vector lies along x."""
    full = np.eye(3, dtype=int)
    full[:2, :2] = matrix
    return in_frame(slab.make_supercell(full, to_unit_cell=False, in_place=False))
