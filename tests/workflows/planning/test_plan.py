"""The cost model against what is known, its correction, and what it refuses."""

import json
from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from ionface.errors import IonfaceError
from ionface.structures.ledger_cell import context
from ionface.workflows.engines.contract import JobDescription
from ionface.workflows.engines.vasp.incar import static_incar
from ionface.workflows.engines.vasp.inputs import VaspRun
from ionface.workflows.engines.vasp.run_folders import stamp
from ionface.workflows.planning.cost import bands, estimate, grid, parallel, plane_waves
from ionface.workflows.planning.plan import (
    Plan,
    PlannedCost,
    check_budget,
    check_memory,
    check_walltime,
    measured_scf_core_s,
    plan,
    table_rows,
)
from ionface.workflows.study.study_files import parse
from ionface.workflows.study.vasp_settings import VaspSettings

AL_AG = """\
name: al-ag
lattice: literature
interfaces:
  - name: Al|Ag
    film: {material: Al, miller: [1, 0, 0], layers: 2}
    substrate: {material: Al, miller: [1, 0, 0], layers: 2, name: Al2}
    max_area: 20
    vacuum: 12
"""


def static(waves, structure):
    incar = static_incar(waves, structure)
    run = VaspRun(waves, structure, incar, waves.k_spacing(context(structure)))
    stages = 2 if "LDIPOL" in incar else 1
    return JobDescription("static", structure, 1, run, stages)


@pytest.fixture(scope="module")
def study():
    return parse(AL_AG, "al-ag.yaml").with_engine("vasp")


@pytest.fixture(scope="module")
def planned(study):
    return plan(study)


@pytest.mark.parametrize(
    ("electrons", "atoms", "expected"), [(8, 2, 8), (1000, 248, 625), (1980, 264, 1188)]
)
def test_bands_are_vasps_default(electrons, atoms, expected):
    assert bands(electrons, atoms) == expected


def test_plane_waves_are_counted_like_lattice_points_in_a_sphere():
    lattice, cutoff = Lattice.cubic(9.0), 300.0
    radius = 0.5123167 * np.sqrt(cutoff)
    n = np.arange(-20, 21)
    vectors = np.stack(np.meshgrid(n, n, n), axis=-1).reshape(-1, 3) * 2 * np.pi / 9.0
    counted = int((np.linalg.norm(vectors, axis=1) <= radius).sum())
    assert plane_waves(lattice.volume, cutoff) == pytest.approx(counted, rel=0.02)


def test_an_accurate_grid_is_finer():
    ratio = grid(1000.0, 480.0, "Accurate") / grid(1000.0, 480.0, "Normal")
    assert ratio == pytest.approx((4 / 3) ** 3)


def test_a_cell_twice_as_large_costs_between_four_and_eight_times(li_2024):
    one = Structure(
        Lattice.cubic(12), ["Al"] * 64, np.random.default_rng(0).random((64, 3))
    )
    two = one.copy().make_supercell([2, 1, 1])
    gamma = replace(li_2024, settings=replace(li_2024.settings, k_spacing=9.0))
    ratio = (
        estimate(static(gamma, two)).core_hours
        / estimate(static(gamma, one)).core_hours
    )
    assert 4 < ratio < 8.5


