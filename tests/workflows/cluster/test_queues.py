"""What squeue and qstat say; a queue that does not answer says nothing."""

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.cluster.batch import batch_name
from ionface.workflows.cluster.queues import Queue, own_number, queue_of

SQUEUE = "12|RUNNING|if7.3.Al-relax\n13|PENDING|other job\n"
PBS = """
pbs01:
                                                            Req'd  Req'd   Elap
Job ID          Username Queue    Jobname    SessID NDS TSK Memory Time  S Time
--------------- -------- -------- ---------- ------ --- --- ------ ----- - -----
101.pbs01       me       batch    if7.3.Al-r  12345   1  64    --  24:00 R 01:02
102.pbs01       me       batch    if8.4.Al-s    --    1  64    --  24:00 Q   --
103.pbs01       me       batch    if9.5.Al-s  22345   1  64    --  24:00 C   --
"""
SGE = """job-ID  prior   name       user         state submit/start at     queue
---------------------------------------------------------------------------
    201 0.55500 if7.3.Al-r me           r     11/21/2026 10:00:00 all.q@n1
    202 0.00000 if8.4.Al-s me           qw    11/21/2026 10:00:00
"""


@pytest.mark.parametrize(
    ("kind", "text", "known"),
    [
        ("SLURM", SQUEUE, {"12": "RUNNING", "13": "PENDING"}),
        ("PBS", PBS, {"101": "R", "102": "Q"}),
        ("SGE", SGE, {"201": "r", "202": "qw"}),
    ],
)
def test_each_queue_tells_its_living_jobs(kind, text, known):
    jobs = Queue(kind, {}, lambda command: text).jobs()
    assert {number: job.state for number, job in jobs.items()} == known


@pytest.mark.parametrize("kind", ["SLURM", "PBS", "SGE"])
def test_an_empty_queue_is_not_a_silent_one(kind):
    assert Queue(kind, {}, lambda command: "").jobs() == {}
    assert Queue(kind, {}, lambda command: None).jobs() is None


def test_a_command_that_is_not_there_is_no_answer():
    from ionface.workflows.cluster.queues import ask

    assert ask(["no-such-command-at-all"]) is None
    assert ask(["false"]) is None


def test_the_name_of_a_batch_job_tells_its_launch():
    name = batch_name(7, 3, "LAGP|Li relax interface")
    assert name.startswith(batch_name(7, 3))
    assert not name.startswith(batch_name(7, 33))
    assert not set("| ") & set(name)


@pytest.mark.parametrize("variable", ["SLURM_JOB_ID", "PBS_JOBID", "JOB_ID"])
def test_a_worker_knows_its_batch_job(variable):
    assert own_number({variable: "123.server"}) == "123"
    assert own_number({}) is None
    assert own_number({variable: "undefined"}) is None


def test_an_unknown_queue_is_refused(tmp_path):
    path = tmp_path / "my_qadapter.yaml"
    assert not queue_of(path)
    path.write_text("_fw_q_type: Condor\n")
    with pytest.raises(IonfaceError, match="SLURM, PBS, SGE"):
        queue_of(path)
