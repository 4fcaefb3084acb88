import numpy as np
import pytest

from ionface.analysis.rdf.rdf import crystal_rdf, rdf
from ionface.analysis.reactions.reference_fractions import INITIAL, explain
from ionface.errors import AnalysisError

FACES = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


def crystal(a, kind):
    """Return cell, species and positions of rock salt or zinc blende, 3 x 3 x 3."""
    shift = {"rock salt": 0.5, "zinc blende": 0.25}[kind]
    cells = np.array(np.meshgrid(*[np.arange(3)] * 3)).reshape(3, -1).T
    ions = np.concatenate([FACES, FACES + shift])
    positions = (cells[:, None] + ions).reshape(-1, 3) * a
    return ["In"] * 4 + ["S"] * 4, 3 * a * np.eye(3), positions


def reference(a, kind):
    species, lattice, positions = crystal(a, kind)
    return crystal_rdf(species * 27, lattice, positions, ["In-S"], cutoff=6.0, bins=240)


def warm(in_memory, a, kind, sigma, n_frames=30):
    species, lattice, positions = crystal(a, kind)
    rng = np.random.default_rng(0)
    return in_memory(
        species * 27, lattice,
        positions + rng.normal(0, sigma, (n_frames, len(positions), 3)),
    )  # fmt: skip


def measured(run):
    return rdf(run, ["In-S"], cutoff=5.0, bins=200, windows=2)


REFERENCES = {
    "rock salt": reference(5.6, "rock salt"),
    "zinc blende": reference(6.0, "zinc blende"),
}


@pytest.mark.parametrize(("a", "kind"), [(5.6, "rock salt"), (6.0, "zinc blende")])
def test_a_warm_crystal_is_explained_by_itself(in_memory, a, kind):
    # independent motion of both ions: √2 of one's along a bond
    found = explain(measured(warm(in_memory, a, kind, 0.1)), "In-S", REFERENCES)
    assert len(found) == 2
    for share in found:
        assert share.shares[kind] == pytest.approx(1, abs=0.05)
        assert share.weights[kind] == pytest.approx(1, abs=0.05)
        assert share.residual < 0.1
        assert share.width == pytest.approx(0.15)


def test_a_mixture_is_taken_apart():
    from ionface.analysis.rdf.rdf_result import PairRdf, RdfResult

    rock, zinc = REFERENCES["rock salt"], REFERENCES["zinc blende"]
    n = 0.3 * rock.pairs["In-S"].n + 0.6 * zinc.pairs["In-S"].n
    pair = PairRdf(n, n, n, (None,))
    mixed = RdfResult(rock.r, {"In-S": pair}, ((0.0, 0.0),), "cell", 1)
    (share,) = explain(mixed, "In-S", REFERENCES)
    # the sharp mixture is drawn with the narrowest width, the weights do not suffer
    assert share.weights["rock salt"] == pytest.approx(0.3, abs=0.02)
    assert share.weights["zinc blende"] == pytest.approx(0.6, abs=0.02)
    assert sum(share.shares.values()) == pytest.approx(1, abs=0.05)


def test_what_did_not_change_is_the_initial_structure(in_memory):
    run = warm(in_memory, 5.6, "rock salt", 0.05)
    first = rdf(run.between(0, 1), ["In-S"], cutoff=5.0, bins=200, windows=1)
    (share, _) = explain(
        measured(run), "In-S", {"zinc blende": REFERENCES["zinc blende"]}, first
    )
    assert share.shares[INITIAL] > 0.95
    assert share.shares["zinc blende"] < 0.05


def test_a_gas_is_explained_by_no_crystal(in_memory):
    rng = np.random.default_rng(0)
    gas = in_memory(["In", "S"] * 40, np.eye(3) * 12, rng.random((200, 80, 3)) * 12)
    (share, _) = explain(measured(gas), "In-S", REFERENCES)
    assert share.residual > 0.4


def test_without_neighbors_there_is_nothing_to_explain(in_memory):
    far = in_memory(["In", "S"], np.eye(3) * 30, [[[0, 0, 0], [9.0, 0, 0]]])
    (share,) = explain(rdf(far, ["In-S"], cutoff=5.0, windows=1), "In-S", REFERENCES)
    assert (share.neighbors, share.residual) == (0, 0)
    assert set(share.shares.values()) == {0.0}


def test_a_short_reference_and_an_unknown_pair_are_refused(in_memory):
    result = measured(warm(in_memory, 5.6, "rock salt", 0.1, 2))
    short = crystal_rdf(["In", "S"], np.eye(3) * 3, np.eye(3)[:2], ["In-S"], cutoff=4.0)
    with pytest.raises(AnalysisError, match=r"ends at 4\.00 Å"):
        explain(result, "In-S", {"short": short})
    with pytest.raises(AnalysisError, match="no In-Cl"):
        explain(result, "In-Cl", {})
