"""Rigid molecules between walls: by Packmol and one by one."""

import stat
import sys

import numpy as np
import pytest

from ionface.errors import StructureError
from ionface.structures.periodic import pairs_within
from ionface.structures.polymers.oligomers import oligomer
from ionface.structures.polymers.packing import (
    insert,
    packmol,
    packmol_executable,
    random_rotation,
    rectangle,
)

SQUARE = np.diag([13.0, 11.0])
SKEWED = np.array([[13.0, 0.0], [4.5, 11.0]])
MOLECULE = oligomer("CO[C@H](F)C")
SYMBOLS = MOLECULE.topology.symbols
COORDS = np.array(MOLECULE.molecule.cart_coords)


def closest(parts, cell):
    coords = np.vstack(parts)
    owner = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    pairs = pairs_within(coords, cell, 3.0)
    alien = (owner[pairs.first] != owner[pairs.second]) | (
        np.abs(pairs.shifts).max(axis=1) > 0
    )
    return pairs.chosen(alien).distances(coords).min(initial=np.inf)


def same_shape(part):
    """Return whether a part is the molecule moved and turned, not mirrored."""
    apart = [np.linalg.norm(x[:, None] - x[None], axis=-1) for x in (part, COORDS)]
    volumes = [np.linalg.det(x[1:4] - x[0]) for x in (part, COORDS)]
    return np.allclose(*apart, atol=1e-4) and np.sign(volumes[0]) == np.sign(volumes[1])


def test_packmol_keeps_molecules_apart_across_the_border_and_within_walls():
    packed = packmol([(SYMBOLS, COORDS)] * 8, SQUARE, 14.0, 2.0, seed=1)
    assert len(packed) == 8
    assert all(same_shape(part) for part in packed)
    assert closest(packed, SQUARE) > 1.97  # Packmol's own precision is 0.01
    z = np.vstack(packed)[:, 2]
    assert -0.11 < z.min() < z.max() < 14.11  # walls yield by its precision, 0.1 Å


@pytest.mark.parametrize(
    "cell",
    [
        np.array([[0.0, 13.0], [11.0, 0.0]]),  # left-handed
        np.array([[9.0, 9.0], [-8.0, 8.0]]),  # turned
        np.array([[13.0, 0.0], [13.0, 11.0]]),  # rectangular after a change of basis
    ],
)
def test_rectangular_lattices_are_packed_however_their_vectors_lie(cell):
    packed = packmol([(SYMBOLS, COORDS)] * 8, cell, 14.0, 2.0, seed=2)
    assert all(same_shape(part) for part in packed)
    assert closest(packed, cell) > 1.97


def test_a_seed_of_packmol_repeats():
    runs = [packmol([(SYMBOLS, COORDS)] * 4, SQUARE, 12.0, 2.0, s) for s in (5, 5, 6)]
    assert np.array_equal(runs[0], runs[1])
    assert not np.allclose(runs[0], runs[2])


def test_skewed_lattices_have_no_rectangle():
    assert rectangle(SKEWED) is None
    assert rectangle(np.array([[8.0, 0.0], [-4.0, 4.0 * np.sqrt(3)]])) is None
    found = rectangle(np.array([[13.0, 0.0], [26.0, 11.0]]))
    assert np.linalg.norm(found, axis=1) == pytest.approx([11, 13])
    with pytest.raises(StructureError, match="rectangular cells only"):
        packmol([(SYMBOLS, COORDS)], SKEWED, 12.0, 2.0, 0)


def test_what_packmol_cannot_pack_is_none():
    assert packmol([(SYMBOLS, COORDS)] * 8, SQUARE, 1.0, 2.0, 0) is None


def test_packmol_is_stopped_after_its_time(tmp_path):
    slow = tmp_path / "packmol"
    slow.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    slow.chmod(slow.stat().st_mode | stat.S_IXUSR)
    found = packmol(
        [(SYMBOLS, COORDS)], SQUARE, 12.0, 2.0, 0, time_limit=0.3, executable=slow
    )
    assert found is None


def test_input_that_packmol_refuses_is_shown(tmp_path):
    bad = tmp_path / "packmol"
    bad.write_text(
        f"#!{sys.executable}\nimport sys\nprint('bad line')\nsys.exit(171)\n"
    )
    bad.chmod(bad.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(StructureError, match=r"(?s)refused its input.*bad line"):
        packmol([(SYMBOLS, COORDS)], SQUARE, 12.0, 2.0, 0, executable=bad)


def test_a_missing_packmol_is_named_with_the_way_out(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(StructureError, match="pip install packmol"):
        packmol_executable()


@pytest.mark.parametrize("cell", [SQUARE, SKEWED])
def test_insertion_counts_all_images(cell):
    placed = insert([COORDS] * 6, cell, 16.0, 2.0, np.random.default_rng(0))
    assert all(same_shape(part) for part in placed)
    assert closest(placed, cell) >= 2.0
    z = np.vstack(placed)[:, 2]
    assert 0 <= z.min() < z.max() <= 16.0


def test_a_rod_longer_than_its_cell_is_inserted_without_meeting_itself():
    rod = np.column_stack([1.3 * np.arange(14), np.zeros(14), np.zeros(14)])  # 17 Å
    narrow = np.array([[7.0, 0.0], [2.0, 7.0]])
    for seed in range(12):
        (placed,) = insert([rod], narrow, 4.0, 2.0, np.random.default_rng(seed))
        assert closest([placed], narrow) >= 2.0


def test_insertion_gives_up_where_there_is_no_place():
    assert insert([COORDS] * 40, SKEWED, 8.0, 2.0, np.random.default_rng(0)) is None
    assert insert([COORDS], SKEWED, 0.5, 2.0, np.random.default_rng(0)) is None


def test_rotations_are_proper_and_uniform():
    rng = np.random.default_rng(0)
    turns = np.array([random_rotation(rng) for _ in range(4000)])
    assert np.allclose(turns @ turns.transpose(0, 2, 1), np.eye(3))
    assert np.linalg.det(turns) == pytest.approx(np.ones(4000))
    # a turned z axis is anywhere on the sphere: mean 0, mean square 1/3, within 4 sigma
    assert np.abs(turns[:, :, 2].mean(axis=0)).max() < 4 * np.sqrt(1 / 3 / 4000)
    spread = 4 * np.sqrt((1 / 5 - 1 / 9) / 4000)
    assert (turns[:, :, 2] ** 2).mean(axis=0) == pytest.approx([1 / 3] * 3, abs=spread)
    # the mean angle of uniform rotations is 90° + 2 rad / π = 126.5°
    angles = np.arccos(np.clip((np.trace(turns, axis1=1, axis2=2) - 1) / 2, -1, 1))
    assert np.rad2deg(angles).mean() == pytest.approx(126.5, abs=2.5)
