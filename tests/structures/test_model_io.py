from dataclasses import replace
from itertools import groupby

import numpy as np
import pytest
from pymatgen.io.cif import CifParser

from ionface.errors import StructureError
from ionface.structures.model_io import (
    from_json,
    read_json,
    read_poscar,
    to_json,
    write_cif,
    write_json,
    write_poscar,
)


def positions(structure, phase):
    found = [s for s in structure if s.properties["phase"] == phase]
    return sorted((s.specie.symbol, *(s.frac_coords % 1).round(6)) for s in found)


def test_json_gives_the_model_back(model, tmp_path):
    again = from_json(to_json(model))
    assert again.as_dict() == model.as_dict()
    write_json(model, tmp_path / "model.json")
    assert read_json(tmp_path / "model.json").structure == model.structure


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '"x"', '{"@module": "os", "@class": "x"}']
)
def test_other_json_is_no_model(text, tmp_path):
    with pytest.raises(StructureError, match="not an interface model"):
        from_json(text)
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(StructureError, match=r"bad.json"):
        read_json(path)


def test_truncated_json_is_refused(small):
    text = to_json(small)
    with pytest.raises(StructureError, match="not an interface model"):
        from_json(text[: len(text) // 2])


def test_absent_json_is_refused_by_name(tmp_path):
    with pytest.raises(StructureError, match=r"nowhere.json"):
        read_json(tmp_path / "nowhere.json")


def test_poscar_keeps_phases_through_sorting_by_element(model, tmp_path):
    path = tmp_path / "POSCAR"
    write_poscar(model, path)
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
    write_poscar(replace(small, structure=structure, film_phase=awkward), path)
    assert sum(s.properties["phase"] == awkward for s in read_poscar(path)) == 36


def test_contcar_without_labels_takes_those_of_its_poscar(small, tmp_path):
    poscar, contcar = tmp_path / "POSCAR", tmp_path / "CONTCAR"
    write_poscar(small, poscar)
    lines = poscar.read_text().split("\n")
    contcar.write_text("\n".join(line.partition("!")[0] for line in lines))
    with pytest.raises(StructureError, match="no phase labels behind its positions"):
        read_poscar(contcar)
    labeled = read_poscar(contcar, labels=poscar)
    assert labeled.site_properties == read_poscar(poscar).site_properties


def test_labels_of_another_structure_are_refused(small, polymer, tmp_path):
    write_poscar(small, tmp_path / "a")
    write_poscar(polymer, tmp_path / "b")
    with pytest.raises(StructureError, match="labels of 90 sites for the 88"):
        read_poscar(tmp_path / "a", labels=tmp_path / "b")


@pytest.mark.parametrize("text", ["", "garbage", "x\n1.0\n1 0 0\n"])
def test_unreadable_poscar_is_refused_by_name(tmp_path, text):
    path = tmp_path / "POSCAR"
    path.write_text(text)
    with pytest.raises(StructureError, match=r"cannot read .*POSCAR"):
        read_poscar(path)


def test_cif_names_the_phase_of_each_site(small, tmp_path):
    path = tmp_path / "model.cif"
    write_cif(small, path)
    # pymatgen would round 0.3333 to a third and warn of it
    (again,) = CifParser(path, frac_tolerance=0).parse_structures(primitive=False)
    assert len(again) == len(small.structure)
    ends = [label.split("_", 1)[1] for label in again.labels]
    assert sorted(ends) == sorted(small.phases)
    assert again.volume == pytest.approx(small.structure.volume)
