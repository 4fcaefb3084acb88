"""The whole graph of a study."""

from dataclasses import replace

import pytest
from jobflow import Flow

from ionface.errors import IonfaceError, StructureError
from ionface.structures.specs import CrystalLayer
from ionface.workflows.flows.study_checks import check_pairs
from ionface.workflows.flows.study_flow import study_flow
from ionface.workflows.study.file_names import slug
from ionface.workflows.study.protocols import PROTOCOLS, protocol
from ionface.workflows.study.study_files import builtin_names, load, parse


def listed(flow):
    """Return all jobs in the order in which flows list them."""
    return [
        job
        for part in flow.jobs
        for job in (listed(part) if isinstance(part, Flow) else [part])
    ]


def test_every_job_of_a_study_has_a_name_of_its_own(study_file):
    flow = study_flow(load(str(study_file)))
    names = [job.name for job in listed(flow)]
    assert len(names) == len(set(names)) == 23


TWICE = """
name: twice
engine: ase.calculators.emt.EMT
surfaces:
  - {material: Al, miller: [1, 1, 1], layers: 3}
  - {material: Al, miller: [1, 1, 1], layers: 5}
"""


def test_jobs_of_one_name_are_refused():
    with pytest.raises(
        IonfaceError, match=r"two of its jobs are called 'Al.*once each"
    ):
        study_flow(parse(TWICE, "twice.yaml"))


@pytest.mark.parametrize(
    ("name", "safe"), [("LAGP|Li", "LAGP-Li"), ("a b/c", "a-b-c"), ("InS", "InS")]
)
def test_names_become_safe_file_names(name, safe):
    assert slug(name) == safe


def test_the_papers_settings_are_what_the_papers_state():
    p1, p5 = protocol("li-2024"), protocol("luo-2021")
    assert (p1.functional, p1.cutoff, p1.fmax, p1.vacuum) == ("PBE", 480, 0.02, 20)
    assert (p5.functional, p5.cutoff, p5.temperature, p5.timestep) == (
        "PBE", 500, 300, 2,
    )  # fmt: skip
    assert all(p.thermostat_period == 40 for p in PROTOCOLS.values())  # SMASS = 0


@pytest.mark.parametrize("name", builtin_names())
def test_the_pairs_of_every_built_in_study_are_there(name):
    check_pairs(load(name))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "pairs: [Al-Ag]",
            "pairs: [Al-Cu]",
            "'Al-Cu': there will be no Cu, only Ag, Al",
        ),
        ("pairs: [Al-Al]", "pairs: [Al-Ag]", "reference Al: pair 'Al-Ag'"),
    ],
)
def test_a_pair_that_is_not_there_is_refused_before_anything_runs(
    cli, study_file, old, new, said
):
    study_file.write_text(study_file.read_text().replace(old, new))
    run = cli("run", study_file, "--project", "p")
    assert run.returncode == 1
    assert said in run.stderr
    assert "[1/" not in run.stderr


@pytest.mark.parametrize("side", ["film", "substrate"])
def test_a_crystal_that_is_not_there_is_refused_before_another_is_relaxed(side):
    study = load("lpscl-in")
    spec = study.interfaces[0]
    layer = CrystalLayer("NoSuch", (1, 0, 0), layers=2)
    alone = replace(
        study, interfaces=(replace(spec, **{side: layer}),), dynamics=(), references=()
    )
    with pytest.raises(StructureError, match=r"LPSCl\|In: unknown material 'NoSuch'"):
        study_flow(alone)
    with pytest.raises(StructureError, match=r"surfaces\.0: unknown material 'NoSuch'"):
        study_flow(replace(study, surfaces=(layer,)))
