"""How far a job is, from its files."""

import numpy as np

from ionface.analysis.reactions.bond_rule import bond_rules
from ionface.analysis.reactions.bonds import bonds
from ionface.analysis.trajectory.store import STRESSES
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.analysis.trajectory.writer import TrajectoryWriter
from ionface.workflows.projects.job_progress import mean_pressure, progress


def test_a_job_without_a_folder_or_files_says_little(tmp_path):
    assert progress(tmp_path / "none") == ""
    assert progress(tmp_path) == "started"


def test_a_running_job_tells_step_time_and_bonds_by_the_analysis_rule(tmp_path):
    with TrajectoryWriter.create(
        tmp_path / "trajectory.ionf",
        species=["In", "S"],
        lattice=np.eye(3) * 12.0,
        pbc=(True, True, True),
    ) as writer:
        for step in range(0, 400, 5):
            distance = 6.0 if step < 200 else 2.5
            positions = np.array([[0.0, 0.0, 0.0], [distance, 0.0, 0.0]])
            writer.append(step=step, time_fs=2.0 * step, positions=positions)
    rules = bond_rules(["In-S"])
    assert progress(tmp_path, rules) == "step 395, 0.790 ps, In-S 1"
    counts = bonds(Trajectory.open(tmp_path / "trajectory.ionf"), ["In-S"]).counts
    assert counts["In-S"][[0, -1]].tolist() == [0, 1]


def test_an_engine_calls_its_trajectory_what_it_likes(tmp_path):
    positions = np.random.default_rng(1).uniform(0, 6, (20, 8, 3))
    run = Trajectory.from_arrays(["Al"] * 8, np.eye(3) * 6.0, positions, 2.0)
    run.write(tmp_path / "mine.ionf")
    assert progress(tmp_path).startswith("step 19, 0.038 ps")


def test_a_run_under_pressure_says_so_with_the_error_of_the_mean(tmp_path):
    stress = np.random.default_rng(0).normal(-2.0, 0.1, 200)
    scalars = dict.fromkeys(STRESSES[:3], stress)
    scalars |= dict.fromkeys(STRESSES[3:], 0.0 * stress)
    positions = np.random.default_rng(1).uniform(0, 6, (200, 8, 3))
    Trajectory.from_arrays(
        ["Al"] * 8, np.eye(3) * 6.0, positions, 2.0, scalars=scalars
    ).write(tmp_path / "trajectory.ionf")
    assert "mean pressure +2.0" in progress(tmp_path)
    assert progress(tmp_path).endswith(" ± 0.01 GPa: under pressure")
    assert mean_pressure(tmp_path) in progress(tmp_path)


def test_a_finished_run_without_stress_has_no_mean_pressure(tmp_path):
    positions = np.random.default_rng(1).uniform(0, 6, (20, 8, 3))
    run = Trajectory.from_arrays(["Al"] * 8, np.eye(3) * 6.0, positions, 2.0)
    run.write(tmp_path / "trajectory.ionf")
    assert mean_pressure(tmp_path) == ""
    assert mean_pressure(tmp_path / "none") == ""


def test_a_file_that_is_being_written_is_no_error(tmp_path):
    (tmp_path / "trajectory.ionf").write_bytes(b"IONF")
    assert progress(tmp_path, bond_rules(["In-S"])) == "started"
