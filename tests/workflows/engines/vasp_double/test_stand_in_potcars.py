import pytest
from pymatgen.core import SETTINGS, Lattice, Structure
from pymatgen.io.vasp import Potcar, PotcarSingle
from pymatgen.io.vasp.inputs import POTCAR_FUNCTIONAL_MAP

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double.stand_in_potcars import (
    FUNCTIONALS,
    stand_in,
    write_stand_ins,
)

SYMBOLS = [
    "Li",
    "In_d",
    "S",
    "P",
    "Cl",
    "Ge_d",
    "Al",
    "O",
    "C",
    "H",
    "Ti_sv",
    "Ga_d",
    "Sn_d",
    "Zn",
    "Si",
    "Na_pv",
    "Mg",
    "Co",
    "Cu",
    "Ag",
    "F",
    "N",
]


@pytest.fixture
def library(tmp_path, monkeypatch):
    root = write_stand_ins(tmp_path / "potcars")
    monkeypatch.setitem(SETTINGS, "PMG_VASP_PSP_DIR", str(root))
    return root


@pytest.mark.filterwarnings("ignore:POTCAR data with symbol")
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_pymatgen_finds_each_in_its_library(library, symbol):
    found = PotcarSingle.from_symbol_and_functional(symbol, "PBE_54")
    assert found.symbol == symbol
    assert found.element == symbol.partition("_")[0]
    assert found.functional == "PBE"
    assert found.potential_type == "PAW"
    assert found.nelectrons == found.ZVAL > 0
    assert found.ENMAX > 50


@pytest.mark.filterwarnings("ignore:POTCAR data with symbol")
def test_a_potcar_of_several_is_written_and_read(library, tmp_path):
    path = tmp_path / "POTCAR"
    Potcar(["Li", "Ge_d", "O"], functional="PBE_64").write_file(path)
    assert [single.symbol for single in Potcar.from_file(path)] == ["Li", "Ge_d", "O"]


def test_the_folders_are_pymatgens():
    wanted = {
        folder for name, folder in POTCAR_FUNCTIONAL_MAP.items() if name[:3] == "PBE"
    }
    assert set(FUNCTIONALS) == wanted


@pytest.mark.filterwarnings("ignore")
def test_atomate2_writes_its_input_offline(library, tmp_path):
    from atomate2.vasp.sets.core import RelaxSetGenerator

    cell = Lattice.cubic(4.0)
    structure = Structure(cell, ["Li", "F"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    given = RelaxSetGenerator(user_potcar_settings={"Li": "Li", "F": "F"})
    given.get_input_set(structure, potcar_spec=False).write_input(tmp_path / "run")
    assert "STANDIN" in (tmp_path / "run" / "POTCAR").read_text()


def test_nothing_of_a_licensed_file_is_in_them():
    for symbol in SYMBOLS:
        text = stand_in(symbol)
        assert len(text) < 1200
        assert "COPYR" not in text
        assert "STANDIN" in text


def test_the_unknown_is_refused(tmp_path):
    with pytest.raises(InputError, match="'Xx'"):
        write_stand_ins(tmp_path, ["Xx"])
