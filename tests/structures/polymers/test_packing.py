"""Rigid molecules between walls, in cells of any angle."""

import stat
import sys

import numpy as np
import pytest

from ionface.errors import StructureError
from ionface.structures.periodic import pairs_within
from ionface.structures.polymers.oligomers import oligomer
from ionface.structures.polymers.packing import (
    packmol,
    packmol_executable,
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


@pytest.mark.parametrize("cell", [SQUARE, SKEWED])
def test_packmol_keeps_molecules_apart_across_the_border_and_within_walls(cell):
    packed = packmol([(SYMBOLS, COORDS)] * 6, cell, 14.0, 2.0, seed=1)
    assert len(packed) == 6
    assert all(same_shape(part) for part in packed)
    assert closest(packed, cell) > 1.95  # Packmol's own precision is 0.01
    z = np.vstack(packed)[:, 2]
    assert -0.11 < z.min() < z.max() < 14.11  # walls yield by its precision, 0.1 Å


@pytest.mark.parametrize(
    "cell",
    [
        np.array([[0.0, 13.0], [11.0, 0.0]]),  # left-handed
        np.array([[9.0, 9.0], [-8.0, 8.0]]),  # turned
        np.array([[13.0, 0.0], [-6.5, 11.3]]),  # hexagonal
    ],
)
def test_cells_are_packed_however_their_vectors_lie(cell):
    packed = packmol([(SYMBOLS, COORDS)] * 4, cell, 14.0, 2.0, seed=2)
    assert all(same_shape(part) for part in packed)
    assert closest(packed, cell) > 1.95


def test_a_seed_of_packmol_repeats():
    runs = [packmol([(SYMBOLS, COORDS)] * 4, SQUARE, 12.0, 2.0, s) for s in (5, 5, 6)]
    assert np.array_equal(runs[0], runs[1])
    assert not np.allclose(runs[0], runs[2])


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
