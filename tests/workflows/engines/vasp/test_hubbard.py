"""A study with a U whose sides differ in elements, from its YAML to its ledger."""

import pytest
from pymatgen.io.vasp import Incar

from ionface.errors import IonfaceError
from ionface.workflows.planning.plan import plan
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project
from ionface.workflows.report.collect import collect
from ionface.workflows.study.study_files import load

STUDY = """\
name: al-ag
engine: vasp-double
lattice: literature
interfaces:
  - name: Al|Ag
    film: {{material: Al, miller: [1, 0, 0], layers: 2}}
    substrate: {{material: Ag.cif, miller: [1, 0, 0], layers: 2}}
    max_strain: 0.03
    max_area: 20
    vacuum: 12
slabs: frozen
relaxation: {{fmax: 0.5, steps: 60}}
vasp: {{dipole: 'off', k_spacing: 1.0, incar: {incar}}}
"""


@pytest.fixture
def with_u(study_file, tmp_path):
    """Return a study whose INCAR keys are these; its CIF file is there."""

    def of(incar):
        path = tmp_path / "u.yaml"
        path.write_text(STUDY.format(incar=incar))
        return load(str(path))

    return of


@pytest.mark.slow
def test_a_study_with_a_u_ends_in_its_ledger(with_u, tmp_path, monkeypatch):
    monkeypatch.setenv("IONFACE_VASP_CALCULATOR", "spheres")
    monkeypatch.setenv("IONFACE_VASP_SHIFT", "-5")
    project = Project.create(tmp_path / "p", with_u("{LDAUU: {Ag: 3.0}}"))
    outcome = runner.run(project)
    assert not outcome.failed, outcome.failed
    (entry,) = collect(project).energies.entries
    assert entry.level.by_element == {"Al": "", "Ag": "U-J=3 l=2"}
    assert "+U" in entry.level.label
    incars = {
        path: Incar.from_file(path) for path in project.runs.glob("*/run-001/INCAR")
    }
    held = {len(incar.get("LDAUU", [])) for incar in incars.values()}
    assert held == {0, 1, 2}  # the film, the substrate, the interface
    for incar in incars.values():
        assert ("LDAU" in incar) == ("LDAUU" in incar) == ("LDAUL" in incar)
        assert (incar["ISPIN"], incar["LASPH"]) == (2, True)


def test_a_u_on_an_element_that_is_nowhere_is_refused_before_anything_runs(with_u):
    with pytest.raises(IonfaceError, match=r"LDAUU names Ti, which no cell.*Ag, Al"):
        plan(with_u("{LDAUU: {Ti: 4.2}}"))
