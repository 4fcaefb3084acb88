import numpy as np
import pytest
from ase.io import read as ase_read
from pymatgen.io.vasp import Poscar as PymatgenPoscar

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double.fortran import as_printed
from ionface.workflows.engines.vasp_double.geometry import (
    Bath,
    Poscar,
    along_free,
    contcar_text,
    geometry_text,
    parse,
    read,
    xdatcar_header,
)

PLAIN = (
    "title\n1.0\n3 0 0\n0 4 0\n1 0 5\nLi S\n1 2\nDirect\n0 0 0\n.5 .5 .5\n.25 .5 .75\n"
)


def _random(free=None, bath=None):
    rng = np.random.default_rng(3)
    return Poscar(
        "random",
        as_printed(np.eye(3) * 7 + rng.normal(0, 0.3, (3, 3)), 16),
        ("Li", "S", "Li"),
        (2, 1, 1),
        as_printed(rng.random((4, 3)), 16),
        free,
        as_printed(rng.normal(0, 1e-2, (4, 3)), 8, significant=True),
        bath,
    )


def test_species_follow_the_groups():
    assert parse(PLAIN).species == ("Li", "S", "S")
    assert _random().species == ("Li", "Li", "S", "Li")


def test_the_scale_is_a_factor():
    doubled = parse(PLAIN.replace("1.0", "2.0", 1))
    assert doubled.lattice == pytest.approx(parse(PLAIN).lattice * 2)


def test_cartesian_positions_become_fractional():
    direct = parse(PLAIN)
    places = direct.fractional @ direct.lattice
    rows = "\n".join(" ".join(map(str, row)) for row in places)
    cartesian = PLAIN.split("Direct")[0] + "Cartesian\n" + rows + "\n"
    assert parse(cartesian).fractional == pytest.approx(direct.fractional)
    doubled = parse(cartesian.replace("1.0", "2.0", 1))
    assert doubled.fractional == pytest.approx(direct.fractional)


def test_selective_dynamics_are_flags_along_the_cell_vectors():
    text = PLAIN.replace("Direct", "Selective\nDirect").replace(
        "0 0 0\n.5", "0 0 0 T F T\n.5"
    )
    text = text.replace(".5 .5 .5", ".5 .5 .5 F F F").replace(".75", ".75 T T T")
    free = parse(text).free
    assert free.tolist() == [[True, False, True], [False] * 3, [True] * 3]


def test_direct_velocities_become_cartesian():
    text = PLAIN + "Direct\n" + "0.1 0.2 0.3\n" * 3
    found = parse(text)
    assert found.velocities == pytest.approx(
        np.tile([0.1, 0.2, 0.3], (3, 1)) @ found.lattice
    )


@pytest.mark.parametrize("free", [None, np.eye(4, 3, dtype=bool)])
def test_a_contcar_is_read_back_bit_for_bit(free):
    state = _random(free, Bath(2.0, 0.70367983, -0.040029149))
    again = parse(contcar_text(state))
    assert (again.lattice == state.lattice).all()
    assert (again.fractional == state.fractional).all()
    assert (again.velocities == state.velocities).all()
    assert again.bath == state.bath
    assert contcar_text(again) == contcar_text(state)


def test_pymatgen_and_ase_read_a_contcar_and_write_it_without_loss(tmp_path):
    state = _random(np.eye(4, 3) == 1, Bath(2.0, 0.70367983, -0.040029149))
    path = tmp_path / "CONTCAR"
    path.write_text(contcar_text(state, state.fractional, state.velocities))
    theirs = PymatgenPoscar.from_file(path, check_for_potcar=False)
    assert np.array(theirs.velocities) == pytest.approx(state.velocities, rel=1e-12)
    assert theirs.structure.frac_coords == pytest.approx(state.fractional, abs=1e-15)
    assert theirs.predictor_corrector is not None
    theirs.write_file(path, significant_figures=16)
    again = read(path)
    assert (again.fractional == state.fractional).all()
    assert (again.velocities == state.velocities).all()
    assert again.bath == state.bath
    atoms = ase_read(path, format="vasp")
    assert atoms.get_scaled_positions(wrap=False) == pytest.approx(state.fractional)


def test_the_layout_is_vasps_own(realdata):
    path = realdata / "sisl-files/tests/vasp/graphene_md/CONTCAR"
    real = path.read_text()
    found = parse(real)
    assert found.bath == Bath(0.1, 1.0, 0.0)
    written = contcar_text(found).splitlines()
    lines = real.splitlines()
    assert [row.split() for row in written[:14]] == [row.split() for row in lines[:14]]
    assert written[10:12] == lines[10:12]  # velocities, to the blank
    assert len(written) == len(lines)
    assert written[15].split() == lines[15].split()  # Nosé's variables


@pytest.mark.parametrize(
    "text",
    [
        "",
        PLAIN[:40],
        PLAIN.replace(".25 .5 .75\n", ""),
        PLAIN.replace(".25", "x"),
        PLAIN + "\n1 2 3\n",
        PLAIN.replace("1.0", "1 1", 1),
        PLAIN.replace("1.0", "-60.0", 1),
        PLAIN.replace("Li S\n", ""),
        PLAIN + "Lattice velocities\n",
    ],
)
def test_a_file_that_is_not_whole_is_refused(tmp_path, text):
    path = tmp_path / "POSCAR"
    path.write_text(text)
    with pytest.raises(InputError, match="POSCAR"):
        read(path)
    with pytest.raises(InputError, match="nowhere"):
        read(tmp_path / "nowhere")


def test_headers_hold_the_cell():
    header = xdatcar_header(parse(PLAIN), "title").splitlines()
    assert header[2].split() == ["3.000000", "0.000000", "0.000000"]
    assert header[5].split() == ["Li", "S"]
    assert "Direct" in geometry_text(parse(PLAIN))


CELL = np.array([[4.0, 0.0, 0.0], [1.5, 5.0, 0.0], [0.5, 1.0, 6.0]])


def test_free_and_fixed_atoms_keep_all_or_nothing():
    vectors = np.arange(6.0).reshape(2, 3) + 1
    assert along_free(vectors, None, CELL) is vectors
    free = np.array([[True] * 3, [False] * 3])
    assert along_free(vectors, free, CELL).tolist() == [[1, 2, 3], [0, 0, 0]]


@pytest.mark.parametrize("flags", [[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 1, 1]])
def test_a_partly_free_atom_moves_along_its_free_cell_vectors_only(flags):
    free = np.array([flags], dtype=bool)
    vector = np.array([[0.3, -0.7, 1.1]])
    kept = along_free(vector, free, CELL)
    fractional = (kept @ np.linalg.inv(CELL))[0]
    assert fractional[~free[0]] == pytest.approx(np.zeros((~free).sum()), abs=1e-14)
    # nothing of what is lost lies along the free directions: work is conserved
    assert CELL[free[0]] @ (vector - kept)[0] == pytest.approx(0, abs=1e-14)


def test_fixed_coordinates_carry_no_temperature():
    places = np.zeros((10, 3))
    assert Poscar("x", CELL, ("Li",), (10,), places).freedom == 27  # less the center
    free = np.ones((10, 3), dtype=bool)
    free[:4] = False
    assert Poscar("x", CELL, ("Li",), (10,), places, free).freedom == 18
