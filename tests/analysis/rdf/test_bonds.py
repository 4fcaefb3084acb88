import numpy as np
import pytest

from ionface.analysis.rdf.bonds import BondRule, bond_length, bonds
from ionface.errors import AnalysisError


@pytest.fixture
def approach(in_memory):
    """One In that comes nearer to one S, through the periodic boundary."""
    distances = np.array([4.0, 3.5, 3.01, 2.99, 2.5, 2.8])
    positions = np.zeros((6, 3, 3))
    positions[:, 1, 0] = -distances
    positions[:, 2] = [5, 5, 5]
    return in_memory(["In", "S", "S"], np.eye(3) * 10, positions)


def test_a_bond_counts_from_the_frame_where_it_is_short_enough(approach):
    assert bonds(approach, ["In-S"]).counts["In-S"].tolist() == [0, 0, 0, 1, 1, 1]


def test_a_given_cutoff_replaces_the_default(approach):
    counts = bonds(approach, {"In-S": 3.6})
    assert counts.counts["In-S"].tolist() == [0, 1, 1, 1, 1, 1]
    assert counts.cutoffs == {"In-S": 3.6}


def test_the_order_of_a_pair_changes_no_bond(approach):
    there, back = (bonds(approach, [p]).counts[p] for p in ("In-S", "S-In"))
    assert there.tolist() == back.tolist()


def test_bonds_between_equals_count_once(in_memory):
    triangle = [[[0, 0, 0], [2, 0, 0], [1, np.sqrt(3), 0]]]
    run = in_memory(["In"] * 3, np.eye(3) * 20, triangle)
    assert bonds(run, {"In-In": 2.1}).counts["In-In"].tolist() == [3]


def test_a_chain_through_the_boundary_has_one_bond_per_atom(in_memory):
    run = in_memory(
        ["S"] * 3,
        np.diag([6.0, 20, 20]),
        [np.eye(3) * 0 + [[0, 0, 0], [2, 0, 0], [4, 0, 0]]],
    )
    assert bonds(run, {"S-S": 2.1}).counts["S-S"].tolist() == [3]


def test_rock_salt_has_six_bonds_per_ion(in_memory):
    faces = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    ions = 5.64 * np.concatenate([faces, faces + 0.5])
    run = in_memory(["Na"] * 4 + ["Cl"] * 4, np.eye(3) * 5.64, [ions])
    assert bonds(run, ["Na-Cl"]).counts["Na-Cl"].tolist() == [24]


def test_defaults_are_the_published_shells_or_covalent_radii():
    assert bond_length("In-S") == bond_length("S-In") == 3.0
    assert bond_length("In-Cl") == 3.1
    assert bond_length("P-S") == 2.6
    assert bond_length("Li-F") == pytest.approx(1.2 * (1.28 + 0.57))


def test_window_means_average_equal_parts(approach):
    means = bonds(approach, ["In-S"]).window_means(2)
    np.testing.assert_allclose(means["In-S"], [0, 1])
    assert len(bonds(approach, ["In-S"]).window_means(99)["In-S"]) == 6


def test_counts_are_those_of_their_file(approach, from_its_file):
    counts = bonds(approach, ["In-S"])
    assert from_its_file(counts).atoms == {"In-S": 1}
    assert len(list(counts.rows())) == 6
    assert repr(counts) == "BondCounts(In-S 0 to 1)"


@pytest.mark.parametrize(
    ("pairs", "complaint"),
    [
        (["In-Cl"], "no 'Cl'"),
        (["In"], "as in In-S"),
        ({"In-S": -2.0}, "must be positive"),
        (["In-Qq"], "no chemical elements"),
    ],
)
def test_an_impossible_request_is_refused(approach, pairs, complaint):
    with pytest.raises(AnalysisError, match=complaint):
        bonds(approach, pairs)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize(
    ("path", "interval"),
    [
        ("argyrodite_data/data/Li6PS5Cl/0p/run1/actual_XDATCAR.gz", 100.0),
        (
            "pymatgen-core/test-files/io/vasp/outputs/vasprun.bad_random_seed.xml.gz",
            None,
        ),
    ],
)
def test_every_phosphorus_of_real_electrolytes_keeps_four_sulfurs(
    realdata, path, interval, backend
):
    from ionface.analysis.readers import open_trajectory

    if backend == "numba":
        pytest.importorskip("numba")
    run = open_trajectory(realdata / path, timestep_fs=interval)
    counts = bonds(run, {"P-S": 2.6}, backend=backend)
    assert (counts.counts["P-S"] == 4 * counts.atoms["P-S"]).all()
    assert len(counts.times_fs) > 100


def test_no_pair_is_refused(approach):
    with pytest.raises(AnalysisError, match="no pair"):
        bonds(approach, [])


@pytest.mark.parametrize("pair", ["In-S", "S-In", "In-Cl", "P-S", "Li-F"])
def test_reactions_form_bonds_within_the_length_that_counts(pair):
    rule = BondRule.of(pair)
    assert rule.form == bond_length(pair)
    assert rule.form < rule.release < 1.2 * rule.form
