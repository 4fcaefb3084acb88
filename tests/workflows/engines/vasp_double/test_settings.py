import gzip
import re

import numpy as np
import pytest

from ionface.analysis.readers.incar import parse_incar
from ionface.errors import InputError
from ionface.workflows.engines.vasp.potcar_facts import FACTS
from ionface.workflows.engines.vasp_double.geometry import Poscar
from ionface.workflows.engines.vasp_double.potcars import Pseudopotential
from ionface.workflows.engines.vasp_double.settings import (
    AMU,
    BOLTZMANN,
    read,
    resolve,
    typed,
)

POTENTIALS = [
    Pseudopotential(f"PAW_PBE {symbol}", *FACTS[symbol], mass)
    for symbol, mass in (("Li", 6.94), ("S", 32.06))
]


def settings(text="", counts=(2, 1), lattice=None, free=None):
    """Return the resolved parameters of an INCAR for some Li and S."""
    lattice = np.eye(3) * 5 if lattice is None else lattice
    places = np.zeros((sum(counts), 3))
    start = Poscar("Li and S", lattice, ("Li", "S"), counts, places, free)
    given = {name: typed(name, value) for name, value in parse_incar(text).items()}
    return resolve(given, POTENTIALS, start)


def test_tags_share_lines_and_comments_are_dropped():
    tags = parse_incar(
        "nsw = 5 ; IBRION=2 # relax\nSYSTEM = a b ! c\nEDIFF = \\\n 1E-5\nx\n"
    )
    assert tags == {"NSW": "5", "IBRION": "2", "SYSTEM": "a b", "EDIFF": "1E-5"}


def test_the_first_of_two_equal_tags_counts():
    assert parse_incar("NSW = 1\nNSW = 2\n") == {"NSW": "1"}


@pytest.mark.parametrize(
    ("name", "text", "value"),
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
        ("LATTICE_CONSTRAINTS", "False False True", [False, False, True]),
        ("UNHEARD_OF", "7", 7),
    ],
)
def test_values_take_the_type_of_their_tag(name, text, value):
    assert typed(name, text) == value
    assert type(typed(name, text)) is type(value)


@pytest.mark.parametrize(
    ("name", "text"), [("NSW", "many"), ("LWAVE", "9"), ("NSW", "")]
)
def test_a_value_of_the_wrong_kind_is_refused_in_words_that_custodian_knows(name, text):
    with pytest.raises(InputError, match="Error reading item") as caught:
        typed(name, text)
    assert "IERR= 5" in str(caught.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="INCAR"):
        read(tmp_path / "INCAR")


def test_the_defaults_are_vasps():
    found = settings()
    tags = found.tags
    assert not found.dynamics
    assert not found.relaxation
    assert (found.steps, tags["ISIF"], tags["NELM"]) == (1, 2, 60)
    assert tags["EDIFF"] == 1e-4
    assert tags["EDIFFG"] == pytest.approx(10 * tags["EDIFF"])
    assert tags["NELECT"] == 2 * 1 + 6
    assert tags["ENMAX"] == max(p.enmax for p in POTENTIALS)
    assert settings("NSW = 5\nPOTIM = 1\n").dynamics
    assert settings("NSW = 5\nIBRION = 0\nPOTIM = 1\n").tags["ISIF"] == 0


@pytest.mark.parametrize(
    ("text", "steps", "relaxes"),
    [("IBRION=2;NSW=9", 9, True), ("IBRION=1;NSW=9", 9, True),
     ("IBRION=-1;NSW=9", 1, False), ("IBRION=2;NSW=0", 1, False)],
)  # fmt: skip
def test_ibrion_and_nsw_choose_how_ions_move(text, steps, relaxes):
    assert settings(text).relaxation == relaxes
    assert settings(text).steps == steps


@pytest.mark.parametrize(
    "text",
    [
        "IBRION = 5\nNSW = 1",
        "IBRION = 0\nNSW = 5",
        "IBRION = 0\nNSW = 5\nPOTIM = 1\nMDALGO = 3",
        "IBRION = 0\nNSW = 5\nPOTIM = 1\nISIF = 3",
        "ISIF = 8",
        "PSTRESS = 10",
        "ML_LMLFF = T",
        "LSORBIT = T",
        "SMASS = -1",
        "NELM = 0",
        "IMAGES = 4",
    ],
)
def test_what_would_run_differently_is_refused(text):
    with pytest.raises(InputError, match="cannot be emulated"):
        settings(text)


@pytest.mark.parametrize("isif", range(4))
def test_isif_chooses_whether_the_cell_relaxes(isif):
    assert settings(f"IBRION=2\nNSW=5\nISIF={isif}").relaxes_cell == (isif == 3)


def test_smass_zero_has_a_period_of_forty_steps():
    cell = np.diag([9.0, 7.0, 30.0])
    text = "IBRION=0\nNSW=5\nPOTIM=2\nSMASS=0\nTEBEG=300\nTEEND=600"
    inertia = settings(text, (16, 4), cell).tags["SMASS"] * AMU * 81
    omega = np.sqrt(2 * 57 * BOLTZMANN * 600 / inertia)  # 3 x 20 - 3 coordinates
    assert 2 * np.pi / omega == pytest.approx(40 * 2)


def test_smass_zero_becomes_the_number_that_vasp_prints(realdata):
    path = (
        realdata
        / "pymatgen-core/test-files/io/vasp/outputs/vasprun.bad_random_seed.xml.gz"
    )
    text = gzip.decompress(path.read_bytes()).decode(errors="replace")
    basis = re.search(r'name="basis" >(.*?)</varray>', text, re.DOTALL)[1]
    cell = np.array(re.findall(r"-?\d+\.\d+", basis), dtype=float).reshape(3, 3)
    tags = "IBRION=0\nNSW=300\nPOTIM=2\nSMASS=0\nTEBEG=800"
    printed = float(re.findall(r'name="SMASS">\s*([\d.]+)', text)[1])
    ours = settings(tags, (40, 10), cell).tags["SMASS"]
    assert ours == pytest.approx(printed, rel=1e-5)
