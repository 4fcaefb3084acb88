from dataclasses import FrozenInstanceError

import pytest
from pydantic import TypeAdapter, ValidationError

from ionface.structures.specs import CrystalLayer, Doping, InterfaceSpec, PolymerLayer

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
