import numpy as np

from ionface.analysis.reactions.bond_events import bond_history
from ionface.analysis.reactions.bond_rule import BondRule
from ionface.analysis.reactions.groups import group_counts

TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
RULE = BondRule(2.6, 3.0, 0.0)


def groups(run, pair="P-S", rule=RULE):
    return {
        k: v.tolist()
        for k, v in group_counts(bond_history(run, pair, rule)).counts.items()
    }


def test_a_tetrahedron_that_loses_a_ligand_becomes_ps3(in_memory):
    frames = np.repeat([np.concatenate([[[0, 0, 0]], 2.05 * TETRAHEDRON])], 3, axis=0)
    frames[2, 4] *= 3
    run = in_memory(["P"] + ["S"] * 4, np.eye(3) * 20, frames + 10)
    assert groups(run) == {"PS4": [1, 1, 0], "PS3": [0, 0, 1]}


def test_a_shared_ligand_joins_two_centers(in_memory):
    first = 2.05 * TETRAHEDRON
    bridge = first[0]
    second = 2 * bridge - first[1:]
    atoms = np.concatenate([[[0, 0, 0], 2 * bridge], first, second])
    run = in_memory(["P"] * 2 + ["S"] * 7, np.eye(3) * 30, [atoms + 15])
    assert groups(run) == {"P2S7": [1]}


def test_centers_without_ligands_and_through_the_boundary(in_memory):
    atoms = [[0.2, 0, 0], [5, 5, 5], [9.8, 0, 0]]
    run = in_memory(["In", "In", "S"], np.eye(3) * 10, [atoms])
    assert groups(run, "In-S") == {"In": [1], "InS": [1]}


def test_equals_form_chains(in_memory):
    atoms = [[0, 0, 0], [2, 0, 0], [4, 0, 0], [8, 8, 8]]
    run = in_memory(["S"] * 4, np.eye(3) * 20, [atoms])
    assert groups(run, "S-S", BondRule(2.1, 2.3, 0.0)) == {"S": [1], "S3": [1]}


def test_every_center_is_in_one_group_in_every_frame(in_memory):
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(0, 0.3, (200, 30, 3)), axis=0) + rng.random((30, 3)) * 9
    run = in_memory(["In"] * 12 + ["S"] * 18, np.eye(3) * 9, walk)
    found = groups(run, "In-S", BondRule(3.0, 3.4, 10.0))
    size = lambda name: int("".join(c for c in name.split("S")[0] if c.isdigit()) or 1)  # noqa: E731
    total = sum(size(name) * np.array(series) for name, series in found.items())
    assert total.tolist() == [12] * 200
    assert len(found) > 5


def test_window_means_and_ends_are_told(in_memory):
    frames = np.zeros((4, 2, 3))
    frames[:2, 1, 0], frames[2:, 1, 0] = 5.0, 2.0
    run = in_memory(["P", "S"], np.eye(3) * 20, frames)
    counts = group_counts(bond_history(run, "P-S", RULE))
    assert counts.as_dict(2)["PS"] == {
        "first": 0,
        "last": 1,
        "window_means": [0.0, 1.0],
    }
    assert counts.as_dict(9)["P"]["window_means"] == [1, 1, 0, 0]
