import pytest

from ionface.analysis.pairs import pair_name, parse_pair
from ionface.errors import AnalysisError


@pytest.mark.parametrize("pair", ["In-S", " In-S ", ("In", "S")])
def test_a_pair_is_read_from_text_or_two_symbols(pair):
    assert parse_pair(pair) == ("In", "S")
    assert pair_name(parse_pair(pair)) == "In-S"


@pytest.mark.parametrize("pair", ["InS", "in-s", "In-", "In-S-P", "", ("In",), "In–S"])
def test_anything_else_is_refused_with_an_example(pair):
    with pytest.raises(AnalysisError, match="as in In-S"):
        parse_pair(pair)
