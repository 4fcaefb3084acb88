"""Amorphous layers: atoms at random at a composition and density, and the cut after.

`random_alloy` fills a cell that is periodic in all directions; an engine melts and
quenches it there, at exactly the density that was asked for. `opened` then cuts it at
its emptiest plane into a film.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Element, Structure

from ionface.errors import StructureError
from ionface.structures.limits import check_spec
from ionface.structures.periodic import (
    covalent_radii,
    widest_gap,
)
from ionface.structures.polymers.compression import Press
from ionface.structures.polymers.crystallinity import order_of
from ionface.structures.polymers.oligomers import chosen_supercell
from ionface.structures.specs import AmorphousLayer

Array = NDArray[np.float64]
DALTONS = 0.602214076  # Da/Å³ in 1 g/cm³
MOST_ATOMS = 5000  # against typing errors in thickness or density
CLOSE = 0.85  # of the sum of covalent radii: nearer, atoms of the start overlap
BEYOND = 1.02  # of the smallest allowed distance, to which atoms are pushed
ROUNDS = 30  # of pushing overlapping atoms apart
WIDE = 8.0  # Å; an amorphous layer narrower than this sees its own images


@dataclass(frozen=True)
class Alloy:
    """Atoms at random in a cell periodic in all directions.

    Attributes:
        symbols: elements.
        coords: Å, shape (n_atoms, 3).
        cell: Å, shape (3, 3), c along z.
        supercell: repeats of the partner's surface cell.
        provenance: plain data: composition and density, asked for and made.
    """

    symbols: list[str]
    coords: Array
    cell: Array
    supercell: tuple[int, int] = (1, 1)
    provenance: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OpenedAlloy:
    """An amorphous film.

    Attributes:
        symbols: elements.
        coords: Å, shape (n_atoms, 3), the lowest atom at z = 0.
        provenance: plain data: where it was cut, whether it has crystallized.
    """

    symbols: list[str]
    coords: Array
    provenance: dict[str, Any]


def random_alloy_on(layer: AmorphousLayer, surface: Array, max_area: float) -> Alloy:
    """Return an alloy on a supercell of a surface cell.

    Args:
        layer: `supercell` is used if given; else the smallest one that is 8 Å wide in
            both directions.
        surface: in-plane vectors of the surface cell, Å, shape (2, 2).
        max_area: Å².

    Raises:
        StructureError: no such supercell, or as `random_alloy`.
    """
    repeats = chosen_supercell(layer, surface, max_area, WIDE)
    alloy = random_alloy(layer, np.array(repeats)[:, None] * surface)
    return replace(alloy, supercell=(int(repeats[0]), int(repeats[1])))


def random_alloy(layer: AmorphousLayer, plane: Array) -> Alloy:
    """Return atoms at random, pushed apart until none overlap.

    Args:
        layer: composition, density, thickness and seed.
        plane: in-plane vectors, Å, shape (2, 2).

    Raises:
        StructureError: a composition or density that makes no sense, too few or too
            many atoms, or a density at which atoms overlap.
    """
    shares = _shares(layer)
    area = abs(float(np.linalg.det(plane)))
    counts = _whole(shares, _number_of_atoms(layer, shares, area))
    number = sum(counts.values())
    symbols = [symbol for symbol, n in counts.items() for _ in range(n)]
    cell = np.zeros((3, 3))
    cell[:2, :2] = plane
    cell[2, 2] = _mass(counts) / (layer.density * DALTONS * area)
    coords, closest = _pushed_apart(symbols, cell, np.random.default_rng(layer.seed))
    if closest < 1:
        raise StructureError(
            f"{layer.phase}: density={layer.density} g/cm³ cannot be packed: with "
            f"{number} atoms in {area * cell[2, 2]:.0f} Å³ the closest pair stays at "
            f"{closest * CLOSE:.2f} of the sum of its covalent radii, below {CLOSE}; "
            "lower the density"
        )
    made = {s: n / number for s, n in counts.items()}
    return Alloy(
        symbols=symbols,
        coords=coords,
        cell=cell,
        provenance={
            "amorphous": made,
            "amorphous_asked": shares,
            "composition_error": max(abs(made[s] - shares[s]) for s in shares),
            "formula": "".join(f"{s}{n}" for s, n in counts.items()),
            "density": layer.density,
            "thickness": float(cell[2, 2]),
            "closest_of_contact": closest * CLOSE,
            "seed": layer.seed,
        },
    )


def _mass(amounts: Mapping[str, float]) -> float:
    return sum(n * float(Element(s).atomic_mass) for s, n in amounts.items())


def _number_of_atoms(
    layer: AmorphousLayer, shares: Mapping[str, float], area: float
) -> int:
    check_spec(layer.phase, layer)
    mass = layer.density * DALTONS * area * layer.thickness
    number = round(mass / _mass(shares))
    if not len(shares) <= number <= MOST_ATOMS:
        raise StructureError(
            f"{layer.phase}: thickness={layer.thickness} Å on {area:.1f} Å² at "
            f"{layer.density} g/cm³ makes {number} atoms; between {len(shares)} and "
            f"{MOST_ATOMS} are possible: change the thickness"
        )
    return number


def opened(structure: Structure) -> OpenedAlloy:
    """Return the film that results from a cut at the emptiest plane across z.

    Args:
        structure: periodic in all directions, c along z; wrapped or not.
    """
    height = float(structure.lattice.matrix[2, 2])
    coords = np.array(structure.cart_coords)
    z = coords[:, 2] % height
    start, gap = widest_gap(z, height)
    # 1e-9: rounding must not move the lowest atoms to the top
    moved = (z - start + 1e-9) % height - 1e-9
    coords[:, :2] = _wrapped_plane(coords, structure.lattice.matrix)
    coords[:, 2] = moved
    order = order_of(structure.cart_coords, structure.lattice.matrix)
    return OpenedAlloy(
        symbols=[site.specie.symbol for site in structure],
        coords=coords,
        provenance={
            "opened_at": start,
            "opened_gap": gap,
            "order": order.as_dict(),
            "state": "crystallized" if order.crystallized else "amorphous",
        },
    )


def _shares(layer: AmorphousLayer) -> dict[str, float]:
    unknown = [s for s in layer.amorphous if not Element.is_valid_symbol(s)]
    if unknown or not layer.amorphous:
        raise StructureError(
            f"{layer.phase}: amorphous={dict(layer.amorphous)} must map elements to "
            f"amounts{f'; {unknown} are no elements' if unknown else ''}"
        )
    if min(layer.amorphous.values()) <= 0:
        raise StructureError(
            f"{layer.phase}: amorphous={dict(layer.amorphous)}: every amount must be "
            "positive; leave out what is not there"
        )
    total = sum(layer.amorphous.values())
    return {s: x / total for s, x in layer.amorphous.items()}


def _whole(shares: Mapping[str, float], number: int) -> dict[str, int]:
    """Return whole atoms by the largest remainders; each element has at least one."""
    exact = {s: x * number for s, x in shares.items()}
    counts = {s: max(1, int(x)) for s, x in exact.items()}
    while (left := number - sum(counts.values())) != 0:
        step = 1 if left > 0 else -1
        open_to = [s for s in counts if step > 0 or counts[s] > 1]
        best = max(open_to, key=lambda s: step * (exact[s] - counts[s]))
        counts[best] += step
    return counts


def _pushed_apart(
    symbols: list[str], cell: Array, random: np.random.Generator
) -> tuple[Array, float]:
    """Return positions, and the closest distance over the smallest allowed one."""
    coords = random.random((len(symbols), 3)) @ cell
    # the push fades out at contact: a little beyond it, nothing is left of it there
    radii = BEYOND * CLOSE * covalent_radii(symbols)
    press = Press(_free_atoms, cell, radii, np.arange(len(symbols)))
    coords = press.settle(coords, -np.inf, np.inf, ROUNDS)
    return coords, min(1.0, BEYOND * press.closest(coords))


def _free_atoms(coords: Array) -> tuple[float, Array]:
    return 0.0, np.zeros_like(coords)


def _wrapped_plane(coords: Array, matrix: Array) -> Array:
    plane = matrix[:2, :2]
    fractions = coords[:, :2] @ np.linalg.inv(plane)
    return np.asarray((fractions - np.floor(fractions)) @ plane)
