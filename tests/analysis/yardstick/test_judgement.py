"""Judging: errors that can be computed by hand, and what must not be compared."""

from dataclasses import replace

import numpy as np
import pytest

from ionface.analysis.yardstick.judgement import judge
from ionface.analysis.yardstick.labeled_frames import LabeledFrame, rules, stored
from ionface.errors import AnalysisError

LEVEL = {"code": "x", "version": "1", "functional": "PBE"}


def frame(name, group="a", species=("Li", "Cl"), energy=-5.0, forces=None, **settings):
    n = len(species)
    positions = np.arange(3.0 * n).reshape(n, 3)
    forces = np.ones((n, 3)) if forces is None else np.asarray(forces, dtype=float)
    lattice = np.diag([4.0, 5.0, 20.0])
    return LabeledFrame(
        name, group, tuple(species), lattice, positions, energy, forces, settings
    )


def judged(frames, energies=None, scale=1.0, shift=0.0, asked=None):
    energies = energies or [one.energy for one in frames]
    forces = [scale * one.forces + shift for one in frames]
    return judge("x", LEVEL, frames, energies, forces, asked)


def test_the_reference_itself_has_no_error():
    found = judge(
        "x",
        LEVEL,
        stored(),
        [one.energy for one in stored()],
        [one.forces for one in stored()],
        rules(),
    )
    assert found.overall.rmse == 0
    assert found.overall.slope == pytest.approx(1)
    assert found.energy_rmse == found.reaction_rmse == 0
    assert [one.error for one in found.surfaces] == [0, 0]


def test_forces_that_are_half_as_large_have_slope_one_half():
    found = judged([frame("a")], scale=0.5)
    assert found.overall.slope == pytest.approx(0.5)
    assert found.overall.rmse == pytest.approx(0.5)


def test_noise_that_knows_nothing_of_the_forces_leaves_the_slope():
    random = np.random.default_rng(0)
    forces = random.normal(size=(4000, 3))
    one = frame("a", species=("Li",) * 4000, forces=forces)
    noise = random.normal(scale=0.3, size=forces.shape)
    found = judge("x", LEVEL, [one], [one.energy], [forces + noise])
    assert found.overall.slope == pytest.approx(1, abs=0.01)
    assert found.overall.rmse == pytest.approx(0.3, rel=0.02)


def test_kinds_add_up_to_the_row_over_all():
    frames = [frame("a"), frame("b", "b", ("Li",), forces=[[0, 0, 2]])]
    found = judge("x", LEVEL, frames, [0, 0], [np.zeros((2, 3)), np.zeros((1, 3))])
    every, *kinds = found.forces
    total = sum(row.components * row.rmse**2 for row in kinds)
    assert every.components * every.rmse**2 == pytest.approx(total)
    assert every.components == 9


def test_a_shift_of_every_energy_is_no_error_and_a_wrong_difference_is():
    frames = [frame("a", energy=-5.0), frame("b", energy=-4.0)]
    assert judged(frames, [-105.0, -104.0]).energy_rmse == pytest.approx(0)
    wrong = judged(frames, [-5.0, -3.0])
    assert wrong.energy_rmse == pytest.approx(0.5)  # 1 eV over two atoms


@pytest.mark.parametrize(
    "other",
    [
        frame("b", "b"),
        frame("b", species=("Li", "Li")),
        frame("b", cutoff_ev=480),
        frame("b", functional="r2SCAN"),
        frame("b", dispersion="D3(BJ)"),
        frame("b", by_element={"Li": "U-J=4 l=0"}),
        frame("b", details=("ISPIN=2",)),
    ],
)
def test_energies_of_another_group_composition_or_setting_are_not_subtracted(other):
    assert judged([frame("a"), other]).energies == ()


def test_meshes_of_two_cells_may_differ():
    first, second = frame("a", k_points="3x3x3"), frame("b", k_points="2x2x2")
    assert len(judged([first, second]).energies) == 1


def test_each_energy_is_of_its_own_structure_whatever_its_name():
    frames = [frame("a", energy=-5.0), frame("a", energy=-4.0)]
    assert judged(frames).energy_rmse == pytest.approx(0)


