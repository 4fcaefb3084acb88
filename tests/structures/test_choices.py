"""Terminations and matches as lists to choose from."""

from dataclasses import replace
from pathlib import Path

import pytest

from ionface.errors import StructureError
from ionface.structures.choices import (
    chosen_match,
    draw_matches,
    interface_matches,
    match_rows,
    termination_rows,
)
from ionface.structures.interface import build_interface
from ionface.structures.specs import CrystalLayer, InterfaceSpec, PolymerLayer

AG = str(Path(__file__).parent.parent / "data" / "Ag.cif")
SPEC = InterfaceSpec(
    "Cu|Ag",
    CrystalLayer("Li", (1, 0, 0), layers=2),
    CrystalLayer(AG, (1, 0, 0), layers=2, name="Ag"),
    max_area=150,
)


@pytest.fixture(scope="module")
def options():
    return interface_matches(SPEC)


def test_words_name_the_two_ends_of_the_trade_off(options):
    assert len(options) > 2
    smallest = options[chosen_match(options, "smallest", "x")]
    truest = options[chosen_match(options, "least-strain", "x")]
    assert smallest.atoms == min(option.atoms for option in options)
    assert truest.max_strain == pytest.approx(min(o.max_strain for o in options))
    assert smallest.max_strain > truest.max_strain


def test_the_model_is_built_on_the_match_of_that_name(options):
    model = build_interface(replace(SPEC, match="smallest"))
    index = chosen_match(options, "smallest", "x")
    assert model.provenance["match"]["index"] == index
    assert len(model.structure) == options[index].atoms


@pytest.mark.parametrize("wanted", [-1, 999])
def test_a_number_that_is_none_says_how_to_see_them(options, wanted):
    with pytest.raises(StructureError, match=r"numbered from 0 to .*--matches"):
        chosen_match(options, wanted, "x")


def test_rows_and_picture_have_every_match(options, tmp_path):
    rows = match_rows(options)
    assert [row["match"] for row in rows] == list(range(len(options)))
    draw_matches(options, 0, tmp_path / "m.png", "x")
    assert (tmp_path / "m.png").stat().st_size > 5_000


def test_repeats_reach_a_smallest_area(options):
    smallest = min(option.area for option in options)
    wide = interface_matches(replace(SPEC, min_area=2 * smallest))
    assert wide
    assert min(option.area for option in wide) >= 2 * smallest - 1e-6
    assert any(option.supercell > 1 for option in wide)
    with pytest.raises(StructureError, match="between min_area=149 and max_area=149"):
        interface_matches(replace(SPEC, min_area=149, max_area=149))


def test_a_film_made_in_its_partners_cell_has_no_matches():
    assert interface_matches(replace(SPEC, film=PolymerLayer("CCOCC"))) == []


def test_every_cut_is_listed_with_what_tells_it_apart():
    rows = termination_rows(CrystalLayer("LiF", (1, 1, 1), layers=2))
    assert [row["top/bottom"] for row in rows] == ["Li/F", "F/Li"]
    assert {row["Tasker"] for row in rows} == {3}
    layer = CrystalLayer("LiF", (1, 1, 1), layers=2, symmetric=True)
    excess = [(row["excess"], row["charge e"]) for row in termination_rows(layer)]
    assert excess == [("+1 Li", "+1"), ("+1 F", "-1")]
