import numpy as np
import pytest

from ionface.analysis.rdf.rdf import crystal_rdf
from ionface.analysis.reactions.bond_rule import (
    HYSTERESIS,
    BondRule,
    bond_length,
    bond_rules,
    shells,
)
from ionface.errors import AnalysisError


def crystal(radii_and_numbers, pair=("In", "S")):
    """Return the RDF of an atom with neighbors at these distances, in a large cell."""
    rng = np.random.default_rng(0)
    places = [[0.0, 0.0, 0.0]]
    for radius, number in radii_and_numbers:
        directions = rng.normal(size=(number, 3))
        directions /= np.linalg.norm(directions, axis=1)[:, None]
        places += (radius * directions).tolist()
    species = [pair[0]] + [pair[1]] * (len(places) - 1)
    names = ["-".join(pair)]
    return crystal_rdf(species, np.eye(3) * 40, places, names, cutoff=6.0, bins=240)


INDIUM_CHLORIDE = crystal([(2.84, 1), (3.20, 4), (3.94, 2)], ("In", "Cl"))
INDIUM_SULFIDE = crystal([(2.56, 1), (2.58, 2), (3.43, 2), (3.84, 2)])


def test_shells_are_the_first_two_and_the_emptiest_place_between():
    np.testing.assert_allclose(
        shells(INDIUM_CHLORIDE, "In-Cl"), [2.84, 3.0, 3.2], atol=0.03
    )
    np.testing.assert_allclose(
        shells(INDIUM_CHLORIDE, "Cl-In"), [2.84, 3.0, 3.2], atol=0.03
    )
    np.testing.assert_allclose(
        shells(INDIUM_SULFIDE, "In-S"), [2.57, 3.0, 3.43], atol=0.03
    )
    assert len(shells(INDIUM_SULFIDE, "In-Cl")) == 0


def test_a_split_shell_is_one():
    spinel = crystal([(2.48, 2), (2.55, 2), (2.63, 2), (2.76, 2), (4.3, 6)])
    assert shells(spinel, "In-S")[2] == pytest.approx(4.3, abs=0.03)


@pytest.mark.parametrize(
    ("reference", "pair"), [(INDIUM_CHLORIDE, "In-Cl"), (INDIUM_SULFIDE, "In-S")]
)
def test_a_bond_ends_in_the_first_minimum_before_the_second_shell(reference, pair):
    rule = BondRule.of(pair, {"crystal": reference})
    first, minimum, second = shells(reference, pair)
    assert first < rule.form < minimum < rule.release < second
    assert rule.release - rule.form <= HYSTERESIS + 1e-9
    # what is assumed where no crystal is given is the same
    default = BondRule.of(pair)
    assert default.form == pytest.approx(rule.form, abs=0.03)
    assert default.release < second


def test_shells_close_to_one_another_leave_room_for_less_hysteresis():
    rule = BondRule.of("In-S", {"close": crystal([(2.6, 4), (2.86, 4), (4.0, 4)])})
    assert 2.6 < rule.form < rule.release < 2.86
    assert rule.release - rule.form < HYSTERESIS


def test_of_several_crystals_that_with_the_shortest_bonds_decides():
    trichloride = crystal([(2.46, 6), (4.55, 12)], ("In", "Cl"))
    references = {"InCl3": trichloride, "InCl": INDIUM_CHLORIDE}
    rule = BondRule.of("In-Cl", references)
    assert rule.form == min(
        BondRule.of("In-Cl", {n: r}).form for n, r in references.items()
    )


@pytest.mark.parametrize("length", [3.2, 3.3, 3.5, 4.5])
def test_a_rule_that_reaches_the_second_shell_of_a_reference_is_refused(length):
    second = r"reaches the second shell of InCl at 3\.2.*3\.0"
    with pytest.raises(AnalysisError, match=second):
        bond_rules(["In-Cl"], {"InCl": INDIUM_CHLORIDE}, {"In-Cl": length})
    with pytest.raises(AnalysisError, match=second):
        BondRule(3.1, length + 0.1).check("In-Cl", {"InCl": INDIUM_CHLORIDE})
    BondRule(2.95, 3.1).check("In-Cl", {"InCl": INDIUM_CHLORIDE})


@pytest.mark.parametrize("length", [2.5, 2.84])
def test_a_rule_that_misses_the_first_shell_of_all_references_is_refused(length):
    first = r"misses the first shell of InCl at 2\.8.*3\.0"
    with pytest.raises(AnalysisError, match=first):
        bond_rules(["In-Cl"], {"InCl": INDIUM_CHLORIDE}, {"In-Cl": length})
    trichloride = crystal([(2.26, 6), (4.55, 12)], ("In", "Cl"))
    both = {"InCl": INDIUM_CHLORIDE, "InCl3": trichloride}
    if length < 2.84:  # longer bonds of another crystal are none by a rule, or all are
        bond_rules(["In-Cl"], both, {"In-Cl": length})
    else:
        with pytest.raises(AnalysisError, match=first):
            bond_rules(["In-Cl"], both, {"In-Cl": length})


def test_other_pairs_end_at_a_multiple_of_their_covalent_radii():
    assert bond_length("In-S") == bond_length("S-In") == 3.0
    assert bond_length("Li-F") == pytest.approx(1.2 * (1.28 + 0.57))
    rule = BondRule.of("Li-F")
    assert (rule.form + rule.release) / 2 == pytest.approx(bond_length("Li-F"))


def test_lengths_in_the_wrong_order_are_refused():
    for numbers in [(3.0, 2.9, 0), (-1, 2, 0), (1, np.inf, 0), (1, 2, -1)]:
        with pytest.raises(AnalysisError, match="breaks beyond"):
            BondRule(*numbers)
    with pytest.raises(AnalysisError, match="must be positive"):
        BondRule.around(-2.0)
    with pytest.raises(AnalysisError, match="no pair"):
        bond_rules([])
    with pytest.raises(AnalysisError, match="no chemical elements"):
        bond_length("In-Qq")