@pytest.mark.parametrize(
    ("cores", "points"), [(64, 4), (64, 1), (48, 13), (1, 5), (7, 3)]
)
def test_parallel_settings_divide_the_cores(cores, points):
    kpar, ncore = parallel(cores, points)
    assert cores % kpar == 0
    assert (cores // kpar) % ncore == 0
    assert kpar <= points
    if cores // kpar > 1:
        assert abs(ncore - np.sqrt(cores // kpar)) <= np.sqrt(cores // kpar)


def test_every_job_of_the_flow_is_in_the_plan(planned):
    tasks = [line.job.task for line in planned.lines]
    parts = ["interface", "film", "substrate", "film_unstrained"]
    assert tasks == [t for p in parts for t in (f"relax {p}", f"static {p}")]
    assert planned.core_hours == pytest.approx(
        sum(line.cost.core_hours for line in planned.lines)
    )
    header, rows = table_rows(planned)
    assert all(len(row) == len(header) for row in rows)
    assert json.loads(json.dumps(planned.as_dict()))["measured_runs"] == 0


def test_the_plan_tells_polar_and_charged_sides():
    text = AL_AG.replace(
        "{material: Al, miller: [1, 0, 0], layers: 2, name: Al2}", "%s"
    )
    text = text.replace("[1, 0, 0]", "[1, 1, 1]")
    layer = "{material: LiF, miller: [1, 1, 1], layers: 2%s}"

    def told(more):
        study = parse(text % (layer % more), "al-lif.yaml").with_engine("vasp")
        return [note for note in plan(study).notes if "LiF(111)" in note]

    (polar,), (charged,) = told(""), told(", symmetric: true")
    assert "is polar" in polar
    assert "+1 Li per surface cell" in charged


def test_a_budget_refuses_with_the_dearest_job(planned):
    check_budget(planned, planned.core_hours + 1)
    check_budget(planned, None)
    dearest = max(planned.lines, key=lambda line: line.cost.core_hours).job.name
    with pytest.raises(IonfaceError) as refused:
        check_budget(planned, 0.9 * planned.core_hours)
    assert dearest in str(refused.value)


def test_a_wall_time_too_short_for_one_step_is_refused(planned):
    line = max(planned.lines, key=lambda line: line.cost.step_core_s)
    slow = replace(line.cost, step_core_s=planned.cores * 7200.0)
    long = Plan((PlannedCost(line.job, slow),), 1.0, 0, planned.cores)
    check_walltime(long, VaspSettings(walltime=3))
    with pytest.raises(IonfaceError, match=r"one step of .* takes about 2.00 h"):
        check_walltime(long, VaspSettings(walltime=2))


def test_too_little_memory_is_refused(planned):
    check_memory(planned, None)
    check_memory(planned, 1000.0)
    with pytest.raises(IonfaceError, match="needs about"):
        check_memory(planned, 0.5)


def write_finished(folder, seconds, cores, scf_steps, build=""):
    run = folder / "run-001"
    run.mkdir(parents=True)
    (run / "OUTCAR").write_text(
        f" running on   {cores} total cores\n Elapsed time (sec):  {seconds:.3f}\n"
    )
    scf = "<scstep></scstep>" * scf_steps
    rows = "<v>1 0 0</v><v>0 1 0</v><v>0 0 1</v>"
    cell = (
        f'<crystal><varray name="basis">{rows}</varray></crystal>'
        '<varray name="positions"><v>0 0 0</v></varray>'
    )
    (run / "vasprun.xml").write_text(
        f'<modeling><generator><i name="subversion">{build}</i></generator>'
        '<atominfo><array name="atoms"><set><rc><c>Al</c></rc></set></array></atominfo>'
        f'<structure name="initialpos">{cell}</structure>'
        f"<calculation>{scf}<structure>{cell}</structure></calculation></modeling>"
    )
    return run


def test_measured_time_is_core_seconds_per_electronic_step(tmp_path):
    assert measured_scf_core_s(write_finished(tmp_path / "a", 50, 4, 10)) == 20.0
    emulated = write_finished(
        tmp_path / "b", 50, 4, 10, build="emulated by ionface (EMT)"
    )
    assert measured_scf_core_s(emulated) is None
    (tmp_path / "c" / "run-001").mkdir(parents=True)
    assert measured_scf_core_s(tmp_path / "c" / "run-001") is None


def test_finished_runs_of_the_project_correct_the_estimate(tmp_path, study, planned):
    job = planned.lines[0].job
    folder = tmp_path / "runs" / "one"
    modelled = planned.lines[0].cost.step_core_s / 10
    write_finished(folder, 2.5 * modelled, 1, 1)
    stamp(folder, job.run, job.kind)
    found = plan(study, tmp_path)
    assert found.measured == 1
    assert found.correction == pytest.approx(2.5, rel=1e-3)
    assert found.core_hours == pytest.approx(2.5 * planned.core_hours, rel=1e-3)


def test_preflight_refuses_before_anything_runs(study, monkeypatch, potcar_library):
    from pymatgen.core import SETTINGS

    from ionface.workflows.planning import preflight

    def study_with(**settings):
        own = VaspSettings(**{"prerelax": "off", "vasp_cmd": "srun vasp", **settings})
        return replace(study, vasp=own)

    assert preflight.check_study(study_with(), here=False).lines
    with pytest.raises(IonfaceError, match="cannot be started here"):
        preflight.check_study(study_with(vasp_cmd="no-such-vasp"), here=True)
    with pytest.raises(IonfaceError, match="no POTCAR Al_GW"):
        preflight.check_study(study_with(potcars={"Al": "Al_GW"}), here=False)
    monkeypatch.delitem(SETTINGS, "PMG_VASP_PSP_DIR")
    with pytest.raises(IonfaceError, match="no POTCAR directory"):
        preflight.check_study(study_with(), here=False)
