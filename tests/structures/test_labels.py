"""Labels follow their atoms wherever structures go."""

from dataclasses import replace
from itertools import groupby

import numpy as np
import pytest
from pymatgen.io.ase import AseAtomsAdaptor

from ionface.errors import StructureError
from ionface.structures.interface import build_interface
from ionface.structures.labels import (
    labeled,
    labels_of,
    read_poscar,
    with_fixed_layers,
    write_poscar,
)
from ionface.structures.model import from_json, to_json, write_json
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
    write_poscar(held.structure, tmp_path / "POSCAR")
    assert by_place(read_poscar(tmp_path / "POSCAR")) == wanted
    atoms = AseAtomsAdaptor.get_atoms(held.structure)
    assert by_place(AseAtomsAdaptor.get_structure(atoms)) == wanted


def test_fixed_atoms_are_selective_dynamics_in_poscar(held, tmp_path):
    from pymatgen.io.vasp import Poscar

    write_poscar(held.structure, tmp_path / "POSCAR")
    poscar = Poscar.from_file(tmp_path / "POSCAR")
    free = [all(row) for row in poscar.selective_dynamics]
    ordered = held.structure.get_sorted_structure()
    assert free == [not fixed for fixed in ordered.site_properties["fixed"]]


@pytest.mark.slow
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


@pytest.mark.slow
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


def positions(structure, phase):
    found = [s for s in structure if s.properties["phase"] == phase]
    return sorted((s.specie.symbol, *(s.frac_coords % 1).round(6)) for s in found)


def test_json_gives_the_model_back(model, tmp_path):
    again = from_json(to_json(model))
    assert again.as_dict() == model.as_dict()
    write_json(model, tmp_path / "model.json")
    text = (tmp_path / "model.json").read_text(encoding="utf-8")
    assert list(from_json(text).structure) == list(model.structure)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '"x"', '{"@module": "os", "@class": "x"}']
)
def test_other_json_is_no_model(text):
    with pytest.raises(StructureError, match="not an interface model"):
        from_json(text)


def test_truncated_json_is_refused(small):
    text = to_json(small)
    with pytest.raises(StructureError, match="not an interface model"):
        from_json(text[: len(text) // 2])


def test_poscar_keeps_phases_through_sorting_by_element(model, tmp_path):
    path = tmp_path / "POSCAR"
    write_poscar(model.structure, path)
    again = read_poscar(path)
    assert again.lattice.matrix == pytest.approx(model.structure.lattice.matrix)
    for phase in (model.film_phase, model.substrate_phase):
        assert np.array([p[1:] for p in positions(again, phase)]) == pytest.approx(
            np.array([p[1:] for p in positions(model.structure, phase)]), abs=2e-6
        )
    runs = [symbol for symbol, _ in groupby(s.specie.symbol for s in again)]
    assert len(runs) == len(set(runs))


def test_awkward_phase_names_survive_poscar(small, tmp_path):
    awkward = 'In, "1 2" phases: ü'
    structure = small.structure.copy()
    names = [awkward if p == "In" else p for p in small.phases]
    structure.add_site_property("phase", names)
    path = tmp_path / "POSCAR"
    write_poscar(structure, path)
    assert sum(s.properties["phase"] == awkward for s in read_poscar(path)) == 36


def test_contcar_without_labels_takes_those_of_its_poscar(small, tmp_path):
    poscar, contcar = tmp_path / "POSCAR", tmp_path / "CONTCAR"
    write_poscar(small.structure, poscar)
    lines = poscar.read_text().split("\n")
    contcar.write_text("\n".join(line.partition("!")[0] for line in lines))
    with pytest.raises(StructureError, match="no phase labels behind its positions"):
        read_poscar(contcar)
    labeled = read_poscar(contcar, labels=poscar)
    assert labeled.site_properties == read_poscar(poscar).site_properties


def test_a_poscar_of_another_structure_has_no_fitting_labels(small, polymer, tmp_path):
    write_poscar(small.structure, tmp_path / "a")
    write_poscar(polymer.structure, tmp_path / "b")
    with pytest.raises(StructureError, match="labels of 90 sites for the 88"):
        read_poscar(tmp_path / "a", labels=tmp_path / "b")


@pytest.mark.parametrize("text", ["", "garbage", "x\n1.0\n1 0 0\n"])
def test_unreadable_poscar_is_refused_by_name(tmp_path, text):
    path = tmp_path / "POSCAR"
    path.write_text(text)
    with pytest.raises(StructureError, match=r"cannot read .*POSCAR"):
        read_poscar(path)
