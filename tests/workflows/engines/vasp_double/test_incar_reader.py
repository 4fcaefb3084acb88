import pytest

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double.incar_reader import (
    in_words,
    parse,
    read,
    text,
    typed,
)


def test_tags_share_lines_and_comments_are_dropped():
    tags = parse("nsw = 5 ; IBRION=2 # relax\nSYSTEM = a b ! c\nEDIFF = \\\n 1E-5\nx\n")
    assert tags == {"NSW": "5", "IBRION": "2", "SYSTEM": "a b", "EDIFF": "1E-5"}


def test_the_first_of_two_equal_tags_counts():
    assert parse("NSW = 1\nNSW = 2\n") == {"NSW": "1"}


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("NSW", "10", 10),
        ("NSW", "10 steps", 10),
        ("ENCUT", "480", 480.0),
        ("EDIFF", "1d-5", 1e-5),
        ("LWAVE", ".FALSE.", False),
        ("LWAVE", "T", True),
        ("LREAL", "Auto", "Auto"),
        ("LREAL", ".FALSE.", False),
        ("ALGO", "Fast", "Fast"),
        ("MAGMOM", "3*0.5 1", [0.5, 0.5, 0.5, 1]),
        ("DIPOL", "0.5 0.5 0.25", [0.5, 0.5, 0.25]),
        ("LATTICE_CONSTRAINTS", ".TRUE. .TRUE. .FALSE.", [True, True, False]),
        ("UNHEARD_OF", "7", 7),
    ],
)
def test_values_take_the_type_of_their_tag(name, given, value):
    found = typed(name, given)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "given"), [("NSW", "many"), ("LWAVE", "9"), ("NSW", "")]
)
def test_a_value_of_the_wrong_kind_is_refused_in_words_that_custodian_knows(
    name, given
):
    with pytest.raises(InputError, match="Error reading item") as caught:
        typed(name, given)
    assert "IERR= 5" in str(caught.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="INCAR"):
        read(tmp_path / "INCAR")


def test_what_is_written_is_read_again(tmp_path):
    tags = {"NSW": 5, "LWAVE": False, "EDIFF": 1e-6, "DIPOL": [0.5, 0.5, 0.1]}
    (tmp_path / "INCAR").write_text(text(tags))
    assert read(tmp_path / "INCAR") == tags
    assert in_words(True) == ".TRUE."


def test_pymatgen_reads_the_same_values(tmp_path):
    from pymatgen.io.vasp import Incar

    given = "NSW = 5\nEDIFF = 1E-5\nLWAVE = .FALSE.\nLREAL = Auto\nSIGMA = 0.1\n"
    (tmp_path / "INCAR").write_text(given)
    theirs = dict(Incar.from_file(tmp_path / "INCAR"))
    assert read(tmp_path / "INCAR") == theirs
