"""Directories that real VASP wrote become the same documents as the stand-in's."""

import gzip
import json
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp import Vasprun

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.readers.vasprun import VasprunStream
from ionface.workflows.engines.records import RunRecord
from ionface.workflows.engines.vasp.incar import PlaneWaves
from ionface.workflows.engines.vasp.inputs import VaspRun
from ionface.workflows.engines.vasp.outputs import read_output
from ionface.workflows.engines.vasp.run_frames import run_frames
from ionface.workflows.study.protocols import LI_2024
from ionface.workflows.study.vasp_settings import VaspSettings

ROOT = Path(__file__).parents[2]
TEST_DATA = "aiida-vasp/src/aiida_vasp/test_data"
PYMATGEN = "pymatgen-core/test-files/io/vasp"
RUNS = {  # finished by itself, converged
    f"{PYMATGEN}/fixtures/relaxation/vasprun.xml.gz": (True, True),
    f"{PYMATGEN}/fixtures/static_silicon/vasprun.xml.gz": (True, True),
    f"{PYMATGEN}/outputs/vasprun.unconverged.xml.gz": (True, False),
    f"{TEST_DATA}/relax-truncated/vasprun.xml": (False, False),
    f"{TEST_DATA}/vasp_wc_ionic_unfinished/calc-001/out/vasprun.xml": (True, True),
}


@pytest.fixture
def realdata():
    fallback = ROOT.parent / "shared" / "realdata"
    folder = Path(os.environ.get("IONFACE_REALDATA", fallback))
    if not folder.is_dir():
        pytest.skip(f"real VASP outputs are not at {folder} (IONFACE_REALDATA)")
    return folder


def document(folder):
    """Return what a job would store of a folder, as plain JSON values."""
    stream = VasprunStream(folder / "vasprun.xml")
    first, *_ = stream.steps()  # to its end, which closes the file
    start = Structure(Lattice(first.lattice), stream.species, first.fractional)
    run = VaspRun(PlaneWaves(LI_2024, VaspSettings()), start, {}, None)
    assert (run.order == np.arange(len(start))).all()
    output = read_output(run, folder)
    record = RunRecord(
        structure=output.structure,
        energy=output.energy,
        max_force=output.max_force,
        converged=output.converged,
        steps=output.steps,
        level=output.level.as_dict(),
        directory=str(folder),
    )
    return output, json.loads(record.to_json())


def shape(document):
    """Return keys and types of a document, lists as the type of their first item."""
    if isinstance(document, dict):
        return {key: shape(value) for key, value in document.items()}
    if isinstance(document, list):
        return [shape(document[0])] if document else []
    return type(document).__name__


@pytest.fixture
def emulated(tmp_path):
    """A relaxation on the stand-in."""
    import io

    from ionface.workflows.engines.vasp_double.emulate import emulate
    from ionface.workflows.engines.vasp_double.faults import Faults
    from ionface.workflows.engines.vasp_double.model import model
    from ionface.workflows.engines.vasp_double.potcars import stand_in

    folder = tmp_path / "double"
    folder.mkdir()
    atoms = bulk("Al", cubic=True)
    atoms.rattle(0.05, seed=1)
    write(folder / "POSCAR", atoms, format="vasp", direct=True)
    (folder / "INCAR").write_text("IBRION = 2\nNSW = 20\nEDIFFG = -0.05\nISIF = 2\n")
    (folder / "KPOINTS").write_text("mesh\n0\nGamma\n1 1 1\n0 0 0\n")
    (folder / "POTCAR").write_text(stand_in("Al"))
    emulate(folder, model("emt"), Faults(folder, [], io.StringIO(), io.StringIO()))
    return folder


@pytest.mark.parametrize("name", RUNS)
def test_a_real_run_becomes_the_same_document(realdata, tmp_path, emulated, name):
    source = realdata / name
    data = source.read_bytes()
    folder = tmp_path / "real"
    folder.mkdir()
    text = gzip.decompress(data) if source.suffix == ".gz" else data
    (folder / "vasprun.xml").write_bytes(text)
    output, found = document(folder)
    _, ours = document(emulated)
    level, own_level = found.pop("level"), ours.pop("level")
    assert level.keys() == own_level.keys()
    structure, own_structure = found.pop("structure"), ours.pop("structure")
    assert structure.keys() == own_structure.keys()
    assert shape(found) == shape(ours)
    assert (output.finished, output.converged) == RUNS[name]
    assert level["emulated"] is False
    assert own_level["emulated"] is True
    assert level["pseudopotentials"]
    assert LevelOfTheory.from_dict(level).label.startswith("vasp ")


@pytest.mark.parametrize("name", [name for name in RUNS if RUNS[name][0]])
def test_energy_forces_and_positions_are_those_that_pymatgen_reads(
    realdata, tmp_path, name
):
    source = realdata / name
    data = source.read_bytes()
    path = tmp_path / "vasprun.xml"
    path.write_bytes(gzip.decompress(data) if source.suffix == ".gz" else data)
    output, _ = document(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = Vasprun(path, parse_potcar_file=False, parse_dos=False)
    last = peer.ionic_steps[-1]
    electrons = last["electronic_steps"][-1]
    assert output.energy == pytest.approx(electrons["e_0_energy"], abs=1e-8)
    assert output.steps == len(peer.ionic_steps)
    np.testing.assert_allclose(
        output.structure.frac_coords % 1, last["structure"].frac_coords % 1, atol=1e-8
    )
    forces = np.linalg.norm(np.array(last["forces"]), axis=1)
    assert output.max_force == pytest.approx(forces.max(), abs=1e-8)


def test_frames_of_a_real_run_cut_short_are_completed_from_its_xdatcar(
    realdata, tmp_path
):
    source = realdata / "sisl-files" / "tests" / "vasp" / "graphene_md"
    for name in ("XDATCAR", "OSZICAR"):
        (tmp_path / name).write_bytes((source / name).read_bytes())
    text = (source / "vasprun.xml").read_text()
    (tmp_path / "vasprun.xml").write_text(text)
    whole = run_frames(tmp_path)
    assert len(whole.steps) == 100
    assert all(step.forces is not None for step in whole.steps)
    (tmp_path / "vasprun.xml").write_text(text[: len(text) // 2])
    found = run_frames(tmp_path)
    assert len(found.steps) == 100
    assert sum(step.forces is None for step in found.steps) > 40
    for ours, theirs in zip(found.steps, whole.steps, strict=True):
        difference = ours.fractional - theirs.fractional
        assert np.abs(difference - np.round(difference)).max() < 2e-8
        assert ours.energies["e_0_energy"] == pytest.approx(
            theirs.energies["e_0_energy"], rel=1e-6
        )
        assert ours.energies["total"] == pytest.approx(
            theirs.energies["total"], rel=1e-5
        )
