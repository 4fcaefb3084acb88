"""Reactions of two phases: kinks, mutual energies, an element from outside."""

import pytest
from pymatgen.core import Composition

from ionface.analysis.thermodynamics.contact import contact
from ionface.analysis.thermodynamics.contact_result import Contacts
from ionface.analysis.thermodynamics.phases import PhaseSet
from ionface.analysis.thermodynamics.reaction import reaction_energy
from ionface.analysis.thermodynamics.window import window
from ionface.errors import AnalysisError


def test_two_elements_react_to_their_compound(lithium_iodide):
    found = contact(lithium_iodide, "Li", "I")
    assert found.driving_force == pytest.approx(-1.5)
    assert found.strongest.fraction == pytest.approx(0.5)
    assert found.strongest.products == pytest.approx({"LiI": 1.0})
    assert found.strongest.reaction == "Li + I -> LiI"


def test_the_ends_are_the_phases_alone(sevennet):
    found = contact(sevennet, "Li6PS5Cl", "Li")
    first, last = found.kinks[0], found.kinks[-1]
    assert (first.fraction, last.fraction) == pytest.approx((0.0, 1.0))
    assert first.energy == pytest.approx(0.0, abs=1e-6)
    assert last.energy == pytest.approx(-found.above_hull[0], abs=1e-6)


def test_mutual_energies_leave_out_what_a_phase_does_alone(sevennet):
    found = contact(sevennet, "Li6PS5Cl", "LiIn")
    for kink in found.kinks:
        alone = kink.fraction * found.above_hull[0]
        assert kink.mutual - kink.energy == pytest.approx(alone, abs=1e-6)
    assert found.kinks[0].mutual == pytest.approx(0.0, abs=1e-6)
    assert found.kinks[-1].mutual == pytest.approx(0.0, abs=1e-6)


def test_a_polymorph_that_is_named_starts_from_its_own_energy(sevennet):
    beta = contact(sevennet, "Li3PS4_beta", "Li").above_hull[0]
    gamma = contact(sevennet, "Li3PS4_gamma", "Li").above_hull[0]
    assert beta - gamma == pytest.approx(0.00771, abs=1e-5)  # eV/atom, of both energies


def test_atoms_balance_at_every_kink(sevennet):
    for kink in contact(sevennet, "Li10GeP2S12", "LiIn").kinks:
        sides = []
        for units in (kink.reactants, kink.products):
            total = Composition()
            for formula, n in units.items():
                total += Composition(formula) * n
            sides.append(total)
        assert sides[0].almost_equals(sides[1], rtol=1e-4)


def test_phases_that_do_not_react_have_no_driving_force(sevennet):
    found = contact(sevennet, "Li2S", "LiCl")
    assert found.driving_force == pytest.approx(0, abs=1e-4)
    assert found.products == "none: both stay"
    assert {kink.reaction for kink in found.kinks} == {
        "LiCl: no reaction",
        "Li2S: no reaction",
    }


def test_lithium_from_outside_gives_the_steps_of_each_phase_alone(sevennet):
    found = contact(sevennet, "Li6PS5Cl", "In", potential=1.0)
    alone = found.kinks[-1]
    assert alone.fraction == pytest.approx(1.0)
    step = window(sevennet, "Li6PS5Cl").at(1.0)
    # 13 atoms of Li6PS5Cl, of which 7 are counted
    assert alone.energy == pytest.approx(step.energy_at(1.0) * 13 / 7, abs=1e-4)
    assert alone.mutual == pytest.approx(0.0, abs=1e-6)
    assert alone.products == pytest.approx(dict(step.products), abs=1e-4)


def test_an_alloy_at_its_plateau_neither_takes_nor_gives(sevennet):
    from ionface.analysis.thermodynamics.hull import hull

    plateau = hull(sevennet, ["Li", "In"]).plateaus[0].potential
    found = contact(sevennet, "Li2S", "LiIn", potential=plateau)
    assert found.kinks[0].energy == pytest.approx(0.0, abs=1e-4)


def test_a_potential_below_the_metal_is_refused(sevennet):
    with pytest.raises(AnalysisError, match=r"potential=-0.1 V.*plate"):
        contact(sevennet, "Li2S", "In", potential=-0.1)


def test_the_element_from_outside_cannot_be_a_phase_too(sevennet):
    with pytest.raises(AnalysisError, match=r"Li is offered at 0\.1 V"):
        contact(sevennet, "Li2S", "Li", potential=0.1)


def test_a_phase_does_not_react_with_itself(sevennet):
    with pytest.raises(AnalysisError, match="one compound, Li3PS4"):
        contact(sevennet, "Li3PS4_beta", "Li3PS4_gamma")


def test_contacts_come_back_from_json(sevennet):
    found = Contacts(
        (
            contact(sevennet, "Li6PS5Cl", "Li"),
            contact(sevennet, "Li2S", "In", potential=0.5),
        )
    )
    assert Contacts.from_dict(found.as_dict()) == found
    assert "Li6PS5Cl|Li: -0.56" in found.summary()


def test_a_reaction_is_balanced_and_counted_per_first_reactant(lithium_iodide):
    assert reaction_energy(lithium_iodide, "2 Li + 2 I -> 2 LiI") == pytest.approx(-3.0)
    assert reaction_energy(lithium_iodide, "LiI -> Li + I") == pytest.approx(3.0)


@pytest.mark.parametrize("text", ["LiI", "Li + I", "Li -> I", "-> LiI", "LiI -> Li"])
def test_what_is_no_balanced_reaction_is_refused(lithium_iodide, text):
    with pytest.raises(AnalysisError, match=r"is no reaction|balance"):
        reaction_energy(lithium_iodide, text)


def test_a_reaction_with_an_unknown_compound_is_refused(lithium_iodide):
    with pytest.raises(AnalysisError, match="'LiBr' is not among"):
        reaction_energy(PhaseSet.of(lithium_iodide.phases), "LiBr + I -> LiI + Br")
