"""Which phases may be combined, and how they are found."""

import json
import math
from dataclasses import replace

import pytest

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.thermodynamics.phases import PhaseSet
from ionface.errors import AnalysisError, LedgerError

PBE = LevelOfTheory("vasp", "6.4.2", "PBE")


def test_energies_of_two_functionals_are_not_combined(make_phase):
    other = replace(PBE, functional="PBEsol")
    with pytest.raises(LedgerError, match=r"'Li' and 'LiI'.*functional.*one level"):
        PhaseSet.of([make_phase("Li", -2.0), make_phase("LiI", -7.0, other)])


def test_each_phase_has_its_own_mesh(make_phase):
    coarse = replace(PBE, k_points="Gamma 3x3x3")
    fine = replace(PBE, k_points="Gamma 9x9x9")
    each = [make_phase("Li", -2.0, fine), make_phase("LiI", -7.0, coarse)]
    assert len(PhaseSet.of(each).phases) == 2


def test_pseudopotentials_are_compared_element_by_element(make_phase):
    li, s, i = (f"PAW_PBE {name} 01Jan2001" for name in ("Li", "S", "I"))
    sulfide = replace(PBE, pseudopotentials=(li, s))
    iodide = replace(PBE, pseudopotentials=(li, i))
    each = [make_phase("Li2S", -9.0, sulfide), make_phase("LiI", -7.0, iodide)]
    assert len(PhaseSet.of(each).phases) == 2
    semicore = replace(PBE, pseudopotentials=("PAW_PBE Li_sv 10Sep2004", i))
    with pytest.raises(LedgerError, match="pseudopotentials"):
        PhaseSet.of([each[0], make_phase("LiI", -7.0, semicore)])


def test_a_difference_between_two_later_phases_is_seen_too(make_phase):
    plain = replace(PBE, by_element={"Li": "", "Co": ""})
    with_u = replace(PBE, by_element={"O": "", "Co": "U-J=3.32 l=2"})
    alone = replace(PBE, by_element={"Li": ""})
    with pytest.raises(LedgerError, match=r"'LiCo' and 'CoO'.*Co"):
        PhaseSet.of(
            [
                make_phase("Li", -2.0, alone),
                make_phase("LiCo", -9.0, plain),
                make_phase("CoO", -12.0, with_u),
            ]
        )


def test_an_energy_that_is_none_is_named(make_phase):
    with pytest.raises(AnalysisError, match="'LiI' has no finite energy"):
        PhaseSet.of([make_phase("Li", -2.0), make_phase("LiI", math.nan)])


def test_no_phase_at_all_is_refused():
    with pytest.raises(AnalysisError, match="no phase in here"):
        PhaseSet.of([], sources=["here"])


def test_a_phase_is_found_by_name_or_by_any_form_of_its_formula(sevennet):
    assert sevennet.lowest("Li3PS4_beta").name == "Li3PS4_beta"
    assert sevennet.lowest("Li3PS4").name == "Li3PS4_gamma"  # the lower one
    assert sevennet.lowest("Li10GeP2S12").formula == "Li10Ge(PS6)2"
    # a formula, though one polymorph is called so
    assert sevennet.lowest("InS").name == "mp-19795"


@pytest.mark.parametrize("name", ["Li6PS5Br", "no formula", "mp-0"])
def test_a_phase_that_is_not_there_is_named_with_what_is(lithium_iodide, name):
    with pytest.raises(AnalysisError, match=rf"'{name}' is not among.*LiI"):
        lithium_iodide.lowest(name)


def test_an_unknown_polymorph_is_answered_with_those_there_are(sevennet):
    with pytest.raises(AnalysisError, match="did you mean Li3PS4_beta"):
        sevennet.lowest("Li3PS4_delta")


def test_what_nobody_observed_stays_away_unless_it_is_asked_for(lithium_iodide):
    def formulas(phases):
        return {phase.formula for phase in phases.phases}

    system = ["Li", "I"]
    assert formulas(lithium_iodide.within(system)) == {"Li", "I", "LiI"}
    assert "LiI3" in formulas(lithium_iodide.within(system, predicted=True))
    wanted = lithium_iodide.lowest("LiI3")
    assert "LiI3" in formulas(lithium_iodide.within(system, asked=[wanted]))


def test_a_phase_is_left_out_by_name(lithium_iodide):
    left = lithium_iodide.without(["LiI3"])
    assert {phase.formula for phase in left.phases} == {"Li", "I", "LiI"}
    with pytest.raises(AnalysisError, match="LiI5"):
        lithium_iodide.without(["LiI5"])


def test_phases_come_back_from_json(lithium_iodide):
    text = json.dumps(lithium_iodide.as_dict())
    assert PhaseSet.from_dict(json.loads(text)) == lithium_iodide


def test_other_json_is_refused():
    with pytest.raises(AnalysisError, match=r"no phases of ionface.*results/phases"):
        PhaseSet.from_dict({"phases": [{}]})
