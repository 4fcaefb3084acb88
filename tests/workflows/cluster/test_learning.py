"""The loop of study, spot checks and learning on a cluster, with VASP as the teacher.

A stand-in executable is VASP and learning takes no time; all else is as it runs there.
"""

import pytest
from fireworks.core.rocket_launcher import rapidfire
from jobflow import SETTINGS
from jobflow.managers.fireworks import flow_to_workflow

from ionface.analysis.yardstick.yardstick import Yardstick
from ionface.workflows import learning_loop
from ionface.workflows.cluster.worker import work
from ionface.workflows.learn import Learned, Learning
from ionface.workflows.learning_loop import Bar, learning_flow
from ionface.workflows.study.study_files import parse

EMT, LJ = "ase.calculators.emt.EMT", "ase.calculators.lj.LennardJones"
STUDY = """\
name: loop
engine: ase.calculators.lj.LennardJones
lattice: literature
relaxation: {fmax: 1000}
spot_checks: {engine: TEACHER, frames: 2}
vasp: {k_spacing: 1.0}
interfaces:
  - name: Al|Al
    film: {material: Al, miller: [1, 0, 0], layers: 1}
    substrate: {material: Al, name: S, miller: [1, 0, 0], layers: 1}
"""
QUICK = "{calculator: ase.calculators.emt.EMT, functional: PBE, cutoff: 500}"
BAR = Bar(force=0.001, slope=0.99)


@pytest.fixture
def learnt(monkeypatch):
    """What is learnt is the stand-in's own potential: collects what learning is given.

    Labels of a stand-in teach nothing, as learning says; here they may.
    """
    given = []

    def learn(frames, settings, folder):
        given.append((frames, settings, folder.resolve()))
        return Learned(EMT, Yardstick("", ()), 0.0)

    monkeypatch.setenv("IONFACE_VASP_CALCULATOR", EMT)
    monkeypatch.setattr(learning_loop, "learn", learn)
    monkeypatch.setattr(learning_loop, "check_teacher", lambda *_: None)
    monkeypatch.setattr(learning_loop, "is_first_principles", lambda _: True)
    return given


def loop(teacher):
    study = parse(STUDY.replace("TEACHER", teacher), "loop.yaml")
    return learning_flow(study, BAR, Learning(base="sevennet"))


def ended(cluster, flow):
    """Return the flow's output, as whoever takes it up finds it in the store."""
    left = cluster.launchpad.get_fw_ids({"state": {"$ne": "COMPLETED"}})
    assert not left
    return cluster.store.get_output(flow.output.uuid, load=True)


@pytest.mark.slow
def test_vasp_teaches_under_fireworks_own_launcher(
    cluster, learnt, monkeypatch, tmp_path
):
    monkeypatch.setattr(SETTINGS, "JOB_STORE", cluster.store)
    flow = loop("vasp-double")
    cluster.launchpad.add_wf(flow_to_workflow(flow))
    rapidfire(cluster.launchpad, cluster.fworker, str(tmp_path), strm_lvl="CRITICAL")
    told = ended(cluster, flow)
    assert told["ended"] == "bar reached"
    assert [one["engine"] for one in told["rounds"]] == [LJ, EMT]
    ((frames, settings, folder),) = learnt
    taught = [one for one in frames if one.settings.get("code") == "vasp"]
    assert len(taught) == 2
    assert settings.base == "sevennet"
    # where the training goes on, whoever starts the job again and from where
    assert folder.parent.parent == tmp_path / "ionface-runs"


@pytest.mark.slow
def test_our_worker_runs_every_job_of_the_loop(cluster, learnt, tmp_path):
    flow, runs = loop(QUICK), tmp_path / "scratch" / "runs"
    flow.update_metadata({"runs": str(runs)}, dynamic=True)
    config = {"manager_config": {"_queueadapter": {"ntasks": 32}}}
    flow.update_config(config, name_filter="single point", dynamic=True)
    cluster.launchpad.add_wf(flow_to_workflow(flow))
    report = work(cluster)
    assert not report.failed
    assert ended(cluster, flow)["ended"] == "bar reached"
    big = cluster.launchpad.fireworks.find({"spec._queueadapter.ntasks": 32})
    # two of each round, the second of which was made by the first one's last job
    assert [one["name"][-len("point n") :][:5] for one in big] == ["point"] * 4
    assert {path.parent for path in tmp_path.rglob("result.jsonl")} == {
        path for path in runs.iterdir() if (path / "result.jsonl").is_file()
    }
