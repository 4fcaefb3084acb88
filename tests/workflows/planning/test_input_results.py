"""Directories of `ionface inputs` that have run are taken by `ionface analyze`."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pymatgen.io.vasp import Poscar

from ionface.analysis.result import Provenance
from ionface.errors import IonfaceError, LedgerError
from ionface.workflows.cli.analyze_files import energies_of, open_frames
from ionface.workflows.planning.input_folders import write_inputs
from ionface.workflows.planning.input_results import (
    by_hand_energies,
    dynamics_parts,
    is_root,
)
from ionface.workflows.study.study_files import parse

STUDY = """\
name: al-ag
lattice: literature
interfaces:
  - name: Al|Ag
    film: {material: Al, miller: [1, 0, 0], layers: 2}
    substrate: {material: Al, miller: [1, 0, 0], layers: 2, name: Ag}
    max_area: 20
    vacuum: 12
relaxation: {fmax: 0.05, steps: 60}
dynamics:
  - {interface: Al|Ag, steps: 10, pairs: [Al-Al], prerelax: 3}
vasp: {k_spacing: 1.0}
"""
AG = (
    f"material: {Path(__file__).parents[2] / 'data' / 'Ag.cif'}, miller: [1, 0, 0], "
    "layers: 2, name"
)


def run_scripts(entries):
    """Run the scripts of some directories, the stand-in in VASP's place."""
    environment = {
        **os.environ,
        "IONFACE_VASP_CALCULATOR": "emt",
        "IONFACE_VASP_SHIFT": "-5",
        "OMP_NUM_THREADS": "1",
    }
    environment.pop("SLURM_JOB_ID", None)
    for entry in entries:
        done = subprocess.run(
            ["bash", "job.sh"],
            cwd=entry.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """All job scripts of a study run in their order: a dozen processes."""
    out = tmp_path_factory.mktemp("by-hand") / "out"
    study = parse(STUDY, "al-ag.yaml")
    run_scripts(write_inputs(study.with_engine("vasp-double"), out).jobs)
    return out


@pytest.fixture
def copy(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "out")


@pytest.mark.slow
def test_the_formation_energy_is_that_of_the_ledger(finished):
    assert is_root(finished)
    (entry,) = energies_of([finished], 1).entries
    assert entry.name == "Al|Ag"
    energy = entry.formation
    assert set(energy.e_slabs) == {"Al", "Ag"}
    assert energy.delta_e == pytest.approx(
        energy.e_interface - sum(energy.e_slabs.values())
    )
    assert energy.delta_e < 0  # aluminum joins aluminum
    assert entry.provenance.emulated


@pytest.mark.slow
def test_frames_are_those_of_all_parts_and_say_that_they_are_emulated(finished):
    (part,) = dynamics_parts(finished)
    assert dynamics_parts(part.parent) == [part]
    frames = open_frames([finished])
    assert len(frames) == 10
    assert np.diff(frames.times_fs) == pytest.approx(2.0)
    assert Provenance.of(frames).emulated


@pytest.mark.slow
def test_a_relaxation_that_has_not_converged_is_refused_by_name(copy):
    (relaxed,) = copy.glob("*/*-relax-film")
    path = relaxed / "vasprun.xml"
    text = path.read_text()
    assert '<i name="EDIFFG">' in text
    path.write_text(
        text.replace('<i name="EDIFFG">', '<i name="EDIFFG"> -1E-9 </i><i name="X">')
    )
    with pytest.raises(LedgerError, match=r"'Al\|Ag, film' is not converged"):
        by_hand_energies(copy)


@pytest.mark.slow
def test_what_is_missing_is_named(copy):
    for path in copy.glob("*/*-static-film/vasprun.xml"):
        path.unlink()
    with pytest.raises(IonfaceError, match=r"missing are Al\|Ag: static film"):
        by_hand_energies(copy)


def test_other_directories_are_no_roots(tmp_path):
    assert not is_root(tmp_path)
    (tmp_path / "study.json").write_text("[1]")
    assert not is_root(tmp_path)
    assert dynamics_parts(tmp_path) == []


@pytest.mark.slow
def test_models_are_cut_with_the_lattice_that_their_bulk_has_relaxed_to(tmp_path):
    out = tmp_path / "out"
    text = STUDY.replace("material: Al, miller: [1, 0, 0], layers: 2, name", AG)
    study = replace(parse(text, "al-ag.yaml"), dynamics=(), lattice="engine")
    study = study.with_engine("vasp-double")
    first = write_inputs(study, out)
    bulk = [entry for entry in first.jobs if not entry.waits]
    assert [f"{entry.job.subject} {entry.job.task}" for entry in bulk] == [
        "Al relax bulk", "Ag relax bulk", "Al static bulk", "Ag static bulk",
    ]  # fmt: skip
    run_scripts(bulk[:1])
    assert write_inputs(study, out).waiting  # for the other crystal
    run_scripts(bulk[1:2])
    again = write_inputs(study, out)
    assert not again.waiting
    assert [entry.begun for entry in again.jobs[:2]] == [True, True]
    relaxed = Poscar.from_file(bulk[0].folder / "CONTCAR").structure
    assert relaxed.lattice.a == pytest.approx(3.995, abs=0.01)  # published is 4.05
    (slab,) = (e for e in again.jobs if e.job.task == "relax film_unstrained")
    edge = Poscar.from_file(slab.folder / "POSCAR").structure.lattice.a
    repeats = edge / (relaxed.lattice.a / np.sqrt(2))
    assert repeats == pytest.approx(round(repeats), abs=1e-3)
    run_scripts(again.jobs[2:])
    (entry,) = by_hand_energies(out)
    surfaces = entry.bulk["surface_energies_j_per_m2"]
    assert surfaces["Al"] == pytest.approx(0.7277, abs=2e-3)  # ASE's fcc100, two layers
    assert entry.bulk["gamma_j_per_m2"] == pytest.approx(
        entry.formation.j_per_m2 + sum(surfaces.values())
    )
    shutil.rmtree(bulk[3].folder)
    (entry,) = by_hand_energies(out)
    assert not entry.bulk  # Ag's crystal is not known any more


@pytest.mark.slow
def test_sides_that_are_joined_first_are_written_in_turns(tmp_path):
    out = tmp_path / "out"
    text = STUDY.replace("vacuum: 12", "vacuum: 0\n    start: joined")
    study = parse(text.replace("prerelax: 3", "prerelax: 0"), "al-ag.yaml")
    study = replace(study, formation=()).with_engine("vasp-double")
    first = write_inputs(study, out)
    names = [entry.folder.name for entry in first.jobs]
    assert names == ["01-relax-film-alone", "02-relax-substrate-alone", "03-dynamics"]
    assert [entry.waits for entry in first.jobs] == [False, False, True]
    dynamics = first.jobs[-1].folder
    assert (dynamics / "INCAR").is_file()
    assert not (dynamics / "POSCAR").exists()
    assert "01-relax-film-alone, 02-relax-substrate-alone" in first.waiting["Al|Ag"]
    assert "- Al|Ag: run 01-relax" in (out / "README.md").read_text()
    run_scripts(first.jobs[:1])
    assert write_inputs(study, out).jobs[-1].waits  # for the other side
    run_scripts(first.jobs[1:2])
    again = write_inputs(study, out)
    assert not again.waiting
    assert [entry.begun for entry in again.jobs] == [True, True, False]
    start = Poscar.from_file(dynamics / "POSCAR")
    assert len(start.velocities) == len(start.structure)
    relaxed = [
        np.ptp(Poscar.from_file(entry.folder / "CONTCAR").structure.cart_coords[:, 2])
        for entry in first.jobs[:2]
    ]
    z = np.sort(start.structure.cart_coords[:, 2])
    height = start.structure.lattice.c
    *_, lower, upper = np.sort(np.diff([*z, z[0] + height]))
    assert lower == pytest.approx(upper)  # both gaps, at which radii touch
    assert height == pytest.approx(sum(relaxed) + lower + upper)
