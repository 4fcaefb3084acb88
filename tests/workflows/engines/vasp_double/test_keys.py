import json

import pytest

from ionface.workflows.engines.vasp_double.keys import differences, digest, key_of

from .conftest import DYNAMICS, STATIC


def _key(folder):
    return key_of(folder)


def _rewrite(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_key_is_plain_json_and_does_not_depend_on_how_the_input_is_written(
    run_folder,
):
    one = run_folder("ENCUT = 300\nEDIFF = 1E-5\nLREAL = Auto\n", name="one")
    other = run_folder(
        "lreal = AUTO ! fast\nSYSTEM = mine\nNCORE = 8; KPAR = 2\nediff = 0.00001\n"
        "Encut = 300.0\n",
        name="other",
    )
    _rewrite(other / "KPOINTS", "mesh", "another comment")
    _rewrite(other / "POSCAR", "Al", "renamed, Al")
    assert json.loads(json.dumps(_key(one))) == _key(one)
    assert digest(_key(one)) == digest(_key(other))


def test_cartesian_scaled_and_wrapped_positions_are_the_same(run_folder):
    from ase.io import read, write

    one, other = run_folder(STATIC, name="one"), run_folder(STATIC, name="other")
    atoms = read(one / "POSCAR")
    atoms.positions[0] += atoms.cell[1]
    write(other / "POSCAR", atoms, format="vasp", direct=False)
    assert digest(_key(one)) == digest(_key(other))


@pytest.mark.parametrize(
    ("name", "old", "new", "word"),
    [
        ("INCAR", "300", "400", "INCAR ENCUT: 300.0 here, 400.0 recorded"),
        ("INCAR", "ISMEAR = 0", "", "INCAR ISMEAR: 0.0 here, (none) recorded"),
        ("KPOINTS", "1 1 1", "2 1 1", "KPOINTS mesh 1: 1 here, 2 recorded"),
        ("KPOINTS", "Gamma", "Monkhorst", "KPOINTS style"),
        ("POTCAR.spec", "Al", "PAW_PBE Al 04Jan2001", "POTCAR 1"),
    ],
)
def test_what_differs_is_told(run_folder, name, old, new, word):
    one, other = run_folder(STATIC, name="one"), run_folder(STATIC, name="other")
    _rewrite(other / name, old, new)
    assert digest(_key(one)) != digest(_key(other))
    (found,) = differences(_key(one), _key(other))
    assert word in found


def test_positions_count_to_eight_digits(run_folder):
    from ionface.workflows.engines.vasp_double.poscar_reader import geometry_text, read

    one, other = run_folder(STATIC, name="one"), run_folder(STATIC, name="other")
    poscar = read(other / "POSCAR")
    for shift, same in ((1e-10, True), (1e-7, False)):
        poscar.fractional[3, 1] += shift
        (other / "POSCAR").write_text(geometry_text(poscar))
        assert (digest(_key(one)) == digest(_key(other))) is same


def test_velocities_count_in_dynamics_only(run_folder, here):
    for tags, same in ((DYNAMICS, False), (STATIC, True)):
        folder = run_folder(DYNAMICS)
        here(folder)
        plain = run_folder(tags, name="plain")
        moving = run_folder(tags, name="moving")
        text = (folder / "CONTCAR").read_text()
        (moving / "POSCAR").write_text(text)
        head = text.partition("\n\n")[0] + "\n"
        (plain / "POSCAR").write_text(head)
        assert (digest(_key(plain)) == digest(_key(moving))) is same


def test_lists_of_other_lengths_are_one_difference():
    assert list(differences({"a": [1, 2]}, {"a": [1]})) == [
        "a: 2 entries here, 1 recorded"
    ]
