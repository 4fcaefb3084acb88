"""The papers' settings, and that nothing they leave open goes without a reason."""

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.study.protocols import LI_2024, LUO_2021, PROTOCOLS, protocol


def test_li_2024_is_what_the_supporting_information_states():
    stated = (LI_2024.functional, LI_2024.cutoff, LI_2024.ediff, LI_2024.fmax)
    assert stated == ("PBE", 480.0, 1e-5, 0.02)
    assert LI_2024.vacuum == 20.0


def test_luo_2021_is_what_the_paper_states():
    stated = (LUO_2021.functional, LUO_2021.cutoff, LUO_2021.timestep)
    assert stated == ("PBE", 500.0, 2.0)
    assert (LUO_2021.temperature, LUO_2021.steps) == (300.0, 10000)


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_every_open_choice_has_a_reason_and_every_protocol_a_source(name):
    found = protocol(name)
    assert found.source
    assert all(len(choice.reason) > 20 for choice in found.choices)
    open_in_both = {"k_spacing", "ISMEAR", "SIGMA", "dispersion", "dipole", "potcars"}
    assert open_in_both <= {choice.name for choice in found.choices}


def test_an_unknown_protocol_names_the_closest():
    with pytest.raises(IonfaceError, match="did you mean 'li-2024'"):
        protocol("li-2023")


def test_a_choice_that_is_not_made_is_a_key_error():
    with pytest.raises(KeyError, match="makes no choice of SPIN"):
        LI_2024.choice("SPIN")


def test_the_default_lithium_converges_at_both_cutoffs():
    from ionface.workflows.engines.vasp.potcars import RECOMMENDED

    # ENMAX of Li_sv is 499 eV, of plain Li 140 eV (VASP's table of PBE potentials)
    assert RECOMMENDED["Li"] == "Li"
