"""Built-in studies with the lattices that their own engines give their crystals."""

import importlib.util

import pytest
from jobflow import Flow, JobStore, run_locally
from maggma.stores import MemoryStore

from ionface.workflows.projects.project import Project
from ionface.workflows.study.study_files import builtin_names, load

pytestmark = [
    pytest.mark.slow,
    pytest.mark.mlip,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(
        importlib.util.find_spec("sevenn") is None, reason="SevenNet is not installed"
    ),
]


def builds(project):
    """Return the jobs that build interfaces of crystals, and those that they wait for.

    Films that are packed or melted first are left out: they fit whatever the lattice.
    """
    jobs = {job.uuid: (job, set(parents)) for job, parents in project.jobs()}

    def before(uuid):
        return set().union({uuid}, *map(before, jobs[uuid][1]))

    wanted = set()
    for uuid, (job, _) in jobs.items():
        if job.name.endswith(" build"):
            needed = before(uuid)
            if not any(" film " in jobs[one][0].name for one in needed):
                wanted |= needed
    return [job for uuid, (job, _) in jobs.items() if uuid in wanted]


@pytest.mark.parametrize("name", builtin_names())
def test_its_interfaces_match_in_the_lattices_of_its_engine(
    name, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    jobs = builds(Project.create(tmp_path / "p", load(name)))
    if not jobs:
        pytest.skip("no interface of two crystals")
    for job in jobs:
        job.hosts.clear()  # they leave the project's flow for one of their own
    store = JobStore(MemoryStore())
    run_locally(Flow(jobs), store=store, ensure_success=True, create_folders=True)
