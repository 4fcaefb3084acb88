"""A chain molecule laid flat in the surface cell of its partner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionface.errors import StructureError
from ionface.structures.polymers.polymers import oligomer
from ionface.structures.specs import PolymerLayer

Array = NDArray[np.float64]
ANGLES = np.deg2rad(np.arange(0, 180, 5))


@dataclass(frozen=True)
class LaidMolecule:
    """A molecule in a surface cell.

    Attributes:
        symbols: elements.
        coords: Å, shape (n_atoms, 3), z from 0 upwards, centered in the cell.
        supercell: repeats of the surface cell along a and b.
        clearance: smallest distance to a periodic image, Å.
        provenance: plain data.
    """

    symbols: list[str]
    coords: Array
    supercell: tuple[int, int]
    clearance: float
    provenance: dict[str, Any]


def lay_flat(layer: PolymerLayer, cell: Array, max_area: float) -> LaidMolecule:
    """Return the molecule at the in-plane angle that keeps it farthest from itself.

    Args:
        layer: which molecule, what clearance, and the supercell if the user chose it.
        cell: in-plane vectors of the partner's surface cell, Å, shape (2, 2).
        max_area: largest cell searched, Å².

    Raises:
        StructureError: no cell up to the limit keeps the clearance.
    """
    chain = oligomer(layer.polymer, layer.seed, layer.units, layer.ends)
    coords = np.asarray(chain.molecule.cart_coords)
    candidates = supercells(cell, max_area)
    if layer.supercell is not None:
        allowed_supercell(layer.phase, layer.supercell, cell, max_area)
        candidates = [layer.supercell]
    best = 0.0
    for repeats in candidates:
        vectors = np.array(repeats)[:, None] * cell
        angle, clearance = _best_angle(coords, vectors)
        best = max(best, clearance)
        if clearance >= layer.clearance:
            placed = _placed(coords, angle, vectors)
            return LaidMolecule(
                symbols=[site.specie.symbol for site in chain.molecule],
                coords=placed,
                supercell=(int(repeats[0]), int(repeats[1])),
                clearance=clearance,
                provenance={
                    "smiles": chain.smiles,
                    "formula": chain.molecule.composition.formula.replace(" ", ""),
                    "angle_degrees": float(np.rad2deg(angle)),
                    "clearance": clearance,
                    "chosen_stereo": chain.chosen_stereo,
                    "topology": chain.topology.as_dict(),
                },
            )
    where = (
        f"supercell {layer.supercell}"
        if layer.supercell
        else f"cells up to {max_area} Å²"
    )
    raise StructureError(
        f"{layer.phase}: in {where} the molecule comes within {best:.2f} Å of its own "
        f"image, closer than clearance={layer.clearance} Å; use a larger supercell or "
        "raise max_area"
    )


def allowed_supercell(
    phase: str, repeats: tuple[int, int], cell: Array, max_area: float
) -> None:
    """Refuse a user's supercell that is none or too large.

    Args:
        phase: named in the message.
        repeats: along both vectors of the cell.
        cell: in-plane vectors of a surface cell, Å, shape (2, 2).
        max_area: Å².
    """
    area = repeats[0] * repeats[1] * abs(float(np.linalg.det(cell)))
    if min(repeats) < 1 or area > max_area:
        raise StructureError(
            f"{phase}: supercell={tuple(repeats)} has {area:.1f} Å²; give two "
            f"whole numbers above 0 within max_area={max_area} Å²"
        )


def supercells(cell: Array, max_area: float) -> list[tuple[int, int]]:
    """Return repeats within the area limit, smallest first, then most square.

    Args:
        cell: in-plane vectors of a surface cell, Å, shape (2, 2).
        max_area: Å².
    """
    area = abs(np.linalg.det(cell))
    lengths = np.linalg.norm(cell, axis=1)
    most = int(max_area // area)
    found = [
        (i, j) for i in range(1, most + 1) for j in range(1, most + 1) if i * j <= most
    ]
    return sorted(
        found, key=lambda r: (r[0] * r[1], abs(r[0] * lengths[0] - r[1] * lengths[1]))
    )


def _best_angle(coords: Array, vectors: Array) -> tuple[float, float]:
    """Return the angle with the largest distance to images, and that distance."""
    shifts = np.array(
        [[i, j] for i in range(-2, 3) for j in range(-2, 3) if (i, j) != (0, 0)]
    )
    images = np.hstack([shifts @ vectors, np.zeros((len(shifts), 1))])
    pairs = coords[:, None] - coords[None]  # (n, n, 3)
    clearances = []
    for angle in ANGLES:
        turned = pairs @ _turn(angle)
        apart = turned[:, :, None] - images  # (n, n, n_images, 3)
        clearances.append(float(np.sqrt((apart**2).sum(axis=-1).min())))
    best = int(np.argmax(clearances))
    return float(ANGLES[best]), clearances[best]


def _placed(coords: Array, angle: float, vectors: Array) -> Array:
    turned = coords @ _turn(angle)
    turned[:, :2] += vectors.sum(axis=0) / 2
    turned[:, 2] -= turned[:, 2].min()
    return turned


def _turn(angle: float) -> Array:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])
