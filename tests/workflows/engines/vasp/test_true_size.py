"""Both papers' flows at their true sizes, as a user types them, on the stand-in.

The model under it is so weak that forces are small everywhere: a relaxation ends with
its first step, and the dynamics are shorter than the paper's. Everything else is true:
models, inputs, custodian, both stages of the dipole correction, runs, ledger, report.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pymatgen.io.vasp import Incar, Kpoints, Poscar

from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.structures.ledger_cell import gap_along
from ionface.workflows.projects.project import Project

pytestmark = pytest.mark.slow  # both whole papers: minutes

RECORDED = Path(__file__).parents[3] / "data" / "vasp_inputs"
STEPS, SEGMENT = 30, 12
SHORTER = {
    "steps: 10000": f"steps: {STEPS}",
    "segment: 2500": f"segment: {SEGMENT}",
    "pairs: [In-S]}": f"pairs: [In-S], steps: {SEGMENT}}}",
    "pairs: [In-Cl]}": f"pairs: [In-Cl], steps: {SEGMENT}}}",
}


def ionface(folder, *words, **environment):
    return subprocess.run(
        [sys.executable, "-m", "ionface", *map(str, words)],
        cwd=folder,
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "IONFACE_VASP_CALCULATOR": "spheres",
            "IONFACE_VASP_ARGUMENTS": '{"depth": 0.001}',
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def formation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("li-2024")
    done = ionface(
        folder,
        *("run", "lagp-pdol-li", "--engine", "vasp-double", "--project", "p", "--json"),
    )
    assert done.returncode == 0, done.stderr
    return Project.open(folder / "p"), json.loads(done.stdout)


@pytest.fixture(scope="module")
def dynamics(tmp_path_factory):
    folder = tmp_path_factory.mktemp("luo-2021")
    text = ionface(folder, "studies", "lpscl-in").stdout
    for long, short in SHORTER.items():
        assert long in text
        text = text.replace(long, short)
    (folder / "lpscl-in.yaml").write_text(text)
    done = ionface(
        folder,
        *("run", "lpscl-in.yaml", "--engine", "vasp-double", "--project", "p"),
        "--json",
    )
    assert done.returncode == 0, done.stderr
    return Project.open(folder / "p"), json.loads(done.stdout)


def inputs_of(project):
    """Return folder and recorded name of each VASP job."""
    from ionface.workflows.engines.durable import job_folder

    for job, _ in project.jobs():
        folder = job_folder(job, project.runs)
        if (folder / "job.json").is_file():
            yield folder, job.name.removesuffix(" 1")


def described(run_folder, recorded):
    """Return what VASP was given, as the references record it."""
    poscar = Poscar.from_file(run_folder / "POSCAR")
    incar = dict(sorted(Incar.from_file(run_folder / "INCAR").items()))
    if "DIPOL" in incar:
        incar["DIPOL"] = [round(incar["DIPOL"][2], 2)]
    if recorded["INCAR"].get("IBRION") == 0:
        incar["NSW"] = recorded["INCAR"]["NSW"]  # runs: looked at below
    return {
        "INCAR": incar,
        "KPOINTS": [int(n) for n in Kpoints.from_file(run_folder / "KPOINTS").kpts[0]],
        "POSCAR": {
            "species": poscar.site_symbols,
            "numbers": poscar.natoms,
            "lattice": np.round(poscar.structure.lattice.matrix, 2).tolist(),
            "gap": round(gap_along(poscar.structure, 2), 1),
        },
    }


@pytest.mark.parametrize("flow", ["formation", "dynamics"])
def test_every_input_file_that_was_run_is_as_recorded(flow, request, differences):
    project, _ = request.getfixturevalue(flow)
    path = RECORDED / f"{project.study.name}.json"
    recorded = json.loads(path.read_text())
    seen = {}
    for folder, name in inputs_of(project):
        kept = {k: recorded[name][k] for k in ("INCAR", "KPOINTS", "POSCAR")}
        for run_folder in sorted(folder.glob("run-*")):
            found = json.loads(json.dumps(described(run_folder, recorded[name])))
            # atoms have moved, or sides were relaxed alone before they were joined
            if run_folder.name != "run-001" or name.endswith("dynamics"):
                found["POSCAR"]["gap"] = kept["POSCAR"]["gap"]
            changed = differences(kept, found, f"{name}/{run_folder.name}")
            assert not changed, "\n".join(changed)
        seen[name] = recorded[name]["first"]
        stage = folder / "first" / "INCAR"
        assert stage.is_file() == (seen[name] is not None)
        if stage.is_file():
            own = set(Incar.from_file(stage))
            assert set(kept["INCAR"]) - own == set(seen[name])
    # pre-relaxations are recorded too; the papers' studies ask for none
    assert seen.keys() == {name for name in recorded if "pre-relax" not in name}


def test_three_interfaces_are_booked_and_each_says_that_it_is_emulated(formation):
    project, told = formation
    assert [entry["name"] for entry in told["interfaces"]] == [
        "Li|P-DOL",
        "LAGP|Li",
        "LAGP|P-DOL",
    ]
    for entry in told["interfaces"]:
        assert entry["level_of_theory"]["emulated"] is True
        expected = entry["e_total"] - sum(entry["slabs"].values())
        assert entry["delta_e"] == pytest.approx(expected)
    assert sorted(told["ran"]) == sorted(job.name for job, _ in project.jobs())
    assert not told["failed"]


def test_the_dynamics_are_one_trajectory_of_all_atoms_in_three_parts(dynamics):
    project, told = dynamics
    assert not told["failed"]
    (path,) = (project.root / "trajectories").glob("LPSCl-In.ionf")
    trajectory = Trajectory.open(path)
    assert trajectory.steps.tolist() == list(range(STEPS))
    assert len(trajectory.species) == 264
    folder = next(f for f, name in inputs_of(project) if name == "LPSCl|In dynamics")
    nsw = [Incar.from_file(p / "INCAR")["NSW"] for p in sorted(folder.glob("run-*"))]
    assert nsw == [SEGMENT, SEGMENT + 1, STEPS - 2 * SEGMENT + 1]
    checks = json.loads((folder / "restarts.json").read_text())
    assert [check["step"] for check in checks] == [SEGMENT, 2 * SEGMENT]
    assert all(check["repeated"] for check in checks)
