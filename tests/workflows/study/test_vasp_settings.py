"""Contradictions in the section `vasp` are refused with the key and the way out."""

import pytest
from pydantic import TypeAdapter, ValidationError

from ionface.errors import IonfaceError
from ionface.workflows.study.incar_keys import MANAGED, POSITIVE
from ionface.workflows.study.vasp_settings import VaspSettings


@pytest.mark.parametrize("key", sorted(MANAGED))
def test_keys_that_a_study_sets_elsewhere_are_refused_in_incar(key):
    with pytest.raises(IonfaceError, match=f"{key} is set by"):
        VaspSettings(incar={key: 1})


def test_lower_case_keys_are_the_same_keys():
    assert VaspSettings(incar={"encut": 600}).incar == {"ENCUT": 600}
    with pytest.raises(IonfaceError, match="NSW is set by"):
        VaspSettings(incar={"nsw": 5})


@pytest.mark.parametrize("mass", [-3, -1, "-3"])
def test_no_smass_below_zero_is_a_nose_thermostat(mass):
    with pytest.raises(IonfaceError, match="-3 is NVE"):
        VaspSettings(incar={"SMASS": mass})


@pytest.mark.parametrize("key", POSITIVE)
@pytest.mark.parametrize("value", [-1, 0, "-0.1", float("nan")])
def test_widths_cutoffs_and_counts_are_above_zero(key, value):
    with pytest.raises(IonfaceError, match=rf"{key}: {value!r} must be above 0; leave"):
        VaspSettings(incar={key: value})


def test_a_wall_time_within_the_reserve_leaves_no_time_for_a_step():
    with pytest.raises(IonfaceError, match="leave no time for a step"):
        VaspSettings(walltime=0.1)
    assert VaspSettings(walltime=24).walltime_s == 86400


@pytest.mark.parametrize("name", ["k_spacing", "cores", "ncore", "kpar", "memory"])
def test_numbers_must_be_positive(name):
    with pytest.raises(ValidationError, match=rf"{name}\n.*greater than 0"):
        TypeAdapter(VaspSettings).validate_python({name: -1})


def test_an_unknown_dispersion_lists_the_known_ones():
    with pytest.raises(ValidationError, match=r"D3\(BJ\)"):
        TypeAdapter(VaspSettings).validate_python({"dispersion": "D4"})


@pytest.mark.parametrize("key", ["LDAUU", "LDAUJ", "LDAUL", "MAGMOM"])
@pytest.mark.parametrize(
    "value", ["0 3.32 0", [0, 3.32, 0], 3.32, {"Xx": 1}, {"Co": "a"}]
)
def test_what_goes_by_species_must_name_elements(key, value):
    with pytest.raises(
        IonfaceError, match=rf"{key}: .* must name elements.*{key}: {{Ti"
    ):
        VaspSettings(incar={"LDAUU": {"Co": 3.32}, key: value})


def test_pymatgens_form_by_anion_is_one_value_for_an_element():
    nested = VaspSettings(incar={"LDAUU": {"O": {"Co": 3.32}, "Ti": 4}})
    assert nested.incar == {"LDAUU": {"Co": 3.32, "Ti": 4.0}}
    with pytest.raises(IonfaceError, match=r"3.32 and 4 for Co.*one value"):
        VaspSettings(incar={"LDAUU": {"O": {"Co": 3.32}, "F": {"Co": 4}}})


@pytest.mark.parametrize("key", ["MAGMOM", "LDAUU"])
def test_spins_contradict_a_closed_shell(key):
    with pytest.raises(IonfaceError, match=f"{key} contradicts ISPIN = 1"):
        VaspSettings(incar={"ISPIN": 1, key: {"Ti": 1}})


def test_a_key_of_dft_u_without_u_is_refused():
    with pytest.raises(IonfaceError, match="LDAU without LDAUU does nothing"):
        VaspSettings(incar={"LDAU": True})


def test_lists_by_species_that_have_no_form_by_element_are_refused():
    with pytest.raises(IonfaceError, match="ROPT lists species"):
        VaspSettings(incar={"ROPT": [1e-3, 1e-3]})


def test_pydantic_reads_the_section_and_refuses_unknown_keys():
    adapter = TypeAdapter(VaspSettings)
    read = adapter.validate_python({"incar": {"ISPIN": 2}, "dipole": "off"})
    assert read == VaspSettings(incar={"ISPIN": 2}, dipole="off")
    assert adapter.validate_python(adapter.dump_python(read, mode="json")) == read
    with pytest.raises(ValidationError, match="dipol"):
        adapter.validate_python({"dipol": "off"})


def test_yamls_on_and_off_are_words():
    import yaml

    given = yaml.safe_load("{dipole: off, prerelax: off}")
    read = TypeAdapter(VaspSettings).validate_python(given)
    assert (read.dipole, read.prerelax) == ("off", "off")
    assert VaspSettings(dipole=True).dipole == "on"


def test_a_slip_of_the_pen_in_a_key_is_no_new_key():
    with pytest.raises(IonfaceError, match=r"ENCUTT is no key.*'ENCUT'"):
        VaspSettings(incar={"ENCUTT": 520})
    assert VaspSettings(incar={"KEYOFTHENEXTVASP": 1}).incar


def test_a_value_that_vasp_does_not_know_is_refused():
    with pytest.raises(IonfaceError, match=r"ISPIN: 5 is none of the values.*: 1, 2"):
        VaspSettings(incar={"ISPIN": 5})
    assert VaspSettings(incar={"ISPIN": 2}).incar == {"ISPIN": 2}
