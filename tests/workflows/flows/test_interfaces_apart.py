"""Each interface of a sandwich apart: what forms at one is not the other's."""

from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from ionface.analysis.reactions.bonds import BondCounts
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.workflows.engines.records import TrajectoryPointer
from ionface.workflows.flows.jobs import analyze_interface
from ionface.workflows.flows.study_flow import study_flow
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project
from ionface.workflows.report.project_report import write_report
from ionface.workflows.study.study_files import load

CELL = Lattice.orthorhombic(10, 10, 40)
SPECIES = ["S", "In", "S", "In"]
BONDED = [[0, 0, 5], [0, 0, 7.6], [0, 0, 25], [0, 0, 27.6]]
BROKEN = [*BONDED[:3], [0, 0, 29.0]]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a run in which the bond at the second interface breaks."""
    monkeypatch.chdir(tmp_path)
    frames = np.array([BONDED] * 20 + [BROKEN] * 20)
    Trajectory.from_arrays(SPECIES, CELL.matrix, frames, 10.0).write("all.ionf")
    return TrajectoryPointer.to(tmp_path / "all.ionf")


def start(labels):
    return Structure(
        CELL, SPECIES, BONDED, coords_are_cartesian=True,
        site_properties={"interface": labels},
    )  # fmt: skip


def test_a_bond_is_counted_at_its_own_interface(run):
    asked = {"bonds": {"pairs": ["In-S"]}}
    counts = [
        BondCounts.from_dict(
            analyze_interface.__wrapped__(run, start([0, 0, 1, 1]), which, asked)[
                "bonds"
            ]
        ).counts["In-S"]
        for which in (0, 1)
    ]
    assert (counts[0] == 1).all()
    assert (counts[1][0], counts[1][-1]) == (1, 0)


def test_what_is_not_at_an_interface_is_told(run):
    asked = {"bonds": {"pairs": ["In-S"]}}
    for labels in ([0, 1, 0, 1], [0, 0, 0, 0]):
        found = analyze_interface.__wrapped__(run, start(labels), 1, asked)
        assert found["bonds"]["refused"]


@pytest.fixture
def study(study_file):
    one = load(str(study_file))
    (spec,) = one.interfaces
    run = replace(one.dynamics[0], prerelax=0, analyses=("rdf", "bonds", "checks"))
    return replace(
        one,
        interfaces=(replace(spec, vacuum=0.0, cell="fixed", gap=2.2),),
        formation=(),
        dynamics=(run,),
    )


@pytest.mark.filterwarnings("ignore::UserWarning")  # references are not connected
def test_only_sandwiches_have_two(study):
    def subjects(of):
        return {job.metadata["subject"] for job, _ in study_flow(of).iterflow()}

    both = {"Al|Ag interface 1", "Al|Ag interface 2"}
    assert both <= subjects(study)
    slab = tuple(replace(s, vacuum=12.0, gap=None) for s in study.interfaces)
    assert not both & subjects(replace(study, interfaces=slab))


@pytest.mark.slow
def test_the_report_has_both(study, tmp_path):
    project = Project.create(tmp_path / "p", study)
    assert not runner.run(project).failed
    results, path = write_report(project)
    found = results.found["bonds"]
    parts = [found[f"Al|Ag interface {n}"].counts["Al-Ag"] for n in (1, 2)]
    # no bond between the sides crosses the middle of a slab
    assert (parts[0] + parts[1] == found["Al|Ag"].counts["Al-Ag"]).all()
    assert (parts[0] > 0).all()
    assert "Al|Ag interface 2" in path.read_text()
    assert (project.results / "rdf-Al-Ag-interface-1.json").is_file()
