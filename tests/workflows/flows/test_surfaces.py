"""Surface energies: every cut of a facet, against the bulk at its own lattice."""

from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk, fcc100
from ase.calculators.emt import EMT

from ionface.analysis.energies.formation_energy import EV_PER_A2_IN_J_PER_M2
from ionface.analysis.energies.surface_energies import SurfaceEnergies
from ionface.analysis.figures.surfaces_figure import figure_surfaces
from ionface.errors import IonfaceError
from ionface.workflows.cli.study_commands import run_study
from ionface.workflows.engines.contract import RelaxSettings
from ionface.workflows.engines.registry import study_engine
from ionface.workflows.flows.surfaces import surface_flow
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project
from ionface.workflows.report.project_report import write_report
from ionface.workflows.study.study_files import parse

STUDY = """\
name: surfaces
engine: ase.calculators.emt.EMT
relaxation: {fmax: 0.005}
surfaces:
  - {material: Al, miller: [1, 0, 0], layers: 6}
  - {material: Al, miller: [1, 1, 1], layers: 6}
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    project = Project.create(
        tmp_path_factory.mktemp("p") / "p", parse(STUDY, "surfaces.yaml")
    )
    assert not runner.run(project).failed
    found, path = write_report(project)
    return found.found["surfaces"], Path(path).read_text(), project


def energy(atoms):
    atoms.calc = EMT()
    return atoms.get_potential_energy()


def test_a_run_prints_a_table_of_them(results, capsys):
    _, _, project = results
    run_study(project.study, project.root, as_json=False)
    said = capsys.readouterr().out
    assert "as cut" in said
    assert all(facet in said for facet in ("Al(100)", "Al(111)"))


def test_they_are_what_the_textbook_makes_of_the_same_potential(results):
    found, _, _ = results
    lengths = np.linspace(3.97, 4.02, 11)
    energies = [energy(bulk("Al", a=a)) for a in lengths]
    bend, slope, _ = np.polyfit(lengths, energies, 2)
    a = -slope / (2 * bend)
    slab = fcc100("Al", (1, 1, 6), a=a, vacuum=10)
    excess = energy(slab) - 6 * energy(bulk("Al", a=a))
    area = np.linalg.norm(np.cross(slab.cell[0], slab.cell[1]))
    expected = excess / (2 * area) * EV_PER_A2_IN_J_PER_M2
    (surface,) = found["Al(100)"].surfaces
    assert surface.cut == pytest.approx(expected, rel=5e-3)
    assert surface.relaxed <= surface.cut


@pytest.mark.slow
def test_the_dense_facet_of_a_metal_costs_least(results):
    found, _, _ = results
    low, high = (found[f"Al({hkl})"].surfaces[0].relaxed for hkl in ("111", "100"))
    assert 0 < low < high


def test_the_bulk_is_relaxed_once_and_the_report_shows_the_table(results):
    _, report, project = results
    names = [job.name for job, _ in project.jobs()]
    assert names.count("Al relax bulk") == 1
    assert "Surface energies" in report
    assert "Al(111)" in report


def test_they_come_back_from_their_file_and_are_drawn(results):
    found, _, _ = results
    again = SurfaceEnergies.from_dict(found["Al(100)"].as_dict())
    assert again.values() == found["Al(100)"].values()
    (axes,) = figure_surfaces(again).axes
    assert axes.get_xlabel() == "surface energy (J/m²)"
    assert len(axes.patches) == 2


def test_a_study_of_nothing_is_refused():
    with pytest.raises(IonfaceError, match=r"nothing to compute; .*surfaces"):
        parse("name: empty\n", "s.yaml")


def test_a_facet_with_several_cuts_has_a_slab_of_each():
    study = parse(
        "name: s\nengine: ase.calculators.emt.EMT\nlattice: literature\n"
        "surfaces: [{material: LiF, miller: [1, 1, 1], thickness: 8}]",
        "s.yaml",
    )
    (layer,) = study.surfaces
    engine = study_engine(study, "formation")
    bulk_record = engine.relax(RelaxSettings()).make(None)
    flow = surface_flow(layer, bulk_record, engine, RelaxSettings())
    names = [job.name for job, _ in flow.iterflow()]
    assert sum(" cut " in name for name in names) == 2
    assert sum(" static " in name for name in names) == 3  # and that of the bulk
