"""The multi-process truth, on a real Slurm and a real MongoDB; see faults.py."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import faults
from lab import Lab, LabError, why_not

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


def test_both_papers_studies_complete_in_three_minutes(lab):
    count = faults.run(faults.papers, lab)
    assert count.jobs == 41, count
    assert count.done == count.jobs, count
    assert float(count.note.split()[0]) < 180, count


def test_random_faults_end_with_every_job_completed_once(lab):
    count = faults.run(faults.soak, lab, rounds=20, number=3, seed=3)
    assert count.good, count
