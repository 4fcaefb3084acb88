"""Labels follow their atoms wherever structures go."""

from dataclasses import replace

import pytest
from pymatgen.io.ase import AseAtomsAdaptor

from ionface.errors import StructureError
from ionface.structures.interface import build_interface
from ionface.structures.labels import labeled, labels_of, with_fixed_layers
from ionface.structures.model_io import from_json, read_poscar, to_json, write_poscar
from ionface.structures.specs import CrystalLayer, InterfaceSpec, PolymerLayer

HELD = InterfaceSpec(
    "Li|P-DOL",
    PolymerLayer("COCOC", name="P-DOL"),
    CrystalLayer("Li", (1, 0, 0), layers=4, fixed_layers=2),
)


@pytest.fixture(scope="module")
def held():
    return build_interface(HELD)


def by_place(structure):
    """Return the labels of each site by its element and position."""
    names = sorted(labels_of(structure))
    return sorted(
        (
            site.specie.symbol,
            *(site.frac_coords % 1).round(5).tolist(),
            *(str(site.properties[name]) for name in names),
        )
        for site in structure
    )


def test_a_model_says_phase_layer_molecule_and_what_is_fixed(held):
    labels = labels_of(held.structure)
    assert set(labels) == {"phase", "layer", "molecule", "fixed"}
    for phase, layer, molecule, fixed in zip(*labels.values(), strict=True):
        assert molecule == (0 if phase == "P-DOL" else -1)
        assert fixed == (phase == "Li" and layer < 2)


def test_labels_survive_json_poscar_sorting_and_ase(held, tmp_path):
    wanted = by_place(held.structure)
    assert by_place(from_json(to_json(held)).structure) == wanted
    assert by_place(held.structure.get_sorted_structure()) == wanted
    write_poscar(held, tmp_path / "POSCAR")
    assert by_place(read_poscar(tmp_path / "POSCAR")) == wanted
    atoms = AseAtomsAdaptor.get_atoms(held.structure)
    assert by_place(AseAtomsAdaptor.get_structure(atoms)) == wanted


def test_fixed_atoms_are_selective_dynamics_in_poscar(held, tmp_path):
    from pymatgen.io.vasp import Poscar

    write_poscar(held, tmp_path / "POSCAR")
    poscar = Poscar.from_file(tmp_path / "POSCAR")
    free = [all(row) for row in poscar.selective_dynamics]
    ordered = held.structure.get_sorted_structure()
    assert free == [not fixed for fixed in ordered.site_properties["fixed"]]


def test_the_film_is_held_at_its_top():
    film = CrystalLayer("LiF", (1, 0, 0), layers=3, fixed_layers=1)
    spec = InterfaceSpec("x", film, CrystalLayer("LiCl", (1, 0, 0), layers=2))
    model = build_interface(replace(spec, max_strain=0.12))
    held = [s for s in model.structure if s.properties["fixed"]]
    others = [
        s.coords[2]
        for s in model.structure
        if s.properties["phase"] == "LiF" and not s.properties["fixed"]
    ]
    assert held
    assert min(s.coords[2] for s in held) > max(others)


def test_a_sandwich_has_no_free_side_to_hold():
    with pytest.raises(StructureError, match="fixed_layers need a free side"):
        build_interface(
            InterfaceSpec(
                "x",
                CrystalLayer("LiF", (1, 0, 0), layers=3, fixed_layers=1),
                CrystalLayer("LiCl", (1, 0, 0), layers=2),
                max_strain=0.12,
                vacuum=0,
            )
        )


@pytest.mark.parametrize("number", [-1, 4, 7])
def test_something_must_move(held, number):
    part = held.separated()["Li"]
    with pytest.raises(StructureError, match=f"fixed_layers={number} must be"):
        with_fixed_layers(part, number, top=False)


def test_labels_of_another_structure_are_refused(held):
    with pytest.raises(StructureError, match="phase labels of 1 sites"):
        labeled(held.structure, {"phase": ["Li"]})
