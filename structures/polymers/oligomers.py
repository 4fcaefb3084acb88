"""One chain as a molecule: SMILES to a relaxed, flat conformer, laid on a surface.

RDKit proposes conformers (ETKDG) and relaxes them (MMFF94); the flattest one of low
energy is kept, since a chain lies flat on a surface. `chains` joins repeat units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Molecule

from ionface.errors import StructureError
from ionface.structures.periodic import perpendicular_widths
from ionface.structures.polymers.chains import whole_chain, with_stereo
from ionface.structures.polymers.topology import Topology, of_molecule
from ionface.structures.specs import AmorphousLayer, FilmLayer, PolymerLayer

Array = NDArray[np.float64]
CONFORMERS = 40  # of which the flattest of low energy is taken
ENERGY_WINDOW = 8.0  # kcal/mol above the best conformer
P_DOL = "CCOCOCCOCOCC"  # two units of poly(1,3-dioxolane) with ethyl ends
ANGLES = np.deg2rad(np.arange(0, 180, 5))  # 5° move the ends of 10 Å by 0.4 Å


@dataclass(frozen=True)
class Oligomer:
    """One chain.

    Attributes:
        molecule: coordinates in Å; x is the longest axis, z the flattest.
        smiles: canonical; stereo centers as they are in the coordinates.
        bonds: pairs of atom indices.
        topology: bonds with their orders, rings and stereo centers.
        chosen_stereo: centers and double bonds that the given SMILES left open and the
            seed chose.
    """

    molecule: Molecule
    smiles: str
    bonds: tuple[tuple[int, int], ...]
    topology: Topology
    chosen_stereo: int = 0


def oligomer(
    smiles: str = P_DOL,
    seed: int = 0,
    units: int | None = None,
    ends: tuple[str, str] = ("C", "C"),
) -> Oligomer:
    """Return a flat, low-energy conformer of a closed-shell molecule.

    Args:
        smiles: of the whole chain with its ends; or, with `units`, of the repeat unit
            with two open ends [*].
        seed: of the conformer search, and of stereo centers left open.
        units: number of repeat units.
        ends: SMILES of the end groups, as in `chains.chain`.

    Raises:
        StructureError: not a SMILES, charged, several fragments, or no conformer.
    """
    from rdkit import Chem

    whole = whole_chain(smiles, units, ends)
    molecule, energies, stereo = conformers(whole, CONFORMERS, seed)
    flattest = _flattest(molecule, energies)
    topology = of_molecule(molecule, flattest)
    return Oligomer(
        molecule=Molecule(list(topology.symbols), flattest),
        smiles=str(Chem.MolToSmiles(Chem.RemoveHs(molecule))),
        bonds=topology.bonds,
        topology=topology,
        chosen_stereo=stereo,
    )


def conformers(smiles: str, number: int, seed: int) -> tuple[Any, Array, int]:
    """Return conformers of a whole molecule, relaxed with MMFF94 (UFF without it).

    Args:
        smiles: of a neutral, closed-shell molecule.
        number: of conformers that are tried; close relatives are not weeded out.
        seed: of the search, and of stereo centers that the SMILES leaves open.

    Returns:
        The RDKit molecule with hydrogens and all its conformers, their energies in
        kcal/mol in the same order, and how many stereo centers were chosen.

    Raises:
        StructureError: not a SMILES, charged, several fragments, or no conformer.
    """
    from rdkit import Chem, rdBase
    from rdkit.Chem.rdDistGeom import EmbedMultipleConfs, ETKDGv3

    rdBase.DisableLog("rdApp.*")
    whole_molecule(smiles)
    settled, chosen = with_stereo(smiles, seed)
    molecule = Chem.AddHs(Chem.MolFromSmiles(settled))
    settings: Any = ETKDGv3()
    settings.randomSeed = seed
    if not len(EmbedMultipleConfs(molecule, number, settings)):
        settings.useRandomCoords = True  # large or crowded molecules need it
        if not len(EmbedMultipleConfs(molecule, number, settings)):
            raise StructureError(
                f"RDKit finds no conformer of {smiles!r}; try another seed"
            )
    return molecule, _relaxed(molecule), chosen


def _relaxed(molecule: Any) -> Array:
    """Relax all conformers in place; return their energies, kcal/mol."""
    from rdkit.Chem import rdForceFieldHelpers as Fields

    relax = (
        Fields.MMFFOptimizeMoleculeConfs
        if Fields.MMFFHasAllMoleculeParams(molecule)
        else Fields.UFFOptimizeMoleculeConfs  # MMFF94 lacks some elements
    )
    outcomes = relax(molecule, maxIters=2000)
    return np.array([energy for _, energy in outcomes])


def whole_molecule(smiles: str) -> Any:
    """Return RDKit's molecule, hydrogens included, of a neutral closed-shell SMILES.

    Raises:
        StructureError: not a SMILES, charged, several fragments, open ends or valences.
    """
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        parsed = Chem.MolFromSmiles(smiles)
    if parsed is None or parsed.GetNumAtoms() == 0:
        raise StructureError(
            f"{smiles!r} is not a SMILES that RDKit can read; an example is {P_DOL}"
        )
    if len(Chem.GetMolFrags(parsed)) > 1 or "*" in smiles:
        raise StructureError(
            f"{smiles!r} must be one whole molecule: no '.' and no open end '*'"
        )
    if charge := Chem.GetFormalCharge(parsed):
        raise StructureError(f"{smiles!r} has charge {charge:+d}; give a neutral chain")
    if any(atom.GetNumRadicalElectrons() for atom in parsed.GetAtoms()):
        raise StructureError(f"{smiles!r} has open valences; close the ends, as with C")
    return Chem.AddHs(parsed)


def _flattest(molecule: Any, energies: Array) -> Array:
    """Return coordinates of the flattest conformer within the energy window."""
    good = np.flatnonzero(energies < energies.min() + ENERGY_WINDOW)
    positions = [conformer.GetPositions() for conformer in molecule.GetConformers()]
    placed = [principal_axes(positions[i]) for i in good]
    return min(placed, key=lambda coords: float(np.ptp(coords[:, 2])))


def principal_axes(coords: Array) -> Array:
    """Return coordinates about their center, longest axis along x, flattest along z.

    Args:
        coords: shape (n_atoms, 3), Å. The turn is a proper rotation: chirality stays.
    """
    centered = coords - coords.mean(axis=0)
    _, _, axes = np.linalg.svd(centered)
    if np.linalg.det(axes) < 0:
        axes[2] *= -1
    return np.asarray(centered @ axes.T)


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


def chosen_supercell(
    layer: FilmLayer | AmorphousLayer, cell: Array, max_area: float, width: float
) -> tuple[int, int]:
    """Return a layer's own supercell, or the smallest one of a width both ways.

    Args:
        layer: that may name its supercell.
        cell: in-plane vectors of a surface cell, Å, shape (2, 2).
        max_area: Å².
        width: between opposite sides, at least, Å.

    Raises:
        StructureError: the layer's supercell is none, or none within the limit is wide.
    """
    if layer.supercell is not None:
        allowed_supercell(layer.phase, layer.supercell, cell, max_area)
        return layer.supercell
    for repeats in supercells(cell, max_area):
        if perpendicular_widths(np.array(repeats)[:, None] * cell).min() >= width:
            return repeats
    raise StructureError(
        f"{layer.phase}: no supercell up to max_area={max_area} Å² is {width:.1f} Å "
        "wide in both directions, so that the layer does not meet its own images; "
        "raise max_area, shorten the chains of a film, or give supercell"
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
    repeats = [
        (i, j) for i in range(1, most + 1) for j in range(1, most + 1) if i * j <= most
    ]
    return sorted(
        repeats, key=lambda r: (r[0] * r[1], abs(r[0] * lengths[0] - r[1] * lengths[1]))
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
