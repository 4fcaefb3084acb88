"""The interface model: a structure that remembers which atom belongs to what.

Labels are site properties ("phase", "layer"), so they survive sorting, serialization
and the frames of a run. `separated()` gives the slabs of E = (E_i - sum E_s) / A.
On disk a model is JSON (`to_json`, `from_json`); `labels` writes it as POSCAR.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from monty.json import MSONable
from numpy.typing import NDArray
from pymatgen.core import Structure

from ionface.documents import decode
from ionface.errors import IonfaceError, StructureError
from ionface.structures.crystals.relaxed_lattice import symmetry_notes
from ionface.structures.materials import pymatgen_structure
from ionface.structures.slabs.polarity import side_notes
from ionface.structures.slabs.slab import in_frame

if TYPE_CHECKING:
    from ase import Atoms

THIN_VACUUM = 6.0  # Å; below it the slabs of neighboring cells still feel each other
TILT = 1e-3  # of the third vector that may lean from the normal: rounding in files


@dataclass(frozen=True)
class InterfaceModel(MSONable):
    """Two phases in one cell, normal along z, the substrate below the film.

    >>> from ionface.structures.interface import build_interface
    >>> from ionface.structures.specs import CrystalLayer, InterfaceSpec
    >>> layers = [CrystalLayer(name, (1, 0, 0), layers=2) for name in ("Al", "Li")]
    >>> model = build_interface(InterfaceSpec("Al|Li", *layers, max_strain=0.15))
    >>> model.film_phase, model.n_interfaces, len(model.structure) > 3
    ('Al', 1, True)

    Attributes:
        name: of the interface.
        structure: sites carry "phase" (str) and "layer" (int, counted from the bottom
            of each phase).
        film_phase: name of the upper phase.
        substrate_phase: name of the lower phase.
        n_interfaces: 1 with vacuum, 2 without.
        gap: distance along z between the outermost atoms of both phases, Å.
        registry: in-plane shift of the film, fractions of the cell.
        vacuum: above the film, Å; 0 in a sandwich.
        strain_film: in-plane strain of the film, shape (2, 2).
        strain_substrate: likewise of the substrate.
        unstrained: slabs of the strained phases in their own lattices, same atoms.
        provenance: how it was made, as plain data.
    """

    name: str
    structure: Structure
    film_phase: str
    substrate_phase: str
    n_interfaces: int
    gap: float
    registry: tuple[float, float]
    vacuum: float
    strain_film: list[list[float]]
    strain_substrate: list[list[float]]
    unstrained: dict[str, Structure] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_structure(
        cls,
        structure: Structure | Atoms,
        film: str = "film",
        substrate: str = "substrate",
        *,
        height: float | None = None,
        name: str | None = None,
    ) -> InterfaceModel:
        """Return a model of an interface that was built elsewhere.

        >>> from pymatgen.core import Lattice
        >>> both = Structure(
        ...     Lattice.orthorhombic(4, 4, 30), ["Al", "Ag"], [[0, 0, 0.1], [0, 0, 0.2]]
        ... )
        >>> InterfaceModel.from_structure(both, "Ag", "Al", height=4.5)
        InterfaceModel('Ag|Al', 2 atoms, 16.0 Å², strain 0.0 %)

        Args:
            structure: a pymatgen Structure or ASE Atoms; in-plane vectors a and b, c
                normal to them where there is a vacuum. Its site property "phase", where
                it has one, says which atoms belong to which side.
            film: name of the upper side.
            substrate: name of the lower side.
            height: Å along c, from the bottom of the cell: atoms above it are the film.
                Needed where there are no "phase" labels.
            name: of the interface; "film|substrate" if not given.

        Raises:
            StructureError: no structure, a tilted vacuum, neither labels nor a height,
                a side without atoms, or sides that are not one above the other.
        """
        given = pymatgen_structure(structure)
        if given is None:
            raise StructureError(
                f"{structure!r:.60} is neither a pymatgen Structure nor ASE Atoms; of "
                "layers that are to be put together, build_interface makes a model"
            )
        turned = in_frame(given)  # a along x, b in the xy plane
        phases = _phases_of(turned, film, substrate, height)
        turned.add_site_property("phase", phases)
        if "layer" not in turned.site_properties:
            turned.add_site_property("layer", [0] * len(turned))
        found = _measured(cls, turned, film, substrate, name or f"{film}|{substrate}")
        _check_upright(found)
        return found

    def __repr__(self) -> str:
        return (
            f"InterfaceModel({self.name!r}, {len(self.structure)} atoms, "
            f"{self.area:.1f} Å², strain {100 * self.max_strain:.1f} %)"
        )

    def _repr_html_(self) -> str:
        """Return picture and measures, as a notebook shows them."""
        from ionface.structures.drawing import model_page  # loads matplotlib

        return model_page(self)

    @property
    def area(self) -> float:
        """Return the interfacial area of one interface, Å²."""
        a, b, _ = self.structure.lattice.matrix
        return float(np.linalg.norm(np.cross(a, b)))

    @property
    def normal(self) -> NDArray[np.float64]:
        """Return the unit normal that points from substrate to film, shape (3,)."""
        a, b, _ = self.structure.lattice.matrix
        cross = np.cross(a, b)
        return np.asarray(cross / np.linalg.norm(cross))

    @property
    def max_strain(self) -> float:
        """Return the largest principal strain of either phase."""
        tensors = (self.strain_film, self.strain_substrate)
        return float(max(np.abs(np.linalg.eigvalsh(t)).max() for t in tensors))

    @property
    def phases(self) -> list[str]:
        """Return the phase of each site."""
        return [str(site.properties["phase"]) for site in self.structure]

    @property
    def interface_heights(self) -> list[float]:
        """Return z of the middle of each gap, Å, within the cell; the lower one first.

        Holds for frames of a run too, as long as the phases have not mixed.
        """
        height = float(self.structure.lattice.matrix[2, 2])
        bottom, top = self._extent(self.substrate_phase)
        low, high = self._extent(self.film_phase)
        lift = height * np.ceil((bottom - low) / height)  # above the substrate
        low, high = low + lift, high + lift
        heights = [(top + low) / 2]
        if self.n_interfaces == 2:
            heights.append((high + bottom + height) / 2)
        # rounding must not move the cell's lower border to its upper one
        return [float((z + 1e-6) % height - 1e-6) for z in heights]

    def _extent(self, phase: str) -> tuple[float, float]:
        """Return the lowest and highest z of a phase, whole across the border, Å."""
        height = float(self.structure.lattice.matrix[2, 2])
        mine = np.array(self.phases) == phase
        z = np.sort(self.structure.cart_coords[mine, 2] % height)
        gaps = np.diff([*z, z[0] + height])
        widest = int(np.argmax(gaps))
        top = z[widest]
        return float(top - height + gaps[widest]), float(top)

    def separated(self) -> dict[str, Structure]:
        """Return each phase alone, at its place in the interface's cell.

        The order of sites within a phase is that of the interface.
        """
        return {
            phase: Structure.from_sites(
                [s for s in self.structure if s.properties["phase"] == phase]
            )
            for phase in (self.film_phase, self.substrate_phase)
        }

    def shortest_distance(self) -> tuple[float, int, int]:
        """Return the shortest distance between the phases (Å) and its two sites."""
        centers, neighbors, _, distances = self.structure.get_neighbor_list(8.0)
        phases = np.array(self.phases)
        across = np.flatnonzero(phases[centers] != phases[neighbors])
        if not across.size:
            raise StructureError(f"{self.name}: the phases are more than 8 Å apart")
        best = across[np.argmin(distances[across])]
        return float(distances[best]), int(centers[best]), int(neighbors[best])

    def summary(self) -> dict[str, Any]:
        """Return what tables show, as plain data; lengths in Å."""
        distance, first, second = self.shortest_distance()
        parts = self.separated()
        return {
            "name": self.name,
            "atoms": len(self.structure),
            "formula": {
                phase: part.composition.formula for phase, part in parts.items()
            },
            "cell": list(self.structure.lattice.parameters),
            "area": self.area,
            "max_strain": self.max_strain,
            "strain_film": self.strain_film,
            "strain_substrate": self.strain_substrate,
            "gap": self.gap,
            "gap_from": self.provenance.get("gap_from", "as it stands"),
            "vacuum": self.vacuum,
            "n_interfaces": self.n_interfaces,
            "shortest_distance": distance,
            "shortest_pair": "-".join(
                self.structure[i].specie.symbol for i in (first, second)
            ),
            "lattices": self._lattices(),
            "film": self._described("film"),
            "substrate": self._described("substrate"),
            "notes": self.notes(),
            "terminations": {
                side: self.provenance.get(side, {}).get("termination")
                for side in ("film", "substrate")
            },
        }

    def notes(self) -> list[str]:
        """Return what must be said of the model, one sentence each.

        What files left open, what whole atoms could not hold, polar sides, those with
        atoms beyond whole formula units, lattices that gained symmetry.
        """
        said = side_notes(self.provenance, self.name)
        said += symmetry_notes(self.provenance, self.name)
        for side in ("film", "substrate"):
            made = self.provenance.get(side, {})
            said += [f"{self.name}: {note}" for note in made.get("notes", [])]
            doping = made.get("doping") or {}
            for key in ("x", "fraction"):
                asked, got = doping.get(f"requested_{key}"), doping.get(key)
                if asked is not None and got is not None and abs(got - asked) > 1e-9:
                    said.append(
                        f"{self.name}: {key} = {got:g} instead of {asked:g}, the "
                        "nearest that whole atoms allow; more layers make finer steps"
                    )
        return said

    def _lattices(self) -> str:
        """Return a, b, c of each crystal, and where they come from, as text."""
        told = []
        for side in ("film", "substrate"):
            made = self.provenance.get(side, {})
            if "lattice" in made:
                lengths = ", ".join(f"{length:.3f}" for length in made["lattice"][:3])
                source = made.get("lattice_from", "literature")
                told.append(f"{made.get('facet', side)}: {lengths} Å ({source})")
        return "; ".join(told)

    def _described(self, side: str) -> str:
        made = self.provenance.get(side, {})
        if "smiles" in made:
            chains = f"{made['chains']} x " if "chains" in made else ""
            verdict = f", {made['molecules']['verdict']}" if "molecules" in made else ""
            return f"{chains}{made['formula']} ({made['smiles']}){verdict}"
        if "amorphous" in made:
            state = made.get("state", "as mixed")
            return f"{made['formula']}, {made['density']:.2f} g/cm³, {state}"
        doping = made.get("doping")
        x = f", {_dopants(doping)}" if doping else ""
        axes = f" [{made['setting']}]" if "setting" in made else ""
        return f"{made.get('facet', '')}{axes} {made.get('termination', '')}{x}"


def _check_upright(model: InterfaceModel) -> None:
    """Refuse a vacuum that leans; of a sandwich it says how the upper sides meet."""
    *lean, height = model.structure.lattice.matrix[2]
    if model.n_interfaces == 1 and max(map(abs, lean)) > TILT * height:
        raise StructureError(
            f"the third vector leans by {max(map(abs, lean)):.2f} Å from the normal of "
            "the interface; give a cell whose c is normal to a and b"
        )


def _phases_of(
    structure: Structure, film: str, substrate: str, height: float | None
) -> list[str]:
    """Return the phase of each site, from a height or from its labels."""
    if height is not None:
        above = structure.cart_coords[:, 2] > height
        phases = [film if upper else substrate for upper in above]
    else:
        phases = [str(p) for p in structure.site_properties.get("phase", [])]
    if set(phases) != {film, substrate}:
        raise StructureError(
            f"{film=} and {substrate=} must each have atoms, and every atom one of "
            f"the two; {height=} and the labels {sorted(set(phases))} do not say so: "
            "give the height (Å) that divides the cell, or site properties 'phase'"
        )
    return phases


def _measured(
    cls: type[InterfaceModel], structure: Structure, film: str, below: str, name: str
) -> InterfaceModel:
    """Return the model with its gap, and the vacuum or second interface above."""
    height = float(structure.lattice.matrix[2, 2])
    model = cls(
        name=name,
        structure=structure,
        film_phase=film,
        substrate_phase=below,
        n_interfaces=1,
        gap=0.0,
        registry=(0.0, 0.0),
        vacuum=0.0,
        strain_film=np.zeros((2, 2)).tolist(),
        strain_substrate=np.zeros((2, 2)).tolist(),
        provenance={
            "film": {"facet": _formula_of(structure, film)},
            "substrate": {"facet": _formula_of(structure, below)},
        },
    )
    bottom, top = model._extent(below)
    low, high = model._extent(film)
    lift = height * np.ceil((bottom - low) / height)
    low, high = low + lift, high + lift
    gap, above = low - top, bottom + height - high
    if gap <= 0 or above <= 0:
        raise StructureError(
            f"{name}: {film} (z from {low:.2f} to {high:.2f} Å) does not lie above "
            f"{below} ({bottom:.2f} to {top:.2f} Å); name the lower side substrate, or "
            "choose another height"
        )
    sandwich = above < THIN_VACUUM
    if sandwich and "interface" not in structure.site_properties:
        structure.add_site_property("interface", _nearer(model, bottom, high - low))
    return replace(
        model,
        gap=float(gap),
        n_interfaces=2 if sandwich else 1,
        vacuum=0.0 if sandwich else float(above),
    )


def _nearer(model: InterfaceModel, bottom: float, film: float) -> list[int]:
    """Return the nearer one of a sandwich's two interfaces for each of its atoms.

    Args:
        model: with its phases.
        bottom: of the substrate, Å.
        film: thickness of the film, Å.
    """
    height = float(model.structure.lattice.matrix[2, 2])
    z = (model.structure.cart_coords[:, 2] - bottom + 1e-6) % height
    upper = np.array(model.phases) == model.film_phase
    low, top = z[upper].min(), z[~upper].max()
    return [
        int(up > low + film / 2) if is_film else int(up < top / 2)
        for up, is_film in zip(z, upper, strict=True)
    ]


def _formula_of(structure: Structure, phase: str) -> str:
    own = [site for site in structure if site.properties["phase"] == phase]
    return str(Structure.from_sites(own).composition.reduced_formula)


def _dopants(doping: dict[str, Any]) -> str:
    if "x" in doping:
        return f"x={doping['x']:.2g}"
    return f"{100 * doping['fraction']:.0f} % exchanged"


def to_json(model: InterfaceModel) -> str:
    """Return a model as JSON that `from_json` reads back."""
    return json.dumps(model.as_dict(), default=_plain, indent=1)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not plain data")


def from_json(text: str) -> InterfaceModel:
    """Return the model that a JSON text describes.

    Raises:
        StructureError: not JSON, or no interface model.
    """
    try:
        model = decode(text, "the text")
    except IonfaceError as error:
        raise StructureError(f"not an interface model: {error}") from error
    if not isinstance(model, InterfaceModel):
        raise StructureError(
            f"not an interface model but {type(model).__name__}; "
            "`write_json` writes them"
        )
    return model


def write_json(model: InterfaceModel, path: Path) -> None:
    """Write a model as JSON."""
    path.write_text(to_json(model), encoding="utf-8")
