"""Inputs of one run, and those of both papers' flows against recorded references."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from pymatgen.io.vasp import Incar, Poscar

from ionface.structures.ledger_cell import context, gap_along
from ionface.workflows.engines.contract import RelaxSettings
from ionface.workflows.engines.vasp.incar import (
    PlaneWaves,
    first_stage,
    relax_incar,
    static_incar,
)
from ionface.workflows.engines.vasp.inputs import VaspRun, write
from ionface.workflows.engines.vasp.outputs import restored
from ionface.workflows.planning.walk import GraphWalk
from ionface.workflows.study.protocols import LI_2024
from ionface.workflows.study.study_files import load
from ionface.workflows.study.vasp_settings import VaspSettings

RECORDED = Path(__file__).parents[3] / "data" / "vasp_inputs"
STUDIES = ["lagp-pdol-li", "lpscl-in"]


def relaxation(waves, structure):
    incar = relax_incar(waves, structure, RelaxSettings())
    return VaspRun(waves, structure, incar, waves.k_spacing(context(structure)))


def test_the_generator_writes_these_keys_and_no_others(li_2024, in_ledger, tmp_path):
    run = relaxation(li_2024, in_ledger)
    write(run, tmp_path, spec=True)
    written = Incar.from_file(tmp_path / "INCAR")
    assert set(written) == set(run.incar)
    assert written["DIPOL"] == pytest.approx(run.incar["DIPOL"])
    assert (tmp_path / "POTCAR.spec").read_text().split() == ["Al", "Ag"]


def test_a_static_run_keeps_its_keys_too(li_2024, in_ledger):
    run = VaspRun(li_2024, in_ledger, static_incar(li_2024, in_ledger), 0.28)
    assert set(run.as_incar()) >= {"IBRION", "NSW", "LREAL", "LDIPOL"}


def test_a_u_by_element_is_written_in_the_order_of_the_poscar(slab, tmp_path):
    asked = PlaneWaves(LI_2024, VaspSettings(incar={
        "LDAUU": {"Ag": 3.0}, "MAGMOM": {"Ag": 2.0}}))  # fmt: skip
    write(relaxation(asked, slab), tmp_path, spec=True)
    written = Incar.from_file(tmp_path / "INCAR")
    assert (tmp_path / "POTCAR.spec").read_text().split() == ["Al", "Ag"]
    assert (written["LDAUU"], written["LDAUL"]) == ([0, 3.0], [-1, 2])
    assert written["MAGMOM"] == [0, 0, 2.0, 2.0]


def test_sites_come_back_in_the_callers_order_with_labels(li_2024, in_ledger):
    run = relaxation(li_2024, in_ledger)
    poscar = run.poscar()
    assert [s.specie.symbol for s in poscar.structure] == ["Al", "Al", "Ag", "Ag"]
    back = restored(run, in_ledger.lattice.matrix, poscar.structure.frac_coords)
    np.testing.assert_allclose(back.cart_coords, in_ledger.cart_coords, atol=1e-9)
    assert back.site_properties == in_ledger.site_properties
    assert back.properties == in_ledger.properties


def test_fixed_sites_become_selective_dynamics(li_2024, in_ledger, tmp_path):
    write(relaxation(li_2024, in_ledger), tmp_path, spec=True)
    flags = np.array(Poscar.from_file(tmp_path / "POSCAR").selective_dynamics)
    assert flags.tolist() == [[True] * 3, [True] * 3, [False] * 3, [True] * 3]
    free = in_ledger.copy()
    free.remove_site_property("fixed")
    assert relaxation(li_2024, free).poscar().selective_dynamics is None


def test_velocities_are_written_in_poscars_order(li_2024, in_ledger, tmp_path):
    velocities = np.arange(12).reshape(4, 3) / 1000
    write(relaxation(li_2024, in_ledger), tmp_path, velocities=velocities, spec=True)
    read = np.array(Poscar.from_file(tmp_path / "POSCAR").velocities)
    np.testing.assert_allclose(read, velocities[[1, 3, 0, 2]])


def test_a_potcar_is_joined_in_poscars_order_and_told_by_hash(
    li_2024, in_ledger, tmp_path, potcar_library
):
    write(relaxation(li_2024, in_ledger), tmp_path / "job")
    text = (tmp_path / "job" / "POTCAR").read_text()
    assert text.index("PAW_PBE Al") < text.index("PAW_PBE Ag")
    told = json.loads((tmp_path / "job" / "potcars.json").read_text())
    assert [record["title"] for record in told] == [
        "PAW_PBE Al 01Jan2000",
        "PAW_PBE Ag 01Jan2000",
    ]


@cache
def jobs_of(name):
    """Return the jobs of a built-in study; its models are built once.

    Dynamics have a pre-relaxation too, which a study may ask for.
    """
    study = load(name).with_engine("vasp")
    runs = tuple(replace(run, prerelax=50) for run in study.dynamics)
    study = replace(study, dynamics=runs)
    return study, GraphWalk(study).planned_jobs()


def described(job):
    """Return a job's inputs as plain data: what a reviewer wants to see change."""
    run = job.run
    poscar = run.poscar()
    structure = poscar.structure
    first = first_stage(run.incar)
    incar = dict(sorted(run.as_incar().items()))
    if "DIPOL" in incar:  # along the normal; across it nothing depends on it
        incar["DIPOL"] = [round(incar["DIPOL"][2], 2)]
    return {
        "INCAR": incar,
        "first": None if first is None else sorted(set(run.incar) - set(first)),
        "KPOINTS": [int(n) for n in run.kpoints().kpts[0]],
        "POSCAR": {
            "species": poscar.site_symbols,
            "numbers": poscar.natoms,
            "lattice": np.round(structure.lattice.matrix, 2).tolist(),
            "gap": round(gap_along(structure, 2), 1),
        },
        "POTCAR": list(run.symbols.values()),
        "steps": job.description.steps,
        "after": job.after,
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_inputs_of_a_papers_flow_at_true_size_are_as_recorded(name, differences):
    """To record again after a deliberate change: delete the file and run this test."""
    _, jobs = jobs_of(name)
    found = json.loads(
        json.dumps({f"{job.subject} {job.task}": described(job) for job in jobs})
    )
    path = RECORDED / f"{name}.json"
    if not path.is_file():
        path.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
        pytest.fail(f"recorded {path.name}; look at it, then run again")
    changed = differences(json.loads(path.read_text()), found)
    assert not changed, "\n".join(changed)


def test_a_changed_key_is_shown_with_both_values(differences):
    before = {"relax": {"INCAR": {"ENCUT": 480, "ISPIN": 1}}}
    after = {"relax": {"INCAR": {"ENCUT": 500, "IVDW": 12, "ISPIN": 1}}}
    assert differences(before, after) == [
        "/relax/INCAR/ENCUT: 480 -> 500",
        "/relax/INCAR/IVDW: absent -> 12",
    ]


@pytest.mark.parametrize(
    "name", [pytest.param("lagp-pdol-li", marks=pytest.mark.slow), "lpscl-in"]
)
def test_all_terms_of_a_ledger_have_one_mesh_and_one_dipole_rule(name):
    study, jobs = jobs_of(name)
    for spec in study.interfaces:
        terms = [j for j in jobs if j.subject == spec.name and j.kind == "static"]
        meshes = {tuple(j.run.kpoints().kpts[0]) for j in terms}
        dipoles = {"LDIPOL" in j.run.incar for j in terms}
        assert len(meshes) <= 1
        assert len(dipoles) <= 1
