"""What a user says about an interface: the two layers, how they meet, who is strained.

Frozen data, read from a study file and carried by the flow: each spec knows its JSON
form (`as_dict`, `from_dict`, as monty and jobflow expect them). Lengths are in Å;
Miller indices belong to the conventional cell of the crystal library (three-index form,
hkl).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from ionface.errors import StructureError
from ionface.structures.materials import Material, phase_name, plain_material

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Miller = tuple[int, int, int]
Lengths = dict[Literal["a", "b", "c", "alpha", "beta", "gamma"], float]
SIDES = ("film", "substrate")  # of an interface
Where = Literal["bulk", "slab"]
Mobile = Literal["all", "film"] | dict[Literal["surface"], float]
"""What moves of an interface: {"surface": depth of the substrate, Å}."""
Cell = Literal["fixed", "normal", "in-plane", "full"]
"""What of a cell a relaxation moves besides the atoms."""


LINE = 95
WORD = 40
"""Characters of `repr`: of all fields of a spec, and of one of them."""


class Spec:
    """Frozen data that knows its JSON form."""

    # a key that no spec has is a typing error in a study file
    __pydantic_config__: ClassVar = {"extra": "forbid"}

    def as_dict(self) -> dict[str, Any]:
        """Return plain data that says its class, so that monty can read it back."""
        own = type(self)
        plain = asdict(self)  # type: ignore[call-overload]
        return {"@module": own.__module__, "@class": own.__name__, **plain}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the spec that `as_dict` or a study file describes.

        Raises:
            pydantic.ValidationError: keys or values that do not fit.
        """
        plain = {key: value for key, value in data.items() if key[:1] != "@"}
        reader: TypeAdapter[Self] = _reader(cls)  # type: ignore[arg-type]
        return reader.validate_python(plain)

    def __repr__(self) -> str:
        """Return in one line what was chosen; structures and layers by their names."""
        told = [
            f"{each.name}={_short(value)}"
            for each in fields(self)  # type: ignore[arg-type]
            if (value := getattr(self, each.name)) != each.default
        ]
        return f"{type(self).__name__}({shorten(', '.join(told), LINE)})"

    def checked(self) -> Self:
        """Return the spec with all that stands in it of the types that it asks for.

        Python lets a caller write `layers="3"`, or a mapping in place of a layer.

        Raises:
            StructureError: names the first value that does not fit.
        """
        from pydantic import ValidationError  # at start-up, nothing needs it

        try:
            return self.from_dict(asdict(self))  # type: ignore[call-overload]
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise StructureError(
                f"{type(self).__name__}: {where}: {first['msg']}, got "
                f"{first['input']!r:.60}"
            ) from error


def shorten(text: str, length: int) -> str:
    """Return a text, with dots in place of what is beyond a length."""
    return text if len(text) <= length else text[: length - 3] + "..."


def _short(value: Any) -> str:
    """Return a value as `repr` of a spec has it."""
    if isinstance(value, Mapping) and "frac_coords" in value:
        return f"<{len(value['species'])} sites of {phase_name(None, dict(value))}>"
    if hasattr(value, "phase"):
        return f"<{value.phase}>"
    return shorten(repr(value), WORD)


