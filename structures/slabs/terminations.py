"""Slabs of any facet with whole polyanions: all distinct terminations, any thickness.

A slab is a whole number of repeats between two equal cuts, hence stoichiometric; or,
on request, it ends at a cut and at what symmetry makes of that cut. pymatgen's
SlabGenerator cuts between atoms instead (with its bonds protected it returns nothing
for the prism facet of LiGe2(PO4)3); it is the oracle for metals in our tests.

Terminations are classed as ionic surfaces are: class 1, every plane is neutral; class
2, planes are charged, but a repeat can be cut so that it has no dipole; class 3, every
cut leaves a dipole, whose energy grows with the thickness. Source: Tasker, J. Phys. C
12, 4977 (1979), doi:10.1088/0022-3719/12/22/036.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure

from ionface.errors import StructureError
from ionface.structures.checks import check_overlaps
from ionface.structures.groups import check_whole
from ionface.structures.slabs.cuts import (
    Bounds,
    Cut,
    distinct_cuts,
    excess,
    excess_told,
    normal_form,
    symmetric_bounds,
    whole_repeats,
)
from ionface.structures.slabs.facet import MIN_CUT, Action, Facet, actions, point_group
from ionface.structures.slabs.plane_lattice import has_hexagonal_axes, three_indices
from ionface.structures.slabs.slab import (
    MAX_LAYERS,
    POLAR,
    VACUUM,
    Assembly,
    Slab,
    assemble,
    free_positions,
    free_standing,
    outer_plane,
    whole_environments,
)
from ionface.structures.specs import Miller

Array = NDArray[np.float64]
NEUTRAL = 1e-3  # e; of a plane


@dataclass(frozen=True)
class Termination:
    """One way to end a facet, before a slab of it is built.

    Attributes:
        cut: where the side that meets a partner ends.
        top: formula of its outermost plane.
        bottom: formula of the other side's.
        dipole: per layer and area, e/Å; 0 in a symmetric slab.
        tasker: class of this termination.
        excess: atoms beyond whole formula units, per surface cell.
        charge: formal charge of the excess, e per surface cell.
        label: unique, "top/bottom".
        index: among the terminations of the facet.
    """

    cut: Cut
    top: str
    bottom: str
    dipole: float
    tasker: int
    excess: dict[str, int]
    charge: float = 0.0
    label: str = ""
    index: int = 0

    @property
    def polar(self) -> bool:
        """Return whether a slab has a dipole that grows with its thickness."""
        return abs(self.dipole) > POLAR

    @property
    def stoichiometric(self) -> bool:
        """Return whether slabs hold whole formula units, hence are neutral."""
        return not self.excess

    @property
    def shift(self) -> float:
        """Return the height of the cut within one repeat, Å."""
        return self.cut.height

    def __repr__(self) -> str:
        dipole = f"dipole {self.dipole:+.2g} e/Å" if self.polar else "no dipole"
        charge = f" ({self.charge:+.3g} e)" if self.charge else ""
        excess = f", excess {excess_told(self.excess)}{charge}" if self.excess else ""
        return (
            f"Termination({self.index}: {self.label!r}, Tasker {self.tasker}, {dipole}"
            f"{excess})"
        )


@dataclass(frozen=True)
class FacetSlabs:
    """Everything that can be cut of one facet; slabs are built when they are asked for.

    Attributes:
        crystal: ordered bulk.
        miller: in the axes of the crystal's cell; four indices in hexagonal axes.
        phase: name for tables.
        setting: named beside the Miller indices.
        oxidation: formal charges, for the dipole; without them it counts as zero.
        candidates: fractional positions that doping may fill.
        groups: to keep whole besides what nonmetals are bonded to, as in "VO4".
        symmetric: slabs with two equivalent sides.
        vacuum: above a slab, Å.
        supercell: the crystal's cell is made of so many cells that the indices and the
            candidates belong to.
    """

    crystal: Structure
    miller: tuple[int, ...]
    phase: str = "slab"
    setting: str = "the cell's own axes"
    oxidation: Mapping[str, float] = field(default_factory=dict)
    candidates: tuple[tuple[float, float, float], ...] = ()
    groups: tuple[str, ...] = ()
    symmetric: bool = False
    vacuum: float = VACUUM
    supercell: tuple[int, int, int] = (1, 1, 1)

    def __post_init__(self) -> None:
        if not self.crystal.is_ordered:
            raise StructureError(
                f"{self.phase} has partly occupied sites: no slab can be cut; take an "
                "ordered crystal and dope it"
            )
        if not 0 <= self.vacuum <= 1000:
            raise StructureError(
                f"{self.phase}: vacuum={self.vacuum} Å must lie between 0 and 1000"
            )

    @cached_property
    def facet(self) -> Facet:
        """Return the facet with its groups."""
        h, k, l = self.indices  # noqa: E741
        n, m, o = self.supercell
        cells = np.array(list(np.ndindex(n, m, o)))[:, None]
        candidates = (cells + np.reshape(self.candidates, (-1, 3))) / self.supercell
        free = tuple((x, y, z) for x, y, z in candidates.reshape(-1, 3).tolist())
        return Facet(self.crystal, (h * n, k * m, l * o), free, self.groups)

    @cached_property
    def indices(self) -> Miller:
        """Return the Miller indices as three numbers."""
        return three_indices(self.miller, self._cell)

    @property
    def _cell(self) -> Lattice:
        """Return the cell that the indices belong to."""
        return Lattice(self.crystal.lattice.matrix / np.c_[list(self.supercell)])

    @cached_property
    def symmetry(self) -> list[Action]:
        """Return the operations that keep the plane of the facet."""
        return actions(self.facet)

    @cached_property
    def terminations(self) -> list[Termination]:
        """Return all distinct terminations.

        Cuts that put polyanions on the other side come last, polar ones behind those
        without a dipole; then plain cuts come before those through narrow gaps; among
        equals stoichiometric ones, those whose excess has the least formal charge, the
        least polar and the widest gap come first.

        Raises:
            StructureError: polyanions without end; nothing turns a symmetric slab over.
        """
        options = [self._described(c) for c in distinct_cuts(self.facet, self.symmetry)]
        options.sort(
            key=lambda t: (
                t.cut.moved > 0,
                t.polar,
                not t.cut.plain,
                bool(t.excess),
                round(abs(t.charge), 3),
                round(abs(t.dipole), 3),
                -round(t.cut.gap, 2),
            )
        )
        return _numbered(options)

    @cached_property
    def turned_over(self) -> dict[str, str]:
        """Return, by label, of which earlier cut a slab is the same upside down.

        An operation of the crystal that turns the normal over takes what lies below the
        one to what lies above the other. A symmetric slab is its own image, so of those
        there are none.
        """
        found: dict[str, str] = {}
        images: dict[tuple[int, ...], str] = {}
        turning = [a for a in self.symmetry if a.turns and not self.symmetric]
        for option in self.terminations:
            if earlier := images.get(option.cut.key):
                found[option.label] = earlier
            for action in turning:
                image = normal_form(action.image(option.cut.below))
                images.setdefault(image, option.label)
        return found

    @cached_property
    def facet_class(self) -> int:
        """Return Tasker's class of the facet: the lowest of unreconstructed cuts."""
        planes = plane_charges(self.facet, self.oxidation)
        dipoles = [self._dipole(t.cut) for t in self.terminations if not t.cut.moved]
        return min(tasker_class(planes, dipole) for dipole in dipoles)

    def bounds(self, termination: Termination, layers: int) -> Bounds:
        """Return what a slab of at least so many repeats holds."""
        if not 1 <= layers <= MAX_LAYERS:
            raise StructureError(
                f"{self.phase}: layers must be 1 to {MAX_LAYERS}, not {layers}"
            )
        return self._bounds(termination.cut, layers)

    def _bounds(self, cut: Cut, layers: int) -> Bounds:
        if self.symmetric:
            return symmetric_bounds(self.facet, cut, self.symmetry, layers)
        return whole_repeats(cut, layers)

    def thickness(self, termination: Termination, layers: int) -> float:
        """Return the distance between the outermost atoms, Å."""
        return assemble(self.facet, self.bounds(termination, layers)).thickness

    def _described(self, cut: Cut) -> Termination:
        bounds = self._bounds(cut, 1)
        atoms = assemble(self.facet, bounds)
        dipole = 0.0 if self.symmetric else self._dipole(cut)
        beyond = excess(bounds.counts(self.facet), self.facet)
        return Termination(
            cut=cut,
            top=outer_plane(atoms.planes, top=True),
            bottom=outer_plane(atoms.planes, top=False),
            dipole=dipole,
            tasker=tasker_class(self._planes, dipole),
            excess=beyond,
            charge=self._charge(beyond),
        )

    def _charge(self, beyond: Mapping[str, int]) -> float:
        """Return the formal charge of atoms beyond whole formula units, e."""
        return sum(self.oxidation.get(s, 0.0) * n for s, n in beyond.items())

    @cached_property
    def _planes(self) -> list[float]:
        return plane_charges(self.facet, self.oxidation)

    def _dipole(self, cut: Cut) -> float:
        """Return the dipole of one whole repeat per area, e/Å."""
        atoms = assemble(self.facet, whole_repeats(cut, 1))
        area = abs(float(np.linalg.det(self.facet.frame.basis[:2, :2])))
        return dipole_per_area(atoms.symbols, atoms.coords[:, 2], self.oxidation, area)

    def slabs(self, layers: int = 1) -> list[Slab]:
        """Return one slab of so many repeats per distinct termination."""
        return [self.slab(option, layers) for option in self.terminations]

    def slab(self, termination: Termination, layers: int) -> Slab:
        """Return the checked slab of a termination.

        Raises:
            StructureError: impossible number of layers; a cut polyanion; an overlap.
        """
        facet, bounds = self.facet, self.bounds(termination, layers)
        atoms = assemble(facet, bounds)
        structure = free_standing(facet.frame.basis, atoms, self.vacuum)
        slab = self._slab(termination, bounds, atoms, structure)
        where = f"slab {slab.facet} {slab.top}/{slab.bottom}"
        wanted = whole_environments(facet, bounds)
        check_whole(structure, wanted, facet.bonded.rule, where)
        check_overlaps(structure, where)
        return slab

    def _slab(
        self,
        termination: Termination,
        bounds: Bounds,
        atoms: Assembly,
        structure: Structure,
    ) -> Slab:
        facet, cut = self.facet, termination.cut
        lowest = atoms.coords[:, 2].min()
        # a symmetric slab ends elsewhere below: every free position inside counts
        start = lowest if self.symmetric else cut.height
        free = free_positions(facet, start, atoms) - np.array([0.0, 0.0, lowest])
        beyond = excess(bounds.counts(facet), facet)
        return Slab(
            structure=structure,
            phase=self.phase,
            miller=self.indices,
            setting=self.setting,
            label=termination.label,
            top=termination.top,
            bottom=termination.bottom,
            termination=termination.index,
            repeat=facet.spacing,
            layers=int(atoms.layers.max()) + 1,
            dipole=termination.dipole,
            candidates=free,
            tasker=termination.tasker,
            facet_class=self.facet_class,
            gap=cut.gap,
            moved=cut.moved,
            plain=cut.plain,
            operation=bounds.operation,
            excess=beyond,
            charge=self._charge(beyond),
            point_group=point_group(self.symmetry, bounds.lower, bounds.upper),
            hexagonal=has_hexagonal_axes(self._cell),
            period=None
            if bounds.operation
            else facet.frame.basis[2] * int((bounds.upper - bounds.lower)[0]),
        )


