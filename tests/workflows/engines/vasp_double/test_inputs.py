"""INCAR and KPOINTS as VASP reads them, and the inputs against each other."""

import numpy as np
import pytest
from pymatgen.io.vasp import Incar, Kpoints

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double.inputs import (
    mesh,
    read_inputs,
    read_k_points,
)

from .conftest import STATIC, alloy


def _k_points(folder, text=None, incar=STATIC):
    if text is None:
        (folder / "KPOINTS").unlink()
    else:
        (folder / "KPOINTS").write_text(text)
    (folder / "INCAR").write_text(incar)
    return read_inputs(folder, "nothing").k_points


@pytest.mark.parametrize("style", ["Gamma", "Monkhorst-Pack"])
@pytest.mark.parametrize("divisions", [(1, 1, 1), (3, 2, 1), (4, 4, 2), (5, 3, 3)])
def test_a_point_or_its_mirror_stands_for_every_point_of_the_mesh(style, divisions):
    reduced = mesh(style, divisions)
    total = np.prod(divisions)
    counts = reduced.weights * total
    assert counts == pytest.approx(np.round(counts))
    assert counts.sum() == pytest.approx(total)
    both = {
        tuple(np.round(sign * p * 1e6).astype(int) % 1_000_000)
        for p in reduced.points
        for sign in (1, -1)
    }
    assert len(both) == total


def test_an_even_monkhorst_pack_mesh_avoids_gamma_and_a_gamma_mesh_has_it():
    assert np.abs(mesh("Monkhorst-Pack", (2, 2, 2)).points).min() == pytest.approx(0.25)
    assert mesh("Gamma", (2, 2, 2)).points[0] == pytest.approx([0, 0, 0])


def test_the_number_of_points_is_vasps(realdata):
    # VASP found 41 points for this mesh, with the two operations E and inversion
    path = realdata / "sisl-files/tests/vasp/graphene_md/KPOINTS"
    reduced = read_k_points(path, np.eye(3), None)
    real = (path.parent / "IBZKPT").read_text().splitlines()[3:44]
    weights = sorted(int(row.split()[3]) for row in real)
    assert len(reduced.points) == 41
    assert sorted(reduced.weights) == pytest.approx(np.array(weights) / sum(weights))


def test_a_mesh_is_that_of_pymatgens_file(run_folder):
    for style in (Kpoints.gamma_automatic, Kpoints.monkhorst_automatic):
        text = str(style((2, 3, 1), (0, 0, 0.5)))
        found = _k_points(run_folder(STATIC), text)
        assert found.divisions == (2, 3, 1)
        assert found.shift == (0, 0, 0.5)
        assert found.style[0] == text.splitlines()[2][0]


def test_a_spacing_gives_the_mesh_that_is_at_least_as_dense(run_folder):
    found = _k_points(run_folder(STATIC), None, STATIC + "KSPACING = 0.25\n")
    lengths = 2 * np.pi / alloy().cell.lengths()
    assert found.divisions == tuple(np.ceil(lengths / 0.25).astype(int))
    tags = STATIC + "KSPACING = 0.25\nKGAMMA = F\n"
    other = _k_points(run_folder(STATIC), None, tags)
    assert other.style == "Monkhorst-Pack"


@pytest.mark.parametrize(
    "text",
    ["", "x\n0\nGamma\n", "l\n10\nLine\nrec\n0 0 0\n", "x\n0\nGamma\n0 1 1\n",
     "x\n0\nQ\n1 1 1\n", "x\n0\nGamma\n1 1\n"],
)  # fmt: skip
def test_what_is_not_understood_is_refused(run_folder, text):
    with pytest.raises(InputError, match="KPOINTS"):
        _k_points(run_folder(STATIC), text)


def test_species_that_differ_are_refused(run_folder):
    folder = run_folder(STATIC)
    text = (folder / "POTCAR").read_text()
    (folder / "POTCAR").write_text(text[len(text) // 2 :] + text)
    with pytest.raises(InputError, match="POTCAR has Cu Al Cu, POSCAR has Al Cu"):
        read_inputs(folder, "nothing")


def test_pymatgen_reads_the_same_tags(run_folder):
    text = "NSW = 5\nEDIFF = 1E-5\nLWAVE = .FALSE.\nSIGMA = 0.1\nLREAL = Auto\n"
    folder = run_folder(text + "IBRION = 2\nMAGMOM = 3*0.5 5*1\n")
    theirs = dict(Incar.from_file(folder / "INCAR"))
    assert read_inputs(folder, "nothing").settings.given == theirs
