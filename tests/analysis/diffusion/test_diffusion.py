import json
from dataclasses import replace

import numpy as np
import pytest

from ionface.analysis.diffusion.diffusion import (
    CM2_PER_S,
    Diffusion,
    diffusion,
    diffusion_coefficients,
)
from ionface.errors import AnalysisError

SEEDS = 100


def diffusion_coefficient(positions, interval_fs, direction="3d", **options):
    (found,) = diffusion_coefficients(
        positions, interval_fs, directions=[direction], **options
    )
    return found


def walk(rng, frames=300, atoms=20, step=1.0):
    return np.cumsum(rng.normal(0, step, (frames, atoms, 3)), axis=0)


def coverage(make, true, **options):
    """How often the 95 % interval holds the true D, over many seeds."""
    hits = 0
    for seed in range(SEEDS):
        positions = make(np.random.default_rng(seed))
        found = diffusion_coefficient(positions, 1.0, site=0.0, **options)
        hits += found.interval[0] <= true <= found.interval[1]
    return hits / SEEDS


@pytest.mark.slow
def test_error_bars_of_random_walks_hold_the_truth_as_often_as_they_say():
    # a binomial share of 100 runs at 95 % has a standard deviation of 2 %
    assert 0.89 <= coverage(walk, 0.5) <= 1.0
    assert 0.89 <= coverage(walk, 0.5, direction="normal") <= 1.0
    assert 0.89 <= coverage(lambda rng: walk(rng, atoms=3), 0.5) <= 1.0


def test_the_standard_error_is_the_scatter_between_runs_not_more_not_less():
    runs = [
        diffusion_coefficient(walk(np.random.default_rng(seed)), 1.0, site=0.0)
        for seed in range(SEEDS)
    ]
    scatter = np.std([run.coefficient for run in runs])
    told = np.mean([run.error for run in runs])
    assert np.mean([run.coefficient for run in runs]) == pytest.approx(0.5, rel=0.03)
    assert told == pytest.approx(scatter, rel=0.25)


def test_error_bars_hold_for_atoms_that_move_in_pairs():
    def pairs(rng):
        return np.repeat(walk(rng, atoms=10), 2, axis=1)

    assert coverage(pairs, 0.5) >= 0.89
    found = diffusion_coefficient(pairs(np.random.default_rng(0)), 1.0)
    assert found.collective == pytest.approx(2.0, rel=0.1)


def test_error_bars_hold_for_atoms_of_different_mobility():
    factors = np.sqrt(np.linspace(0.1, 1.9, 20))[:, None]
    assert coverage(lambda rng: walk(rng) * factors, 0.5) >= 0.92


@pytest.mark.slow
def test_hops_between_sites_with_vibration_give_the_rate_of_the_hops():
    # rate times length squared over 6; the vibration is only an offset
    def hopper(rng):
        axis = np.eye(3)[rng.integers(0, 3, (600, 40))]
        hops = (rng.random((600, 40, 1)) < 0.01) * axis
        jumps = hops * rng.choice([-3.0, 3.0], (600, 40, 1))
        return np.cumsum(jumps, axis=0) + rng.normal(0, 0.3, (600, 40, 3))

    true = 0.01 * 9 / 6
    assert coverage(hopper, true) >= 0.89
    found = diffusion_coefficient(hopper(np.random.default_rng(1)), 1.0)
    assert found.diffusive
    assert found.verdict == "diffusive"
    # the offset of the vibration does not touch the exponent, which is the slope's
    assert found.exponent == pytest.approx(1.0, abs=2 * found.exponent_error)


