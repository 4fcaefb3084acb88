"""Training sets: one scale of energies, one functional, and enough kept back."""

from dataclasses import replace

import numpy as np
import pytest

from ionface.analysis.yardstick.labeled_frames import (
    LabeledFrame,
    distinct,
    rules,
    stored,
)
from ionface.analysis.yardstick.training_set import (
    KEPT_BACK,
    check_one_kind,
    cutoffs_told,
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


def test_several_cutoffs_of_one_code_are_told():
    frames = [one for one in stored() if one.level.cutoff_ev == 450]
    other = settings(frames[0], code="cp2k", cutoff_ev=4082)
    assert cutoffs_told([*frames, other]) == []
    (told,) = cutoffs_told([*frames, settings(frames[0], cutoff_ev=300)])
    assert "of several cutoffs: 300 eV (1), 450 eV (4); each keeps a zero" in told
    assert "forces that 300 eV does not converge" in told
    newer = settings(frames[0], code="gpaw 26.7.0", cutoff_ev=300)
    assert cutoffs_told([*frames, newer]) == [told]


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
            [*stored()[:6], settings(stored()[6], dispersion="D3(BJ)")],
            "PBE",
            r"mix functionals: PBE \(\w+\), PBE with D3\(BJ\) \(lgp_LiToGe\)",
        ),
        (
            [settings(one, dispersion="D3(BJ)") for one in stored()],
            "PBE (raw)",
            r"the data are PBE with D3\(BJ\), the potential was made with PBE",
        ),
        (
            [
                *stored()[:6],
                settings(stored()[6], by_element={"Ge": "U-J=4 l=2"}),
                replace(stored()[6], name="more"),
            ],
            "PBE",
            r"settings of Ge: U-J=4 l=2 \(lgp_LiToGe\), no U \(more\); learn from",
        ),
        (
            [*stored(), settings(stored()[6], details=["mode=lcao(dzp)"])],
            "PBE",
            r"mix waves: plane waves \(\w+\), lcao\(dzp\) \(lgp_LiToGe\)",
        ),
        (
            [*stored(), settings(stored()[6], emulated=True)],
            "PBE",
            "lgp_LiToGe was labeled by a stand-in for VASP",
        ),
    ],
)
def test_data_that_do_not_belong_together_are_refused(frames, functional, said):
    with pytest.raises(AnalysisError, match=said):
        check_one_kind(frames, functional)


def test_u_of_one_element_says_nothing_of_others():
    with_u = settings(stored()[6], by_element={"Ge": "U-J=4 l=2"})
    rest = [one for one in stored() if "Ge" not in one.species]
    check_one_kind([*rest, with_u], "PBE")


def spot(number, cutoff, zeros, **told):
    """Return a frame of a relaxation whose energy is nothing but its zero."""
    species = ("Li",) * (4 + number % 3) + ("S",) * (3 + number // 2 % 3)
    shape = (len(species), 3)
    return LabeledFrame(
        f"{number}", "relaxation", species, np.eye(3) * 8, np.zeros(shape),
        sum(zeros[s] for s in species), np.zeros(shape),
        {"functional": "PBE", "code": "gpaw", "cutoff_ev": cutoff, **told},
    )  # fmt: skip


@pytest.mark.parametrize(
    "told",
    [
        {"cutoff": 550},
        {"cutoff": 450, "pseudopotentials": ["PAW Li_sv 1", "PAW S 1"]},
        {"cutoff": 450, "details": ["ISPIN=2"]},
    ],
)
def test_spot_checks_of_two_levels_have_two_zeros(told):
    """They share a group, whatever project they are from."""
    titles = {"pseudopotentials": ["PAW Li 1", "PAW S 1"], "details": ["ISPIN=1"]}
    first = [spot(n, 450, {"Li": -1.9, "S": -4.0}, **titles) for n in range(6)]
    zeros = {"Li": -1.8, "S": -4.6}
    more = [spot(n, zeros=zeros, **titles | told) for n in range(6, 12)]
    check_one_kind([*first, *more], "PBE (raw)")
    of_the_potential = [one.species.count("S") * 0.5 for one in [*first, *more]]
    moved = on_scale_of([*first, *more], of_the_potential)
    found = [one.energy for one in moved]
    np.testing.assert_allclose(found, of_the_potential, atol=1e-9)


def test_a_frame_without_an_element_shares_the_zero_of_the_others():
    titles = {"pseudopotentials": ["PAW Li 1", "PAW S 1"], "cutoff": 450}
    whole = [spot(n, zeros={"Li": -1.9, "S": -4.0}, **titles) for n in range(6)]
    lithium = replace(
        whole[0], name="Li", species=("Li",) * 4, energy=-17.0,
        settings={**whole[0].settings, "pseudopotentials": ["PAW Li 1"]},
    )  # fmt: skip
    *_, moved = on_scale_of([*whole, lithium], [0.0] * 7)
    assert abs(moved.energy) > 0.1  # in a set of its own it would be zero


def test_names_stand_once():
    twice = distinct([stored()[0], stored()[0], stored()[1]])
    assert [one.name for one in twice] == [
        stored()[0].name, f"{stored()[0].name} (2)", stored()[1].name,
    ]  # fmt: skip
    again = distinct([*twice, stored()[0]])
    assert len({one.name for one in again}) == 4
