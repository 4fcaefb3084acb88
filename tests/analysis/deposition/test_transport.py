"""The finite elements against closed forms."""

import math
import sys
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.sparse import eye_array

from ionface.analysis.deposition.cell import MOLAR_VOLUME, Kinetics, preset
from ionface.analysis.deposition.linear_solvers import LARGE, solved
from ionface.analysis.deposition.moving_mesh import front_rate
from ionface.analysis.deposition.stability import FlatFront, sands_time
from ionface.analysis.deposition.transport import (
    DepletedError,
    Domain,
    Grid,
    Transport,
    heights,
)
from ionface.analysis.electrochemistry.transport_properties import FARADAY
from ionface.errors import AnalysisError

pytest.importorskip("skfem", reason="scikit-fem is not installed")

QCPE = preset("qcpe")


def growth_rate_error(n, wavelength, i0, solver="direct"):
    """Return the relative error of ω of a small wave on n x n elements."""
    thickness, kinetics = 20e-6, Kinetics(i0)
    x = np.linspace(0, wavelength / 2, n + 1)
    grid = Grid(x, heights(n, thickness, x[1]), thickness)
    model = Transport(grid, QCPE, kinetics, 20.0, solver)
    wave = np.cos(2 * math.pi * grid.x / wavelength)
    size, parts = 1e-4 * wavelength, []
    for sign in (1, -1):
        domain, (u, psi) = Domain(grid, sign * size * wave), model.at_rest()
        for _ in range(4):  # long steps: to the steady state
            fields = model.step(domain, domain, u, psi, 1e4)
            u, psi = fields.u, fields.psi
        rate = front_rate(grid, domain.at_front(fields.plated))
        parts.append(2 * trapezoid(rate * wave, grid.x) / grid.x[-1])
    found = (parts[0] - parts[1]) / (2 * size)
    exact = FlatFront(QCPE, kinetics, thickness, 20.0).growth_rate(
        np.float64(2 * math.pi / wavelength)
    )
    return abs(found / exact - 1)


def test_growth_rates_converge_to_the_closed_form_in_second_order():
    errors = [growth_rate_error(n, 20e-6, 10.0) for n in (8, 16)]
    assert math.log2(errors[0] / errors[1]) >= 1.9
    assert errors[1] < 2e-4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wavelength", "i0"),
    [(20e-6, 10.0), (20e-6, 1e3), (10e-6, 100.0), (10e-6, 1e4)],
)
def test_growth_rates_on_fine_meshes(wavelength, i0):
    errors = [growth_rate_error(n, wavelength, i0) for n in (40, 80)]
    assert math.log2(errors[0] / errors[1]) >= 1.9
    assert errors[1] <= 1e-4


@pytest.mark.slow
def test_the_iterative_solver_gives_the_same():
    pytest.importorskip("pyamg", reason="pyamg is not installed")
    direct = growth_rate_error(12, 20e-6, 100.0)
    assert growth_rate_error(12, 20e-6, 100.0, "iterative") == pytest.approx(
        direct, rel=1e-4
    )


def test_large_meshes_are_solved_by_multigrid_and_the_way_to_it_is_told(monkeypatch):
    matrix, load = 2 * eye_array(LARGE, format="csr"), np.ones(LARGE)
    monkeypatch.setitem(sys.modules, "pyamg", None)
    with pytest.raises(AnalysisError, match=r"pip install 'ionface\[deposition\]'"):
        solved(matrix, load)
    np.testing.assert_allclose(solved(matrix[:-2, :-2], load[:-2]), 0.5)


@pytest.mark.slow
def test_concentration_at_the_front_falls_as_sand_says():
    current, steps = 20.0, 110
    tau = sands_time(QCPE, current)
    grid = Grid(np.array([0.0, 1e-6]), heights(60, 600e-6, 1e-6), 600e-6)
    model = Transport(grid, QCPE, Kinetics(100.0), current)
    flat, (u, psi) = Domain(grid, np.zeros(2)), model.at_rest()
    times = 0.9 * tau * (np.arange(steps + 1) / steps) ** 2  # even in √t
    errors = []
    for before, now in pairwise(times):
        fields = model.step(flat, flat, u, psi, now - before)
        u, psi = fields.u, fields.psi
        errors.append(abs(u[0] - (1 - math.sqrt(now / tau))))
    assert max(errors) < 2e-3


def test_a_moving_mesh_loses_no_salt_and_passes_all_current():
    grid = Grid(np.linspace(0, 10e-6, 9), heights(8, 20e-6, 1e-6), 20e-6)
    old = Domain(grid, 1e-6 * np.cos(math.pi * grid.x / grid.x[-1]))
    new = Domain(grid, 3e-6 * np.cos(2 * math.pi * grid.x / grid.x[-1]))
    model = Transport(grid, QCPE, Kinetics(10.0), 20.0)
    u, psi = model.at_rest()
    fields = model.step(old, new, u, psi, 5.0)
    salt = (new.mass @ fields.u).sum() / (old.mass @ u).sum()
    assert salt == pytest.approx(1.0, abs=1e-10)
    assert fields.plated.sum() == pytest.approx(20.0 * grid.x[-1], rel=1e-9)


def test_the_front_rises_by_the_charge_that_it_collects():
    grid = Grid(np.linspace(0, 10e-6, 9), heights(8, 20e-6, 1e-6), 20e-6)
    charge = np.random.default_rng(0).uniform(1, 2, 9) * 1e-4
    rise = front_rate(grid, charge)
    volume = MOLAR_VOLUME / FARADAY * charge.sum()
    assert trapezoid(rise, grid.x) == pytest.approx(volume)


def test_a_crest_is_harder_to_plate():
    grid = Grid(np.linspace(0, 10e-6, 21), heights(8, 20e-6, 1e-6), 20e-6)
    domain = Domain(grid, 1e-6 * np.cos(math.pi * grid.x / grid.x[-1]))
    k = math.pi / 10e-6
    assert domain.curvature[0] == pytest.approx(1e-6 * k**2, rel=0.01)
    assert domain.curvature[-1] == pytest.approx(-1e-6 * k**2, rel=0.01)


def test_a_depleted_front_is_told():
    grid = Grid(np.array([0.0, 1e-6]), heights(20, 100e-6, 1e-6), 100e-6)
    model = Transport(grid, QCPE, Kinetics(100.0), 400.0)
    flat, (u, psi) = Domain(grid, np.zeros(2)), model.at_rest()
    with pytest.raises(DepletedError, match="no potential carries 400 A/m²"):
        model.step(flat, flat, u, psi, 100.0)


def test_rows_grow_from_the_front_to_fill_the_electrolyte():
    even = heights(10, 100.0, 20.0)
    np.testing.assert_allclose(even, np.linspace(0, 1, 11))
    graded = 100.0 * heights(10, 100.0, 1.0)
    assert graded[-1] == pytest.approx(100.0)
    sizes = np.diff(graded)
    np.testing.assert_allclose(sizes[:5], 1.0)
    np.testing.assert_allclose(sizes[5:] / sizes[4:-1], sizes[5])
    assert sizes[5] > 1
