import pytest

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double.pseudopotentials import parse, read
from ionface.workflows.engines.vasp_double.stand_in_potcars import stand_in
from ionface.workflows.engines.vasp_double.valences import ELEMENTS


def test_a_potcar_tells_title_valence_cutoff_and_mass():
    li, ge = parse(stand_in("Li") + stand_in("Ge_d"))
    assert (li.element, li.valence, li.enmax) == ("Li", 1, 140)
    assert (ge.element, ge.valence) == ("Ge", 14)
    assert ge.mass == pytest.approx(72.63, abs=0.01)
    assert ge.title == "PAW_PBE Ge_d STANDIN"


def test_a_potcars_own_numbers_come_before_the_table():
    text = "TITEL = PAW_PBE Li 17Jan2003\nPOMASS = 7.0; ZVAL = 3.0\nENMAX = 499.0; x\n"
    (found,) = parse(text)
    assert (found.valence, found.enmax, found.mass) == (3, 499, 7)


@pytest.mark.parametrize("name", ["POTCAR", "POTCAR.spec", "POTCAR.titles"])
def test_a_list_of_titles_or_symbols_will_do(tmp_path, name):
    (tmp_path / name).write_text("PAW_PBE Li_sv 10Sep2004\nS\n")
    first, second = read(tmp_path)
    assert first.title == "PAW_PBE Li_sv 10Sep2004"
    assert (first.valence, second.valence) == (3, 6)
    assert second.title == "PAW_PBE S"


def test_an_element_is_known_by_any_of_its_pseudopotentials():
    (found,) = parse("PAW_PBE Ca 01Jan2000")
    assert found.element == "Ca"


@pytest.mark.parametrize("text", ["", "PAW_PBE Xx 01Jan2000\n"])
def test_nothing_and_the_unknown_are_refused(tmp_path, text):
    (tmp_path / "POTCAR.spec").write_text(text)
    if not text:
        (tmp_path / "POTCAR.spec").unlink()
    with pytest.raises(InputError, match="POTCAR"):
        read(tmp_path)


def test_the_table_is_physical():
    from ase.data import atomic_numbers

    for name, facts in ELEMENTS.items():
        assert 0 < facts.valence <= atomic_numbers[name.partition("_")[0]]
        assert 50 < facts.enmax < 600
