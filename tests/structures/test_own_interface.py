"""An interface that was built elsewhere: its sides are told, and it is a model."""

from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Structure
from pymatgen.io.vasp import Poscar

from ionface.errors import StructureError
from ionface.structures.elements import interface_elements
from ionface.structures.interface import build_interface
from ionface.structures.specs import CrystalLayer, InterfaceSpec, PartLayer

BUILT = InterfaceSpec(
    "Li|LiF",
    CrystalLayer("Li", (1, 0, 0), layers=3),
    CrystalLayer("LiF", (1, 0, 0), layers=2),
    max_area=70,
    gap=2.6,
)


@pytest.fixture(scope="module")
def known():
    return build_interface(BUILT)


@pytest.fixture(scope="module")
def path(known, tmp_path_factory):
    """The model as a file that tells of positions alone, shuffled and moved along z."""
    file = tmp_path_factory.mktemp("own") / "mine.vasp"
    plain = Structure(
        known.structure.lattice, known.structure.species, known.structure.frac_coords
    )
    plain.translate_sites(range(len(plain)), [0, 0, 0.4])
    Poscar(plain).write_file(file)
    return file


def own(path, film=None, **more):
    film = PartLayer("Li", **(film or {}))
    return InterfaceSpec("mine", film, PartLayer("LiF"), structure=str(path), **more)


def film_numbers(known):
    """Return the film's atoms as the file numbers them: in the model's order."""
    return [n for n, p in enumerate(known.phases, 1) if p == known.film_phase]


def test_the_widest_gap_divides_the_sides(known, path):
    model = build_interface(own(path))
    assert model.gap == pytest.approx(known.gap, abs=1e-6)
    assert model.vacuum == pytest.approx(known.vacuum, abs=1e-6)
    assert (model.n_interfaces, model.area) == (1, pytest.approx(known.area))
    for phase, part in known.separated().items():
        assert model.separated()[phase].composition == part.composition
    assert model.summary()["gap_from"] == "as it stands"
    assert model.interface_heights[0] == pytest.approx(
        known.interface_heights[0], abs=1e-6
    )
    # no side is cut in two by the cell's border
    z = model.structure.cart_coords[:, 2]
    assert np.ptp(z) == pytest.approx(np.ptp(known.structure.cart_coords[:, 2]))


def test_each_way_to_tell_the_sides_gives_the_same_model(known, path):
    numbers = film_numbers(known)
    split = build_interface(own(path)).phases
    height = (known.interface_heights[0] / known.structure.lattice.c + 0.4) % 1
    z = height * known.structure.lattice.c
    ways = [{"atoms": tuple(numbers)}, {"atoms": (f"{numbers[0]}-{numbers[-1]}",)}]
    if numbers != list(range(numbers[0], numbers[-1] + 1)):
        ways.pop()
    for way in ways:
        assert build_interface(own(path, way)).phases == split
    by_height = InterfaceSpec(
        "mine", PartLayer("Li", above=z), PartLayer("LiF"), structure=str(path)
    )
    low = Structure.from_file(path).cart_coords[:, 2] <= z
    wrapped = low & (np.array(split) == "Li")
    if not wrapped.any():
        assert build_interface(by_height).phases == split


def test_elements_tell_the_sides(tmp_path):
    silver = CrystalLayer("Zn", (0, 0, 1), layers=2)
    spec = replace(BUILT, substrate=silver, max_strain=0.15, max_area=120)
    structure = build_interface(spec).structure
    structure.remove_site_property("phase")
    by_film = InterfaceSpec(
        "mine", PartLayer("a", elements=("Li",)), PartLayer("b"), structure=structure
    )
    by_other = InterfaceSpec(
        "mine", PartLayer("a"), PartLayer("b", elements=("Zn",)), structure=structure
    )
    first, second = build_interface(by_film), build_interface(by_other)
    assert first.phases == second.phases
    assert first.separated()["a"].composition.chemical_system == "Li"
    assert interface_elements(by_film) == {"Li", "Zn"}


def test_a_sandwich_knows_which_interface_its_atoms_are_nearer_to(tmp_path):
    built = build_interface(replace(BUILT, vacuum=0))
    numbers = tuple(film_numbers(built))
    bare = Structure(
        built.structure.lattice, built.structure.species, built.structure.frac_coords
    )
    spec = InterfaceSpec(
        "mine",
        PartLayer("Li", atoms=numbers),
        PartLayer("LiF"),
        structure=bare,
        vacuum=0,
    )
    model = build_interface(spec)
    assert model.n_interfaces == 2
    labels = model.structure.site_properties["interface"]
    assert labels == built.structure.site_properties["interface"]


def test_a_gap_moves_the_film(path):
    model = build_interface(own(path, gap=3.3))
    assert model.gap == 3.3
    assert model.summary()["gap_from"] == "given"


@pytest.mark.parametrize(
    ("film", "said"),
    [
        ({"above": 99.0}, "above: 99 Å gives one side all"),
        ({"elements": ("Na",)}, "elements of Li: there is no Na, only F, Li"),
        ({"elements": ("Li", "F")}, "gives one side all"),
        ({"elements": ("F",)}, "does not lie above"),
        ({"atoms": (0,)}, "0 is no number from 1 to"),
        ({"atoms": ("3-999",)}, "'3-999' is no number from 1 to"),
        ({"above": 9.0, "elements": ("F",)}, "both say which atoms are whose"),
    ],
)
def test_sides_that_cannot_be_are_refused_in_a_sentence(path, film, said):
    with pytest.raises(StructureError, match=said):
        build_interface(own(path, film))


def test_a_sandwich_and_a_vacuum_are_told_apart(known, path):
    mine = own(path, {"atoms": tuple(film_numbers(known))}, vacuum=0)
    with pytest.raises(StructureError, match="Å of vacuum in its file, but the study"):
        build_interface(mine)
    with pytest.raises(StructureError, match="no gap clearly divides"):
        build_interface(own(path, vacuum=0))


def test_overlaps_and_half_filled_sites_are_refused(path):
    twice = Structure.from_file(path)
    twice.append("Li", twice[0].frac_coords + np.array([0, 0, 0.005]))
    with pytest.raises(StructureError, match="overlap: Li"):
        build_interface(replace(own(path), structure=twice))
    half = Structure.from_file(path)
    half.replace(0, {"Li": 0.5})
    with pytest.raises(StructureError, match="partly occupied"):
        build_interface(replace(own(path), structure=half))


def test_parts_belong_to_a_structure():
    with pytest.raises(ValueError, match="either structure: FILE"):
        InterfaceSpec("x", PartLayer("a"), BUILT.substrate)
    with pytest.raises(ValueError, match="either structure: FILE"):
        replace(BUILT, structure="mine.vasp")
