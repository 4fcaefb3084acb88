"""A Flow of ours in a user's own FireWorks: stock `rlaunch`, nothing of our layer."""

from pathlib import Path

import jobflow
import numpy as np
import pytest
from fireworks.core.rocket_launcher import rapidfire
from jobflow import JobStore, run_locally
from jobflow.managers.fireworks import flow_to_workflow
from maggma.stores import MemoryStore

from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.structures.specs import CrystalLayer, InterfaceSpec
from ionface.workflows.engines.contract import DynamicsSettings, RelaxSettings
from ionface.workflows.flows.makers import (
    InterfaceDynamicsMaker,
    InterfaceFormationMaker,
)

EMT = "ase.calculators.emt.EMT"
pytestmark = pytest.mark.filterwarnings("ignore:Some jobs are not connected")
AG = Path(__file__).parents[2] / "data" / "Ag.cif"
AL = InterfaceSpec(
    "Al|Ag",
    CrystalLayer("Al", (1, 0, 0), layers=2, lattice="literature"),
    CrystalLayer(str(AG), (1, 0, 0), layers=2, name="Ag", lattice="literature"),
    max_strain=0.03,
    max_area=20,
    vacuum=12,
    gap=2.4,
)


@pytest.fixture
def at_home(tmp_path):
    """What jobflow alone stores of a flow, by the names of its jobs."""

    def run(flow):
        store, folder = a_store(), tmp_path / "home"
        folder.mkdir()
        run_locally(flow, store=store, root_dir=folder, ensure_success=True, log=False)
        return outputs(store, flow)

    return run


@pytest.fixture
def by_rlaunch(cluster, tmp_path, monkeypatch):
    """What a rocket launcher stores of a flow, by the names of its jobs."""

    def run(flow):
        store, folder, pad = a_store(), tmp_path / "there", cluster.launchpad
        folder.mkdir()
        monkeypatch.setattr(jobflow.SETTINGS, "JOB_STORE", store)
        pad.add_wf(flow_to_workflow(flow))
        monkeypatch.chdir(folder)
        rapidfire(pad, sleep_time=0, strm_lvl="CRITICAL")
        states = {pad.get_fw_dict_by_id(each)["state"] for each in pad.get_fw_ids()}
        assert states == {"COMPLETED"}
        return outputs(store, flow)

    return run


def a_store():
    store = JobStore(MemoryStore(), additional_stores={"data": MemoryStore()})
    store.connect()
    return store


def outputs(store, flow):
    jobs = [job for job, _ in flow.iterflow()]
    return {job.name: store.get_output(job.uuid, load=True) for job in jobs}


def test_energies_are_those_of_jobflow(at_home, by_rlaunch):
    maker = InterfaceFormationMaker(EMT, relax=RelaxSettings(fmax=0.2))
    here, there = at_home(maker.make(AL)), by_rlaunch(maker.make(AL))
    assert here.keys() == there.keys()
    (ledger,) = [name for name in here if name.endswith("ledger")]
    sigma = here[ledger]["sigma_j_per_m2"]
    assert abs(sigma) > 0.01
    assert there[ledger]["sigma_j_per_m2"] == pytest.approx(sigma, abs=1e-12)


def test_a_trajectory_of_segments_is_that_of_jobflow(at_home, by_rlaunch, tmp_path):
    settings = DynamicsSettings(steps=6, segment=2, seed=1)
    maker = InterfaceDynamicsMaker(EMT, settings, cutoff=3, windows=1)
    here, there = at_home(maker.make(AL)), by_rlaunch(maker.make(AL))
    assert here.keys() == there.keys()
    assert [name for name in here if " dynamics " in name] == [
        f"Al|Ag dynamics {number}" for number in (1, 2, 3)
    ]
    paths = [
        next((tmp_path / folder).glob("**/*trajectory*/trajectory.ionf"))
        for folder in ("home", "there")
    ]
    first, second = (Trajectory.open(path) for path in paths)
    assert list(first.steps) == list(second.steps) == list(range(7))
    for frame in range(7):
        places = (run.frame(frame).positions for run in (first, second))
        np.testing.assert_array_equal(*places)


def test_a_job_that_is_run_again_gives_its_result_at_once(
    cluster, by_rlaunch, tmp_path
):
    by_rlaunch(InterfaceFormationMaker(EMT, relax=RelaxSettings(fmax=0.2)).make(AL))
    pad, there = cluster.launchpad, tmp_path / "there"
    written = {path: path.stat().st_mtime_ns for path in results(there)}
    pad.rerun_fw(1)  # the model, and all that follows from it
    rapidfire(pad, sleep_time=0, strm_lvl="CRITICAL")
    states = {pad.get_fw_dict_by_id(each)["state"] for each in pad.get_fw_ids()}
    assert states == {"COMPLETED"}
    assert {path: path.stat().st_mtime_ns for path in results(there)} == written


def results(folder: Path):
    found = sorted(folder.glob("**/result.jsonl"))
    assert found
    return found
