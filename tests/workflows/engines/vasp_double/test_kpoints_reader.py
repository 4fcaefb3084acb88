import numpy as np
import pytest

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double.kpoints_reader import (
    ibzkpt_text,
    mesh,
    parse,
    read,
)

CELL = np.diag([4.0, 8.0, 20.0])


@pytest.mark.parametrize("style", ["Gamma", "Monkhorst-Pack"])
@pytest.mark.parametrize("divisions", [(1, 1, 1), (3, 2, 1), (4, 4, 2), (5, 3, 3)])
def test_a_point_or_its_mirror_stands_for_every_point_of_the_mesh(style, divisions):
    found = mesh(style, divisions)
    total = np.prod(divisions)
    counts = found.weights * total
    assert counts == pytest.approx(np.round(counts))
    assert counts.sum() == pytest.approx(total)
    both = {
        tuple(np.round(sign * p * 1e6).astype(int) % 1_000_000)
        for p in found.points
        for sign in (1, -1)
    }
    assert len(both) == total


def test_an_even_monkhorst_pack_mesh_avoids_gamma_and_a_gamma_mesh_has_it():
    assert np.abs(mesh("Monkhorst-Pack", (2, 2, 2)).points).min() == pytest.approx(0.25)
    assert mesh("Gamma", (2, 2, 2)).points[0] == pytest.approx([0, 0, 0])


def test_the_number_of_points_is_vasps(realdata):
    # VASP found 41 points for this mesh, with the two operations E and inversion
    path = realdata / "sisl-files/tests/vasp/graphene_md/KPOINTS"
    found = parse(path.read_text(), CELL)
    assert len(found.points) == 41
    real = (path.parent / "IBZKPT").read_text().splitlines()
    ours = ibzkpt_text(found).splitlines()
    assert ours[:3] == real[:3]
    assert sorted(int(row.split()[3]) for row in ours[3:]) == sorted(
        int(row.split()[3]) for row in real[3:44]
    )


def test_a_spacing_gives_the_mesh_that_is_at_least_as_dense(tmp_path):
    found = read(tmp_path, CELL, spacing=0.25)
    lengths = 2 * np.pi / np.diag(CELL)
    assert found.divisions == tuple(np.ceil(lengths / 0.25).astype(int))
    assert read(tmp_path, CELL, 0.25, gamma=False).style == "Monkhorst-Pack"


def test_a_list_keeps_its_weights():
    found = parse("list\n2\nReciprocal\n0 0 0 1\n.5 0 0 3\n", CELL)
    assert found.weights.tolist() == [0.25, 0.75]
    assert found.divisions is None
    cartesian = parse("list\n1\nCartesian\n.125 0 0 1\n", CELL)
    assert cartesian.points[0] == pytest.approx([0.5, 0, 0])


def test_automatic_length_and_shift_are_read():
    assert parse("a\n0\nAuto\n 20\n", CELL).divisions == (5, 3, 1)
    assert parse("g\n0\nG\n2 2 1\n0 0 0.5\n", CELL).shift == (0, 0, 0.5)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x\n0\nGamma\n",
        "l\n10\nLine\nrec\n0 0 0\n",
        "x\n0\nGamma\n0 1 1\n",
        "x\n0\nQ\n1 1 1\n",
    ],
)
def test_what_is_not_understood_is_refused(tmp_path, text):
    (tmp_path / "KPOINTS").write_text(text)
    with pytest.raises(InputError, match="KPOINTS"):
        read(tmp_path, CELL)
