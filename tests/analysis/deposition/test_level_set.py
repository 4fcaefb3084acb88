"""The diffuse front: its layer, its charge, and the moving mesh beside it."""

from dataclasses import replace

import numpy as np
import pytest

from ionface.analysis.deposition.cell import (
    DepositionSpec,
    Geometry,
    Kinetics,
    Seed,
    preset,
)
from ionface.analysis.deposition.deposition import deposit
from ionface.analysis.deposition.level_set import LevelSet

pytest.importorskip("skfem", reason="scikit-fem is not installed")

CELL = DepositionSpec(
    "cell",
    preset("qcpe"),
    capacity_mah_per_cm2=0.1,
    kinetics=Kinetics(1000.0),
    geometry=Geometry(width_um=6.0, thickness_um=100.0, columns=12, rows=24),
    seed=Seed(amplitude_um=0.5, wavelength_um=12.0),
    steps=20,
    method="level-set",
)


def test_the_layer_holds_the_length_of_the_front_and_its_curvature():
    model = LevelSet(CELL)
    state = model.start()
    domain = model.domain(state.distance)
    delta = domain.phi * (1 - domain.phi) / domain.epsilon
    length = float((delta * domain.basis.dx).sum())
    fine = np.linspace(0, 6e-6, 2001)
    exact = np.hypot(np.diff(fine), np.diff(CELL.initial_front(fine))).sum()
    assert length == pytest.approx(exact, rel=2e-3)
    k = np.pi / 6e-6
    near = np.argmin(np.abs(state.distance.reshape(model.fixed.shape)[0]))
    bend = domain.curvature.reshape(model.fixed.shape)[0, near]
    assert bend == pytest.approx(0.5e-6 * k**2, rel=0.1)


def test_distances_stay_distances_where_the_front_moves():
    model = LevelSet(CELL)
    state = model.start()
    for _ in range(3):
        state = model.advance(state, 10.0)
    size = model.domain(state.distance).normal[2]
    close = np.abs(state.distance) < 4 * model.epsilon
    np.testing.assert_allclose(size[close], 1.0, atol=0.02)


def compared(cell):
    sharp = deposit(replace(cell, method="moving-mesh"))
    return sharp, deposit(cell)


@pytest.mark.slow
def test_a_diffuse_front_grows_as_the_moving_mesh():
    sharp, diffuse = compared(CELL)
    assert diffuse.last.plated == pytest.approx(sharp.last.plated, rel=1e-9)
    # what the grid gained beyond the mean front that charge alone tells
    off = np.trapezoid(diffuse.last.front, diffuse.x) / diffuse.x[-1]
    assert abs(off) < 1e-3 * diffuse.last.mean
    assert diffuse.last.amplitude == pytest.approx(sharp.last.amplitude, rel=0.03)
    assert abs(diffuse.salt_drift) < 1e-10
    assert diffuse.last.u[:, 0].min() == pytest.approx(
        sharp.last.u[:, 0].min(), abs=0.02
    )


@pytest.mark.slow
def test_an_interrupted_run_ends_as_it_would_have(tmp_path):
    short = replace(CELL, steps=10, capacity_mah_per_cm2=0.03)

    def stop(done, total, note):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deposit(short, tmp_path, stop)
    assert deposit(short, tmp_path).as_dict() == deposit(short).as_dict()


@pytest.mark.slow
def test_after_the_papers_capacity_both_fronts_are_alike():
    cell = replace(
        CELL,
        capacity_mah_per_cm2=0.67,
        geometry=Geometry(width_um=10.0, thickness_um=100.0, columns=40, rows=40),
        seed=Seed(amplitude_um=0.5, wavelength_um=20.0),
        steps=130,
    )
    sharp, diffuse = compared(cell)
    off = np.trapezoid(diffuse.last.front, diffuse.x) / diffuse.x[-1]
    assert abs(off) < 1e-3 * diffuse.last.mean
    assert diffuse.last.amplitude == pytest.approx(sharp.last.amplitude, rel=0.03)
