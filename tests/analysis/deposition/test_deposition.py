"""Whole runs: what is plated, what is resumed, what ends a growth early."""

import gc
import tracemalloc
import weakref
from contextlib import suppress
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
from ionface.analysis.deposition.deposition import DONE, STATE, Deposition, deposit
from ionface.analysis.deposition.moving_mesh import MovingMesh
from ionface.analysis.deposition.stability import sands_time
from ionface.analysis.deposition.transport import DepletedError, Domain
from ionface.analysis.figures.deposition_figure import current_density, film
from ionface.errors import AnalysisError

pytest.importorskip("skfem", reason="scikit-fem is not installed")

SMALL = DepositionSpec(
    "small",
    preset("qcpe"),
    capacity_mah_per_cm2=0.1,
    kinetics=Kinetics(1000.0),
    geometry=Geometry(width_um=4.0, thickness_um=20.0, columns=8, rows=8),
    seed=Seed(amplitude_um=0.1),
    steps=30,
)


@pytest.fixture(scope="module")
def grown():
    return deposit(SMALL)


def test_what_is_plated_is_faradays_and_no_salt_is_lost(grown):
    assert grown.ended == DONE
    assert grown.last.plated == pytest.approx(0.1, rel=1e-9)
    assert 1e6 * grown.last.mean / grown.last.plated == pytest.approx(4.84978, rel=1e-6)
    assert abs(grown.salt_drift) < 1e-10
    # the mesh grew by what was plated and by nothing else
    assert np.trapezoid(grown.last.front, grown.x) == pytest.approx(0, abs=1e-17)


def test_a_small_wave_grows_as_the_closed_form_says():
    # after the salt's first seconds, in which the gradient at the front builds up
    still = replace(SMALL, seed=Seed(amplitude_um=0.02), capacity_mah_per_cm2=0.2)
    fine = replace(still, geometry=replace(SMALL.geometry, columns=12, rows=12))
    found = deposit(fine)
    late = found.frames[len(found.frames) // 2 :]
    rate = np.polyfit([f.time for f in late], np.log([f.amplitude for f in late]), 1)[0]
    assert rate == pytest.approx(found.regime.seed_growth_per_s, rel=0.03)


def test_the_current_that_a_picture_shows_is_even_where_little_changes():
    # a potential that falls by less than a thousandth of RT/F across the cell
    salt = replace(SMALL.electrolyte, conductivity_ms_per_cm=1000.0)
    salt = replace(salt, diffusion_m2_per_s=1e-8)
    found = deposit(replace(SMALL, electrolyte=salt, capacity_mah_per_cm2=0.01))
    across = -current_density(found, found.last)[3]
    assert across[:, 1:-1] == pytest.approx(20.0, rel=0.03)


def test_current_runs_to_the_crests_and_all_of_it_arrives(grown):
    density = grown.last.density
    assert min(density[0], density[-1]) > 20 > density[len(density) // 2]
    x, _, _, across = current_density(grown, grown.last)
    middle = across[:, across.shape[1] // 2]
    assert np.trapezoid(-middle, x[:, 0]) / x[-1, 0] == pytest.approx(20.0, rel=0.02)


def test_an_interrupted_run_ends_as_it_would_have(grown, tmp_path):
    def stop(done, total, note):
        if done == 17:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deposit(SMALL, tmp_path, stop)
    heard = []
    found = deposit(SMALL, tmp_path, lambda done, total, note: heard.append(done))
    assert heard[0] > 10
    assert found.as_dict() == grown.as_dict()


def test_the_state_of_another_run_is_not_taken(tmp_path):
    deposit(replace(SMALL, capacity_mah_per_cm2=0.01, steps=10), tmp_path)
    assert (tmp_path / STATE).is_file()
    with pytest.raises(AnalysisError, match="holds the state of another deposition"):
        deposit(SMALL, tmp_path)


def test_a_front_that_touches_the_other_electrode_ends_with_the_time():
    thin = replace(
        SMALL,
        geometry=replace(SMALL.geometry, thickness_um=2.0, columns=16),
        seed=Seed(amplitude_um=0.5),
        capacity_mah_per_cm2=3.0,
        current_ma_per_cm2=20.0,
    )
    found = deposit(thin)
    assert "short circuit: the front touches the other electrode after" in found.ended
    gap = found.thickness - found.last.front.max()
    assert 0 < gap < 0.3 * found.thickness
    time = float(found.ended.split()[-2])
    assert found.last.time < time < 1.5 * found.last.time


@pytest.mark.slow
def test_salt_that_is_used_up_ends_the_run():
    # twice the limiting current in a cell that is thick against √(Dτ)
    above = replace(
        SMALL,
        geometry=replace(SMALL.geometry, thickness_um=400.0, rows=16),
        seed=Seed(amplitude_um=0.01),
        current_ma_per_cm2=4.0,
        steps=20,
    )
    tau = sands_time(above.electrolyte, above.current)
    nearly = above.current * 0.97 * tau / 3.6e4
    found = deposit(replace(above, capacity_mah_per_cm2=nearly))
    assert found.last.u[:, 0].min() < 0.1
    model = MovingMesh(above)
    state = model.start()
    with suppress(DepletedError):
        for _ in range(40):
            state = model.advance(state, 0.05 * tau, halvings=0)
    assert 0.9 * tau < state.time < 1.1 * tau


@pytest.mark.slow
def test_steps_leave_nothing_behind_in_memory():
    wide = replace(SMALL, geometry=replace(SMALL.geometry, columns=24, rows=24))
    model, held = MovingMesh(wide), []
    state = model.advance(model.start(), 1.0)
    tracemalloc.start()
    try:
        for _ in range(4):
            state = model.advance(state, 1.0)
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    # less than half of the fields of each step would take, and of its matrices a tenth
    assert held[-1] - held[1] < 0.5 * 2 * (state.u.nbytes + state.psi.nbytes)


def test_what_a_step_lays_is_freed_without_the_garbage_collector():
    grid = MovingMesh(SMALL).grid
    domain = Domain(grid, SMALL.initial_front(grid.x))
    alive = weakref.ref(domain.basis.mapping)
    gc.disable()
    try:
        del domain
        assert alive() is None
    finally:
        gc.enable()


def test_a_finer_mesh_takes_as_many_steps_as_its_shortest_wave_needs():
    coarse, fine = (
        replace(SMALL, geometry=replace(SMALL.geometry, columns=n)) for n in (8, 64)
    )
    assert MovingMesh(coarse).steps == 30
    assert MovingMesh(fine).steps > 30


def test_a_result_survives_its_file_and_is_drawn(grown):
    back = Deposition.from_dict(grown.as_dict())
    assert back.as_dict() == grown.as_dict()
    assert len(back.plot().axes) >= 4
    few = replace(back, frames=back.frames[::30])
    assert film(few).startswith(b"GIF89a")


def test_without_scikit_fem_the_way_to_it_is_told(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "skfem", None)
    with pytest.raises(AnalysisError, match=r"pip install 'ionface\[deposition\]'"):
        deposit(SMALL)


@pytest.mark.slow
def test_a_run_of_the_papers_size_converges_in_the_mesh():
    def amplitude(n):
        cell = DepositionSpec(
            "cell",
            preset("qcpe"),
            capacity_mah_per_cm2=0.67,
            kinetics=Kinetics(1000.0),
            geometry=Geometry(12.0, 100.0, n, n),
            seed=Seed(amplitude_um=0.2),
        )
        return deposit(cell).last.amplitude

    assert amplitude(20) == pytest.approx(amplitude(40), rel=5e-3)
