"""Which frames of a project are read, and what is said of them."""

from dataclasses import replace

import numpy as np
import pytest

from ionface.analysis.trajectory.store import TrajectoryWriter
from ionface.errors import IonfaceError
from ionface.workflows.cli.analyze_frames import open_frames
from ionface.workflows.projects.project import Project
from ionface.workflows.study.study import quickened
from ionface.workflows.study.study_files import load


def with_frames(root, study):
    project = Project.create(root, study)
    (root / "trajectories").mkdir(exist_ok=True)
    with TrajectoryWriter.create(
        root / "trajectories" / "Al-Ag.ionf", species=["Al"], lattice=np.eye(3) * 9
    ) as writer:
        writer.append(step=0, time_fs=0.0, positions=np.zeros((1, 3)))
    return project.root


@pytest.mark.parametrize("quick", [False, True])
def test_a_quick_project_is_called_a_rehearsal(study_file, tmp_path, capsys, quick):
    study = load(str(study_file))
    root = with_frames(tmp_path / "p", quickened(study) if quick else study)
    assert len(open_frames([root], None)) == 1
    assert ("QUICK models" in capsys.readouterr().err) == quick


def test_a_project_without_frames_says_why(study_file, tmp_path):
    study = load(str(study_file))
    Project.create(tmp_path / "a", study)
    with pytest.raises(IonfaceError, match="no dynamics are finished"):
        open_frames([tmp_path / "a"], None)
    Project.create(tmp_path / "b", replace(study, dynamics=()))
    with pytest.raises(IonfaceError, match="its study has none"):
        open_frames([tmp_path / "b"], None)
