"""Ready jobs into the queue; nothing of a document reaches a shell."""

import re
import subprocess
from dataclasses import replace
from importlib.util import find_spec
from shutil import which

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.cli.cluster_commands import planned_resources
from ionface.workflows.cluster import batch
from ionface.workflows.cluster.batch import launch_ready
from ionface.workflows.cluster.init import template_text
from ionface.workflows.cluster.queues import Queue
from ionface.workflows.cluster.resources import Requests
from ionface.workflows.cluster.submission import submit
from ionface.workflows.engines.dft.program import command, starting
from ionface.workflows.engines.registry import study_engine
from ionface.workflows.study.study_files import parse


@pytest.fixture
def handed(monkeypatch):
    """The scripts that were handed to a queue that takes them."""
    scripts = []

    def submit(self, script, folder):
        scripts.append((folder / script).read_text())
        return str(100 + len(scripts))

    monkeypatch.setattr(Queue, "submit", submit)
    return scripts


@pytest.fixture
def with_queue(cluster, submitted, tmp_path):
    """A function that returns the cluster with a queue of some kind."""

    def make(kind):
        template = tmp_path / f"{kind}.sh"
        template.write_text(template_text(f"{kind}.sh"))
        settings = {
            "_fw_name": "CommonAdapter",
            "_fw_q_type": kind.upper(),
            "_fw_template_file": str(template),
            "rocket_launch": "exec python -m ionface worker --singleshot",
            "signal": "B:USR1@300",
        }
        return replace(cluster, queue=replace(cluster.queue, settings=settings))

    return make


@pytest.mark.parametrize("kind", ["slurm", "pbs", "sge"])
def test_a_batch_script_execs_the_worker_of_its_job(with_queue, handed, kind):
    cluster = with_queue(kind)
    assert launch_ready(cluster).jobs == {1: "101"}
    (script,) = handed
    last = script.strip().splitlines()[-1]
    assert last == "exec python -m ionface worker --singleshot --fw_id 1"
    assert "$$" not in script
    assert f"IONFACE_CLUSTER={cluster.settings.folder}" in script
    checked = subprocess.run(["bash", "-n"], input=script, text=True, check=False)
    assert checked.returncode == 0
    assert cluster.launchpad.get_reservation_id_from_fw_id(1) == "101"
    assert not launch_ready(cluster).jobs  # it is in the queue already


NEEDS = {"gpaw": find_spec("gpaw"), "cp2k": which("cp2k.psmp")}


@pytest.mark.slow
@pytest.mark.parametrize("engine", NEEDS)
def test_a_first_principles_job_asks_for_its_ranks_and_starts_as_many(
    engine, study_text, with_queue, tmp_path
):
    if not NEEDS[engine]:
        pytest.skip(f"{engine} is not installed")
    dft = "dft: {ranks: 4, mpi: 'srun --mpi=pmix -n {ranks}'}\nvasp: {walltime: 2}\n"
    text = study_text.replace("ase.calculators.emt.EMT", engine) + dft
    study, cluster = parse(text, "al-ref.yaml"), with_queue("slurm")
    asked = Requests(planned_resources(study, 24.0), walltime_h=24.0)
    submit(cluster, study, tmp_path / engine, asked)
    pad = cluster.launchpad
    (number,) = pad.get_fw_ids({"name": "Al dynamics 1", "state": "WAITING",
                                "spec._queueadapter.ntasks": 4})  # fmt: skip
    path = batch.write_script(cluster, pad.get_fw_by_id(number), 1, tmp_path)
    script = path.read_text()
    memory = int(re.search(r"^#SBATCH --mem=(\d+)G$", script, re.MULTILINE)[1])
    assert 1 < memory < 8  # the program's, and our own
    for line in ("#SBATCH --ntasks=4", "#SBATCH --time=01:00:00"):
        assert f"{line}\n" in script
    # the worker is one process, and starts the ranks of its job itself
    assert script.strip().endswith(f"worker --singleshot --fw_id {number}")
    program = study_engine(study, "dynamics").program
    words = command(program, ["program"])
    assert words == ["srun", "--mpi=pmix", "-n", "4", "program"]
    with starting(program, words) as environment:
        assert environment["OMP_NUM_THREADS"] == "1"


def test_no_more_jobs_are_queued_than_allowed(with_queue, handed, batch_system):
    batch_system.known = {"1": "x", "2": "y"}
    assert not launch_ready(with_queue("slurm"), most=2).jobs
    assert launch_ready(with_queue("slurm"), most=3).jobs


@pytest.mark.parametrize(
    ("key", "value"), [("queue", "x\nrm -rf /"), ("mem", "$(id)"), ("nodes", "1;id")]
)
def test_a_resource_in_a_document_that_is_a_command_is_refused(
    with_queue, handed, key, value
):
    cluster = with_queue("slurm")
    cluster.launchpad.update_spec([1], {"_queueadapter": {key: value}})
    assert "batch script" in launch_ready(cluster).refused[1]
    assert not handed
    assert cluster.launchpad.get_fw_ids({"state": "READY"}) == [1]  # given back


def test_a_document_brings_no_command_of_its_own(with_queue, handed):
    cluster = with_queue("slurm")
    evil = {"pre_rocket": "touch x", "rocket_launch": "evil", "signal": "none"}
    cluster.launchpad.update_spec([1], {"_queueadapter": evil})
    launch_ready(cluster)
    assert "evil" not in handed[0]
    assert "touch" not in handed[0]


def test_a_queue_that_refuses_gets_the_job_again_later(with_queue, monkeypatch):
    cluster = with_queue("slurm")

    def refuse(self, script, folder):
        raise IonfaceError("invalid account")

    monkeypatch.setattr(Queue, "submit", refuse)
    assert "invalid account" in launch_ready(cluster).refused[1]
    monkeypatch.setattr(Queue, "submit", lambda self, script, folder: "7")
    assert launch_ready(cluster).jobs == {1: "7"}


def test_the_script_is_its_owner_s_alone(with_queue, handed, submitted):
    launch_ready(with_queue("slurm"))
    (script,) = submitted.project.rglob(batch.SCRIPT)
    assert script.stat().st_mode & 0o077 == 0
