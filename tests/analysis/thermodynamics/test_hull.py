"""Hulls against hand-made ones, and plateaus against thermodynamics."""

import pytest

from ionface.analysis.thermodynamics.hull import hull
from ionface.analysis.thermodynamics.hull_result import Hull
from ionface.analysis.thermodynamics.literature import Literature
from ionface.analysis.thermodynamics.phases import PhaseSet
from ionface.errors import AnalysisError


def test_formation_energies_are_counted_from_the_elements(lithium_iodide):
    found = {phase.formula: phase for phase in hull(lithium_iodide).phases}
    assert found["LiI"].formation == pytest.approx(-1.5)  # (-7 + 2 + 2) / 2 per atom
    assert found["Li"].formation == pytest.approx(0.0)
    assert set(found) == {"Li", "I", "LiI"}


def test_an_unstable_phase_lies_above_the_hull_by_its_decomposition(lithium_iodide):
    found = {p.formula: p for p in hull(lithium_iodide, predicted=True).phases}
    # LiI3 -> LiI + 2 I: -7 - 4 against -11.5: stable; 1 eV less and it is not
    assert found["LiI3"].stable
    worse = PhaseSet.of(
        [p for p in lithium_iodide.phases if p.formula != "LiI3"]
        + [
            type(lithium_iodide.phases[0])(
                "LiI3", {"Li": 1, "I": 3}, -10.5, lithium_iodide.level
            )
        ]
    )
    unstable = {p.formula: p for p in hull(worse).phases}["LiI3"]
    assert unstable.above_hull == pytest.approx(0.5 / 4)
    assert unstable.products == pytest.approx({"LiI": 1.0, "I": 2.0})


def test_a_plateau_is_the_energy_of_its_reaction(make_phase):
    # In + Li -> LiIn at -0.6 eV; LiIn + Li -> Li2In at -0.2 eV
    phases = PhaseSet.of(
        [
            make_phase("Li", -2.0),
            make_phase("In", -3.0),
            make_phase("LiIn", -5.6),
            make_phase("Li2In", -7.8),
        ]
    )
    plateaus = hull(phases).plateaus
    assert [(p.poor, p.rich) for p in plateaus] == [("In", "LiIn"), ("LiIn", "Li2In")]
    assert [p.potential for p in plateaus] == pytest.approx([0.6, 0.2])
    assert plateaus[0].metal_fraction == pytest.approx((0.0, 0.5))


def test_a_system_of_three_elements_has_no_plateaus(sevennet):
    assert hull(sevennet, ["Li", "P", "S"]).plateaus == ()


def test_an_element_without_reference_is_named(lithium_iodide):
    with pytest.raises(AnalysisError, match="no reference for Cl in the hull of Li-Cl"):
        hull(lithium_iodide, ["Li", "Cl"])


def test_what_is_no_element_is_named(lithium_iodide):
    with pytest.raises(AnalysisError, match="'Lx' is no element"):
        hull(lithium_iodide, ["Lx"])


def test_missing_phases_are_named_with_what_they_decide(lithium_iodide):
    literature = Literature(
        {"LiI": "", "LiI3": "all of it", "Li2I": "", "NaCl": ""},
        {"Li-I": "fails", "Na-Cl": "works"},
    )
    found = hull(lithium_iodide, literature=literature)
    assert found.lacking == ("LiI3 (all of it)", "Li2I")
    assert found.remarks == ("Li-I: fails",)


def test_a_hull_comes_back_from_json(lithium_iodide):
    found = hull(lithium_iodide, predicted=True)
    assert Hull.from_dict(found.as_dict()).as_dict() == found.as_dict()
    assert "3 stable" in hull(lithium_iodide).summary()
    assert len(list(found.rows())) == 4
