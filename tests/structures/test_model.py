from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor

from ionface.errors import StructureError
from ionface.structures.model import InterfaceModel

HEIGHT = 30.0


def shifted(model, z):
    structure = model.structure.copy()
    structure.translate_sites(
        list(range(len(structure))), [0, 0, z], frac_coords=False, to_unit_cell=True
    )
    return replace(model, structure=structure)


def test_separated_slabs_are_the_interface_taken_apart(model):
    parts = model.separated()
    assert sum(len(part) for part in parts.values()) == len(model.structure)
    for phase, part in parts.items():
        assert part.lattice == model.structure.lattice
        whole = [s for s in model.structure if s.properties["phase"] == phase]
        assert list(part) == whole


def test_labels_survive_sorting(small):
    again = replace(small, structure=small.structure.get_sorted_structure())
    assert {k: len(v) for k, v in again.separated().items()} == {
        k: len(v) for k, v in small.separated().items()
    }
    assert again.shortest_distance()[0] == pytest.approx(small.shortest_distance()[0])


def test_labels_survive_ase(small):
    atoms = AseAtomsAdaptor.get_atoms(small.structure)
    assert set(atoms.arrays["phase"]) == {"LPSCl", "In"}
    back = AseAtomsAdaptor.get_structure(atoms)
    again = replace(small, structure=Structure.from_sites(list(back)))
    assert again.phases == small.phases
    assert back.site_properties["layer"] == small.structure.site_properties["layer"]


def test_plain_data_gives_the_model_back(model):
    again = InterfaceModel.from_dict(model.as_dict())
    assert list(again.structure) == list(model.structure)
    assert again.structure.site_properties == model.structure.site_properties
    assert again.as_dict() == model.as_dict()
    assert again.summary() == model.summary()
    assert set(again.unstrained) == set(model.unstrained)


@pytest.mark.parametrize("shift", [0.0, 7.3, 15.0, -11.0])
@pytest.mark.parametrize("kind", ["small", "polymer"])
def test_interface_heights_follow_the_atoms_across_the_border(request, kind, shift):
    model = request.getfixturevalue(kind)
    height = model.structure.lattice.c
    # a height on the border is the lower border, whatever the last bit says
    moved = [h + shift + 1e-6 for h in model.interface_heights]
    expected = sorted(h % height - 1e-6 for h in moved)
    found = sorted(shifted(model, shift).interface_heights)
    difference = (np.array(found) - expected) / height
    assert difference - np.rint(difference) == pytest.approx(0, abs=1e-6)


def test_interface_stands_in_the_middle_of_the_gap(polymer):
    parts = polymer.separated()
    top = parts["Li"].cart_coords[:, 2].max()
    assert polymer.interface_heights == pytest.approx([top + polymer.gap / 2])


def test_area_and_normal_are_those_of_the_plane(doped):
    a, b, _ = doped.structure.lattice.matrix
    assert doped.area == pytest.approx(np.linalg.norm(np.cross(a, b)))
    assert doped.normal == pytest.approx([0, 0, 1])


def test_shortest_distance_is_the_slow_sentence(small):
    parts = small.separated()
    film, substrate = parts["In"], parts["LPSCl"]
    distances = small.structure.lattice.get_all_distances(
        film.frac_coords, substrate.frac_coords
    )
    assert small.shortest_distance()[0] == pytest.approx(distances.min())


def test_far_phases_have_no_shortest_distance(polymer):
    parts = polymer.separated()
    lifted = parts["P-DOL"].copy()
    lifted.translate_sites(list(range(len(lifted))), [0, 0, 10], frac_coords=False)
    far = replace(polymer, structure=Structure.from_sites([*parts["Li"], *lifted]))
    with pytest.raises(StructureError, match="more than 8 Å apart"):
        far.shortest_distance()


def test_summary_says_what_tables_need(doped, polymer):
    import json

    summary = doped.summary()
    json.dumps(summary)
    assert summary["atoms"] == 248
    assert summary["area"] == pytest.approx(171.15, abs=0.01)
    assert summary["max_strain"] == pytest.approx(0.01736, abs=1e-4)
    assert summary["n_interfaces"] == 1
    assert summary["substrate"] == "LAGP(100) [R-3c axes] PO4/PO4, x=0.5"
    assert summary["film"] == "Li(110) [Im-3m axes] Li/Li"
    assert summary["formula"]["Li"] == "Li63"
    assert summary["terminations"] == {"film": "Li/Li", "substrate": "PO4/PO4"}
    assert "CCOCOCCOCOCC" in polymer.summary()["film"]


def test_provenance_tells_how_the_model_was_made(doped):
    made = doped.provenance
    assert made["substrate"]["miller"] == [1, 0, 0]
    assert made["substrate"]["setting"] == "R-3c axes"
    assert made["substrate"]["doping"]["x"] == 0.5
    assert made["substrate"]["source"]
    assert made["match"]["film"]
    assert made["spec"]["film"]["material"] == "Li"


@pytest.mark.parametrize("by", ["labels", "height"])
def test_an_interface_built_elsewhere_becomes_the_same_model(model, by):
    structure = model.structure.copy()
    height = None
    if by == "height":
        structure.remove_site_property("phase")
        height = model.interface_heights[0]
        if model.n_interfaces == 2:  # the film's top may lie across the border
            pytest.skip("a sandwich has no single height")
    again = InterfaceModel.from_structure(
        structure, model.film_phase, model.substrate_phase, height=height
    )
    assert again.phases == model.phases
    assert again.gap == pytest.approx(model.gap)
    assert again.vacuum == pytest.approx(model.vacuum)
    assert again.n_interfaces == model.n_interfaces
    assert again.interface_heights == pytest.approx(model.interface_heights)
    assert again.separated().keys() == model.separated().keys()
    assert again.summary()["atoms"] == len(structure)


def test_what_is_no_interface_is_refused(small):
    bare = small.structure.copy()
    bare.remove_site_property("phase")
    with pytest.raises(StructureError, match="give the height"):
        InterfaceModel.from_structure(bare)
    with pytest.raises(StructureError, match="must each have atoms"):
        InterfaceModel.from_structure(bare, height=1000.0)
    tilted = Structure(
        [[4, 0, 0], [0, 4, 0], [1, 0, 30]], ["Al", "Ag"], [[0, 0, 0.1], [0, 0, 0.2]]
    )
    with pytest.raises(StructureError, match=r"leans by 1\.00 Å"):
        InterfaceModel.from_structure(tilted, height=4.0)


def test_a_model_of_ase_atoms_is_that_of_the_same_structure(small):
    atoms = AseAtomsAdaptor.get_atoms(small.structure)
    sides = (small.film_phase, small.substrate_phase)
    of_atoms = InterfaceModel.from_structure(atoms, *sides)
    of_structure = InterfaceModel.from_structure(small.structure, *sides)
    assert of_atoms.structure.species == of_structure.structure.species
    assert of_atoms.phases == of_structure.phases
    assert of_atoms.gap == pytest.approx(of_structure.gap)
