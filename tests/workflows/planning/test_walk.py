"""The jobs of the flow, walked before anything runs: planned, written or left out."""

import json
import warnings
from dataclasses import replace

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.flows.study_flow import study_flow
from ionface.workflows.planning.input_folders import write_inputs
from ionface.workflows.planning.plan import check_budget, plan, table_rows
from ionface.workflows.study.study_files import load, parse

SCAN = """\
name: scan
interfaces:
  - name: Al|Ag
    film: {material: Al, miller: [1, 0, 0], layers: 2}
    substrate: {material: Al, miller: [1, 0, 0], layers: 2, name: Ag}
    max_area: 20
    vacuum: 12
    scan: {spacing: 1.5, gaps: [-0.3, 0.0, 0.3]}
"""
ENSEMBLE = """\
name: ensemble
interfaces:
  - name: LATP|Al
    film: {material: Al, miller: [1, 0, 0], layers: 1}
    substrate:
      name: LATP
      material: LiTi2(PO4)3
      miller: [0, 0, 1]
      layers: 1
      termination: 0
      doping: {dopant: Al, host: Ti, x: 0.5, ensemble: 2, orderings: 3}
    max_strain: 0.1
    max_area: 300
    vacuum: 12
"""


def jobs_of_flow(study):
    """Return the names of the flow's jobs that an engine does."""
    done = study_flow(study.with_engine("vasp-double"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # interfaces are not connected
        found = list(done.iterflow())
    return [job.name for job, _ in found if "Vasp" in type(job.maker).__name__]


def planned(study):
    return plan(study.with_engine("vasp"))


@pytest.mark.parametrize(
    "name",
    [
        "lpscl-anodes",
        "lgps-lialo2",
        pytest.param("li-zn", marks=pytest.mark.slow),  # its film is packed
        pytest.param("latp-alloy", marks=pytest.mark.slow),
    ],
)
def test_every_job_of_a_built_in_study_is_counted_once(name):
    study = load(name)
    found = [line.job.name for line in planned(study).lines]
    assert sorted(found) == sorted(jobs_of_flow(study))


@pytest.mark.slow
@pytest.mark.parametrize("text", [SCAN, ENSEMBLE], ids=["scan", "ensemble"])
def test_scans_and_ensembles_are_counted_as_they_run(text):
    study = parse(text, "s")
    found = [line.job.name for line in planned(study).lines]
    assert sorted(found) == sorted(jobs_of_flow(study))


def test_points_of_a_scan_are_one_line_of_the_table_with_the_price_of_all():
    found = planned(parse(SCAN, "s"))
    points = [line for line in found.lines if "scan static" in line.job.name]
    assert len(points) > 3
    _, rows = table_rows(found)
    (row,) = [row for row in rows if "scan static" in row[0]]
    assert row[0] == f"Al|Ag scan static 0-{len(points) - 1}"
    total = sum(line.cost.core_hours for line in points)
    assert float(row[7]) == pytest.approx(total, abs=0.06)
    with pytest.raises(IonfaceError, match="above the budget"):
        check_budget(found, 0.5 * found.core_hours)


def test_a_scan_by_a_potential_costs_no_vasp():
    text = SCAN.replace("gaps:", "engine: sevennet, gaps:")
    names = [line.job.name for line in planned(parse(text, "s")).lines]
    assert not any("scan" in name for name in names)


@pytest.mark.slow
def test_a_film_is_as_large_as_it_is_packed():
    study = load("li-zn")
    lines = {line.job.name: line.cost for line in planned(study).lines}
    film = lines["LiZn|PEO film soft"].atoms
    substrate = lines["LiZn|PEO relax substrate"].atoms
    assert lines["LiZn|PEO relax interface"].atoms == film + substrate
    assert lines["LiZn|PEO film anneal"].steps == 1000


FILMS = {"li-zn": "LiZn|PEO", "latp-alloy": "LATP|GaInSn"}


@pytest.mark.slow
@pytest.mark.parametrize("name", FILMS)
def test_a_film_is_left_out_with_its_reason_and_the_rest_is_written(name, tmp_path):
    study = load(name).with_engine("vasp-double")
    inputs = write_inputs(study, tmp_path / "out")
    assert "its film is brought to rest by an engine" in inputs.left_out[FILMS[name]]
    subjects = {entry.job.subject for entry in inputs.jobs}
    assert subjects
    assert not subjects & set(inputs.left_out)
    readme = (tmp_path / "out" / "README.md").read_text()
    assert f"- {FILMS[name]}: its film" in readme


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SCAN, "its place is scanned"),
        (SCAN.replace("gaps:", "engine: sevennet, gaps:"), "its place is scanned"),
        (ENSEMBLE, "set ensemble to 1"),
    ],
    ids=["scan", "scan by a potential", "ensemble"],
)
def test_where_all_waits_for_an_engine_nothing_is_written(text, said, tmp_path):
    study = parse(text, "s").with_engine("vasp-double")
    with pytest.raises(IonfaceError, match=said):
        write_inputs(study, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["lpscl-anodes", "lgps-lialo2"])
def test_inputs_of_built_in_studies_without_films_are_written(name, tmp_path):
    study = load(name).with_engine("vasp-double")
    study = replace(study, interfaces=study.interfaces[:1])
    inputs = write_inputs(study, tmp_path / "out")
    assert not inputs.left_out
    told = json.loads((tmp_path / "out" / "study.json").read_text())
    (folders,) = (one["folders"] for one in told["interfaces"].values())
    crystals = sum(map(len, told["crystals"].values()))
    assert len(folders) + crystals == len(inputs.jobs)
