"""Training sets: one scale of energies, one functional, and enough kept back."""

from dataclasses import replace

import numpy as np
import pytest

from ionface.analysis.yardstick.labeled_frames import rules, stored
from ionface.analysis.yardstick.training_set import (
    KEPT_BACK,
    check_one_kind,
    distinct,
    on_scale_of,
    split,
)
from ionface.errors import AnalysisError

OFFSETS = {
    "Li": -0.1, "In": 0.4, "S": 1.0, "P": 0.3, "Cl": -2.0, "O": 5.0, "Ge": 0.0,
    "Al": 0.2, "C": 0.1, "H": 3.0,
}  # fmt: skip


def energies(frames, error=0.0):
    """Of a potential that is right but for a number per element, and an error."""
    shifts = [sum(OFFSETS[s] for s in one.species) for one in frames]
    return [f.energy + shift + error for f, shift in zip(frames, shifts, strict=True)]


def test_a_number_per_element_is_nothing_to_learn():
    frames = stored()
    wanted = energies(frames)
    moved = on_scale_of(frames, wanted, rules()["together"])
    for one, energy in zip(moved, wanted, strict=True):
        assert one.energy == pytest.approx(energy, abs=1e-6)


def test_what_is_left_of_a_wrong_reaction_is_learnt():
    frames = [one for one in stored() if one.group == "crystal"]
    mine = energies(frames)
    wrong = next(n for n, one in enumerate(frames) if one.name == "x_Li2S")
    mine[wrong] += 0.5
    moved = on_scale_of(frames, mine, rules()["together"])
    known = {one.name: one.energy for one in moved}
    reference = {one.name: one.energy for one in frames}
    reaction = {"x_InS": -0.25, "x_Li": -2, "x_Li2S": 1, "x_In": 1}
    of = [sum(n * e[name] for name, n in reaction.items()) for e in (known, reference)]
    assert of[0] == pytest.approx(of[1], abs=1e-9)  # first principles', not the other


def test_structures_of_one_composition_keep_their_differences():
    frames = [one for one in stored() if one.group == "lpscl"]
    moved = on_scale_of(frames, [0.0] * len(frames))
    change = [after.energy - before.energy for after, before in
              zip(moved, frames, strict=True)]  # fmt: skip
    np.testing.assert_allclose(change, change[0])
    assert np.mean([one.energy for one in moved]) == pytest.approx(0, abs=1e-9)


def test_every_kind_is_kept_back_and_no_phase_of_a_reaction():
    parts = split(stored(), whole=["crystal"])
    names = {one.name for one in parts.held_out}
    assert len(names) == round(18 / KEPT_BACK)
    assert not names & {one.name for one in parts.training}
    assert all(one.group != "crystal" for one in parts.held_out)
    assert len(parts.training) + len(parts.held_out) == len(stored())


def test_who_is_kept_back_does_not_depend_on_the_order():
    first = split(stored(), whole=["crystal"])
    second = split(stored()[::-1], whole=["crystal"])
    names = [{one.name for one in parts.held_out} for parts in (first, second)]
    assert names[0] == names[1]


def settings(frame, **changed):
    return replace(frame, settings={**frame.settings, **changed})


def test_the_stored_structures_belong_together():
    check_one_kind(stored(), "PBE (raw MPtrj energies)")


@pytest.mark.parametrize(
    ("frames", "functional", "said"),
    [
        (stored()[:3], "PBE", "3 structures are too few"),
        (
            [*stored()[:6], settings(stored()[6], functional="r2SCAN")],
            "PBE",
            r"mix functionals: PBE \(\w+\), r2SCAN \(lgp_LiToGe\)",
        ),
        (stored(), "r2SCAN (MatPES)", r"the data are PBE, the potential was made with"),
        (
            [*stored(), replace(settings(stored()[16], cutoff_ev=600), name="more")],
            "PBE",
            r"lpscl_relaxed|lpscl.* and more are of one group, lpscl, but cutoff_ev",
        ),
    ],
)
def test_data_that_do_not_belong_together_are_refused(frames, functional, said):
    with pytest.raises(AnalysisError, match=said):
        check_one_kind(frames, functional)


def test_names_stand_once():
    twice = distinct([stored()[0], stored()[0], stored()[1]])
    assert [one.name for one in twice] == [
        stored()[0].name, f"{stored()[0].name} (2)", stored()[1].name,
    ]  # fmt: skip
