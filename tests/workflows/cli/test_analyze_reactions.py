"""The command behind `ionface analyze reactions`, on a run whose events are known."""

import json

import numpy as np
import pytest

from ionface.analysis.trajectory.store import TrajectoryWriter
from ionface.errors import IonfaceError
from ionface.workflows.cli.analyze_reactions import analyze_reactions

FRAMES = 400


@pytest.fixture
def run(tmp_path):
    """An In and two S approach from 6 to 2.6 Å halfway through and stay there."""
    path = tmp_path / "run.ionf"
    with TrajectoryWriter.create(
        path, species=["In", "S", "S"], lattice=np.eye(3) * 20.0
    ) as writer:
        for step in range(FRAMES):
            apart = 6.0 if step < FRAMES // 2 else 2.6
            positions = np.full((3, 3), 8.0)
            positions[1:, 0] += [apart, -apart]
            writer.append(step=step, time_fs=2.0 * step, positions=positions)
    return path


def test_the_verdict_is_printed_and_written(run, tmp_path, capsys):
    out = tmp_path / "reactions.json"
    analyze_reactions([run], ["In-S"], ["InS"], 4, None, out, as_json=False)
    said = capsys.readouterr().out
    assert "In–S is growing: 0 bonds at the start, 2.0" in said
    assert "the first formed at 0.4 ps" in said
    data = json.loads(out.read_text())
    assert json.dumps(data["pairs"]["In-S"]).count("growing") == 1
    assert out.with_suffix(".png").stat().st_size > 10_000


def test_json_goes_to_stdout_alone(run, tmp_path, capsys):
    out = tmp_path / "reactions.json"
    analyze_reactions([run], ["In-S"], [], 4, None, out, as_json=True)
    assert json.loads(capsys.readouterr().out) == json.loads(out.read_text())


def test_a_reference_without_the_pair_is_refused(run, tmp_path):
    with pytest.raises(IonfaceError, match="InCl_Cmcm has none of the pairs"):
        analyze_reactions(
            [run], ["In-S"], ["InCl_Cmcm"], 4, None, tmp_path / "x", as_json=False
        )


def test_a_cell_too_thin_for_nearest_images_is_told(run, tmp_path, capsys):
    analyze_reactions([run], ["In-S"], [], 4, None, tmp_path / "a", as_json=False)
    assert "note:" not in capsys.readouterr().out
    thin = tmp_path / "thin.ionf"
    with TrajectoryWriter.create(
        thin, species=["In", "S"], lattice=np.diag([4.0, 20.0, 20.0])
    ) as writer:
        for step in range(10):
            positions = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
            writer.append(step=step, time_fs=2.0 * step, positions=positions)
    analyze_reactions([thin], ["In-S"], [], 4, None, tmp_path / "b", as_json=False)
    assert "the cell is 4.0 Å thin" in capsys.readouterr().out
