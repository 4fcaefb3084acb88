"""The multi-process truth, on a real Slurm and a real MongoDB; see faults.py."""

import json
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import faults
from lab import Lab, LabError, why_not
from observing import crystals, study

REASON = why_not()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(REASON), reason=f"no cluster here: {REASON}"),
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.xdist_group("cluster"),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    before = dict(os.environ)
    try:
        with Lab(tmp_path_factory.mktemp("lab")) as found:
            yield found
    except LabError as reason:
        pytest.skip(f"no cluster comes up here: {reason}")
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.mark.parametrize("case", faults.CASES, ids=lambda case: case.__name__)
def test_nothing_finished_is_lost_and_nothing_computed_twice(lab, case):
    count = faults.run(case, lab)
    assert count.done == count.jobs, count
    assert not count.lost, count
    assert not count.doubled, count
    assert not count.together, count
    if count.noticed_s is not None:
        assert count.noticed_s < 120, count


def test_both_papers_studies_complete(lab):
    count = faults.run(faults.papers, lab)
    assert count.jobs > 40, count
    assert count.done == count.jobs, count


def test_random_faults_end_with_every_job_completed_once(lab):
    count = faults.run(faults.soak, lab, rounds=20, number=3, seed=3)
    assert count.good, count


def test_the_quick_start_step_by_step(lab):
    """From nothing to the first running job, in the words of docs/cluster.md."""
    conf, folder = lab.folder / "quick-conf", lab.folder / "quick"
    folder.mkdir()
    file = folder / "my-study.yaml"
    file.write_text(study("my-study", crystals(folder, 2)))
    told = {"IONFACE_CLUSTER": str(conf), "IONFACE_VASP_FAULT": "slow:0"}
    environment = {**lab.environment(), **told}

    def ionface(*words):
        done = lab.ionface(*words, environment=environment, check=False)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    ionface(
        "init-cluster", "--queue", "slurm", "--host", "127.0.0.1", "--partition",
        "batch", "--port", lab.mongo.port, "--database", "quick",
        "--vasp-cmd", f"{sys.executable} -m ionface.workflows.engines.vasp_double",
    )  # fmt: skip
    assert conf.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in conf.iterdir()} == {0}
    told = ionface("doctor")
    assert "database" in told
    shown = ionface("submit", file, "--dry-run", "--project", folder / "p")
    assert "would submit my-study: 10 jobs" in shown
    assert not (folder / "p").exists()
    submitted = ionface("submit", file, "--project", folder / "p")
    assert "batch jobs put into the queue" in submitted
    ionface("recover", "--watch", "--every", "1")
    status = json.loads(ionface("status", "--project", folder / "p", "--json"))
    assert status["counts"] == {"done": 10}, status
    assert "10 results" in ionface("import", "--project", folder / "p")
    ionface("report", "--project", folder / "p")
    assert (folder / "p" / "report.html").stat().st_size > 10_000
    assert list((folder / "p" / "trajectories").iterdir())
