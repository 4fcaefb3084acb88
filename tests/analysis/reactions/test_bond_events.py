import numpy as np
import pytest

from ionface.analysis.reactions.bond_events import (
    RELEASE_FACTOR,
    BondRule,
    bond_history,
)
from ionface.errors import AnalysisError

QUICK = BondRule(3.0, 3.5, residence_fs=0.0)


def history(blinking, distances, rule=QUICK):
    return bond_history(blinking(np.transpose([distances])), "In-S", rule)


def spans(found):
    return list(zip(found.start.tolist(), found.stop.tolist(), strict=True))


def test_a_bond_forms_below_one_length_and_breaks_beyond_another(blinking):
    distances = [4.0, 3.2, 2.9, 3.2, 3.4, 2.8, 3.6, 3.2, 3.1, 4.0]
    found = history(blinking, distances)
    assert spans(found) == [(2, 6)]
    assert found.counts.tolist() == [0, 0, 1, 1, 1, 1, 0, 0, 0, 0]
    assert found.formed_fs.tolist() == [4.0]
    assert found.broken_fs.tolist() == [12.0]


def test_a_vibration_across_the_bond_length_is_no_event(blinking):
    vibration = 3.0 + 0.3 * np.sin(np.arange(200) * 0.4)
    found = history(blinking, vibration)
    assert len(found) == 1
    assert len(found.broken_fs) == 0
    # without hysteresis each period would count
    assert len(history(blinking, vibration, BondRule(3.0, 3.0, 0.0))) > 10


def test_a_bond_of_the_first_frame_has_not_formed(blinking):
    found = history(blinking, [2.5, 2.5, 4.0, 2.5])
    assert spans(found) == [(0, 2), (3, 4)]
    assert found.formed_fs.tolist() == [6.0]
    assert found.broken_fs.tolist() == [4.0]


def test_a_short_gap_is_bridged_and_a_short_bond_is_none(blinking):
    distances = np.full(400, 5.0)
    distances[100:200] = distances[240:300] = 2.6  # 80 fs apart
    distances[350:390] = 2.6  # 80 fs long
    rule = BondRule(3.0, 3.5, residence_fs=100.0)
    assert spans(history(blinking, distances, rule)) == [(100, 300)]
    patient = BondRule(3.0, 3.5, residence_fs=80.0)
    assert spans(history(blinking, distances, patient)) == [
        (100, 200), (240, 300), (350, 390),
    ]  # fmt: skip


def test_a_bond_that_fills_a_run_shorter_than_the_residence_counts(blinking):
    rule = BondRule(3.0, 3.5, residence_fs=100.0)
    assert history(blinking, [2.5], rule).counts.tolist() == [1]
    assert history(blinking, [2.5, 2.6, 2.5], rule).counts.tolist() == [1, 1, 1]
    assert history(blinking, [4.5, 2.6, 2.5], rule).counts.tolist() == [0, 0, 0]


def test_pairs_are_told_apart(blinking):
    distances = np.full((6, 3), 5.0)
    distances[1:, 0] = distances[:3, 1] = 2.5
    found = bond_history(blinking(distances), "In-S", QUICK)
    assert found.first.tolist() == [0, 2]
    assert found.second.tolist() == [1, 3]
    assert spans(found) == [(1, 6), (0, 3)]
    assert found.atoms == (3, 3)


def test_an_atom_that_crosses_the_boundary_keeps_its_bond(in_memory):
    positions = np.zeros((50, 2, 3))
    positions[:, 0, 0] = np.linspace(0, 20, 50) % 10.0
    positions[:, 1, 0] = (np.linspace(0, 20, 50) + 2.5) % 10.0
    run = in_memory(["In", "S"], np.eye(3) * 10.0, positions)
    assert spans(bond_history(run, "In-S", QUICK)) == [(0, 50)]


def test_bonds_between_equals_count_once(in_memory):
    triangle = [[[0, 0, 0], [2, 0, 0], [1, np.sqrt(3), 0]]] * 4
    run = in_memory(["In"] * 3, np.eye(3) * 20, triangle)
    assert bond_history(run, "In-In", BondRule(2.1, 2.5)).counts.tolist() == [3] * 4


def test_the_default_rule_is_the_bond_length_and_a_longer_one():
    rule = BondRule.of("In-S")
    assert (rule.form, rule.release) == (3.0, pytest.approx(3.0 * RELEASE_FACTOR))
    assert BondRule.of("P-S").release < 3.5  # where the next shell begins


def test_lengths_in_the_wrong_order_are_refused():
    for numbers in [(3.0, 2.9, 0), (-1, 2, 0), (1, np.inf, 0), (1, 2, -1)]:
        with pytest.raises(AnalysisError, match="breaks beyond"):
            BondRule(*numbers)


@pytest.mark.parametrize(
    "path",
    [
        "argyrodite_data/data/Li6PS5Cl/0p/run1/actual_XDATCAR.gz",
        "pymatgen-core/test-files/io/vasp/outputs/vasprun.bad_random_seed.xml.gz",
    ],
)
def test_every_phosphorus_of_a_real_electrolyte_keeps_its_four_sulfurs(realdata, path):
    from ionface.analysis.reactions.groups import group_counts
    from ionface.analysis.readers import open_trajectory

    run = open_trajectory(
        realdata / path, timestep_fs=100.0 if "XDATCAR" in path else None
    )
    found = bond_history(run, "P-S")
    atoms = len(run.indices("P"))
    assert (found.counts == 4 * atoms).all()
    assert len(found.broken_fs) == 0
    groups = group_counts(found).counts
    assert list(groups) == ["PS4"]
    assert (groups["PS4"] == atoms).all()