def test_a_supercell_is_compared_per_atom():
    double = frame("b", species=("Li", "Cl") * 2, energy=-10.0)
    found = judged([frame("a"), double], [-5.0, -10.4])
    assert found.energies[0].reference == 0
    assert found.energies[0].value == pytest.approx(0.1)


def test_a_reaction_is_the_sum_of_its_energies():
    frames = [frame("li", species=("Li",), energy=-2), frame("li2", energy=-5)]
    asked = {"reactions": [{"li": -2, "li2": 1}]}
    (found,) = judged(frames, [-2.0, -5.5], asked=asked).reactions
    assert (found.reference, found.value) == (-1, -1.5)
    assert found.name == "2 Li -> LiCl"


def test_a_reaction_without_one_of_its_phases_is_left_out():
    assert (
        judged([frame("li")], asked={"reactions": [{"li": -1, "x": 1}]}).reactions == ()
    )


def test_a_surface_energy_counts_both_faces():
    slab, bulk = frame("slab", energy=-4.0), frame("bulk", energy=-5.0)
    asked = {"surfaces": [{"name": "s", "slab": "slab", "bulk": "bulk"}]}
    (found,) = judged([slab, bulk], asked=asked).surfaces
    assert found.reference == pytest.approx(1.0 / (2 * 20) * 16.02177)


def test_kinds_at_rest_have_no_row():
    asked = {"without_forces": ["a"]}
    found = judged([frame("a"), frame("b", "b")], asked=asked)
    assert [row.kind for row in found.forces] == ["all", "b"]


def test_forces_that_vanish_have_no_slope():
    found = judged([frame("a", forces=np.zeros((2, 3)))], shift=0.1)
    assert found.overall.slope is None
    assert found.overall.rmse == pytest.approx(0.1)


def test_what_is_not_finite_is_refused_by_name():
    one = frame("melt")
    with pytest.raises(AnalysisError, match="non-finite energy or force for melt"):
        judged([one], [np.nan])
    with pytest.raises(AnalysisError, match="there is no structure to judge x by"):
        judged([])


def test_the_stored_reactions_balance_and_name_what_is_there():
    known = {one.name: one for one in stored()}
    assert len(known) == len(stored()) == 35
    for reaction in rules()["reactions"]:
        atoms = {}
        for name, count in reaction.items():
            for symbol in known[name].species:
                atoms[symbol] = atoms.get(symbol, 0) + count
        assert all(abs(total) < 1e-9 for total in atoms.values()), reaction
    groups = {one.group for one in stored()}
    assert rules()["resolution"].keys() <= groups
    assert groups <= {*rules()["titles"], *rules()["without_forces"]}


def test_every_stored_structure_says_how_it_was_computed():
    for one in stored():
        assert one.settings["functional"] == "PBE"
        assert 400 <= one.settings["cutoff_ev"] <= 550
        assert one.settings["k_points"].endswith(("Gamma", "Monkhorst-Pack"))
        assert np.abs(one.forces.sum(axis=0)).max() < 0.1  # no net force


def test_the_stored_surface_of_lithium_is_that_of_the_literature():
    """PBE's Li(100) is 0.46 J/m² (Tran et al., doi:10.1038/sdata.2016.80)."""
    frames = list(stored())
    found = judge(
        "x",
        LEVEL,
        frames,
        [one.energy for one in frames],
        [one.forces for one in frames],
        rules(),
    )
    assert found.surfaces[0].reference == pytest.approx(0.46, abs=0.01)
    by_name = {one.name: one.reference for one in found.reactions}
    assert by_name["LiCl + 2 In -> InCl + LiIn"] == pytest.approx(1.456, abs=0.001)


def test_a_judgement_comes_back_from_plain_data():
    from ionface.analysis.result import plain
    from ionface.analysis.yardstick.judgement import Judgement

    found = judged([frame("a"), frame("b", energy=-4.0)], scale=0.9)
    assert Judgement.from_dict(plain(found)) == replace(found, level=LEVEL)
