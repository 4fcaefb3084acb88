"""`ionface analyze layers`, on a stack whose coordination is known."""

import csv
import json

import numpy as np
import pytest

from ionface.analysis.trajectory.store import TrajectoryWriter
from ionface.errors import AnalysisError, IonfaceError
from ionface.workflows.cli.analyze_layers import analyze_layers


@pytest.fixture
def run_file(tmp_path):
    """Two P with four S each at 2.05 Å in the lower half, one with three above."""
    corners = (
        2.05 / np.sqrt(3) * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    )
    centers = np.array([[5.0, 5, 5], [5, 5, 10], [5, 5, 30]])
    sulfur = np.vstack([corners + c for c in centers])[:-1]
    path = tmp_path / "run.ionf"
    species = ["P"] * 3 + ["S"] * 11
    with TrajectoryWriter.create(path, species, np.diag([10.0, 10.0, 40.0])) as writer:
        for step in range(8):
            writer.append(
                step=step, time_fs=2.0 * step, positions=np.vstack([centers, sulfur])
            )
    return path


def test_layers_have_their_coordination_a_table_and_a_figure(
    run_file, tmp_path, capsys
):
    out = tmp_path / "layers.json"
    analyze_layers([run_file], "P-S:2.6", 4, [], 2, 1, None, out, as_json=False)
    numbers = json.loads(out.read_text())["numbers"]
    assert numbers == [[4.0, 4.0, None, 3.0]] * 2
    assert "4.00" in capsys.readouterr().out
    with out.with_suffix(".csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["atoms"] for row in rows[:4]] == ["1.0", "1.0", "0.0", "1.0"]
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_layers_by_their_edges_and_json_is_what_is_written(run_file, tmp_path, capsys):
    out = tmp_path / "layers.json"
    analyze_layers(
        [run_file], "P-S:2.6", 10, [0.0, 20.0, 40.0], 1, 3, None, out, as_json=True
    )
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(out.read_text())
    assert printed["numbers"] == [[4.0, 3.0]]


def test_what_makes_no_sense_is_refused(run_file, tmp_path):
    out = tmp_path / "layers.json"
    for pair, error, message in [
        ("P-S:much", IonfaceError, "no bond length"),
        ("P-O:2.0", AnalysisError, "O"),
        ("PS", AnalysisError, "PS"),
    ]:
        with pytest.raises(error, match=message):
            analyze_layers([run_file], pair, 4, [], 1, 1, None, out, as_json=True)
    assert not out.exists()
