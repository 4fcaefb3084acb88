"""Products of a contact beside the bonds that its dynamics formed."""

import pytest

from ionface.analysis.thermodynamics.contact import contact
from ionface.analysis.thermodynamics.formed import bonds_of, formed_products, sentences


@pytest.mark.parametrize(
    ("formula", "pairs"),
    [
        ("Li2S", ("Li-S",)),
        ("LiInS2", ("Li-S", "In-S")),
        ("P", ("P-P",)),
        ("LiIn", ("Li-In",)),
    ],
)
def test_a_compound_is_known_by_its_bonds(formula, pairs):
    assert set(bonds_of(formula)) == set(pairs)


def test_products_are_formed_where_their_bonds_grew(sevennet):
    found = contact(sevennet, "Li6PS5Cl", "In")  # LiInS2 + Li2S + InP + LiCl
    counts = {"S-In": (4.0, 30.0), "In-P": (0.0, 1.0), "Li-S": (100.0, 102.0)}
    told = {p.formula: p.formed for p in formed_products(found, counts)}
    assert told == {"LiInS2": False, "Li2S": False, "InP": False, "LiCl": None}
    grown = counts | {"Li-S": (60.0, 140.0)}
    told = {p.formula: p.formed for p in formed_products(found, grown)}
    assert told["LiInS2"] is True
    assert told["Li2S"] is True


def test_it_is_said_in_sentences(sevennet):
    found = contact(sevennet, "Li6PS5Cl", "In")
    first, *rest = sentences(found, {"In-P": (0.0, 20.0)})
    assert first.startswith("expected: ")
    assert "InP: its bonds grew (In-P 0 to 20)" in rest
    assert "LiCl: its bonds were not followed" in rest


def test_phases_that_do_not_react_promise_no_products(sevennet):
    found = contact(sevennet, "Li2S", "LiCl")
    assert sentences(found, {"Li-S": (60.0, 60.0)}) == [
        "expected: none, Li2S and LiCl do not react"
    ]
