"""Contradictions in the section `vasp` are refused with the key and the way out."""

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.study.vasp_settings import MANAGED, VaspSettings


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


def test_a_wall_time_within_the_reserve_leaves_no_time_for_a_step():
    with pytest.raises(IonfaceError, match="leave no time for a step"):
        VaspSettings(walltime=0.1)
    assert VaspSettings(walltime=24).walltime_s == 86400


@pytest.mark.parametrize("name", ["k_spacing", "cores", "ncore", "kpar", "memory"])
def test_numbers_must_be_positive(name):
    with pytest.raises(IonfaceError, match=f"vasp.{name} must be above 0"):
        VaspSettings(**{name: -1})


def test_an_unknown_dispersion_lists_the_known_ones():
    with pytest.raises(IonfaceError, match=r"D3\(BJ\)"):
        VaspSettings(dispersion="D4")


def test_pydantic_reads_the_section_and_refuses_unknown_keys():
    from pydantic import TypeAdapter, ValidationError

    adapter = TypeAdapter(VaspSettings)
    read = adapter.validate_python({"incar": {"ISPIN": 2}, "dipole": "off"})
    assert read == VaspSettings(incar={"ISPIN": 2}, dipole="off")
    assert adapter.validate_python(adapter.dump_python(read, mode="json")) == read
    with pytest.raises(ValidationError, match="dipol"):
        adapter.validate_python({"dipol": "off"})


def test_yamls_on_and_off_are_words():
    import yaml
    from pydantic import TypeAdapter

    given = yaml.safe_load("{dipole: off, prerelax: off}")
    read = TypeAdapter(VaspSettings).validate_python(given)
    assert (read.dipole, read.prerelax) == ("off", "off")
    assert VaspSettings(dipole=True).dipole == "on"
