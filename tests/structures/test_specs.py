import json
from dataclasses import FrozenInstanceError, asdict

import numpy as np
import pytest
import yaml
from ase.build import bulk, fcc111
from jobflow import Job
from monty.json import MontyDecoder, MontyEncoder
from pydantic import TypeAdapter, ValidationError
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor
from pymatgen.io.vasp import Poscar

from ionface.errors import StructureError
from ionface.structures.crystals.library import read_crystal
from ionface.structures.interface import build_interface
from ionface.structures.slabs.crystal_layer import cut_slab
from ionface.structures.specs import (
    AmorphousLayer,
    CrystalLayer,
    Doping,
    FilmLayer,
    InterfaceSpec,
    Ordering,
    PolymerLayer,
    RegistryScan,
    SlabLayer,
    plain_material,
)

PLAIN = {
    "name": "Li|LiF",
    "film": {"material": "Li", "miller": [1, 0, 0], "thickness": 12},
    "substrate": {"material": "LiF", "miller": [1, 0, 0], "thickness": 10},
}


def read(data):
    return TypeAdapter(InterfaceSpec).validate_python(data)


def test_plain_data_of_a_study_becomes_a_specification():
    spec = read(PLAIN)
    assert spec.film == CrystalLayer("Li", (1, 0, 0), thickness=12)
    assert spec.vacuum == 20
    polymer = read({**PLAIN, "film": {"polymer": "CCO"}})
    assert polymer.film == PolymerLayer("CCO")


def test_unknown_key_is_refused():
    with pytest.raises(ValidationError, match="thicknes"):
        read({**PLAIN, "film": {**PLAIN["film"], "thicknes": 3}})


def test_phase_is_the_name_or_else_the_material():
    assert CrystalLayer("Li", (1, 0, 0)).phase == "Li"
    assert CrystalLayer("Li", (1, 0, 0), name="anode").phase == "anode"
    assert PolymerLayer("CCO").phase == "polymer"


def test_specifications_are_frozen():
    with pytest.raises(FrozenInstanceError):
        Doping("Al", "Ge", 0.5).x = 1.0


DISORDERED = Structure(
    Lattice.cubic(4.0), [{"Li": 0.5, "Na": 0.5}, "F"], [[0, 0, 0], [0.5, 0.5, 0.5]]
)
SPECS = [
    InterfaceSpec(
        "a",
        CrystalLayer("Li", (1, 0, 0), layers=3, lattice={"a": 3.44}),
        CrystalLayer("LiGe2(PO4)3", (1, 0, 0), doping=Doping("Al", "Ge", 0.5, rank=1)),
        scan=RegistryScan(),
    ),
    InterfaceSpec(
        "b",
        FilmLayer("[*]CCO[*]", units=3, chains=2, supercell=(3, 3)),
        CrystalLayer(DISORDERED, (1, 0, 0), ordering=Ordering((2, 1, 1))),
    ),
    InterfaceSpec(
        "c",
        AmorphousLayer({"Ga": 0.8, "In": 0.2}, 6.1, 12.0),
        SlabLayer(bulk("Al"), groups=("SeO4",), name="mine"),
    ),
]


@pytest.mark.parametrize("spec", SPECS, ids=[spec.name for spec in SPECS])
def test_specifications_come_back_from_json_as_they_were(spec):
    text = json.dumps(spec, cls=MontyEncoder)
    again = json.loads(text, cls=MontyDecoder)
    assert again == spec
    assert type(again.film) is type(spec.film)
    assert read(asdict(spec)) == spec
    assert read(yaml.safe_load(yaml.safe_dump(json.loads(json.dumps(asdict(spec))))))


def test_a_job_gets_its_specification_as_such():
    job = Job(build_interface, function_args=(SPECS[1],))
    again = MontyDecoder().process_decoded(json.loads(job.to_json()))
    assert again.function_args == [SPECS[1]]


@pytest.mark.parametrize("form", ["Structure", "Atoms", "path", "data"])
def test_a_material_may_have_any_form(form, tmp_path):
    aluminum = bulk("Al", cubic=True)
    structure = AseAtomsAdaptor.get_structure(aluminum)
    path = tmp_path / "Al.vasp"
    Poscar(structure).write_file(path)
    material = {
        "Structure": structure,
        "Atoms": aluminum,
        "path": path,
        "data": plain_material(structure),
    }[form]
    layer = CrystalLayer(material, (1, 1, 1))
    assert isinstance(layer.material, str | dict)
    assert read_crystal(layer.material).composition == structure.composition
    assert CrystalLayer(structure, (1, 1, 1)).phase == "Al"


def test_occupancies_of_a_structure_are_kept():
    again = read_crystal(plain_material(DISORDERED))
    assert [site.species for site in again] == [site.species for site in DISORDERED]
    slab = cut_slab(
        CrystalLayer(DISORDERED, (1, 0, 0), 8, ordering=Ordering((2, 1, 1)))
    )
    assert slab.structure.composition.reduced_formula == "NaLiF2"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "lattice"),
        ({"lattice": [[1, 0, 0]], "species": [], "frac_coords": []}, "lattice"),
        ({"lattice": np.eye(3) * 4, "species": ["Al"], "frac_coords": []}, "as many"),
    ],
)
def test_a_mapping_that_is_no_structure_is_refused(data, message):
    with pytest.raises(StructureError, match=message):
        read_crystal(data)


def test_a_spec_of_many_atoms_is_shown_in_one_line():
    slab = SlabLayer(fcc111("Al", (6, 6, 6), vacuum=8))
    assert repr(slab) == "SlabLayer(slab=<216 sites of Al>)"
    spec = InterfaceSpec("a name of some length", slab, slab, gap=2.5, start="joined")
    assert len(repr(spec)) < 120
    assert "film=<Al>, substrate=<Al>, gap=2.5" in repr(spec)


@pytest.mark.parametrize("miller", [(1, 0, 0), (1, 0, -1, 0)])
def test_only_what_differs_from_a_default_is_shown(miller):
    doped = Doping("Al", "Ge", 0.4, seed=2)
    assert repr(doped) == "Doping(seed=2, dopant='Al', host='Ge', x=0.4)"
    shown = repr(CrystalLayer("a/long/path/" * 9, miller, doping=doped))
    assert len(shown) < 120
    assert "\n" not in shown
