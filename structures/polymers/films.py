"""A film of several chains at a density, in the in-plane cell of its partner.

`pack(layer, cell)`: conformers (RDKit) are put loosely into a space several times as
high as the film (`packing`), then two walls close in on flexible chains (`compression`)
until the density is reached. The film is amorphous and free of overlaps;
`film_layer.stages` says how an engine relaxes it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Element

from ionface.errors import StructureError
from ionface.structures.limits import check_spec
from ionface.structures.polymers.amorphous import DALTONS
from ionface.structures.polymers.chains import whole_chain
from ionface.structures.polymers.compression import (
    ACCEPTED,
    SKIN,
    Press,
    bonded_forces,
    closed,
)
from ionface.structures.polymers.integrity import check
from ionface.structures.polymers.oligomers import (
    chosen_supercell,
    conformers,
    whole_molecule,
)
from ionface.structures.polymers.packing import packmol
from ionface.structures.polymers.topology import Topology, joined, of_molecule
from ionface.structures.specs import FilmLayer

Array = NDArray[np.float64]
# smallest distance when placed (Å), and how many times as high as the film the space is
SCHEDULE = ((2.0, 2.0), (1.8, 3.0), (1.5, 4.5))
FULLEST = 0.95  # of space filled by van der Waals spheres; crystals have up to 0.77
DENSITY_ERROR = 0.02  # of the density; a film that misses it by more is refused
THINNEST = 4.0  # Å, of a film of flat chains
CONFORMERS = 8  # few are enough: the walls reshape them anyway
MOST_ATOMS = 5000  # of a film; against typing errors, far beyond what engines can move
TOUCHING = 0.92  # of the sum of van der Waals radii: molecules start to push there


@dataclass(frozen=True)
class Film:
    """Chains packed at a density.

    Attributes:
        symbols: elements.
        coords: Å, shape (n_atoms, 3); lowest atom at z = 0, molecules whole (x and y
            may lie outside the cell).
        molecules: which chain each atom belongs to, shape (n_atoms,).
        topology: of all chains, atoms in the same order.
        cell: in-plane vectors, Å, shape (2, 2).
        supercell: repeats of the partner's surface cell, where it was chosen here.
        thickness: of the film, Å: between its outermost atoms plus 1.1 Å on each side.
        density: mass over area times that thickness, g/cm³.
        provenance: plain data: chains, how they were packed, shortest distances.
    """

    symbols: list[str]
    coords: Array
    molecules: NDArray[np.int_]
    topology: Topology
    cell: Array
    supercell: tuple[int, int]
    thickness: float
    density: float
    provenance: dict[str, Any]


def pack_on(layer: FilmLayer, cell: Array, max_area: float) -> Film:
    """Return a film packed on a supercell of a surface cell.

    Args:
        layer: `supercell` is used if given; else the smallest one, most square, that is
            in both directions as wide as the chain's most compact conformer is long.
        cell: in-plane vectors of the surface cell, Å, shape (2, 2).
        max_area: largest area, Å².

    Raises:
        StructureError: no such supercell within `max_area`, or as `pack`.
    """
    smiles = whole_chain(layer.film, layer.units, layer.ends)
    molecule, _, _ = conformers(smiles, CONFORMERS, layer.seed)
    length = _size(compact_first(molecule)[0]) + 2 * SKIN
    repeats = chosen_supercell(layer, cell, max_area, length)
    film = pack(layer, np.array(repeats)[:, None] * cell)
    return replace(film, supercell=(int(repeats[0]), int(repeats[1])))


def _size(coords: Array) -> float:
    """Return the largest distance between two atoms, Å."""
    return float(np.linalg.norm(coords[:, None] - coords[None], axis=-1).max())


def pack(layer: FilmLayer, cell: Array) -> Film:
    """Return a film in an in-plane cell of any angle, periodic in the plane.

    Args:
        layer: chains or thickness and density; `supercell` is not looked at.
        cell: the film's in-plane vectors, Å, shape (2, 2).

    Raises:
        StructureError: a chain that cannot be built, neither or both of chains and
            thickness, or a density that cannot be packed: what was tried, the densest
            film that was found, and what to change.
    """
    cell = np.asarray(cell, dtype=float)
    smiles = whole_chain(layer.film, layer.units, layer.ends)
    area = abs(float(np.linalg.det(cell)))
    mass, size = mass_and_size(smiles)
    chains, thickness = amount(layer, mass, area)
    if chains * size > MOST_ATOMS:
        raise StructureError(
            f"{layer.phase}: {chains} chains of {size} atoms; a film holds up to "
            f"{MOST_ATOMS} atoms, so take fewer or shorter ones"
        )
    parts = make_chains(smiles, chains, layer.seed)
    check_room(layer, parts[0])
    tried: list[str] = []
    press = press_of(parts, cell)
    lowest = float("inf")
    for attempt, (tolerance, dilution) in enumerate(SCHEDULE):
        rng = np.random.default_rng([layer.seed, attempt])
        start = loose_start(parts, cell, thickness * dilution, tolerance, rng)
        attempted = f"{tolerance} Å apart in {dilution:g} times the height"
        if start is None:
            tried.append(f"{attempted}: chains found no place")
            continue
        coords, accepted = closed(press, start, dilution * thickness, thickness)
        lowest = min(lowest, accepted)
        if accepted > thickness:
            tried.append(
                f"{attempted}: at the end chains were {press.closest(coords):.2f} of "
                f"touching apart, below {ACCEPTED}"
            )
            continue
        made = _film(layer, parts, coords, cell, press, (tolerance, dilution))
        if (fault := _fault(made, start, layer, thickness)) is None:
            return made
        tried.append(f"{attempted}: {fault}")
    reached = layer.density * thickness / lowest
    raise _refused(layer, chains, thickness, area, reached, tried)


def _film(
    layer: FilmLayer,
    parts: list[Chain],
    coords: Array,
    cell: Array,
    press: Press,
    loose: tuple[float, float],
) -> Film:
    topology = joined([part.topology for part in parts])
    coords = coords - np.array([0.0, 0.0, coords[:, 2].min()])
    thickness = float(np.ptp(coords[:, 2])) + 2 * SKIN
    mass = sum(float(Element(s).atomic_mass) for s in topology.symbols)
    area = abs(float(np.linalg.det(cell)))
    density = mass / (area * thickness * DALTONS)
    distance, (first, second) = press.shortest(coords)
    pair = "-".join(sorted((topology.symbols[first], topology.symbols[second])))
    return Film(
        symbols=list(topology.symbols),
        coords=coords,
        molecules=press.molecules,
        topology=topology,
        cell=cell,
        supercell=(1, 1),
        thickness=thickness,
        density=density,
        provenance={
            "smiles": parts[0].smiles,
            "isomers": sorted({part.smiles for part in parts}),
            "chosen_stereo": parts[0].chosen_stereo,
            "formula": parts[0].formula,
            "chains": len(parts),
            "thickness": thickness,
            "density": density,
            "density_asked": layer.density,
            "area": area,
            "placed_by": "Packmol",
            "placed_apart": loose[0],
            "placed_in_heights": loose[1],
            "shortest_distance": distance,
            "shortest_pair": pair,
            "seed": layer.seed,
            "topology": topology.as_dict(),
        },
    )


def _fault(film: Film, free: Array, layer: FilmLayer, thickness: float) -> str | None:
    """Return what is wrong with a film, if anything is.

    Args:
        film: as packed.
        free: the same chains as conformers, before the walls closed in, Å.
        layer: what was asked for.
        thickness: of the film, Å.
    """
    report = check(film.topology, free, film.coords, film.cell)
    if report.verdict != "intact" or report.angles:
        return f"chains did not survive: {report.summary()}"
    if abs(film.density / layer.density - 1) > DENSITY_ERROR:
        return (
            f"{film.thickness:.1f} Å of chains in {thickness:.1f} Å: too few or too "
            "short to fill it"
        )
    return None


def _refused(
    layer: FilmLayer,
    chains: int,
    thickness: float,
    area: float,
    reached: float,
    tried: list[str],
) -> StructureError:
    closest = f"the densest had {reached:.2f} g/cm³" if reached else "none came near"
    return StructureError(
        f"{layer.phase}: density={layer.density} g/cm³ cannot be packed: {chains} "
        f"chains on {area:.1f} Å² in {thickness:.1f} Å; {closest}. Tried with seed "
        f"{layer.seed}: {'; '.join(tried)}. Lower the density, take more or shorter "
        "chains, a larger supercell, or another seed"
    )


def amount(layer: FilmLayer, mass: float, area: float) -> tuple[int, float]:
    """Return how many chains there are, and the film's thickness, Å.

    Args:
        layer: chains or thickness, and density.
        mass: of one chain, Da.
        area: of the cell, Å².

    Raises:
        StructureError: neither or both, values out of range, or not one whole chain.
    """
    check_spec(layer.phase, layer)
    if (layer.chains is None) == (layer.thickness is None):
        raise StructureError(
            f"{layer.phase}: chains={layer.chains}, thickness={layer.thickness}: give "
            "one of the two; the other follows from the density"
        )
    volume = mass / (layer.density * DALTONS)  # Å³ of one chain
    chains = layer.chains
    if chains is None:
        chains = round(float(layer.thickness or 0) * area / volume)
    if chains < 1:
        raise StructureError(
            f"{layer.phase}: chains={layer.chains}, thickness={layer.thickness} Å: on "
            f"{area:.1f} Å² one chain of {mass:.1f} Da makes {volume / area:.1f} Å; "
            "give at least that thickness, a shorter chain, or a larger cell"
        )
    thickness = chains * volume / area
    if thickness < THINNEST:
        raise StructureError(
            f"{layer.phase}: {chains} chains of {mass:.1f} Da at "
            f"density={layer.density} g/cm³ on {area:.1f} Å² make {thickness:.1f} Å, "
            f"thinner than one flat chain ({THINNEST} Å); give more chains, or a "
            "smaller cell"
        )
    return chains, thickness


def check_room(layer: FilmLayer, chain: Chain) -> None:
    """Refuse at once a density that no packing has; trying it takes minutes.

    Raises:
        StructureError: van der Waals spheres would fill more than FULLEST of the film.
    """
    full = densest(chain)
    if layer.density > FULLEST * full:
        raise StructureError(
            f"{layer.phase}: density={layer.density} g/cm³ cannot be packed: the "
            "chains' van der Waals volume alone would fill "
            f"{layer.density / full:.0%} of the film; molecular crystals fill 65-77 %, "
            f"here {0.65 * full:.2f} to {0.77 * full:.2f} g/cm³. Lower the density"
        )


@dataclass(frozen=True)
class Chain:
    """One chain.

    Attributes:
        molecule: of RDKit, with hydrogens.
        conformers: coordinates, the most compact first, Å.
        topology: of this chain alone.
        smiles: with its stereo centers.
        chosen_stereo: how many of them the seed chose.
    """

    molecule: Any
    conformers: list[Array]
    topology: Topology
    smiles: str
    chosen_stereo: int

    @property
    def formula(self) -> str:
        """Return the formula of the chain."""
        from pymatgen.core import Composition

        counts = Counter(self.topology.symbols)
        return str(Composition(counts).formula).replace(" ", "")


def mass_and_size(smiles: str) -> tuple[float, int]:
    """Return the mass (Da) and the number of atoms of one chain."""
    symbols = [atom.GetSymbol() for atom in whole_molecule(smiles).GetAtoms()]
    return sum(float(Element(s).atomic_mass) for s in symbols), len(symbols)


def make_chains(smiles: str, number: int, seed: int) -> list[Chain]:
    """Return the chains; each has stereo centers of its own where they are open."""
    first = _chain(smiles, seed, CONFORMERS)
    if not first.chosen_stereo:
        return [first] * number
    return [first] + [_chain(smiles, seed + k, 3) for k in range(1, number)]


def _chain(smiles: str, seed: int, number: int) -> Chain:
    from rdkit import Chem

    molecule, _, n_chosen = conformers(smiles, number, seed)
    compact = compact_first(molecule)
    topology = of_molecule(molecule, compact[0])
    plain = str(Chem.MolToSmiles(Chem.RemoveHs(molecule)))
    return Chain(molecule, compact, topology, plain, n_chosen)


def densest(chain: Chain) -> float:
    """Return the density at which van der Waals spheres fill all space, g/cm³.

    Real molecules stay below 0.8 of it: crystals have 0.65 to 0.77 (Kitaigorodskii,
    Organic Chemical Crystallography, 1961), liquids and glasses less.
    """
    from rdkit.Chem import AllChem

    compute: Any = AllChem.ComputeMolVolume
    volume = float(compute(chain.molecule, gridSpacing=0.1))
    mass = sum(float(Element(s).atomic_mass) for s in chain.topology.symbols)
    return mass / (volume * DALTONS)


def loose_start(
    parts: list[Chain],
    cell: Array,
    height: float,
    tolerance: float,
    rng: np.random.Generator,
) -> Array | None:
    """Return loosely placed chains, Å, shape (n_atoms, 3), or None if there is no room.

    Args:
        parts: the chains.
        cell: in-plane vectors, Å, shape (2, 2).
        height: between the walls, Å.
        tolerance: smallest distance between atoms of different chains, Å.
        rng: of conformers and places.
    """
    molecules = [(part.topology.symbols, _conformer(part, rng)) for part in parts]
    seed = int(rng.integers(2**30))
    placed = packmol(molecules, cell, height - 2 * SKIN, tolerance, seed)
    if placed is None:
        return None
    return np.vstack(placed) + np.array([0.0, 0.0, SKIN])


def _conformer(part: Chain, rng: np.random.Generator) -> Array:
    """Return a conformer of the more compact half, which meets itself less."""
    half = (len(part.conformers) + 1) // 2
    return part.conformers[int(rng.integers(max(1, half)))]


def press_of(parts: list[Chain], cell: Array) -> Press:
    """Return the forces of all chains in a cell."""
    from ase.data import atomic_numbers, vdw_radii
    from rdkit import Chem

    combined = parts[0].molecule
    for part in parts[1:]:
        combined = Chem.CombineMols(combined, part.molecule)
    Chem.SanitizeMol(combined)
    topology = joined([part.topology for part in parts])
    radii = np.array([vdw_radii[atomic_numbers[s]] for s in topology.symbols])
    radii = TOUCHING * np.where(np.isnan(radii), 2.0, radii)
    return Press(bonded_forces(combined), cell, radii, np.array(topology.molecules))


def compact_first(molecule: Any) -> list[Array]:
    """Return the coordinates of all conformers, the most compact first, Å."""
    positions = [conformer.GetPositions() for conformer in molecule.GetConformers()]
    return sorted(positions, key=lambda x: float(x.var(axis=0).sum()))
