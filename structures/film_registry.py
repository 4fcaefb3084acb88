"""Registry: how the film lies on the substrate, and which shifts are worth a look.

The energy of an interface is periodic in the film's in-plane shift with the lattice
that the translations of both sides generate together: the registry cell, often far
smaller than the interface. Symmetry operations that both sides share make shifts
equivalent. What is left is the irreducible registry cell; a scan visits nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure

from ionface.errors import StructureError
from ionface.structures.model import InterfaceModel
from ionface.structures.periodic import short_basis
from ionface.structures.sandwich import (
    Operations,
    alike_lean,
    leaned,
    plane_operations,
)
from ionface.structures.stacking import touching_gap

Array = NDArray[np.float64]
ON_GRID = 0.02  # grid steps; an operation that leaves the grid relates no points of it
MAX_POINTS = 400  # each costs one energy per gap


@dataclass(frozen=True)
class Registry:
    """One shift of the film.

    Attributes:
        shift: in-plane, fractions of the interface's cell, on top of the model's own.
        weight: how many points of the full grid it stands for.
    """

    shift: tuple[float, float]
    weight: int


@dataclass(frozen=True)
class RegistryGrid:
    """All points of a grid over the registry cell, by symmetry.

    Attributes:
        cell: in-plane vectors of the registry cell, fractions of the interface's cell,
            shape (2, 2).
        divisions: of the grid along both vectors.
        points: the irreducible ones.
        images: shape divisions; the index among `points` of each grid point.
    """

    cell: Array
    divisions: tuple[int, int]
    points: tuple[Registry, ...]
    images: NDArray[np.int_]

    def shifts(self) -> Array:
        """Return the shift of every grid point, shape (*divisions, 2)."""
        n, m = self.divisions
        i, j = np.meshgrid(np.arange(n) / n, np.arange(m) / m, indexing="ij")
        return np.asarray(np.stack([i, j], axis=-1) @ self.cell)


def registry_grid(model: InterfaceModel, spacing: float) -> RegistryGrid:
    """Return a grid of film shifts and which of its points are different.

    Args:
        model: of the interface.
        spacing: of neighboring points, at most, Å.

    Raises:
        StructureError: the spacing is not positive or asks for more than 400 points.
    """
    if not spacing > 0:
        raise StructureError(f"{model.name}: scan spacing={spacing} Å must be positive")
    parts = model.separated()
    film = plane_operations(parts[model.film_phase])
    substrate = plane_operations(parts[model.substrate_phase])
    plane = model.structure.lattice.matrix[:2, :2]
    # the shortest basis, whose grid has the fewest points
    cell = short_basis(_common_lattice(film, substrate) @ plane) @ np.linalg.inv(plane)
    lengths = np.linalg.norm(cell @ plane, axis=1)
    divisions = np.maximum(1, np.ceil(lengths / spacing - 1e-6)).astype(int)
    if divisions.prod() > MAX_POINTS:
        raise StructureError(
            f"{model.name}: a scan every {spacing} Å over the registry cell of "
            f"{lengths[0]:.1f} x {lengths[1]:.1f} Å has {divisions.prod()} points, "
            f"more than {MAX_POINTS}; raise its spacing"
        )
    images, points = _orbits(cell, divisions, _shared(film, substrate))
    return RegistryGrid(cell, (int(divisions[0]), int(divisions[1])), points, images)


def shifted(model: InterfaceModel, shift: tuple[float, float]) -> InterfaceModel:
    """Return the model with its film moved in the plane, fractions of the cell.

    The upper interface of a sandwich follows where it can be the image of the lower.
    """
    structure = model.structure.copy()
    film = [i for i, phase in enumerate(model.phases) if phase == model.film_phase]
    structure.translate_sites(film, [*shift, 0.0], frac_coords=True)
    moved = replace(
        model,
        structure=structure,
        registry=(model.registry[0] + shift[0], model.registry[1] + shift[1]),
    )
    return _alike(moved) if model.n_interfaces == 2 else moved


def _alike(model: InterfaceModel) -> InterfaceModel:
    """Return a sandwich that leans so that its interfaces are alike, if they can be."""
    parts = model.separated()
    lean = alike_lean(parts[model.film_phase], parts[model.substrate_phase])
    if lean is None:
        return model
    return replace(model, structure=leaned(model.structure, lean))


def with_gap(
    model: InterfaceModel, gap: float, source: str | None = None
) -> InterfaceModel:
    """Return the model with another gap; the cell of a sandwich follows it.

    Args:
        model: with any gap.
        gap: Å.
        source: where it is from, in words; as before if not given.

    Raises:
        StructureError: the gap is not positive.
    """
    if not gap > 0:
        raise StructureError(f"{model.name}: gap={gap:.2f} Å must be positive")
    change = gap - model.gap
    sides = 2 if model.n_interfaces == 2 else 1
    matrix = model.structure.lattice.matrix.copy()
    coords = model.structure.cart_coords.copy()
    matrix[2, 2] += change * sides
    film = np.array(model.phases) == model.film_phase
    coords[film, 2] += change
    structure = Structure(
        Lattice(matrix),
        model.structure.species,
        coords,
        coords_are_cartesian=True,
        site_properties=model.structure.site_properties,
    )
    told = {**model.provenance, **({"gap_from": source} if source else {})}
    return replace(model, structure=structure, gap=gap, provenance=told)


def joined(
    model: InterfaceModel,
    film: Structure,
    substrate: Structure,
    gap: float | None = None,
) -> InterfaceModel:
    """Return the model with sides that were relaxed alone.

    Args:
        model: as it was cut.
        film: its upper side, the same sites after a relaxation.
        substrate: its lower side, likewise.
        gap: between them, Å; the one at which they touch if not given.
    """
    sides = {model.film_phase: film, model.substrate_phase: substrate}
    coords = model.structure.cart_coords.copy()
    for phase, relaxed in sides.items():
        coords[np.array(model.phases) == phase] = relaxed.cart_coords
    upper = np.array(model.phases) == model.film_phase
    coords[upper, 2] += coords[~upper, 2].max() + model.gap - coords[upper, 2].min()
    gaps = 2 if model.n_interfaces == 2 else 1
    matrix = model.structure.lattice.matrix.copy()
    thickness = sum(float(np.ptp(coords[side, 2])) for side in (upper, ~upper))
    matrix[2, 2] = thickness + gaps * model.gap + model.vacuum
    structure = Structure(
        Lattice(matrix),
        model.structure.species,
        coords,
        coords_are_cartesian=True,
        site_properties=model.structure.site_properties,
    )
    relaxed_model = replace(model, structure=structure)
    return with_gap(relaxed_model, gap or touching(relaxed_model))


def touching(model: InterfaceModel) -> float:
    """Return the gap at which the closest atoms of both sides just touch, Å."""
    parts = model.separated()
    return touching_gap(
        parts[model.film_phase],
        parts[model.substrate_phase],
        molecular="smiles" in model.provenance.get("film", {}),
        sandwich=model.n_interfaces == 2,
        lean=model.structure.lattice.matrix[2, :2],
    )


def _translations(operations: Operations) -> list[Array]:
    return [t % 1.0 for r, t in operations if (r == np.eye(2)).all()]


def _common_lattice(film: Operations, substrate: Operations) -> Array:
    """Return a basis of the lattice that all translations of both sides generate."""
    vectors = [*_translations(film), *_translations(substrate)]
    # every translation is a whole fraction of the cell: count in units of 1/order
    order = 1
    for size in (len(_translations(film)), len(_translations(substrate))):
        order = int(np.lcm(order, size))
    rows = [np.rint(v * order).astype(int) for v in vectors]
    rows += [np.array([order, 0]), np.array([0, order])]
    return _hermite(rows) / order


def _hermite(rows: list[NDArray[np.int_]]) -> Array:
    """Return two rows that generate the same integer lattice as all rows together."""
    first = np.zeros(2, dtype=int)
    rest = 0  # generates the vectors (0, k)
    for row in rows:
        current = row.copy()
        while current[0]:
            if first[0] == 0 or abs(current[0]) < abs(first[0]):
                first, current = current, first
            current = (
                current - (current[0] // first[0]) * first if first[0] else current
            )
        rest = int(np.gcd(rest, current[1]))
    first = first * int(np.sign(first[0]))
    return np.array([[first[0], first[1] % rest], [0, rest]], dtype=float)


def _shared(film: Operations, substrate: Operations) -> Operations:
    """Return what maps shifts onto equivalent ones: s -> R s + (t_film - t_substrate).

    If x -> R x + t_f maps the film onto itself and x -> R x + t_s the substrate, then
    the film at s looks as the film at R s + t_s - t_f does.
    """
    shared = []
    for rotation, t_film in film:
        for other, t_substrate in substrate:
            if (rotation == other).all():
                shared.append((rotation, t_substrate - t_film))
                break
    return shared


def _orbits(
    cell: Array, divisions: NDArray[np.int_], operations: Operations
) -> tuple[NDArray[np.int_], tuple[Registry, ...]]:
    """Return for each grid point its class, and one shift of each class."""
    images = np.full(tuple(divisions), -1, dtype=int)
    points: list[Registry] = []
    inverse = np.linalg.inv(cell)
    for start in product(*(range(n) for n in divisions)):
        if images[start] >= 0:
            continue
        shift = (np.array(start) / divisions) @ cell
        members = {(start[0], start[1])}
        for rotation, translation in operations:
            image = (rotation @ shift + translation) @ inverse * divisions
            whole = np.rint(image)
            if np.abs(image - whole).max() < ON_GRID:
                members.add(_wrapped(whole, divisions))
        for member in members:
            images[member] = len(points)
        points.append(Registry((float(shift[0]), float(shift[1])), len(members)))
    return images, tuple(points)


def _wrapped(point: Array, divisions: NDArray[np.int_]) -> tuple[int, int]:
    i, j = point.astype(int) % divisions
    return int(i), int(j)