def returning(rng, frames=2000, atoms=60, rate=0.004, length=2.5):
    """Return hops of which every second one is undone at once, as within a cage."""
    positions, place = np.zeros((frames, atoms, 3)), np.zeros((atoms, 3))
    back = np.zeros((atoms, 3))
    for frame in range(frames):
        free = ~back.any(axis=1)
        place = place - back
        hop = length * np.eye(3)[rng.integers(0, 3, atoms)]
        hop *= (
            rng.choice([-1, 1], (atoms, 1))
            * (free & (rng.random(atoms) < rate))[:, None]
        )
        place = place + hop
        back = hop * (rng.random((atoms, 1)) < 0.5)
        positions[frame] = place
    return positions + rng.normal(0, 0.25, positions.shape)


def caged(rng, frames=2000, atoms=200):
    """Return atoms that rattle among four sites and seldom leave them."""
    sites = 1.2 * rng.normal(size=(atoms, 4, 3))
    site = rng.integers(0, 4, (frames // 20, atoms)).repeat(20, axis=0)
    leaves = (rng.random((frames, atoms)) < 0.003)[..., None]
    away = np.eye(3)[rng.integers(0, 3, (frames, atoms))]
    away = away * rng.choice([-4.0, 4.0], (frames, atoms, 1)) * leaves
    inside = sites[np.arange(atoms), site]
    return np.cumsum(away, axis=0) + inside + rng.normal(0, 0.2, (frames, atoms, 3))


@pytest.mark.slow
def test_hops_of_which_half_return_at_once_are_diffusion():
    found = [
        diffusion_coefficient(returning(np.random.default_rng(seed)), 1.0)
        for seed in range(6)
    ]
    assert sum(d.diffusive for d in found) >= 5
    true = 0.004 / 2 * 2.5**2 / 6
    assert np.mean([d.coefficient for d in found]) == pytest.approx(true, rel=0.07)


def test_fast_returns_in_a_cage_are_told_beside_the_coefficient_of_what_leaves_it():
    found = diffusion_coefficient(caged(np.random.default_rng(2)), 1.0)
    assert found.diffusive
    assert found.interval[0] < 0.003 * 16 / 6 < found.interval[1]
    assert found.notes[0].startswith("fast returns: ")
    walker = diffusion_coefficient(walk(np.random.default_rng(0)), 1.0)
    assert walker.notes == ()


def test_one_cubic_crystal_is_not_diffusive_in_the_plane_and_not_in_space():
    for seed in range(15):
        positions = returning(np.random.default_rng(seed), frames=500, atoms=12)
        found = diffusion_coefficients(positions, 1.0)
        slopes = {d.direction: d.coefficient for d in found}
        errors = {d.direction: d.error for d in found}
        alike = abs(slopes["in-plane"] - slopes["normal"]) <= 2 * np.hypot(
            errors["in-plane"], errors["normal"]
        )
        if alike:
            assert len({d.diffusive for d in found}) == 1


def test_a_plane_conductor_has_a_verdict_of_its_own_in_each_direction():
    positions = walk(np.random.default_rng(0), frames=600, atoms=30)
    positions[..., 2] = np.random.default_rng(1).normal(0, 0.2, (600, 30))
    words = {d.direction: d.diffusive for d in diffusion_coefficients(positions, 1.0)}
    assert words["in-plane"]
    assert not words["normal"]


@pytest.mark.parametrize(("held", "still"), [([2], "normal"), ([0, 1], "in-plane")])
def test_atoms_held_along_a_direction_have_no_coefficient_there(held, still):
    positions = walk(np.random.default_rng(0))
    free = diffusion_coefficients(positions, 1.0, directions=["in-plane", "normal"])
    positions[..., held] = 0.3
    found = {d.direction: d for d in diffusion_coefficients(positions, 1.0)}
    assert str(found[still]).endswith(f"{still}: stands still")
    assert found[still].as_dict()["d_cm2_per_s"] is None
    assert "stand still along it, as if held" in found[still].verdict
    (other,) = {"in-plane", "normal"} - {still}
    (right,) = (d for d in free if d.direction == other)
    assert found[other].coefficient == pytest.approx(right.coefficient)
    assert found[other].diffusive


def test_a_run_that_freezes_has_a_coefficient_and_a_note():
    positions = walk(np.random.default_rng(0))
    positions[150:] = positions[150]
    (found,) = diffusion_coefficients(positions, 1.0, directions=["3d"])
    assert any("the motion changes" in note for note in found.notes)


def test_a_vibrating_solid_has_only_an_upper_bound():
    shaking = np.random.default_rng(0).normal(0, 0.2, (500, 30, 3))
    found = diffusion_coefficient(shaking, 2.0)
    assert not found.diffusive
    assert found.verdict.startswith("not diffusive: the MSD grows by")
    assert found.verdict.endswith("only an upper bound")
    # the plateau 6 sigma² over 6 times the longest lag; 90 walkers know it within 30 %
    plateau = 0.24 / (6 * found.window_fs[1])
    assert plateau < found.upper_bound < 1.3 * plateau
    plain = found.as_dict()
    assert plain["d_cm2_per_s"] is None
    assert plain["d_upper_bound_cm2_per_s"] == pytest.approx(0.1 * found.upper_bound)


def test_free_flight_has_no_coefficient_and_no_bound():
    velocities = np.random.default_rng(0).normal(size=(1, 30, 3))
    found = diffusion_coefficient(np.arange(300.0)[:, None, None] * velocities, 1.0)
    assert "above 1" in found.verdict
    assert found.upper_bound is None
    assert found.exponent == pytest.approx(2.0)


def test_subdiffusion_is_told_from_diffusion():
    # fractional Brownian motion with exponent 1/2, exactly Gaussian
    times = np.arange(1, 401.0)
    covariance = (
        times[:, None] ** 0.5
        + times[None] ** 0.5
        - np.abs(times[:, None] - times[None]) ** 0.5
    )
    root = np.linalg.cholesky(covariance)
    noise = np.random.default_rng(0).normal(size=(400, 200 * 3))
    found = diffusion_coefficient(3 * (root @ noise).reshape(400, 200, 3), 1.0)
    assert found.exponent == pytest.approx(0.5, abs=2.5 * found.exponent_error)
    assert found.exponent < 0.7
    assert f"the exponent is {found.exponent:.2f}" in found.verdict
    assert "below 1: it still slows down" in found.verdict


def test_a_run_of_one_atom_says_how_little_it_knows():
    found = diffusion_coefficient(walk(np.random.default_rng(3), atoms=1), 1.0)
    assert found.error > 0.3 * found.coefficient
    low, high = found.interval
    assert high - found.coefficient > found.coefficient - low  # skewed


def test_units_and_time_step_enter_once():
    positions = walk(np.random.default_rng(0))
    one, two = (diffusion_coefficient(positions, dt) for dt in (1.0, 2.0))
    assert two.coefficient == pytest.approx(one.coefficient / 2)
    assert two.window_fs == pytest.approx((60.0, 300.0))
    # 1 Å²/fs is 1e-20 m² / 1e-15 s = 1e-5 m²/s = 0.1 cm²/s
    assert pytest.approx(1e-20 / 1e-15 * 1e4) == CM2_PER_S
    assert one.cm2_per_s == pytest.approx(0.1 * one.coefficient)


def test_a_trajectory_gives_species_and_directions(make_run):
    rng = np.random.default_rng(0)
    positions = walk(rng, frames=400, atoms=24, step=0.5)
    positions[:, 12:] = rng.normal(0, 0.1, (400, 12, 3)) + 10 * rng.random((12, 3))
    lattice = np.eye(3) * 15
    run = make_run(["Li"] * 12 + ["O"] * 12, lattice, positions % 15, interval=4.0)
    found = {(d.species, d.direction): d for d in diffusion(run, drift="none")}
    lithium = found["Li", "3d"]
    assert lithium.diffusive
    true = 0.25 / 2 / 4.0
    assert lithium.interval[0] < true < lithium.interval[1]
    assert not found["O", "normal"].diffusive
    assert lithium.drift == "nothing subtracted"


def test_layers_have_coefficients_of_their_own(make_run):
    # atoms in the lower half walk in the plane, those in the upper half rest
    rng = np.random.default_rng(0)
    positions = np.zeros((400, 20, 3))
    positions[:, :10, :2] = walk(rng, frames=400, atoms=10, step=0.4)[..., :2]
    positions[..., 2] = np.where(np.arange(20) < 10, 4.0, 12.0)
    positions += rng.normal(0, 0.05, positions.shape)
    run = make_run(["Li"] * 20, np.eye(3) * 16, positions)
    low, high = diffusion(run, layers=[0, 8, 16], directions=["in-plane"], drift="none")
    assert low.species == "Li, 0.0-8.0 Å"
    assert low.diffusive
    assert not high.diffusive
    assert "100 % of the run" in low.notes[0]


def test_fixed_atoms_are_left_out_and_only_fixed_ones_refused(make_run):
    positions = np.full((100, 6, 3), 2.0)
    positions[:, :4] = walk(np.random.default_rng(0), frames=100, atoms=4, step=0.3)
    run = make_run(["Li"] * 5 + ["O"], np.eye(3) * 20, positions)
    (found,) = diffusion(run, ["Li"], directions=["3d"])
    assert found.atoms == 4
    assert "1 fixed Li atoms left out" in found.notes
    with pytest.raises(AnalysisError, match="none of the atoms"):
        diffusion(run, ["O"])
    with pytest.raises(AnalysisError, match="do not move at all"):
        diffusion_coefficient(np.ones((100, 2, 3)), 1.0)


def test_a_run_whose_motion_changes_is_noted():
    positions = walk(np.random.default_rng(0), frames=600)
    calm = diffusion_coefficient(positions, 1.0)
    assert calm.notes == ()
    steps = np.diff(positions, axis=0, prepend=0)
    steps[300:] *= 2
    found = diffusion_coefficient(np.cumsum(steps, axis=0), 1.0, direction="in-plane")
    assert "the motion changes: the second half" in found.notes[0]
    assert found.collective > 1.2  # a common change makes the mean less certain


FOUND = Diffusion(
    species="Li",
    direction="3d",
    coefficient=2e-4,
    error=1e-5,
    interval=(1.8e-4, 2.2e-4),
    exponent=0.98,
    exponent_error=0.03,
    diffusive=True,
    verdict="diffusive",
    upper_bound=2.4e-4,
    msd_end=12.0,
    window_fs=(1000.0, 5000.0),
    atoms=24,
    collective=1.2,
)


def test_a_coefficient_is_told_in_both_units():
    data = json.loads(json.dumps(FOUND.as_dict()))
    assert data["d_a2_per_fs"] == 2e-4
    assert data["d_cm2_per_s"] == pytest.approx(2e-5)  # 1 Å²/fs is 0.1 cm²/s
    assert data["d_error_cm2_per_s"] == pytest.approx(1e-6)
    assert data["d_interval_cm2_per_s"] == pytest.approx([1.8e-5, 2.2e-5])
    assert Diffusion.from_dict(data).interval == pytest.approx(FOUND.interval)
    assert str(FOUND) == "Li 3d: D = 2e-05 ± 1e-06 cm²/s"
    assert repr([FOUND]) == "[Diffusion(Li 3d: D = 2e-05 ± 1e-06 cm²/s)]"


def test_what_is_not_diffusive_has_no_number_to_quote():
    data = replace(FOUND, diffusive=False, verdict="not diffusive: x").as_dict()
    assert data["d_cm2_per_s"] is data["d_a2_per_fs"] is None
    assert data["d_interval_cm2_per_s"] is None
    assert data["d_upper_bound_cm2_per_s"] == pytest.approx(2.4e-5)
    assert Diffusion.from_dict(data).as_dict() == data
    free = replace(FOUND, upper_bound=None, diffusive=False)
    assert free.as_dict()["d_upper_bound_cm2_per_s"] is None
    assert str(free) == "Li 3d: not diffusive"
