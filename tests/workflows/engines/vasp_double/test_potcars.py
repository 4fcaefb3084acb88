"""The stand-ins for POTCARs: pymatgen reads them, and nothing licensed is in them."""

import pytest
from ase.data import atomic_numbers
from pymatgen.io.vasp import Potcar, PotcarSingle

from ionface.errors import InputError
from ionface.workflows.engines.vasp.potcar_facts import FACTS
from ionface.workflows.engines.vasp.potcars import RECOMMENDED
from ionface.workflows.engines.vasp_double.potcars import read_potcar, stand_in


@pytest.mark.filterwarnings("ignore:POTCAR data with symbol")
@pytest.mark.parametrize("symbol", sorted(FACTS))
def test_pymatgen_reads_each(symbol):
    theirs = PotcarSingle(stand_in(symbol))
    assert theirs.symbol == symbol
    assert theirs.element == symbol.partition("_")[0]
    assert theirs.functional == "PBE"
    assert theirs.potential_type == "PAW"
    assert theirs.nelectrons == FACTS[symbol].valence
    assert abs(theirs.ENMAX - FACTS[symbol].enmax) < 1e-3


@pytest.mark.filterwarnings("ignore:POTCAR data with symbol")
def test_a_potcar_of_several_is_read_as_pymatgen_reads_it(tmp_path):
    path = tmp_path / "POTCAR"
    path.write_text("".join(map(stand_in, ["Li", "Ge_d", "O"])))
    ours = read_potcar(path)
    assert [p.element for p in ours] == ["Li", "Ge", "O"]
    for one, other in zip(ours, Potcar.from_file(path), strict=True):
        assert (one.valence, one.enmax) == (other.ZVAL, other.ENMAX)
        assert one.mass == other.POMASS
        assert one.title == other.TITEL


@pytest.mark.parametrize("text", ["", "no title", "TITEL = PAW_PBE Li\nZVAL = 1\n"])
def test_a_potcar_that_is_not_whole_is_refused(tmp_path, text):
    (tmp_path / "POTCAR").write_text(text)
    with pytest.raises(InputError, match="POTCAR"):
        read_potcar(tmp_path / "POTCAR")
    with pytest.raises(InputError, match="POTCAR"):
        read_potcar(tmp_path / "nowhere")


def test_nothing_of_a_licensed_file_is_in_them():
    for symbol in FACTS:
        text = stand_in(symbol)
        assert len(text) < 1200
        assert "COPYR" not in text
        assert "STANDIN" in text


def test_the_unknown_is_refused():
    with pytest.raises(InputError, match="'Xx'"):
        stand_in("Xx")


def test_the_facts_are_physical_and_those_of_the_plans():
    for name, facts in FACTS.items():
        assert 0 < facts.valence <= atomic_numbers[name.partition("_")[0]]
        assert 50 < facts.enmax < 600
    assert FACTS.keys() >= set(RECOMMENDED.values())
