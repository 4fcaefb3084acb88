import json

import pytest

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.errors import AnalysisError

PBE = LevelOfTheory(
    code="vasp",
    version="6.4.3",
    functional="PBE",
    cutoff_ev=480.0,
    k_points="Gamma 3x2x1",
    smearing="Gaussian 0.05 eV",
    pseudopotentials=("PAW_PBE Li 17Jan2003", "PAW_PBE Ge 05Jan2001"),
)


def test_a_level_survives_json():
    assert LevelOfTheory.from_dict(json.loads(json.dumps(PBE.as_dict()))) == PBE


def test_the_order_of_pseudopotentials_is_no_difference():
    turned = LevelOfTheory.from_dict(
        PBE.as_dict() | {"pseudopotentials": list(PBE.pseudopotentials)[::-1]}
    )
    assert turned == PBE


def test_equal_levels_have_no_differences():
    assert PBE.differences(LevelOfTheory.from_dict(PBE.as_dict())) == {}


def test_differences_name_the_attribute_and_both_values():
    other = LevelOfTheory.from_dict(PBE.as_dict() | {"cutoff_ev": 500.0})
    assert PBE.differences(other) == {"cutoff_ev": (480.0, 500.0)}


def test_an_emulated_level_differs_and_says_so():
    emulated = LevelOfTheory.from_dict(PBE.as_dict() | {"emulated": True})
    assert emulated != PBE
    assert "EMULATED" in emulated.label
    assert "EMULATED" not in PBE.label


def test_a_level_that_a_file_told_in_part_has_a_label():
    """As of a run whose vasprun.xml names no version."""
    assert LevelOfTheory.label_of({"code": "vasp", "version": ""}) == "vasp"
    assert LevelOfTheory.label_of(PBE.as_dict()) == PBE.label


def test_keys_of_serializers_are_ignored_but_misspelled_keys_are_not():
    marked = PBE.as_dict() | {"@module": "x", "@class": "y"}
    assert LevelOfTheory.from_dict(marked) == PBE
    with pytest.raises(AnalysisError, match="cutof"):
        LevelOfTheory.from_dict(PBE.as_dict() | {"cutof": 1})


def test_a_level_without_a_functional_is_refused():
    with pytest.raises(AnalysisError, match="functional"):
        LevelOfTheory.from_dict({"code": "vasp", "version": "6"})


def test_a_slab_needs_fewer_pseudopotentials_than_its_interface():
    slab = LevelOfTheory.from_dict(
        PBE.as_dict() | {"pseudopotentials": ["PAW_PBE Li 17Jan2003"]}
    )
    assert PBE.differences(slab) == slab.differences(PBE) == {}


@pytest.mark.parametrize("titles", [["PAW_PBE Li_sv 10Sep2004"], []])
def test_another_or_an_unknown_pseudopotential_is_a_difference(titles):
    other = LevelOfTheory.from_dict(PBE.as_dict() | {"pseudopotentials": titles})
    assert list(PBE.differences(other)) == ["pseudopotentials"]
