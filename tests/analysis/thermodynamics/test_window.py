"""Windows: limits, steps, energies, and their spread."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest

from ionface.analysis.thermodynamics.phases import PhaseSet
from ionface.analysis.thermodynamics.window import window
from ionface.analysis.thermodynamics.window_result import Windows
from ionface.errors import AnalysisError

CHGNET = "PBE with Materials Project 2020 corrections"


def test_a_binary_salt_is_stable_from_0_v_to_its_energy_of_formation(lithium_iodide):
    found = window(lithium_iodide, "LiI")
    assert found.limits == pytest.approx((0.0, 3.0))
    assert [step.uptake for step in found.steps] == pytest.approx([0.0, -1.0])
    assert found.at(0.0).energy_at(0.0) == pytest.approx(0.0, abs=1e-5)
    # beyond the limit it gains 1 eV per V and Li: half of it per atom
    assert found.at(4.0).energy_at(4.0) == pytest.approx(-0.5, abs=1e-5)


def test_the_energy_of_the_reaction_has_no_jump_at_a_step(sevennet):
    steps = window(sevennet, "Li6PS5Cl").steps
    for before, after in pairwise(steps):
        assert before.to_v == after.from_v
        assert before.energy_at(before.to_v) == pytest.approx(
            after.energy_at(after.from_v), abs=2e-5
        )


def test_atoms_balance_in_every_step(sevennet):
    from pymatgen.core import Composition

    found = window(sevennet, "Li10GeP2S12")
    for step in found.steps:
        left = Composition(found.compound) + Composition({"Li": 100})
        right = Composition({"Li": 100 - step.uptake})
        for formula, units in step.products.items():
            right += Composition(formula) * units
        assert left.almost_equals(right, rtol=1e-4)


def test_a_metastable_compound_starts_from_its_own_energy(make_phase):
    phases = [make_phase("Li", -2.0), make_phase("I", -2.0), make_phase("LiI", -7.0)]
    loose = make_phase("LiI3", -10.0)  # 1 eV above LiI + 2 I
    found = window(PhaseSet.of([*phases, loose]), "LiI3")
    assert found.above_hull == pytest.approx(0.25)
    assert found.decomposition == pytest.approx({"LiI": 1.0, "I": 2.0})
    # LiI3 + 2 Li -> 3 LiI: -21 + 10 + 4 = -7 eV, for 4 atoms
    assert found.at(0.0).energy_at(0.0) == pytest.approx(-7 / 4, abs=1e-5)


def test_an_element_other_than_a_metal_gives_a_chemical_potential(sevennet):
    found = window(sevennet, "Li3PO4", "O")
    assert found.unit == "eV"
    assert found.limits[0] == 0.0  # stable in oxygen
    assert "O2" in found.steps[-1].reaction("Li3PO4", "O")


def test_the_spread_holds_raw_and_corrected_energies(sevennet):
    found = window(sevennet, "Li2S")
    # -0.503 eV for the one S that Li2S loses with two Li
    shift = found.spread["mp2020"][1] - found.spread["none"][1]
    assert shift == pytest.approx(0.503 / 2, abs=1e-4)
    assert found.errors[1] == (found.spread["none"][1], found.spread["mp2020"][1])


def test_another_engine_widens_the_spread(sevennet):
    level = replace(sevennet.level, model="another")
    shifted = [
        replace(p, level=level, energy=p.energy - 0.2 * (p.formula == "Li2S"))
        for p in sevennet.phases
    ]
    found = window(sevennet, "Li2S", beside={"another": PhaseSet.of(shifted)})
    assert found.spread["another"][1] - found.limits[1] == pytest.approx(0.1, abs=1e-4)


def test_corrections_are_refused_where_energies_have_them(lithium_iodide):
    level = replace(lithium_iodide.level, functional=CHGNET)
    corrected = PhaseSet.of([replace(p, level=level) for p in lithium_iodide.phases])
    with pytest.raises(AnalysisError, match=r"fitted to raw PBE.*corrections=none"):
        window(corrected, "LiI", corrections="mp2020")
    assert window(corrected, "LiI").spread == {}


def test_corrections_are_refused_with_a_dispersion_or_a_u_of_ones_own(lithium_iodide):
    for changed in ({"dispersion": "D3"}, {"by_element": {"Li": "U-J=2 l=0"}}):
        level = replace(lithium_iodide.level, **changed)
        phases = PhaseSet.of([replace(p, level=level) for p in lithium_iodide.phases])
        with pytest.raises(AnalysisError, match="corrections=mp2020"):
            window(phases, "LiI", corrections="mp2020")
        assert window(phases, "LiI").spread == {}


def test_a_sulfate_is_not_corrected_as_a_sulfide(make_phase):
    from ionface.analysis.thermodynamics.corrections import correction

    sulfate = correction(make_phase("Li2SO4", -40.0), "mp2020")
    assert sulfate == pytest.approx(4 * -0.687)
    assert correction(make_phase("Li2O2", -20.0), "mp2020") == pytest.approx(2 * -0.465)
    assert correction(make_phase("LiCl", -7.0), "mp2020") == pytest.approx(-0.614)
    assert correction(make_phase("Cl2", -4.0), "mp2020") == 0.0


def test_an_unknown_scheme_is_named(lithium_iodide):
    with pytest.raises(AnalysisError, match="unknown corrections='mp2025'"):
        window(lithium_iodide, "LiI", corrections="mp2025")


def test_a_compound_that_is_not_there_is_named(lithium_iodide):
    with pytest.raises(AnalysisError, match="'LiBr' is not among the phases"):
        window(lithium_iodide, "LiBr")


def test_the_window_of_the_element_itself_is_refused(lithium_iodide):
    with pytest.raises(AnalysisError, match="Li is Li itself"):
        window(lithium_iodide, "Li")


def test_a_potential_below_the_metal_is_refused(lithium_iodide):
    with pytest.raises(AnalysisError, match=r"potential=-1 V.*plate"):
        window(lithium_iodide, "LiI").at(-1.0)


def test_a_predicted_compound_has_a_window_if_it_is_asked_for(lithium_iodide):
    assert window(lithium_iodide, "LiI3").compound == "LiI3"


def test_windows_come_back_from_json(lithium_iodide):
    found = Windows((window(lithium_iodide, "LiI"), window(lithium_iodide, "LiI3")))
    again = Windows.from_dict(found.as_dict())
    assert again == found
    assert math.isinf(again.windows[0].steps[-1].to_v)
    assert "LiI: 0.00 to 3.00 V" in found.summary()
