"""Both kinds of flow, whole, on the stand-in executable under custodian."""

import pytest
from jobflow import run_locally

from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.workflows.engines.contract import DynamicsSettings, RelaxSettings
from ionface.workflows.flows.study_flow import (
    InterfaceDynamicsMaker,
    InterfaceFormationMaker,
)
from ionface.workflows.study.study_files import parse

STUDY = """\
name: al-ag
lattice: literature
interfaces:
  - name: Al|Al2
    film: {material: Al, miller: [1, 0, 0], layers: 2}
    substrate: {material: Al, miller: [1, 0, 0], layers: 2, name: Al2}
    max_area: 20
    vacuum: 12
dynamics:
  - {interface: Al|Al2, steps: 12, segment: 6, pairs: [Al-Al], prerelax: 3}
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of jobflow's local manager
]


@pytest.fixture
def study():
    return parse(STUDY, "al-ag.yaml")


def outputs(flow, folder):
    """Run a flow in a folder with one directory per job; return outputs by task."""
    runs = folder / "runs"
    runs.mkdir()
    done = run_locally(flow, root_dir=runs, create_folders=True, ensure_success=True)
    return {
        job.metadata.get("task"): done[job.uuid][1].output for job, _ in flow.iterflow()
    }


def test_a_formation_energy_is_booked_from_equal_levels(double, study, tmp_path):
    maker = InterfaceFormationMaker(
        engine=double(), relax=RelaxSettings(fmax=0.05, steps=60)
    )
    found = outputs(maker.make(study.interfaces[0]), tmp_path)
    ledger = found["ledger"]
    expected = ledger["e_total"] - sum(ledger["slabs"].values())
    assert ledger["delta_e"] == pytest.approx(expected)
    assert ledger["level_of_theory"]["emulated"] is True
    assert "LDIPOL=True" in ledger["level_of_theory"]["details"]
    bulk = found.pop("static bulk")
    meshes = {v.level["k_points"] for k, v in found.items() if "static" in str(k)}
    assert len(meshes) == 1
    assert bulk.level["cutoff_ev"] == 480  # that of its relaxation is higher
    told = ledger["against_bulk"]
    free = sum(told["surface_energies_j_per_m2"].values())
    assert told["gamma_j_per_m2"] == pytest.approx(ledger["sigma_j_per_m2"] + free)
    assert 0 < told["gamma_j_per_m2"] < free  # on top of each other, they still bind


def test_dynamics_give_one_trajectory_whatever_the_segments(double, study, tmp_path):
    from ionface.structures.interface import build_interface

    structure = build_interface(study.interfaces[0]).structure
    structure.make_supercell([2, 2, 1])
    maker = InterfaceDynamicsMaker(
        engine=double(),
        settings=DynamicsSettings(steps=12, segment=6, seed=1),
        pairs=study.dynamics[0].pairs,
        cutoff=study.dynamics[0].cutoff,
        windows=study.dynamics[0].windows,
        prerelax=RelaxSettings(0.1, 3, must_converge=False, like_dynamics=True),
    )
    found = outputs(maker.of_structure("Al|Al2", structure), tmp_path)
    trajectory = Trajectory.open(found["trajectory"].path)
    assert trajectory.steps.tolist() == list(range(12))
    assert not trajectory.notes
