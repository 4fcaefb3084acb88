"""Known truths of runs that others made, and what every one of their files gives."""

import numpy as np
import pytest

from ionface.analysis.rdf.rdf import rdf
from ionface.analysis.readers import open_trajectory
from ionface.analysis.readers.outcomes import outcomes

GRAPHENE = "sisl-files/tests/vasp/graphene_md"
VASP_TESTS = "pymatgen-core/test-files/io/vasp"
ARGYRODITE = "argyrodite_data/data/Li6PS5Cl/0p/run1/actual_XDATCAR.gz"
LGPS = f"{VASP_TESTS}/outputs/vasprun.bad_random_seed.xml.gz"
PYIRON = "pyiron/tests/static/vasp_test_files"
AIIDA = "aiida-vasp/src/aiida_vasp/test_data"

DIGITS = {  # half of the last digit printed, Å: of positions, and of the cell
    "vaspout.nopotcar.h5": (1e-9, 0.0),
    "XDATCAR": (0.5e-8 * 10, 0.5e-6),
    "OUTCAR": (0.5e-5, 0.0),
}


@pytest.mark.parametrize("name", DIGITS)
def test_one_run_has_the_same_positions_in_every_format(realdata, name):
    right = open_trajectory(realdata / GRAPHENE / "vasprun.xml")
    found = open_trajectory(realdata / GRAPHENE / name)
    assert found.species == right.species
    assert len(found) == len(right) == 100
    np.testing.assert_allclose(found.times_fs, right.times_fs, atol=1e-9)
    # A coordinate is printed as one value in [0, 1) or at an image of it.
    fractional = (found.positions - right.positions) @ np.linalg.inv(right.lattice)
    apart = (fractional - np.round(fractional)) @ right.lattice
    digits, cell = DIGITS[name]
    vasprun = 0.5e-8 * 3 * 10
    assert np.abs(apart).max() < digits + 3 * cell + vasprun
    if name != "XDATCAR":
        energies = np.abs(found.scalars["potential_energy"] - right.energies)
        assert energies.max() < 1e-6


def test_the_last_frame_is_that_of_contcar_and_no_frame_is_finalpos(realdata):
    import ase.io

    folder = realdata / GRAPHENE
    run = open_trajectory(folder / "vasprun.xml")
    last = ase.io.read(folder / "CONTCAR", format="vasp").get_scaled_positions()
    fractional = run.positions @ np.linalg.inv(run.lattice)
    assert np.abs(fractional[-1] % 1 - last % 1).max() < 1e-7
    text = (folder / "vasprun.xml").read_text("iso-8859-1")
    rows = text.split('name="finalpos"')[1].split('name="positions" >')[1]
    words = [row.split("<v>")[1].split() for row in rows.split("</v>")[:2]]
    final = np.array(words, dtype=float)
    assert np.abs(fractional - final).max(axis=(1, 2)).min() > 1e-7


@pytest.mark.parametrize(
    ("path", "frames", "atoms", "interval"),
    [(ARGYRODITE, 140, 416, 100.0), (LGPS, 264, 50, None)],
)
def test_every_phosphorus_has_four_sulfur_in_every_frame(
    realdata, path, frames, atoms, interval
):
    run = open_trajectory(realdata / path, timestep_fs=interval)
    assert (len(run), run.n_atoms) == (frames, atoms)
    pair = rdf(run, ["P-S"], cutoff=2.6, bins=26, windows=frames).pairs["P-S"]
    assert pair.n[:, -1].tolist() == [4.0] * frames


KNOWN = {  # frames, atoms, how the time is known, words of the reason
    ARGYRODITE: (140, 416, "to be given", ""),
    LGPS: (264, 50, "told", ""),
    f"{VASP_TESTS}/outputs/vasprun.md.xml.gz": (10, 64, "told", ""),
    f"{VASP_TESTS}/outputs/vasprun.ml_md.xml.gz": (0, 0, "", "ML_LMLFF"),
    f"{VASP_TESTS}/outputs/vasprun.bad.xml.gz": (1, 25, "none", "ends inside"),
    f"{VASP_TESTS}/outputs/vasprun.unconverged.xml.gz": (5, 14, "to be given", ""),
    f"{VASP_TESTS}/outputs/XDATCAR.bad_fmt.gz": (3, 7, "to be given", ""),
    f"{VASP_TESTS}/outputs/XDATCAR_4": (4, 3, "to be given", ""),
    f"{VASP_TESTS}/outputs/XDATCAR_5": (4, 3, "to be given", ""),
    f"{VASP_TESTS}/outputs/XDATCAR_6": (4, 7, "to be given", ""),
    f"{VASP_TESTS}/outputs/XDATCAR_monatomic.gz": (10, 4, "to be given", ""),
    f"{GRAPHENE}/XDATCAR": (100, 2, "told", ""),
    f"{GRAPHENE}/OUTCAR": (100, 2, "told", ""),
    f"{GRAPHENE}/vasprun.xml": (100, 2, "told", ""),
    f"{GRAPHENE}/vaspout.nopotcar.h5": (100, 2, "told", ""),
    GRAPHENE: (100, 2, "told", ""),
    "custodian/tests/files/npt_nvt/OUTCAR": (10, 84, "told", ""),
    "custodian/tests/files/bad_vasprun": (5, 14, "to be given", "ends inside"),
    f"{AIIDA}/relax-truncated": (18, 8, "to be given", "ends inside"),
    f"{PYIRON}/full_job_aborted/vasprun.xml": (0, 253, "none", "ends inside"),
    f"{PYIRON}/full_job_aborted/XDATCAR": (0, 253, "none", "no frame follows"),
    f"{PYIRON}/full_job_aborted/OUTCAR": (0, 253, "none", "0 complete frames"),
    f"{PYIRON}/full_job_aborted": (0, 253, "none", "0 complete frames"),
    f"{PYIRON}/vasprun_samples/vasprun_9.xml": (2, 291, "told", ""),
    "vaspy/scripts/md_viz/XDATCAR": (500, 81, "to be given", ""),
    "vasppy/docs/source/examples/data": (40, 216, "to be given", ""),
}


def test_every_file_and_folder_has_its_outcome(realdata):
    found = {outcome.path: outcome for outcome in outcomes(realdata)}
    assert set(KNOWN) <= set(found)
    for path, (frames, atoms, time, reason) in KNOWN.items():
        outcome = found[path]
        told = (outcome.frames, outcome.atoms, outcome.time)
        assert told == (frames, atoms, time), path
        assert reason in outcome.reason, path
        assert bool(reason) == bool(outcome.reason), path
    for outcome in found.values():  # nothing is without a word
        assert outcome.frames or outcome.reason


def test_the_file_that_was_chosen_is_named(realdata):
    found = open_trajectory(realdata / GRAPHENE)
    assert any("vaspout.nopotcar.h5 was chosen of" in note for note in found.notes)
