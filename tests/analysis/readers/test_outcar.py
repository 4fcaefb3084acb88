import re

import numpy as np
import pytest

from ionface.analysis.readers import open_trajectory
from ionface.errors import AnalysisError


@pytest.fixture
def write(tmp_path):
    def write(text):
        (tmp_path / "OUTCAR").write_text(text)
        return tmp_path / "OUTCAR"

    return write


def test_positions_are_read_to_the_digits_printed(write, run):
    found = open_trajectory(write(run.outcar()))
    assert found.species == run.species
    np.testing.assert_allclose(found.positions, run.positions, atol=0.51e-5)
    np.testing.assert_array_equal(found.lattice, run.lattice)
    assert found.times_fs.tolist() == [0, 2, 4, 6, 8, 10]
    assert found.energies.tolist() == [run.energy(i) for i in range(6)]
    assert found.scalars["temperature"].tolist() == [300.5] * 6
    assert found.skipped.reason == ""


def test_a_file_cut_at_any_byte_yields_only_whole_frames(write, make_run):
    run = make_run(3)
    text = run.outcar()
    table = [i for i in range(len(text)) if text.startswith(" POSITION", i)]
    energies = [text.index(" eV", i) + 3 for i in table]
    for length in range(table[0], len(text) - 50, 11):
        found = open_trajectory(write(text[:length]))
        assert len(found) == sum(length >= end for end in energies)
        if len(found):
            right = run.positions[: len(found)]
            np.testing.assert_allclose(found.positions, right, atol=0.51e-5)
        assert found.skipped.reason


def test_columns_that_touch_are_told_apart(write, run):
    text = run.outcar()
    row = text[text.index("POSITION") :].splitlines()[2]
    text = text.replace(row, "   -100.12345-1000.12345-1000.54321" + row[-42:])
    found = open_trajectory(write(text))
    assert found.positions[0, 0].tolist() == [-100.12345, -1000.12345, -1000.54321]


@pytest.mark.parametrize("old", ["-20.12500000 eV", "direct lattice", "0.250000\n"])
def test_a_step_without_a_cell_an_energy_or_a_row_ends_the_reading(write, run, old):
    first, second = run.outcar().split("Iteration      2(", 1)
    second = second.replace(old, "?", 1)
    found = open_trajectory(write(f"{first}Iteration      2({second}"))
    assert len(found) == 1
    assert "incomplete" in found.skipped.reason


def test_steps_that_were_not_printed_leave_their_time(write, run):
    head, *steps, end = run.outcar().split("------- Iteration")
    steps = [step for i, step in enumerate([*steps, end]) if i % 2 == 0]
    found = open_trajectory(write("------- Iteration".join([head, *steps])))
    assert found.times_fs.tolist() == [0, 4, 8]


def test_learned_forces_are_refused(write, run):
    with pytest.raises(AnalysisError, match="ML_LMLFF"):
        open_trajectory(write(run.outcar("   ML_LMLFF = .TRUE.\n")))


def types(text, kinds, counts, nions):
    """Return an OUTCAR that tells other species and numbers, as the lines of VASP."""
    named = "".join(f"   VRHFIN ={kind}: x\n" for kind in kinds)
    text = re.sub(r"( +VRHFIN.*\n)+", named, text)
    lines = "   ions per type =            " + counts + f"   NIONS = {nions}\n"
    return re.sub(r".*ions per type.*\n", lines, text)


def test_numbers_of_thousands_touch_and_are_told_apart_by_their_sum(write, make_run):
    large = make_run(1, times=500)  # In1000 S1500
    text = types(large.outcar(), ("In", "S"), "10001500   \n", 2500)
    assert open_trajectory(write(text)).species == large.species


def test_sixteen_types_stand_in_two_lines(write, make_run):
    kinds = [
        "H",
        "Li",
        "B",
        "C",
        "N",
        "O",
        "F",
        "Na",
        "Mg",
        "Al",
        "Si",
        "P",
        "S",
        "Cl",
        "Ge",
        "In",
    ]
    run = make_run(2, times=4)  # 20 atoms
    counts = "   1" * 9 + "   5\n" + " " * 32 + "   1" * 6 + "\n"
    found = open_trajectory(write(types(run.outcar(), kinds, counts, 20)))
    assert found.species == (*kinds[:9], *["Al"] * 5, *kinds[10:])
    np.testing.assert_allclose(found.positions, run.positions, atol=0.51e-5)


def test_numbers_beyond_their_field_are_refused_at_once(write, run):
    """Fortran prints stars; what reads digits in digits would never come back."""
    text = types(run.outcar(), ("In", "S"), "1000" * 9 + "****\n", 19000)
    with pytest.raises(AnalysisError, match="tells no atoms"):
        open_trajectory(write(text))


@pytest.mark.parametrize("old", ["VRHFIN", "ions per type"])
def test_a_file_that_tells_no_atoms_is_refused(write, run, old):
    with pytest.raises(AnalysisError, match="tells no atoms"):
        open_trajectory(write(run.outcar().replace(old, "?")))


def test_real_files_have_their_frames(realdata):
    found = open_trajectory(realdata / "custodian/tests/files/npt_nvt/OUTCAR")
    assert (len(found), found.n_atoms, found.times_fs[1]) == (10, 84, 2.0)
    assert np.isfinite(found.scalars["conserved"]).all()