@cache
def _reader(spec: type[Spec]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # at start-up, nothing needs it

    return TypeAdapter(spec)


@dataclass(frozen=True, kw_only=True, repr=False)
class OrderingChoice(Spec):
    """Which of the many ways to fill sites is used, wherever there are many.

    Attributes:
        orderings: how many symmetry-distinct orderings are tried and ranked.
        rank: which of them is used; 0 has the lowest Ewald energy.
        seed: of the sampling, where there are too many orderings to enumerate.
        ensemble: so many orderings become interfaces of their own, those that the
            engine finds lowest among `orderings`; their spread is reported.
    """

    orderings: int = 10
    rank: int = 0
    seed: int = 0
    ensemble: int = 1


@dataclass(frozen=True, repr=False)
class Doping(OrderingChoice):
    """Aliovalent substitution with Li added to keep the cell neutral.

    Attributes:
        dopant: element that is put in (Al).
        host: element that it replaces (Ge, Ti).
        x: dopants per formula unit of the host crystal; the nearest whole number of
            dopants that the cell can hold is used, and the real x is reported.
        where: orderings are made and ranked in the "bulk" that the slab is cut from,
            or in the cut "slab", whose surfaces then draw the dopants.
    """

    dopant: str
    host: str
    x: float
    where: Where = "bulk"


@dataclass(frozen=True, repr=False)
class Exchange(OrderingChoice):
    """Antisite disorder: atoms of two species trade places (S and Cl of argyrodites).

    Attributes:
        first: element; its atoms bonded into polyanions (S of PS4) stay.
        second: element that it trades places with.
        fraction: of the second's atoms that are exchanged, 0 to 1; the nearest whole
            number is used, and the real fraction is reported.
        where: as in Doping.
    """

    first: str
    second: str
    fraction: float
    where: Where = "bulk"


@dataclass(frozen=True, repr=False)
class Ordering(OrderingChoice):
    """Whole atoms on the partly occupied sites of a crystal, before it is cut.

    Attributes:
        supercell: repeats of the conventional cell that hold one ordering.
    """

    supercell: tuple[int, int, int] = (1, 1, 1)


class NamedLayer(Spec):
    """A layer that has no material to be called after."""

    name: str

    @property
    def phase(self) -> str:
        """Return the name of the phase in tables and labels."""
        return self.name


@dataclass(frozen=True, repr=False)
class CrystalLayer(Spec):
    """A slab of a crystal.

    >>> CrystalLayer("Li6PS5Cl", (1, 0, 0), layers=4)
    CrystalLayer(material='Li6PS5Cl', miller=(1, 0, 0), layers=4)

    Attributes:
        material: a name of the crystal library, a path to a CIF or POSCAR file, or a
            pymatgen Structure or ASE Atoms of the bulk crystal, which is kept as plain
            data (`plain_material`).
        miller: of the surface, in the conventional cell; four indices (h, k, i, l)
            in hexagonal axes.
        thickness: at least this thick, Å; give this or `layers`.
        layers: number of the smallest translational repeats along the normal.
        termination: which of the distinct terminations, by its index or its label.
        lattice: "engine" relaxes the bulk crystal before the cut (where a study is
            run), "literature" takes it as published; or cell lengths a, b, c (Å) and
            angles (degrees) that replace published ones. The study's choice if not
            given.
        doping: substitution or exchange, made in the bulk before the cut.
        ordering: of a crystal with partly occupied sites.
        compensate: of a polar cut, moves so many ions of the outermost plane across the
            slab that its dipole is cancelled.
        symmetric: both surfaces equivalent; what that costs in stoichiometry is said.
        groups: to keep whole besides what nonmetals are bonded to: formulas that begin
            with the center, as in "VO4".
        fixed_layers: so many repeats, away from the interface, do not move.
        name: how tables call the phase; the material's name if not given.
        deeper: so many repeats more on the side away from the interface; the plane
            that meets the partner stays where it is at the same registry.
    """

    material: Material
    miller: Miller | tuple[int, int, int, int]
    thickness: float | None = None
    layers: int | None = None
    termination: int | str = 0
    lattice: Lengths | Literal["engine", "literature"] | None = None
    doping: Doping | Exchange | None = None
    ordering: Ordering | None = None
    symmetric: bool = False
    compensate: bool = False
    groups: tuple[str, ...] = ()
    fixed_layers: int = 0
    name: str | None = None
    deeper: int | None = None

    def __post_init__(self) -> None:
        """Keep a structure as plain data."""
        object.__setattr__(self, "material", plain_material(self.material))

    @property
    def phase(self) -> str:
        """Return the name of the phase in tables and labels."""
        return phase_name(self.name, self.material)

    @property
    def lengths(self) -> Lengths | None:
        """Return the numbers that replace the published lattice, if there are any."""
        return None if isinstance(self.lattice, str) else self.lattice


@dataclass(frozen=True, repr=False)
class SlabLayer(Spec):
    """A slab that the user has cut: taken as it is, never doped, never re-cut.

    >>> from ase.build import fcc111
    >>> SlabLayer(fcc111("Al", (1, 1, 4), vacuum=8))
    SlabLayer(slab=<4 sites of Al>)

    Attributes:
        slab: a pymatgen Structure, ASE Atoms, or a path to a CIF or POSCAR file; the
            third vector crosses the slab and its vacuum. The upper side meets the
            partner.
        groups: as in CrystalLayer.
        fixed_layers: so many planes of atoms, away from the interface, do not move.
        name: how tables call the phase; the formula, or the path, if not given.
    """

    slab: Material
    groups: tuple[str, ...] = ()
    fixed_layers: int = 0
    name: str | None = None

    def __post_init__(self) -> None:
        """Keep a structure as plain data."""
        object.__setattr__(self, "slab", plain_material(self.slab))

    @property
    def phase(self) -> str:
        """Return the name of the phase in tables and labels."""
        return phase_name(self.name, self.slab)


@dataclass(frozen=True, repr=False)
class PolymerLayer(NamedLayer):
    """One chain molecule, laid flat in the cell of its partner.

    Attributes:
        polymer: SMILES of the oligomer; with `units`, of the repeat unit with two open
            ends, as in "[*]OCOCC[*]" for P-DOL or "[*]CCO[*]" for PEO.
        units: number of repeat units.
        ends: SMILES of the groups that close the chain.
        name: how tables call the phase.
        clearance: smallest distance to its periodic images, Å.
        supercell: repeats of the partner's surface cell; searched if not given.
        seed: of the conformer search.
    """

    polymer: str
    units: int | None = None
    ends: tuple[str, str] = ("C", "C")
    name: str = "polymer"
    clearance: float = 2.5
    supercell: tuple[int, int] | None = None
    seed: int = 0


@dataclass(frozen=True, repr=False)
class FilmLayer(NamedLayer):
    """A film of several chains at a density, packed in the cell of its partner.

    Attributes:
        film: SMILES of one chain; with `units`, of the repeat unit as in PolymerLayer.
        units: number of repeat units of each chain.
        ends: SMILES of the groups that close the chains.
        chains: their number; give this or `thickness`.
        thickness: Å; the number of chains follows.
        density: g/cm³.
        name: how tables call the phase.
        supercell: repeats of the partner's surface cell; if not given, the smallest one
            that is as wide as the chain's most compact conformer in both directions.
        seed: of conformers and packing.
    """

    film: str
    units: int | None = None
    ends: tuple[str, str] = ("C", "C")
    chains: int | None = None
    thickness: float | None = None
    density: float = 1.1
    name: str = "film"
    supercell: tuple[int, int] | None = None
    seed: int = 0


@dataclass(frozen=True, repr=False)
class AmorphousLayer(NamedLayer):
    """A melt-quenched layer, such as a low-melting alloy.

    Attributes:
        amorphous: its composition: atomic fractions or amounts of the elements.
        density: g/cm³.
        thickness: Å, about; atoms are whole.
        melt: temperature of the melt, K.
        melt_steps: of dynamics in the melt.
        quench_steps: of dynamics from there to 300 K.
        timestep: fs.
        name: how tables call the phase.
        supercell: repeats of the partner's surface cell.
        seed: of the first positions and velocities.
    """

    amorphous: dict[str, float]
    density: float
    thickness: float
    melt: float = 1000.0
    melt_steps: int = 1000
    quench_steps: int = 1000
    timestep: float = 2.0
    name: str = "alloy"
    supercell: tuple[int, int] | None = None
    seed: int = 0


@dataclass(frozen=True, repr=False)
class PartLayer(Spec):
    """One side of an interface that was built elsewhere (`InterfaceSpec.structure`).

    One of the two sides says by `above`, `elements` or `atoms` which atoms it has, the
    other one has the rest; if neither does, the widest gap within the atoms divides
    them.

    Attributes:
        part: how tables call the phase.
        above: atoms higher than this are the film's, Å along the normal, from the
            bottom of the cell.
        elements: all of whose atoms belong to this side.
        atoms: numbered from 1, in the file's order, or ranges as in "65-128".
    """

    part: str
    above: float | None = None
    elements: tuple[str, ...] = ()
    atoms: tuple[int | str, ...] = ()

    @property
    def phase(self) -> str:
        """Return the name of the phase in tables and labels."""
        return self.part

    @property
    def name(self) -> str:
        """Return the same name, as other layers have it."""
        return self.part


Layer = CrystalLayer | SlabLayer | PolymerLayer | FilmLayer | AmorphousLayer | PartLayer


@dataclass(frozen=True, repr=False)
class RegistryScan(Spec):
    """Where the film sits best: energies over shifts and gaps, by an engine.

    Attributes:
        spacing: of the grid of shifts, at most, Å.
        gaps: gaps that are tried at each shift, Å from the touching gap.
        engine: name of the engine; the study's engine of energies if not given.
    """

    spacing: float = 0.8
    gaps: tuple[float, ...] = (-1.0, -0.7, -0.4, -0.1, 0.2)
    engine: str | None = None


@dataclass(frozen=True, repr=False)
class InterfaceSpec(Spec):
    """One interface: a film on a substrate.

    >>> lithium = CrystalLayer("Li", (1, 0, 0), thickness=12)
    >>> fluoride = CrystalLayer("LiF", (1, 0, 0), thickness=10, symmetric=True)
    >>> spec = InterfaceSpec("Li|LiF", lithium, fluoride, max_strain=0.03)
    >>> InterfaceSpec.from_dict(spec.as_dict()) == spec
    True

    Attributes:
        name: unique within its study, as in "LAGP|Li".
        film: the upper layer.
        substrate: the lower layer.
        strained: whose in-plane lattice gives way.
        stiffness: GPa, of "film" and "substrate"; shares the strain in inverse
            proportion where both are strained.
        max_strain: largest principal strain accepted (0.03 is 3 %).
        max_area: largest interfacial area searched, Å².
        min_area: smallest one, Å²; smaller matches are then repeated to reach it.
        match: which of the distinct matches, ranked by strain (in steps of 0.1 %) and
            number of atoms, is built: its index, the "smallest", or the one of
            "least-strain".
        gap: distance between the outermost atoms of both sides, Å; chosen from
            atomic radii if not given.
        registry: in-plane shift of the film, fractions of the interface cell.
        scan: searches registry and gap with an engine before anything else is run.
        vacuum: above the film, Å; 0 makes a sandwich with two interfaces.
        cell: what relaxations move of its cell: nothing ("fixed"), the length along
            the normal of a sandwich ("normal"), the vectors in the plane ("in-plane"),
            or, of a sandwich, all of it ("full"). A sandwich whose normal is fixed is
            under the pressure of its guessed gaps, so it is "normal" if not given.
        start: "cut" brings the sides together as they are cut; "joined" relaxes each
            of them alone first, then closes the gap between both.
        mobile: what moves in relaxations and dynamics: "all", the "film" alone, or
            {"surface": Å}, the film and what of the substrate lies within so much of
            the interface.
        structure: of the whole interface, built elsewhere: a path to a CIF or POSCAR
            file, a Structure or Atoms, taken as it is. Film and substrate then say
            which of its atoms are theirs, and only gap, scan, vacuum (0 or not), cell,
            start and mobile have a meaning.
    """

    name: str
    film: Layer
    substrate: CrystalLayer | SlabLayer | PartLayer
    strained: Literal["film", "substrate", "shared"] = "film"
    stiffness: dict[Literal["film", "substrate"], float] | None = None
    max_strain: float = 0.05
    max_area: float = 250.0
    min_area: float = 0.0
    match: int | Literal["smallest", "least-strain"] = 0
    gap: float | None = None
    registry: tuple[float, float] = (0.0, 0.0)
    scan: RegistryScan | None = None
    vacuum: float = 20.0
    cell: Cell | None = None
    start: Literal["cut", "joined"] = "cut"
    mobile: Mobile = "all"
    structure: Material | None = None

    def __post_init__(self) -> None:
        """Keep a structure as plain data, and refuse parts of none."""
        if self.structure is not None:
            object.__setattr__(self, "structure", plain_material(self.structure))
        parts = [isinstance(side, PartLayer) for side in (self.film, self.substrate)]
        if parts != [self.structure is not None] * 2:
            raise ValueError(
                "an interface has either structure: FILE and sides as in {part: Li, "
                "elements: [Li]}, or two layers that are put together"
            )

    @property
    def lower(self) -> CrystalLayer | SlabLayer:
        """Return the substrate of an interface that is put together of two layers."""
        assert not isinstance(self.substrate, PartLayer)
        return self.substrate

    @property
    def relaxed_cell(self) -> Cell:
        """Return what relaxations move of the cell, chosen or by default."""
        return self.cell or ("fixed" if self.vacuum else "normal")
