"""One reading of the names of species, for all formats."""

import pytest
from ase.data import chemical_symbols
from hypothesis import given
from hypothesis import strategies as st

from ionface.symbols import element_of


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("Li", "Li"),
        ("Li_sv", "Li"),
        ("Li/", "Li"),
        ("Li_sv/1a2b3c4d", "Li"),
        ("O ", "O"),
        ("CL", "Cl"),
        ("Fe2+", "Fe"),
        ("D", "H"),
        ("X", None),
        ("X ", None),
        ("r ", None),
        ("n", None),  # of In, Zn, Mn or Sn; never nitrogen
        ("Vac", None),
        ("", None),
        ("1", None),
    ],
)
def test_names_are_read_as_elements_or_not_at_all(name, symbol):
    assert element_of(name) == symbol


@pytest.mark.parametrize(
    ("name", "title", "symbol"),
    [
        ("r ", "PAW_PBE Zr_sv 07Sep2000", "Zr"),
        ("X ", "PAW_PBE Xe 07Sep2000", "Xe"),
        ("", "PAW_PBE Ti_pv 07Sep2000", "Ti"),
        ("H", "PAW_PBE H.75 04Jan1997", "H"),
        ("Li", "a title of one's own", "Li"),
        ("r ", "a title of one's own", None),
    ],
)
def test_the_title_tells_what_the_name_does_not(name, title, symbol):
    assert element_of(name, title) == symbol


@given(st.sampled_from(chemical_symbols[1:]), st.sampled_from(["", "_sv", "/3f", "2+"]))
def test_every_element_is_known_with_whatever_follows_it(symbol, behind):
    assert element_of(symbol + behind) == symbol
    assert element_of(symbol, f"PAW_PBE {symbol}_pv 01Jan2000") == symbol