def _numbered(terminations: list[Termination]) -> list[Termination]:
    """Give each termination its index and a label that no other has."""
    seen: Counter[str] = Counter()
    numbered = []
    for index, termination in enumerate(terminations):
        name = f"{termination.top}/{termination.bottom}"
        seen[name] += 1
        suffix = f" #{seen[name]}" if seen[name] > 1 else ""
        numbered.append(replace(termination, index=index, label=name + suffix))
    return numbered


def plane_charges(facet: Facet, charges: Mapping[str, float]) -> list[float]:
    """Return the formal charges of the planes of one repeat, from low to high, e.

    Groups closer in height than 0.3 Å make one plane; a polyanion counts where its
    center is, with its whole charge.

    Args:
        facet: with its groups.
        charges: of each element; none counts as zero.
    """
    heights = facet.centers[:, 2] % facet.spacing
    order = np.argsort(heights, kind="stable")
    own = [
        sum(charges.get(s, 0.0) for s in facet.groups[facet.atoms[i]].symbols)
        for i in order
    ]
    steps = np.diff([*heights[order], heights[order][0] + facet.spacing]) > MIN_CUT
    if not steps.any():
        return [float(sum(own))]
    # begin above a gap, so that no plane is split by the border of the repeat
    start = int(np.flatnonzero(steps)[-1]) + 1
    planes = np.concatenate([[0], np.cumsum(np.roll(steps, -start))[:-1]])
    return np.bincount(planes, weights=np.roll(own, -start)).tolist()


def dipole_per_area(symbols: Sequence[str], z: Array, charges: Mapping[str, float],
                    area: float) -> float:  # fmt: skip
    """Return the dipole of formal charges along the normal per area, e/Å.

    Args:
        symbols: of the atoms of a neutral slab.
        z: their heights, Å, shape (n,).
        charges: of each element; none counts as zero.
        area: of the surface cell, Å².
    """
    charge = np.array([charges.get(symbol, 0.0) for symbol in symbols])
    return float(charge @ (z - z.mean()) / area)


def tasker_class(planes: Iterable[float], dipole: float) -> int:
    """Return the class of one termination: 1, 2 or 3.

    Args:
        planes: charges of the planes of one repeat, e.
        dipole: per layer and area, e/Å.
    """
    if abs(dipole) > POLAR:
        return 3
    return 1 if all(abs(charge) < NEUTRAL for charge in planes) else 2
