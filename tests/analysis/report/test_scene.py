"""Frames of a run as a page holds them."""

import base64

import numpy as np
import pytest

from ionface.analysis.report import scene
from ionface.analysis.report.scene import STEP, Scene, film_of
from ionface.analysis.trajectory.trajectory import Trajectory

CELL = np.diag([4.0, 5.0, 20.0])


def run(positions, timestep=2.0):
    return Trajectory.from_arrays(["In", "S"], CELL, positions, timestep)


def decoded(data, atoms=2):
    whole = np.frombuffer(base64.b64decode(data["positions"]), "<u2")
    return np.array(data["low"]) + data["step"] * whole.reshape(-1, atoms, 3)


def test_positions_come_back_within_the_step():
    rng = np.random.default_rng(0)
    positions = rng.random((7, 1, 3)) * 0.5 + [[[1, 1, 1], [2, 3, 15]]]
    data = film_of(run(positions)).as_dict()
    np.testing.assert_allclose(decoded(data), positions, atol=STEP / 2 + 1e-9)
    assert data["times_ps"] == [0.0, 0.002, 0.004, 0.006, 0.008, 0.01, 0.012]


def test_an_atom_that_crosses_the_border_does_not_jump():
    path = np.arange(0, 6, 0.5)
    positions = np.zeros((len(path), 2, 3))
    positions[:, 0, 0] = path % 4.0  # wrapped by whoever wrote it
    positions[:, 1, 2] = 10
    shown = film_of(run(positions)).positions
    np.testing.assert_allclose(shown[:, 0, 0], path, atol=1e-9)


def test_a_run_begins_inside_the_cell():
    positions = np.tile([[-1.0, 11.0, 3.0], [5.0, 0.0, 25.0]], (3, 1, 1))
    first = film_of(run(positions)).positions[0]
    np.testing.assert_allclose(first, [[3.0, 1.0, 3.0], [1.0, 0.0, 5.0]], atol=1e-9)


def test_a_long_run_is_thinned_evenly_and_says_so(monkeypatch):
    monkeypatch.setattr(scene, "MOST_FRAMES", 5)
    film = film_of(run(np.zeros((101, 2, 3)) + 1))
    assert (film.as_dict()["shown"], film.as_dict()["frames"]) == (5, 101)
    np.testing.assert_allclose(film.times_ps, [0, 0.05, 0.1, 0.15, 0.2])


def test_many_atoms_leave_room_for_fewer_frames(monkeypatch):
    monkeypatch.setattr(scene, "MOST_BYTES", 8 * 2 * 10)
    film = film_of(run(np.zeros((101, 2, 3)) + 1))
    assert len(film.as_dict()["positions"]) <= scene.MOST_BYTES
    shared = film_of(run(np.zeros((101, 2, 3)) + 1), runs=2)
    assert len(shared.positions) == len(film.positions) // 2


def test_unknown_times_are_null():
    assert film_of(run(np.ones((2, 2, 3)), None)).as_dict()["times_ps"] == [None, None]


@pytest.mark.parametrize("phases", [(), ("a", "b")])
def test_species_and_phases_are_numbers_of_names(phases):
    one = Scene("x", ["S", "In"], CELL, {"start": np.zeros((2, 3))}, phases=phases)
    told = one.as_dict()
    assert [told["elements"][k] for k in told["species"]] == ["S", "In"]
    assert [told["phaseNames"][k] for k in told["phases"]] == list(phases)
