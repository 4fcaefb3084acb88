"""One study by several engines: the same energies, and their spread as the error."""

from dataclasses import replace

import pytest

from ionface.workflows.engines.registry import job_engine
from ionface.workflows.flows.study_flow import study_flow
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project
from ionface.workflows.report.project_report import write_report
from ionface.workflows.study.study_files import load

OTHER = "ase.calculators.lj.LennardJones"


@pytest.fixture
def study(study_file):
    one = load(str(study_file))
    return replace(one, beside=(OTHER,), dynamics=(), references=())


@pytest.mark.filterwarnings("ignore::UserWarning")  # interfaces are not connected
def test_each_engine_computes_its_own_jobs(study):
    engines = {"": set(), f" ({OTHER})": set()}
    for job, _ in study_flow(study).iterflow():
        if job.metadata.get("kind"):
            subject = job.metadata["subject"]
            engine = job_engine(study, job.metadata).name
            assert job.maker.potential.name == engine
            engines[subject.removeprefix("Al|Ag")].add(engine)
    assert engines == {"": {"emt"}, f" ({OTHER})": {"lennardjones"}}


@pytest.mark.slow
def test_their_spread_is_in_the_report_and_the_json(study, tmp_path):
    project = Project.create(tmp_path / "p", study)
    assert set(project.identity["levels"]) == {"formation", f"formation ({OTHER})"}
    assert not runner.run(project).failed
    results, path = write_report(project)
    spread = results.energies.engine_spreads["Al|Ag"]
    assert len({*spread.engines}) == 2
    assert f"± {spread.error_j_per_m2:.3f}" in path.read_text()
    assert "sigma_error_j_per_m2" in (project.results / "energies.json").read_text()
