import numpy as np
import pytest

from ionface.analysis.pairs import pair_name, parse_pair
from ionface.analysis.rdf.rdf import crystal_rdf, rdf
from ionface.analysis.reactions.bonds import bonds
from ionface.analysis.reactions.reaction_report import reactions
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError


@pytest.mark.parametrize("pair", ["In-S", " In-S ", ("In", "S")])
def test_a_pair_is_read_from_text_or_two_symbols(pair):
    assert parse_pair(pair) == ("In", "S")
    assert pair_name(parse_pair(pair)) == "In-S"


@pytest.mark.parametrize("pair", ["InS", "in-s", "In-", "In-S-P", "", ("In",), "In–S"])
def test_anything_else_is_refused_with_an_example(pair):
    with pytest.raises(AnalysisError, match="as in In-S"):
        parse_pair(pair)


def test_one_pair_may_stand_alone():
    cell = np.diag([10.0, 10.0, 10.0])
    positions = np.zeros((20, 2, 3))
    positions[:, 1, 0] = 2.5
    run = Trajectory.from_arrays(["In", "S"], cell, positions, timestep_fs=2.0)
    for analysis in (bonds, reactions):
        alone, listed = analysis(run, "In-S"), analysis(run, ["In-S"])
        assert alone.as_dict() == listed.as_dict()
    alone, listed = (rdf(run, pairs, cutoff=4.0) for pairs in ("In-S", ["In-S"]))
    assert alone.as_dict() == listed.as_dict()
    assert list(crystal_rdf(["In"], cell, [[0, 0, 0]], "In-In").pairs) == ["In-In"]
    with pytest.raises(AnalysisError, match=r"joined by a hyphen.*got 'InS'"):
        reactions(run, "InS")
